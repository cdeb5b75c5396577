//! The schema's history. A migration that was released is never edited; a new one follows.

use std::borrow::Cow;

use sqlx::AnyConnection;
use sqlx::SqlStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::OpenError;

const SQLITE: &[(i64, &str, &str)] = &[(1, "desks", include_str!("sqlite/0001_desks.sql"))];

/// Brings the store to this version's schema.
///
/// # Errors
/// The store was written by a newer version, or the disk refuses; nothing changed then.
pub(super) async fn migrate(connection: &mut AnyConnection) -> Result<(), OpenError> {
    let migrations = SQLITE.iter().map(|(version, name, sql)| {
        Migration::new(
            *version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            SqlStr::from_static(sql),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
        .run_direct(None, connection, false)
        .await
        .map_err(|error| match error {
            MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) => {
                OpenError::Newer { version }
            }
            other => OpenError::Migrate(other),
        })
}
