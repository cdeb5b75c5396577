//! Desk sessions.

use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Effect, Tx, decode, parsed, time};
use crate::model::{DeskSession, Extension, Mac, SessionOrigin};

const COLUMNS: &str = "phone, extension, since, origin";

fn read(row: &AnyRow) -> Result<DeskSession, sqlx::Error> {
    let origin: String = row.try_get("origin")?;
    let origin = SessionOrigin::of(&origin)
        .ok_or_else(|| decode("origin", std::io::Error::other("unknown origin")))?;
    Ok(DeskSession {
        phone: parsed(row, "phone")?,
        user: parsed(row, "extension")?,
        since: time(row, "since")?,
        origin,
    })
}

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Effect>, sqlx::Error> {
    Ok(sessions(connection).await?.into_iter().map(Effect::SessionBegan).collect())
}

/// All sessions, longest first.
pub(super) async fn sessions(
    connection: &mut AnyConnection,
) -> Result<Vec<DeskSession>, sqlx::Error> {
    let query = format!("SELECT {COLUMNS} FROM desk_sessions ORDER BY since, phone");
    let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

impl Tx<'_> {
    /// Who sits at `phone`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session(&mut self, phone: Mac) -> Result<Option<DeskSession>, sqlx::Error> {
        let query = format!("SELECT {COLUMNS} FROM desk_sessions WHERE phone = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(phone.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| read(&row)).transpose()
    }

    /// The sessions of `user`, longest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions_of(&mut self, user: &Extension) -> Result<Vec<DeskSession>, sqlx::Error> {
        let query = format!(
            "SELECT {COLUMNS} FROM desk_sessions WHERE extension = $1 ORDER BY since, phone"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(user.as_str())
            .fetch_all(&mut *self.connection)
            .await?;
        rows.iter().map(read).collect()
    }

    /// This session begins; one at the same phone is replaced.
    ///
    /// # Errors
    /// The store failed.
    pub async fn begin_session(&mut self, session: DeskSession) -> Result<(), sqlx::Error> {
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement)
                .bind(session.user.to_string())
                .bind(session.since.as_second())
                .bind(session.origin.as_str())
                .bind(session.phone.to_string())
        };
        let update = query(
            "UPDATE desk_sessions SET extension = $1, since = $2, origin = $3 WHERE phone = $4",
        );
        let insert = query(
            "INSERT INTO desk_sessions (extension, since, origin, phone) VALUES ($1, $2, $3, $4)",
        );
        if self.execute(update).await? == 0 {
            self.execute(insert).await?;
        }
        self.effects.push(Effect::SessionBegan(session));
        Ok(())
    }

    /// The session at `phone` ends.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_session(&mut self, phone: Mac) -> Result<(), sqlx::Error> {
        let delete = "DELETE FROM desk_sessions WHERE phone = $1";
        self.execute(sqlx::query(delete).bind(phone.to_string())).await?;
        self.effects.push(Effect::SessionEnded(phone));
        Ok(())
    }
}
