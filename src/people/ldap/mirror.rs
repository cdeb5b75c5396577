//! The mirror as a part of the daemon: keeps up with the server, says how far it is, reads all on request.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::apply::Work;
use super::connection::{Connection, Query, can_follow};
use super::give_way::giving_way;
use super::mapping::Mapping;
use super::pass::{Reader, people};
use super::{Access, Error};
use crate::desk::Desk;
use crate::model::{Actor, Disbelieved, MirrorState, Skipped, Teams};

/// How long to wait before the server is tried again: first, and at the most.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How many of the entries that are not taken over are kept with the state, and told in the log at once.
pub(super) const EXAMPLES: usize = 20;

/// The mirror of an LDAP server. Cheap to clone.
#[derive(Clone)]
pub struct LdapMirror(Arc<Inner>);

struct Inner {
    desk: Desk,
    access: Access,
    mapping: Mapping,
    runtime: Handle,
    /// What the mirror depends on besides the server.
    settings: String,
    /// One reading at a time: two could take what the other just added for gone.
    work: tokio::sync::Mutex<Work>,
    status: Mutex<LdapStatus>,
    /// Somebody read all people by hand: what went wrong before may be over.
    again: Notify,
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
    /// The mirror of a server over this desk. What runs by itself, runs on `runtime`: a hundred thousand entries are
    /// work that others should not wait for.
    pub fn new(desk: Desk, access: Access, teams: &Teams, runtime: Handle) -> Self {
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
            runtime,
            settings,
            work: tokio::sync::Mutex::default(),
            status: Mutex::new(status),
            again: Notify::new(),
        }))
    }

    /// Keeps the mirror as the server is, until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mirror = self.clone();
        let running = self.0.runtime.spawn(giving_way(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = mirror.run_for_ever() => {}
            }
        }));
        if let Err(error) = running.await {
            tracing::error!(%error, "LDAP: the mirror ended");
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
        self.0.runtime.spawn(async move {
            // Also where it panics, somebody waits for the end.
            let pass = tokio::spawn({
                let mirror = mirror.clone();
                giving_way(async move { mirror.everybody(accept, by).await })
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

    /// What the mirror depends on besides the server.
    pub(super) fn settings(&self) -> &str {
        &self.0.settings
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
