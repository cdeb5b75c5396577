//! The extension: a person's internal number, and the user's key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An internal number of 2 to 11 decimal digits (`1001`).
///
/// Never 12 characters long, so that an extension cannot be mistaken for a phone's MAC address where
/// both are user names of one SIP domain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Extension(Box<str>);

impl Extension {
    /// The fewest digits that an extension has.
    pub const MIN_DIGITS: usize = 2;
    /// The most digits that an extension has.
    pub const MAX_DIGITS: usize = 11;

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Extension {
    type Err = InvalidExtension;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = Self::MIN_DIGITS..=Self::MAX_DIGITS;
        if length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidExtension)
        }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Extension {
    type Error = InvalidExtension;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Extension> for String {
    fn from(extension: Extension) -> Self {
        extension.0.into()
    }
}

/// The text is not an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an extension: 2 to 11 digits, nothing else")]
pub struct InvalidExtension;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_only_and_never_as_long_as_a_mac() {
        assert_eq!("1001".parse::<Extension>().unwrap().as_str(), "1001");
        for text in ["", "1", "123456789012", "10a1", "10 01", "*11", "１００１", "1001\n"] {
            assert_eq!(text.parse::<Extension>(), Err(InvalidExtension), "{text:?}");
        }
    }
}
