//! Why a call goes where it goes, for the journal and for people.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{LookUpFailure, TeamId};

/// Why a call goes where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Reason {
    /// This team looks after the customer.
    Found {
        /// Which.
        team: TeamId,
    },
    /// The number is withheld.
    Anonymous,
    /// The number is one of ours.
    Internal,
    /// What calls is no number.
    NotANumber,
    /// There is no database to ask.
    NoDatabase,
    /// The database has nobody with this number.
    NoMatch,
    /// It has several, of several teams.
    Ambiguous {
        /// The first few of them, as the database spells them.
        teams: Vec<String>,
    },
    /// The database did not answer.
    NoAnswer {
        /// How.
        failure: LookUpFailure,
    },
    /// It names a team that is none of ours.
    UnknownTeam {
        /// As the database spells it.
        team: String,
    },
    /// The team has no queue.
    NoQueue {
        /// Which.
        team: TeamId,
    },
    /// The team is closed at this hour.
    Closed {
        /// Which.
        team: TeamId,
    },
    /// The team has a holiday.
    Holiday {
        /// Which.
        team: TeamId,
    },
    /// Nobody of the team is logged in.
    Nobody {
        /// Which.
        team: TeamId,
    },
    /// Of all that the settings name nothing is there.
    LastResort,
}

impl Reason {
    /// One word for it, in the channel variable and in metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Found { .. } => "found",
            Self::Anonymous => "anonymous",
            Self::Internal => "internal",
            Self::NotANumber => "not-a-number",
            Self::NoDatabase => "no-database",
            Self::NoMatch => "no-match",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NoAnswer { .. } => "no-answer",
            Self::UnknownTeam { .. } => "unknown-team",
            Self::NoQueue { .. } => "no-queue",
            Self::Closed { .. } => "closed",
            Self::Holiday { .. } => "holiday",
            Self::Nobody { .. } => "nobody",
            Self::LastResort => "last-resort",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { team } => write!(f, "team {team} looks after the customer"),
            Self::Anonymous => f.write_str("the caller withheld the number"),
            Self::Internal => f.write_str("the caller's number is one of ours"),
            Self::NotANumber => f.write_str("what calls is no number that a customer could have"),
            Self::NoDatabase => f.write_str("there is no customer database"),
            Self::NoMatch => f.write_str("no customer has this number"),
            Self::Ambiguous { teams } => {
                write!(f, "customers of several teams have this number: {}", teams.join(", "))
            }
            Self::NoAnswer { failure } => f.write_str(match failure {
                LookUpFailure::Deadline => "the customer database did not answer in time",
                LookUpFailure::Error => "the customer database failed",
                LookUpFailure::Resting => {
                    "the customer database failed too often and is left alone for a while"
                }
                LookUpFailure::Busy => "too many callers are being looked up",
            }),
            Self::UnknownTeam { team } => {
                write!(
                    f,
                    "the customer database names the team \u{201c}{team}\u{201d}, which is none of ours"
                )
            }
            Self::NoQueue { team } => write!(f, "team {team} has no queue"),
            Self::Closed { team } => write!(f, "team {team} is closed at this hour"),
            Self::Holiday { team } => write!(f, "team {team} has a holiday"),
            Self::Nobody { team } => write!(f, "nobody of team {team} is logged in"),
            Self::LastResort => f.write_str("nothing that the settings name is there"),
        }
    }
}
