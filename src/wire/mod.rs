//! PURE codecs: bytes in, values out, and back. No I/O, no clock; which bytes to trust is the callers' to say.

pub mod jose;
