//! From what was read to the mirror: what is believed, what is kept, from where to go on.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::connection::Connection;
use super::gather::{Filling, Gathered, Skips, is_newer};
use super::mirror::{EXAMPLES, LdapMirror, Pass};
use super::{Error, teams};
use crate::desk::Mirrored;
use crate::model::{Actor, Disbelieved, MirrorPlace, MirrorState, PersonKey, Skipped};

/// For how long the number of people is remembered that an answer is held against.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);
/// So few people may go without an answer being doubted.
const FEW: usize = 3;
/// How old the moment in the store may be at which the mirror was last known to be right.
const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// What a reading leaves for the next one.
#[derive(Debug, Default)]
pub(super) struct Work {
    skips: Skips,
    /// The most people lately, and since when that is counted.
    most: Option<(usize, Timestamp)>,
    /// What makes no sense of the groups that describe teams.
    teams: Vec<Skipped>,
    /// From where to go on when asked again; `None`: everybody has to be read.
    pub(super) place: Option<MirrorPlace>,
}

impl LdapMirror {
    /// Reads everybody, and makes the mirror so.
    pub(super) async fn read_all(
        &self,
        connection: &mut Connection,
        work: &mut Work,
        accept: bool,
        by: Actor,
    ) -> Result<Pass, Error> {
        let mut reader = self.reader(connection);
        let mark = reader.mark().await?;
        self.read_teams(reader.connection, work).await?;
        let told = |read| {
            if let Some(running) = &mut self.note().running {
                running.read = read;
            }
        };
        let mut filling = Filling::new(self.desk(), by.clone());
        let mut gathered = reader.everybody(self.desk(), Some(&mut filling), told).await?;
        let server = connection.server().to_string();
        let gone = self.absent(&gathered.seen);
        let place = place(mark, gathered.newest.take());
        let (read, referrals) = (gathered.read, gathered.referrals);
        let found = gathered.sensible();
        let applied = Applied { gathered, gone, found, complete: true, accept };
        let done = self.apply(work, applied, by.clone()).await?;
        work.place = place.clone();
        // A place in what a server tells by itself stays good: it is older than this.
        let told = self.kept().place.filter(|place| matches!(place, MirrorPlace::Cookie(_)));
        self.keep(work, told.or(place), &server, true, by).await?;
        if referrals > 0 {
            tracing::info!(referrals, "LDAP: the server refers to others, which is not followed");
        }
        Ok(Pass {
            read,
            added: done.added,
            changed: done.changed,
            removed: done.removed,
            skipped: work.count(),
            referrals,
            error: None,
        })
    }

    /// What is newer than the last time. Whether that is all: else everybody has to be read.
    pub(super) async fn read_newer(
        &self,
        connection: &mut Connection,
        work: &mut Work,
        mark: Option<(String, u64)>,
    ) -> Result<bool, Error> {
        let since = match (&work.place, &mark) {
            (Some(MirrorPlace::Modified(since)), None) => since.clone(),
            (Some(MirrorPlace::Usn { server, usn }), Some((now, _))) if server == now => {
                usn.to_string()
            }
            _ => return Ok(false),
        };
        let mut reader = self.reader(connection);
        let mut gathered = reader.newer(&since, self.desk()).await?;
        let keys = reader.keys().await?;
        let server = connection.server().to_string();
        let gone = self.absent(&keys);
        let newest = gathered.newest.take().filter(|newest| is_newer(newest, &since));
        let place = place(mark, newest.or(Some(since)));
        let freed = !gone.is_empty();
        let found = keys.len();
        let applied = Applied { gathered, gone, found, complete: false, accept: false };
        let done = self.apply(work, applied, Actor::Daemon).await?;
        // Somebody whom nobody changed, and whom we do not have; or whose number may be free by now.
        let unknown = {
            let memory = self.desk().store().memory();
            keys.iter().any(|key| memory.person(*key).is_none() && !work.skips.has(*key))
        };
        if unknown || (work.skips.count() > 0 && (freed || done.changed > 0)) {
            return Ok(false);
        }
        work.place = place.clone();
        self.keep(work, place, &server, false, Actor::Daemon).await?;
        Ok(true)
    }

    /// Makes the mirror as it was found, if that can be believed.
    pub(super) async fn apply(
        &self,
        work: &mut Work,
        applied: Applied,
        by: Actor,
    ) -> Result<Mirrored, Error> {
        let Applied { mut gathered, gone, found, complete, accept } = applied;
        let now = Timestamp::now();
        self.believe(work, found, gone.len(), accept, now).await?;
        for key in &gone {
            work.skips.forget(*key);
        }
        let change = gathered.change(gone);
        let told = |written, changes| {
            if let Some(running) = &mut self.note().running {
                (running.written, running.changes) = (written, changes);
            }
        };
        let mut done = self.desk().mirror(change, told, now, by).await?;
        let mut skips = std::mem::take(&mut gathered.skips);
        skips.refused(std::mem::take(&mut done.conflicts));
        warn_of_new(&work.skips, &skips);
        if complete {
            work.skips = skips;
        } else {
            gathered.seen.iter().for_each(|key| work.skips.forget(*key));
            work.skips.extend(skips);
        }
        if done != Mirrored::default() {
            tracing::info!(done.added, done.changed, done.removed, "LDAP");
        }
        Ok(done)
    }

    /// Makes the teams as the groups describe them.
    pub(super) async fn read_teams(
        &self,
        connection: &mut Connection,
        work: &mut Work,
    ) -> Result<(), Error> {
        let (teams, skipped) = teams::read(connection, &self.access().ldap, self.mapping()).await?;
        work.teams = skipped;
        let is_same = self.desk().store().memory().teams().values().eq(&teams);
        if !is_same {
            self.desk().mirror_teams(teams, Timestamp::now(), Actor::Daemon).await?;
        }
        Ok(())
    }

    /// Whether an answer can be believed that takes so many people away.
    async fn believe(
        &self,
        work: &mut Work,
        found: usize,
        gone: usize,
        accept: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        let had = self.desk().store().memory().people().len();
        let most = match work.most {
            Some((most, since)) if since + REMEMBERED > now => (most.max(had), since),
            _ => (had, now),
        };
        let least = self.access().ldap.least_percent.get() as usize;
        let is_few = found * 100 < most.0 * least;
        let is_nobody = found == 0 && had > 0 && least > 0;
        if !accept && gone > 0 && (is_nobody || (is_few && most.0.saturating_sub(found) > FEW)) {
            let before = self.kept();
            let at = before.disbelieved.map_or(now, |before| before.at);
            let disbelieved = Some(Disbelieved { had, found, at });
            self.note().disbelieved = disbelieved;
            let state = MirrorState { disbelieved, ..before };
            self.desk().mirror_state(state, now, Actor::Daemon).await?;
            return Err(Error::Disbelieved { had, found });
        }
        work.most = Some(if accept { (found, now) } else { most });
        Ok(())
    }

    /// Keeps how far it has come.
    pub(super) async fn keep(
        &self,
        work: &Work,
        place: Option<MirrorPlace>,
        server: &str,
        all: bool,
        by: Actor,
    ) -> Result<(), Error> {
        let (now, before) = (Timestamp::now(), self.kept());
        let told = work.teams.iter().chain(work.skips.told());
        let state = MirrorState {
            settings: self.settings().to_owned(),
            server: server.to_owned(),
            place,
            current_at: Some(now),
            read_at: if all { Some(now) } else { before.read_at },
            skipped: work.count(),
            examples: told.into_iter().take(EXAMPLES).cloned().collect(),
            disbelieved: None,
        };
        self.current(&state, now);
        // That it is as before need not be written each second.
        let is_old = before.current_at.is_none_or(|at| at + KEPT < now);
        if is_old || (MirrorState { current_at: before.current_at, ..state.clone() }) != before {
            self.desk().mirror_state(state, now, by).await?;
        }
        Ok(())
    }

    /// Notes that the mirror is as the server is.
    fn current(&self, state: &MirrorState, now: Timestamp) {
        let mut status = self.note();
        status.current_at = Some(now);
        status.error = None;
        status.skipped = state.skipped;
        status.examples.clone_from(&state.examples);
        status.disbelieved = None;
    }

    /// The people of the mirror who are not among `seen`.
    pub(super) fn absent(&self, seen: &HashSet<PersonKey>) -> Vec<PersonKey> {
        let memory = self.desk().store().memory();
        memory.people().map(|(key, _)| key).filter(|key| !seen.contains(key)).collect()
    }
}

/// What a reading found, on its way into the mirror.
pub(super) struct Applied {
    /// What was read.
    pub(super) gathered: Gathered,
    /// Who is no more.
    pub(super) gone: Vec<PersonKey>,
    /// How many people there would be.
    pub(super) found: usize,
    /// Whether everybody was read.
    pub(super) complete: bool,
    /// Whether it is to be believed in any case.
    pub(super) accept: bool,
}

impl Work {
    /// How many entries are not taken over.
    fn count(&self) -> usize {
        self.teams.len() + self.skips.count()
    }

    /// Whether entries are known that are not taken over.
    pub(super) fn skips_any(&self) -> bool {
        self.skips.count() > 0
    }
}

/// From where to go on: a server of Active Directory counts by itself, others by their clock.
fn place(mark: Option<(String, u64)>, newest: Option<String>) -> Option<MirrorPlace> {
    match mark {
        Some((server, usn)) => Some(MirrorPlace::Usn { server, usn }),
        None => newest.map(MirrorPlace::Modified),
    }
}

fn warn_of_new(before: &Skips, now: &Skips) {
    let before: HashSet<&Skipped> = before.told().into_iter().collect();
    let new: Vec<&Skipped> =
        now.told().into_iter().filter(|skipped| !before.contains(skipped)).collect();
    for skipped in new.iter().take(EXAMPLES) {
        tracing::warn!(dn = skipped.dn, why = skipped.why, "LDAP: an entry is not taken over");
    }
    if new.len() > EXAMPLES {
        let more = new.len() - EXAMPLES;
        tracing::warn!(
            more,
            "LDAP: so many more entries are not taken over; `hotdeskd check` tells"
        );
    }
}
