//! Where users come from: the users file.

mod file;

pub use file::{Error, read};
