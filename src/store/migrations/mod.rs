//! The schema's history. A migration that was released is never edited; a new one follows.

use std::borrow::Cow;
use std::cmp::Ordering;

use sqlx::AnyConnection;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Row as _, SqlStr};

use super::OpenError;

const SQLITE: &[(i64, &str, &str)] = &[
    (1, "desks", include_str!("sqlite/0001_desks.sql")),
    (2, "provisioning", include_str!("sqlite/0002_provisioning.sql")),
    (3, "resync", include_str!("sqlite/0003_resync.sql")),
    (4, "handsets", include_str!("sqlite/0004_handsets.sql")),
    (5, "teams", include_str!("sqlite/0005_teams.sql")),
    (6, "mirror", include_str!("sqlite/0006_mirror.sql")),
    (7, "callcenter", include_str!("sqlite/0007_callcenter.sql")),
    (8, "customer_calls", include_str!("sqlite/0008_customer_calls.sql")),
    (9, "inventory", include_str!("sqlite/0009_inventory.sql")),
    (10, "redirections", include_str!("sqlite/0010_redirections.sql")),
    (11, "ways", include_str!("sqlite/0011_ways.sql")),
    (12, "webhooks", include_str!("sqlite/0012_webhooks.sql")),
    (13, "attendance", include_str!("sqlite/0013_attendance.sql")),
];

/// Checks that the store has this version's schema, and changes nothing.
///
/// # Errors
/// It has another one.
pub(super) async fn verify(connection: &mut AnyConnection) -> Result<(), OpenError> {
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await
        .map_err(|error| OpenError::Row(error.to_string()))?;
    let found: i64 = row.try_get(0).map_err(|error| OpenError::Row(error.to_string()))?;
    let ours = SQLITE.last().map_or(0, |(version, ..)| *version);
    match found.cmp(&ours) {
        Ordering::Equal => Ok(()),
        Ordering::Less => Err(OpenError::Older),
        Ordering::Greater => Err(OpenError::Newer { version: found }),
    }
}

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
