//! Phones that do not go on, told once each: in the journal, and by it to webhooks.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::redirection::Redirections;
use super::{Beside, Provisioning};
use crate::model::{Actor, Asked, Happening, Mac, Obstacle};
use crate::store::{DatabaseError, Tx};

/// How long after the start all phones are looked at for the first time, and how often then.
const FIRST: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(60);
/// How many are told in one round: each is a line of the journal, and a login must not wait behind thousands.
const MOST_TOLD: usize = 64;
/// How many phones are looked at while the store's memory is held.
const CHUNK: usize = 256;

/// Phones that stand still, and since when and why.
type Still = Vec<(Mac, Timestamp, Obstacle)>;

impl Provisioning {
    /// Tells of phones that do not go on, until `shutdown`. `asked` is what FreeSWITCH asked about a phone.
    pub async fn watch_ways(
        &self,
        asked: impl Fn(Mac) -> Asked + Send + Sync + Clone + 'static,
        services: Option<Redirections>,
        shutdown: CancellationToken,
    ) {
        let (mut told, mut pause) = (None, FIRST);
        while shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            pause = LOOK;
            let went = self.tell_stuck(&mut told, asked.clone(), services.clone()).await;
            if let Err(error) = went {
                tracing::warn!(%error, "cannot write down which phones do not go on");
            }
        }
    }

    /// One look.
    async fn tell_stuck(
        &self,
        told: &mut Option<BTreeSet<Mac>>,
        asked: impl Fn(Mac) -> Asked + Send + 'static,
        services: Option<Redirections>,
    ) -> Result<(), DatabaseError> {
        let known = match told {
            Some(known) => known,
            None => told.insert(self.store().stuck_phones().await?),
        };
        let this = self.clone();
        // Ten thousand take a tenth of a second, and nobody else is to wait for that.
        let looked = tokio::task::spawn_blocking(move || this.still(asked, services.as_ref()));
        let still = looked.await.unwrap_or_default();
        let now_stuck: BTreeSet<Mac> = still.iter().map(|(phone, ..)| *phone).collect();
        let new = still.into_iter().filter(|(phone, ..)| !known.contains(phone)).take(MOST_TOLD);
        let new: Still = new.collect();
        let over: Vec<Mac> = known.difference(&now_stuck).copied().take(MOST_TOLD).collect();
        if new.is_empty() && over.is_empty() {
            return Ok(());
        }
        let (begun, ended) = (new.clone(), over.clone());
        let now = Timestamp::now();
        let written = self.store().write(async move |tx: &mut Tx<'_>| {
            for (phone, since, obstacle) in &begun {
                if tx.note_stuck(*phone, &obstacle.to_string(), now).await? {
                    let (since, obstacle) = (*since, obstacle.clone());
                    let what = Happening::PhoneStuck { phone: *phone, since, obstacle };
                    tx.journal(now, Actor::Daemon, what).await?;
                }
            }
            for phone in &ended {
                tx.forget_stuck(*phone).await?;
            }
            Ok::<(), DatabaseError>(())
        });
        written.await.map_err(super::redirection::written)?;
        known.extend(new.into_iter().map(|(phone, ..)| phone));
        known.retain(|phone| !over.contains(phone));
        Ok(())
    }

    /// The phones that do not go on now, in the order of their MAC addresses.
    fn still(&self, asked: impl Fn(Mac) -> Asked, services: Option<&Redirections>) -> Still {
        let now = Timestamp::now();
        let mut all: Vec<Mac> = self.store().memory().phones().map(|phone| phone.mac).collect();
        all.sort_unstable();
        let mut still = Still::new();
        for macs in all.chunks(CHUNK) {
            let memory = self.store().memory();
            for phone in macs.iter().filter_map(|mac| memory.phone(*mac)) {
                let beside = Beside { asked: asked(phone.mac), services };
                if let Some(stuck) = self.way(&memory, phone, beside, now).stuck {
                    still.push((phone.mac, stuck.since, stuck.why));
                }
            }
        }
        still
    }
}
