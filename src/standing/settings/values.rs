//! The checked values of the dialplan's settings.
//!
//! Whatever passes here can stand in a regular expression, a dial-string and an application's
//! argument without changing what it means there: that is the point of each of these types.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::{LAST_AGENT_CONTEXT, QUEUES_CONTEXT};
use crate::standing::dialplan::{HOTDESK, RESTRICTED};

/// Implements what a text newtype with `FromStr` needs to be read from and written to TOML.
macro_rules! text_value {
    ($name:ident, $fault:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $fault;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }

        impl $name {
            /// The text as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

/// A dial code: `*` and 1 to 6 digits (`*11`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DialCode(Box<str>);

impl FromStr for DialCode {
    type Err = InvalidDialCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('*') {
            Some(digits) if is_digits(digits, 1, 6) => Ok(Self(text.into())),
            _ => Err(InvalidDialCode),
        }
    }
}

text_value!(DialCode, InvalidDialCode);

/// A number as a caller dials it: 1 to 15 digits. For free numbers (`0`) and emergency numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DialledNumber(Box<str>);

impl FromStr for DialledNumber {
    type Err = InvalidDialledNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_digits(text, 1, 15) { Ok(Self(text.into())) } else { Err(InvalidDialledNumber) }
    }
}

text_value!(DialledNumber, InvalidDialledNumber);

/// A number of ours at which calls from outside arrive: 2 to 20 digits, with or without a leading `+`, which counts for
/// nothing because trunks deliver one number both ways.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceNumber(Box<str>);

impl ServiceNumber {
    /// Without the `+`.
    pub fn digits(&self) -> &str {
        self.0.strip_prefix('+').unwrap_or(&self.0)
    }
}

impl FromStr for ServiceNumber {
    type Err = InvalidServiceNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if is_digits(digits, 2, 20) { Ok(Self(text.into())) } else { Err(InvalidServiceNumber) }
    }
}

text_value!(ServiceNumber, InvalidServiceNumber);

/// The name of a context of the operator's: 1 to 64 letters, digits, `_`, `-` or `.` (`default`).
/// Our own are none: a call handed to them would go round for ever.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContextName(Box<str>);

impl FromStr for ContextName {
    type Err = InvalidContextName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let ours = [RESTRICTED, HOTDESK, QUEUES_CONTEXT, LAST_AGENT_CONTEXT]
            .iter()
            .any(|own| text.eq_ignore_ascii_case(own));
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !ours {
            Ok(Self(text.into()))
        } else {
            Err(InvalidContextName)
        }
    }
}

text_value!(ContextName, InvalidContextName);

/// A way out for emergency calls: one dial-string of FreeSWITCH in which `$number` stands for the
/// number (`sofia/gateway/trunk/$number`).
///
/// At most 200 characters: letters, digits and `/ _ - . : @ % + ; =`. No `,` and no `|`, because the
/// order of routes is the order of the list; no quotes, spaces or brackets; `$` only in the one
/// `$number`, so that nothing else is ever expanded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Route(Box<str>);

impl Route {
    const NUMBER: &str = "$number";

    /// What stands before and behind `$number`.
    pub fn around_number(&self) -> (&str, &str) {
        self.0.split_once(Self::NUMBER).unwrap_or((&self.0, ""))
    }

    /// The dial-string for a number.
    pub fn with_number(&self, number: &str) -> String {
        let (before, behind) = self.around_number();
        format!("{before}{number}{behind}")
    }
}

impl FromStr for Route {
    type Err = InvalidRoute;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (before, behind) = text.split_once(Self::NUMBER).ok_or(InvalidRoute::NoNumber)?;
        if behind.contains(Self::NUMBER) {
            return Err(InvalidRoute::NoNumber);
        }
        // `$number` must be the whole word: `$numbers` is a mistake, not a route.
        if behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return Err(InvalidRoute::NoNumber);
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"/_-.:@%+;=".contains(&b);
        let clean = before.bytes().chain(behind.bytes()).all(allowed);
        let endpoint = before.split_once('/').map(|(endpoint, _)| endpoint);
        let named = endpoint.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        if clean && named && text.len() <= 200 {
            Ok(Self(text.into()))
        } else {
            Err(InvalidRoute::Unsafe)
        }
    }
}

text_value!(Route, InvalidRoute);

/// Where FreeSWITCH reaches a daemon's event-socket listener: `host:port`. An IPv6 address is
/// written with or without brackets; FreeSWITCH is given it without.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SocketHost(Box<str>);

impl FromStr for SocketHost {
    type Err = InvalidSocketHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::from(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or(InvalidSocketHost)?;
        let port = port.parse::<u16>().ok().filter(|port| *port > 0);
        let port = port.ok_or(InvalidSocketHost)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
        let address = host.parse::<std::net::Ipv6Addr>().is_ok();
        let name = (1..=253).contains(&host.len()) && host.bytes().all(allowed);
        if address || name {
            Ok(Self(format!("{host}:{port}").into()))
        } else {
            Err(InvalidSocketHost)
        }
    }
}

text_value!(SocketHost, InvalidSocketHost);

impl From<SocketAddr> for SocketHost {
    /// FreeSWITCH takes the last `:` for the port's (`mod_event_socket.c`) and resolves the rest as
    /// it stands, so an IPv6 address goes without brackets. An unspecified address (`0.0.0.0`) is
    /// where one listens, not where one connects: it becomes loopback.
    fn from(address: SocketAddr) -> Self {
        let port = address.port();
        let text = match address {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("127.0.0.1:{port}"),
            SocketAddr::V4(v4) => format!("{}:{port}", v4.ip()),
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("::1:{port}"),
            SocketAddr::V6(v6) => format!("{}:{port}", v6.ip()),
        };
        Self(text.into())
    }
}

/// The text is no dial code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a dial code: `*` and 1 to 6 digits, as in \"*11\" (or false to switch it off)")]
pub struct InvalidDialCode;

/// The text is no number of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of 2 to 20 digits, with or without a leading `+`, as in \"0800123\"")]
pub struct InvalidServiceNumber;

/// The text is no number to dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number as it is dialled: 1 to 15 digits, nothing else, as in \"999\"")]
pub struct InvalidDialledNumber;

/// The text is no name of a dialplan context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the name of a dialplan context of your own, not restricted or hotdesk: letters, digits, `_`, `-` or `.`, \
     as in \"default\""
)]
pub struct InvalidContextName;

/// The text is no route for emergency calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoute {
    /// `$number` is missing, or is there twice, or runs on into another word.
    #[error(
        "expected `$number` exactly once where the emergency number goes, as in \"sofia/gateway/trunk/$number\""
    )]
    NoNumber,
    /// Something stands in it that FreeSWITCH would expand, split or quote.
    #[error(
        "expected one dial-string of at most 200 letters, digits and /_-.:@%+;= that begins with an \
         endpoint, as in \"sofia/gateway/trunk/$number\"; give several routes as several entries of the list"
    )]
    Unsafe,
}

/// The text does not say where a daemon listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a host and a port, as in \"192.0.2.10:8084\"")]
pub struct InvalidSocketHost;

fn is_digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}
