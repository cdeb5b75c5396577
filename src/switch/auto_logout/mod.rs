//! Logs people out at desks where nobody seems to be, as `model::AutoLogout` says.
//!
//! Every few seconds it looks at who is due, so that nothing has to be kept of moments: who is due stays so until it is
//! done. Nobody is logged out while the phone has a call, for a while after an emergency call from it, and where nobody
//! knows whether it has one because its FreeSWITCH is not connected.

mod clock;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::Switch;
use super::keeper::told;
use super::peer::Line;
use crate::desk::{Desk, Unattended};
use crate::model::{AutoLogout, DeskSession, LogoutSettings, Mac, Zone};
use crate::store::{DatabaseError, Memory, Tx, WriteError};
use clock::Clock;

/// How many are logged out in one transaction: a login must not wait behind all of them.
const BATCH: usize = 16;
/// After each batch: a thousand people are logged out in a quarter of a minute.
const PAUSE: Duration = Duration::from_millis(250);
/// How often last calls are written down.
const SAVE: Duration = Duration::from_secs(60);
/// For how long nobody may watch calls until it counts as one: somebody may have made one.
const UNWATCHED: SignedDuration = SignedDuration::from_mins(15);

/// What is told to [`Switch::keep_logouts`].
#[derive(Debug, Clone)]
pub struct AutoLogouts {
    /// What holds for the whole site.
    pub settings: LogoutSettings,
    /// How often it is looked who is due; [`AutoLogouts::new`] says the usual.
    pub look: Duration,
}

impl AutoLogouts {
    /// With these settings, looked at every ten seconds.
    pub fn new(settings: LogoutSettings) -> Self {
        Self { settings, look: Duration::from_secs(10) }
    }
}

impl Switch {
    /// Logs people out by themselves until `shutdown`. Once is enough.
    pub async fn keep_logouts(
        &self,
        desk: Desk,
        settings: AutoLogouts,
        shutdown: CancellationToken,
    ) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.look_for_the_unattended(desk, settings) => {}
        }
    }

    async fn look_for_the_unattended(
        &self,
        desk: Desk,
        AutoLogouts { settings, look }: AutoLogouts,
    ) {
        let mut keeper = Keeper::new(self, desk, &settings);
        keeper.remember().await;
        let mut look = interval(look);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            keeper.round(Timestamp::now(), Instant::now()).await;
        }
    }
}

/// Who looks, and what it has to remember for that.
struct Keeper<'a> {
    switch: &'a Switch,
    desk: Desk,
    rule: AutoLogout,
    zone: Zone,
    after_emergency: SignedDuration,
    clock: Clock,
    /// The last call of each phone where that matters.
    calls: HashMap<Mac, Timestamp>,
    /// Those that are not in the store yet.
    unsaved: HashSet<Mac>,
    saved: Option<Instant>,
    /// Until when each node was watched.
    watched: HashMap<String, Timestamp>,
    /// Nobody knows of calls before this at a node.
    blind: HashMap<String, Timestamp>,
    /// Sessions that began in the future, by a clock that was wrong then; and when they were first seen.
    ahead: HashMap<Mac, (Timestamp, Timestamp)>,
}

impl<'a> Keeper<'a> {
    fn new(switch: &'a Switch, desk: Desk, settings: &LogoutSettings) -> Self {
        let minutes = settings.after_emergency_minutes.get();
        let (clock, calls, unsaved, saved) = Default::default();
        let (watched, blind, ahead) = Default::default();
        Self {
            switch,
            desk,
            rule: settings.rule(),
            zone: settings.zone(),
            after_emergency: SignedDuration::from_mins(i64::from(minutes)),
            clock,
            calls,
            unsaved,
            saved,
            watched,
            blind,
            ahead,
        }
    }

    /// Takes over what an earlier daemon knew.
    async fn remember(&mut self) {
        let store = &self.switch.store;
        let remembered = async { Ok((store.last_calls().await?, store.calls_watched().await?)) };
        let remembered: Result<_, DatabaseError> = remembered.await;
        match remembered {
            Ok((calls, watched)) => {
                self.calls = calls;
                let nodes = self.switch.peers.iter().map(|peer| peer.node.name.clone());
                self.watched = nodes.map(|node| (node, watched)).collect();
            }
            // Then nobody is idle before this moment.
            Err(error) => tracing::warn!(%error, "cannot read the phones' last calls"),
        }
    }

    /// Looks once.
    async fn round(&mut self, now: Timestamp, instant: Instant) {
        let is_trusted = self.clock.is_trusted(now, instant);
        self.see_calls(now);
        if self.saved.is_none_or(|saved| instant.duration_since(saved) >= SAVE) {
            self.save(now, instant).await;
        }
        if !is_trusted {
            return;
        }
        let due = self.due(now);
        if due.is_empty() || !self.look_at_channels().await {
            return;
        }
        for some in due.chunks(BATCH) {
            let free: Vec<Unattended> = self.free(some, now);
            if free.is_empty() {
                continue;
            }
            match self.desk.log_out_unattended(free, now).await {
                Ok(changes) if changes.is_empty() => {}
                Ok(changes) => {
                    tracing::info!(changes = changes.len(), "logged people out by themselves");
                    sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot log people out by themselves; trying again");
                    return;
                }
            }
        }
    }

    /// Notes which phones have or had a call since the last look.
    fn see_calls(&mut self, now: Timestamp) {
        for peer in self.switch.peers.iter() {
            let mut view = peer.view();
            let is_watched = view.line.is_some();
            let begun = std::mem::take(&mut view.begun).calls();
            let calls = view.channels.calls();
            let node = peer.node.name.as_str();
            if is_watched {
                let before = self.watched.insert(node.to_owned(), now);
                if before.is_none_or(|before| now.duration_since(before) > UNWATCHED) {
                    self.blind.insert(node.to_owned(), now);
                }
            }
            let memory = self.switch.store.memory();
            for session in memory.sessions() {
                let phone = session.phone;
                if !self.rule_of(&memory, phone).asks_for_calls() {
                    continue;
                }
                let registrations = view.registrations.of(phone);
                let of_it = [&begun, &calls].into_iter();
                if of_it.filter_map(|calls| calls.since(phone, registrations)).next().is_some() {
                    self.calls.insert(phone, now);
                    self.unsaved.insert(phone);
                } else if let Some(call) = self.calls.get_mut(&phone).filter(|call| **call > now) {
                    // By a clock that was wrong then.
                    *call = now;
                }
            }
        }
    }

    /// Writes down what is new.
    async fn save(&mut self, now: Timestamp, instant: Instant) {
        self.saved = Some(instant);
        {
            let memory = self.switch.store.memory();
            self.calls.retain(|phone, _| memory.session(*phone).is_some());
        }
        let calls = self.unsaved.iter().filter_map(|phone| Some((*phone, *self.calls.get(phone)?)));
        let mut calls: Vec<(Mac, Timestamp)> = calls.collect();
        calls.sort();
        let is_watched = self.switch.peers.iter().any(|peer| peer.view().line.is_some());
        if calls.is_empty() && !(is_watched && self.asks_for_calls()) {
            return;
        }
        let written = self.switch.store.write(async move |tx: &mut Tx<'_>| {
            tx.save_last_calls(&calls, now).await?;
            Ok::<_, DatabaseError>(())
        });
        let written: Result<(), WriteError<DatabaseError>> = written.await;
        match written {
            Ok(()) => self.unsaved.clear(),
            Err(error) => tracing::warn!(%error, "cannot write down the phones' last calls"),
        }
    }

    /// Whether there is any desk where it matters when the last call was.
    fn asks_for_calls(&self) -> bool {
        let memory = self.switch.store.memory();
        self.rule.asks_for_calls()
            || memory.phones().any(|phone| phone.logout.is_some_and(AutoLogout::asks_for_calls))
    }

    fn rule_of(&self, memory: &Memory, phone: Mac) -> AutoLogout {
        memory.phone(phone).and_then(|phone| phone.logout).unwrap_or(self.rule)
    }

    /// Who is to be logged out, longest there first.
    fn due(&mut self, now: Timestamp) -> Vec<Unattended> {
        let memory = self.switch.store.memory();
        self.ahead.retain(|phone, (since, _)| {
            memory.session(*phone).is_some_and(|session| session.since == *since)
        });
        for session in memory.sessions().filter(|session| session.since > now) {
            self.ahead.entry(session.phone).or_insert((session.since, now));
        }
        let mut due: Vec<Unattended> = memory
            .sessions()
            .filter(|session| session.is_guest())
            .filter_map(|session| self.is_due(&memory, session, now))
            .collect();
        due.sort_by_key(|one| (one.since, one.phone));
        due
    }

    fn is_due(&self, memory: &Memory, session: &DeskSession, now: Timestamp) -> Option<Unattended> {
        let DeskSession { phone, user, since, .. } = session;
        let rule = self.rule_of(memory, *phone);
        if rule.is_never() {
            return None;
        }
        let noticed = self.ahead.get(phone).map_or(*since, |(_, noticed)| *noticed);
        let registration = memory.registration(*phone);
        let blind = registration.and_then(|one| self.blind.get(&one.node)).copied();
        let call = self.calls.get(phone).copied().max(blind);
        let reason = rule.due(noticed, call, &self.zone, now)?;
        Some(Unattended { phone: *phone, user: user.clone(), since: *since, reason })
    }

    /// Asks every node for its channels: an event may have been lost. Whether all that are connected answered.
    async fn look_at_channels(&self) -> bool {
        let lines = self.switch.peers.iter().filter_map(|peer| {
            let line: Line = peer.view().line.clone()?;
            Some((peer, line))
        });
        let looks = lines.map(|(peer, line)| async move {
            let seen = peer.look_at_channels(&line.client).await;
            told(peer, &line, seen).is_some()
        });
        join_all(looks).await.into_iter().all(|seen| seen)
    }

    /// Those of whom it is certain that there is no call.
    fn free(&self, due: &[Unattended], now: Timestamp) -> Vec<Unattended> {
        let mut free = due.to_vec();
        for peer in self.switch.peers.iter() {
            let view = peer.view();
            let calls = view.channels.calls();
            // Before that the phone may just have made an emergency call.
            let is_connected = view.line.is_some() && view.emergencies_known;
            let memory = self.switch.store.memory();
            free.retain(|one| {
                let registration = memory.registration(one.phone);
                let is_there = registration
                    .is_some_and(|there| there.ended.is_none() && there.node == peer.node.name);
                let in_call = calls.since(one.phone, view.registrations.of(one.phone)).is_some();
                !in_call && (is_connected || !is_there)
            });
        }
        let memory = self.switch.store.memory();
        free.retain(|one| {
            let emergency = memory.last_emergency(one.phone);
            // One that seems to be to come was told by another clock.
            emergency.is_none_or(|at| now.duration_since(at).abs() >= self.after_emergency)
        });
        free
    }
}

#[cfg(test)]
mod tests;
