//! Reading what webhooks are to be told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Store;
use super::tx::{parsed, time};
use crate::model::{Backlog, Delivery, DeliveryState, DeliveryView, Mac, Subscription};

impl Store {
    /// From now on these are told of what happens. What they were told before counts; once is enough.
    pub fn tell(&self, subscriptions: Vec<Subscription>) {
        // A second time changes nothing.
        let _ = self.inner.hooks.subscriptions.set(subscriptions);
    }

    /// What a target is to be told next.
    ///
    /// # Errors
    /// The store failed.
    pub async fn next_delivery(&self, target: &str) -> Result<Option<Delivery>, sqlx::Error> {
        let query = sqlx::query(
            "SELECT id, entry, body, created, tries, next FROM webhook_deliveries \
             WHERE target = $1 AND state = $2 ORDER BY id LIMIT 1",
        );
        let query = query.bind(target.to_owned()).bind(DeliveryState::Waiting.as_str());
        let row = query.fetch_optional(&self.inner.readers).await?;
        row.map(|row| {
            Ok(Delivery {
                id: row.try_get("id")?,
                entry: row.try_get("entry")?,
                body: row.try_get("body")?,
                created: time(&row, "created")?,
                tries: tries(&row)?,
                next: time(&row, "next")?,
            })
        })
        .transpose()
    }

    /// The deliveries of one target, or of all, in their order: those that were given up first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn deliveries(
        &self,
        target: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeliveryView>, sqlx::Error> {
        let query = sqlx::query(
            "SELECT id, target, event, entry, state, created, tries, next, error FROM webhook_deliveries \
             WHERE $1 IS NULL OR target = $2 ORDER BY state, id LIMIT $3",
        );
        let target = target.map(str::to_owned);
        let query = query.bind(target.clone()).bind(target).bind(i64::from(limit));
        let rows = query.fetch_all(&self.inner.readers).await?;
        rows.iter().map(view).collect()
    }

    /// How it stands with each target for which there is anything.
    ///
    /// # Errors
    /// The store failed.
    pub async fn backlogs(&self) -> Result<BTreeMap<String, Backlog>, sqlx::Error> {
        let query = "SELECT target, state, COUNT(*) AS n, MIN(created) AS oldest \
                     FROM webhook_deliveries GROUP BY target, state";
        let mut backlogs = BTreeMap::<String, Backlog>::new();
        for row in sqlx::query(query).fetch_all(&self.inner.readers).await? {
            let (target, count): (String, i64) = (row.try_get("target")?, row.try_get("n")?);
            let backlog = backlogs.entry(target).or_default();
            let count = u64::try_from(count).unwrap_or_default();
            match state(&row)? {
                DeliveryState::Dead => backlog.dead = count,
                DeliveryState::Waiting => {
                    (backlog.waiting, backlog.oldest) = (count, Some(time(&row, "oldest")?));
                }
            }
        }
        Ok(backlogs)
    }

    /// The phones that do not go on, as far as somebody was told so.
    ///
    /// # Errors
    /// The store failed.
    pub async fn stuck_phones(&self) -> Result<BTreeSet<Mac>, sqlx::Error> {
        let rows = sqlx::query("SELECT phone FROM stuck_phones").fetch_all(&self.inner.readers);
        rows.await?.iter().map(|row| parsed(row, "phone")).collect()
    }
}

/// A row as an operator sees it.
fn view(row: &AnyRow) -> Result<DeliveryView, sqlx::Error> {
    let state = state(row)?;
    let next: Timestamp = time(row, "next")?;
    Ok(DeliveryView {
        id: row.try_get("id")?,
        target: row.try_get("target")?,
        event: row.try_get("event")?,
        entry: row.try_get("entry")?,
        state,
        created: time(row, "created")?,
        tries: tries(row)?,
        next: (state == DeliveryState::Waiting).then_some(next),
        error: row.try_get("error")?,
    })
}

/// What becomes of a row.
fn state(row: &AnyRow) -> Result<DeliveryState, sqlx::Error> {
    let text: String = row.try_get("state")?;
    let dead = text == DeliveryState::Dead.as_str();
    Ok(if dead { DeliveryState::Dead } else { DeliveryState::Waiting })
}

/// How often it was tried.
fn tries(row: &AnyRow) -> Result<u32, sqlx::Error> {
    Ok(u32::try_from(row.try_get::<i64, _>("tries")?).unwrap_or(u32::MAX))
}
