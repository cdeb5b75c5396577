//! Many phones at once: gathered in a table of their own, a few in each transaction, and then phones in one step, so that
//! an import is all or nothing and a login in between does not wait for it.

use std::sync::Arc;

use sqlx::AssertSqlSafe;
use sqlx::Row as _;

use super::phones::{COLUMNS, place, read};
use super::{Effect, Tx, parsed, parsed_opt, to_json};
use crate::model::{Attempts, DeskSession, Enrolment, Extension, Floor, Mac, Phone, Seat, Wanted};

/// How many phones one statement inserts: see `people.rs` on the number of parameters.
const INSERTED: usize = 8;
/// How many columns a gathered phone has.
const GATHERED: usize = 15;
/// How many rows of few columns one statement is about.
const ROWS: usize = 24;

/// A phone that is added, with how it proves itself.
#[derive(Debug, Clone)]
pub struct NewPhone {
    /// The phone, with its secret.
    pub phone: Phone,
    /// Its enrolment.
    pub enrolment: Enrolment,
}

/// Why phones that were gathered cannot become phones any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportConflict {
    /// A new phone is there by now.
    Phone(Mac),
    /// The owner is no user any more.
    Owner(Extension),
    /// The desk extension is somebody's, or another phone's, by now.
    DeskExtension(Extension),
}

/// `(…), (…)` with the places of so many rows of so many columns.
fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// A phone to gather; a new one with its enrolment.
type Gathered<'p> = (&'p Phone, Option<&'p Enrolment>);

impl Tx<'_> {
    /// Forgets phones that were gathered and never became any.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_imports(&mut self) -> Result<(), sqlx::Error> {
        self.execute(sqlx::query("DELETE FROM phone_imports")).await.map(drop)
    }

    /// Gathers phones that are to be added.
    ///
    /// # Errors
    /// The store failed.
    pub async fn gather_new(&mut self, phones: &[NewPhone]) -> Result<(), sqlx::Error> {
        let gathered: Vec<Gathered<'_>> =
            phones.iter().map(|new| (&new.phone, Some(&new.enrolment))).collect();
        self.gather(&gathered).await
    }

    /// Gathers phones that are to be changed, as they are to be.
    ///
    /// # Errors
    /// The store failed.
    pub async fn gather_changed(&mut self, phones: &[Phone]) -> Result<(), sqlx::Error> {
        let gathered: Vec<Gathered<'_>> = phones.iter().map(|phone| (phone, None)).collect();
        self.gather(&gathered).await
    }

    async fn gather(&mut self, phones: &[Gathered<'_>]) -> Result<(), sqlx::Error> {
        for rows in phones.chunks(INSERTED) {
            let insert = format!(
                "INSERT INTO phone_imports (mac, vendor, model, label, desk_extension, owner, hot_desk, \
                 emergency_caller_id, emergency_location, tags, logout, added, secret, url_key, window_until) \
                 VALUES {}",
                places(rows.len(), GATHERED)
            );
            let mut insert = sqlx::query::<sqlx::Any>(AssertSqlSafe(insert));
            for (phone, enrolment) in rows {
                let secret = enrolment.map(|_| self.vault.seal(&place(phone.mac), &phone.secret));
                let key = enrolment.map(|of| {
                    self.vault.seal(&super::provisioning::place("url_key", of.phone), &of.key)
                });
                let window = enrolment.and_then(|enrolment| enrolment.window);
                insert = insert
                    .bind(phone.mac.to_string())
                    .bind(phone.vendor.clone())
                    .bind(phone.model.clone())
                    .bind(phone.label.clone())
                    .bind(phone.desk_extension.as_ref().map(ToString::to_string))
                    .bind(phone.owner.as_ref().map(ToString::to_string))
                    .bind(i64::from(phone.hot_desk))
                    .bind(phone.emergency.caller_id.as_ref().map(ToString::to_string))
                    .bind(phone.emergency.location.clone())
                    .bind(to_json(&phone.tags)?)
                    .bind(phone.logout.map(|rule| rule.to_string()))
                    .bind(phone.added.as_second())
                    .bind(secret)
                    .bind(key)
                    .bind(window.map(|until| until.as_second()));
            }
            self.execute(insert).await?;
        }
        Ok(())
    }

    /// Whether something of what was gathered is not possible any more.
    ///
    /// # Errors
    /// The store failed.
    pub async fn import_conflict(&mut self) -> Result<Option<ImportConflict>, sqlx::Error> {
        let phone = "SELECT i.mac AS found FROM phone_imports i JOIN phones p ON p.mac = i.mac \
                     WHERE i.secret IS NOT NULL LIMIT 1";
        if let Some(row) = sqlx::query(phone).fetch_optional(&mut *self.connection).await? {
            return Ok(Some(ImportConflict::Phone(parsed(&row, "found")?)));
        }
        let owner = "SELECT i.owner AS found FROM phone_imports i WHERE i.owner IS NOT NULL AND NOT EXISTS \
                     (SELECT 1 FROM users u WHERE u.extension = i.owner) LIMIT 1";
        if let Some(row) = sqlx::query(owner).fetch_optional(&mut *self.connection).await? {
            return Ok(Some(ImportConflict::Owner(parsed(&row, "found")?)));
        }
        // A phone that is itself gathered gives its extension up, or it is no other phone.
        for taken in [
            "SELECT i.desk_extension AS found FROM phone_imports i JOIN users u \
             ON u.extension = i.desk_extension LIMIT 1",
            "SELECT i.desk_extension AS found FROM phone_imports i JOIN phones p \
             ON p.desk_extension = i.desk_extension WHERE p.mac <> i.mac AND NOT EXISTS \
             (SELECT 1 FROM phone_imports j WHERE j.mac = p.mac) LIMIT 1",
        ] {
            if let Some(row) = sqlx::query(taken).fetch_optional(&mut *self.connection).await? {
                return Ok(Some(ImportConflict::DeskExtension(parsed(&row, "found")?)));
            }
        }
        Ok(None)
    }

    /// The phones that are to be changed, as they are now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn phones_to_change(&mut self) -> Result<Vec<Phone>, sqlx::Error> {
        let query = format!(
            "SELECT {COLUMNS} FROM phones WHERE mac IN \
             (SELECT mac FROM phone_imports WHERE secret IS NULL)"
        );
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut *self.connection).await?;
        rows.iter().map(|row| read(row, self.vault)).collect()
    }

    /// What was gathered becomes phones. `new` and `changed` are these, with all that a phone has; `before` are the
    /// latter as they were.
    ///
    /// # Errors
    /// The store failed, or there is an [`ImportConflict`].
    pub async fn take_imports(
        &mut self,
        new: Vec<NewPhone>,
        changed: Vec<Phone>,
        before: &[Phone],
        now: jiff::Timestamp,
    ) -> Result<(), sqlx::Error> {
        // Given up before they are given out, so that two phones can change theirs.
        let given_up = "SELECT p.desk_extension FROM phones p JOIN phone_imports i ON i.mac = p.mac \
                        WHERE p.desk_extension IS NOT NULL AND \
                        (i.desk_extension IS NULL OR i.desk_extension <> p.desk_extension)";
        for statement in [
            format!("DELETE FROM retired WHERE identity IN ({given_up})"),
            format!(
                "INSERT INTO retired (identity, since) SELECT desk_extension, {} FROM phones \
                 WHERE desk_extension IN ({given_up})",
                now.as_second()
            ),
            "DELETE FROM retired WHERE identity IN (SELECT mac FROM phone_imports) OR identity IN \
             (SELECT desk_extension FROM phone_imports WHERE desk_extension IS NOT NULL)"
                .to_owned(),
            "UPDATE phones SET desk_extension = NULL WHERE desk_extension IS NOT NULL AND \
             mac IN (SELECT mac FROM phone_imports)"
                .to_owned(),
            update(),
            "INSERT INTO phones (mac, secret, vendor, model, label, desk_extension, owner, hot_desk, \
             emergency_caller_id, emergency_location, tags, logout, added) SELECT mac, secret, vendor, model, \
             label, desk_extension, owner, hot_desk, emergency_caller_id, emergency_location, tags, logout, \
             added FROM phone_imports WHERE secret IS NOT NULL"
                .to_owned(),
            "DELETE FROM enrolments WHERE phone IN \
             (SELECT mac FROM phone_imports WHERE secret IS NOT NULL)"
                .to_owned(),
            "INSERT INTO enrolments (phone, url_key, window_until) SELECT mac, url_key, window_until \
             FROM phone_imports WHERE secret IS NOT NULL"
                .to_owned(),
            "DELETE FROM phone_imports".to_owned(),
        ] {
            self.execute(sqlx::query::<sqlx::Any>(AssertSqlSafe(statement))).await?;
        }
        let has_one = before.iter().filter(|phone| phone.desk_extension.is_some());
        let without = has_one.map(|phone| Phone { desk_extension: None, ..phone.clone() });
        self.effects.extend(without.map(|phone| Effect::PhoneSaved(Arc::new(phone))));
        self.effects.extend(changed.into_iter().map(|phone| Effect::PhoneSaved(Arc::new(phone))));
        for NewPhone { phone, enrolment } in new {
            self.effects.push(Effect::PhoneSaved(Arc::new(phone)));
            self.effects.push(Effect::EnrolmentSaved(Arc::new(enrolment)));
        }
        Ok(())
    }

    /// The whole floor: all phones, users and sessions.
    ///
    /// # Errors
    /// The store failed.
    pub async fn floor(&mut self) -> Result<Floor, sqlx::Error> {
        let mut floor = Floor::default();
        let phones = sqlx::query("SELECT mac, owner, hot_desk FROM phones");
        for row in phones.fetch_all(&mut *self.connection).await? {
            let hot_desk = row.try_get::<i64, _>("hot_desk")? != 0;
            let seat = Seat { owner: parsed_opt(&row, "owner")?, hot_desk };
            floor.seats.insert(parsed(&row, "mac")?, seat);
        }
        let users = sqlx::query("SELECT extension, hot_desk FROM users");
        for row in users.fetch_all(&mut *self.connection).await? {
            let hot_desk = row.try_get::<i64, _>("hot_desk")? != 0;
            floor.users.insert(parsed(&row, "extension")?, hot_desk);
        }
        for session in super::sessions::sessions(self.connection).await? {
            floor.sessions.insert(session.phone, session);
        }
        Ok(floor)
    }

    /// The users who are in a team.
    ///
    /// # Errors
    /// The store failed.
    pub async fn users_in_teams(&mut self) -> Result<Vec<Extension>, sqlx::Error> {
        let query = sqlx::query("SELECT extension FROM users WHERE teams <> '[]'");
        let rows = query.fetch_all(&mut *self.connection).await?;
        rows.iter().map(|row| parsed(row, "extension")).collect()
    }

    /// These sessions begin, at phones where nobody sits.
    ///
    /// # Errors
    /// The store failed, or somebody sits there.
    pub async fn begin_sessions(&mut self, sessions: Vec<DeskSession>) -> Result<(), sqlx::Error> {
        for rows in sessions.chunks(ROWS) {
            let insert = format!(
                "INSERT INTO desk_sessions (phone, extension, since, origin) VALUES {}",
                places(rows.len(), 4)
            );
            let mut insert = sqlx::query::<sqlx::Any>(AssertSqlSafe(insert));
            for session in rows {
                insert = insert
                    .bind(session.phone.to_string())
                    .bind(session.user.to_string())
                    .bind(session.since.as_second())
                    .bind(session.origin.as_str());
            }
            self.execute(insert).await?;
        }
        self.effects.extend(sessions.into_iter().map(Effect::SessionBegan));
        Ok(())
    }

    /// All this is wanted now; see [`Tx::want`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn want_all(&mut self, wanted: Vec<Wanted>) -> Result<(), sqlx::Error> {
        for rows in wanted.chunks(ROWS) {
            let these = (0..rows.len())
                .map(|row| format!("(kind = ${} AND target = ${})", row * 2 + 1, row * 2 + 2));
            let these = these.collect::<Vec<_>>().join(" OR ");
            let delete = format!("DELETE FROM wanted WHERE {these}");
            let insert = format!(
                "INSERT INTO wanted (value, since, expires, kind, target) VALUES {}",
                places(rows.len(), 5)
            );
            let mut delete = sqlx::query::<sqlx::Any>(AssertSqlSafe(delete));
            let mut insert = sqlx::query::<sqlx::Any>(AssertSqlSafe(insert));
            for row in rows {
                delete = delete.bind(row.kind.as_str()).bind(row.target.clone());
                insert = insert
                    .bind(row.value.clone())
                    .bind(row.since.as_second())
                    .bind(row.expires.map(|at| at.as_second()))
                    .bind(row.kind.as_str())
                    .bind(row.target.clone());
            }
            self.execute(delete).await?;
            self.execute(insert).await?;
        }
        let fresh = |row: Wanted| Effect::Wanted(Wanted { attempts: Attempts::default(), ..row });
        self.effects.extend(wanted.into_iter().map(fresh));
        Ok(())
    }
}

/// The columns that an import sets, each from the row that was gathered: one statement that every database takes.
fn update() -> String {
    let columns = [
        "vendor",
        "model",
        "label",
        "desk_extension",
        "owner",
        "hot_desk",
        "emergency_caller_id",
        "emergency_location",
        "tags",
        "logout",
    ];
    let set = columns.map(|column| {
        format!("{column} = (SELECT i.{column} FROM phone_imports i WHERE i.mac = phones.mac)")
    });
    format!(
        "UPDATE phones SET {} WHERE mac IN (SELECT mac FROM phone_imports WHERE secret IS NULL)",
        set.join(", ")
    )
}
