//! Reading the journal.

use sqlx::Row as _;

use super::Store;
use crate::model::{Extension, JournalEntry, Mac};

/// Which entries of the journal are asked for.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    /// Only of this phone.
    pub phone: Option<Mac>,
    /// Only of this user.
    pub user: Option<Extension>,
    /// How many, the newest.
    pub limit: u32,
}

impl Store {
    /// The newest entries that pass `filter`, oldest first.
    ///
    /// # Errors
    /// The store failed, or an entry cannot be read.
    pub async fn journal(&self, filter: &JournalFilter) -> Result<Vec<JournalEntry>, sqlx::Error> {
        let phone = filter.phone.map(|mac| mac.to_string());
        let user = filter.user.as_ref().map(ToString::to_string);
        let query = match (&phone, &user) {
            (None, None) => sqlx::query("SELECT entry FROM journal ORDER BY id DESC LIMIT $1"),
            (Some(phone), None) => {
                sqlx::query("SELECT entry FROM journal WHERE phone = $1 ORDER BY id DESC LIMIT $2").bind(phone)
            }
            (None, Some(user)) => {
                sqlx::query("SELECT entry FROM journal WHERE extension = $1 ORDER BY id DESC LIMIT $2").bind(user)
            }
            (Some(phone), Some(user)) => sqlx::query(
                "SELECT entry FROM journal WHERE phone = $1 AND extension = $2 ORDER BY id DESC LIMIT $3",
            )
            .bind(phone)
            .bind(user),
        };
        let rows = query.bind(i64::from(filter.limit)).fetch_all(&self.inner.readers).await?;
        rows.iter()
            .rev()
            .map(|row| {
                let text: String = row.try_get("entry")?;
                serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))
            })
            .collect()
    }
}
