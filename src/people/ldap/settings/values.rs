//! Values of the table that check themselves.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// Where a server is: `ldap://host:389`, `ldaps://host:636`, or `ldapi://` with the path of a socket, whose
/// slashes are `%2f`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ServerUrl {
    /// Over TCP.
    Tcp {
        /// Whether it is TLS from the beginning.
        tls: bool,
        /// The name or address; IPv6 without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A socket of this machine.
    Socket(PathBuf),
}

impl FromStr for ServerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected the URL of an LDAP server, as in \"ldap://ldap.example.net\", \"ldaps://192.0.2.1:636\" or \
                                \"ldapi://%2frun%2fslapd%2fldapi\"";
        let (scheme, rest) = text.split_once("://").ok_or(EXPECTED)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if scheme == "ldapi" {
            let path = percent_encoding::percent_decode_str(rest).decode_utf8();
            let path = path.map_err(|_| EXPECTED)?;
            return if path.starts_with('/') && !path.contains('\0') {
                Ok(Self::Socket(path.into_owned().into()))
            } else {
                Err(EXPECTED)
            };
        }
        let tls = match scheme {
            "ldap" => false,
            "ldaps" => true,
            _ => return Err(EXPECTED),
        };
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or(EXPECTED)?)),
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let usual = if tls { 636 } else { 389 };
        let port = port.map_or(Ok(usual), |port| port.parse::<u16>().map_err(|_| EXPECTED))?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'_');
        if port == 0 || host.is_empty() || host.len() > 253 || !host.bytes().all(allowed) {
            return Err(EXPECTED);
        }
        Ok(Self::Tcp { tls, host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { tls, host, port } => {
                let scheme = if *tls { "ldaps" } else { "ldap" };
                let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
                write!(f, "{scheme}://{open}{host}{close}:{port}")
            }
            Self::Socket(path) => {
                write!(
                    f,
                    "ldapi://{}",
                    path.display().to_string().replace('%', "%25").replace('/', "%2f")
                )
            }
        }
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ServerUrl> for String {
    fn from(url: ServerUrl) -> Self {
        url.to_string()
    }
}

/// The name of an attribute, without options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Attribute(pub(super) String);

impl Attribute {
    /// The name as it was written; servers take any case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Attribute {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if (1..=100).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name))
        } else {
            Err("expected the name of an attribute, as in \"telephoneNumber\"")
        }
    }
}

impl From<Attribute> for String {
    fn from(name: Attribute) -> Self {
        name.0
    }
}

/// A search filter (RFC 4515).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Filter(pub(super) String);

impl Filter {
    /// The filter, with its brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Filter {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let brackets = text.starts_with('(') && text.ends_with(')');
        if brackets && text.len() <= 4_096 && crate::people::ldap::connection::is_filter(&text) {
            Ok(Self(text))
        } else {
            Err("expected a search filter in brackets, as in \"(objectClass=inetOrgPerson)\"")
        }
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.0
    }
}

/// A regular expression.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Regex);

impl Pattern {
    /// The part of `text` that the first group takes, or the whole match where there is no group.
    pub fn part<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = self.0.captures(text)?;
        let part = found.iter().skip(1).flatten().next().or_else(|| found.get(0))?;
        Some(part.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        regex::RegexBuilder::new(&text).size_limit(1 << 20).build().map(Self).map_err(|_| {
            "expected a regular expression with a group, as in '^\\+4315550(\\d{3})$'".to_owned()
        })
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0.as_str().to_owned()
    }
}
