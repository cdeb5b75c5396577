//! What happens, as it happens: the journal's entries as server-sent events.
//!
//! Each event has the entry's id; whoever comes again with `Last-Event-ID` gets what was missed out of the journal first.
//! Who reads slowly gets the rest from there too, so nothing is left out and nothing waits in memory.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::journal::Kinds;
use super::{Params, Problem};
use crate::desk::{self, Desk};
use crate::http::access::{Access, Operator, StreamPlace};
use crate::model::JournalEntry;
use crate::store::{JournalFilter, Store};

/// How many entries are read from the journal at a time.
const CHUNK: u32 = 200;

/// Which events are wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    /// Only of these kinds, with commas between them.
    #[serde(default, skip_serializing_if = "Kinds::is_empty")]
    pub what: Kinds,
    /// Those behind the entry with this id; `Last-Event-ID` stands before it. Absent: from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
}

pub(super) async fn stream(
    State(desk): State<Desk>,
    State(access): State<Option<Access>>,
    operator: Operator,
    headers: HeaderMap,
    Params(asked): Params<EventsQuery>,
) -> Result<Response, Problem> {
    let place = access.map(|access| access.stream(&operator)).transpose()?;
    let store = desk.store().clone();
    // Before the newest entry is looked for, or what happens in between would be left out.
    let told = store.happenings();
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let behind = match last.or(asked.after) {
        Some(id) => id,
        None => newest(&store).await.map_err(desk::Error::from)?,
    };
    let begun = Some(Event::default().event("ready").id(behind.to_string()).data("{}"));
    let reader =
        Reader { store, told, behind, read: VecDeque::new(), missed: true, what: asked.what };
    let state = Following { reader, place, begun, over: false };
    let mut response = Sse::new(follow(state)).keep_alive(KeepAlive::new()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would gather events until a buffer is full.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    headers.insert(unbuffered, HeaderValue::from_static("no"));
    Ok(response)
}

/// The id of the newest entry.
async fn newest(store: &Store) -> Result<i64, crate::store::DatabaseError> {
    let filter = JournalFilter { limit: 1, ..JournalFilter::default() };
    let entries = store.journal(&filter).await?;
    Ok(entries.last().map_or(0, |entry| entry.id))
}

/// Somebody who listens.
struct Following {
    reader: Reader,
    place: Option<StreamPlace>,
    /// The first event.
    begun: Option<Event>,
    /// Whether the last event was sent.
    over: bool,
}

fn follow(state: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(state, async |mut state| {
        if state.over {
            return None;
        }
        if let Some(begun) = state.begun.take() {
            return Some((Ok(begun), state));
        }
        let ended = async {
            match &state.place {
                Some(place) => place.ended().await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            biased;
            () = ended => None,
            event = state.reader.next() => event,
        };
        state.over = event.is_none();
        // So named that whoever listens does not come again at once.
        let event = event.unwrap_or_else(|| Event::default().event("bye").data("{}"));
        Some((Ok(event), state))
    })
}

/// Reads what happens, out of the journal and then as it happens.
struct Reader {
    store: Store,
    told: Receiver<Arc<JournalEntry>>,
    /// The id of the last entry that was looked at.
    behind: i64,
    /// Entries out of the journal.
    read: VecDeque<JournalEntry>,
    /// Whether there may be more in the journal.
    missed: bool,
    what: Kinds,
}

impl Reader {
    /// The next event; `None` where there are no more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(entry) = self.read.pop_front() {
                self.behind = entry.id;
                return event(&entry);
            }
            if self.missed {
                self.missed = self.read_on().await?;
                continue;
            }
            match self.told.recv().await {
                Ok(entry) if entry.id <= self.behind => {}
                Ok(entry) => {
                    self.behind = entry.id;
                    if self.what.0.is_empty() || self.what.0.contains(&entry.what.kind()) {
                        return event(&entry);
                    }
                }
                Err(RecvError::Lagged(_)) => self.missed = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Reads some entries out of the journal; answers whether there are more.
    async fn read_on(&mut self) -> Option<bool> {
        let (after, what) = (Some(self.behind), self.what.0.clone());
        let filter = JournalFilter { after, what, limit: CHUNK, ..JournalFilter::default() };
        match self.store.journal_page(&filter).await {
            Ok(page) => {
                self.read.extend(page.entries);
                Some(page.more)
            }
            Err(error) => {
                tracing::warn!(%error, "the journal cannot be read for somebody who listens");
                None
            }
        }
    }
}

fn event(entry: &JournalEntry) -> Option<Event> {
    // In one line, whatever is in it.
    let data = serde_json::to_string(entry).ok()?;
    Some(Event::default().id(entry.id.to_string()).data(data))
}
