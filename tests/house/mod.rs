//! The plan of the house, held: who may import whom, where each package lives, how long a file may be.

mod imports;
