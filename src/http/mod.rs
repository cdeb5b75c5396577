//! Who knocks: one listener each for FreeSWITCH (`switch`) and for operators (`admin`), with its own
//! router, limits and allow list.
//!
//! `serve` and `auth` are scaffolding; the other modules answer requests.

pub mod admin;
pub mod auth;
mod serve;
pub mod switch;
pub mod watchdog;

pub use serve::{Incoming, Limits, serve};
