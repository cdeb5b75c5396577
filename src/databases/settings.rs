//! Where a database is, and how it is connected to.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsUse {
    /// Never.
    Off,
    /// Where the server can.
    Prefer,
    /// Always, whoever the server is.
    Require,
    /// Always, and the server's certificate must be good for its name.
    Verify,
}

/// The character set of a Firebird connection: that of the database, where it is one of those without Unicode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FirebirdCharset {
    /// Unicode; Firebird converts what has a character set.
    Utf8,
    /// Western Europe on Windows.
    Win1252,
    /// Central Europe on Windows.
    Win1250,
    /// Cyrillic on Windows.
    Win1251,
    /// Latin 1.
    #[serde(rename = "ISO8859_1")]
    Iso8859_1,
    /// Latin 2.
    #[serde(rename = "ISO8859_2")]
    Iso8859_2,
}

/// The kinds of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// A file of SQLite.
    Sqlite,
    /// Firebird.
    Firebird,
}

impl Kind {
    /// Where it listens usually.
    fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::MySql => 3306,
            Self::Sqlite => 0,
            Self::Firebird => 3050,
        }
    }
}

/// Where a database is: `postgres://user@host:port/name`, `mysql://…`, `firebird://user@host/path/or/alias`,
/// `sqlite:///path`. Never with a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseUrl {
    /// What it is.
    pub kind: Kind,
    /// The user, where there is a server.
    pub user: String,
    /// The server's name or address; a folder for a unix socket; empty for a file.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// The database's name or alias, or the path of its file.
    pub database: String,
    /// As it was written.
    text: String,
}

impl DatabaseUrl {
    /// The folder of the server's unix socket, or the socket itself, where `host` is no name.
    pub fn socket(&self) -> Option<&Path> {
        self.host.starts_with('/').then(|| Path::new(&self.host))
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidDatabaseUrl::Form)?;
        let kind = match scheme {
            "postgres" | "postgresql" => Kind::Postgres,
            "mysql" | "mariadb" => Kind::MySql,
            "sqlite" => Kind::Sqlite,
            "firebird" => Kind::Firebird,
            _ => return Err(InvalidDatabaseUrl::Form),
        };
        let decode = |text: &str| {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
            let decoded = decoded.map_err(|_| InvalidDatabaseUrl::Form)?.into_owned();
            if decoded.contains(char::is_control) {
                Err(InvalidDatabaseUrl::Form)
            } else {
                Ok(decoded)
            }
        };
        let (server, database) = rest.split_at(rest.find('/').ok_or(InvalidDatabaseUrl::Form)?);
        let url = |user: String, host: String, port, database| {
            Ok(Self { kind, user, host, port, database, text: text.to_owned() })
        };
        if kind == Kind::Sqlite {
            return match (server, decode(database)?) {
                ("", path) if path.len() > 1 => url(String::new(), String::new(), 0, path),
                _ => Err(InvalidDatabaseUrl::Form),
            };
        }
        let database = match decode(database.get(1..).unwrap_or_default())? {
            // A Firebird database is an alias or a path of the server's; a Windows path has its drive.
            path if kind == Kind::Firebird && path.contains('/') && !path.contains(':') => {
                format!("/{}", path.trim_start_matches('/'))
            }
            name => name,
        };
        let (user, server) = server.rsplit_once('@').unwrap_or(("", server));
        if user.contains(':') {
            return Err(InvalidDatabaseUrl::Password);
        }
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| InvalidDatabaseUrl::Form)?)
            }
            _ => (server, kind.port()),
        };
        let host = decode(host.trim_start_matches('[').trim_end_matches(']'))?;
        let user = decode(user)?;
        if host.is_empty() || user.is_empty() || database.is_empty() || port == 0 {
            return Err(InvalidDatabaseUrl::Form);
        }
        url(user, host, port, database)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = InvalidDatabaseUrl;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DatabaseUrl> for String {
    fn from(url: DatabaseUrl) -> Self {
        url.text
    }
}

/// The text is no URL of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// It has another form.
    #[error(
        "expected the URL of a database: \"postgres://user@host/name\", \"mysql://user@host/name\", \"firebird://user@host/alias\" or \"sqlite:///path\""
    )]
    Form,
    /// There is a password in it.
    #[error("expected a URL without a password; `password_file` names the file for it")]
    Password,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Kind, String, String, u16, String) {
        let url: DatabaseUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), text);
        (url.kind, url.user, url.host, url.port, url.database)
    }

    #[test]
    fn a_url_says_where_a_database_is() {
        let is = |kind, user: &str, host: &str, port, database: &str| {
            (kind, user.to_owned(), host.to_owned(), port, database.to_owned())
        };
        for (text, expected) in [
            (
                "postgres://crm@db.example.net/crm",
                is(Kind::Postgres, "crm", "db.example.net", 5432, "crm"),
            ),
            ("postgresql://c%40m@[fd00::1]:1/x", is(Kind::Postgres, "c@m", "fd00::1", 1, "x")),
            ("postgres://c@[::1]/x", is(Kind::Postgres, "c", "::1", 5432, "x")),
            (
                "postgres://c@%2Frun%2Fpostgresql/x",
                is(Kind::Postgres, "c", "/run/postgresql", 5432, "x"),
            ),
            ("mariadb://crm@127.0.0.1:3307/crm", is(Kind::MySql, "crm", "127.0.0.1", 3307, "crm")),
            ("firebird://SYSDBA@db/crm", is(Kind::Firebird, "SYSDBA", "db", 3050, "crm")),
            (
                "firebird://c@db:3051/srv/crm.fdb",
                is(Kind::Firebird, "c", "db", 3051, "/srv/crm.fdb"),
            ),
            ("firebird://c@db//srv/crm.fdb", is(Kind::Firebird, "c", "db", 3050, "/srv/crm.fdb")),
            ("firebird://c@db/C:/crm.fdb", is(Kind::Firebird, "c", "db", 3050, "C:/crm.fdb")),
            ("sqlite:///srv/crm.db", is(Kind::Sqlite, "", "", 0, "/srv/crm.db")),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
        let refused = |text: &str| text.parse::<DatabaseUrl>().unwrap_err();
        assert_eq!(refused("postgres://crm:s3cret@db/crm"), InvalidDatabaseUrl::Password);
        for text in [
            "",
            "crm",
            "oracle://c@db/x",
            "postgres://db/x",
            "postgres://c@db",
            "postgres://c@db/",
            "postgres://c@:1/x",
            "postgres://c@db:0/x",
            "postgres://c@db:x/x",
            "sqlite://x/y",
            "sqlite:///",
            "mysql://c@db/%00",
            "mysql://c@db/%ff",
        ] {
            assert_eq!(refused(text), InvalidDatabaseUrl::Form, "{text}");
        }
    }
}
