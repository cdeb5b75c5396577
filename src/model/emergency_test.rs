//! What a walk of every phone's emergency calls found, without a call being made.

use serde::{Deserialize, Serialize};

use super::Mac;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyTest {
    /// Which files were walked.
    pub walked: Vec<String>,
    /// The numbers, as they are dialled.
    pub numbers: Vec<String>,
    /// How many phones and handsets there are.
    pub phones: usize,
    /// What is wrong for all of them.
    pub problems: Vec<EmergencyProblem>,
    /// The phones and handsets that would not get through, or not as they should.
    pub failing: Vec<EmergencyFailing>,
    /// What could not be looked at, and what an operator should know.
    pub notes: Vec<String>,
}

impl EmergencyTest {
    /// Whether every call would get through as it should.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.failing.is_empty()
    }
}

/// Something that is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EmergencyProblem {
    /// What.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// A phone or handset of which something would go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyFailing {
    /// The user name with which it registers.
    pub identity: String,
    /// The phone, or the base of the handset.
    pub phone: Mac,
    /// What people call it.
    pub title: String,
    /// Where it is.
    pub location: Option<String>,
    /// What would go wrong; with the numbers, where it is not with all.
    pub why: Vec<EmergencyProblem>,
}
