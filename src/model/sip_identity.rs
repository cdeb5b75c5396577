//! The user name with which a device registers: a phone's MAC address, or a handset's at a DECT base.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Extension, Mac};

/// How many handsets a base has at most. Each is an entry in FreeSWITCH's directory.
pub const MOST_HANDSETS: u16 = 250;

/// A handset of a DECT base. Nobody logs in at it: whose it is stands in the inventory.
///
/// Its place in [`super::Phone::handsets`] is its number, from 1, and thereby its identity; a place that nobody has
/// any more stays, or the handsets behind it would become somebody else's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handset {
    /// Whose it is; without anybody it is a nobody's phone.
    #[serde(default)]
    pub user: Option<Extension>,
    /// What people call it (`Lobby`).
    #[serde(default)]
    pub label: Option<String>,
}

/// What registers: a phone as its MAC address (`0004132a0001`), or a handset of a DECT base as the base's MAC
/// address and its number (`0004132a0001-2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SipIdentity {
    /// The phone, or the base.
    pub phone: Mac,
    /// The handset's number, from 1.
    pub handset: Option<u16>,
}

impl SipIdentity {
    /// A phone's own.
    pub fn of(phone: Mac) -> Self {
        Self { phone, handset: None }
    }

    /// A handset's.
    pub fn of_handset(phone: Mac, number: u16) -> Self {
        Self { phone, handset: Some(number) }
    }
}

/// Exactly 12 hex digits in any case, and perhaps `-` and a number: no other spelling is a user name that was given
/// to a device.
impl FromStr for SipIdentity {
    type Err = NoSipIdentity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mac, number) = match text.split_once('-') {
            Some((mac, number)) => (mac, Some(number)),
            None => (text, None),
        };
        let hex = mac.len() == 12 && mac.bytes().all(|byte| byte.is_ascii_hexdigit());
        let phone = Some(mac).filter(|_| hex).and_then(|mac| mac.parse().ok());
        let handset = number.map(|number| {
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse::<u16>().ok().filter(|number| digits && *number > 0)
        });
        match (phone, handset) {
            (Some(phone), None) => Ok(Self::of(phone)),
            (Some(phone), Some(Some(number))) => Ok(Self::of_handset(phone, number)),
            _ => Err(NoSipIdentity),
        }
    }
}

impl fmt::Display for SipIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.handset {
            None => self.phone.fmt(f),
            Some(number) => write!(f, "{}-{number}", self.phone),
        }
    }
}

/// The text is not the user name of a phone or a handset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 12 hex digits, for a handset followed by `-` and its number")]
pub struct NoSipIdentity;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handset_is_its_base_and_a_number() {
        let identity = |text: &str| text.parse::<SipIdentity>();
        let phone = "0004132a0001".parse().unwrap();
        assert_eq!(identity("0004132A0001"), Ok(SipIdentity::of(phone)));
        assert_eq!(identity("0004132a0001-12"), Ok(SipIdentity::of_handset(phone, 12)));
        assert_eq!(SipIdentity::of_handset(phone, 12).to_string(), "0004132a0001-12");
        assert_eq!(SipIdentity::of(phone).to_string(), "0004132a0001");
    }

    #[test]
    fn nothing_else_is_an_identity() {
        for text in [
            "",
            "-",
            "-1",
            "0004132a0001-",
            "0004132a0001-0",
            "0004132a0001-+1",
            "0004132a0001-1-1",
            "0004132a0001-x",
            "0004132a0001-65536",
            "0004132a0001-1 ",
            "00-04-13-2a-00-01",
            "00:04:13:2a:00:01",
            "000000000000-1",
            "1001-1",
        ] {
            assert_eq!(text.parse::<SipIdentity>(), Err(NoSipIdentity), "{text:?}");
        }
    }
}
