//! PURE codecs: bytes and pictures in and out, apart from what they mean. Fuzzed where they read; uses nothing of
//! the house.

pub mod barcode;
