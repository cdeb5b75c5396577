//! The customer: somebody in another database, found by the number that calls.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A customer as the database has it; texts as they stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The team that looks after the customer, in the database's spelling.
    pub team: String,
    /// The name to show; absent where the database has none, or several.
    pub name: Option<String>,
    /// How important: a larger one is served first.
    pub priority: Option<i64>,
}

/// What came of looking a caller up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookUp {
    /// One customer, or several whom one team looks after.
    Found(Customer),
    /// The database knows no such number.
    NoMatch,
    /// Several customers, and not one team: their teams, in the database's spelling.
    Ambiguous(Vec<String>),
    /// The database was not asked.
    NotAsked(NotAsked),
    /// The database did not answer.
    Failed(LookUpFailure),
}

impl fmt::Display for LookUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Found(_) => "found",
            Self::NoMatch => "nobody has this number",
            Self::Ambiguous(_) => {
                "several customers have this number, and no one team looks after them"
            }
            Self::NotAsked(NotAsked::Anonymous) => {
                "not asked: the number is withheld, or there is none"
            }
            Self::NotAsked(NotAsked::Internal) => "not asked: it is one of our own",
            Self::NotAsked(NotAsked::NotANumber) => {
                "not asked: it is no number of the telephone network; see `customers.country`"
            }
            Self::NotAsked(NotAsked::NoDatabase) => "not asked: no `customers.url` is set",
            Self::Failed(LookUpFailure::Deadline) => {
                "the database did not answer within the deadline"
            }
            Self::Failed(LookUpFailure::Error) => "the database failed",
            Self::Failed(LookUpFailure::Resting) => {
                "the database failed too often lately, and is left alone for a while"
            }
            Self::Failed(LookUpFailure::Busy) => "too many callers are being looked up",
        })
    }
}

/// Why the database was not asked for a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotAsked {
    /// The caller withheld the number, or there is none.
    Anonymous,
    /// It is one of our own.
    Internal,
    /// It is no number that could stand in a database.
    NotANumber,
    /// There is no customer database.
    NoDatabase,
}

/// Why the database did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookUpFailure {
    /// It was too slow.
    Deadline,
    /// It failed.
    Error,
    /// It failed too often lately, and is left alone for a while.
    Resting,
    /// Too many callers are being looked up.
    Busy,
}
