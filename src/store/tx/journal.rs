//! What the journal forgets: the oldest entries, when their time is over. Nothing else is ever taken from it.

use jiff::Timestamp;
use sqlx::query;

use super::Tx;

impl Tx<'_> {
    /// Forgets at most `most` entries from before `before`, the oldest first, and answers how many there were. The newest
    /// entry of all stays, so that later ones have larger numbers even behind a clock that went back.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_journal(
        &mut self,
        before: Timestamp,
        most: u32,
    ) -> Result<u64, sqlx::Error> {
        const OPEN: &str = "UPDATE journal_retention SET before = $1";
        let before = before.as_microsecond();
        self.execute(query(OPEN).bind(before)).await?;
        let delete = "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE id < $1 \
             AND id < (SELECT MAX(id) FROM journal) ORDER BY id LIMIT $2)";
        let forgotten = self.execute(query(delete).bind(before).bind(i64::from(most))).await?;
        self.execute(query(OPEN).bind(0_i64)).await?;
        Ok(forgotten)
    }
}
