//! hotdeskd
pub mod event_socket;
