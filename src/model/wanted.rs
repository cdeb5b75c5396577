//! Wanted against actual: what a target should come to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One wanted row, keyed by kind and target; a newer one replaces an older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What is wanted.
    pub kind: WantedKind,
    /// Of whom: a phone's MAC address.
    pub target: String,
    /// What it should come to, as a value to compare: who should be seen there and since when.
    pub value: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is given up; only a one-shot is.
    pub expires: Option<Timestamp>,
}

/// The kinds of wanted things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WantedKind {
    /// The phone should fetch its configuration again.
    Resync,
    /// The phone's message lamp should show the mailbox of who sits there.
    Lamp,
    /// The phone should restart, once and soon or not at all.
    Restart,
}

impl WantedKind {
    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resync => "resync",
            Self::Lamp => "lamp",
            Self::Restart => "restart",
        }
    }

    /// The kind of that name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Resync, Self::Lamp, Self::Restart].into_iter().find(|kind| kind.as_str() == name)
    }
}
