//! Who may have a file: decided here, without IO and clock.
//!
//! A bare MAC address is no proof: it stands on the phone's back. What proves a phone is its own URL (with
//! a key that nobody guesses), its factory certificate, or its HTTP credentials. In its window a phone that
//! has none of these is given its own URL, once, and nothing else.

use std::net::IpAddr;

use jiff::Timestamp;

use super::settings::EnrolmentSettings;
use crate::model::{Mac, PhoneRefusal, Proof};
use crate::store::Memory;

/// By which door a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mount<'a> {
    /// `/provision/…`, the documents' URLs.
    Open,
    /// `/p/<key>/…`.
    Keyed(&'a str),
}

/// What a request's HTTP credentials said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// There were none.
    Nothing,
    /// They are this phone's.
    Phone(Mac),
    /// They are right, but the nonce is too old.
    Stale,
    /// They are nobody's.
    Wrong,
}

/// What is known of who asks.
#[derive(Debug, Clone, Copy)]
pub struct Knock<'a> {
    /// By which door.
    pub mount: Mount<'a>,
    /// The MAC address in the path or the query.
    pub named: Option<Mac>,
    /// The MAC address in the User-Agent.
    pub agent: Option<Mac>,
    /// The MAC address in a client certificate that was verified.
    pub certificate: Option<Mac>,
    /// The HTTP credentials.
    pub presented: Presented,
    /// From where.
    pub from: IpAddr,
    /// Whether its network had too many refusals lately.
    pub is_over: bool,
}

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// This phone, proven.
    Phone(Mac, Proof),
    /// Whoever asks for this phone in its window: its own URL and nothing else.
    Window(Mac),
    /// A phone that is not in the inventory and is to be added.
    Unknown(Mac),
}

/// Who is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnedAway {
    /// Whether credentials are asked for; else it is *not found*.
    pub challenge: bool,
    /// Whether its credentials were right but for the age of the nonce.
    pub stale: bool,
    /// Why.
    pub why: PhoneRefusal,
    /// The phone of the inventory that it was about.
    pub phone: Option<Mac>,
}

impl Knock<'_> {
    /// Decides.
    ///
    /// # Errors
    /// Whoever asks is turned away.
    pub fn admit(
        &self,
        memory: &Memory,
        settings: &EnrolmentSettings,
        now: Timestamp,
    ) -> Result<Admitted, TurnedAway> {
        let (phone, proof) = match self.mount {
            Mount::Keyed(key) => match self.of_key(key, memory, now) {
                Some(phone) => (phone, Proof::Key),
                None => return Err(self.not_found(PhoneRefusal::Unknown, None)),
            },
            Mount::Open => match (self.certificate, self.presented) {
                (Some(phone), _) => (phone, Proof::Certificate),
                (None, Presented::Phone(phone)) => (phone, Proof::Password),
                (None, _) => return self.without_proof(memory, settings, now),
            },
        };
        let known = memory.phone(phone).map(|phone| phone.mac);
        if known.is_none() {
            return Err(self.not_found(PhoneRefusal::Unknown, None));
        }
        // Path and User-Agent alone prove nothing, but they must not say something else.
        let others = [
            (self.named, PhoneRefusal::OtherPhone),
            (self.certificate, PhoneRefusal::OtherPhone),
            (self.agent, PhoneRefusal::Agent),
        ];
        for (other, why) in others {
            if other.is_some_and(|other| other != phone) {
                return Err(self.not_found(why, known));
            }
        }
        Ok(Admitted::Phone(phone, proof))
    }

    fn of_key(&self, key: &str, memory: &Memory, now: Timestamp) -> Option<Mac> {
        use secrecy::ExposeSecret as _;
        let phone = memory.phone_of_key(key)?;
        let enrolment = memory.enrolment(phone)?;
        let old = enrolment.old_key.as_ref().filter(|(_, until)| now < *until);
        let is_good = enrolment.key.expose_secret() == key
            || old.is_some_and(|(old, _)| old.expose_secret() == key);
        is_good.then_some(phone)
    }

    fn without_proof(
        &self,
        memory: &Memory,
        settings: &EnrolmentSettings,
        now: Timestamp,
    ) -> Result<Admitted, TurnedAway> {
        let Some(named) = self.named else {
            // What has no phone in its name is nobody's file: no credentials can be right for it.
            return Err(self.not_found(PhoneRefusal::NoFile, None));
        };
        let phone = memory.phone(named).map(|phone| phone.mac);
        let is_open = memory.enrolment(named).is_some_and(|enrolment| enrolment.is_open(now));
        let why = match self.presented {
            Presented::Nothing if self.is_over => PhoneRefusal::TooMany,
            Presented::Nothing if self.agent.is_some_and(|agent| agent != named) => {
                PhoneRefusal::Agent
            }
            Presented::Nothing if phone.is_none() && settings.adds(self.from) => {
                return Ok(Admitted::Unknown(named));
            }
            Presented::Nothing if phone.is_none() => PhoneRefusal::Unknown,
            Presented::Nothing if !is_open => PhoneRefusal::WindowClosed,
            Presented::Nothing if !settings.allows(self.from) => PhoneRefusal::Network,
            Presented::Nothing => return Ok(Admitted::Window(named)),
            Presented::Stale | Presented::Wrong | Presented::Phone(_) => PhoneRefusal::Credentials,
        };
        let stale = self.presented == Presented::Stale;
        Err(TurnedAway { challenge: true, stale, why, phone })
    }

    fn not_found(&self, why: PhoneRefusal, phone: Option<Mac>) -> TurnedAway {
        TurnedAway { challenge: false, stale: false, why, phone }
    }
}
