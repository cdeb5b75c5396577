//! A person's own password at the LDAP server, as the PIN.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::connection::{Connection, Query};
use super::mapping::Mapping;
use super::settings::SearchScope;
use super::{Access, Error};
use crate::desk::Desk;
use crate::model::{Extension, PersonKey, Teams};

/// How many passwords are checked at a time: each is a connection of its own.
const AT_ONCE: usize = 8;

/// Checks digits by binding as the person. Cheap to clone.
#[derive(Clone)]
pub struct LdapPassword {
    desk: Desk,
    access: Arc<Access>,
    mapping: Arc<Mapping>,
    turns: Arc<Semaphore>,
}

impl LdapPassword {
    /// Over the people of this desk.
    pub fn new(desk: Desk, access: Access) -> Self {
        let mapping = Arc::new(Mapping::new(&access.ldap, &Teams::new()));
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { desk, access: Arc::new(access), mapping, turns }
    }

    /// Whether `digits` are the password of `user` at the server. Whoever does not come from there has none; that
    /// is found out with the same questions to the server.
    ///
    /// # Errors
    /// The server cannot be asked; nothing is known of the password.
    pub async fn check(&self, user: &Extension, digits: &SecretString) -> Result<bool, Error> {
        if digits.expose_secret().is_empty() {
            return Ok(false);
        }
        let person = self.desk.store().memory().user(user).and_then(|user| user.person);
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|_| Error::Lost("nobody is asked any more".to_owned()))?;
        let found = match person {
            Some(key) => self.dn(key).await?,
            None => self.dn(PersonKey::NOBODY).await?,
        };
        let is_somebody = found.is_some();
        // Somebody whom there is not: the server takes as long, and says no.
        let dn = found.unwrap_or_else(|| format!("cn=nobody,{}", self.access.ldap.base));
        let mut connection = Connection::open_unbound(&self.access).await?;
        Ok(connection.is_password(&dn, digits).await? & is_somebody)
    }

    /// The name of the person's entry as it is now.
    async fn dn(&self, key: PersonKey) -> Result<Option<String>, Error> {
        let name = self.mapping.key();
        let bytes: String = key.bytes().iter().map(|byte| format!("\\{byte:02x}")).collect();
        let query = Query {
            base: self.access.ldap.base.clone(),
            scope: SearchScope::Subtree,
            // As a text where it is one, as bytes where it is those.
            filter: format!("(|({name}={key})({name}={bytes}))"),
            attributes: vec!["1.1".to_owned()],
        };
        let mut connection = Connection::open(&self.access).await?;
        let page = connection.page(&query, 2, Vec::new()).await?;
        let mut entries = page.entries.into_iter().map(|entry| entry.dn);
        Ok(entries.next().filter(|_| entries.next().is_none()))
    }
}
