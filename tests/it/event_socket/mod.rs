//! The room `event_socket`, from outside.

mod captures;
mod commands;
mod hostile;
mod reference;
mod wire;
