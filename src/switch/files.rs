//! Keeps the directory on FreeSWITCH's own disk as the store is.
//!
//! The files follow within a second or so. FreeSWITCH reads them again at once only for phones, their
//! secrets and emergency numbers; for people who come and go it is asked later and for many at a time,
//! because it answers no directory question while it reads.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Switch;
use crate::model::{DirectoryRules, Happening};
use crate::standing::current;
use crate::standing::directory::{self, Entry, Report, Shrink};
use crate::standing::disk::Folder;

/// How long what happens together is gathered before the files are written.
const TOGETHER: Duration = Duration::from_secs(1);

/// Which files, and how eagerly.
#[derive(Debug, Clone)]
pub struct StandingFiles {
    /// The folder of the standing files; nothing is written before `freeswitch install` made it.
    pub folder: Folder,
    /// What all directory entries rest on.
    pub rules: DirectoryRules,
    /// For how long changes of people are gathered before FreeSWITCH reads them.
    pub gather: Duration,
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
        // What happened while we were not there is urgent: nobody knows what it was.
        let mut due = self.write(files).await.then(Instant::now);
        loop {
            let urgent = tokio::select! {
                happened = happenings.recv() => match happened {
                    Ok(entry) => is_urgent(&entry.what),
                    Err(RecvError::Lagged(_)) => true,
                    Err(RecvError::Closed) => return,
                },
                () = reach(due) => {
                    due = self.reload().await;
                    continue;
                }
            };
            sleep(TOGETHER).await;
            let mut urgent = urgent;
            while let Ok(entry) = happenings.try_recv() {
                urgent |= is_urgent(&entry.what);
            }
            if self.write(files).await {
                let later = if urgent { Instant::now() } else { Instant::now() + files.gather };
                due = Some(due.map_or(later, |due| due.min(later)));
            }
        }
    }

    /// Writes the files; answers whether FreeSWITCH has something new to read.
    async fn write(&self, files: &StandingFiles) -> bool {
        if !files.folder.path().exists() {
            return false;
        }
        let entries = current::entries(&self.store.memory(), &files.rules);
        let folder = files.folder.inside("directory");
        let written = tokio::task::spawn_blocking(move || {
            let entries: Vec<Entry<'_>> =
                entries.iter().map(|(id, xml)| Entry { id, xml }).collect();
            directory::write(&folder, &entries, Shrink::Refused)
        });
        match written.await {
            Ok(Ok(report)) => report.changed(),
            Ok(Err(error)) => {
                tracing::error!(%error, "the directory on FreeSWITCH's disk cannot be written");
                false
            }
            Err(_) => Report::default().changed(),
        }
    }

    /// Has FreeSWITCH read its files; answers when to try again, if it could not.
    async fn reload(&self) -> Option<Instant> {
        let mut again = None;
        for (node, reloaded) in self.reload_xml().await {
            match reloaded {
                Ok(reloaded) => {
                    tracing::info!(node, took = ?reloaded.took, "FreeSWITCH has read its files")
                }
                Err(error) => {
                    tracing::warn!(node, %error, "FreeSWITCH has not read its files");
                    again = Some(Instant::now() + Duration::from_secs(30));
                }
            }
        }
        again
    }
}

/// Whether somebody could be without a phone, or an emergency call without its number, until
/// FreeSWITCH has read it.
fn is_urgent(what: &Happening) -> bool {
    match what {
        Happening::PhoneSaved { .. }
        | Happening::PhoneRemoved { .. }
        | Happening::UserRemoved { .. } => true,
        Happening::Login { .. }
        | Happening::OwnerReturned { .. }
        | Happening::Logout { .. }
        | Happening::PinRefused { .. }
        | Happening::PinLocked { .. }
        | Happening::PinAlarm { .. }
        | Happening::PinUnlocked { .. }
        | Happening::PinSet { .. }
        | Happening::UserSaved { .. }
        | Happening::RestartAsked { .. } => false,
    }
}

/// Waits until `due`, or for ever.
async fn reach(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
