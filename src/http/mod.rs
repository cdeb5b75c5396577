//! Who knocks: one listener each for FreeSWITCH (`switch`), phones (`phones`) and operators (`admin`), with its own
//! router, limits and allow list.
//!
//! `admin`, `phones` and `switch` answer requests; the other modules are scaffolding.

pub mod access;
pub mod admin;
pub mod auth;
pub mod content;
mod crowd;
#[cfg(test)]
mod curl;
pub mod digest;
pub mod page;
pub mod peer;
pub mod phones;
pub mod problem;
pub mod refusals;
mod serve;
mod stall;
pub mod switch;
pub mod tls;
pub mod watch;
pub mod watchdog;

pub use serve::{Incoming, Limits, serve};
