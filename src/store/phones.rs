//! Reading what is not in memory: what phones asked, and what they sent back.

use sqlx::Row as _;

use super::Store;
use crate::model::{Extension, Mac, PhoneRequest};

impl Store {
    /// What a phone asked lately, oldest first.
    ///
    /// # Errors
    /// The store failed, or an entry cannot be read.
    pub async fn phone_requests(&self, phone: Mac) -> Result<Vec<PhoneRequest>, sqlx::Error> {
        let rows = sqlx::query("SELECT entry FROM phone_requests WHERE phone = $1 ORDER BY id")
            .bind(phone.to_string())
            .fetch_all(&self.inner.readers)
            .await?;
        rows.iter()
            .map(|row| {
                let text: String = row.try_get("entry")?;
                serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))
            })
            .collect()
    }

    /// A file of a user's own.
    ///
    /// # Errors
    /// The store failed.
    pub async fn personal_file(
        &self,
        user: &Extension,
        name: &str,
    ) -> Result<Option<Vec<u8>>, sqlx::Error> {
        let query = "SELECT content FROM personal_files WHERE extension = $1 AND name = $2";
        let row = sqlx::query(query)
            .bind(user.to_string())
            .bind(name.to_owned())
            .fetch_optional(&self.inner.readers)
            .await?;
        row.map(|row| row.try_get("content")).transpose()
    }
}
