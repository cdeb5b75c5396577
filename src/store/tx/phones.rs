//! Phones, and identities that were ours once.

use std::sync::Arc;

use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Effect, Tx, Vault, json, parsed, parsed_opt, time, to_json};
use crate::model::{Emergency, Extension, Mac, Phone};

pub(super) const COLUMNS: &str = "mac, secret, vendor, model, label, desk_extension, owner, hot_desk, \
     emergency_caller_id, emergency_location, settings, handsets, tags, logout, added";

pub(super) fn place(mac: Mac) -> String {
    format!("phones/secret/{mac}")
}

pub(super) fn read(row: &AnyRow, vault: &Vault) -> Result<Phone, sqlx::Error> {
    let mac: Mac = parsed(row, "mac")?;
    let sealed: Vec<u8> = row.try_get("secret")?;
    Ok(Phone {
        mac,
        secret: vault.unseal(&place(mac), &sealed)?,
        vendor: row.try_get("vendor")?,
        model: row.try_get("model")?,
        label: row.try_get("label")?,
        desk_extension: parsed_opt(row, "desk_extension")?,
        owner: parsed_opt(row, "owner")?,
        hot_desk: row.try_get::<i64, _>("hot_desk")? != 0,
        emergency: Emergency {
            caller_id: parsed_opt(row, "emergency_caller_id")?,
            location: row.try_get("emergency_location")?,
        },
        settings: json(row, "settings")?,
        handsets: json(row, "handsets")?,
        tags: json(row, "tags")?,
        logout: parsed_opt(row, "logout")?,
        added: time(row, "added")?,
    })
}

pub(super) async fn all(
    connection: &mut AnyConnection,
    vault: &Vault,
) -> Result<Vec<Effect>, sqlx::Error> {
    let query = format!("SELECT {COLUMNS} FROM phones");
    let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(Effect::PhoneSaved(Arc::new(read(row, vault)?)))).collect()
}

impl Tx<'_> {
    /// The phone with this MAC address.
    ///
    /// # Errors
    /// The store failed.
    pub async fn phone(&mut self, mac: Mac) -> Result<Option<Phone>, sqlx::Error> {
        let query = format!("SELECT {COLUMNS} FROM phones WHERE mac = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(mac.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| read(&row, self.vault)).transpose()
    }

    /// The DECT bases that have a handset of `user`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn bases_of(&mut self, user: &Extension) -> Result<Vec<Phone>, sqlx::Error> {
        let query = format!("SELECT {COLUMNS} FROM phones WHERE handsets <> '[]' ORDER BY mac");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut *self.connection).await?;
        let mut bases = Vec::new();
        for row in &rows {
            let base = read(row, self.vault)?;
            if base.handsets.iter().any(|handset| handset.user.as_ref() == Some(user)) {
                bases.push(base);
            }
        }
        Ok(bases)
    }

    /// The phones that fall back to `owner`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn phones_owned_by(&mut self, owner: &Extension) -> Result<Vec<Mac>, sqlx::Error> {
        let rows = sqlx::query("SELECT mac FROM phones WHERE owner = $1 ORDER BY mac")
            .bind(owner.as_str())
            .fetch_all(&mut *self.connection)
            .await?;
        rows.iter().map(|row| parsed(row, "mac")).collect()
    }

    /// The phone that this extension rings itself.
    ///
    /// # Errors
    /// The store failed.
    pub async fn desk_extension(
        &mut self,
        extension: &Extension,
    ) -> Result<Option<Mac>, sqlx::Error> {
        let row = sqlx::query("SELECT mac FROM phones WHERE desk_extension = $1")
            .bind(extension.as_str())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| parsed(&row, "mac")).transpose()
    }

    /// Adds or replaces a phone.
    ///
    /// # Errors
    /// The store failed, or another phone has the desk extension.
    pub async fn save_phone(&mut self, phone: Phone) -> Result<(), sqlx::Error> {
        let mac = phone.mac.to_string();
        let secret = self.vault.seal(&place(phone.mac), &phone.secret);
        let old = self.phone(phone.mac).await?;
        let statement = if old.is_some() {
            "UPDATE phones SET secret = $1, vendor = $2, model = $3, label = $4, desk_extension = $5, \
             owner = $6, hot_desk = $7, emergency_caller_id = $8, emergency_location = $9, settings = $10, \
             handsets = $11, tags = $12, logout = $13, added = $14 WHERE mac = $15"
        } else {
            "INSERT INTO phones (secret, vendor, model, label, desk_extension, owner, hot_desk, \
             emergency_caller_id, emergency_location, settings, handsets, tags, logout, \
             added, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        };
        let query = sqlx::query(statement)
            .bind(secret)
            .bind(phone.vendor.clone())
            .bind(phone.model.clone())
            .bind(phone.label.clone())
            .bind(phone.desk_extension.as_ref().map(ToString::to_string))
            .bind(phone.owner.as_ref().map(ToString::to_string))
            .bind(i64::from(phone.hot_desk))
            .bind(phone.emergency.caller_id.as_ref().map(ToString::to_string))
            .bind(phone.emergency.location.clone())
            .bind(to_json(&phone.settings)?)
            .bind(to_json(&phone.handsets)?)
            .bind(to_json(&phone.tags)?)
            .bind(phone.logout.map(|rule| rule.to_string()))
            .bind(phone.added.as_second())
            .bind(mac.clone());
        self.execute(query).await?;
        let dropped = old
            .and_then(|old| old.desk_extension)
            .filter(|old| phone.desk_extension.as_ref() != Some(old));
        if let Some(extension) = dropped {
            self.retire(extension.as_str(), phone.added.as_second()).await?;
        }
        self.claim(&mac).await?;
        if let Some(extension) = &phone.desk_extension {
            self.claim(extension.as_str()).await?;
        }
        self.effects.push(Effect::PhoneSaved(Arc::new(phone)));
        Ok(())
    }

    /// Removes a phone, and remembers that it was ours. Its session must have ended.
    ///
    /// # Errors
    /// The store failed, or there is a session at the phone.
    pub async fn remove_phone(
        &mut self,
        phone: &Phone,
        now: jiff::Timestamp,
    ) -> Result<(), sqlx::Error> {
        let mac = phone.mac.to_string();
        for statement in [
            "DELETE FROM enrolments WHERE phone = $1",
            "DELETE FROM shown WHERE phone = $1",
            "DELETE FROM phone_requests WHERE phone = $1",
            "DELETE FROM phone_contacts WHERE phone = $1",
            "DELETE FROM phone_registrations WHERE phone = $1",
            "DELETE FROM phone_calls WHERE phone = $1",
            "DELETE FROM wanted WHERE target = $1",
            "DELETE FROM pin_counters WHERE phone = $1",
            "DELETE FROM phones WHERE mac = $1",
        ] {
            self.execute(sqlx::query(statement).bind(mac.clone())).await?;
        }
        self.retire(&mac, now.as_second()).await?;
        if let Some(extension) = &phone.desk_extension {
            self.retire(extension.as_str(), now.as_second()).await?;
        }
        self.effects.push(Effect::PhoneRemoved(phone.mac));
        Ok(())
    }

    pub(super) async fn retire(&mut self, identity: &str, since: i64) -> Result<(), sqlx::Error> {
        self.claim(identity).await?;
        let insert = "INSERT INTO retired (identity, since) VALUES ($1, $2)";
        self.execute(sqlx::query(insert).bind(identity.to_owned()).bind(since)).await.map(|_| ())
    }

    /// This identity is ours now, whatever it was before.
    pub(super) async fn claim(&mut self, identity: &str) -> Result<(), sqlx::Error> {
        let delete = "DELETE FROM retired WHERE identity = $1";
        self.execute(sqlx::query(delete).bind(identity.to_owned())).await.map(|_| ())
    }
}
