//! XML Encryption 1.1 of one assertion for one recipient.
