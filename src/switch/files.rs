//! Keeps the directory and the queues on FreeSWITCH's own disk as the store is.
//!
//! The files follow within a second or so. FreeSWITCH reads them again at once only for phones, their
//! secrets and emergency numbers; for people who come and go it is asked later and for many at a time,
//! because it answers no directory question while it reads.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{ReloadError, Switch};
use crate::model::{CallCenterRules, DirectoryRules, Happening};
use crate::standing::current;
use crate::standing::directory::{self, Entry, Shrink};
use crate::standing::disk::{Folder, Outcome};
use crate::standing::queues;

/// How often to look whether a node that was not connected is by now: at a start the files are written before
/// there is a connection.
const LOOK_FOR_NODE: Duration = Duration::from_secs(1);

/// How long what happens together is gathered before the files are written.
const TOGETHER: Duration = Duration::from_secs(1);

/// Which files, and how eagerly.
#[derive(Debug, Clone)]
pub struct StandingFiles {
    /// The folder of the standing files; nothing is written before `freeswitch install` made it.
    pub folder: Folder,
    /// What all directory entries rest on.
    pub rules: DirectoryRules,
    /// What the queues are made from.
    pub queues: CallCenterRules,
    /// For how long changes of people are gathered before FreeSWITCH reads them.
    pub gather: Duration,
    /// After how long what failed is tried again: the disk, or a FreeSWITCH that is not there.
    pub retry: Duration,
}

impl Switch {
    /// Keeps the files until `shutdown`.
    pub async fn keep_files(&self, files: StandingFiles, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.keep_files_for_ever(&files) => {}
        }
    }

    async fn keep_files_for_ever(&self, files: &StandingFiles) {
        let mut happenings = self.store.happenings();
        let (mut behind, mut due) = (BTreeSet::new(), None);
        let mut told = String::new();
        // What happened while we were not there is urgent: nobody knows what it was.
        let mut urgent = true;
        loop {
            let mut again = None;
            match self.write(files).await {
                Ok(false) => told.clear(),
                Ok(true) => {
                    told.clear();
                    behind.extend(self.peers.iter().map(|peer| peer.node.name.clone()));
                    let now = Instant::now();
                    let later = if urgent { now } else { now + files.gather };
                    due = Some(due.map_or(later, |due: Instant| due.min(later)));
                }
                Err(error) => {
                    again = Some(Instant::now() + files.retry);
                    if told != error {
                        tracing::error!(%error, "the directory and the queues on FreeSWITCH's disk cannot be written");
                        told = error;
                    }
                }
            }
            // What could not be written is as urgent as it was.
            urgent &= again.is_some();
            urgent |= loop {
                tokio::select! {
                    happened = happenings.recv() => match happened {
                        Ok(entry) => break is_urgent(&entry.what),
                        Err(RecvError::Lagged(_)) => break true,
                        Err(RecvError::Closed) => return,
                    },
                    () = reach(again) => break false,
                    () = reach(due) => {
                        let absent = self.reload(&mut behind).await;
                        let pause = if absent { LOOK_FOR_NODE } else { files.retry };
                        due = (!behind.is_empty()).then(|| Instant::now() + pause);
                    }
                }
            };
            sleep(TOGETHER).await;
            loop {
                match happenings.try_recv() {
                    Ok(entry) => urgent |= is_urgent(&entry.what),
                    Err(TryRecvError::Lagged(_)) => urgent = true,
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
        }
    }

    /// Writes the files; answers whether FreeSWITCH has something new to read, or why they could not be
    /// written, in words.
    async fn write(&self, files: &StandingFiles) -> Result<bool, String> {
        if !files.folder.path().exists() {
            return Ok(false);
        }
        let entries = current::entries(&self.store, &files.rules);
        let lists = current::queues(&self.store, &files.queues);
        let (folder, rules) = (files.folder.clone(), files.queues.clone());
        let written = tokio::task::spawn_blocking(move || {
            let entries: Vec<Entry<'_>> =
                entries.iter().map(|(id, xml)| Entry { id, xml }).collect();
            let directory = folder.inside("directory");
            let written = directory::write(&directory, &entries, Shrink::Refused);
            // Either is written whatever becomes of the other.
            let queues =
                queues::write(&folder, &rules, &lists).map_err(|error| error.to_string())?;
            let changed = queues.iter().any(|(_, outcome)| *outcome != Outcome::Unchanged);
            Ok::<bool, String>(written.map_err(|error| error.to_string())?.changed() || changed)
        });
        written.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// Has the nodes that are `behind` read their files, and takes those that have out of it. Who has read
    /// them is not asked twice: it answers nobody meanwhile. Whether one was not connected.
    async fn reload(&self, behind: &mut BTreeSet<String>) -> bool {
        let mut absent = false;
        for (node, reloaded) in self.reload_nodes(|node| behind.contains(node)).await {
            match reloaded {
                Ok(reloaded) => {
                    behind.remove(&node);
                    tracing::info!(node, took = ?reloaded.took, "FreeSWITCH has read its files");
                }
                // Its connection says so itself, once.
                Err(ReloadError::NotConnected) => absent = true,
                Err(error) => {
                    tracing::warn!(node, %error, "FreeSWITCH has not read its files");
                }
            }
        }
        absent
    }
}

/// Whether somebody could be without a phone, or an emergency call without its number, until
/// FreeSWITCH has read it.
fn is_urgent(what: &Happening) -> bool {
    match what {
        Happening::PhoneSaved { .. }
        | Happening::PhoneRemoved { .. }
        | Happening::PhonesImported { .. }
        | Happening::UserRemoved { .. }
        | Happening::UserMoved { .. } => true,
        Happening::Login { .. }
        | Happening::OwnerReturned { .. }
        | Happening::Logout { .. }
        | Happening::PinRefused { .. }
        | Happening::PinLocked { .. }
        | Happening::PinAlarm { .. }
        | Happening::PinUnlocked { .. }
        | Happening::PinSet { .. }
        | Happening::UserSaved { .. }
        | Happening::PeopleMirrored { .. }
        | Happening::TeamsMirrored { .. }
        | Happening::PeopleDisbelieved { .. }
        | Happening::RestartAsked { .. }
        | Happening::ResyncAsked { .. }
        | Happening::Shown { .. }
        | Happening::WindowOpened { .. }
        | Happening::WindowUsed { .. }
        | Happening::PhoneEnrolled { .. }
        | Happening::KeyRotated { .. }
        | Happening::KeyRevoked { .. }
        | Happening::SignedIn { .. }
        | Happening::SignedOut
        | Happening::SignInRefused { .. }
        | Happening::SignInLocked { .. }
        | Happening::PhonesRefused { .. }
        | Happening::TemplateBroken { .. }
        | Happening::CustomerCalled { .. }
        | Happening::CustomerHungUp { .. }
        | Happening::CustomerServed { .. }
        | Happening::CustomerLeft { .. }
        | Happening::Redirected { .. }
        | Happening::EmergencyCall { .. }
        | Happening::EmergencyUnreachable { .. }
        | Happening::EmergencyCallback { .. }
        | Happening::PhoneMoved { .. }
        | Happening::PhoneReturned { .. }
        | Happening::PhoneStuck { .. }
        | Happening::NotShown { .. } => false,
    }
}

/// Waits until `due`, or for ever.
async fn reach(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
