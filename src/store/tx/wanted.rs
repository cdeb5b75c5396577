//! Wanted rows.

use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Effect, Tx, decode, time, time_opt};
use crate::model::{Wanted, WantedKind};

fn read(row: &AnyRow) -> Result<Wanted, sqlx::Error> {
    let kind: String = row.try_get("kind")?;
    Ok(Wanted {
        kind: WantedKind::of(&kind)
            .ok_or_else(|| decode("kind", std::io::Error::other("unknown kind")))?,
        target: row.try_get("target")?,
        value: row.try_get("value")?,
        since: time(row, "since")?,
        expires: time_opt(row, "expires")?,
    })
}

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Effect>, sqlx::Error> {
    let query = "SELECT kind, target, value, since, expires FROM wanted";
    let rows = sqlx::query(query).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(Effect::Wanted(read(row)?))).collect()
}

impl Tx<'_> {
    /// This is wanted now, instead of what was wanted of the same target before.
    ///
    /// # Errors
    /// The store failed.
    pub async fn want(&mut self, wanted: Wanted) -> Result<(), sqlx::Error> {
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement)
                .bind(wanted.value.clone())
                .bind(wanted.since.as_second())
                .bind(wanted.expires.map(|at| at.as_second()))
                .bind(wanted.kind.as_str())
                .bind(wanted.target.clone())
        };
        let update = query(
            "UPDATE wanted SET value = $1, since = $2, expires = $3 WHERE kind = $4 AND target = $5",
        );
        let insert = query(
            "INSERT INTO wanted (value, since, expires, kind, target) VALUES ($1, $2, $3, $4, $5)",
        );
        if self.execute(update).await? == 0 {
            self.execute(insert).await?;
        }
        self.effects.push(Effect::Wanted(wanted));
        Ok(())
    }

    /// It has come to `wanted`, or it is given up. Something newer wanted of the same target stays.
    ///
    /// # Errors
    /// The store failed.
    pub async fn settle(&mut self, wanted: &Wanted) -> Result<(), sqlx::Error> {
        let delete = sqlx::query(
            "DELETE FROM wanted WHERE kind = $1 AND target = $2 AND value = $3 AND since = $4",
        )
        .bind(wanted.kind.as_str())
        .bind(wanted.target.clone())
        .bind(wanted.value.clone())
        .bind(wanted.since.as_second());
        if self.execute(delete).await? > 0 {
            self.effects.push(Effect::Settled(wanted.kind, wanted.target.clone()));
        }
        Ok(())
    }
}
