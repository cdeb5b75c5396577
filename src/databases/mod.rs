//! Other people's databases: where they are, how they are connected to, and any query as a table of texts.
//!
//! Read-only, and never for longer than a deadline. Whoever asks for single rows again and again keeps connections of his
//! own (`customers`); what is common is here.

mod connect;
mod firebird;
mod query;
mod relay;
mod settings;
mod table;
mod text;

use std::error::Error as _;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

pub(crate) use connect::{mysql, postgres, sqlite};
pub(crate) use firebird::{byte_by_byte, bytes_of, firebird};
pub use query::{Query, QueryFault};
pub(crate) use relay::Relay;
pub use settings::{DatabaseUrl, FirebirdCharset, InvalidDatabaseUrl, Kind, TlsUse};
pub use table::Table;
pub(crate) use text::{LONGEST, text};

/// The longest message of a database that is passed on, in characters.
const LONGEST_MESSAGE: usize = 300;

/// A database, and as whom it is asked.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it is.
    pub url: DatabaseUrl,
    /// The user's password.
    pub password: Option<SecretString>,
    /// Whether the connection is encrypted.
    pub tls: TlsUse,
    /// Who signed its certificate, where that is none of the world's authorities.
    pub authority: Option<PathBuf>,
    /// The character set of a Firebird connection.
    pub charset: FirebirdCharset,
}

impl Server {
    pub(crate) fn password(&self) -> &str {
        self.password.as_ref().map_or("", |password| password.expose_secret())
    }

    /// What went wrong, in one line without the password.
    pub(crate) fn told(&self, message: &str) -> String {
        let told: String = message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(LONGEST_MESSAGE)
            .collect();
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        match self.password() {
            "" => told,
            password => told.replace(password, "(password)"),
        }
    }

    /// What went wrong with one of sqlx's drivers.
    pub(crate) fn fault(&self, error: &sqlx::Error) -> Fault {
        let mut told = match error {
            sqlx::Error::Database(refused) => refused.message().to_owned(),
            _ => error.to_string(),
        };
        if !matches!(error, sqlx::Error::Database(_))
            && let Some(source) = error.source().map(ToString::to_string)
            && !told.contains(&source)
        {
            told = format!("{told}: {source}");
        }
        let told = self.told(&told);
        match error {
            sqlx::Error::Database(_) => Fault::Refused(told),
            _ => Fault::Lost(told),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The database cannot be reached, or the connection broke.
    #[error("{0}")]
    Lost(String),
    /// The database said no: to the user, or to the query.
    #[error("{0}")]
    Refused(String),
    /// The query gives other columns than it should.
    #[error("the query: {0}")]
    Columns(String),
}
