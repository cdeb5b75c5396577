//! How the queues stand at FreeSWITCH, for people to read.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::AgentStatus;

/// One thing to do at a node so that its queues are as they should be, in words of `callcenter_config`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum QueueStep {
    /// The module is not loaded.
    LoadModule,
    /// The queue is missing.
    LoadQueue {
        /// Which.
        queue: String,
    },
    /// The queue has other parameters.
    ReloadQueue {
        /// Which.
        queue: String,
    },
    /// An agent is missing.
    AddAgent {
        /// Which.
        agent: String,
    },
    /// An agent's contact, type or timing differs.
    SetAgent {
        /// Which.
        agent: String,
        /// What: `contact`, `wrap_up_time`, …
        key: String,
        /// To this.
        value: String,
    },
    /// An agent does not serve a queue yet.
    AddTier {
        /// Which queue.
        queue: String,
        /// Who.
        agent: String,
        /// Level.
        level: u32,
        /// Position.
        position: u32,
    },
    /// An agent serves a queue in another place.
    SetTier {
        /// Which queue.
        queue: String,
        /// Who.
        agent: String,
        /// `level` or `position`.
        key: String,
        /// To this.
        value: u32,
    },
    /// An agent serves a queue no longer.
    RemoveTier {
        /// Which queue.
        queue: String,
        /// Who.
        agent: String,
    },
    /// An agent is no more.
    RemoveAgent {
        /// Which.
        agent: String,
    },
    /// A queue is no more.
    UnloadQueue {
        /// Which.
        queue: String,
    },
    /// Somebody logged in or out.
    SetStatus {
        /// Which agent.
        agent: String,
        /// To this.
        status: AgentStatus,
    },
}

impl fmt::Display for QueueStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoadModule => f.write_str("load the module"),
            Self::LoadQueue { queue } => write!(f, "load queue {queue}"),
            Self::ReloadQueue { queue } => write!(f, "reload queue {queue}"),
            Self::AddAgent { agent } => write!(f, "add agent {agent}"),
            Self::SetAgent { agent, key, value } => {
                write!(f, "set {key} of agent {agent} to {value}")
            }
            Self::AddTier { queue, agent, .. } => write!(f, "add agent {agent} to queue {queue}"),
            Self::SetTier { queue, agent, key, value } => {
                write!(f, "set {key} of agent {agent} in queue {queue} to {value}")
            }
            Self::RemoveTier { queue, agent } => {
                write!(f, "take agent {agent} out of queue {queue}")
            }
            Self::RemoveAgent { agent } => write!(f, "remove agent {agent}"),
            Self::UnloadQueue { queue } => write!(f, "unload queue {queue}"),
            Self::SetStatus { agent, status } => {
                write!(f, "set the status of agent {agent} to {status}")
            }
        }
    }
}

/// Why something is left for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waits {
    /// The agent is being offered a call, or has one.
    AgentBusy,
    /// A phone where the agent sits is in a call.
    PhoneInCall,
    /// Callers wait in the queue.
    CallersWait,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AgentBusy => "the agent is being offered a call, or has one",
            Self::PhoneInCall => "the agent's phone is in a call",
            Self::CallersWait => "callers wait there",
        })
    }
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is there, as it should be.
    Same,
    /// It is there, and differs.
    Differs,
    /// It should be there.
    Missing,
    /// It was ours and should be gone.
    Surplus,
    /// Somebody else made it; it is left alone.
    Foreign,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Missing => "missing",
            Self::Surplus => "surplus",
            Self::Foreign => "not ours",
        })
    }
}

/// The queues at one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeQueues {
    /// What the operator calls the node.
    pub node: String,
    /// Why nothing can be said, in words; then the rest is empty.
    pub trouble: Option<String>,
    /// The queues that are there or should be.
    pub queues: Vec<QueueReport>,
    /// The agents that are there or should be.
    pub agents: Vec<AgentReport>,
    /// What is to be done; what was done, where it was asked for.
    pub steps: Vec<QueueStep>,
    /// What waits, and for what.
    pub waiting: Vec<(QueueStep, Waits)>,
}

/// One queue at one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueReport {
    /// Its name.
    pub queue: String,
    /// Whether it is as it should be.
    pub standing: Standing,
    /// How many callers wait.
    pub callers: u32,
    /// How many agents serve it, by their status in FreeSWITCH's words.
    pub agents: BTreeMap<String, u32>,
}

/// One agent at one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReport {
    /// The name.
    pub agent: String,
    /// Whether it is as it should be.
    pub standing: Standing,
    /// FreeSWITCH's word for the status.
    pub status: Option<String>,
    /// FreeSWITCH's word for what the agent is doing.
    pub state: Option<String>,
}
