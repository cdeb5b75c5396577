//! Behaviour tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]
mod admin_api;
mod event_socket;
mod rooms;
mod simulator;
mod switch;
