//! The plan of the house, held: who may import whom, where each package lives, how long a file may be; and that
//! recipes show what runs.

mod imports;
mod recipes;
