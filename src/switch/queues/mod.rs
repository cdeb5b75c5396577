//! Keeps FreeSWITCH's mod_callcenter as the teams are.
//!
//! | file | what |
//! | --- | --- |
//! | `read` | what `callcenter_config` answers, read; no IO |
//! | `plan` | what to do; no IO, no clock |
//! | `command` | one step as a command |
//! | `round` | one node: look, decide, do |
//! | `progress` | what was tried, and when it may be tried again |
//! | `fifo` | mod_fifo instead, which reads everything anew |
//!
//! Wanted is compared with actual after each change of the people, at each connect, and now and then. Only what differs
//! is touched, and nothing that somebody else made: the store remembers which names were ever ours. A status is set for a
//! login or a logout and for nothing else, and not while a call is being offered or goes on: the row waits.

mod command;
mod fifo;
mod plan;
mod progress;
mod read;
mod round;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Switch;
use super::peer::Peer;
use crate::model::{
    CallCenter, CallCenterRules, Extension, NodeQueues, QueueModule, Wanted, WantedKind,
};
use crate::store::{DatabaseError, Tx};
use progress::Progress;

/// How often a node is compared although nothing was heard of a change.
const COMPARE: Duration = Duration::from_secs(60);
/// How often while somebody's status waits for the end of a call.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// After each round; what happens meanwhile is one next round.
const BREATH: Duration = Duration::from_millis(100);
/// The same after a long round: while many people change, most of the time is for others.
const LONG_BREATH: Duration = Duration::from_secs(3);

/// The queues at all nodes. Cheap to clone.
#[derive(Clone)]
pub struct Queues {
    switch: Switch,
    rules: Arc<CallCenterRules>,
    /// One for each node, in the order of the switch's. Held for the length of a round.
    progress: Arc<[Mutex<Progress>]>,
    /// What there should be, as of a revision of the people.
    wanted: Arc<StdMutex<Option<(u64, Arc<CallCenter>)>>>,
}

impl Queues {
    /// The queues of these teams at the nodes of a switch; nothing happens before [`Queues::keep`].
    pub fn new(switch: Switch, rules: CallCenterRules) -> Self {
        let progress = switch.peers.iter().map(|_| Mutex::default()).collect();
        Self { switch, rules: Arc::new(rules), progress, wanted: Arc::default() }
    }

    /// Keeps them until `shutdown`.
    pub async fn keep(&self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.keep_for_ever() => {}
        }
    }

    /// How they stand now, and what is to be done. Nothing is changed.
    pub async fn list(&self) -> Vec<NodeQueues> {
        let mut all = Vec::new();
        for (peer, progress) in self.nodes() {
            let progress = progress.lock().await;
            all.push(self.report(peer, &progress).await);
        }
        all
    }

    /// Does now what is to be done, also what failed and would be tried later; tells what that was.
    pub async fn sync(&self) -> Vec<NodeQueues> {
        let mut all = Vec::new();
        for (peer, progress) in self.nodes() {
            let mut progress = progress.lock().await;
            progress.forgive();
            let done = self.bring(peer, &mut progress).await;
            let mut report = self.report(peer, &progress).await;
            report.steps = done;
            all.push(report);
        }
        self.settle().await;
        all
    }

    async fn keep_for_ever(&self) {
        let mut happenings = self.switch.store.happenings();
        let mut next = Instant::now();
        loop {
            tokio::select! {
                happened = happenings.recv() => if let Err(RecvError::Closed) = happened { return },
                () = self.switch.queues_changed.notified() => {}
                () = sleep_until(next) => {}
            }
            while let Ok(_) | Err(TryRecvError::Lagged(_)) = happenings.try_recv() {}
            let began = Instant::now();
            next = began + COMPARE;
            for (peer, progress) in self.nodes() {
                let mut progress = progress.lock().await;
                if self.is_due(peer, &progress) {
                    self.bring(peer, &mut progress).await;
                }
                next = next.min(progress.next.unwrap_or(next));
            }
            self.settle().await;
            sleep((began.elapsed() * 4).clamp(BREATH, LONG_BREATH)).await;
        }
    }

    fn nodes(&self) -> impl Iterator<Item = (&Arc<Peer>, &Mutex<Progress>)> {
        self.switch.peers.iter().zip(self.progress.iter())
    }

    /// Whether something may have changed since the last round at a node.
    fn is_due(&self, peer: &Peer, progress: &Progress) -> bool {
        let (since, is_there) = {
            let view = peer.view();
            (view.since, view.line.is_some())
        };
        let seats = match self.rules.module() {
            QueueModule::CallCenter => None,
            QueueModule::Fifo => Some(self.fifo_definition()),
        };
        is_there
            && (progress.seen != Some((since, self.revision()))
                || progress.next.is_some_and(|next| next <= Instant::now())
                || (seats.is_some() && seats != progress.fifo)
                || self.rows().values().any(|row| !progress.has_settled(row)))
    }

    /// What the wanted queues depend on.
    fn revision(&self) -> u64 {
        self.switch.store.memory().people_revision()
    }

    /// What there should be.
    fn wanted(&self) -> Arc<CallCenter> {
        let kept = || self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let (revision, staff) = {
            let memory = self.switch.store.memory();
            let revision = memory.people_revision();
            if let Some((_, wanted)) = kept().as_ref().filter(|(of, _)| *of == revision) {
                return Arc::clone(wanted);
            }
            (revision, memory.staff())
        };
        let wanted = Arc::new(self.rules.beside(&staff.teams).wanted(staff.members()));
        *kept() = Some((revision, Arc::clone(&wanted)));
        wanted
    }

    /// Who logged in or out, and has not got that status everywhere.
    fn rows(&self) -> BTreeMap<Extension, Arc<Wanted>> {
        let memory = self.switch.store.memory();
        let rows = memory.wanted().filter(|row| row.kind == WantedKind::Agent);
        rows.filter_map(|row| Some((row.target.parse().ok()?, Arc::clone(row)))).collect()
    }

    /// Takes out of the store what has come to what it wants at every node.
    async fn settle(&self) {
        let mut rows: Vec<Arc<Wanted>> = self.rows().into_values().collect();
        for (_, progress) in self.nodes() {
            let mut progress = progress.lock().await;
            progress.keep_settled(&rows);
            rows.retain(|row| progress.has_settled(row));
        }
        if rows.is_empty() {
            return;
        }
        let written = self.switch.store.write(async move |tx: &mut Tx<'_>| {
            for row in &rows {
                tx.settle(row).await?;
            }
            Ok::<(), DatabaseError>(())
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "cannot write down which agents have their status");
        }
    }
}
