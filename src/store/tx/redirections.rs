//! What redirection services were told of phones.

use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Effect, Tx, decode, parsed, time, time_opt};
use crate::model::{Mac, Redirection, RedirectionState};

fn read(row: &AnyRow) -> Result<Redirection, sqlx::Error> {
    let state: String = row.try_get("state")?;
    Ok(Redirection {
        phone: parsed(row, "phone")?,
        service: row.try_get("service")?,
        state: RedirectionState::of(&state)
            .ok_or_else(|| decode("state", std::io::Error::other("unknown state")))?,
        digest: row.try_get("digest")?,
        old_digest: row.try_get("old_digest")?,
        reason: row.try_get("reason")?,
        at: time(row, "at")?,
        registered: time_opt(row, "registered")?,
    })
}

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Effect>, sqlx::Error> {
    let query = "SELECT phone, service, state, digest, old_digest, reason, at, registered \
                 FROM redirections";
    let rows = sqlx::query(query).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(Effect::Redirected(read(row)?))).collect()
}

impl Tx<'_> {
    /// Adds or replaces what a service was told of a phone.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_redirection(&mut self, row: Redirection) -> Result<(), sqlx::Error> {
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement)
                .bind(row.state.as_str())
                .bind(row.digest.clone())
                .bind(row.old_digest.clone())
                .bind(row.reason.clone())
                .bind(row.at.as_second())
                .bind(row.registered.map(|at| at.as_second()))
                .bind(row.phone.to_string())
                .bind(row.service.clone())
        };
        let update = query(
            "UPDATE redirections SET state = $1, digest = $2, old_digest = $3, reason = $4, at = $5, \
             registered = $6 WHERE phone = $7 AND service = $8",
        );
        let insert = query(
            "INSERT INTO redirections (state, digest, old_digest, reason, at, registered, phone, service) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        );
        if self.execute(update).await? == 0 {
            self.execute(insert).await?;
        }
        self.effects.push(Effect::Redirected(row));
        Ok(())
    }

    /// The service has forgotten the phone, and so do we.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_redirection(
        &mut self,
        phone: Mac,
        service: &str,
    ) -> Result<(), sqlx::Error> {
        let delete = sqlx::query("DELETE FROM redirections WHERE phone = $1 AND service = $2")
            .bind(phone.to_string())
            .bind(service.to_owned());
        self.execute(delete).await?;
        self.effects.push(Effect::RedirectionForgotten(phone, service.to_owned()));
        Ok(())
    }
}
