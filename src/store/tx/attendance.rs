//! What tells whether somebody is at a desk: its last call, and its last emergency call.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Effect, Tx, parsed, time};
use crate::model::Mac;
use crate::store::Store;

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Effect>, sqlx::Error> {
    let query = "SELECT phone, MAX(at) AS at FROM emergency_calls WHERE phone <> '' GROUP BY phone";
    let rows = sqlx::query(query).fetch_all(connection).await?;
    let read = |row| Ok(Effect::EmergencyCalled(parsed(row, "phone")?, time(row, "at")?));
    rows.iter().map(read).collect()
}

impl Store {
    /// The last call of each phone of which that was kept.
    ///
    /// # Errors
    /// The store failed.
    pub async fn last_calls(&self) -> Result<HashMap<Mac, Timestamp>, sqlx::Error> {
        let rows = sqlx::query("SELECT phone, at FROM phone_calls");
        let rows = rows.fetch_all(&self.inner.readers).await?;
        rows.iter().map(|row| Ok((parsed(row, "phone")?, time(row, "at")?))).collect()
    }

    /// Until when somebody watched the calls.
    ///
    /// # Errors
    /// The store failed.
    pub async fn calls_watched(&self) -> Result<Timestamp, sqlx::Error> {
        let row = sqlx::query("SELECT COALESCE(MAX(until), 0) AS until FROM calls_watched");
        time(&row.fetch_one(&self.inner.readers).await?, "until")
    }
}

impl Tx<'_> {
    /// Keeps the last calls of phones of the inventory, and that calls were watched until `until`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_last_calls(
        &mut self,
        calls: &[(Mac, Timestamp)],
        until: Timestamp,
    ) -> Result<(), sqlx::Error> {
        for (phone, at) in calls {
            let (phone, at) = (phone.to_string(), at.as_second());
            let update = sqlx::query("UPDATE phone_calls SET at = $1 WHERE phone = $2");
            if self.execute(update.bind(at).bind(phone.clone())).await? > 0 {
                continue;
            }
            let insert =
                "INSERT INTO phone_calls (phone, at) SELECT mac, $1 FROM phones WHERE mac = $2";
            self.execute(sqlx::query(insert).bind(at).bind(phone)).await?;
        }
        let watched = sqlx::query("UPDATE calls_watched SET until = $1").bind(until.as_second());
        self.execute(watched).await.map(drop)
    }

    /// Notes an emergency call by its Unique-ID, and the phone where it is one; whether it was not noted before.
    ///
    /// # Errors
    /// The store failed.
    pub async fn note_emergency_call(
        &mut self,
        call: &str,
        phone: Option<Mac>,
        at: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let known = sqlx::query("SELECT 1 FROM emergency_calls WHERE call = $1")
            .bind(call.to_owned())
            .fetch_optional(&mut *self.connection)
            .await?;
        if known.is_some() {
            return Ok(false);
        }
        let insert =
            sqlx::query("INSERT INTO emergency_calls (call, phone, at) VALUES ($1, $2, $3)")
                .bind(call.to_owned())
                .bind(phone.map(|phone| phone.to_string()).unwrap_or_default())
                .bind(at.as_second());
        self.execute(insert).await?;
        self.effects.extend(phone.map(|phone| Effect::EmergencyCalled(phone, at)));
        Ok(true)
    }

    /// Forgets the emergency calls from before `before`, of which nobody tells any more.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_emergency_calls(&mut self, before: Timestamp) -> Result<(), sqlx::Error> {
        let delete = sqlx::query("DELETE FROM emergency_calls WHERE at < $1");
        self.execute(delete.bind(before.as_second())).await?;
        self.effects.push(Effect::EmergenciesForgotten(before));
        Ok(())
    }
}
