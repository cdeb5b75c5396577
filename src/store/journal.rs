//! Reading the journal.

use jiff::Timestamp;
use sqlx::Row as _;

use super::Store;
use crate::model::{Extension, HappeningKind, JournalEntry, Mac};

/// Which entries of the journal are asked for: those that pass all that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Only from this moment on.
    pub since: Option<Timestamp>,
    /// Only before this moment.
    pub until: Option<Timestamp>,
    /// Only of this phone.
    pub phone: Option<Mac>,
    /// Only of this user.
    pub user: Option<Extension>,
    /// Only of one of these kinds; of all where empty.
    pub what: Vec<HappeningKind>,
    /// Only those behind the entry with this `id`, and of these the oldest: to read on from there.
    pub after: Option<i64>,
    /// Only those before the entry with this `id`: to look further back from there.
    pub before: Option<i64>,
    /// How many: the newest, unless `after` is given.
    pub limit: u32,
}

/// Some entries, and whether there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPage {
    /// The entries, oldest first.
    pub entries: Vec<JournalEntry>,
    /// Whether there are more: newer ones where `after` was given, else older ones.
    pub more: bool,
}

impl Store {
    /// The newest entries that pass `filter`, or those right behind [`JournalFilter::after`]; oldest first.
    ///
    /// # Errors
    /// The store failed, or an entry cannot be read.
    pub async fn journal(&self, filter: &JournalFilter) -> Result<Vec<JournalEntry>, sqlx::Error> {
        let (text, bound) = query(filter);
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for value in bound {
            query = match value {
                Bound::Number(number) => query.bind(number),
                Bound::Text(text) => query.bind(text),
            };
        }
        let rows = query.fetch_all(&self.inner.readers).await?;
        let entries = rows.iter().map(|row| {
            let text: String = row.try_get("entry")?;
            serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))
        });
        let mut entries: Vec<JournalEntry> = entries.collect::<Result<_, _>>()?;
        if filter.after.is_none() {
            entries.reverse();
        }
        Ok(entries)
    }

    /// The same, and whether there are more.
    ///
    /// # Errors
    /// As [`Store::journal`].
    pub async fn journal_page(&self, filter: &JournalFilter) -> Result<JournalPage, sqlx::Error> {
        let limit = filter.limit.saturating_add(1);
        let mut entries = self.journal(&JournalFilter { limit, ..filter.clone() }).await?;
        let more = entries.len() > filter.limit as usize;
        if more {
            // The one too many is the farthest: the last one of those behind `after`, else the oldest.
            let farthest = if filter.after.is_some() { entries.len() - 1 } else { 0 };
            entries.remove(farthest);
        }
        Ok(JournalPage { entries, more })
    }
}

/// A value of the query.
enum Bound {
    Number(i64),
    Text(String),
}

/// The query for a filter, and its values in their order.
fn query(filter: &JournalFilter) -> (String, Vec<Bound>) {
    let (mut conditions, mut bound) = (Vec::new(), Vec::new());
    let mut only = |condition: &str, value: Bound| {
        bound.push(value);
        conditions.push(format!("{condition} ${}", bound.len()));
    };
    if let Some(since) = filter.since {
        only("at >=", Bound::Number(whole_second(since)));
        // No entry's id is smaller than its time, and by the id they are sorted.
        only("id >=", Bound::Number(whole_second(since).saturating_mul(1_000_000)));
    }
    if let Some(until) = filter.until {
        only("at <", Bound::Number(whole_second(until)));
    }
    if let Some(phone) = filter.phone {
        only("phone =", Bound::Text(phone.to_string()));
    }
    if let Some(user) = &filter.user {
        only("extension =", Bound::Text(user.to_string()));
    }
    if let Some(after) = filter.after {
        only("id >", Bound::Number(after));
    }
    if let Some(before) = filter.before {
        only("id <", Bound::Number(before));
    }
    if !filter.what.is_empty() {
        let first = bound.len() + 1;
        bound.extend(filter.what.iter().map(|kind| Bound::Text(kind.as_str().to_owned())));
        let places: Vec<String> = (first..=bound.len()).map(|place| format!("${place}")).collect();
        conditions.push(format!("what IN ({})", places.join(", ")));
    }
    let only = match conditions.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.join(" AND ")),
    };
    let order = if filter.after.is_some() { "ASC" } else { "DESC" };
    bound.push(Bound::Number(i64::from(filter.limit)));
    let text =
        format!("SELECT entry FROM journal{only} ORDER BY id {order} LIMIT ${}", bound.len());
    (text, bound)
}

/// The first whole second that is not before: entries have whole seconds.
fn whole_second(at: Timestamp) -> i64 {
    at.as_second().saturating_add(i64::from(at.subsec_nanosecond() > 0))
}
