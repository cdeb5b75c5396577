//! Where users come from: the users file, an LDAP server.

mod file;
pub mod ldap;

pub use file::{Error, read};
