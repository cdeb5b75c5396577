//! One target: what it is told next, when that is tried again, and when it is given up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Target;
use super::client::{Client, Trouble};
use crate::metrics;
use crate::model::{Delivery, JournalEntry, WebhookEvent};
use crate::store::{DatabaseError, Store, Tx, WriteError};

/// How long after the first failure it is tried again; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How long at the most.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// For how long an event is tried.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// How long the store is left alone after it failed.
const STORE: Duration = Duration::from_secs(5);
/// How often the store is looked into although nothing was heard.
const LOOK: Duration = Duration::from_secs(60);

/// Tells one target.
pub(super) struct Courier {
    store: Store,
    target: Target,
    client: Option<Client>,
    /// What went wrong the last time: the same again is nothing new.
    told: Option<Trouble>,
}

impl Courier {
    /// For this target.
    pub(super) fn new(store: Store, target: Target) -> Self {
        Self { store, target, client: None, told: None }
    }

    /// Works until `shutdown`; rung by `bell` where something was asked for again.
    pub(super) async fn run(mut self, bell: &Notify, shutdown: CancellationToken) {
        let mut happenings = self.store.happenings();
        // Whatever was wrong before, a start is a new try.
        let mut at_once = true;
        loop {
            // What was heard so far the step below sees in the store.
            happenings = happenings.resubscribe();
            let step = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                step = self.step(at_once) => step,
            };
            at_once = false;
            let (pause, idles) = match step {
                Ok(Some(pause)) => (pause, false),
                Ok(None) => (LOOK, true),
                Err(error) => {
                    tracing::warn!(webhook = self.target.name, %error, "the store failed");
                    (STORE, false)
                }
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = bell.notified() => at_once = true,
                () = self.hears(&mut happenings), if idles => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Waits for something of which the target is told.
    async fn hears(&self, happenings: &mut broadcast::Receiver<std::sync::Arc<JournalEntry>>) {
        loop {
            match happenings.recv().await {
                Ok(entry) => {
                    let event = WebhookEvent::of(&entry.what);
                    if event.is_some_and(|event| self.target.settings.events.contains(&event)) {
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// One delivery. Answers when to go on: `None` where nothing waits.
    async fn step(&mut self, at_once: bool) -> Result<Option<Duration>, WriteError<DatabaseError>> {
        let next = self.store.next_delivery(&self.target.name).await;
        let next = next.map_err(WriteError::Job)?;
        let Some(delivery) = next else { return Ok(None) };
        let now = Timestamp::now();
        let early = Duration::try_from(now.duration_until(delivery.next)).unwrap_or_default();
        // A clock that was set back is no reason to wait for longer than ever.
        if !at_once && !early.is_zero() && early <= 2 * LONGEST_PAUSE {
            return Ok(Some(early.min(LOOK)));
        }
        let went = self.tell(&delivery).await;
        self.note(&delivery, went).await.map(Some)
    }

    /// Tries it.
    async fn tell(&mut self, delivery: &Delivery) -> Result<(), Trouble> {
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::new(&self.target)?,
        };
        let went = client.post(&self.target, delivery, Timestamp::now()).await;
        // After trouble the authority's file is read anew.
        self.client = went.is_ok().then_some(client);
        went
    }

    /// Writes down how it went. Answers when to go on.
    async fn note(
        &mut self,
        delivery: &Delivery,
        went: Result<(), Trouble>,
    ) -> Result<Duration, WriteError<DatabaseError>> {
        let (id, target, now) = (delivery.id, self.target.name.clone(), Timestamp::now());
        let metrics = self.store.metrics().clone();
        let trouble = match went {
            Ok(()) => {
                metrics.delivery(&target, metrics::Delivery::Taken);
                if self.told.take().is_some() {
                    tracing::info!(webhook = target, "events are taken again");
                }
                let write = self.store.write(async move |tx: &mut Tx<'_>| tx.delivered(id).await);
                return write.await.map(|()| Duration::ZERO);
            }
            Err(trouble) => trouble,
        };
        metrics.delivery(&target, metrics::Delivery::Failed);
        let pause = trouble.wait().unwrap_or_default().max(pause(delivery.tries));
        if self.told.as_ref() != Some(&trouble) {
            tracing::warn!(webhook = target, %trouble, "an event was not taken; it is tried again");
            self.told = Some(trouble.clone());
        }
        let is_over = now.duration_since(delivery.created) >= PATIENCE;
        let next = now.checked_add(pause).unwrap_or(now);
        let name = target.clone();
        let given_up = self.store.write(async move |tx: &mut Tx<'_>| {
            tx.not_delivered(id, next, &trouble.to_string()).await?;
            let since = now.checked_sub(PATIENCE).unwrap_or(Timestamp::MIN);
            let why = "it was not tried: an older event was not taken for a day";
            if is_over { tx.give_up_deliveries(&name, since, why).await } else { Ok(0) }
        });
        let given_up = given_up.await?;
        if given_up > 0 {
            metrics.deliveries(&target, metrics::Delivery::GivenUp, given_up);
            tracing::error!(
                target,
                given_up,
                "webhook: events were given up after a day; `hotdeskd webhooks list` shows them, `hotdeskd webhooks retry` has them tried again"
            );
            return Ok(Duration::ZERO);
        }
        Ok(pause)
    }
}

/// How long to wait after so many tries before this one: twice as long each time, and not all targets at once.
fn pause(tries: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << tries.min(12)).min(LONGEST_PAUSE);
    doubled.mul_f64(rand::random_range(0.8..1.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let near = |tries, seconds: f64| {
            let pause = pause(tries).as_secs_f64();
            assert!((0.8 * seconds..=1.2 * seconds).contains(&pause), "{tries}: {pause}");
        };
        for (tries, seconds) in [(0, 1.0), (1, 2.0), (5, 32.0), (12, 3_600.0), (u32::MAX, 3_600.0)]
        {
            near(tries, seconds);
        }
    }
}
