//! Enrolments, what phones show, what they asked, and what they sent back of a person's own.

use std::sync::Arc;

use sqlx::Row as _;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::{Effect, Tx, Vault, decode, json, parsed, time_opt, to_json};
use crate::model::{Enrolment, Extension, Mac, PhoneRequest, Proof, Shown};

/// How many rows one statement is about: each takes a way to SQLite's thread and back.
const ROWS: usize = 64;
/// How many requests are kept of each phone.
const REQUESTS: i64 = 60;

pub(super) fn place(column: &str, phone: Mac) -> String {
    format!("enrolments/{column}/{phone}")
}

fn read(row: &AnyRow, vault: &Vault) -> Result<Enrolment, sqlx::Error> {
    let phone: Mac = parsed(row, "phone")?;
    let key: Vec<u8> = row.try_get("url_key")?;
    let old: Option<Vec<u8>> = row.try_get("old_key")?;
    let old = old.map(|old| vault.unseal(&place("old_key", phone), &old)).transpose()?;
    let proof: Option<String> = row.try_get("proof")?;
    let proof = proof.map(|name| {
        Proof::of(&name).ok_or_else(|| decode("proof", std::io::Error::other("unknown proof")))
    });
    Ok(Enrolment {
        phone,
        key: vault.unseal(&place("url_key", phone), &key)?,
        old_key: old.zip(time_opt(row, "old_until")?),
        window: time_opt(row, "window_until")?,
        proven: time_opt(row, "proven")?.zip(proof.transpose()?),
    })
}

pub(super) async fn all(
    connection: &mut AnyConnection,
    vault: &Vault,
) -> Result<Vec<Effect>, sqlx::Error> {
    let mut effects = Vec::new();
    let query =
        "SELECT phone, url_key, old_key, old_until, window_until, proven, proof FROM enrolments";
    for row in sqlx::query(query).fetch_all(&mut *connection).await? {
        effects.push(Effect::EnrolmentSaved(Arc::new(read(&row, vault)?)));
    }
    for row in sqlx::query("SELECT phone, entry FROM shown").fetch_all(&mut *connection).await? {
        effects.push(Effect::Shown(parsed(&row, "phone")?, json(&row, "entry")?));
    }
    let query = "SELECT extension, name FROM personal_files";
    for row in sqlx::query(query).fetch_all(&mut *connection).await? {
        effects.push(Effect::PersonalFileKept(parsed(&row, "extension")?, row.try_get("name")?));
    }
    Ok(effects)
}

impl Tx<'_> {
    /// How a phone is known at the phones' listener.
    ///
    /// # Errors
    /// The store failed.
    pub async fn enrolment(&mut self, phone: Mac) -> Result<Option<Enrolment>, sqlx::Error> {
        let query = "SELECT phone, url_key, old_key, old_until, window_until, proven, proof \
                     FROM enrolments WHERE phone = $1";
        let row = sqlx::query(query)
            .bind(phone.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| read(&row, self.vault)).transpose()
    }

    /// Adds or replaces an enrolment.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_enrolment(&mut self, enrolment: Enrolment) -> Result<(), sqlx::Error> {
        let phone = enrolment.phone;
        let old = enrolment.old_key.as_ref();
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement)
                .bind(self.vault.seal(&place("url_key", phone), &enrolment.key))
                .bind(old.map(|(key, _)| self.vault.seal(&place("old_key", phone), key)))
                .bind(old.map(|(_, until)| until.as_second()))
                .bind(enrolment.window.map(|until| until.as_second()))
                .bind(enrolment.proven.map(|(at, _)| at.as_second()))
                .bind(enrolment.proven.map(|(_, proof)| proof.as_str()))
                .bind(phone.to_string())
        };
        let update = query(
            "UPDATE enrolments SET url_key = $1, old_key = $2, old_until = $3, window_until = $4, \
             proven = $5, proof = $6 WHERE phone = $7",
        );
        let insert = query(
            "INSERT INTO enrolments (url_key, old_key, old_until, window_until, proven, proof, phone) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        if self.execute(update).await? == 0 {
            self.execute(insert).await?;
        }
        self.effects.push(Effect::EnrolmentSaved(Arc::new(enrolment)));
        Ok(())
    }

    /// This phone was given this. A phone that is no longer in the inventory is passed over.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_shown(&mut self, phone: Mac, shown: Shown) -> Result<(), sqlx::Error> {
        let entry = to_json(&shown)?;
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement).bind(entry.clone()).bind(phone.to_string())
        };
        // The row goes with its phone, so one that is there has one.
        if self.execute(query("UPDATE shown SET entry = $1 WHERE phone = $2")).await? == 0 {
            if self.phone(phone).await?.is_none() {
                return Ok(());
            }
            self.execute(query("INSERT INTO shown (entry, phone) VALUES ($1, $2)")).await?;
        }
        self.effects.push(Effect::Shown(phone, shown));
        Ok(())
    }

    /// Writes down what phones asked, in this order, and forgets what is too old of each.
    ///
    /// # Errors
    /// The store failed.
    pub async fn record_requests(&mut self, requests: &[PhoneRequest]) -> Result<(), sqlx::Error> {
        let newest: i64 = sqlx::query("SELECT COALESCE(MAX(id), 0) FROM phone_requests")
            .fetch_one(&mut *self.connection)
            .await?
            .try_get(0)?;
        let mut ids = newest + 1..;
        for rows in requests.chunks(ROWS) {
            let row = |n| format!("(${}, ${}, ${})", n * 3 + 1, n * 3 + 2, n * 3 + 3);
            let places = (0..rows.len()).map(row).collect::<Vec<_>>().join(", ");
            let insert = format!("INSERT INTO phone_requests (id, phone, entry) VALUES {places}");
            let mut insert = sqlx::query::<sqlx::Any>(AssertSqlSafe(insert));
            for (request, id) in rows.iter().zip(&mut ids) {
                insert = insert.bind(id).bind(request.phone.to_string()).bind(to_json(request)?);
            }
            self.execute(insert).await?;
        }
        let phones: std::collections::BTreeSet<Mac> =
            requests.iter().map(|request| request.phone).collect();
        let phones: Vec<Mac> = phones.into_iter().collect();
        for phones in phones.chunks(ROWS) {
            let places = (1..=phones.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
            let delete = format!(
                "DELETE FROM phone_requests WHERE id IN (SELECT id FROM (SELECT id, ROW_NUMBER() OVER \
                 (PARTITION BY phone ORDER BY id DESC) AS place FROM phone_requests WHERE phone IN \
                 ({places})) AS placed WHERE place > {REQUESTS})"
            );
            let mut delete = sqlx::query::<sqlx::Any>(AssertSqlSafe(delete));
            for phone in phones {
                delete = delete.bind(phone.to_string());
            }
            self.execute(delete).await?;
        }
        Ok(())
    }

    /// Keeps a file of a user's own, in place of an older one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn keep_personal_file(
        &mut self,
        user: &Extension,
        name: &str,
        content: &[u8],
        now: jiff::Timestamp,
    ) -> Result<(), sqlx::Error> {
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement)
                .bind(now.as_second())
                .bind(content.to_vec())
                .bind(user.to_string())
                .bind(name.to_owned())
        };
        let update =
            "UPDATE personal_files SET at = $1, content = $2 WHERE extension = $3 AND name = $4";
        let insert =
            "INSERT INTO personal_files (at, content, extension, name) VALUES ($1, $2, $3, $4)";
        if self.execute(query(update)).await? == 0 {
            self.execute(query(insert)).await?;
        }
        self.effects.push(Effect::PersonalFileKept(user.clone(), name.to_owned()));
        Ok(())
    }
}
