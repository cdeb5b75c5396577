//! The part of `[customers]` that says where customers are looked up.

use super::customers::CustomersSettings;
use super::{Checker, Secret};
use crate::customers::Query;
use crate::customers::settings::{DatabaseSettings, Kind, TlsUse};
use crate::model::TomlFault;

impl Checker<'_> {
    /// The database, where there is one, without its password; and that. The table keeps no password.
    pub(super) fn customer_database(
        &self,
        table: &mut CustomersSettings,
    ) -> Result<(Option<DatabaseSettings>, Option<Secret>), TomlFault> {
        let (inline, file) = (table.password.take(), table.password_file.take());
        let password = self.secret("customers", "customers.password", inline, file)?;
        let authority = table.authority.take();
        table.authority =
            authority.map(|path| self.path("customers.authority", path)).transpose()?;
        let Some(url) = table.url.clone() else { return Ok((None, password)) };
        let query = self.customer_query(table, url.kind)?;
        if table.spellings.is_empty() {
            return Err(self.text.fault(
                "customers.spellings",
                "found an empty list, expected at least one spelling".to_owned(),
                "Name those that the database has, as in [\"e164\", \"national\"].".to_owned(),
            ));
        }
        let encrypted = matches!(table.tls, TlsUse::Require | TlsUse::Verify);
        if encrypted && matches!(url.kind, Kind::Firebird | Kind::Sqlite) {
            return Err(self.text.fault(
                "customers.tls",
                "found TLS, expected \"prefer\" or \"off\" for this kind of database".to_owned(),
                "A file needs none, and Firebird encrypts in a way of its own.".to_owned(),
            ));
        }
        let database = DatabaseSettings {
            url,
            query,
            tls: table.tls,
            authority: table.authority.clone(),
            charset: table.charset,
            country: table.country,
            plain_numbers: table.plain_numbers,
            internal_digits: table.internal_digits,
            spellings: table.spellings.clone(),
            deadline_ms: table.deadline_ms,
            connections: table.connections,
            cache: table.cache.clone(),
            breaker: table.breaker.clone(),
        };
        Ok((Some(database), password))
    }

    fn customer_query(&self, table: &CustomersSettings, kind: Kind) -> Result<Query, TomlFault> {
        let text = table.query.as_deref().ok_or_else(|| {
            self.text.fault(
                "customers.query",
                "found no query, expected one".to_owned(),
                "Write the SELECT that gives team and name of a customer, with `:number` where the \
                 caller's number belongs."
                    .to_owned(),
            )
        })?;
        Query::parse(text, kind).map_err(|fault| {
            let advice = "Correct it. `:number` is bound as a parameter, never pasted.".to_owned();
            self.text.fault("customers.query", fault.to_string(), advice)
        })
    }
}
