//! The MAC address: a phone's key, and its SIP identity.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A phone's MAC address, 6 octets; written as 12 lower-case hex digits (`0004132a0001`).
///
/// Parses every common spelling: with `:`, `-`, `.` or space between the digits, in any case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac([u8; 6]);

impl Mac {
    /// Stands where there is no phone: a locally administered address, which no maker gives out.
    pub const PLACEHOLDER: Self = Self([2, 0, 0, 0, 0, 0]);

    /// The first three octets, which say whose device it is.
    pub fn oui(self) -> [u8; 3] {
        let Self([a, b, c, ..]) = self;
        [a, b, c]
    }

    /// Whether it is a locally administered one, which no maker gives out.
    pub fn is_local(self) -> bool {
        let [first, ..] = self.0;
        first & 2 == 2
    }
}

impl FromStr for Mac {
    type Err = InvalidMac;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut octets = [0u8; 6];
        let mut digits = 0usize;
        for c in text.trim().chars() {
            if matches!(c, ':' | '-' | '.' | ' ') {
                continue;
            }
            let value = c.to_digit(16).ok_or(InvalidMac)?;
            let octet = octets.get_mut(digits / 2).ok_or(InvalidMac)?;
            *octet = (*octet << 4) | value as u8;
            digits += 1;
        }
        // All zeros and broadcast are what misread or unset fields look like, and a multicast bit
        // never stands in a device's own address.
        let multicast = octets.first().is_none_or(|first| first & 1 == 1);
        if digits == 12 && octets != [0; 6] && !multicast {
            Ok(Self(octets))
        } else {
            Err(InvalidMac)
        }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Mac {
    type Error = InvalidMac;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

/// The text is not the MAC address of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a MAC address of a device: 12 hex digits, with or without `:`, `-` or `.` between them"
)]
pub struct InvalidMac;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_the_same_phone() {
        for text in [
            "0004132a0001",
            "00:04:13:2A:00:01",
            "00-04-13-2a-00-01",
            "0004.132a.0001",
            " 0004132A0001 ",
        ] {
            assert_eq!(text.parse::<Mac>().unwrap().to_string(), "0004132a0001", "{text}");
        }
    }

    #[test]
    fn what_is_no_device_is_refused() {
        for text in [
            "",
            "0004132a000",
            "0004132a00011",
            "0004132a000g",
            "000000000000",
            "ffffffffffff",
            "01005e000001",
            "００04132a0001",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(InvalidMac), "{text}");
        }
    }
}
