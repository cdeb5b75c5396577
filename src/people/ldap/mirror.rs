//! The mirror as a part of the daemon: keeps up with the server, says how far it is, reads all on request.

use std::collections::HashSet;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Query, can_follow};
use super::gather::{Filling, Gathered, Skips, is_newer};
use super::mapping::Mapping;
use super::pass::{Reader, people};
use super::{Access, Error, teams};
use crate::desk::{Desk, Mirrored};
use crate::model::{Actor, Disbelieved, MirrorPlace, MirrorState, PersonKey, Skipped, Teams};

/// How long to wait before the server is tried again: first, and at the most.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// For how long the number of people is remembered that an answer is held against.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);
/// So few people may go without an answer being doubted.
const FEW: usize = 3;
/// How many of the entries that are not taken over are kept with the state, and told in the log at once.
const EXAMPLES: usize = 20;
/// How old the moment in the store may be at which the mirror was last known to be right.
const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// The mirror of an LDAP server. Cheap to clone.
#[derive(Clone)]
pub struct LdapMirror(Arc<Inner>);

struct Inner {
    desk: Desk,
    access: Access,
    mapping: Mapping,
    /// What the mirror depends on besides the server.
    settings: String,
    /// One reading at a time: two could take what the other just added for gone.
    work: tokio::sync::Mutex<Work>,
    status: Mutex<LdapStatus>,
    /// Somebody read all people by hand: what went wrong before may be over.
    again: Notify,
}

/// What a reading leaves for the next one.
#[derive(Debug, Default)]
pub(super) struct Work {
    skips: Skips,
    /// The most people lately, and since when that is counted.
    most: Option<(usize, Timestamp)>,
    /// What makes no sense of the groups that describe teams.
    teams: Vec<Skipped>,
    /// From where to go on when asked again; `None`: everybody has to be read.
    place: Option<MirrorPlace>,
}

/// What is known of the mirror.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LdapStatus {
    /// The server that is read.
    pub server: Option<String>,
    /// Whether the server tells what changes; else it is asked.
    pub follows: bool,
    /// What is wrong now.
    pub error: Option<String>,
    /// When the mirror was last known to be as the server is.
    pub current_at: Option<Timestamp>,
    /// How many people it has.
    pub people: usize,
    /// How many entries are not taken over.
    pub skipped: usize,
    /// Some of them.
    pub examples: Vec<Skipped>,
    /// An answer that was not believed.
    pub disbelieved: Option<Disbelieved>,
    /// The reading that runs on request.
    pub running: Option<Progress>,
    /// How many readings on request have ended.
    pub ended: u64,
    /// How the last of them ended.
    pub last: Option<Pass>,
}

/// How far a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// How many entries were read.
    pub read: usize,
    /// How many changes were written.
    pub written: usize,
    /// Of how many; 0 while it is still reading.
    pub changes: usize,
}

/// How a reading ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pass {
    /// How many entries were read.
    pub read: usize,
    /// New users.
    pub added: usize,
    /// Users that differ now.
    pub changed: usize,
    /// Users that are no more.
    pub removed: usize,
    /// Entries that are not taken over.
    pub skipped: usize,
    /// Referrals to other servers, which are not followed.
    pub referrals: usize,
    /// Why it failed.
    pub error: Option<String>,
}

/// What the server has, with nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The server that answered.
    pub server: String,
    /// Whether it can tell what changes.
    pub follows: bool,
    /// How many people there are.
    pub people: usize,
    /// How many entries are not taken over.
    pub skipped: usize,
    /// Some of them.
    pub examples: Vec<Skipped>,
    /// Referrals to other servers, which are not followed.
    pub referrals: usize,
}

impl LdapMirror {
    /// The mirror of a server over this desk.
    pub fn new(desk: Desk, access: Access, teams: &Teams) -> Self {
        let mapping = Mapping::new(&access.ldap, teams);
        let called: Vec<_> = teams.values().map(|team| (&team.id, &team.departments)).collect();
        let text = serde_json::to_vec(&(&access.ldap, called)).unwrap_or_default();
        let settings = Sha256::digest(text).iter().take(8).map(|b| format!("{b:02x}")).collect();
        let status = {
            let memory = desk.store().memory();
            let state = memory.mirror().map(|state| (**state).clone()).unwrap_or_default();
            LdapStatus {
                current_at: state.current_at,
                people: memory.people().len(),
                skipped: state.skipped,
                examples: state.examples,
                disbelieved: state.disbelieved,
                ..LdapStatus::default()
            }
        };
        Self(Arc::new(Inner {
            desk,
            access,
            mapping,
            settings,
            work: tokio::sync::Mutex::default(),
            status: Mutex::new(status),
            again: Notify::new(),
        }))
    }

    /// Keeps the mirror as the server is, until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.run_for_ever() => {}
        }
    }

    /// What is known of the mirror now.
    pub fn status(&self) -> LdapStatus {
        let mut status = self.note().clone();
        status.people = self.desk().store().memory().people().len();
        status
    }

    /// Reads everybody in the background; [`LdapStatus::ended`] grows when it has ended. Whether it began: there is
    /// one at a time. `accept` believes the server however few people it gives.
    pub fn start(&self, accept: bool, by: Actor) -> bool {
        {
            let mut status = self.note();
            if status.running.is_some() {
                return false;
            }
            status.running = Some(Progress::default());
        }
        let mirror = self.clone();
        tokio::spawn(async move {
            // Also where it panics, somebody waits for the end.
            let pass = tokio::spawn({
                let mirror = mirror.clone();
                async move { mirror.everybody(accept, by).await }
            });
            let pass = match pass.await {
                Ok(Ok(pass)) => pass,
                Ok(Err(error)) => Pass { error: Some(error.to_string()), ..Pass::default() },
                Err(error) => Pass { error: Some(error.to_string()), ..Pass::default() },
            };
            let mut status = mirror.note();
            status.running = None;
            status.last = Some(pass);
            status.ended += 1;
            drop(status);
            mirror.0.again.notify_one();
        });
        true
    }

    /// Reads everybody, and makes the mirror so.
    ///
    /// # Errors
    /// The server cannot be read, or is not believed, or the store failed.
    pub async fn everybody(&self, accept: bool, by: Actor) -> Result<Pass, Error> {
        let mut connection = Connection::open(&self.0.access).await?;
        let mut work = self.0.work.lock().await;
        self.read_all(&mut connection, &mut work, accept, by).await
    }

    /// Reads everybody without changing anything.
    ///
    /// # Errors
    /// The server cannot be read.
    pub async fn look(&self) -> Result<Looked, Error> {
        let mut connection = Connection::open(&self.0.access).await?;
        let follows = self.0.access.ldap.syncrepl && self.can_be_followed().await?;
        let server = connection.server().to_string();
        let gathered = self.reader(&mut connection).everybody(self.desk(), None, |_| {}).await?;
        let told = gathered.skips.told();
        Ok(Looked {
            server,
            follows,
            people: gathered.sensible(),
            skipped: gathered.skips.count(),
            examples: told.into_iter().take(EXAMPLES).cloned().collect(),
            referrals: gathered.referrals,
        })
    }

    /// Whether the server tells what changes below the base.
    async fn can_be_followed(&self) -> Result<bool, Error> {
        let mut connection = Connection::open(&self.0.access).await?;
        if !can_follow(&connection.root().await?) {
            return Ok(false);
        }
        let query = people(&self.0.access.ldap, &self.0.mapping);
        // Nobody, so that the answer is short.
        let filter = format!("(&{}(!(objectClass=*)))", query.filter);
        let mut changes = connection.follow(&Query { filter, ..query }, None).await?;
        let deadline = self.0.access.ldap.deadline_seconds.seconds();
        match timeout(deadline, changes.next()).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(Error::CannotFollow)) => Ok(false),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Late("telling what changed")),
        }
    }

    async fn run_for_ever(&self) {
        let (mut pause, mut told) = (PAUSE, String::new());
        loop {
            let begun = Instant::now();
            // Whatever a server made us stumble over, the daemon goes on.
            let error = match AssertUnwindSafe(self.keep_up()).catch_unwind().await {
                Ok(Err(error)) => error,
                Ok(Ok(never)) => match never {},
                Err(_) => Error::Lost("a mistake of hotdeskd's own".to_owned()),
            };
            let words = error.to_string();
            // The same again is nothing new.
            if told != words {
                tracing::warn!(error = %words, "LDAP: the mirror stays as it is until this is over");
                told.clone_from(&words);
            }
            self.note().error = Some(words);
            if begun.elapsed() > LONGEST_PAUSE {
                (pause, told) = (PAUSE, String::new());
            }
            if matches!(error, Error::RefreshRequired) {
                self.0.work.lock().await.place = None;
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = self.0.again.notified() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn keep_up(&self) -> Result<Infallible, Error> {
        let mut connection = Connection::open(&self.0.access).await?;
        let root = connection.root().await?;
        let follows = self.0.access.ldap.syncrepl && can_follow(&root);
        {
            let mut status = self.note();
            status.server = Some(connection.server().to_string());
            status.follows = follows;
        }
        if follows {
            match self.follow(connection).await {
                // It can, but not for these entries (OpenLDAP: a database without `overlay syncprov`).
                Err(Error::CannotFollow) => self.note().follows = false,
                other => return other,
            }
            connection = Connection::open(&self.0.access).await?;
        }
        self.ask(connection).await
    }

    /// Asks again and again for what is newer, and for who is still there.
    async fn ask(&self, connection: Connection) -> Result<Infallible, Error> {
        let ldap = &self.0.access.ldap;
        let mut connection = Some(connection);
        let mut read_all_at = Instant::now();
        loop {
            // A new one each time: servers end those that are silent for minutes.
            let mut open = match connection.take() {
                Some(open) => open,
                None => Connection::open(&self.0.access).await?,
            };
            let mut work = self.0.work.lock().await;
            let mark = self.reader(&mut open).mark().await?;
            self.read_teams(&mut open, &mut work).await?;
            if work.place.is_none()
                || read_all_at <= Instant::now()
                || !self.read_newer(&mut open, &mut work, mark).await?
            {
                self.read_all(&mut open, &mut work, false, Actor::Daemon).await?;
                read_all_at = Instant::now() + 60 * ldap.full_minutes.seconds();
            }
            drop(work);
            drop(open);
            self.note().error = None;
            sleep(ldap.poll_seconds.seconds()).await;
        }
    }

    async fn read_all(
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
    async fn read_newer(
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
        let (teams, skipped) =
            teams::read(connection, &self.0.access.ldap, &self.0.mapping).await?;
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
        let least = self.0.access.ldap.least_percent.get() as usize;
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
            settings: self.0.settings.clone(),
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

    pub(super) fn reader<'a>(&'a self, connection: &'a mut Connection) -> Reader<'a> {
        Reader { connection, ldap: &self.0.access.ldap, mapping: &self.0.mapping }
    }

    /// What the store has of the last time, with the same settings.
    pub(super) fn kept(&self) -> MirrorState {
        let memory = self.desk().store().memory();
        let state = memory.mirror().map(|state| (**state).clone()).unwrap_or_default();
        if state.settings == self.0.settings {
            state
        } else {
            MirrorState { place: None, read_at: None, ..state }
        }
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.0.desk
    }

    pub(super) fn access(&self) -> &Access {
        &self.0.access
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.0.mapping
    }

    pub(super) async fn work(&self) -> tokio::sync::MutexGuard<'_, Work> {
        self.0.work.lock().await
    }

    pub(super) fn note(&self) -> MutexGuard<'_, LdapStatus> {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner)
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
