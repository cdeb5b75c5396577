//! The phone: a device on a desk.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{AutoLogout, Extension, Handset, Mac, PhoneSettings, SipIdentity, Tags};

/// A desk phone of the inventory.
#[derive(Debug, Clone)]
pub struct Phone {
    /// Its MAC address: its key, and the user name with which it registers.
    pub mac: Mac,
    /// Its own SIP secret; never a person's.
    pub secret: SecretString,
    /// The vendor's name in lower case (`snom`), where known.
    pub vendor: Option<String>,
    /// The vendor's model name (`D785`), where known.
    pub model: Option<String>,
    /// What people call the place (`Desk 12`).
    pub label: Option<String>,
    /// An extension that rings the device itself, whoever sits there.
    pub desk_extension: Option<Extension>,
    /// The user whom the phone falls back to when nobody else sits there.
    pub owner: Option<Extension>,
    /// Whether people may log in here; its owner always may.
    pub hot_desk: bool,
    /// Where the phone is, for emergency calls.
    pub emergency: Emergency,
    /// The phone's own layer of settings.
    pub settings: PhoneSettings,
    /// The handsets, where it is a DECT base: they register, and the base itself does not.
    pub handsets: Vec<Handset>,
    /// The operator's words for groups of phones.
    pub tags: Tags,
    /// When people are logged out here by themselves; as for the whole site where absent.
    pub logout: Option<AutoLogout>,
    /// When it was added.
    pub added: Timestamp,
}

impl Phone {
    /// What to call the phone in a sentence: its label, else its MAC address.
    pub fn title(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.mac.to_string())
    }

    /// Its handset of that number, from 1.
    pub fn handset(&self, number: u16) -> Option<&Handset> {
        self.handsets.get(usize::from(number).checked_sub(1)?)
    }

    /// What to call a handset in a sentence: its label, else the base and the number.
    pub fn handset_title(&self, number: u16) -> String {
        let label = self.handset(number).and_then(|handset| handset.label.clone());
        label.unwrap_or_else(|| format!("{} {number}", self.title()))
    }

    /// The handsets with their numbers.
    pub fn numbered_handsets(&self) -> impl Iterator<Item = (u16, &Handset)> {
        (1..).zip(&self.handsets)
    }

    /// As what it registers: itself, or each of its handsets.
    pub fn identities(&self) -> Vec<SipIdentity> {
        match self.handsets.is_empty() {
            true => vec![SipIdentity::of(self.mac)],
            false => self
                .numbered_handsets()
                .map(|(number, _)| SipIdentity::of_handset(self.mac, number))
                .collect(),
        }
    }
}

/// What an emergency service is shown of a desk. It belongs to the place, whoever sits there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// The caller ID that this desk shows to emergency services; the site's where absent.
    pub caller_id: Option<CallerNumber>,
    /// Where the desk is, in words (`Building 2, floor 3, room 312`).
    pub location: Option<String>,
}

/// A number that can be shown as caller ID: an optional `+`, then 2 to 20 digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallerNumber(Box<str>);

impl CallerNumber {
    /// The number as written, `+` included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CallerNumber {
    type Err = InvalidCallerNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if (2..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidCallerNumber)
        }
    }
}

impl fmt::Display for CallerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CallerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CallerNumber {
    type Error = InvalidCallerNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CallerNumber> for String {
    fn from(number: CallerNumber) -> Self {
        number.0.into()
    }
}

/// The text is no number that can be shown as caller ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a telephone number: an optional `+`, then 2 to 20 digits, no spaces")]
pub struct InvalidCallerNumber;
