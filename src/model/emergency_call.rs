//! What FreeSWITCH tells of an emergency call.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An emergency call, as FreeSWITCH's dialplan tells of it; it may have been made while nobody listened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyCall {
    /// The channel's Unique-ID.
    pub call: String,
    /// The FreeSWITCH node.
    pub node: String,
    /// What became of it so far.
    pub stage: EmergencyStage,
    /// The number; of a call back the one that was called back.
    pub number: String,
    /// The user name with which the phone registers.
    pub from: String,
    /// The caller ID that it showed.
    pub caller_id: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Whether it was made while we were not there.
    pub missed: bool,
}

/// How far an emergency call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmergencyStage {
    /// It was dialled.
    Dialled,
    /// No route took it.
    Unreachable,
    /// Somebody called the number back that it had shown.
    Callback,
}

impl EmergencyStage {
    /// The name that the dialplan gives it.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "dialled" => Self::Dialled,
            "unreachable" => Self::Unreachable,
            "callback" => Self::Callback,
            _ => return None,
        })
    }
}
