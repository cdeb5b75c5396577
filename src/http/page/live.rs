//! What makes a page live: one stream of server-sent events, each with the parts of the page that look different now.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;

use super::Page;
use crate::http::access::{Signed, StreamPlace};
use crate::http::problem::Problem;
use crate::model::JournalEntry;

/// How long a page waits for more to happen before it is told of it: a login is several entries.
const GATHER: Duration = Duration::from_millis(150);
/// How often a page looks by itself: at what no entry of the journal tells, as callers that wait.
const LOOK: Duration = Duration::from_secs(5);

/// A part of a page: the id of its element, and what stands in it.
pub(super) type Part = (&'static str, String);

/// Makes a page's parts as they are now; what was not to be had is left out.
pub(super) type Look =
    Box<dyn Fn(Vec<Arc<JournalEntry>>) -> BoxFuture<'static, Vec<Part>> + Send + Sync>;

/// What one browser has been told.
struct Watch {
    happenings: Receiver<Arc<JournalEntry>>,
    look: Look,
    told: HashMap<&'static str, String>,
    is_first: bool,
    over: bool,
    place: StreamPlace,
}

/// What a stream waited for.
enum Heard {
    /// This happened, or time went by.
    Something(Vec<Arc<JournalEntry>>),
    /// The session ended, or the daemon stops.
    Over,
}

/// The stream of a page.
///
/// # Errors
/// There are too many already.
pub(super) fn stream(page: &Page, signed: &Signed, look: Look) -> Result<Response, Problem> {
    let place = page.access.stream(&signed.operator)?;
    // Heard from before the first look, or what happens in between would be missed.
    let happenings = page.store().happenings();
    let watch =
        Watch { happenings, look, told: HashMap::new(), is_first: true, over: false, place };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    // A proxy that gathers answers would make it anything but live.
    let unbuffered = [("X-Accel-Buffering", "no")];
    Ok((unbuffered, Sse::new(events).keep_alive(KeepAlive::new())).into_response())
}

impl Watch {
    /// The next event; `None` when there will be none.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.over {
                return None;
            }
            let heard = match self.is_first {
                true => Heard::Something(Vec::new()),
                false => self.heard().await,
            };
            self.is_first = false;
            let Heard::Something(heard) = heard else {
                // The page asks whether it is still signed in, and goes to the sign-in if not.
                self.over = true;
                return Some(Event::default().event("bye").data(""));
            };
            let parts = (self.look)(heard).await;
            if let Some(text) = self.changed(parts) {
                return Some(Event::default().data(text));
            }
        }
    }

    /// What happened since; comes back after a while even if nothing did.
    async fn heard(&mut self) -> Heard {
        /// The most entries that are told one by one.
        const MOST: usize = 64;
        let mut heard = Vec::new();
        tokio::select! {
            happened = self.happenings.recv() => match happened {
                Ok(entry) => heard.push(entry),
                // The look that follows sees all that was missed.
                Err(RecvError::Lagged(_)) => self.happenings = self.happenings.resubscribe(),
                Err(RecvError::Closed) => return Heard::Over,
            },
            () = sleep(LOOK) => return Heard::Something(heard),
            () = self.place.ended() => return Heard::Over,
        }
        sleep(GATHER).await;
        while let Ok(entry) = self.happenings.try_recv() {
            heard.push(entry);
            if heard.len() >= MOST {
                self.happenings = self.happenings.resubscribe();
            }
        }
        Heard::Something(heard)
    }

    /// The parts that look different from what was told, as htmx takes them.
    fn changed(&mut self, parts: Vec<Part>) -> Option<String> {
        let mut text = String::new();
        for (target, html) in parts {
            if self.told.get(target) == Some(&html) {
                continue;
            }
            text += &format!(
                "<hx-partial hx-target=\"#{target}\" hx-swap=\"innerMorph\">{html}</hx-partial>\n"
            );
            self.told.insert(target, html);
        }
        // A carriage return would end a line of the event.
        (!text.is_empty()).then(|| text.replace('\r', ""))
    }
}
