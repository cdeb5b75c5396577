//! hotdeskd: a companion daemon for FreeSWITCH.

pub mod calls;
pub mod cli;
pub mod config;
pub mod desk;
pub mod event_socket;
pub mod http;
pub mod model;
pub mod people;
pub mod simulator;
pub mod standing;
pub mod store;
pub mod switch;
pub mod telemetry;
pub mod xml_curl;
