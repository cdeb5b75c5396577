//! The PIN guard's counters.

use jiff::Timestamp;
use sqlx::Row as _;

use super::{Tx, time_opt};
use crate::model::{Counter, Extension, GuardKey};

/// Kind, extension and phone of a key; empty where they are no part of it.
fn columns(key: &GuardKey) -> (&'static str, String, String) {
    match key {
        GuardKey::Pair(extension, mac) => ("pair", extension.to_string(), mac.to_string()),
        GuardKey::Extension(extension) => ("extension", extension.to_string(), String::new()),
        GuardKey::Phone(mac) => ("phone", String::new(), mac.to_string()),
        GuardKey::Strangers => ("strangers", String::new(), String::new()),
        GuardKey::Site => ("site", String::new(), String::new()),
    }
}

impl Tx<'_> {
    /// The counter of a key; a new one where there is none.
    ///
    /// # Errors
    /// The store failed.
    pub async fn counter(&mut self, key: &GuardKey) -> Result<Counter, sqlx::Error> {
        let (kind, extension, phone) = columns(key);
        let row = sqlx::query(
            "SELECT wrong, since, locked_until, locks FROM pin_counters \
             WHERE kind = $1 AND extension = $2 AND phone = $3",
        )
        .bind(kind)
        .bind(extension)
        .bind(phone)
        .fetch_optional(&mut *self.connection)
        .await?;
        let Some(row) = row else {
            return Ok(Counter::default());
        };
        Ok(Counter {
            wrong: u32::try_from(row.try_get::<i64, _>("wrong")?).unwrap_or(u32::MAX),
            since: time_opt(&row, "since")?,
            locked_until: time_opt(&row, "locked_until")?,
            locks: u32::try_from(row.try_get::<i64, _>("locks")?).unwrap_or(u32::MAX),
        })
    }

    /// Keeps a counter.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_counter(
        &mut self,
        key: &GuardKey,
        counter: Counter,
    ) -> Result<(), sqlx::Error> {
        let (kind, extension, phone) = columns(key);
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement)
                .bind(i64::from(counter.wrong))
                .bind(counter.since.map(Timestamp::as_second))
                .bind(counter.locked_until.map(Timestamp::as_second))
                .bind(i64::from(counter.locks))
                .bind(kind)
                .bind(extension.clone())
                .bind(phone.clone())
        };
        let update = query(
            "UPDATE pin_counters SET wrong = $1, since = $2, locked_until = $3, locks = $4 \
             WHERE kind = $5 AND extension = $6 AND phone = $7",
        );
        let insert = query(
            "INSERT INTO pin_counters (wrong, since, locked_until, locks, kind, extension, phone) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        if self.execute(update).await? == 0 {
            self.execute(insert).await?;
        }
        Ok(())
    }

    /// Forgets every counter that a user is part of, and those of the phones where the user was refused;
    /// answers how many of the user's there were.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_counters(&mut self, user: &Extension) -> Result<u64, sqlx::Error> {
        let phones = "DELETE FROM pin_counters WHERE kind = 'phone' AND phone IN \
                      (SELECT phone FROM pin_counters WHERE kind = 'pair' AND extension = $1)";
        self.execute(sqlx::query(phones).bind(user.to_string())).await?;
        let delete = "DELETE FROM pin_counters WHERE extension = $1";
        self.execute(sqlx::query(delete).bind(user.to_string())).await
    }

    /// Forgets counters that were last touched before `before`, so that the table stays small.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_old_counters(&mut self, before: Timestamp) -> Result<u64, sqlx::Error> {
        let delete = "DELETE FROM pin_counters WHERE COALESCE(since, 0) < $1 AND COALESCE(locked_until, 0) < $2";
        let query = sqlx::query(delete).bind(before.as_second()).bind(before.as_second());
        self.execute(query).await
    }
}
