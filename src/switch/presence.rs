//! Where each phone is registered, kept in the store, and whether that is where it belongs.
//!
//! FreeSWITCH tells of each REGISTER, and of ten thousand phones one comes each few milliseconds. What is kept changes
//! only when a phone comes, goes, or is at another address; only that is written, gathered and in batches. What a node
//! says counts while it is connected: a FreeSWITCH that is away takes no phone's registration with it, and one that
//! starts anew with an empty list has [`PATIENCE`] until its phones count as gone.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Registration, Switch};
use crate::model::{Actor, Happening, Locations, Mac, PhoneRegistration, Place};
use crate::store::{DatabaseError, Memory, Tx, WriteError};

/// How long news is gathered: phones that boot together are written together.
const GATHER: Duration = Duration::from_secs(2);
/// How many phones are compared while the store's memory and the nodes' lists are held.
const CHUNK: usize = 256;
/// How many changes are written at once: others wait for the store's writer meanwhile.
const BATCH: usize = 256;
/// How long a phone may be missing from a node's list before it counts as gone: longer than a registration holds.
const PATIENCE: SignedDuration = SignedDuration::from_mins(6);
/// How soon what could not be written is tried again, and how often those who are missing are looked at.
const AGAIN: Duration = Duration::from_secs(30);

/// Of which phones a node has something new. No more than it has registrations, and the inventory phones.
#[derive(Debug, Default)]
pub(super) struct News {
    all: bool,
    some: HashSet<Mac>,
    /// Those that FreeSWITCH says are registered there no longer.
    gone: HashSet<Mac>,
}

/// How many phones there is news of by name; past that it is of all.
const MOST: usize = 20_000;

impl News {
    /// Everything was read anew.
    pub(super) fn all(&mut self) {
        self.all = true;
    }

    /// Something of this phone changed.
    pub(super) fn of(&mut self, phone: Mac) {
        if self.some.len() < MOST {
            self.some.insert(phone);
        } else {
            self.all = true;
        }
    }

    /// This phone is registered no longer.
    pub(super) fn gone(&mut self, phone: Mac) {
        self.of(phone);
        if self.gone.len() < MOST {
            self.gone.insert(phone);
        }
    }

    /// This as well.
    fn extend(&mut self, other: Self) {
        self.all |= other.all;
        self.some.extend(other.some);
        self.gone.extend(other.gone);
    }
}

/// What one node shows of a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sighting {
    node: String,
    registration: Registration,
}

/// A change to be written.
#[derive(Debug, Clone)]
struct Change {
    phone: Mac,
    registration: PhoneRegistration,
    what: Option<Happening>,
}

/// Who compares, and what it has to remember for that.
struct Keeper<'a> {
    switch: &'a Switch,
    locations: &'a Locations,
    /// Since when a phone is missing that nobody said is gone.
    missing: HashMap<Mac, Timestamp>,
}

impl Switch {
    /// Keeps in the store where phones are registered, until `shutdown`; and tells of those that are elsewhere than
    /// these locations say. Once is enough.
    pub async fn keep_presence(&self, locations: Locations, shutdown: CancellationToken) {
        let keeper = Keeper { switch: self, locations: &locations, missing: HashMap::new() };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = keeper.keep() => {}
        }
    }
}

impl Keeper<'_> {
    async fn keep(mut self) {
        let mut happenings = self.switch.store.happenings();
        let mut news = News { all: true, ..News::default() };
        let mut again: Option<Instant> = None;
        loop {
            let later = async {
                match again {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.switch.presence_changed.notified() => {}
                () = later => {}
                happened = happenings.recv() => match happened {
                    // It may belong elsewhere now.
                    Ok(entry) => match entry.what {
                        Happening::PhoneSaved { phone } => news.of(phone),
                        Happening::PhonesImported { .. } => news.all(),
                        _ => continue,
                    },
                    Err(RecvError::Lagged(_)) => news.all(),
                    Err(RecvError::Closed) => return,
                },
            }
            sleep(GATHER).await;
            for peer in self.switch.peers.iter() {
                news.extend(std::mem::take(&mut peer.view().news));
            }
            let told = std::mem::take(&mut news);
            again = match self.write(&told).await {
                Ok(()) if self.missing.is_empty() => None,
                Ok(()) => {
                    news.some.extend(self.missing.keys().copied());
                    Some(Instant::now() + AGAIN)
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot write down where phones are registered");
                    news = told;
                    Some(Instant::now() + AGAIN)
                }
            };
        }
    }

    /// Writes down what is new.
    async fn write(&mut self, news: &News) -> Result<(), WriteError<DatabaseError>> {
        let phones: Vec<Mac> = match news.all {
            true => self.switch.store.memory().phones().map(|phone| phone.mac).collect(),
            false => news.some.iter().copied().collect(),
        };
        for phones in phones.chunks(CHUNK) {
            let changes = self.changes(phones, &news.gone, Timestamp::now());
            for changes in changes.chunks(BATCH) {
                let changes = changes.to_vec();
                let written = self.switch.store.write(async move |tx: &mut Tx<'_>| {
                    for Change { phone, registration, what } in &changes {
                        let is_ours = tx.save_registration(*phone, registration.clone()).await?;
                        if let Some(what) = what.as_ref().filter(|_| is_ours) {
                            let at = what_at(registration);
                            tx.journal(at, Actor::Daemon, what.clone()).await?;
                        }
                    }
                    Ok(())
                });
                written.await?;
            }
        }
        Ok(())
    }

    /// What is to be written of these phones.
    fn changes(&mut self, phones: &[Mac], gone: &HashSet<Mac>, now: Timestamp) -> Vec<Change> {
        let mut seen: HashMap<Mac, Vec<Sighting>> = HashMap::new();
        let mut watched = HashSet::new();
        for peer in self.switch.peers.iter() {
            let view = peer.view();
            let node = &peer.node.name;
            if view.line.is_some() && view.whole {
                watched.insert(node.as_str());
            }
            for &phone in phones {
                let newest = view.registrations.of(phone).first().cloned();
                let sighting =
                    newest.map(|registration| Sighting { node: node.clone(), registration });
                seen.entry(phone).or_default().extend(sighting);
            }
        }
        let known = |node: &str| self.switch.peers.iter().any(|peer| peer.node.name == node);
        let memory = self.switch.store.memory();
        let mut changes = Vec::new();
        for &phone in phones {
            let seen = seen.get(&phone).map_or(&[][..], Vec::as_slice);
            let stored = memory.registration(phone);
            let is_missing = stored.is_some_and(|stored| stored.ended.is_none()) && seen.is_empty();
            let ended = match stored.filter(|_| is_missing) {
                // Of a node that is not there nobody knows what it holds.
                Some(stored) if known(&stored.node) && !watched.contains(stored.node.as_str()) => {
                    None
                }
                Some(_) if gone.contains(&phone) => Some(now),
                Some(_) => {
                    let since = *self.missing.entry(phone).or_insert(now);
                    (now.duration_since(since) >= PATIENCE).then_some(since)
                }
                None => None,
            };
            if !is_missing || ended.is_some() {
                self.missing.remove(&phone);
            }
            changes.extend(change(&memory, self.locations, phone, stored, seen, ended, now));
        }
        changes
    }
}

/// What is to be written of one phone.
fn change(
    memory: &Memory,
    locations: &Locations,
    phone: Mac,
    stored: Option<&PhoneRegistration>,
    seen: &[Sighting],
    ended: Option<Timestamp>,
    now: Timestamp,
) -> Option<Change> {
    let known = memory.phone(phone)?;
    let mut registration = follow(stored, seen, ended, now)?;
    let what = match registration.ended {
        Some(_) => None,
        None => {
            compare(phone, known.emergency.location.as_deref(), locations, &mut registration, now)
        }
    };
    (stored != Some(&registration)).then_some(Change { phone, registration, what })
}

/// The registration as it is now; `None` for a phone that never had one.
fn follow(
    stored: Option<&PhoneRegistration>,
    seen: &[Sighting],
    ended: Option<Timestamp>,
    now: Timestamp,
) -> Option<PhoneRegistration> {
    let is_as = |stored: &PhoneRegistration, seen: &Sighting| {
        stored.node == seen.node
            && stored.address == seen.registration.address
            && stored.agent == seen.registration.agent
    };
    let Some(newest) = seen.first() else {
        let stored = stored?.clone();
        return Some(PhoneRegistration { ended: stored.ended.or(ended), ..stored });
    };
    // It may be registered at several nodes: as long as one has it as it was, nothing happened.
    let same = stored.filter(|stored| seen.iter().any(|seen| is_as(stored, seen)));
    if let Some(same) = same.filter(|same| same.ended.is_none()) {
        return Some(same.clone());
    }
    let Sighting { node, registration: Registration { address, agent, appeared, .. } } = newest;
    // Where it was before, its registration may be the same one with another address.
    let before = stored.map(|stored| stored.ended.unwrap_or(now));
    let came = appeared.filter(|came| before.is_none_or(|before| *came >= before)).unwrap_or(now);
    // At another node, or with new firmware, it is still where it was.
    let stays = stored.filter(|stored| stored.ended.is_none() && stored.address == *address);
    Some(PhoneRegistration {
        first: stored.map_or(came, |stored| stored.first),
        since: stays.map_or(came, |stored| stored.since),
        ended: None,
        node: node.clone(),
        address: *address,
        agent: agent.clone(),
        moved: stored.and_then(|stored| stored.moved.clone()),
    })
}

/// Compares where it is with where it belongs; tells of it once for each move.
fn compare(
    phone: Mac,
    emergency: Option<&str>,
    locations: &Locations,
    registration: &mut PhoneRegistration,
    now: Timestamp,
) -> Option<Happening> {
    let from = registration.address;
    match locations.place(emergency, from) {
        Place::Unknown => {
            registration.moved = None;
            None
        }
        Place::Home(home) => {
            registration.moved.take()?;
            Some(Happening::PhoneReturned { phone, from: from?, location: home.name.clone() })
        }
        Place::Elsewhere { home, network } => {
            if registration.moved.as_ref().is_some_and(|(_, from)| *from == home.name) {
                return None;
            }
            let location = home.name.clone();
            registration.moved = Some((now, location.clone()));
            Some(Happening::PhoneMoved { phone, from: from?, network, location })
        }
    }
}

/// When what is told of a registration happened.
fn what_at(registration: &PhoneRegistration) -> Timestamp {
    let moved = registration.moved.as_ref().map(|(at, _)| *at);
    moved.unwrap_or_else(Timestamp::now)
}

#[cfg(test)]
mod tests;
