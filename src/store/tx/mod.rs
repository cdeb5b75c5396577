//! A write in the making: typed reads and changes inside one transaction.

mod attendance;
mod callcenter;
mod customer_calls;
mod guard;
mod journal;
mod people;
mod phone_imports;
mod phones;
mod provisioning;
mod redirections;
mod sessions;
mod users;
mod wanted;
mod ways;
mod webhooks;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::memory::{Effect, Memory};
use super::vault::Vault;
use super::{OpenError, VaultError};
use crate::model::{Actor, Happening, JournalEntry};

pub use customer_calls::CustomerCall;
pub use phone_imports::{ImportConflict, NewPhone};
pub(super) use webhooks::Hooks;
pub use webhooks::Retry;

/// What a job of [`super::Store::write`] works with. It sees what earlier jobs of the same commit did.
pub struct Tx<'c> {
    connection: &'c mut AnyConnection,
    vault: &'c Vault,
    /// Who else is told of what happens.
    hooks: &'c Hooks,
    effects: Vec<Effect>,
    entries: Vec<JournalEntry>,
    conflict: bool,
}

impl<'c> Tx<'c> {
    pub(super) fn new(
        connection: &'c mut AnyConnection,
        vault: &'c Vault,
        hooks: &'c Hooks,
    ) -> Self {
        let (effects, entries) = (Vec::new(), Vec::new());
        Self { connection, vault, hooks, effects, entries, conflict: false }
    }

    pub(super) fn finish(self) -> (Vec<Effect>, Vec<JournalEntry>) {
        (self.effects, self.entries)
    }

    /// Whether another writer made the same row meanwhile, so that trying again can help.
    pub(super) fn met_conflict(&self) -> bool {
        self.conflict
    }

    /// Writes a line of the journal.
    ///
    /// # Errors
    /// The store failed.
    pub async fn journal(
        &mut self,
        at: Timestamp,
        by: Actor,
        what: Happening,
    ) -> Result<(), sqlx::Error> {
        let newest: i64 = sqlx::query("SELECT COALESCE(MAX(id), 0) FROM journal")
            .fetch_one(&mut *self.connection)
            .await?
            .try_get(0)?;
        let id = at.as_microsecond().max(newest + 1);
        let entry = JournalEntry { id, at: seconds_only(at), by, what };
        let text =
            serde_json::to_string(&entry).map_err(|error| sqlx::Error::Encode(error.into()))?;
        self.execute(
            sqlx::query(
                "INSERT INTO journal (id, at, phone, extension, what, entry) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(id)
            .bind(entry.at.as_second())
            .bind(entry.what.phone().map(|mac| mac.to_string()))
            .bind(entry.what.user().map(ToString::to_string))
            .bind(entry.what.kind().as_str())
            .bind(text),
        )
        .await?;
        self.tell_webhooks(&entry).await?;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes something of no meaning: whether the store takes it says how it is.
    ///
    /// # Errors
    /// The store failed.
    pub async fn probe(&mut self, at: Timestamp) -> Result<(), sqlx::Error> {
        let update = sqlx::query("UPDATE probe SET at = $1").bind(at.as_microsecond());
        self.execute(update).await?;
        Ok(())
    }

    /// Runs a changing statement and answers how many rows it touched.
    async fn execute(
        &mut self,
        query: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>,
    ) -> Result<u64, sqlx::Error> {
        match query.execute(&mut *self.connection).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => {
                let conflict =
                    error.as_database_error().is_some_and(|error| error.is_unique_violation());
                self.conflict |= conflict;
                Err(error)
            }
        }
    }
}

/// Everything, into memory.
pub(super) async fn load(
    connection: &mut AnyConnection,
    vault: &Vault,
) -> Result<Memory, OpenError> {
    let mut memory = Memory::default();
    let row = |error: sqlx::Error| OpenError::Row(error.to_string());
    for (identity,) in sqlx::query_as::<_, (String,)>("SELECT identity FROM retired")
        .fetch_all(&mut *connection)
        .await
        .map_err(row)?
    {
        memory.retire(identity);
    }
    for effect in phones::all(connection, vault).await.map_err(row)? {
        memory.apply(effect);
    }
    users::load(connection, vault, &mut memory).await.map_err(row)?;
    for effect in people::all(connection).await.map_err(row)? {
        memory.apply(effect);
    }
    for effect in sessions::all(connection).await.map_err(row)? {
        memory.apply(effect);
    }
    for effect in wanted::all(connection).await.map_err(row)? {
        memory.apply(effect);
    }
    for effect in callcenter::all(connection).await.map_err(row)? {
        memory.apply(effect);
    }
    for effect in customer_calls::all(connection).await.map_err(row)? {
        memory.apply(effect);
    }
    for effect in redirections::all(connection).await.map_err(row)? {
        memory.apply(effect);
    }
    for effect in attendance::all(connection).await.map_err(row)? {
        memory.apply(effect);
    }
    for effect in ways::all(connection).await.map_err(row)? {
        memory.apply(effect);
    }
    for effect in provisioning::all(connection, vault).await.map_err(row)? {
        memory.apply(effect);
    }
    Ok(memory)
}

fn seconds_only(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A column that must parse as `T`.
pub(super) fn parsed<T>(row: &AnyRow, column: &str) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error: T::Err| decode(column, error))
}

/// A column that is absent or must parse as `T`.
fn parsed_opt<T>(row: &AnyRow, column: &str) -> Result<Option<T>, sqlx::Error>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|error: T::Err| decode(column, error))).transpose()
}

pub(super) fn time(row: &AnyRow, column: &str) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_second(row.try_get(column)?).map_err(|error| decode(column, error))
}

fn time_opt(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    let second: Option<i64> = row.try_get(column)?;
    second.map(|s| Timestamp::from_second(s).map_err(|error| decode(column, error))).transpose()
}

fn json<T: serde::de::DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, sqlx::Error> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| decode(column, error))
}

fn to_json(value: &impl serde::Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn decode(column: &str, error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.into(), source: error.into() }
}

impl From<VaultError> for sqlx::Error {
    fn from(error: VaultError) -> Self {
        Self::Decode(error.into())
    }
}
