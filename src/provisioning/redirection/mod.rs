//! Redirection: a vendor's service sends factory-new phones to us, once it was told of them.
//!
//! | file | what |
//! | --- | --- |
//! | `settings` | the tables `[redirection.NAME]` |
//! | `xml_rpc` | calls and answers as XML; the only file that knows dxr |
//! | `client` | one service over HTTPS: what each method means, and what may go wrong |
//! | `caller` | asking again, later and later, and giving up |
//! | `plan` | inventory × what the service holds × what we told it; no IO |
//! | `rows` | what is written down of each phone; no IO |
//! | `round` | one round at one service: look, plan, do |
//! | `run` | rounds on request, one at a time, and by themselves |
//!
//! A phone's own URL holds its key, and whoever has that has the phone's secrets. The service gets it over HTTPS and
//! nobody else does: it stands in no log, error, answer or table. What we told the service is known again by a digest.

mod caller;
mod client;
mod plan;
mod round;
mod rows;
mod run;
pub mod settings;
mod xml_rpc;

use serde::{Deserialize, Serialize};

pub use client::{Access, Trouble};
pub use plan::{Planned, Step};
pub use run::Redirections;
pub use xml_rpc::{Refusal, Unreadable};

use crate::model::Mac;
use crate::store::{DatabaseError, WriteError};
use settings::ServiceName;

/// A service of the configuration.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// How it is reached.
    pub access: Access,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What.
    pub task: Task,
    /// At which service; absent: at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Of which phones; none: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Mac>,
    /// Remove even more than half of what is registered.
    #[serde(default)]
    pub yes: bool,
}

/// A kind of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Tells what is to be done, and does nothing.
    #[default]
    Plan,
    /// Does it.
    Apply,
    /// Does it, but removes nothing: what the daemon does by itself.
    Reconcile,
    /// Has the service forget the phones that are named, whoever told it of them.
    Remove,
}

/// Why nothing was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotBegun {
    /// There is none.
    #[error(
        "there is no redirection service in the configuration; a table such as [redirection.snom] names one"
    )]
    NoService,
    /// None of that name.
    #[error(
        "there is no such redirection service in the configuration; `hotdeskd config show` shows those that are"
    )]
    NoSuchService,
    /// Something is being done.
    #[error("a redirection service is being asked already; try again when that is done")]
    Busy,
    /// It is not said of which one.
    #[error("there are several redirection services; say which with --service")]
    WhichService,
    /// To remove all phones by name is no order.
    #[error("name the phones that the service is to forget")]
    NoPhones,
}

/// How it stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunStatus {
    /// What is being done.
    pub running: Option<Progress>,
    /// How many orders have ended.
    pub ended: u64,
}

/// How far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// At which service.
    pub service: String,
    /// What is being done there.
    pub doing: Doing,
    /// How much of it is done.
    pub done: usize,
    /// Of how much.
    pub of: usize,
}

/// What is being done at a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// Its lists are read.
    #[default]
    Listing,
    /// It is asked phone by phone.
    Asking,
    /// It is told phone by phone.
    Telling,
}

/// What came of an order at one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which.
    pub service: String,
    /// What each phone comes to; none where phones were removed by name.
    pub planned: Vec<Planned>,
    /// How many phones of the inventory are not for this service.
    pub others: usize,
    /// What was done, or failed.
    pub done: Vec<Done>,
    /// How many phones the service sends to us from now on.
    pub registered: usize,
    /// How many it sent elsewhere before.
    pub changed: usize,
    /// How many it has forgotten.
    pub removed: usize,
    /// With how many it did not work.
    pub failed: usize,
    /// How many were not begun.
    pub left: usize,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What was done with one phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which.
    pub phone: Mac,
    /// What.
    pub step: Step,
    /// Why it did not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a write of the store failed with.
pub(super) fn written(error: WriteError<DatabaseError>) -> DatabaseError {
    match error {
        WriteError::Job(error) => error,
        other => DatabaseError::Io(std::io::Error::other(other.to_string())),
    }
}
