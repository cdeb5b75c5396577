//! The PIN guard: attempts are counted before they are looked at.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Desk, Error, KnownPin};
use crate::model::{
    Actor, Counter, Extension, GuardKey, GuardSettings, GuardState, GuardVerdict, Happening, Mac,
};
use crate::store::Tx;

/// Who tries a PIN, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoTries {
    /// The extension that was dialled, where it is one at all.
    pub extension: Option<Extension>,
    /// The phone, where it is in the inventory.
    pub phone: Option<Mac>,
}

/// A counted attempt. It ends in a login, which takes the count back, or in [`Desk::pin_refused`].
#[derive(Debug, Clone)]
pub struct Attempt {
    who: WhoTries,
    user: Option<Extension>,
    keys: Vec<GuardKey>,
    verdict: GuardVerdict,
}

impl Attempt {
    /// Whether it is refused whatever the PIN.
    pub fn is_locked(&self) -> bool {
        self.verdict.locked
    }

    /// Whether it was an attempt at the PIN of `user`.
    pub(super) fn is_of(&self, user: &Extension) -> bool {
        self.user.as_ref() == Some(user)
    }

    /// Whether it was made at a phone of the inventory; elsewhere it is refused whatever the PIN.
    pub fn is_at_our_phone(&self) -> bool {
        self.keys.iter().any(|key| matches!(key, GuardKey::Phone(_)))
    }

    /// Whether this very attempt locked the counter of a key.
    fn locked(&self, key: &GuardKey) -> bool {
        self.verdict.locks.iter().any(|(locked, _)| locked == key)
    }

    /// For how much longer than usual a refusal is held back.
    pub fn delay(&self) -> Duration {
        self.verdict.delay
    }

    /// The PIN was right: the attempt that there was does not count. For the pair the slate is clean;
    /// elsewhere only this one is taken back, so that logging in as oneself buys no guesses at others.
    pub(super) async fn take_back(
        attempt: Option<&Self>,
        tx: &mut Tx<'_>,
        settings: &GuardSettings,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(attempt) = attempt else { return Ok(()) };
        for key in &attempt.keys {
            let mut counter = tx.counter(key).await?;
            if matches!(key, GuardKey::Pair(..)) {
                counter = Counter::default();
            } else {
                counter.take_back(settings.limit(key), attempt.locked(key), now);
            }
            tx.save_counter(key, counter).await?;
        }
        Ok(())
    }
}

impl Desk {
    /// Counts an attempt. Do this once the last digit is there, before the PIN is compared.
    ///
    /// An extension that no user has counts for the phone and the site only, so that the table holds
    /// no more than our own phones and users; all phones that are not ours count as one.
    ///
    /// # Errors
    /// The store failed: no PIN may be accepted then.
    pub async fn attempt(&self, who: WhoTries, now: Timestamp) -> Result<Attempt, Error> {
        let settings = self.settings.guard;
        let attempt = self.store.write(async move |tx: &mut Tx<'_>| {
            let phone = match who.phone {
                Some(mac) => tx.phone(mac).await?.map(|phone| phone.mac),
                None => None,
            };
            let user = match &who.extension {
                Some(extension) => tx.user(extension).await?.map(|user| user.extension),
                None => None,
            };
            let mut keys = Vec::with_capacity(4);
            keys.extend(user.clone().zip(phone).map(|(user, phone)| GuardKey::Pair(user, phone)));
            keys.extend(user.clone().map(GuardKey::Extension));
            keys.push(phone.map_or(GuardKey::Strangers, GuardKey::Phone));
            keys.push(GuardKey::Site);
            let mut state = GuardState::default();
            for key in &keys {
                state.0.push((key.clone(), tx.counter(key).await?));
            }
            let verdict = state.attempt(&settings, now);
            for (key, counter) in state.0 {
                tx.save_counter(&key, counter).await?;
            }
            Ok::<_, Error>(Attempt { who: who.clone(), user, keys, verdict })
        });
        Ok(attempt.await?)
    }

    /// The attempt failed: the journal says so, and what it locked.
    ///
    /// # Errors
    /// The store failed; the attempt counts all the same.
    pub async fn pin_refused(
        &self,
        attempt: Attempt,
        now: Timestamp,
        by: Actor,
    ) -> Result<(), Error> {
        let kept = self.store.write(async move |tx: &mut Tx<'_>| {
            if let Some(phone) = attempt.who.phone {
                let what = Happening::PinRefused { phone, user: attempt.user.clone() };
                tx.journal(now, by.clone(), what).await?;
            }
            for (key, until) in &attempt.verdict.locks {
                let (phone, user) = match key {
                    GuardKey::Pair(user, phone) => (Some(*phone), Some(user.clone())),
                    GuardKey::Extension(user) => (None, Some(user.clone())),
                    GuardKey::Phone(phone) => (Some(*phone), None),
                    GuardKey::Strangers | GuardKey::Site => continue,
                };
                let what = Happening::PinLocked { phone, user, until: *until };
                tx.journal(now, by.clone(), what).await?;
            }
            if let Some(wrong) = attempt.verdict.alarm {
                tracing::warn!(wrong, "unusually many wrong PINs in the whole site");
                tx.journal(now, by.clone(), Happening::PinAlarm { wrong }).await?;
            }
            // What is older than two days can neither lock nor double a lock any more.
            if let Ok(before) = now.checked_sub(SignedDuration::from_hours(48)) {
                tx.forget_old_counters(before).await?;
            }
            Ok::<_, Error>(())
        });
        Ok(kept.await?)
    }

    /// The PIN of an attempt could not be checked: nobody learned anything of it, and it does not count.
    ///
    /// # Errors
    /// The store failed; the attempt counts.
    pub async fn pin_unchecked(&self, attempt: Attempt, now: Timestamp) -> Result<(), Error> {
        let settings = self.settings.guard;
        let kept = self.store.write(async move |tx: &mut Tx<'_>| {
            for key in &attempt.keys {
                let mut counter = tx.counter(key).await?;
                counter.take_back(settings.limit(key), attempt.locked(key), now);
                tx.save_counter(key, counter).await?;
            }
            Ok::<_, Error>(())
        });
        Ok(kept.await?)
    }

    /// Lifts every lock of `user` and of the phones where the user was refused, and forgets the wrong PINs.
    ///
    /// # Errors
    /// The user is unknown, or the store failed.
    pub async fn unlock(&self, user: Extension, now: Timestamp, by: Actor) -> Result<(), Error> {
        let unlocked = self.store.write(async move |tx: &mut Tx<'_>| {
            if tx.user(&user).await?.is_none() {
                return Err(Error::UnknownUser(user.clone()));
            }
            tx.forget_counters(&user).await?;
            tx.journal(now, by.clone(), Happening::PinUnlocked { user: user.clone() }).await?;
            Ok(())
        });
        Ok(unlocked.await?)
    }

    /// What we know of a user's PIN; `None` when there is no such user.
    pub fn known_pin(&self, user: &Extension) -> Option<KnownPin> {
        let memory = self.store.memory();
        let user = memory.user(user)?;
        Some(KnownPin {
            initial: user.pin.as_ref().map(|pin| pin.secret().clone()),
            hash: user.pin_hash.clone(),
        })
    }
}
