//! What other systems are told of: events, who is told which, and what becomes of the telling.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Happening;

/// Something that other systems can be told of as it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum WebhookEvent {
    /// Somebody sat down at a desk, or it fell back to its owner.
    DeskLogin,
    /// A desk session ended.
    DeskLogout,
    /// Somebody calls for help, or tried to and no route took the call.
    DeskEmergency,
    /// A phone does not go on.
    PhoneStuck,
    /// A phone registers from elsewhere than its location's networks.
    PhoneMoved,
    /// Wrong PINs locked somebody or something.
    PinLocked,
}

impl WebhookEvent {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DeskLogin,
        Self::DeskLogout,
        Self::DeskEmergency,
        Self::PhoneStuck,
        Self::PhoneMoved,
        Self::PinLocked,
    ];

    /// The name in the configuration and in what is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeskLogin => "desk.login",
            Self::DeskLogout => "desk.logout",
            Self::DeskEmergency => "desk.emergency",
            Self::PhoneStuck => "phone.stuck",
            Self::PhoneMoved => "phone.moved",
            Self::PinLocked => "pin.locked",
        }
    }

    /// What an entry of the journal is to other systems, if it is anything.
    pub fn of(what: &Happening) -> Option<Self> {
        match what {
            Happening::Login { .. } | Happening::OwnerReturned { .. } => Some(Self::DeskLogin),
            Happening::Logout { .. } => Some(Self::DeskLogout),
            Happening::EmergencyCall { .. } | Happening::EmergencyUnreachable { .. } => {
                Some(Self::DeskEmergency)
            }
            Happening::PhoneStuck { .. } => Some(Self::PhoneStuck),
            Happening::PhoneMoved { .. } => Some(Self::PhoneMoved),
            Happening::PinLocked { .. } => Some(Self::PinLocked),
            _ => None,
        }
    }
}

impl fmt::Display for WebhookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<WebhookEvent> for &'static str {
    fn from(event: WebhookEvent) -> Self {
        event.as_str()
    }
}

impl FromStr for WebhookEvent {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|event| event.as_str() == text).ok_or(UnknownEvent)
    }
}

impl TryFrom<String> for WebhookEvent {
    type Error = UnknownEvent;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The text names no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected one of desk.login, desk.logout, desk.emergency, phone.stuck, phone.moved, pin.locked"
)]
pub struct UnknownEvent;

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The target's name in the configuration.
    pub target: String,
    /// Of these.
    pub events: BTreeSet<WebhookEvent>,
}

/// An event on its way to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The row in the store. A target is told in this order.
    pub id: i64,
    /// The entry of the journal: what the target knows the event by.
    pub entry: i64,
    /// What is sent, as it is signed.
    pub body: String,
    /// When it happened, or was asked for again.
    pub created: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it may be tried again.
    pub next: Timestamp,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It waits, for its turn or to be tried again.
    Waiting,
    /// It was given up.
    Dead,
}

impl DeliveryState {
    /// The name in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
        }
    }
}

/// A delivery as an operator sees it: without what is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    /// Its number.
    pub id: i64,
    /// Who is to be told.
    pub target: String,
    /// Of what.
    pub event: String,
    /// The entry of the journal.
    pub entry: i64,
    /// What becomes of it.
    pub state: DeliveryState,
    /// When it happened, or was asked for again.
    pub created: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again; absent where it is not.
    pub next: Option<Timestamp>,
    /// Why it was not taken the last time.
    pub error: Option<String>,
}

/// How it stands with a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// How many events wait.
    pub waiting: u64,
    /// How many were given up and are kept.
    pub dead: u64,
    /// When the oldest that waits happened.
    pub oldest: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_read_as_it_is_written() {
        for event in WebhookEvent::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<WebhookEvent>(&text).unwrap(), event, "{text}");
            assert!(UnknownEvent.to_string().contains(event.as_str()), "{event}");
        }
        assert_eq!("desk.nap".parse::<WebhookEvent>(), Err(UnknownEvent));
    }
}
