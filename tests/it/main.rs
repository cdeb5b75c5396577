//! Behaviour tests.
mod event_socket;
