//! Logging in and out.

use jiff::{SignedDuration, Timestamp};

use super::{Attempt, Desk, Error, floor};
use crate::model::{
    Actor, Attempts, Change, Extension, Happening, LoginMode, Mac, User, Wanted, WantedKind,
};
use crate::store::Tx;

/// How long a wish to restart a phone is kept while the phone is in a call or away.
const RESTART_EXPIRES: SignedDuration = SignedDuration::from_mins(10);

/// Who sits at a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seated {
    /// The extension.
    pub user: Extension,
    /// The name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}

impl Desk {
    /// `user` logs in at `phone`. `attempt` is the PIN attempt that led here, whose count is taken back
    /// in the same transaction; none when somebody logs a user in by command.
    ///
    /// # Errors
    /// The rules refuse, or the store failed; nothing changed.
    pub async fn log_in(
        &self,
        phone: Mac,
        user: Extension,
        mode: LoginMode,
        attempt: Option<Attempt>,
        now: Timestamp,
        by: Actor,
    ) -> Result<Vec<Change>, Error> {
        let settings = self.settings.guard;
        let changes = self.store.write(async move |tx: &mut Tx<'_>| {
            let mut floor = floor::load(tx, [phone], [user.clone()]).await?;
            let changes = floor.log_in(phone, &user, mode, now)?;
            floor::keep(tx, &changes, Some((phone, &user, mode)), now, &by).await?;
            Attempt::take_back(attempt.as_ref(), tx, &settings, now).await?;
            Ok(changes)
        });
        Ok(changes.await?)
    }

    /// Whoever sits at `phone` is logged out there. Nobody there, or with an `attempt` somebody else than
    /// the one whose PIN it was: no changes.
    ///
    /// # Errors
    /// The phone is unknown, or the store failed; nothing changed.
    pub async fn log_out(
        &self,
        phone: Mac,
        attempt: Option<Attempt>,
        now: Timestamp,
        by: Actor,
    ) -> Result<Vec<Change>, Error> {
        let settings = self.settings.guard;
        let changes = self.store.write(async move |tx: &mut Tx<'_>| {
            if tx.phone(phone).await?.is_none() {
                return Err(Error::UnknownPhone(phone));
            }
            let mut floor = floor::load(tx, [phone], []).await?;
            let seated = floor.sessions.get(&phone).map(|session| &session.user);
            let changes = match (&attempt, seated) {
                // Somebody else sat down since the PIN was asked for.
                (Some(attempt), Some(user)) if !attempt.is_of(user) => Vec::new(),
                _ => floor.log_out(phone, now),
            };
            floor::keep(tx, &changes, None, now, &by).await?;
            Attempt::take_back(attempt.as_ref(), tx, &settings, now).await?;
            Ok(changes)
        });
        Ok(changes.await?)
    }

    /// `user` is logged out of all phones.
    ///
    /// # Errors
    /// The user is unknown, or the store failed; nothing changed.
    pub async fn log_out_everywhere(
        &self,
        user: Extension,
        attempt: Option<Attempt>,
        now: Timestamp,
        by: Actor,
    ) -> Result<Vec<Change>, Error> {
        let settings = self.settings.guard;
        let changes = self.store.write(async move |tx: &mut Tx<'_>| {
            if tx.user(&user).await?.is_none() {
                return Err(Error::UnknownUser(user.clone()));
            }
            let mut floor = floor::load(tx, [], [user.clone()]).await?;
            let changes = floor.log_out_everywhere(&user, now);
            floor::keep(tx, &changes, None, now, &by).await?;
            Attempt::take_back(attempt.as_ref(), tx, &settings, now).await?;
            Ok(changes)
        });
        Ok(changes.await?)
    }

    /// Who sits at `phone` now.
    pub fn seated(&self, phone: Mac) -> Option<Seated> {
        let memory = self.store.memory();
        let session = memory.session(phone)?;
        let name = memory.user(&session.user).map(|user: &std::sync::Arc<User>| user.name.clone());
        Some(Seated {
            user: session.user.clone(),
            name: name.unwrap_or_default(),
            since: session.since,
        })
    }

    /// Whose this handset of a DECT base is.
    pub fn user_of_handset(&self, base: Mac, number: u16) -> Option<Extension> {
        self.store.memory().phone(base)?.handset(number)?.user.clone()
    }

    /// `phone` restarts once it has no call, within ten minutes or not at all.
    ///
    /// # Errors
    /// The phone is unknown, or the store failed; nothing changed.
    pub async fn restart(&self, phone: Mac, now: Timestamp, by: Actor) -> Result<(), Error> {
        let asked = self.store.write(async move |tx: &mut Tx<'_>| {
            if tx.phone(phone).await?.is_none() {
                return Err(Error::UnknownPhone(phone));
            }
            tx.want(Wanted {
                kind: WantedKind::Restart,
                target: phone.to_string(),
                value: format!("asked {}", now.as_second()),
                since: now,
                expires: now.checked_add(RESTART_EXPIRES).ok(),
                attempts: Attempts::default(),
            })
            .await?;
            tx.journal(now, by.clone(), Happening::RestartAsked { phone }).await?;
            Ok(())
        });
        Ok(asked.await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Settings, WhoTries};
    use crate::model::{AwayDestination, Emergency, EndReason, Phone, UserRecord};
    use crate::store::Store;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[tokio::test]
    async fn a_pin_logs_out_nobody_but_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::new(Store::open(folder.path()).await.unwrap(), Settings::default());
        let phone: Mac = "0004132a0001".parse().unwrap();
        let (ada, grace): (Extension, Extension) =
            ("1001".parse().unwrap(), "1002".parse().unwrap());
        let by = Actor::Caller(phone);
        let added = Phone {
            mac: phone,
            secret: "secret".into(),
            vendor: None,
            model: None,
            label: None,
            desk_extension: None,
            owner: None,
            hot_desk: true,
            emergency: Emergency::default(),
            settings: Default::default(),
            handsets: Vec::new(),
            tags: Default::default(),
            logout: None,
            added: at(0),
        };
        desk.save_phone(added, at(0), by.clone()).await.unwrap();
        for extension in [&ada, &grace] {
            let record = UserRecord {
                extension: extension.clone(),
                name: "Somebody".into(),
                hot_desk: true,
                away: AwayDestination::default(),
                groups: Vec::new(),
                teams: Vec::new(),
                params: Default::default(),
                variables: Default::default(),
                keys: Vec::new(),
                settings: Default::default(),
            };
            desk.save_user(record, None, at(0), by.clone()).await.unwrap();
        }
        let log_in = |user: &Extension, second| {
            desk.log_in(phone, user.clone(), LoginMode::Only, None, at(second), by.clone())
        };
        log_in(&ada, 1).await.unwrap();
        let who = WhoTries { extension: Some(ada.clone()), phone: Some(phone) };
        let attempt = desk.attempt(who, at(2)).await.unwrap();
        // A second call at the same phone is faster.
        log_in(&grace, 3).await.unwrap();
        let log_out = |second| desk.log_out(phone, Some(attempt.clone()), at(second), by.clone());
        assert_eq!(log_out(4).await.unwrap(), []);
        assert_eq!(desk.seated(phone).unwrap().user, grace);
        log_in(&ada, 5).await.unwrap();
        let ended = log_out(6).await.unwrap();
        assert!(matches!(&ended[..], [Change::Ended(_, EndReason::LoggedOut)]), "{ended:?}");
    }
}
