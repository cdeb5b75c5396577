//! hotdeskd: a companion daemon for FreeSWITCH. People sit down at any desk phone, dial a code, give
//! extension and PIN, and the phone is theirs; they leave, and it is nobody's.
//!
//! The map. A room may use only what ARCHITECTURE.md says; `tests/it/rooms.rs` holds that.
//!
//! | room | is for |
//! | --- | --- |
//! | [`model`] | values and rules, without IO and clock |
//! | [`event_socket`] | FreeSWITCH's protocol, both ways |
//! | [`store`] | the only SQL; one writer; everything in memory |
//! | [`desk`] | what can be done to a desk, one function each |
//! | [`people`] | where users come from |
//! | [`databases`] | somebody else's databases: connections, a query as a table |
//! | [`customers`] | who calls: a number looked up in somebody else's database |
//! | [`provisioning`] | what a phone should know: vendors, templates, enrolment |
//! | [`xml_curl`] | FreeSWITCH's questions and their answers |
//! | [`standing`] | what FreeSWITCH has on its own disk for the time when we are gone |
//! | [`calls`] | conversations with callers |
//! | [`http`] | the listeners for FreeSWITCH and for operators |
//! | [`metrics`] | what is counted and timed, as Prometheus reads it |
//! | [`webhooks`] | other systems, told of what happens |
//! | [`simulator`] | the other end: a FreeSWITCH and phones |
//! | [`app`], [`cli`], [`config`], [`telemetry`] | the entrance |

pub mod app;
pub mod calls;
pub mod cli;
pub mod config;
pub mod customers;
pub mod databases;
pub mod desk;
pub mod event_socket;
pub mod http;
pub mod metrics;
pub mod model;
pub mod people;
pub mod provisioning;
pub mod simulator;
pub mod standing;
pub mod store;
pub mod switch;
pub mod telemetry;
pub mod webhooks;
pub mod xml_curl;
