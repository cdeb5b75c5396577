//! Wanted against actual: what a target should come to.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One wanted row, keyed by kind and target; a newer one replaces an older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What is wanted.
    pub kind: WantedKind,
    /// Of whom: a phone's MAC address; of an agent the extension.
    pub target: String,
    /// What it should come to, as a value to compare: who should be seen there and since when.
    pub value: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is given up; only a one-shot is.
    pub expires: Option<Timestamp>,
    /// What was done for it, where only the phone's fetch can say that it has come to it.
    pub attempts: Attempts,
}

impl Wanted {
    /// Whether the other one wants the same thing of the same target since the same second, however far each has come:
    /// the store, too, knows a row by these.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.target == other.target
            && self.value == other.value
            && self.since.as_second() == other.since.as_second()
    }
}

/// How often and when a phone was told to fetch its configuration, while it has not done so. Kept in the store, so that a
/// daemon that starts again does not begin again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How many check-syncs FreeSWITCH took for it, a restart among them.
    pub tries: u32,
    /// When the last one was.
    pub told: Option<Timestamp>,
    /// Whether a restart of our own was among them: there is one and no more.
    pub restarted: bool,
    /// Since when the phone counts as one that does not show it.
    pub not_shown: Option<Timestamp>,
}

/// Why a phone does not show what it should, as far as anybody can tell: its answer to a NOTIFY is invisible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotShown {
    /// It is not registered, so nobody can tell it.
    Unregistered,
    /// It was told, and fetched nothing.
    Silent {
        /// How many check-syncs it took, a restart among them.
        tries: u32,
        /// Whether a restart was among them.
        restarted: bool,
    },
}

impl fmt::Display for NotShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unregistered => f.write_str("it is not registered"),
            Self::Silent { tries, restarted } => {
                let reloads = tries.saturating_sub(u32::from(restarted));
                let plural = if reloads == 1 { "" } else { "s" };
                let restart = if restarted { " and a restart" } else { "" };
                write!(f, "it took {reloads} reload NOTIFY{plural}{restart} and fetched nothing")
            }
        }
    }
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
    /// Somebody logged in or out who serves a queue: the agent should have this status.
    Agent,
}

impl WantedKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Resync, Self::Lamp, Self::Restart, Self::Agent];

    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resync => "resync",
            Self::Lamp => "lamp",
            Self::Restart => "restart",
            Self::Agent => "agent",
        }
    }

    /// The kind of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_sentence() {
        let silent = |tries, restarted| NotShown::Silent { tries, restarted }.to_string();
        assert_eq!(silent(4, false), "it took 4 reload NOTIFYs and fetched nothing");
        assert_eq!(silent(5, true), "it took 4 reload NOTIFYs and a restart and fetched nothing");
        assert_eq!(silent(1, false), "it took 1 reload NOTIFY and fetched nothing");
        assert_eq!(NotShown::Unregistered.to_string(), "it is not registered");
    }

    #[test]
    fn a_row_is_the_same_however_far_it_has_come_and_after_it_was_stored() {
        let since = Timestamp::from_millisecond(5_700).unwrap();
        let row = Wanted {
            kind: WantedKind::Resync,
            target: "0004132a0001".into(),
            value: "1001 since 5".into(),
            since,
            expires: None,
            attempts: Attempts::default(),
        };
        let attempts = Attempts { tries: 3, told: Some(since), ..Attempts::default() };
        let stored = Timestamp::from_second(5).unwrap();
        assert!(row.is_same(&Wanted { attempts, since: stored, ..row.clone() }));
        assert!(!row.is_same(&Wanted { value: "nobody".into(), ..row.clone() }));
        assert!(!row.is_same(&Wanted { kind: WantedKind::Lamp, ..row.clone() }));
        let later = Timestamp::from_second(6).unwrap();
        assert!(!row.is_same(&Wanted { since: later, ..row.clone() }));
    }
}
