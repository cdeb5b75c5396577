//! What FreeSWITCH tells of a call in a queue.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Extension, TeamId};

/// The context with one extension for each queue, named as its team.
pub const QUEUES_CONTEXT: &str = "hotdesk_queues";
/// The context in which `<agent>-<team>` rings that agent, if free, and then goes to the team's queue.
pub const LAST_AGENT_CONTEXT: &str = "hotdesk_last_agent";

/// What became of a call in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCall {
    /// The caller's Unique-ID.
    pub call: String,
    /// The team whose queue it is.
    pub team: TeamId,
    /// How many seconds the caller waited; absent: since the call was sent on its way.
    pub waited: Option<u32>,
    /// What became of it.
    pub outcome: QueueOutcome,
}

/// How a call left a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueOutcome {
    /// An agent took it; absent: one who is none of our users.
    Answered(Option<Extension>),
    /// Nobody did.
    Left(QueueLeft),
}

/// Why a call left a queue that nobody took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueLeft {
    /// The caller hung up.
    HungUp,
    /// The caller had waited as long as a caller may.
    TimedOut,
    /// Nobody was logged in for as long as a caller then may wait.
    NoAgent,
    /// FreeSWITCH gave another reason.
    Other,
}

impl fmt::Display for QueueLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HungUp => "the caller hung up",
            Self::TimedOut => "the wait was over",
            Self::NoAgent => "nobody was logged in",
            Self::Other => "the queue let it go",
        })
    }
}
