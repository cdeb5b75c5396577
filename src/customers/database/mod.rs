//! One connection to the database of customers, whatever kind it is: it is made ready to read, and asked for a
//! number.
//!
//! Whoever waits no longer drops the connection, and nothing of it stays: neither a thread nor, where the server
//! can be told, a query that goes on.

mod firebird;
mod mysql;
mod postgres;
mod relay;
mod sqlite;

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::columns::{Row, WrongColumns};
use super::query::Query;
use super::settings::{DatabaseUrl, FirebirdCharset, Kind, TlsUse};

/// How much longer than we wait the server itself lets a query run: we tell the caller, it only tidies up.
const GRACE: Duration = Duration::from_millis(250);
/// The longest message of a database that is passed on, in characters.
const LONGEST_MESSAGE: usize = 300;

/// Where to connect, and what is asked there.
#[derive(Debug)]
pub(super) struct Target {
    pub url: DatabaseUrl,
    pub password: Option<SecretString>,
    pub tls: TlsUse,
    pub authority: Option<PathBuf>,
    pub charset: FirebirdCharset,
    pub query: Query,
    /// How long a look-up may take.
    pub deadline: Duration,
}

impl Target {
    /// How long a statement may run at the server.
    fn statement_time(&self) -> Duration {
        self.deadline + GRACE
    }

    fn password(&self) -> &str {
        self.password.as_ref().map_or("", |password| password.expose_secret())
    }

    /// What went wrong, in one line without the password.
    fn told(&self, message: &str) -> String {
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
    fn fault(&self, error: &sqlx::Error) -> Fault {
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

impl From<WrongColumns> for Fault {
    fn from(wrong: WrongColumns) -> Self {
        Self::Columns(wrong.to_string())
    }
}

/// A connection on which the query is ready.
pub(super) enum Link {
    Postgres(postgres::Postgres),
    MySql(mysql::MySql),
    Sqlite(sqlite::Sqlite),
    Firebird(firebird::Firebird),
}

impl Link {
    /// Connects, makes the session one that only reads, and prepares the query.
    pub(super) async fn connect(target: &Target) -> Result<Self, Fault> {
        Ok(match target.url.kind {
            Kind::Postgres => Self::Postgres(postgres::Postgres::connect(target).await?),
            Kind::MySql => Self::MySql(mysql::MySql::connect(target).await?),
            Kind::Sqlite => Self::Sqlite(sqlite::Sqlite::connect(target).await?),
            Kind::Firebird => Self::Firebird(firebird::Firebird::connect(target).await?),
        })
    }

    /// The rows of a number, one more at the most than are looked at.
    pub(super) async fn ask(&mut self, target: &Target, number: &str) -> Result<Vec<Row>, Fault> {
        match self {
            Self::Postgres(link) => link.ask(target, number).await,
            Self::MySql(link) => link.ask(target, number).await,
            Self::Sqlite(link) => link.ask(target, number).await,
            Self::Firebird(link) => link.ask(target, number).await,
        }
    }
}
