//! Enrolment: how a phone proves for the first time that it is that phone, and by what it is known then.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Mac;

/// What stands between a phone's MAC address, which anybody can read on its back, and its files.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Which phone.
    pub phone: Mac,
    /// The random part of the phone's own URL.
    pub key: SecretString,
    /// The key before, while a rotation is under way, and until when it is still good.
    pub old_key: Option<(SecretString, Timestamp)>,
    /// Until when a request that knows nothing but the MAC address is answered, once.
    pub window: Option<Timestamp>,
    /// When and how the phone proved to be that phone.
    pub proven: Option<(Timestamp, Proof)>,
}

impl Enrolment {
    /// Whether the window for a bare MAC address is open.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.window.is_some_and(|until| now < until)
    }
}

/// How a phone proved to be that phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// Its factory client certificate has its MAC address.
    Certificate,
    /// It came with a key that was handed out within its window, or by an administrator.
    Key,
    /// It came with its HTTP credentials.
    Password,
}

impl Proof {
    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Key => "key",
            Self::Password => "password",
        }
    }

    /// The proof of that name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Certificate, Self::Key, Self::Password]
            .into_iter()
            .find(|proof| proof.as_str() == name)
    }
}
