//! A person as a directory server knows them, and how far the mirror of it has come.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Pin, UserRecord};

/// What a directory server calls a person for ever, whatever becomes of name and number: the 16 bytes of
/// `entryUUID` or `objectGUID`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonKey([u8; 16]);

impl PersonKey {
    /// The key in an attribute's value: 16 bytes, or 32 hex digits with or without `-` and braces.
    pub fn of(value: &[u8]) -> Option<Self> {
        if let Ok(bytes) = <[u8; 16]>::try_from(value) {
            return Some(Self(bytes));
        }
        let mut bytes = [0; 16];
        let mut digits = value.iter().filter(|byte| !b"-{}".contains(byte));
        for byte in &mut bytes {
            let mut digit = || char::from(*digits.next()?).to_digit(16);
            *byte = u8::try_from(digit()? * 16 + digit()?).ok()?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }

    /// The key of nobody.
    pub const NOBODY: Self = Self([0; 16]);

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PersonKey {
    type Err = InvalidPersonKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Some(text.as_bytes())
            .filter(|text| text.len() > 16)
            .and_then(Self::of)
            .ok_or(InvalidPersonKey)
    }
}

impl TryFrom<String> for PersonKey {
    type Error = InvalidPersonKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PersonKey> for String {
    fn from(key: PersonKey) -> Self {
        key.to_string()
    }
}

/// The text is no key of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the key of a person: 32 hex digits, as in `entryUUID`")]
pub struct InvalidPersonKey;

/// A secret that a source may know.
#[derive(Debug, Clone)]
pub enum Supplied<T> {
    /// The source is not asked: what we have stays.
    NotAsked,
    /// The source says which, or that there is none.
    Is(Option<T>),
}

/// A person as a directory server has them now.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who, whatever the number.
    pub key: PersonKey,
    /// The entry's name there, to tell an operator.
    pub dn: Box<str>,
    /// All but the secrets.
    pub record: UserRecord,
    /// The initial PIN.
    pub pin: Supplied<Pin>,
    /// The softphone's secret.
    pub sip_secret: Supplied<SecretString>,
}

/// An entry of a directory server that is not taken over, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Skipped {
    /// The entry's name there.
    pub dn: String,
    /// Why, in a sentence without a full stop.
    pub why: String,
}

/// From where a later reading goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MirrorPlace {
    /// The server's own mark (RFC 4533), as hex digits.
    Cookie(String),
    /// The newest `modifyTimestamp` that was seen.
    Modified(String),
    /// The newest `uSNChanged` that was seen, which means something to this one server only.
    Usn {
        /// Which server.
        server: String,
        /// The number.
        usn: u64,
    },
}

/// An answer with so few people that it was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disbelieved {
    /// How many people the mirror had.
    pub had: usize,
    /// How many the server gave.
    pub found: usize,
    /// When it first did.
    pub at: Timestamp,
}

/// How far the mirror of a directory server has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MirrorState {
    /// A digest of the settings that it was made with: with others it has to be made anew.
    pub settings: String,
    /// The server that was read last.
    pub server: String,
    /// From where to go on.
    pub place: Option<MirrorPlace>,
    /// When it was last known to be as the server is.
    pub current_at: Option<Timestamp>,
    /// When all people were last read.
    pub read_at: Option<Timestamp>,
    /// How many entries are not taken over.
    pub skipped: usize,
    /// Some of them.
    pub examples: Vec<Skipped>,
    /// An answer that was not believed, until one is.
    pub disbelieved: Option<Disbelieved>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_in_every_spelling() {
        let key: PersonKey = "6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse().unwrap();
        assert_eq!(key.to_string(), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
        for text in [
            "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
            "6ba7b810-9dad11d1-80b400c0-4fd430c8",
            "{6ba7b8109dad11d180b400c04fd430c8}",
        ] {
            assert_eq!(PersonKey::of(text.as_bytes()), Some(key), "{text}");
        }
        assert_eq!(PersonKey::of(key.bytes()), Some(key));
        for text in [
            "",
            "6ba7b810",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8a",
            "zba7b810-9dad-11d1-80b4-00c04fd430c8",
        ] {
            assert_eq!(PersonKey::of(text.as_bytes()), None, "{text}");
        }
        // 16 letters are bytes, not a text.
        assert!("6ba7b8109dad11d1".parse::<PersonKey>().is_err());
    }
}
