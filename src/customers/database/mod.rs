//! One connection to the database of customers, whatever kind it is: it is made ready to read, and asked for a
//! number.
//!
//! Whoever waits no longer drops the connection, and nothing of it stays: neither a thread nor, where the server
//! can be told, a query that goes on.

mod firebird;
mod mysql;
mod postgres;
mod sqlite;

use std::time::Duration;

use super::columns::{Row, WrongColumns};
use crate::databases::{Fault, Kind, Query, Server};

/// How much longer than we wait the server itself lets a query run: we tell the caller, it only tidies up.
const GRACE: Duration = Duration::from_millis(250);

/// Where to connect, and what is asked there.
#[derive(Debug)]
pub(super) struct Target {
    pub server: Server,
    pub query: Query,
    /// How long a look-up may take.
    pub deadline: Duration,
}

impl Target {
    /// How long a statement may run at the server.
    fn statement_time(&self) -> Duration {
        self.deadline + GRACE
    }
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
        Ok(match target.server.url.kind {
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
