//! Values of the configuration that check themselves.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A host and a port to connect to: `192.0.2.1:8021`, `[fd00::1]:8021`, `pbx.example.net:8021`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// The name or address of the host; IPv6 without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for HostPort {
    type Err = InvalidHostPort;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<SocketAddr>()
            && address.port() != 0
        {
            return Ok(Self::from(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or(InvalidHostPort)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(InvalidHostPort)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
        let named = (1..=253).contains(&host.len()) && host.bytes().all(allowed);
        if named && host.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            Ok(Self { host: host.to_ascii_lowercase(), port })
        } else {
            Err(InvalidHostPort)
        }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for HostPort {
    type Error = InvalidHostPort;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HostPort> for String {
    fn from(address: HostPort) -> Self {
        address.to_string()
    }
}

/// The text is no host with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a host and a port to connect to, as in \"127.0.0.1:8021\"")]
pub struct InvalidHostPort;

/// The name of a FreeSWITCH node: 1 to 40 lower-case letters, digits, `-` or `_`.
///
/// It stands in the names of systemd credentials, and in logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

impl NodeName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for NodeName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        if (1..=40).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(
                "expected a name for this FreeSWITCH of 1 to 40 lower-case letters, digits, `-` or `_`, as in [freeswitch.fs1]",
            )
        }
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0
    }
}

/// A user name for HTTP basic authentication: 1 to 60 visible ASCII characters but `:`, `$`, quotes and
/// `\`, because it stands in FreeSWITCH's own configuration too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BasicUser(String);

impl BasicUser {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for BasicUser {
    fn default() -> Self {
        Self("freeswitch".to_owned())
    }
}

impl TryFrom<String> for BasicUser {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if (1..=60).contains(&text.len()) && text.bytes().all(is_plain) && !text.contains(':') {
            Ok(Self(text))
        } else {
            Err(
                "expected a user name of 1 to 60 letters, digits and marks, without spaces, `:`, `$`, quotes, `<`, `>`, `&` and `\\`",
            )
        }
    }
}

impl From<BasicUser> for String {
    fn from(user: BasicUser) -> Self {
        user.0
    }
}

/// The id of a group of this machine, from `/etc/group`.
pub(super) fn group_id(name: &str) -> Option<u32> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

/// Whether a byte can stand in FreeSWITCH's configuration and be nothing but itself.
pub(super) fn is_plain(b: u8) -> bool {
    b.is_ascii_graphic() && !b"$'\"\\<>&".contains(&b)
}
