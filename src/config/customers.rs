//! The table `[customers]`, checked.

use super::{Checker, Secret};
use crate::customers::settings::CustomersSettings;
use crate::databases::{Kind, Query, TlsUse};
use crate::model::TomlFault;

impl Checker<'_> {
    /// The settings without their passwords, and the password.
    pub(super) fn customers(
        &self,
        mut settings: CustomersSettings,
    ) -> Result<(CustomersSettings, Option<Secret>), TomlFault> {
        let (inline, file) = (settings.password.take(), settings.password_file.take());
        let password = self.secret("customers", "customers.password", inline, file)?;
        let authority = settings.authority.take();
        settings.authority =
            authority.map(|path| self.path("customers.authority", path)).transpose()?;
        let Some(url) = &settings.url else { return Ok((settings, password)) };
        let query = settings.query.as_deref().ok_or_else(|| {
            self.text.fault(
                "customers.query",
                "found no query, expected one".to_owned(),
                "Write the SELECT that gives team and name of a customer, with `:number` where the \
                 caller's number belongs."
                    .to_owned(),
            )
        })?;
        Query::parse(query, url.kind).map_err(|fault| {
            let advice = "Correct it. `:number` is bound as a parameter, never pasted.".to_owned();
            self.text.fault("customers.query", fault.to_string(), advice)
        })?;
        if settings.spellings.is_empty() {
            return Err(self.text.fault(
                "customers.spellings",
                "found an empty list, expected at least one spelling".to_owned(),
                "Name those that the database has, as in [\"e164\", \"national\"].".to_owned(),
            ));
        }
        let encrypted = matches!(settings.tls, TlsUse::Require | TlsUse::Verify);
        if encrypted && matches!(url.kind, Kind::Firebird | Kind::Sqlite) {
            return Err(self.text.fault(
                "customers.tls",
                "found TLS, expected \"prefer\" or \"off\" for this kind of database".to_owned(),
                "A file needs none, and Firebird encrypts in a way of its own.".to_owned(),
            ));
        }
        Ok((settings, password))
    }
}
