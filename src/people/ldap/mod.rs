//! People from an LDAP server: a mirror of it that the store keeps.
//!
//! Where the server can tell what changes (RFC 4533, syncrepl) a change is in FreeSWITCH's answers within a
//! second; elsewhere it is asked again and again for what is newer. Whatever the server does, FreeSWITCH is
//! answered from the mirror.

mod apply;
mod ber;
mod bind;
mod connection;
mod follow;
mod gather;
mod give_way;
mod mapping;
mod mirror;
mod operators;
mod pass;
mod relay;
mod settings;
mod stream;
mod teams;
mod tls;
mod told;

use secrecy::SecretString;

pub use bind::LdapPassword;
pub use mirror::{LdapMirror, LdapStatus, Looked, Pass, Progress};
pub use operators::{LdapOperators, LdapRoles};
pub use settings::{
    Attribute, Attributes, Filter, LdapSettings, Pattern, Schema, SearchScope, ServerUrl,
    TeamGroups,
};
pub use tls::TlsError;

use crate::desk;

/// How a server is reached, and as whom.
#[derive(Debug, Clone)]
pub struct Access {
    /// The settings.
    pub ldap: LdapSettings,
    /// The password of `bind_dn`.
    pub password: Option<SecretString>,
}

/// Why the server could not be read, or was not believed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None of the servers.
    #[error("no LDAP server can be used: {0}")]
    NoServer(String),
    /// It did not answer in time.
    #[error("the LDAP server took too long for {0}; see `people.ldap.deadline_seconds`")]
    Late(&'static str),
    /// The connection broke, or could not be made.
    #[error("the connection failed: {0}")]
    Lost(String),
    /// The two ends do not agree about encryption.
    #[error(
        "no encrypted connection: {0}; see `people.ldap.ca` and the name in the server's certificate"
    )]
    Handshake(std::io::Error),
    /// Our own files.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server says no.
    #[error("the LDAP server refused {what}: {told} (result {code})")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// LDAP's number for it.
        code: u32,
        /// The reason, as far as it may be told.
        told: String,
    },
    /// It gives only so many entries.
    #[error(
        "the LDAP server gives no more entries than its limit; have it give all to the user of `people.ldap.bind_dn` (OpenLDAP: `limits`)"
    )]
    SizeLimit,
    /// What was kept of where to go on means nothing to the server any more.
    #[error("the LDAP server wants everything to be read again")]
    RefreshRequired,
    /// It does not tell what changes.
    #[error("the LDAP server does not tell what changes")]
    CannotFollow,
    /// It goes on giving pages without end.
    #[error("the LDAP server gives pages without end")]
    Endless,
    /// So few people that it is more likely a mistake.
    #[error(
        "the LDAP server gave {found} people where there were {had}, which is not believed; if it is right, run `hotdeskd users sync --accept`"
    )]
    Disbelieved {
        /// How many there were.
        had: usize,
        /// How many it gave.
        found: usize,
    },
    /// The store.
    #[error(transparent)]
    Desk(#[from] desk::Error),
}
