//! The table `[customers]` of the configuration.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::model::{HomeCountry, NumberPlan, PlainNumbers, Spelling};

/// The table `[customers]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomersSettings {
    /// Where the customers are; without it nobody is looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<DatabaseUrl>,
    /// The password of the database; whoever reads the file takes it out of here.
    #[serde(skip_serializing)]
    pub password: Option<SecretString>,
    /// The file of the password; taken out as well.
    #[serde(skip_serializing)]
    pub password_file: Option<PathBuf>,
    /// The query, with `:number` in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Whether the connection is encrypted.
    pub tls: TlsUse,
    /// Who signed the server's certificate (PEM), where that is none of the world's authorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<PathBuf>,
    /// The character set of a Firebird connection.
    pub charset: FirebirdCharset,
    /// The home country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<HomeCountry>,
    /// What a number without any prefix is; by the country where not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_numbers: Option<PlainNumbers>,
    /// How many digits an internal number has at the most.
    pub internal_digits: Bounded<0, 11>,
    /// How the database may spell a number, in the order in which it is asked.
    pub spellings: Vec<Spelling>,
    /// Milliseconds that a look-up may take, with all its spellings.
    pub deadline_ms: Bounded<20, 5_000>,
    /// How many connections there are at the most.
    pub connections: Bounded<1, 32>,
    /// What is remembered.
    pub cache: CacheSettings,
    /// When the database is left alone.
    pub breaker: BreakerSettings,
}

impl Default for CustomersSettings {
    fn default() -> Self {
        Self {
            url: None,
            password: None,
            password_file: None,
            query: None,
            tls: TlsUse::Prefer,
            authority: None,
            charset: FirebirdCharset::Utf8,
            country: None,
            plain_numbers: None,
            internal_digits: Bounded(6),
            spellings: vec![Spelling::E164, Spelling::International, Spelling::National],
            deadline_ms: Bounded(400),
            connections: Bounded(4),
            cache: CacheSettings::default(),
            breaker: BreakerSettings::default(),
        }
    }
}

impl CustomersSettings {
    /// How numbers are written here.
    pub fn number_plan(&self) -> NumberPlan {
        NumberPlan {
            country: self.country,
            internal_digits: u8::try_from(self.internal_digits.get()).unwrap_or(u8::MAX),
            plain_numbers: self.plain_numbers,
        }
    }

    /// How long a look-up may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.get().into())
    }
}

/// What is remembered of look-ups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheSettings {
    /// How many numbers.
    pub entries: Bounded<0, 1_000_000>,
    /// For how many seconds a customer.
    pub found_seconds: Bounded<0, 86_400>,
    /// For how many seconds that nobody was found.
    pub no_match_seconds: Bounded<0, 86_400>,
}

impl Default for CacheSettings {
    fn default() -> Self {
        let (found_seconds, no_match_seconds) = (Bounded(300), Bounded(60));
        Self { entries: Bounded(10_000), found_seconds, no_match_seconds }
    }
}

/// When a database that fails is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSettings {
    /// After how many failures one after the other.
    pub failures: Bounded<1, 1_000>,
    /// For how many seconds.
    pub rest_seconds: Bounded<1, 3_600>,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: Bounded(5), rest_seconds: Bounded(10) }
    }
}

/// A whole number between two others.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Bounded<const LEAST: u32, const MOST: u32>(u32);

impl<const LEAST: u32, const MOST: u32> Bounded<LEAST, MOST> {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<const LEAST: u32, const MOST: u32> fmt::Debug for Bounded<LEAST, MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<const LEAST: u32, const MOST: u32> TryFrom<i64> for Bounded<LEAST, MOST> {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let bounded = u32::try_from(number).ok().filter(|number| (LEAST..=MOST).contains(number));
        bounded.map(Self).ok_or_else(|| format!("expected a whole number from {LEAST} to {MOST}"))
    }
}

impl<const LEAST: u32, const MOST: u32> From<Bounded<LEAST, MOST>> for i64 {
    fn from(number: Bounded<LEAST, MOST>) -> Self {
        number.0.into()
    }
}

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
