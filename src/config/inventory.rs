//! The table `[inventory]`: a query on the company's own database that gives the phones.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Checker, Secret};
use crate::databases::{DatabaseUrl, FirebirdCharset, Kind, Query, Server, TlsUse};
use crate::model::{Bounded, TomlFault};

/// The table as it is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InventorySettings {
    /// Where the phones are listed; without it there is no `phones import --sql`.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<DatabaseUrl>,
    /// The password of the database; whoever reads the file takes it out of here.
    #[serde(skip_serializing)]
    password: Option<SecretString>,
    /// The file of the password; taken out as well.
    #[serde(skip_serializing)]
    password_file: Option<PathBuf>,
    /// The query, whose columns are called as those of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// Whether the connection is encrypted.
    tls: TlsUse,
    /// Who signed the server's certificate (PEM), where that is none of the world's authorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<PathBuf>,
    /// The character set of a Firebird connection.
    charset: FirebirdCharset,
    /// Seconds that the query may take, with all its rows.
    deadline_seconds: Bounded<1, 3_600, 60>,
}

impl Default for InventorySettings {
    fn default() -> Self {
        Self {
            url: None,
            password: None,
            password_file: None,
            query: None,
            tls: TlsUse::Prefer,
            authority: None,
            charset: FirebirdCharset::Utf8,
            deadline_seconds: Bounded::default(),
        }
    }
}

impl InventorySettings {
    /// How long the query may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds.get().into())
    }
}

/// The inventory's query, checked.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// As it is shown, without the password.
    pub settings: InventorySettings,
    /// The password of the database.
    pub password: Option<Secret>,
    /// Where to ask what; absent: nowhere.
    query: Option<(DatabaseUrl, Query)>,
}

impl Inventory {
    /// Where to ask what; `None` where nothing is configured.
    pub fn query(&self) -> Option<(Server, Query)> {
        let (url, query) = self.query.clone()?;
        let server = Server {
            url,
            password: self.password.as_ref().map(|secret| secret.value.clone()),
            tls: self.settings.tls,
            authority: self.settings.authority.clone(),
            charset: self.settings.charset,
        };
        Some((server, query))
    }
}

impl Checker<'_> {
    /// The query, and the settings without their password.
    pub(super) fn inventory(
        &self,
        mut settings: InventorySettings,
    ) -> Result<Inventory, TomlFault> {
        let (inline, file) = (settings.password.take(), settings.password_file.take());
        let password = self.secret("inventory", "inventory.password", inline, file)?;
        let authority = settings.authority.take();
        settings.authority =
            authority.map(|path| self.path("inventory.authority", path)).transpose()?;
        let Some(url) = settings.url.clone() else {
            return Ok(Inventory { settings, password, query: None });
        };
        let text = settings.query.as_deref().ok_or_else(|| {
            self.text.fault(
                "inventory.query",
                "found no query, expected one".to_owned(),
                "Write the SELECT that lists the phones, with a column `mac`.".to_owned(),
            )
        })?;
        let query = Query::without_parameters(text, url.kind).map_err(|fault| {
            let advice = "Correct it; nothing is put into it.".to_owned();
            self.text.fault("inventory.query", fault.to_string(), advice)
        })?;
        let encrypted = matches!(settings.tls, TlsUse::Require | TlsUse::Verify);
        if encrypted && matches!(url.kind, Kind::Firebird | Kind::Sqlite) {
            return Err(self.text.fault(
                "inventory.tls",
                "found TLS, expected \"prefer\" or \"off\" for this kind of database".to_owned(),
                "A file needs none, and Firebird encrypts in a way of its own.".to_owned(),
            ));
        }
        Ok(Inventory { settings, password, query: Some((url, query)) })
    }
}
