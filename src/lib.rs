//! miniaccount: the account backend for mini programs. This is the map of the house.

pub mod clock;
pub mod config;
pub mod error;
pub mod random;
