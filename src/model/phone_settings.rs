//! What a phone is set to: settings in layers, and function keys.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A setting's name: 1 to 80 ASCII letters, digits, `_`, `-` or `.`.
///
/// Without a dot it is one of ours, the same for all vendors (`language`); with one it is a vendor's own,
/// the vendor's name before the first dot (`snom.ringer_volume`, `polycom.up.backlight.timeout`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SettingName(Box<str>);

impl SettingName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The vendor whose own setting it is, and that vendor's name for it.
    pub fn of_vendor(&self) -> Option<(&str, &str)> {
        self.0.split_once('.')
    }
}

impl FromStr for SettingName {
    type Err = InvalidSettingName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let whole = !text.starts_with('.') && !text.ends_with('.');
        if (1..=80).contains(&text.len()) && text.bytes().all(allowed) && whole {
            Ok(Self(text.into()))
        } else {
            Err(InvalidSettingName)
        }
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SettingName {
    type Error = InvalidSettingName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SettingName> for String {
    fn from(name: SettingName) -> Self {
        name.0.into()
    }
}

/// The text names no setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a setting's name: 1 to 80 letters, digits, `_`, `-` or `.`, as in `language` or `snom.ringer_volume`"
)]
pub struct InvalidSettingName;

/// A setting's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// Yes or no; each vendor writes it in its own way.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Any other.
    Text(String),
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// One layer of settings, in the order of their names.
pub type PhoneSettings = BTreeMap<SettingName, SettingValue>;

/// A function key of a user's own, that follows the user to every phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionKey {
    /// What it does.
    #[serde(default)]
    pub kind: KeyKind,
    /// The number: whose lamp it shows, or what it dials.
    pub number: KeyNumber,
    /// What stands beside it; the number where absent.
    #[serde(default)]
    pub label: Option<String>,
}

/// What a user's function key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Shows whether somebody is on the telephone (package `dialog`), and calls them.
    #[default]
    Blf,
    /// Dials.
    Speed,
}

/// What a key can dial: 1 to 32 digits, `*`, `#`, or a leading `+`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyNumber(Box<str>);

impl KeyNumber {
    /// One that is written in the program.
    pub fn known(number: &'static str) -> Self {
        Self(number.into())
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyNumber {
    type Err = InvalidKeyNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_prefix('+').unwrap_or(text);
        let dialable = number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'#'));
        if (1..=32).contains(&number.len()) && dialable {
            Ok(Self(text.into()))
        } else {
            Err(InvalidKeyNumber)
        }
    }
}

impl TryFrom<String> for KeyNumber {
    type Error = InvalidKeyNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KeyNumber> for String {
    fn from(number: KeyNumber) -> Self {
        number.0.into()
    }
}

/// The text is nothing that a key can dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected what a key can dial: 1 to 32 digits, `*` or `#`, with or without a leading `+`")]
pub struct InvalidKeyNumber;
