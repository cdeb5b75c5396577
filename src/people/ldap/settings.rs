//! The table `[people.ldap]` of the configuration.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use regex::Regex;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::model::Variables;

/// The table `[people.ldap]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapSettings {
    /// The servers, tried in this order.
    pub servers: Vec<ServerUrl>,
    /// What kind of directory it is: from where the other defaults come.
    #[serde(default)]
    pub schema: Schema,
    /// Below which entry people are.
    pub base: String,
    /// How deep below it.
    #[serde(default)]
    pub scope: SearchScope,
    /// Which entries are people; absent: as the schema says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Whether `ldap://` is encrypted before anything is said.
    #[serde(default = "yes")]
    pub start_tls: bool,
    /// Who signs the servers' certificates (PEM); absent: whom this machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Our own certificate (PEM), for servers that ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its key (PEM).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// As whom to ask, with a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind_dn: Option<String>,
    /// The password.
    #[serde(default, skip_serializing)]
    pub password: Option<SecretString>,
    /// The file of the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Whether to ask as whom our certificate, or our user at `ldapi://`, is (SASL EXTERNAL).
    #[serde(default)]
    pub external: bool,
    /// Seconds that one operation may take, 1 to 120.
    #[serde(default)]
    pub deadline_seconds: Bounded<1, 120, 10>,
    /// How many entries are asked for at a time.
    #[serde(default)]
    pub page_size: Bounded<1, 10_000, 500>,
    /// Whether to have changes told (RFC 4533) where the server can.
    #[serde(default = "yes")]
    pub syncrepl: bool,
    /// How often to ask for changes elsewhere, in seconds.
    #[serde(default)]
    pub poll_seconds: Bounded<1, 86_400, 60>,
    /// How often to read all people, in minutes.
    #[serde(default)]
    pub full_minutes: Bounded<1, 10_080, 60>,
    /// How many percent of the people before an answer must have to be believed; 0 believes everything.
    #[serde(default)]
    pub least_percent: Bounded<0, 100, 50>,
    /// The internal part of a number, as a regular expression with a group; absent: the whole number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_pattern: Option<Pattern>,
    /// Which attribute is what.
    #[serde(default)]
    pub attributes: Attributes,
    /// Directory variables by the attributes that have them.
    #[serde(default)]
    pub variables: Variables,
    /// Directory params by the attributes that have them.
    #[serde(default)]
    pub params: Variables,
    /// Groups that describe the teams' queues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<TeamGroups>,
}

/// Groups that describe the teams' queues. What the configuration says of a team stands before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamGroups {
    /// Below which entry they are.
    pub base: String,
    /// Which entries they are.
    #[serde(default = "groups")]
    pub filter: Filter,
    /// The team, by its name or by one of its departments.
    #[serde(default = "common_name")]
    pub id: Attribute,
    /// The number that people dial for the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Attribute>,
    /// How agents are chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Attribute>,
    /// What callers hear while they wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<Attribute>,
    /// Seconds that a caller waits at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<Attribute>,
    /// Seconds that a caller waits at most while nobody is logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait_with_no_agent: Option<Attribute>,
    /// Where a caller goes who waited too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overflow: Option<Attribute>,
}

fn groups() -> Filter {
    Filter("(objectClass=groupOfNames)".to_owned())
}

fn common_name() -> Attribute {
    Attribute("cn".to_owned())
}

impl TeamGroups {
    /// The attributes that have to be asked for.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        let optional = [
            &self.extension,
            &self.strategy,
            &self.music,
            &self.max_wait,
            &self.max_wait_with_no_agent,
            &self.overflow,
        ];
        std::iter::once(&self.id).chain(optional.into_iter().flatten())
    }
}

fn yes() -> bool {
    true
}

/// Which attribute of a person is what; absent: as the schema says, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Attributes {
    /// Who it is, whatever the number: an UUID or 16 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Attribute>,
    /// The number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<Attribute>,
    /// The name; the first of them that an entry has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Vec<Attribute>>,
    /// The teams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teams: Option<Attribute>,
    /// Call groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Attribute>,
    /// Whether they may log in at desk phones: TRUE or FALSE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot_desk: Option<Attribute>,
    /// Where calls go to while they are nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub away: Option<Attribute>,
    /// The initial PIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<Attribute>,
    /// The SIP secret of a softphone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sip_secret: Option<Attribute>,
}

/// What kind of directory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schema {
    /// `inetOrgPerson`, as in OpenLDAP.
    #[default]
    Openldap,
    /// Microsoft's Active Directory, and Samba's.
    ActiveDirectory,
}

impl Schema {
    /// Which entries are people that have a number.
    pub fn filter(self) -> &'static str {
        match self {
            Self::Openldap => "(&(objectClass=inetOrgPerson)(telephoneNumber=*))",
            // Who is disabled there is nobody here.
            Self::ActiveDirectory => {
                "(&(objectCategory=person)(objectClass=user)(telephoneNumber=*)\
                 (!(userAccountControl:1.2.840.113556.1.4.803:=2)))"
            }
        }
    }

    /// What grows with each change of an entry.
    pub fn changed(self) -> &'static str {
        match self {
            Self::Openldap => "modifyTimestamp",
            Self::ActiveDirectory => "uSNChanged",
        }
    }

    /// Attributes by their default names: key, extension, teams.
    pub(super) fn attributes(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Openldap => ("entryUUID", "telephoneNumber", "departmentNumber"),
            Self::ActiveDirectory => ("objectGUID", "telephoneNumber", "department"),
        }
    }
}

/// How deep below the base people are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SearchScope {
    /// Anywhere below it.
    #[default]
    Subtree,
    /// Directly below it.
    OneLevel,
}

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
pub struct Attribute(String);

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
pub struct Filter(String);

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
        if brackets && text.len() <= 4_096 && super::connection::is_filter(&text) {
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

/// A number within bounds, with its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Bounded<const MIN: u32, const MAX: u32, const DEFAULT: u32>(u32);

impl<const MIN: u32, const MAX: u32, const DEFAULT: u32> Bounded<MIN, MAX, DEFAULT> {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }

    /// As so many seconds.
    pub fn seconds(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

impl<const MIN: u32, const MAX: u32, const DEFAULT: u32> Default for Bounded<MIN, MAX, DEFAULT> {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl<const MIN: u32, const MAX: u32, const DEFAULT: u32> TryFrom<u32>
    for Bounded<MIN, MAX, DEFAULT>
{
    type Error = String;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if (MIN..=MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(format!("expected a number from {MIN} to {MAX}"))
        }
    }
}

impl<const MIN: u32, const MAX: u32, const DEFAULT: u32> From<Bounded<MIN, MAX, DEFAULT>> for u32 {
    fn from(number: Bounded<MIN, MAX, DEFAULT>) -> Self {
        number.0
    }
}
