//! Brings what is actual to what is wanted: the IO around `plan`.

mod errand;
mod unwritten;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Settings;
use super::channels::Calls;
use super::events::{CheckedEvents, Vocabulary};
use super::peer::{Line, Peer};
use super::plan::{Facts, Look, Plan, Turn, Waiting, plan, within_rate};
use super::registrations::Registration;
use crate::model::{Mac, Wanted};
use crate::store::Store;
pub(super) use errand::told;
use unwritten::Unwritten;

/// How many NOTIFYs go out in a second: a thousand phones that are logged out at once must not all fetch their
/// configuration at once.
const RATE: usize = 20;
/// How many phones are told at the same time.
const AT_ONCE: usize = 8;
/// How often everything is compared although nothing was heard and nothing is due.
const COMPARE: Duration = Duration::from_secs(30);
/// After each round; what happens meanwhile is one next round.
const BREATH: Duration = Duration::from_millis(50);

/// What waits, for whoever asks.
pub(super) type Pending = Arc<Mutex<Vec<(Arc<Wanted>, Waiting)>>>;

/// The one task that sends.
pub(super) struct Keeper {
    store: Store,
    settings: Arc<Settings>,
    vocabulary: Vocabulary,
    peers: Vec<Arc<Peer>>,
    changed: Arc<Notify>,
    pending: Pending,
    /// What was done and is not in the store yet.
    unwritten: Unwritten,
    /// Whom the last round ended with: the next begins behind it, so that what fails holds up nobody.
    last: Option<Mac>,
    /// When something is due that was not in the last round.
    next: Option<Timestamp>,
}

impl Keeper {
    pub(super) fn new(
        store: Store,
        settings: Arc<Settings>,
        peers: Vec<Arc<Peer>>,
        changed: Arc<Notify>,
        pending: Pending,
    ) -> Self {
        let vocabulary = Vocabulary::new(Arc::clone(&settings.phones));
        let unwritten = Unwritten::default();
        Self {
            store,
            settings,
            vocabulary,
            peers,
            changed,
            pending,
            unwritten,
            last: None,
            next: None,
        }
    }

    /// Works until it is dropped.
    pub(super) async fn keep(mut self) {
        let mut happenings = self.store.happenings();
        let mut compare = interval(COMPARE);
        compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let look = tokio::select! {
                () = self.changed.notified() => false,
                happened = happenings.recv() => match happened {
                    Ok(_) | Err(RecvError::Lagged(_)) => false,
                    Err(RecvError::Closed) => return,
                },
                () = reach(self.next) => false,
                _ = compare.tick() => true,
            };
            if look {
                self.look_again().await;
            }
            while self.round().await > 0 {
                sleep(Duration::from_secs(1)).await;
            }
            sleep(BREATH).await;
        }
    }

    /// Looks at the channels anew if somebody waits for the end of a call: the event may have been lost.
    async fn look_again(&self) {
        let waits = {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.iter().any(|(_, why)| matches!(why, Waiting::InCall { .. }))
        };
        if waits {
            self.look_at_channels().await;
        }
    }

    /// Asks every connected node for its channels; whether all answered.
    async fn look_at_channels(&self) -> bool {
        let looks = self.lines().map(|(peer, line)| async move {
            let seen = peer.look_at_channels(&line.client).await;
            told(peer, &line, seen).is_some()
        });
        join_all(looks).await.into_iter().all(|seen| seen)
    }

    /// The nodes that are connected.
    fn lines(&self) -> impl Iterator<Item = (&Arc<Peer>, Line)> {
        self.peers.iter().filter_map(|peer| {
            let line = peer.view().line.clone()?;
            Some((peer, line))
        })
    }

    /// Whether a phone has a channel at this moment, as far as the nodes told.
    fn is_in_call(&self, phone: Mac) -> bool {
        self.peers.iter().any(|peer| {
            let view = peer.view();
            view.line.is_some() && view.channels.has(phone, view.registrations.of(phone))
        })
    }

    /// Decides, and does as much of it as a second allows. Answers how many NOTIFYs went out.
    async fn round(&mut self) -> usize {
        let mut rows: Vec<Arc<Wanted>> = self.store.memory().wanted().cloned().collect();
        self.unwritten.lay_over(&mut rows);
        let turn = Turn { last: self.last, most: RATE };
        let plan = plan(rows, &Survey::of(self), turn, Timestamp::now());
        let Plan { errands, dropped, given_up, waiting, next } = plan;
        self.next = next;
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
        for (row, why) in dropped {
            tracing::info!(phone = %row.target, wanted = row.kind.as_str(), ?why, "given up");
            self.unwritten.settled(row);
        }
        for one in given_up {
            tracing::warn!(phone = %one.row.target, reason = %one.reason, "does not show who sits there");
            self.unwritten.given_up(one);
        }
        let mut sent = 0;
        // The table that this reads lags behind the events, the events may be behind us: both must say that nobody calls.
        if !errands.is_empty() && self.look_at_channels().await {
            let errands = within_rate(errands, RATE, |phone| self.registrations(phone));
            self.last = errands.last().map(|errand| errand.phone);
            let runs = errands.into_iter().map(|errand| self.run(errand));
            let ends: Vec<_> = stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
            for end in ends {
                sent += end.sent;
                end.done.into_iter().for_each(|row| self.unwritten.settled(row));
                end.tried.into_iter().for_each(|(row, how)| self.unwritten.tried(row, how));
            }
        }
        self.unwritten.write(&self.store, &self.pending).await;
        sent
    }

    /// At how many registrations a phone would be told.
    fn registrations(&self, phone: Mac) -> usize {
        let count = |peer: &Arc<Peer>| {
            let view = peer.view();
            let all = view.registrations.of(phone);
            // A base is told at one of its handsets.
            if all.first().is_some_and(Registration::is_handset) { 1 } else { all.len() }
        };
        self.peers.iter().map(count).sum()
    }
}

/// What a plan looks at: who has a call is gathered once for all phones.
struct Survey<'k> {
    keeper: &'k Keeper,
    /// The nodes that are connected, and who has a channel there.
    nodes: Vec<(&'k Peer, Calls)>,
    watched: Option<Timestamp>,
    /// The same moment twice: calls began so long before it.
    now: (Instant, Timestamp),
}

impl<'k> Survey<'k> {
    fn of(keeper: &'k Keeper) -> Self {
        let mut watched = None;
        let nodes = keeper.peers.iter().filter_map(|peer| {
            let view = peer.view();
            view.line.as_ref()?;
            watched = watched.max(view.since);
            Some((&**peer, view.channels.calls()))
        });
        let nodes = nodes.collect();
        Self { keeper, nodes, watched, now: (Instant::now(), Timestamp::now()) }
    }
}

impl Look for Survey<'_> {
    fn facts(&self, phone: Mac) -> Facts {
        let mut facts = Facts { watched: self.watched, ..Facts::default() };
        let mut call: Option<Instant> = None;
        for (peer, calls) in &self.nodes {
            let view = peer.view();
            let registrations = view.registrations.of(phone);
            facts.registered |= !registrations.is_empty();
            let appeared = registrations.iter().filter_map(|one| one.appeared).max();
            facts.anew = facts.anew.max(appeared);
            call = call.into_iter().chain(calls.since(phone, registrations)).min();
        }
        facts.call = call.map(|began| {
            let lasted = self.now.0.saturating_duration_since(began);
            self.now.1.checked_sub(lasted).unwrap_or(self.now.1)
        });
        let memory = self.keeper.store.memory();
        facts.known = memory.phone(phone).is_some();
        facts.user = memory.session(phone).map(|session| session.user.clone());
        facts
    }

    fn events(&self, phone: Mac) -> CheckedEvents {
        // The lock is not held while others are asked, who may want it too.
        let known = self.keeper.store.memory().phone(phone).cloned();
        known.map(|phone| self.keeper.vocabulary.of(&phone)).unwrap_or_default()
    }
}

/// Waits until then, or for ever. A clock that is set anew matters no longer than until the next comparison.
async fn reach(at: Option<Timestamp>) {
    match at {
        Some(at) => {
            let pause = Timestamp::now().duration_until(at);
            sleep(pause.try_into().unwrap_or_default()).await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
