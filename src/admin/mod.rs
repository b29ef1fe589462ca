//! What an operator does, from the command line today. Thin faces over `operations`.

pub mod operations;
