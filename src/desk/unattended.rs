//! Logging people out where nobody seems to be.

use jiff::Timestamp;

use super::{Desk, Error, floor};
use crate::model::{Actor, Change, EndReason, Extension, Mac};
use crate::store::Tx;

/// A desk session that is to end by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unattended {
    /// Where.
    pub phone: Mac,
    /// Who.
    pub user: Extension,
    /// Since when, as the session says.
    pub since: Timestamp,
    /// Why.
    pub reason: EndReason,
}

impl Desk {
    /// These sessions end, and owners come back to their desks. One that is no longer as it says stays, and so does an
    /// owner at the own desk.
    ///
    /// # Errors
    /// The store failed; nothing changed.
    pub async fn log_out_unattended(
        &self,
        sessions: Vec<Unattended>,
        now: Timestamp,
    ) -> Result<Vec<Change>, Error> {
        let changes = self.store.write(async move |tx: &mut Tx<'_>| {
            let mut all = Vec::new();
            for Unattended { phone, user, since, reason } in &sessions {
                let mut floor = floor::load(tx, [*phone], []).await?;
                let is_it = floor.sessions.get(phone).is_some_and(|session| {
                    session.user == *user && session.since.as_second() == since.as_second()
                });
                if is_it {
                    let changes = floor.log_out_unattended(*phone, reason.clone(), now);
                    floor::keep(tx, &changes, None, now, &Actor::Daemon).await?;
                    all.extend(changes);
                }
            }
            Ok(all)
        });
        Ok(changes.await?)
    }
}
