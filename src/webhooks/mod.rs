//! Other systems, told of what happens: HTTPS POSTs, signed as Standard Webhooks says (<https://www.standardwebhooks.com>).
//!
//! | file | what |
//! | --- | --- |
//! | `settings` | the tables `[[webhook]]` |
//! | `signature` | what proves that it is us who tell |
//! | `client` | one POST |
//! | `courier` | one target: what is next, when it is tried again, when it is given up |
//!
//! What is to be told is written into the store with what happened (`store::tx::webhooks`), so nothing is lost by a restart
//! and nobody waits for it. A target is told in order, one at a time; the same event may come twice, with the same
//! `webhook-id`.

mod client;
mod courier;
pub mod settings;
mod signature;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use client::Trouble;
pub use signature::{InvalidKey, SigningKey};

use crate::model::{Backlog, DeliveryView, Subscription, WebhookEvent};
use crate::store::{DatabaseError, Retry, Store, Tx, WriteError};
use courier::Courier;
use settings::WebhookSettings;

/// How many deliveries are listed.
const MOST_LISTED: u32 = 1_000;

/// Who is told, and how it is proved.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name, in the configuration and in the store.
    pub name: String,
    /// The table.
    pub settings: WebhookSettings,
    /// The key of the signatures.
    pub key: SigningKey,
}

/// The targets of a configuration. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

/// What all clones share.
struct Inner {
    store: Store,
    targets: Vec<(Target, Notify)>,
}

/// A target as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetView {
    /// Its name.
    pub target: String,
    /// Of what it is told; nothing where it is no longer in the configuration.
    pub events: Vec<WebhookEvent>,
    /// How it stands.
    #[serde(flatten)]
    pub backlog: Backlog,
}

/// All of it as an operator sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhooksView {
    /// The targets.
    pub targets: Vec<TargetView>,
    /// What was given up, and what waits.
    pub deliveries: Vec<DeliveryView>,
}

impl Webhooks {
    /// The targets; from now on the store keeps what they are to be told. Nothing is sent before [`Webhooks::run`].
    pub fn new(store: Store, targets: Vec<Target>) -> Self {
        let subscriptions = targets.iter().map(|target| Subscription {
            target: target.name.clone(),
            events: target.settings.events.iter().copied().collect(),
        });
        store.tell(subscriptions.collect());
        let targets = targets.into_iter().map(|target| (target, Notify::new())).collect();
        Self(Arc::new(Inner { store, targets }))
    }

    /// Tells the targets, until `shutdown`. Once is enough.
    pub async fn run(&self, shutdown: CancellationToken) {
        self.give_up_others().await;
        let couriers = self.0.targets.iter().map(|(target, bell)| {
            Courier::new(self.0.store.clone(), target.clone()).run(bell, shutdown.clone())
        });
        join_all(couriers).await;
        // Without targets there is nothing to do until then.
        shutdown.cancelled().await;
    }

    /// How it stands with all targets, or with one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn view(&self, target: Option<&str>) -> Result<WebhooksView, DatabaseError> {
        let mut backlogs = self.0.store.backlogs().await?;
        let known =
            self.0.targets.iter().map(|(target, _)| (&target.name, &target.settings.events));
        let mut targets: Vec<TargetView> = known
            .map(|(name, events)| TargetView {
                target: name.clone(),
                events: events.clone(),
                backlog: backlogs.remove(name).unwrap_or_default(),
            })
            .collect();
        let gone = backlogs.into_iter();
        targets.extend(gone.map(|(target, backlog)| TargetView {
            target,
            events: Vec::new(),
            backlog,
        }));
        targets.retain(|view| target.is_none_or(|target| target == view.target));
        let deliveries = self.0.store.deliveries(target, MOST_LISTED).await?;
        Ok(WebhooksView { targets, deliveries })
    }

    /// How it stands with each target.
    ///
    /// # Errors
    /// The store failed.
    pub async fn backlogs(&self) -> Result<BTreeMap<String, Backlog>, DatabaseError> {
        let mut backlogs = self.0.store.backlogs().await?;
        for (target, _) in &self.0.targets {
            backlogs.entry(target.name.clone()).or_default();
        }
        Ok(backlogs)
    }

    /// Has what was given up tried again: these, or else all of a target, or of all. Answers how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn retry(
        &self,
        target: Option<String>,
        ids: Vec<i64>,
    ) -> Result<u64, WriteError<DatabaseError>> {
        let now = Timestamp::now();
        let retried = self.0.store.write(async move |tx: &mut Tx<'_>| {
            let mut retried = 0;
            for id in &ids {
                retried += tx.retry_deliveries(Retry::One(*id), now).await?;
            }
            if ids.is_empty() {
                let which = target.as_deref().map_or(Retry::All, Retry::Target);
                retried += tx.retry_deliveries(which, now).await?;
            }
            Ok::<_, DatabaseError>(retried)
        });
        let retried = retried.await?;
        self.0.targets.iter().for_each(|(_, bell)| bell.notify_one());
        Ok(retried)
    }

    /// Gives up what waits for targets that are no longer in the configuration.
    async fn give_up_others(&self) {
        let known: Vec<String> = self.0.targets.iter().map(|(one, _)| one.name.clone()).collect();
        let written = self.0.store.write(async move |tx: &mut Tx<'_>| {
            let mut given_up = 0;
            for target in tx.waiting_targets().await? {
                if !known.contains(&target) {
                    let why = "there is no such webhook in the configuration";
                    given_up += tx.give_up_deliveries(&target, Timestamp::MAX, why).await?;
                }
            }
            Ok::<_, DatabaseError>(given_up)
        });
        match written.await {
            Ok(0) => {}
            Ok(given_up) => tracing::warn!(
                given_up,
                "webhooks that are no longer in the configuration were still to be told of something"
            ),
            Err(error) => tracing::warn!(%error, "webhooks: the store failed"),
        }
    }
}
