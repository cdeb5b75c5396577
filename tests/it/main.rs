//! Behaviour tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]
#[path = "../support/mod.rs"]
mod support;

mod admin_api;
mod cli;
mod demo;
mod event_socket;
mod faults;
mod hostile_names;
mod kill;
mod login;
mod phones_listener;
mod refusals;
mod rooms;
mod secrets;
mod simulator;
mod simulator_captures;
mod simulator_device;
mod simulator_inbound;
mod simulator_peer;
mod simulator_traps;
mod standing_files;
mod switch;
