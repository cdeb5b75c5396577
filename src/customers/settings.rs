//! The table `[customers]` of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::databases::{DatabaseUrl, FirebirdCharset, TlsUse};
use crate::model::{Bounded, HomeCountry, NumberPlan, PlainNumbers, Spelling};

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
    pub internal_digits: Bounded<0, 11, 6>,
    /// How the database may spell a number, in the order in which it is asked.
    pub spellings: Vec<Spelling>,
    /// Milliseconds that a look-up may take, with all its spellings.
    pub deadline_ms: Bounded<20, 5_000, 400>,
    /// How many connections there are at the most.
    pub connections: Bounded<1, 32, 4>,
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
            internal_digits: Bounded::default(),
            spellings: vec![Spelling::E164, Spelling::International, Spelling::National],
            deadline_ms: Bounded::default(),
            connections: Bounded::default(),
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheSettings {
    /// How many numbers.
    pub entries: Bounded<0, 1_000_000, 10_000>,
    /// For how many seconds a customer.
    pub found_seconds: Bounded<0, 86_400, 300>,
    /// For how many seconds that nobody was found.
    pub no_match_seconds: Bounded<0, 86_400, 60>,
}

/// When a database that fails is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSettings {
    /// After how many failures one after the other.
    pub failures: Bounded<1, 1_000, 5>,
    /// For how many seconds.
    pub rest_seconds: Bounded<1, 3_600, 10>,
}
