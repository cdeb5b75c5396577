//! One reading of a server by pages: of everybody, or of what is newer than the last time.

use std::collections::HashSet;

use super::Error;
use super::connection::{Connection, Page, Query};
use super::gather::{Filling, Gathered};
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
    /// Everybody. `told` hears how many there are so far. Where `filling` is given, an empty mirror is filled meanwhile.
    pub(super) async fn everybody(
        &mut self,
        desk: &Desk,
        filling: Option<&mut Filling>,
        told: impl Fn(usize),
    ) -> Result<Gathered, Error> {
        let query = people(self.ldap, self.mapping);
        let mut gathered = Gathered::default();
        let mut filling = filling;
        let mut pages = Pages::default();
        let read = loop {
            let page = match pages.next(self, &query).await {
                Ok(Some(page)) => page,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            gathered.take_all(&page.entries, self.mapping, desk);
            gathered.referrals += page.referrals;
            told(gathered.read);
            if let Some(filling) = &mut filling {
                filling.feed(&mut gathered).await?;
            }
        };
        if let Some(filling) = filling {
            filling.end(&mut gathered).await?;
        }
        match read {
            Ok(()) => Ok(gathered),
            // Who is in the mirror by now stays, and the journal has to know.
            Err(error) => {
                gathered.break_off(desk).await?;
                Err(error)
            }
        }
    }

    /// Who changed since the server's own `mark`, that moment included.
    pub(super) async fn newer(&mut self, mark: &str, desk: &Desk) -> Result<Gathered, Error> {
        let mut query = people(self.ldap, self.mapping);
        let changed = self.ldap.schema.changed();
        let mark = super::connection::escape(mark);
        query.filter = format!("(&{}({changed}>={mark}))", query.filter);
        self.gather(&query, desk).await
    }

    /// The keys of everybody.
    pub(super) async fn keys(&mut self) -> Result<HashSet<PersonKey>, Error> {
        let mut query = people(self.ldap, self.mapping);
        query.attributes = vec![self.mapping.key().to_owned()];
        let mut keys = HashSet::new();
        let mut pages = Pages::default();
        while let Some(page) = pages.next(self, &query).await? {
            keys.extend(page.entries.iter().filter_map(|entry| self.mapping.key_of(entry)));
        }
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

    async fn gather(&mut self, query: &Query, desk: &Desk) -> Result<Gathered, Error> {
        let mut gathered = Gathered::default();
        let mut pages = Pages::default();
        while let Some(page) = pages.next(self, query).await? {
            gathered.take_all(&page.entries, self.mapping, desk);
            gathered.referrals += page.referrals;
        }
        Ok(gathered)
    }
}

/// A search by pages.
#[derive(Default)]
struct Pages {
    /// Where the next one begins; `None` before the first.
    at: Option<Vec<u8>>,
    read: usize,
    empty: usize,
}

impl Pages {
    /// The next page, or none where that was the last.
    async fn next(
        &mut self,
        reader: &mut Reader<'_>,
        query: &Query,
    ) -> Result<Option<Page>, Error> {
        let at = match self.at.take() {
            Some(at) if at.is_empty() => return Ok(None),
            at => at.unwrap_or_default(),
        };
        if self.empty > EMPTY || self.read > MOST {
            return Err(Error::Endless);
        }
        let size = reader.ldap.page_size.get();
        let mut page = reader.connection.page(query, size, at).await?;
        self.read += page.entries.len();
        self.empty = if page.entries.is_empty() { self.empty + 1 } else { 0 };
        self.at = Some(std::mem::take(&mut page.next));
        // Thousands of entries in a row are work for this thread, and others wait for it.
        tokio::task::yield_now().await;
        Ok(Some(page))
    }
}
