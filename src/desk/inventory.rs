//! Phones and users: adding, changing, removing, PINs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;

use super::{Desk, Error, PinMethod, enrolment, floor};
use crate::model::{
    Actor, AwayDestination, Enrolment, Extension, Handset, Happening, Mac, Phone, Pin, Seat, User,
    UserRecord, UserSource, is_reserved_param, is_reserved_variable,
};
use crate::store::Tx;

impl UserRecord {
    pub(super) fn check(&self) -> Result<(), Error> {
        let param = self.params.keys().find(|name| is_reserved_param(name));
        let variable = self.variables.keys().find(|name| is_reserved_variable(name));
        match param.or(variable) {
            Some(name) => Err(Error::Reserved(name.clone())),
            None => Ok(()),
        }
    }

    pub(super) fn with_secrets_of(self, old: Option<&User>, source: UserSource) -> User {
        User {
            extension: self.extension,
            name: self.name,
            pin: old.and_then(|user| user.pin.clone()),
            pin_hash: old.and_then(|user| user.pin_hash.clone()),
            sip_secret: old.and_then(|user| user.sip_secret.clone()),
            hot_desk: self.hot_desk,
            away: self.away,
            groups: self.groups,
            teams: self.teams,
            params: self.params.into(),
            variables: self.variables.into(),
            keys: self.keys,
            settings: self.settings,
            source,
            person: old.and_then(|user| user.person),
        }
    }
}

/// What taking over a source's users changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// New users.
    pub added: usize,
    /// Users that differ now.
    pub changed: usize,
    /// Users that are no more.
    pub removed: usize,
}

impl Desk {
    /// Adds a phone, or changes it. A new owner sits down where nobody does. At a DECT base nobody can sit: whoever does
    /// is logged out.
    ///
    /// # Errors
    /// The owner or the user of a handset is unknown, the desk extension is taken, the phone has handsets and yet an
    /// owner or people who may log in, or the store failed; nothing changed.
    pub async fn save_phone(&self, phone: Phone, now: Timestamp, by: Actor) -> Result<(), Error> {
        let window = self.settings.window;
        let saved = self.store.write(async move |tx: &mut Tx<'_>| {
            let mac = phone.mac;
            let is_base = !phone.handsets.is_empty();
            if is_base && (phone.hot_desk || phone.owner.is_some()) {
                return Err(Error::Base(mac));
            }
            let users = phone.handsets.iter().filter_map(|handset| handset.user.as_ref());
            for user in users.chain(&phone.owner) {
                tx.user(user).await?.ok_or_else(|| Error::UnknownUser(user.clone()))?;
            }
            if let Some(extension) = &phone.desk_extension {
                let other = tx.desk_extension(extension).await?.is_some_and(|other| other != mac);
                if other || tx.user(extension).await?.is_some() {
                    return Err(Error::ExtensionTaken(extension.clone()));
                }
            }
            let mut floor = floor::load(tx, [mac], phone.owner.clone()).await?;
            let is_new = tx.phone(mac).await?.is_none();
            tx.save_phone(phone.clone()).await?;
            if is_new {
                let window = now.checked_add(window).ok().filter(|until| now < *until);
                let enrolment = enrolment::load(tx, mac).await?;
                tx.save_enrolment(Enrolment { window, ..enrolment }).await?;
            } else {
                floor::want_resync(tx, mac, now).await?;
            }
            tx.journal(now, by.clone(), Happening::PhoneSaved { phone: mac }).await?;
            let seat = Seat { owner: phone.owner.clone(), hot_desk: phone.hot_desk };
            let mut changes = floor.place(mac, seat, now);
            if is_base {
                changes.extend(floor.log_out(mac, now));
            }
            floor::keep(tx, &changes, None, now, &by).await
        });
        Ok(saved.await?)
    }

    /// Removes a phone; whoever sits there is logged out.
    ///
    /// # Errors
    /// The phone is unknown, or the store failed; nothing changed.
    pub async fn remove_phone(&self, phone: Mac, now: Timestamp, by: Actor) -> Result<(), Error> {
        let removed = self.store.write(async move |tx: &mut Tx<'_>| {
            let known = tx.phone(phone).await?.ok_or(Error::UnknownPhone(phone))?;
            let mut floor = floor::load(tx, [phone], []).await?;
            let changes = floor.remove_phone(phone, now);
            floor::keep(tx, &changes, None, now, &by).await?;
            tx.remove_phone(&known, now).await?;
            tx.journal(now, by.clone(), Happening::PhoneRemoved { phone }).await?;
            Ok(())
        });
        Ok(removed.await?)
    }

    /// Adds a user of our own, or changes one. `sip_secret` replaces the softphone's secret where given.
    ///
    /// # Errors
    /// The extension is taken, the user comes from elsewhere, a param or variable is reserved, or
    /// the store failed; nothing changed.
    pub async fn save_user(
        &self,
        record: UserRecord,
        sip_secret: Option<SecretString>,
        now: Timestamp,
        by: Actor,
    ) -> Result<(), Error> {
        let saved = self.store.write(async move |tx: &mut Tx<'_>| {
            let old = tx.user(&record.extension).await?;
            if let Some(user) = old.as_ref().filter(|user| user.source != UserSource::Local) {
                return Err(Error::KeptElsewhere(record.extension.clone(), user.source));
            }
            let mut user = record.clone().with_secrets_of(old.as_ref(), UserSource::Local);
            user.sip_secret = sip_secret.clone().or(user.sip_secret);
            record.check()?;
            keep_user(tx, user, old.as_ref(), true, now, &by).await
        });
        Ok(saved.await?)
    }

    /// Calls to a user of our own go to `away` while the user is nowhere.
    ///
    /// # Errors
    /// The user is unknown or comes from elsewhere, or the store failed; nothing changed.
    pub async fn set_away(
        &self,
        user: Extension,
        away: AwayDestination,
        now: Timestamp,
        by: Actor,
    ) -> Result<(), Error> {
        let saved = self.store.write(async move |tx: &mut Tx<'_>| {
            let known = tx.user(&user).await?.ok_or_else(|| Error::UnknownUser(user.clone()))?;
            if known.source != UserSource::Local {
                return Err(Error::KeptElsewhere(user.clone(), known.source));
            }
            let changed = User { away: away.clone(), ..known.clone() };
            keep_user(tx, changed, Some(&known), true, now, &by).await
        });
        Ok(saved.await?)
    }

    /// Removes a user of our own, who is logged out everywhere and owns no desk any more.
    ///
    /// # Errors
    /// The user is unknown or comes from elsewhere, or the store failed; nothing changed.
    pub async fn remove_user(
        &self,
        user: Extension,
        now: Timestamp,
        by: Actor,
    ) -> Result<(), Error> {
        let removed = self.store.write(async move |tx: &mut Tx<'_>| {
            let known = tx.user(&user).await?.ok_or_else(|| Error::UnknownUser(user.clone()))?;
            if known.source != UserSource::Local {
                return Err(Error::KeptElsewhere(user.clone(), known.source));
            }
            drop_user(tx, &user, now, &by).await
        });
        Ok(removed.await?)
    }

    /// Makes the users of `source` exactly these: adds, changes and removes, all or nothing.
    ///
    /// # Errors
    /// A record is not possible, an extension is taken by another source, or the store failed; nothing
    /// changed.
    pub async fn take_over_users(
        &self,
        source: UserSource,
        records: Vec<UserRecord>,
        now: Timestamp,
        by: Actor,
    ) -> Result<Summary, Error> {
        let taken = self.store.write(async move |tx: &mut Tx<'_>| {
            let mut summary = Summary::default();
            let listed: BTreeSet<&Extension> =
                records.iter().map(|record| &record.extension).collect();
            for old in tx.users_of(source).await? {
                if !listed.contains(&old) {
                    drop_user(tx, &old, now, &by).await?;
                    summary.removed += 1;
                }
            }
            for record in &records {
                record.check()?;
                let old = tx.user(&record.extension).await?;
                match &old {
                    Some(user) if user.source != source => {
                        return Err(Error::ExtensionTaken(record.extension.clone()));
                    }
                    Some(user) if *record == UserRecord::from(user) => continue,
                    Some(_) => summary.changed += 1,
                    None => summary.added += 1,
                }
                let user = record.clone().with_secrets_of(old.as_ref(), source);
                keep_user(tx, user, old.as_ref(), true, now, &by).await?;
            }
            Ok(summary)
        });
        Ok(taken.await?)
    }

    /// Sets a user's PIN: for the method `voicemail` the mailbox's initial one, for `hash` our own.
    ///
    /// # Errors
    /// The user is unknown, the PIN is none or too easy, or the store failed; nothing changed.
    pub async fn set_pin(
        &self,
        user: Extension,
        digits: SecretString,
        now: Timestamp,
        by: Actor,
    ) -> Result<(), Error> {
        let pin = Pin::new(digits, &user)?;
        let (pin, hash) = match self.settings.method {
            PinMethod::Voicemail => (Some(pin), None),
            PinMethod::Hash => (None, Some(self.hasher.hash(pin.secret().clone()).await?)),
            PinMethod::Ldap => return Err(Error::PinKeptElsewhere),
        };
        let set = self.store.write(async move |tx: &mut Tx<'_>| {
            let known = tx.user(&user).await?.ok_or_else(|| Error::UnknownUser(user.clone()))?;
            tx.save_user(User { pin: pin.clone(), pin_hash: hash.clone(), ..known }).await?;
            tx.journal(now, by.clone(), Happening::PinSet { user: user.clone() }).await?;
            Ok(())
        });
        Ok(set.await?)
    }
}

/// Adds or changes a user. `told`: with a line in the journal.
pub(super) async fn keep_user(
    tx: &mut Tx<'_>,
    user: User,
    old: Option<&User>,
    told: bool,
    now: Timestamp,
    by: &Actor,
) -> Result<(), Error> {
    let extension = user.extension.clone();
    if tx.desk_extension(&extension).await?.is_some() {
        return Err(Error::ExtensionTaken(extension));
    }
    let may = user.hot_desk;
    if let Some(old) = old {
        let mut phones = Vec::new();
        if (&old.name, &old.keys, &old.settings) != (&user.name, &user.keys, &user.settings) {
            phones.extend(tx.sessions_of(&extension).await?.iter().map(|session| session.phone));
        }
        if old.name != user.name {
            phones.extend(tx.bases_of(&extension).await?.iter().map(|base| base.mac));
        }
        for phone in phones {
            floor::want_resync(tx, phone, now).await?;
        }
    }
    tx.save_user(user).await?;
    if told {
        tx.journal(now, by.clone(), Happening::UserSaved { user: extension.clone() }).await?;
    }
    if !may {
        let mut floor = floor::load(tx, [], [extension.clone()]).await?;
        let changes = floor.forbid(&extension, now);
        floor::keep(tx, &changes, None, now, by).await?;
    }
    Ok(())
}

pub(super) async fn drop_user(
    tx: &mut Tx<'_>,
    user: &Extension,
    now: Timestamp,
    by: &Actor,
) -> Result<(), Error> {
    let mut floor = floor::load(tx, [], [user.clone()]).await?;
    let changes = floor.remove_user(user, now);
    floor::keep(tx, &changes, None, now, by).await?;
    for mac in tx.phones_owned_by(user).await? {
        if let Some(phone) = tx.phone(mac).await? {
            tx.save_phone(Phone { owner: None, ..phone }).await?;
        }
    }
    for mut base in tx.bases_of(user).await? {
        // The handset keeps its place and its number, as nobody's.
        let hers = |handset: &&mut Handset| handset.user.as_ref() == Some(user);
        base.handsets.iter_mut().filter(hers).for_each(|handset| handset.user = None);
        let mac = base.mac;
        tx.save_phone(base).await?;
        floor::want_resync(tx, mac, now).await?;
    }
    tx.remove_user(user, now).await?;
    tx.journal(now, by.clone(), Happening::UserRemoved { user: user.clone() }).await?;
    Ok(())
}
