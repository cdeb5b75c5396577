//! The journal: looking into it.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Params, Problem, paging};
use crate::desk::Desk;
use crate::model::{Extension, HappeningKind, Mac, UnknownKind};
use crate::store::JournalFilter;

/// The most entries in one answer.
pub const MOST_ENTRIES: u32 = 1_000;

/// Which entries are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalQuery {
    /// Only from this moment on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only of this phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Mac>,
    /// Only of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Extension>,
    /// Only of these kinds, with commas between them.
    #[serde(default, skip_serializing_if = "Kinds::is_empty")]
    pub what: Kinds,
    /// Only those behind the entry with this `id`, and of these the oldest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// Only those before the entry with this `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// How many: the newest, unless `after` is given; 1 to 1,000.
    #[serde(default = "some")]
    pub limit: u32,
}

impl Default for JournalQuery {
    fn default() -> Self {
        let (since, until, phone, user, after, before) = Default::default();
        Self { since, until, phone, user, what: Kinds::default(), after, before, limit: some() }
    }
}

impl From<JournalQuery> for JournalFilter {
    fn from(query: JournalQuery) -> Self {
        let JournalQuery { since, until, phone, user, what, after, before, limit } = query;
        Self { since, until, phone, user, what: what.0, after, before, limit }
    }
}

/// Kinds of happenings; written with commas between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kinds(pub Vec<HappeningKind>);

impl Kinds {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<String> for Kinds {
    type Error = UnknownKind;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl From<Kinds> for String {
    fn from(kinds: Kinds) -> Self {
        kinds.0.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(",")
    }
}

fn some() -> u32 {
    50
}

pub(super) async fn list(
    State(desk): State<Desk>,
    OriginalUri(uri): OriginalUri,
    Params(query): Params<JournalQuery>,
) -> Result<Response, Problem> {
    if !(1..=MOST_ENTRIES).contains(&query.limit) {
        return Err(Problem::value(format!(
            "`limit` in the request: expected 1 to {MOST_ENTRIES}"
        )));
    }
    let onward = query.after.is_some();
    let page = desk.store().journal_page(&query.into()).await.map_err(crate::desk::Error::from)?;
    // Onward from a place, else back from the newest.
    let (name, farthest) = match onward {
        true => ("after", page.entries.last()),
        false => ("before", page.entries.first()),
    };
    let next = farthest.filter(|_| page.more).map(|entry| entry.id.to_string());
    Ok(paging::answer_by(name, &page.entries, &uri, next.as_deref()))
}
