//! What a reading found, compared with the mirror as it goes: who is as before leaves nothing but a key.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::Error;
use super::connection::Entry;
use super::mapping::{Mapped, Mapping, Nobody};
use crate::desk::{Desk, MirrorChange, Refused};
use crate::model::{Actor, Person, PersonKey, Skipped};

/// How many entries that are not taken over are told in words.
const TOLD: usize = 1_000;

/// How many entries are taken in before other threads get their turn: a tenth of a millisecond of work.
pub(super) const AT_ONCE: usize = 16;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Who is new or differs.
    people: HashMap<PersonKey, Person>,
    /// Who is there at all.
    pub(super) seen: HashSet<PersonKey>,
    /// Whose entry makes no sense.
    lapsed: HashSet<PersonKey>,
    /// What is not taken over.
    pub(super) skips: Skips,
    /// How many entries there were.
    pub(super) read: usize,
    /// The newest change among them, in the server's own measure.
    pub(super) newest: Option<String>,
    /// How many referrals there were.
    pub(super) referrals: usize,
    /// How many people are in the mirror already.
    already: usize,
}

/// Puts people into an empty mirror while others are still being read. Into one that has people nothing goes before
/// it is known whether the server is to be believed.
pub(super) struct Filling {
    desk: Desk,
    by: Actor,
    is_empty: bool,
    writing: Option<Written>,
}

/// People on their way into the mirror.
type Written = JoinHandle<Result<(usize, Vec<Refused>), crate::desk::Error>>;

impl Filling {
    pub(super) fn new(desk: &Desk, by: Actor) -> Self {
        let is_empty = desk.store().memory().people().len() == 0;
        Self { desk: desk.clone(), by, is_empty, writing: None }
    }

    /// Takes those out who can go into the mirror now. One step behind the reading, and no more.
    pub(super) async fn feed(&mut self, gathered: &mut Gathered) -> Result<(), Error> {
        while self.is_empty && gathered.people.len() >= Desk::MIRROR_NEW {
            self.end(gathered).await?;
            let keys: Vec<PersonKey> =
                gathered.people.keys().take(Desk::MIRROR_NEW).copied().collect();
            let people = keys.iter().filter_map(|key| gathered.people.remove(key)).collect();
            let (desk, by) = (self.desk.clone(), self.by.clone());
            self.writing =
                Some(tokio::spawn(
                    async move { desk.mirror_new(people, Timestamp::now(), by).await },
                ));
        }
        Ok(())
    }

    /// Waits until those are in the mirror who are on their way.
    pub(super) async fn end(&mut self, gathered: &mut Gathered) -> Result<(), Error> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let (added, refused) = writing.await.map_err(|error| Error::Lost(error.to_string()))??;
        gathered.already += added;
        gathered.skips.refused(refused);
        Ok(())
    }
}

impl Gathered {
    /// Takes entries in.
    pub(super) fn take_all(&mut self, entries: &[Entry], mapping: &Mapping, desk: &Desk) {
        for some in entries.chunks(AT_ONCE) {
            some.iter().for_each(|entry| self.take(entry, mapping, desk));
            std::thread::yield_now();
        }
    }

    /// Takes an entry in.
    pub(super) fn take(&mut self, entry: &Entry, mapping: &Mapping, desk: &Desk) {
        self.read += 1;
        if let Some(changed) = mapping.changed(entry)
            && self.newest.as_deref().is_none_or(|newest| is_newer(changed, newest))
        {
            self.newest = Some(changed.to_owned());
        }
        match mapping.read(entry) {
            Ok(Mapped { person, remarks }) => {
                let key = person.key;
                self.skips.forget(key);
                remarks.into_iter().for_each(|remark| self.skips.note(None, remark));
                self.lapsed.remove(&key);
                self.seen.insert(key);
                if desk.is_mirrored(&person) {
                    // Told a second time, maybe: this is how it is now.
                    self.people.remove(&key);
                } else {
                    self.people.insert(key, person);
                }
            }
            Err(Nobody { key, skipped }) => {
                if let Some(key) = key {
                    self.seen.insert(key);
                    self.people.remove(&key);
                    self.lapsed.insert(key);
                }
                self.skips.note(key, skipped);
            }
        }
    }

    /// Somebody is gone after all.
    pub(super) fn forget(&mut self, key: PersonKey) {
        self.people.remove(&key);
        self.seen.remove(&key);
        self.lapsed.remove(&key);
        self.skips.forget(key);
    }

    /// How many people there would be.
    pub(super) fn sensible(&self) -> usize {
        self.seen.len() - self.lapsed.len()
    }

    /// The reading broke off: tells of those who are in the mirror all the same.
    pub(super) async fn break_off(&mut self, desk: &Desk) -> Result<(), Error> {
        let already = std::mem::take(&mut self.already);
        let added = MirrorChange { already, ..MirrorChange::default() };
        desk.mirror(added, |_, _| {}, Timestamp::now(), Actor::Daemon).await?;
        Ok(())
    }

    /// What there is to do, with those who are gone.
    pub(super) fn change(&mut self, gone: Vec<PersonKey>) -> MirrorChange {
        let lapsed = self.lapsed.iter().copied().collect();
        let people = std::mem::take(&mut self.people).into_values().collect();
        MirrorChange { people, gone, lapsed, already: std::mem::take(&mut self.already) }
    }
}

/// Whether a change is newer. Numbers grow in length before they grow in digits; times have one length.
pub(super) fn is_newer(changed: &str, than: &str) -> bool {
    (changed.len(), changed) > (than.len(), than)
}

/// What is not taken over. Every key, but not every sentence.
#[derive(Debug, Default, Clone)]
pub(super) struct Skips {
    people: HashMap<PersonKey, Option<Skipped>>,
    others: Vec<Skipped>,
    more: usize,
}

impl Skips {
    pub(super) fn note(&mut self, key: Option<PersonKey>, skipped: Skipped) {
        match key {
            Some(key) => {
                let told = (self.people.len() < TOLD).then_some(skipped);
                self.people.insert(key, told);
            }
            None if self.others.len() < TOLD => {
                // The same again is nothing new.
                if !self.others.contains(&skipped) {
                    self.others.push(skipped);
                }
            }
            None => self.more += 1,
        }
    }

    pub(super) fn refused(&mut self, refused: Vec<Refused>) {
        for Refused { key, dn, why } in refused {
            self.note(Some(key), Skipped { dn: dn.into(), why: why.to_string() });
        }
    }

    pub(super) fn forget(&mut self, key: PersonKey) {
        self.people.remove(&key);
    }

    /// Adds what a later reading of some entries found.
    pub(super) fn extend(&mut self, later: Self) {
        for (key, skipped) in later.people {
            match skipped {
                Some(skipped) => self.note(Some(key), skipped),
                None => {
                    self.people.insert(key, None);
                }
            }
        }
        later.others.into_iter().for_each(|skipped| self.note(None, skipped));
        self.more += later.more;
    }

    /// Whether somebody is known not to be taken over.
    pub(super) fn has(&self, key: PersonKey) -> bool {
        self.people.contains_key(&key)
    }

    pub(super) fn count(&self) -> usize {
        self.people.len() + self.others.len() + self.more
    }

    /// Those that can be told in words, in the order of their names.
    pub(super) fn told(&self) -> Vec<&Skipped> {
        let mut told: Vec<&Skipped> = self.people.values().flatten().chain(&self.others).collect();
        told.sort_by(|a, b| (&a.dn, &a.why).cmp(&(&b.dn, &b.why)));
        told
    }
}
