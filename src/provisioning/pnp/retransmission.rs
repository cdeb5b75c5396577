//! Open transactions and their timers; `now` is an argument.
//!
//! A SUBSCRIBE that comes again gets the same 200 and nothing else. The NOTIFY is sent again after T1, then
//! after twice as long each time up to T2, until the phone answers it or timer F ends it. How many are open
//! is bounded: whoever is answered already makes room, and who finds none asks again.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The timers of a transaction over UDP.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timers {
    /// When a NOTIFY is sent for the second time (RFC 3261: 500 ms).
    pub t1: Duration,
    /// The longest between two.
    pub t2: Duration,
    /// When it is given up. RFC 3261 has 64 × T1; a phone waits 5 seconds at the most, and then goes on without us.
    pub f: Duration,
    /// For how long a request may come again (timer J, 64 × T1).
    pub j: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            // Three further ones, after 0.5, 1 and 2 seconds, and once more the time to answer the last.
            f: Duration::from_millis(7_500),
            j: Duration::from_secs(32),
        }
    }
}

/// What makes a request that comes again the same: phones without a branch have the rest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// From where.
    pub from: SocketAddr,
    /// Its Request-URI, which names the phone.
    pub uri: String,
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of its From.
    pub tag: String,
    /// The number of its CSeq.
    pub sequence: u32,
    /// The branch of its Via.
    pub branch: String,
}

/// A NOTIFY to be sent until it is answered.
#[derive(Debug)]
pub(super) struct Outgoing<T> {
    /// The branch of its Via.
    pub branch: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// To whom.
    pub to: SocketAddr,
    /// What it is about, given back when it is over.
    pub about: T,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due<T> {
    /// Send these bytes again.
    Send(Arc<[u8]>, SocketAddr),
    /// Nobody answered.
    GivenUp(T),
}

/// A transaction.
#[derive(Debug)]
struct Open<T> {
    key: Key,
    ok: Arc<[u8]>,
    /// When the request can no longer come again.
    ends: Instant,
    notify: Option<Waiting<T>>,
    /// When its timer rings next, as it stands in `timers`.
    rings: Instant,
}

/// A NOTIFY that is not answered yet.
#[derive(Debug)]
struct Waiting<T> {
    outgoing: Outgoing<T>,
    interval: Duration,
    gives_up: Instant,
}

/// All open transactions of one socket.
#[derive(Debug)]
pub(super) struct Transactions<T> {
    timers: Timers,
    most: usize,
    open: HashMap<u64, Open<T>>,
    by_key: HashMap<Key, u64>,
    by_branch: HashMap<String, u64>,
    clock: BTreeSet<(Instant, u64)>,
    next_id: u64,
}

impl<T> Transactions<T> {
    /// None yet, and never more than so many.
    pub(super) fn new(timers: Timers, most: usize) -> Self {
        Self {
            timers,
            most,
            open: HashMap::new(),
            by_key: HashMap::new(),
            by_branch: HashMap::new(),
            clock: BTreeSet::new(),
            next_id: 0,
        }
    }

    /// The 200 to a request that came before.
    pub(super) fn again(&self, key: &Key) -> Option<Arc<[u8]>> {
        let open = self.open.get(self.by_key.get(key)?)?;
        Some(Arc::clone(&open.ok))
    }

    /// Whether there is room for one more, if need be in place of one that is only kept for its 200.
    pub(super) fn make_room(&mut self) -> bool {
        if self.open.len() < self.most {
            return true;
        }
        let is_done = |id: &u64| self.open.get(id).is_some_and(|open| open.notify.is_none());
        let Some(id) = self.clock.iter().map(|(_, id)| *id).find(is_done) else { return false };
        self.close(id);
        true
    }

    /// Begins one; what it says is sent by the caller, now. See [`Transactions::make_room`].
    pub(super) fn begin(&mut self, key: Key, ok: Arc<[u8]>, outgoing: Outgoing<T>, now: Instant) {
        let id = self.next_id;
        self.next_id += 1;
        let Timers { t1, f, j, .. } = self.timers;
        let rings = now + t1.min(f);
        self.by_branch.insert(outgoing.branch.clone(), id);
        let before = self.by_key.insert(key.clone(), id);
        let notify = Some(Waiting { outgoing, interval: t1, gives_up: now + f });
        self.open.insert(id, Open { key, ok, ends: now + j, notify, rings });
        self.clock.insert((rings, id));
        // One with the same key would have been answered with its 200.
        if let Some(before) = before {
            self.forget(before);
        }
    }

    /// Somebody answered the NOTIFY with that branch: what it was about. A provisional answer ends nothing,
    /// but the next one is due after T2 only.
    pub(super) fn answered(&mut self, branch: &str, status: u16) -> Option<T> {
        let id = *self.by_branch.get(branch)?;
        let open = self.open.get_mut(&id)?;
        if status < 200 {
            open.notify.as_mut()?.interval = self.timers.t2;
            return None;
        }
        let waiting = open.notify.take()?;
        let (before, ends) = (open.rings, open.ends);
        open.rings = ends;
        self.by_branch.remove(branch);
        self.clock.remove(&(before, id));
        self.clock.insert((ends, id));
        Some(waiting.outgoing.about)
    }

    /// When there is something to do next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.clock.first().map(|(at, _)| *at)
    }

    /// One thing that is due; `None` when nothing is.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due<T>> {
        loop {
            let (at, id) = *self.clock.first().filter(|(at, _)| *at <= now)?;
            self.clock.remove(&(at, id));
            let Some(open) = self.open.get_mut(&id) else { continue };
            let Some(waiting) = open.notify.as_mut().filter(|waiting| now < waiting.gives_up)
            else {
                // It is over, or given up and kept for the 200 until its end.
                let given_up = open.notify.take();
                if open.ends <= now {
                    self.close(id);
                } else {
                    open.rings = open.ends;
                    self.clock.insert((open.rings, id));
                }
                match given_up {
                    Some(waiting) => {
                        self.by_branch.remove(&waiting.outgoing.branch);
                        return Some(Due::GivenUp(waiting.outgoing.about));
                    }
                    None => continue,
                }
            };
            waiting.interval = (waiting.interval * 2).min(self.timers.t2);
            // From when it was due, so that a busy moment does not stretch the rest.
            open.rings = (at + waiting.interval).min(waiting.gives_up);
            self.clock.insert((open.rings, id));
            let outgoing = &waiting.outgoing;
            return Some(Due::Send(Arc::clone(&outgoing.bytes), outgoing.to));
        }
    }

    /// How many are open.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    fn close(&mut self, id: u64) {
        if let Some(open) = self.forget(id) {
            self.by_key.remove(&open.key);
        }
    }

    fn forget(&mut self, id: u64) -> Option<Open<T>> {
        let open = self.open.remove(&id)?;
        self.clock.remove(&(open.rings, id));
        if let Some(waiting) = &open.notify {
            self.by_branch.remove(&waiting.outgoing.branch);
        }
        Some(open)
    }
}

#[cfg(test)]
mod tests;
