//! What was done and is not in the store yet. When the store fails it is remembered here, so that nothing is done twice.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::super::plan::{GivenUp, Waiting, confirmation};
use super::Pending;
use crate::model::{Actor, Attempts, Happening, NotShown, Wanted, WantedKind};
use crate::store::{DatabaseError, Store, Tx};

/// The rows by kind and target, and what became of each.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    rows: HashMap<(WantedKind, String), (Arc<Wanted>, Outcome)>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// It is done, or dropped.
    Settled,
    /// It is so far, and the journal says why the phone does not show it, if it was given up.
    Tried(Attempts, Option<NotShown>),
}

impl Unwritten {
    /// It is done, or dropped.
    pub(super) fn settled(&mut self, row: Arc<Wanted>) {
        self.put(row, Outcome::Settled);
    }

    /// The phone was told once more.
    pub(super) fn tried(&mut self, row: Arc<Wanted>, attempts: Attempts) {
        let reason = match self.of(&row) {
            Some(Outcome::Tried(_, reason)) => *reason,
            _ => None,
        };
        self.put(row, Outcome::Tried(attempts, reason));
    }

    /// It counts as not shown.
    pub(super) fn given_up(&mut self, one: GivenUp) {
        self.put(one.row, Outcome::Tried(one.attempts, Some(one.reason)));
    }

    fn put(&mut self, row: Arc<Wanted>, outcome: Outcome) {
        self.rows.insert((row.kind, row.target.clone()), (row, outcome));
    }

    /// What became of this row, if that is not in the store.
    fn of(&self, row: &Wanted) -> Option<&Outcome> {
        if self.rows.is_empty() {
            return None;
        }
        let (known, outcome) = self.rows.get(&(row.kind, row.target.clone()))?;
        known.is_same(row).then_some(outcome)
    }

    /// Makes of the store's rows what they would be if all had been written, and forgets of what nobody wants any more.
    pub(super) fn lay_over(&mut self, rows: &mut Vec<Arc<Wanted>>) {
        if self.rows.is_empty() {
            return;
        }
        let mut left = HashMap::new();
        rows.retain_mut(|row| {
            let Some(outcome) = self.of(row).copied() else { return true };
            left.insert((row.kind, row.target.clone()), (Arc::clone(row), outcome));
            match outcome {
                Outcome::Settled => false,
                Outcome::Tried(attempts, _) => {
                    Arc::make_mut(row).attempts = attempts;
                    true
                }
            }
        });
        self.rows = left;
    }

    /// Writes it down, if the store takes it, and lets those know who look at what is pending.
    pub(super) async fn write(&mut self, store: &Store, pending: &Pending) {
        if self.rows.is_empty() {
            return;
        }
        let rows: Vec<(Arc<Wanted>, Outcome)> = self.rows.values().cloned().collect();
        let now = Timestamp::now();
        let written = store.write(async move |tx: &mut Tx<'_>| {
            for (row, outcome) in &rows {
                write_one(tx, row, *outcome, now).await?;
            }
            Ok::<(), DatabaseError>(())
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "cannot write down what is done");
            return;
        }
        let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain_mut(|(row, waiting)| match self.of(row) {
            Some(Outcome::Settled) => false,
            Some(Outcome::Tried(attempts, _)) => {
                Arc::make_mut(row).attempts = *attempts;
                let next = confirmation::due(attempts, None);
                if let (Waiting::UnderWay, Some(next)) = (&waiting, next) {
                    *waiting = confirmation::waiting(attempts, next);
                }
                true
            }
            None => true,
        });
        self.rows.clear();
    }
}

/// One row; the journal hears of it only if it is still wanted.
async fn write_one(
    tx: &mut Tx<'_>,
    row: &Wanted,
    outcome: Outcome,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    match outcome {
        Outcome::Settled => tx.settle(row).await.map(drop),
        Outcome::Tried(attempts, reason) => {
            let is_wanted = tx.attempted(row, attempts).await?;
            if let (true, Some(reason), Ok(phone)) = (is_wanted, reason, row.target.parse()) {
                tx.journal(now, Actor::Daemon, Happening::NotShown { phone, reason }).await?;
            }
            Ok(())
        }
    }
}
