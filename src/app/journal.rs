//! What the journal forgets: what is older than the operator wants to keep.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::store::{DatabaseError, Store, Tx, WriteError};

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(3_600);
/// How many entries one transaction forgets: a login must not wait behind all of them.
const STEP: u32 = 200;
/// After each of these.
const PAUSE: Duration = Duration::from_millis(100);
/// For how long emergency calls are known by their Unique-ID at least: FreeSWITCH may tell of them again.
const EMERGENCIES: i64 = 60;
/// How far the clock may go wrong in an hour and still be believed.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

/// Forgets what is older than so many days, until `shutdown`; with 0 nothing.
pub(super) async fn forget(store: Store, days: u32, shutdown: CancellationToken) {
    let looking = async {
        loop {
            let (now, instant) = (Timestamp::now(), Instant::now());
            sleep(LOOK).await;
            // By a clock that was just set, perhaps years ahead, nothing is forgotten.
            let passed = SignedDuration::try_from(instant.elapsed()).unwrap_or(SignedDuration::MAX);
            let off = Timestamp::now().duration_since(now).saturating_sub(passed);
            if off.abs() <= SLACK && days > 0 {
                forget_now(&store, i64::from(days)).await;
            }
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = looking => {}
    }
}

/// Forgets it now, a few entries at a time.
async fn forget_now(store: &Store, days: i64) {
    let now = Timestamp::now();
    let ago = |days: i64| {
        now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN)
    };
    let (before, emergencies) = (ago(days), ago(days.max(EMERGENCIES)));
    let forgotten = store.write(async move |tx: &mut Tx<'_>| {
        tx.forget_emergency_calls(emergencies).await?;
        Ok::<(), DatabaseError>(())
    });
    let mut failed: Option<WriteError<DatabaseError>> = forgotten.await.err();
    let mut all = 0;
    while failed.is_none() {
        let step = store.write(async move |tx: &mut Tx<'_>| tx.forget_journal(before, STEP).await);
        match step.await {
            Ok(0) => break,
            Ok(count) => all += count,
            Err(error) => failed = Some(error),
        }
        sleep(PAUSE).await;
    }
    if all > 0 {
        tracing::info!(entries = all, days, "the journal has forgotten what is older");
    }
    if let Some(error) = failed {
        tracing::warn!(%error, "the journal cannot forget; trying again in an hour");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, Happening};
    use crate::store::JournalFilter;

    #[tokio::test]
    async fn what_is_older_than_it_should_be_kept_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let ago = |days: i64| Timestamp::now() - SignedDuration::from_hours(24 * days);
        for (count, days) in [(250, 31), (3, 29), (1, 0)] {
            let at = ago(days);
            let written = store.write(async move |tx: &mut Tx<'_>| {
                for _ in 0..count {
                    tx.journal(at, Actor::Daemon, Happening::PinAlarm { wrong: 1 }).await?;
                }
                tx.note_emergency_call(&format!("{days}"), None, at).await?;
                Ok::<(), DatabaseError>(())
            });
            written.await.unwrap();
        }
        forget_now(&store, 30).await;
        let filter = JournalFilter { limit: 1_000, ..JournalFilter::default() };
        assert_eq!(store.journal(&filter).await.unwrap().len(), 4);
        let again = store.write(async |tx: &mut Tx<'_>| {
            tx.note_emergency_call("31", None, Timestamp::now()).await
        });
        assert!(!again.await.unwrap(), "FreeSWITCH may still tell of that one");
    }
}
