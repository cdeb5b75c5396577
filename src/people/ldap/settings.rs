//! The table `[people.ldap]` of the configuration.

mod values;

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub use values::{Attribute, Filter, Pattern, ServerUrl};

use crate::model::{Bounded, Variables};

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
