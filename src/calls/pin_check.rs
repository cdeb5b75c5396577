//! Checking a PIN.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;

use super::settings::ProfileName;
use crate::desk::{Desk, KnownPin};
use crate::event_socket::{Api, Argument, ChannelWord, CommandError, Session, TextError};
use crate::model::{Domain, Extension};

/// A way to check a PIN. It takes as long for an extension that nobody has.
pub trait PinCheck: Send + Sync + 'static {
    /// Whether `digits` are the PIN of `user`, asked over the caller's own connection.
    fn check<'a>(
        &'a self,
        session: &'a Session,
        user: &'a Extension,
        digits: &'a SecretString,
    ) -> BoxFuture<'a, Result<bool, CheckFailed>>;
}

/// The PIN could not be checked; nothing is known of it.
#[derive(Debug, thiserror::Error)]
pub enum CheckFailed {
    /// FreeSWITCH did not say.
    #[error("FreeSWITCH did not tell the voicemail PIN: {0}")]
    Command(#[from] CommandError),
    /// FreeSWITCH has no such voicemail profile.
    #[error("FreeSWITCH has no voicemail profile `{0}`; see `pin.voicemail_profile`")]
    NoProfile(String),
    /// A name cannot be sent.
    #[error("a name cannot be sent to FreeSWITCH: {0}")]
    Text(#[from] TextError),
    /// Somebody else was asked, and did not say.
    #[error("{0}")]
    Elsewhere(String),
    /// Our own side.
    #[error(transparent)]
    Desk(#[from] crate::desk::Error),
}

/// The voicemail PIN: the one that the user set by phone, else the initial one.
///
/// FreeSWITCH tells us the PIN and we compare here; the other way round (`vm_fsdb_auth_login`) the
/// digits would show in an event of every subscriber.
pub struct VoicemailPin {
    /// Knows the initial PINs.
    pub desk: Desk,
    /// The voicemail profile.
    pub profile: ProfileName,
    /// The domain of the mailboxes.
    pub domain: Domain,
    /// Whether the initial PIN counts beside one that the user set.
    pub old_pin_valid: bool,
}

/// A mailbox that nobody has, asked about for an extension that nobody has, so that this takes as long
/// and fails alike.
const NOBODY: &str = "nobody";

impl VoicemailPin {
    /// The PIN that the user set by phone, where there is one.
    async fn set_by_phone(
        &self,
        session: &Session,
        user: &str,
    ) -> Result<Option<SecretString>, CheckFailed> {
        let mailbox = format!("{}/{user}@{}", self.profile.as_str(), self.domain);
        let argument = Argument::word(&ChannelWord::parse(&mailbox)?).then_literal("|password");
        let answer = session.api(Api::new("vm_prefs").argument(argument)).await?;
        let text = answer.text();
        match text.trim() {
            // So FreeSWITCH says for a mailbox whose PIN was never changed, and for one that is not there.
            "" | "-ERR no reply" => Ok(None),
            error if error.starts_with("-ERR") => {
                Err(CheckFailed::NoProfile(self.profile.as_str().into()))
            }
            pin => Ok(Some(pin.to_owned().into())),
        }
    }
}

impl PinCheck for VoicemailPin {
    fn check<'a>(
        &'a self,
        session: &'a Session,
        user: &'a Extension,
        digits: &'a SecretString,
    ) -> BoxFuture<'a, Result<bool, CheckFailed>> {
        async move {
            // What is no user's extension may be a PIN typed too early, and is sent to nobody.
            let known = self.desk.known_pin(user).is_some();
            let mailbox = if known { user.as_str() } else { NOBODY };
            let set = self.set_by_phone(session, mailbox).await?;
            let initial = self.desk.known_pin(user).and_then(|known| known.initial);
            let initial = initial.filter(|_| set.is_none() || self.old_pin_valid);
            // Both are compared whatever the first one said.
            let by_phone = set.is_some_and(|pin| is_same(&pin, digits));
            let by_us = initial.is_some_and(|pin| is_same(&pin, digits));
            Ok((by_phone | by_us) & known)
        }
        .boxed()
    }
}

/// A hash of our own.
pub struct HashedPin {
    /// Knows the hashes.
    pub desk: Desk,
}

/// The hash of a PIN that nobody has, so that an unknown extension takes as long.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$aG90ZGVza2QtaG90ZGVzaw$ABcUXFkV4FSfJUpf0Yp0l/WJbc3kR4Gx1iwhZNyc0Ec";

impl PinCheck for HashedPin {
    fn check<'a>(
        &'a self,
        _session: &'a Session,
        user: &'a Extension,
        digits: &'a SecretString,
    ) -> BoxFuture<'a, Result<bool, CheckFailed>> {
        async move {
            let known: KnownPin = self.desk.known_pin(user).unwrap_or_default();
            let has_one = known.hash.is_some();
            let hash = known.hash.unwrap_or_else(|| NOBODYS.into());
            let matches = self.desk.matches_hash(digits.clone(), hash).await?;
            Ok(matches & has_one)
        }
        .boxed()
    }
}

/// Compares without telling by its time where they differ. The lengths are no secret worth keeping.
fn is_same(pin: &SecretString, digits: &SecretString) -> bool {
    pin.expose_secret().as_bytes().ct_eq(digits.expose_secret().as_bytes()).into()
}
