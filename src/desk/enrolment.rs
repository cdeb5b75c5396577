//! Enrolment: windows, keys, proofs; and asking a phone to fetch its configuration.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::seq::IndexedRandom as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Desk, Error, floor, new_secret};
use crate::model::{
    Actor, Emergency, Enrolment, Happening, Mac, Phone, PhoneSettings, Proof, Tags,
};
use crate::store::Tx;

/// How long an old key is good after a new one was made, unless the phone comes with the new one before.
const ROTATION: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How long the window of a phone is open that came by itself: for the request that it came with.
const BY_ITSELF: SignedDuration = SignedDuration::from_mins(10);
/// How many letters a key has: 130 bits.
const KEY: usize = 26;
/// Letters that are not taken for one another when somebody types a URL.
const LETTERS: [u8; 32] = *b"abcdefghijkmnpqrstuvwxyz23456789";

/// A key for a phone's URL.
pub(super) fn new_key() -> SecretString {
    let mut rng = rand::rng();
    let letters =
        (0..KEY).filter_map(|_| LETTERS.choose(&mut rng)).map(|&letter| char::from(letter));
    SecretString::from(letters.collect::<String>())
}

/// The enrolment of a phone; a phone from before there was one gets it now.
pub(super) async fn load(tx: &mut Tx<'_>, phone: Mac) -> Result<Enrolment, Error> {
    let fresh = || Enrolment { phone, key: new_key(), old_key: None, window: None, proven: None };
    Ok(tx.enrolment(phone).await?.unwrap_or_else(fresh))
}

impl Desk {
    /// Until `until` this phone is answered, once, when it knows nothing but its MAC address.
    ///
    /// # Errors
    /// The phone is unknown, or the store failed; nothing changed.
    pub async fn open_window(
        &self,
        phone: Mac,
        until: Timestamp,
        now: Timestamp,
        by: Actor,
    ) -> Result<(), Error> {
        let opened = self.store.write(async move |tx: &mut Tx<'_>| {
            tx.phone(phone).await?.ok_or(Error::UnknownPhone(phone))?;
            let enrolment = load(tx, phone).await?;
            tx.save_enrolment(Enrolment { window: Some(until), ..enrolment }).await?;
            tx.journal(now, by.clone(), Happening::WindowOpened { phone, until }).await?;
            Ok(())
        });
        Ok(opened.await?)
    }

    /// Closes the window of this phone, for whoever just came through it. Answers whether it was open:
    /// of several who come at once one gets `true`.
    ///
    /// # Errors
    /// The store failed; nothing changed.
    pub async fn use_window(&self, phone: Mac, now: Timestamp) -> Result<bool, Error> {
        let used = self.store.write(async move |tx: &mut Tx<'_>| {
            let Some(enrolment) = tx.enrolment(phone).await? else { return Ok(false) };
            if !enrolment.is_open(now) {
                return Ok(false);
            }
            tx.save_enrolment(Enrolment { window: None, ..enrolment }).await?;
            tx.journal(now, Actor::Daemon, Happening::WindowUsed { phone }).await?;
            Ok::<bool, Error>(true)
        });
        Ok(used.await?)
    }

    /// Closes the window of this phone.
    ///
    /// # Errors
    /// The phone is unknown, or the store failed; nothing changed.
    pub async fn close_window(&self, phone: Mac) -> Result<(), Error> {
        let closed = self.store.write(async move |tx: &mut Tx<'_>| {
            tx.phone(phone).await?.ok_or(Error::UnknownPhone(phone))?;
            let enrolment = load(tx, phone).await?;
            tx.save_enrolment(Enrolment { window: None, ..enrolment }).await?;
            Ok::<(), Error>(())
        });
        Ok(closed.await?)
    }

    /// Makes a new key for the phone's URL and asks the phone to fetch it; the old one is good for 30 days
    /// more, or until the phone comes with the new one.
    ///
    /// # Errors
    /// The phone is unknown, or the store failed; nothing changed.
    pub async fn rotate_key(&self, phone: Mac, now: Timestamp, by: Actor) -> Result<(), Error> {
        let rotated = self.store.write(async move |tx: &mut Tx<'_>| {
            tx.phone(phone).await?.ok_or(Error::UnknownPhone(phone))?;
            let Enrolment { key, old_key, window, proven, .. } = load(tx, phone).await?;
            // A second rotation before the phone took part in the first: the phone still has the oldest.
            let until = now.checked_add(ROTATION).unwrap_or(now);
            let old = match old_key {
                Some((old, good)) if now < good => old,
                _ => key,
            };
            let old_key = Some((old, until));
            let enrolment = Enrolment { phone, key: new_key(), old_key, window, proven };
            tx.save_enrolment(enrolment).await?;
            tx.journal(now, by.clone(), Happening::KeyRotated { phone }).await?;
            floor::want_resync(tx, phone, now).await
        });
        Ok(rotated.await?)
    }

    /// Whatever somebody has of this phone is worth nothing any more: its key, its credentials, its SIP
    /// secret. The phone has to enrol anew.
    ///
    /// # Errors
    /// The phone is unknown, or the store failed; nothing changed.
    pub async fn revoke(&self, mac: Mac, now: Timestamp, by: Actor) -> Result<(), Error> {
        let revoked = self.store.write(async move |tx: &mut Tx<'_>| {
            let phone = tx.phone(mac).await?.ok_or(Error::UnknownPhone(mac))?;
            tx.save_phone(Phone { secret: new_secret(), ..phone }).await?;
            let key = new_key();
            let enrolment =
                Enrolment { phone: mac, key, old_key: None, window: None, proven: None };
            tx.save_enrolment(enrolment).await?;
            // Saved too, so that FreeSWITCH's own disk follows at once.
            tx.journal(now, by.clone(), Happening::PhoneSaved { phone: mac }).await?;
            tx.journal(now, by.clone(), Happening::KeyRevoked { phone: mac }).await?;
            Ok::<(), Error>(())
        });
        Ok(revoked.await?)
    }

    /// The phone proved to be that phone, by this key where it came with one. With the newest key it has
    /// no need of the old one any more; which one is the newest may have changed since it came.
    ///
    /// # Errors
    /// The store failed; nothing changed.
    pub async fn prove(
        &self,
        phone: Mac,
        proof: Proof,
        key: Option<SecretString>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let proven = self.store.write(async move |tx: &mut Tx<'_>| {
            // A phone that was removed meanwhile has none.
            let Some(enrolment) = tx.enrolment(phone).await? else { return Ok(()) };
            let of = |known: &SecretString| {
                key.as_ref().is_some_and(|key| key.expose_secret() == known.expose_secret())
            };
            let is_newest = of(&enrolment.key);
            let is_old = enrolment.old_key.as_ref().is_some_and(|(old, _)| of(old));
            // A key that was taken away meanwhile proves nothing.
            if key.is_some() && !is_newest && !is_old {
                return Ok(());
            }
            let is_new = enrolment.proven.is_none();
            let proven = enrolment.proven.or(Some((now, proof)));
            let old_key = enrolment.old_key.clone().filter(|_| !is_newest);
            // Whoever came through the window was the phone, or nobody was.
            let enrolment = Enrolment { proven, window: None, old_key, ..enrolment };
            tx.save_enrolment(enrolment).await?;
            if is_new {
                let what = Happening::PhoneEnrolled { phone, proof };
                tx.journal(now, Actor::Daemon, what).await?;
            }
            Ok::<(), Error>(())
        });
        Ok(proven.await?)
    }

    /// Every phone gets an enrolment that has none: those from before there was one.
    ///
    /// # Errors
    /// The store failed; nothing changed.
    pub async fn enrol_all(&self) -> Result<(), Error> {
        let without: Vec<Mac> = {
            let memory = self.store.memory();
            let phones = memory.phones().map(|phone: &Arc<_>| phone.mac);
            phones.filter(|mac| memory.enrolment(*mac).is_none()).collect()
        };
        if without.is_empty() {
            return Ok(());
        }
        let written = self.store.write(async move |tx: &mut Tx<'_>| {
            for &phone in &without {
                let enrolment = load(tx, phone).await?;
                tx.save_enrolment(enrolment).await?;
            }
            Ok::<(), Error>(())
        });
        Ok(written.await?)
    }

    /// Adds a phone that came by itself as nobody's desk, with an open window. `hot_desk` is whether people can log in
    /// at a phone of this model.
    ///
    /// # Errors
    /// The store failed; nothing changed.
    pub async fn add_unknown(
        &self,
        mac: Mac,
        vendor: String,
        model: Option<String>,
        hot_desk: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        let phone = Phone {
            mac,
            secret: new_secret(),
            vendor: Some(vendor),
            model,
            label: None,
            desk_extension: None,
            owner: None,
            hot_desk,
            emergency: Emergency::default(),
            settings: PhoneSettings::new(),
            handsets: Vec::new(),
            tags: Tags::new(),
            logout: None,
            added: now,
        };
        let added = self.store.write(async move |tx: &mut Tx<'_>| {
            // Another request of the same phone may have been faster.
            if tx.phone(mac).await?.is_some() {
                return Ok(());
            }
            tx.save_phone(phone.clone()).await?;
            let window = now.checked_add(BY_ITSELF).ok();
            let enrolment = load(tx, mac).await?;
            tx.save_enrolment(Enrolment { window, ..enrolment }).await?;
            let what = Happening::PhoneSaved { phone: mac };
            tx.journal(now, Actor::Daemon, what).await?;
            Ok::<(), Error>(())
        });
        Ok(added.await?)
    }

    /// The phone is asked to fetch its configuration, once it has no call.
    ///
    /// # Errors
    /// The phone is unknown, or the store failed; nothing changed.
    pub async fn resync(&self, phone: Mac, now: Timestamp, by: Actor) -> Result<(), Error> {
        let asked = self.store.write(async move |tx: &mut Tx<'_>| {
            tx.phone(phone).await?.ok_or(Error::UnknownPhone(phone))?;
            tx.journal(now, by.clone(), Happening::ResyncAsked { phone }).await?;
            floor::want_resync(tx, phone, now).await
        });
        Ok(asked.await?)
    }
}
