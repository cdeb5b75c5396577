//! The hearing half of a connection: events in order, in a queue with a bound.
//!
//! The socket is always read, whether anybody fetches the events or not: FreeSWITCH drops a listener that does not
//! (`event_socket.md` 2.6). When the queue is full it is emptied, and the owner is told how much it missed; whoever
//! keeps a picture of the switch then asks for the whole picture again.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::Disconnected;
use super::super::link::{Leave, Link, Watch};
use super::super::message::Message;
use super::super::uuid::Uuid;

/// Why there is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventsError {
    /// Events were not fetched in time, and so many were thrown away. Later ones follow.
    #[error("{count} events were not fetched in time and are lost")]
    Lost {
        /// How many.
        count: u64,
    },
    /// The connection is over; nothing follows.
    #[error(transparent)]
    Disconnected(#[from] Disconnected),
}

/// The queue, and what was lost from it.
pub(in crate::event_socket) struct Inbox {
    queue: VecDeque<Message>,
    bytes: usize,
    lost: u64,
    most: usize,
    most_bytes: usize,
    /// Whether anybody will ever fetch.
    heard: bool,
}

impl Inbox {
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        Self { queue: VecDeque::new(), bytes: 0, lost: 0, most, most_bytes, heard: true }
    }

    /// The next event, or how many are missing before it.
    fn take(&mut self) -> Option<Result<Message, EventsError>> {
        if self.lost > 0 {
            return Some(Err(EventsError::Lost { count: std::mem::take(&mut self.lost) }));
        }
        let message = self.queue.pop_front()?;
        self.bytes = self.bytes.saturating_sub(message.as_bytes().len());
        Some(Ok(message))
    }
}

impl Watch for Inbox {
    fn connected(&mut self, _: &Message) {}

    fn event(&mut self, message: Message) {
        if !self.heard {
            return;
        }
        let bytes = self.bytes + message.as_bytes().len();
        if self.queue.len() >= self.most || bytes > self.most_bytes {
            // What is left of a queue with a hole in it is of no use either.
            self.lost += self.queue.len() as u64 + 1;
            self.queue = VecDeque::new();
            self.bytes = 0;
            return;
        }
        self.bytes = bytes;
        self.queue.push_back(message.detached());
    }

    fn refused(&mut self, _: Uuid, _: &str) {}

    fn lingers(&mut self) {}

    fn ended(&mut self, _: &Disconnected) {}

    fn leave(&self) -> Leave {
        Leave::Stay
    }
}

/// The events of one connection, in the order in which FreeSWITCH sent them. Dropped, events are passed over.
pub struct Events {
    link: Arc<Link<Inbox>>,
}

impl Events {
    pub(super) fn new(link: Arc<Link<Inbox>>) -> Self {
        Self { link }
    }

    /// Waits for the next event. Those that came before the end of a connection come before the error that tells of it.
    /// Safe to drop: no event is lost by it.
    pub async fn next(&mut self) -> Result<Message, EventsError> {
        self.link
            .until(|state| {
                let ended = state.why_ended().cloned();
                state.watch.take().or_else(|| ended.map(|why| Err(why.into())))
            })
            .await
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let inbox = &mut self.link.state().watch;
        inbox.heard = false;
        inbox.queue = VecDeque::new();
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
