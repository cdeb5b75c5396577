//! The user: a person with an extension.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{AwayDestination, Extension, FunctionKey, PersonKey, PhoneSettings, Pin, TeamId};

/// A call group's name: 1 to 40 ASCII letters, digits, `-`, `_` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(Box<str>);

impl GroupName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for GroupName {
    type Error = InvalidGroupName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=40).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidGroupName)
        }
    }
}

impl From<GroupName> for String {
    fn from(name: GroupName) -> Self {
        name.0.into()
    }
}

/// The text names no call group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a group name: 1 to 40 letters, digits, `-`, `_` or `.`")]
pub struct InvalidGroupName;

/// Names and values for FreeSWITCH's directory, in the order of their names.
pub type Variables = BTreeMap<String, String>;

/// [`Variables`] as they are kept: a map has room for eleven of them, and most people have one or none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs(Box<[(Box<str>, Box<str>)]>);

impl Pairs {
    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether they are these.
    pub fn are(&self, variables: &Variables) -> bool {
        self.0.len() == variables.len()
            && self.iter().eq(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

impl From<Variables> for Pairs {
    fn from(variables: Variables) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<const N: usize> From<[(String, String); N]> for Pairs {
    fn from(pairs: [(String, String); N]) -> Self {
        Variables::from(pairs).into()
    }
}

impl From<&Pairs> for Variables {
    fn from(pairs: &Pairs) -> Self {
        pairs.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// The extension: the user's key.
    pub extension: Extension,
    /// The name as people write it; any Unicode.
    pub name: String,
    /// The PIN that FreeSWITCH is given as the mailbox's initial one. A user who changed it by phone
    /// has another one there.
    pub pin: Option<Pin>,
    /// An argon2id hash of the PIN in PHC form, for the check method `hash`.
    pub pin_hash: Option<SecretString>,
    /// The SIP secret of the user's own softphone; without one the user cannot register.
    pub sip_secret: Option<SecretString>,
    /// Whether the user may log in at desk phones.
    pub hot_desk: bool,
    /// Where calls go to while the user is nowhere.
    pub away: AwayDestination,
    /// FreeSWITCH's call groups that the user is in (`group_call`).
    pub groups: Vec<GroupName>,
    /// The teams whose queues the user serves, the first one first.
    pub teams: Vec<TeamId>,
    /// The user's own directory params (`vm-email-all-messages`, …).
    pub params: Pairs,
    /// The user's own directory variables (`toll_allow`, `outbound_caller_id_number`, …).
    pub variables: Pairs,
    /// Function keys that follow the user.
    pub keys: Vec<FunctionKey>,
    /// The user's own layer of phone settings.
    pub settings: PhoneSettings,
    /// Where the user comes from.
    pub source: UserSource,
    /// As whom the directory server knows the user, for those who come from there.
    pub person: Option<PersonKey>,
}

/// A user as a source knows it: everything but the secrets, which the store keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The extension.
    pub extension: Extension,
    /// The name.
    pub name: String,
    /// Whether the user may log in at desk phones.
    pub hot_desk: bool,
    /// Where calls go to while the user is nowhere.
    pub away: AwayDestination,
    /// Call groups.
    pub groups: Vec<GroupName>,
    /// The teams whose queues the user serves, the first one first.
    pub teams: Vec<TeamId>,
    /// Directory params.
    pub params: Variables,
    /// Directory variables.
    pub variables: Variables,
    /// Function keys that follow the user.
    pub keys: Vec<FunctionKey>,
    /// The user's own layer of phone settings.
    pub settings: PhoneSettings,
}

impl From<&User> for UserRecord {
    fn from(user: &User) -> Self {
        Self {
            extension: user.extension.clone(),
            name: user.name.clone(),
            hot_desk: user.hot_desk,
            away: user.away.clone(),
            groups: user.groups.clone(),
            teams: user.teams.clone(),
            params: (&user.params).into(),
            variables: (&user.variables).into(),
            keys: user.keys.clone(),
            settings: user.settings.clone(),
        }
    }
}

impl UserRecord {
    /// The most bytes that a name has.
    pub const MAX_NAME: usize = 200;

    /// Whether a text can be a user's name: any Unicode, but something, and not endless.
    pub fn is_name(text: &str) -> bool {
        !text.trim().is_empty() && text.len() <= Self::MAX_NAME
    }
}

/// Which source a user is kept by; only that source changes or removes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserSource {
    /// Added by command or API.
    Local,
    /// Listed in the users file.
    File,
    /// Mirrored from the directory server (LDAP).
    Ldap,
}

impl UserSource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Local, Self::File, Self::Ldap];

    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::File => "file",
            Self::Ldap => "ldap",
        }
    }
}
