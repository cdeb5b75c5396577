//! Wanted rows.

use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Effect, Tx, decode, seconds_only, time, time_opt};
use crate::model::{Attempts, Wanted, WantedKind};

const COLUMNS: &str = "kind, target, value, since, expires, tries, told, restarted, not_shown";

fn read(row: &AnyRow) -> Result<Wanted, sqlx::Error> {
    let kind: String = row.try_get("kind")?;
    Ok(Wanted {
        kind: WantedKind::of(&kind)
            .ok_or_else(|| decode("kind", std::io::Error::other("unknown kind")))?,
        target: row.try_get("target")?,
        value: row.try_get("value")?,
        since: time(row, "since")?,
        expires: time_opt(row, "expires")?,
        attempts: Attempts {
            tries: u32::try_from(row.try_get::<i64, _>("tries")?)
                .map_err(|error| decode("tries", error))?,
            told: time_opt(row, "told")?,
            restarted: row.try_get::<i64, _>("restarted")? != 0,
            not_shown: time_opt(row, "not_shown")?,
        },
    })
}

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Effect>, sqlx::Error> {
    let query = format!("SELECT {COLUMNS} FROM wanted");
    let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(Effect::Wanted(read(row)?))).collect()
}

impl Tx<'_> {
    /// This is wanted now, instead of what was wanted of the same target before. With it begin its attempts, whatever it
    /// says of them.
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
            "UPDATE wanted SET value = $1, since = $2, expires = $3, tries = 0, told = NULL, \
             restarted = 0, not_shown = NULL WHERE kind = $4 AND target = $5",
        );
        let insert = query(
            "INSERT INTO wanted (value, since, expires, kind, target) VALUES ($1, $2, $3, $4, $5)",
        );
        if self.execute(update).await? == 0 {
            self.execute(insert).await?;
        }
        self.effects.push(Effect::Wanted(Wanted { attempts: Attempts::default(), ..wanted }));
        Ok(())
    }

    /// So far was it tried to come to `wanted`; to the second. Whether it is still wanted: what was settled, or replaced
    /// by something newer, stays as it is.
    ///
    /// # Errors
    /// The store failed.
    pub async fn attempted(
        &mut self,
        wanted: &Wanted,
        attempts: Attempts,
    ) -> Result<bool, sqlx::Error> {
        let attempts = Attempts {
            told: attempts.told.map(seconds_only),
            not_shown: attempts.not_shown.map(seconds_only),
            ..attempts
        };
        let update = sqlx::query(
            "UPDATE wanted SET tries = $1, told = $2, restarted = $3, not_shown = $4 \
             WHERE kind = $5 AND target = $6 AND value = $7 AND since = $8",
        )
        .bind(i64::from(attempts.tries))
        .bind(attempts.told.map(|at| at.as_second()))
        .bind(i64::from(attempts.restarted))
        .bind(attempts.not_shown.map(|at| at.as_second()))
        .bind(wanted.kind.as_str())
        .bind(wanted.target.clone())
        .bind(wanted.value.clone())
        .bind(wanted.since.as_second());
        let found = self.execute(update).await? > 0;
        if found {
            let target = wanted.target.clone();
            self.effects.push(Effect::Attempted(wanted.kind, target, attempts));
        }
        Ok(found)
    }

    /// It has come to `wanted`, or it is given up. Something newer wanted of the same target stays.
    /// Answers whether this was still wanted.
    ///
    /// # Errors
    /// The store failed.
    pub async fn settle(&mut self, wanted: &Wanted) -> Result<bool, sqlx::Error> {
        let delete = sqlx::query(
            "DELETE FROM wanted WHERE kind = $1 AND target = $2 AND value = $3 AND since = $4",
        )
        .bind(wanted.kind.as_str())
        .bind(wanted.target.clone())
        .bind(wanted.value.clone())
        .bind(wanted.since.as_second());
        let was_wanted = self.execute(delete).await? > 0;
        if was_wanted {
            self.effects.push(Effect::Settled(wanted.kind, wanted.target.clone()));
        }
        Ok(was_wanted)
    }
}
