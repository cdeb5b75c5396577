//! The room `event_socket`, from outside.

mod captures;
mod client;
mod commands;
mod hostile;
mod peer;
mod reference;
mod server;
mod session;
mod wire;
