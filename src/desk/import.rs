//! Users who bring their secrets along, from where they were before.

use jiff::Timestamp;
use secrecy::SecretString;

use super::inventory::keep_user;
use super::{Desk, Error, PinMethod};
use crate::model::{Actor, Pin, User, UserRecord, UserSource};
use crate::store::Tx;

impl Desk {
    /// Adds a user of our own with the PIN and the softphone's secret that the user has already. Whoever has this
    /// extension here already stays as it is.
    ///
    /// # Errors
    /// The extension is taken, a param or variable is reserved, the PIN is none or too easy, or the store failed;
    /// nothing changed.
    pub async fn import_user(
        &self,
        record: UserRecord,
        pin: Option<SecretString>,
        sip_secret: Option<SecretString>,
        now: Timestamp,
        by: Actor,
    ) -> Result<(), Error> {
        record.check()?;
        let pin = pin.map(|digits| Pin::new(digits, &record.extension)).transpose()?;
        let (pin, pin_hash) = match (self.settings.method, pin) {
            (PinMethod::Hash, Some(pin)) => {
                (None, Some(self.hasher.hash(pin.secret().clone()).await?))
            }
            (_, pin) => (pin, None),
        };
        let imported = self.store.write(async move |tx: &mut Tx<'_>| {
            if tx.user(&record.extension).await?.is_some() {
                return Err(Error::ExtensionTaken(record.extension.clone()));
            }
            let user = record.clone().with_secrets_of(None, UserSource::Local);
            let (pin, pin_hash, sip_secret) = (pin.clone(), pin_hash.clone(), sip_secret.clone());
            let user = User { pin, pin_hash, sip_secret, ..user };
            keep_user(tx, user, None, true, now, &by).await
        });
        Ok(imported.await?)
    }
}
