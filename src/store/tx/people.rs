//! People as a directory server knows them: many at a time, with changed numbers, and how far its mirror has
//! come.

use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::users::bind;
use super::{Effect, Tx, json, parsed, to_json};
use crate::model::{DeskSession, Extension, MirrorState, TeamSettings, User};

/// How many rows one statement is about: each takes a way to SQLite's thread and back.
const ROWS: usize = 100;
/// How many users one statement inserts. SQLite looks each parameter's name up in a list of all of them, so that the time
/// grows with the square of their number: with 100 users it was four fifths of the first fill of a mirror.
const INSERTED: usize = 8;
/// How many columns a user has.
const COLUMNS: usize = 15;
/// The one source that is mirrored.
const SOURCE: &str = "ldap";

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Effect>, sqlx::Error> {
    let mut effects = Vec::new();
    let query = "SELECT entry FROM mirror WHERE source = $1";
    for row in sqlx::query(query).bind(SOURCE).fetch_all(&mut *connection).await? {
        effects.push(Effect::Mirrored(Arc::new(json(&row, "entry")?)));
    }
    let rows = sqlx::query("SELECT settings FROM mirrored_teams").fetch_all(connection).await?;
    let teams = rows.iter().map(|row: &AnyRow| json(row, "settings"));
    effects.push(Effect::TeamsMirrored(teams.collect::<Result<_, _>>()?));
    Ok(effects)
}

/// `(…), (…)` with the places of so many rows of so many columns.
fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

impl Tx<'_> {
    /// Adds users whose extensions are free.
    ///
    /// # Errors
    /// The store failed, or an extension is a user's already.
    pub async fn add_users(&mut self, users: Vec<User>) -> Result<(), sqlx::Error> {
        for rows in users.chunks(INSERTED) {
            let insert = format!(
                "INSERT INTO users (name, pin, pin_hash, sip_secret, hot_desk, away, call_groups, teams, \
                 params, variables, keys, settings, source, person, extension) VALUES {}",
                places(rows.len(), COLUMNS)
            );
            let mut insert = sqlx::query::<sqlx::Any>(AssertSqlSafe(insert));
            for user in rows {
                insert = bind(insert, user, self.vault)?;
            }
            self.execute(insert).await?;
            let claim = format!("DELETE FROM retired WHERE identity IN ({})", list(rows.len()));
            let mut claim = sqlx::query::<sqlx::Any>(AssertSqlSafe(claim));
            for user in rows {
                claim = claim.bind(user.extension.to_string());
            }
            self.execute(claim).await?;
        }
        self.effects.extend(users.into_iter().map(|user| Effect::UserSaved(Arc::new(user))));
        Ok(())
    }

    /// Which of these extensions are a user's or a phone's.
    ///
    /// # Errors
    /// The store failed.
    pub async fn extensions_in_use(
        &mut self,
        extensions: &[Extension],
    ) -> Result<Vec<Extension>, sqlx::Error> {
        let mut found = Vec::new();
        for some in extensions.chunks(ROWS) {
            let list = list(some.len());
            for query in [
                format!("SELECT extension FROM users WHERE extension IN ({list})"),
                format!(
                    "SELECT desk_extension AS extension FROM phones WHERE desk_extension IN ({list})"
                ),
            ] {
                let mut query = sqlx::query::<sqlx::Any>(AssertSqlSafe(query));
                for extension in some {
                    query = query.bind(extension.to_string());
                }
                for row in query.fetch_all(&mut *self.connection).await? {
                    found.push(parsed(&row, "extension")?);
                }
            }
        }
        Ok(found)
    }

    /// The user who had the extension `from` is now `user`, whose extension is free: desk sessions, desks that
    /// are the user's own, handsets, counters of wrong PINs and personal files go with it.
    ///
    /// # Errors
    /// The store failed, or somebody has the new extension.
    pub async fn move_user(
        &mut self,
        from: &Extension,
        user: User,
        now: jiff::Timestamp,
    ) -> Result<(), sqlx::Error> {
        let to = user.extension.clone();
        self.add_users(vec![user]).await?;
        for session in self.sessions_of(from).await? {
            self.begin_session(DeskSession { user: to.clone(), ..session }).await?;
        }
        for mac in self.phones_owned_by(from).await? {
            if let Some(mut phone) = self.phone(mac).await? {
                phone.owner = Some(to.clone());
                self.save_phone(phone).await?;
            }
        }
        for mut base in self.bases_of(from).await? {
            for handset in base.handsets.iter_mut().filter(|of| of.user.as_ref() == Some(from)) {
                handset.user = Some(to.clone());
            }
            self.save_phone(base).await?;
        }
        for table in ["pin_counters", "personal_files"] {
            for statement in [
                format!("DELETE FROM {table} WHERE extension = $1"),
                format!("UPDATE {table} SET extension = $1 WHERE extension = $2"),
            ] {
                let both = statement.starts_with("UPDATE");
                let query = sqlx::query::<sqlx::Any>(AssertSqlSafe(statement)).bind(to.to_string());
                let query = if both { query.bind(from.to_string()) } else { query };
                self.execute(query).await?;
            }
        }
        self.effects.push(Effect::PersonalFilesMoved(from.clone(), to));
        self.remove_user(from, now).await
    }

    /// So far has the mirror come.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_mirror(&mut self, state: MirrorState) -> Result<(), sqlx::Error> {
        let entry = to_json(&state)?;
        let query =
            |statement| sqlx::query::<sqlx::Any>(statement).bind(entry.clone()).bind(SOURCE);
        if self.execute(query("UPDATE mirror SET entry = $1 WHERE source = $2")).await? == 0 {
            self.execute(query("INSERT INTO mirror (entry, source) VALUES ($1, $2)")).await?;
        }
        self.effects.push(Effect::Mirrored(Arc::new(state)));
        Ok(())
    }

    /// These are the teams that the directory server describes, and no others.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_mirrored_teams(
        &mut self,
        teams: Vec<TeamSettings>,
    ) -> Result<(), sqlx::Error> {
        self.execute(sqlx::query("DELETE FROM mirrored_teams")).await?;
        for team in &teams {
            let insert = "INSERT INTO mirrored_teams (id, settings) VALUES ($1, $2)";
            let insert = sqlx::query(insert).bind(team.id.to_string()).bind(to_json(team)?);
            self.execute(insert).await?;
        }
        self.effects.push(Effect::TeamsMirrored(teams));
        Ok(())
    }
}

/// `$1, $2, …`
fn list(length: usize) -> String {
    (1..=length).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}
