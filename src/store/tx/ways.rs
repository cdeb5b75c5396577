//! What is kept of phones' ways: first contact, configuration, registration.

use sqlx::AnyConnection;
use sqlx::Row as _;

use super::{Effect, Tx, json, parsed, parsed_opt, seconds_only, time, time_opt, to_json};
use crate::model::{Mac, PhoneContact, PhoneRegistration};

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Effect>, sqlx::Error> {
    let mut effects = Vec::new();
    let query = "SELECT phone, first, configured, refused, refusal FROM phone_contacts";
    for row in sqlx::query(query).fetch_all(&mut *connection).await? {
        let refusal = match time_opt(&row, "refused")? {
            Some(at) => Some((at, json(&row, "refusal")?)),
            None => None,
        };
        let (first, configured) = (time(&row, "first")?, time_opt(&row, "configured")?);
        let contact = PhoneContact { first, configured, refusal };
        effects.push(Effect::Contacted(parsed(&row, "phone")?, contact));
    }
    let query = "SELECT phone, first, since, ended, node, address, agent, moved, moved_from \
                 FROM phone_registrations";
    for row in sqlx::query(query).fetch_all(&mut *connection).await? {
        let from: Option<String> = row.try_get("moved_from")?;
        let registration = PhoneRegistration {
            first: time(&row, "first")?,
            since: time(&row, "since")?,
            ended: time_opt(&row, "ended")?,
            node: row.try_get("node")?,
            address: parsed_opt(&row, "address")?,
            agent: row.try_get("agent")?,
            moved: time_opt(&row, "moved")?.zip(from),
        };
        effects.push(Effect::Registered(parsed(&row, "phone")?, registration));
    }
    Ok(effects)
}

impl Tx<'_> {
    /// This phone came, and this is what it was told; to the second. A phone that is no longer in the inventory is passed
    /// over.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_contact(
        &mut self,
        phone: Mac,
        contact: PhoneContact,
    ) -> Result<(), sqlx::Error> {
        let contact = PhoneContact {
            first: seconds_only(contact.first),
            configured: contact.configured.map(seconds_only),
            refusal: contact.refusal.map(|(at, told)| (seconds_only(at), told)),
        };
        let refusal = contact.refusal.as_ref();
        let text = refusal.map(|(_, told)| to_json(told)).transpose()?;
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement)
                .bind(contact.first.as_second())
                .bind(contact.configured.map(|at| at.as_second()))
                .bind(refusal.map(|(at, _)| at.as_second()))
                .bind(text.clone())
                .bind(phone.to_string())
        };
        let update = "UPDATE phone_contacts SET first = $1, configured = $2, refused = $3, refusal = $4 \
                      WHERE phone = $5";
        let insert = "INSERT INTO phone_contacts (first, configured, refused, refusal, phone) \
                      VALUES ($1, $2, $3, $4, $5)";
        if self.execute(query(update)).await? == 0 {
            if !self.has_phone(phone).await? {
                return Ok(());
            }
            self.execute(query(insert)).await?;
        }
        self.effects.push(Effect::Contacted(phone, contact));
        Ok(())
    }

    /// So this phone is registered, or was; to the second. Whether it is in the inventory: another one is passed over.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_registration(
        &mut self,
        phone: Mac,
        registration: PhoneRegistration,
    ) -> Result<bool, sqlx::Error> {
        let registration = PhoneRegistration {
            first: seconds_only(registration.first),
            since: seconds_only(registration.since),
            ended: registration.ended.map(seconds_only),
            moved: registration.moved.map(|(at, from)| (seconds_only(at), from)),
            ..registration
        };
        let moved = registration.moved.as_ref();
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement)
                .bind(registration.first.as_second())
                .bind(registration.since.as_second())
                .bind(registration.ended.map(|at| at.as_second()))
                .bind(registration.node.clone())
                .bind(registration.address.map(|address| address.to_string()))
                .bind(registration.agent.clone())
                .bind(moved.map(|(at, _)| at.as_second()))
                .bind(moved.map(|(_, from)| from.clone()))
                .bind(phone.to_string())
        };
        let update = "UPDATE phone_registrations SET first = $1, since = $2, ended = $3, node = $4, \
                      address = $5, agent = $6, moved = $7, moved_from = $8 WHERE phone = $9";
        let insert = "INSERT INTO phone_registrations (first, since, ended, node, address, agent, \
                      moved, moved_from, phone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        if self.execute(query(update)).await? == 0 {
            if !self.has_phone(phone).await? {
                return Ok(false);
            }
            self.execute(query(insert)).await?;
        }
        self.effects.push(Effect::Registered(phone, registration));
        Ok(true)
    }

    /// Whether a phone is in the inventory.
    async fn has_phone(&mut self, phone: Mac) -> Result<bool, sqlx::Error> {
        let row = sqlx::query("SELECT 1 FROM phones WHERE mac = $1")
            .bind(phone.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(row.is_some())
    }
}
