//! What a vendor's redirection service was told of a phone: where to send it when it starts for the first time.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Mac;

/// What we told one service of one phone. Stays when the phone leaves the inventory, until the service has forgotten it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirection {
    /// Which phone.
    pub phone: Mac,
    /// The name of the service in the configuration.
    pub service: String,
    /// How far it is.
    pub state: RedirectionState,
    /// The digest of the URL that the service has, or is to have: the URL itself holds a key.
    pub digest: String,
    /// The digest of the URL before, while it is not certain that the service took the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_digest: Option<String>,
    /// Why the service refused, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when the state is so.
    pub at: Timestamp,
    /// When it was first seen that the service sends the phone to us; absent: it was not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Timestamp>,
}

impl Redirection {
    /// Whether a URL of this digest at the service can only be there because we told it.
    pub fn told(&self, digest: &str) -> bool {
        let ours = match self.state {
            RedirectionState::Registering
            | RedirectionState::Registered
            | RedirectionState::Removing => true,
            RedirectionState::Found | RedirectionState::Refused => false,
        };
        ours && (self.digest == digest || self.old_digest.as_deref() == Some(digest))
    }
}

/// How far it is with a phone at a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedirectionState {
    /// The service was told, or was about to be: what it has is to be asked.
    Registering,
    /// The service sends it to us, because we told it to.
    Registered,
    /// The service sends it to us, and was told so by somebody else.
    Found,
    /// The service is to forget it, or has forgotten it already: to be asked.
    Removing,
    /// The service does not take it.
    Refused,
}

impl RedirectionState {
    /// All.
    const ALL: [Self; 5] =
        [Self::Registering, Self::Registered, Self::Found, Self::Removing, Self::Refused];

    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registering => "registering",
            Self::Registered => "registered",
            Self::Found => "found",
            Self::Removing => "removing",
            Self::Refused => "refused",
        }
    }

    /// The state of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for RedirectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_did_not_tell_is_not_ours() {
        let row = |state| Redirection {
            phone: "0004132a0001".parse().unwrap(),
            service: "snom".to_owned(),
            state,
            digest: "new".to_owned(),
            old_digest: Some("old".to_owned()),
            reason: None,
            at: Timestamp::UNIX_EPOCH,
            registered: None,
        };
        for state in RedirectionState::ALL {
            let ours = !matches!(state, RedirectionState::Found | RedirectionState::Refused);
            assert_eq!(RedirectionState::of(state.as_str()), Some(state));
            assert_eq!((row(state).told("new"), row(state).told("old")), (ours, ours), "{state}");
            assert!(!row(state).told("other"));
        }
    }
}
