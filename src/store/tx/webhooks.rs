//! What webhooks are to be told, written with what happened.

use std::sync::OnceLock;

use jiff::Timestamp;
use serde::Serialize;

use super::{Tx, to_json};
use crate::metrics::{self, Metrics};
use crate::model::{DeliveryState, JournalEntry, Mac, Subscription, WebhookEvent};

/// How many events wait for one target at the most; further ones are dropped.
pub(in crate::store) const MOST_WAITING: i64 = 10_000;
/// How many that were given up are kept of one target.
const MOST_DEAD: i64 = 1_000;
/// The longest error that is kept, in characters.
const LONGEST_ERROR: usize = 300;

/// Who is told of what. Known once the configuration is read.
#[derive(Default)]
pub(in crate::store) struct Hooks {
    /// The targets.
    pub subscriptions: OnceLock<Vec<Subscription>>,
    /// Where it is noted what was dropped.
    pub metrics: Metrics,
}

/// Which deliveries are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry<'a> {
    /// All that were given up.
    All,
    /// Those of a target.
    Target(&'a str),
    /// One.
    One(i64),
}

/// What is sent. The shape is that of Standard Webhooks.
#[derive(Serialize)]
struct Body<'a> {
    r#type: WebhookEvent,
    timestamp: Timestamp,
    data: Data<'a>,
}

/// What happened, and what people call the places and persons in it.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    entry: &'a JournalEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Person>,
}

/// The phone's place.
#[derive(Serialize)]
struct Place {
    label: Option<String>,
    location: Option<String>,
}

/// The user.
#[derive(Serialize)]
struct Person {
    name: String,
}

impl Tx<'_> {
    /// Writes down who is to be told of this entry.
    pub(super) async fn tell_webhooks(&mut self, entry: &JournalEntry) -> Result<(), sqlx::Error> {
        let Some(event) = WebhookEvent::of(&entry.what) else { return Ok(()) };
        let hooks = self.hooks;
        let all = hooks.subscriptions.get().map_or(&[][..], Vec::as_slice);
        let mut meant = all.iter().filter(|one| one.events.contains(&event)).peekable();
        if meant.peek().is_none() {
            return Ok(());
        }
        let body = self.webhook_body(event, entry).await?;
        for Subscription { target, .. } in meant {
            let insert = sqlx::query(
                "INSERT INTO webhook_deliveries (target, event, entry, body, state, created, tries, next) \
                 SELECT $1, $2, $3, $4, $5, $6, 0, $7 WHERE \
                 (SELECT COUNT(*) FROM webhook_deliveries WHERE target = $8 AND state = $9) < $10",
            );
            let insert = insert
                .bind(target.clone())
                .bind(event.as_str())
                .bind(entry.id)
                .bind(body.clone())
                .bind(DeliveryState::Waiting.as_str())
                .bind(entry.at.as_second())
                .bind(entry.at.as_second())
                .bind(target.clone())
                .bind(DeliveryState::Waiting.as_str())
                .bind(MOST_WAITING);
            if self.execute(insert).await? == 0 {
                hooks.metrics.delivery(target, metrics::Delivery::Dropped);
                tracing::warn!(webhook = target, %event, entry = entry.id, "too many events wait for this webhook; one was dropped");
            }
        }
        Ok(())
    }

    /// What is sent of an entry.
    async fn webhook_body(
        &mut self,
        event: WebhookEvent,
        entry: &JournalEntry,
    ) -> Result<String, sqlx::Error> {
        let place = match entry.what.phone() {
            Some(mac) => self.webhook_place(mac).await?,
            None => None,
        };
        let person = match entry.what.user() {
            Some(user) => self.user(user).await?.map(|user| Person { name: user.name }),
            None => None,
        };
        let data = Data { entry, place, person };
        to_json(&Body { r#type: event, timestamp: entry.at, data })
    }

    /// What people call the place of a phone.
    async fn webhook_place(&mut self, mac: Mac) -> Result<Option<Place>, sqlx::Error> {
        let phone = self.phone(mac).await?;
        Ok(phone.map(|phone| Place { label: phone.label, location: phone.emergency.location }))
    }

    /// The target took it: it is forgotten.
    ///
    /// # Errors
    /// The store failed.
    pub async fn delivered(&mut self, id: i64) -> Result<(), sqlx::Error> {
        let delete = sqlx::query("DELETE FROM webhook_deliveries WHERE id = $1").bind(id);
        self.execute(delete).await.map(drop)
    }

    /// The target did not take it; it may be tried again at `next`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn not_delivered(
        &mut self,
        id: i64,
        next: Timestamp,
        error: &str,
    ) -> Result<(), sqlx::Error> {
        let update = sqlx::query(
            "UPDATE webhook_deliveries SET tries = tries + 1, next = $1, error = $2 WHERE id = $3",
        );
        let update = update.bind(next.as_second()).bind(shortened(error)).bind(id);
        self.execute(update).await.map(drop)
    }

    /// Gives up what has waited for a target since before `since`, this one first: it was tried just now. Answers how many
    /// that were. Of those that were given up before the oldest are forgotten where there are too many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn give_up_deliveries(
        &mut self,
        target: &str,
        since: Timestamp,
        error: &str,
    ) -> Result<u64, sqlx::Error> {
        let update = sqlx::query(
            "UPDATE webhook_deliveries SET state = $1, error = COALESCE(error, $2) \
             WHERE target = $3 AND state = $4 AND created <= $5",
        );
        let update = update
            .bind(DeliveryState::Dead.as_str())
            .bind(shortened(error))
            .bind(target.to_owned())
            .bind(DeliveryState::Waiting.as_str())
            .bind(since.as_second());
        let given_up = self.execute(update).await?;
        let forget = sqlx::query(
            "DELETE FROM webhook_deliveries WHERE target = $1 AND state = $2 AND id <= COALESCE( \
             (SELECT id FROM webhook_deliveries WHERE target = $3 AND state = $4 ORDER BY id DESC LIMIT 1 OFFSET $5), -1)",
        );
        let dead = DeliveryState::Dead.as_str();
        let (first, second) = (target.to_owned(), target.to_owned());
        self.execute(forget.bind(first).bind(dead).bind(second).bind(dead).bind(MOST_DEAD)).await?;
        Ok(given_up)
    }

    /// The targets for which something waits.
    ///
    /// # Errors
    /// The store failed.
    pub async fn waiting_targets(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let query = "SELECT DISTINCT target FROM webhook_deliveries WHERE state = $1";
        let query = sqlx::query_as::<_, (String,)>(query).bind(DeliveryState::Waiting.as_str());
        let rows = query.fetch_all(&mut *self.connection).await?;
        Ok(rows.into_iter().map(|(target,)| target).collect())
    }

    /// Has those that were given up tried again, in the order in which they happened: one of them, or all of a target, or
    /// of all targets. Answers how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn retry_deliveries(
        &mut self,
        which: Retry<'_>,
        now: Timestamp,
    ) -> Result<u64, sqlx::Error> {
        const SET: &str = "UPDATE webhook_deliveries SET state = $1, tries = 0, created = $2, next = $3, \
                           error = NULL WHERE state = $4";
        let statement = match which {
            Retry::All => SET.to_owned(),
            Retry::Target(_) => format!("{SET} AND target = $5"),
            Retry::One(_) => format!("{SET} AND id = $5"),
        };
        let update = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(DeliveryState::Waiting.as_str())
            .bind(now.as_second())
            .bind(now.as_second())
            .bind(DeliveryState::Dead.as_str());
        let update = match which {
            Retry::All => update,
            Retry::Target(target) => update.bind(target.to_owned()),
            Retry::One(id) => update.bind(id),
        };
        self.execute(update).await
    }

    /// Somebody was told that this phone does not go on. Whether that is news.
    ///
    /// # Errors
    /// The store failed.
    pub async fn note_stuck(
        &mut self,
        phone: Mac,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let insert = sqlx::query(
            "INSERT INTO stuck_phones (phone, reason, at) SELECT $1, $2, $3 \
             WHERE NOT EXISTS (SELECT 1 FROM stuck_phones WHERE phone = $4)",
        );
        let insert = insert
            .bind(phone.to_string())
            .bind(reason.to_owned())
            .bind(now.as_second())
            .bind(phone.to_string());
        Ok(self.execute(insert).await? > 0)
    }

    /// This phone goes on again, or is gone.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_stuck(&mut self, phone: Mac) -> Result<(), sqlx::Error> {
        let delete = sqlx::query("DELETE FROM stuck_phones WHERE phone = $1");
        self.execute(delete.bind(phone.to_string())).await.map(drop)
    }
}

/// As much of an error as is kept.
fn shortened(error: &str) -> String {
    error.chars().take(LONGEST_ERROR).collect()
}
