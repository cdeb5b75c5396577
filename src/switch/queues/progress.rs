//! What was tried at a node, and when it may be tried again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::{QueueStep, Wanted};

/// After how long what failed, or did not help, is tried again for the first time; then after twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// And at the latest.
const LATEST: Duration = Duration::from_secs(300);

/// One node.
#[derive(Default)]
pub(super) struct Progress {
    /// The connection and the people of the last round.
    pub seen: Option<(Option<Timestamp>, u64)>,
    /// When something is due that was not in the last round.
    pub next: Option<Instant>,
    /// What mod_fifo last read.
    pub fifo: Option<String>,
    /// Steps that were done and were not enough, if they are asked for again.
    tried: HashMap<QueueStep, Tried>,
    /// Rows that have come to what they want here, while other nodes have not.
    settled: Vec<Arc<Wanted>>,
}

/// A step that was done.
struct Tried {
    pause: Duration,
    again: Instant,
}

impl Progress {
    /// Whether a step may be done now; else when.
    pub(super) fn may(&self, step: &QueueStep) -> Result<(), Instant> {
        match self.tried.get(step).filter(|tried| tried.again > Instant::now()) {
            Some(tried) => Err(tried.again),
            None => Ok(()),
        }
    }

    /// A step was done: if it is asked for again, it was not enough.
    pub(super) fn tried(&mut self, step: &QueueStep) {
        let tried = self.tried.entry(step.clone());
        let tried = tried.or_insert(Tried { pause: FIRST / 2, again: Instant::now() });
        tried.pause = (tried.pause * 2).min(LATEST);
        tried.again = Instant::now() + tried.pause;
    }

    /// Whatever is no longer asked for has helped.
    pub(super) fn keep_tried(&mut self, asked: &[QueueStep]) {
        let asked: std::collections::HashSet<&QueueStep> = asked.iter().collect();
        self.tried.retain(|step, _| asked.contains(step));
    }

    /// Everything may be tried again at once.
    pub(super) fn forgive(&mut self) {
        self.tried.clear();
    }

    /// This row has come to what it wants here.
    pub(super) fn settled(&mut self, row: &Arc<Wanted>) {
        if !self.has_settled(row) {
            self.settled.push(Arc::clone(row));
        }
    }

    pub(super) fn has_settled(&self, row: &Wanted) -> bool {
        self.settled.iter().any(|settled| settled.is_same(row))
    }

    /// Forgets rows that are none any more.
    pub(super) fn keep_settled(&mut self, rows: &[Arc<Wanted>]) {
        self.settled.retain(|settled| rows.iter().any(|row| row.is_same(settled)));
    }
}
