//! How sqlx's drivers connect.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;

use super::{Server, TlsUse};

/// PostgreSQL.
pub(crate) fn postgres(server: &Server) -> PgConnectOptions {
    let url = &server.url;
    let options = PgConnectOptions::new_without_pgpass()
        .port(url.port)
        .username(&url.user)
        .password(server.password())
        .database(&url.database)
        .application_name("hotdeskd")
        .ssl_mode(match server.tls {
            TlsUse::Off => PgSslMode::Disable,
            TlsUse::Prefer => PgSslMode::Prefer,
            TlsUse::Require => PgSslMode::Require,
            TlsUse::Verify => PgSslMode::VerifyFull,
        })
        .disable_statement_logging();
    let options = match url.socket() {
        Some(socket) => options.socket(socket),
        None => options.host(&url.host),
    };
    match &server.authority {
        Some(authority) => options.ssl_root_cert(authority),
        None => options,
    }
}

/// MySQL and MariaDB.
pub(crate) fn mysql(server: &Server) -> MySqlConnectOptions {
    let url = &server.url;
    let options = MySqlConnectOptions::new()
        .port(url.port)
        .username(&url.user)
        .password(server.password())
        .database(&url.database)
        .ssl_mode(match server.tls {
            TlsUse::Off => MySqlSslMode::Disabled,
            TlsUse::Prefer => MySqlSslMode::Preferred,
            TlsUse::Require => MySqlSslMode::Required,
            TlsUse::Verify => MySqlSslMode::VerifyIdentity,
        })
        .disable_statement_logging();
    let options = match url.socket() {
        Some(socket) => options.socket(socket),
        None => options.host(&url.host),
    };
    match &server.authority {
        Some(authority) => options.ssl_ca(authority),
        None => options,
    }
}

/// A file of SQLite, never to be made; `patience` for whoever writes to it.
pub(crate) fn sqlite(server: &Server, patience: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&server.url.database)
        .read_only(true)
        .create_if_missing(false)
        .busy_timeout(patience)
        .disable_statement_logging()
}
