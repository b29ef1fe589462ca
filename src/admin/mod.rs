//! What operators do. `operations` holds every act once; consoles and commands are thin over it.

pub mod operations;
