//! One reading of a server by pages: of everybody, or of what is newer than the last time.

use std::collections::HashSet;

use super::Error;
use super::connection::{Connection, Entry, Page, Query};
use super::gather::Gathered;
use super::mapping::Mapping;
use super::settings::{LdapSettings, Schema};
use crate::desk::Desk;
use crate::model::PersonKey;

/// How many pages may be empty one after the other.
const EMPTY: usize = 32;
/// More people than anybody has.
const MOST: usize = 5_000_000;

/// Reads a server.
pub(super) struct Reader<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) ldap: &'a LdapSettings,
    pub(super) mapping: &'a Mapping,
}

/// What is searched for: people, with all that the mapping needs.
pub(super) fn people(ldap: &LdapSettings, mapping: &Mapping) -> Query {
    let filter =
        ldap.filter.as_ref().map_or_else(|| ldap.schema.filter(), |filter| filter.as_str());
    Query {
        base: ldap.base.clone(),
        scope: ldap.scope,
        filter: filter.to_owned(),
        attributes: mapping.attributes(),
    }
}

impl Reader<'_> {
    /// Everybody. `told` hears how many there are so far.
    pub(super) async fn everybody(
        &mut self,
        desk: &Desk,
        told: impl Fn(usize),
    ) -> Result<Gathered, Error> {
        let query = people(self.ldap, self.mapping);
        self.gather(&query, desk, told).await
    }

    /// Who changed since the server's own `mark`, that moment included.
    pub(super) async fn newer(&mut self, mark: &str, desk: &Desk) -> Result<Gathered, Error> {
        let mut query = people(self.ldap, self.mapping);
        let changed = self.ldap.schema.changed();
        let mark = super::connection::escape(mark);
        query.filter = format!("(&{}({changed}>={mark}))", query.filter);
        self.gather(&query, desk, |_| {}).await
    }

    /// The keys of everybody.
    pub(super) async fn keys(&mut self) -> Result<HashSet<PersonKey>, Error> {
        let mut query = people(self.ldap, self.mapping);
        query.attributes = vec![self.mapping.key().to_owned()];
        let mut keys = HashSet::new();
        let mapping = self.mapping;
        let each = |entry: &Entry| keys.extend(mapping.key_of(entry));
        self.pages(&query, each, |_, _| {}).await?;
        Ok(keys)
    }

    /// The server by its own name, and its newest number: those of another one mean nothing to it.
    pub(super) async fn mark(&mut self) -> Result<Option<(String, u64)>, Error> {
        if self.ldap.schema != Schema::ActiveDirectory {
            return Ok(None);
        }
        let root = self.connection.root().await?;
        let newest = root.text("highestCommittedUSN").and_then(|usn| usn.parse().ok());
        let name = root.text("dsServiceName").map(str::to_owned);
        let name = name.unwrap_or_else(|| self.connection.server().to_string());
        Ok(newest.map(|newest| (name, newest)))
    }

    async fn gather(
        &mut self,
        query: &Query,
        desk: &Desk,
        told: impl Fn(usize),
    ) -> Result<Gathered, Error> {
        let mut gathered = Gathered::default();
        let mapping = self.mapping;
        let mut referrals = 0;
        let each = |entry: &Entry| gathered.take(entry, mapping, desk);
        self.pages(query, each, |read, more| {
            referrals += more;
            told(read);
        })
        .await?;
        gathered.referrals = referrals;
        Ok(gathered)
    }

    /// All entries of a search. `told` hears after each page how many there are so far, and of referrals.
    async fn pages(
        &mut self,
        query: &Query,
        mut each: impl FnMut(&Entry),
        mut told: impl FnMut(usize, usize),
    ) -> Result<(), Error> {
        let (mut at, mut read, mut empty) = (Vec::new(), 0, 0);
        loop {
            let size = self.ldap.page_size.get();
            let Page { entries, next, referrals } = self.connection.page(query, size, at).await?;
            read += entries.len();
            empty = if entries.is_empty() { empty + 1 } else { 0 };
            entries.iter().for_each(&mut each);
            told(read, referrals);
            if next.is_empty() {
                return Ok(());
            }
            if empty > EMPTY || read > MOST {
                return Err(Error::Endless);
            }
            at = next;
            // Thousands of entries in a row are work for this thread, and others wait for it.
            tokio::task::yield_now().await;
        }
    }
}
