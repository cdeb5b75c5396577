//! Behaviour tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]
#[path = "../support/mod.rs"]
mod support;

mod access;
mod admin_api;
mod attendance;
mod cli;
mod customer_service;
mod customers;
mod demo;
mod dhcp;
mod event_socket;
mod faults;
mod handsets;
mod hostile_names;
mod kill;
mod ldap;
mod login;
mod logs;
mod onboarding;
mod page;
mod phone_book;
mod phones_configure;
mod phones_import;
mod phones_listener;
mod phones_operator;
mod phones_unknown;
mod phones_way;
mod pnp;
mod queues;
mod redirection;
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
mod watch;
mod webhooks;
