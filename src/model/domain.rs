//! The SIP domain.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A SIP domain as FreeSWITCH writes it: a host name or an IP address, lower case, at most 253 bytes
/// of letters, digits, `.`, `-`, and for IPv6 `:` within `[` and `]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(Box<str>);

impl Domain {
    /// The name, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'[');
        if begins && text.len() <= 253 && text.bytes().all(allowed) {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(InvalidDomain)
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Domain {
    type Error = InvalidDomain;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0.into()
    }
}

/// The text is not a SIP domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a SIP domain: a host name or an IP address")]
pub struct InvalidDomain;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_in_lower_case() {
        for (text, name) in [
            ("Example.NET", "example.net"),
            ("192.0.2.10", "192.0.2.10"),
            ("[fd00::1]", "[fd00::1]"),
        ] {
            assert_eq!(text.parse::<Domain>().unwrap().as_str(), name);
        }
        for text in ["", "-x", "a b", "a\n", "${system(id)}", "a@b", "a'b"] {
            assert_eq!(text.parse::<Domain>(), Err(InvalidDomain), "{text:?}");
        }
    }
}
