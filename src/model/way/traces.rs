//! What is kept of a phone for good, however many requests are forgotten: when it came first, and where it registers.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{PhoneRefusal, PhoneRequest, Told};

/// What a phone did at the phones' listener. Anybody can come in a phone's name, so only `configured` needs a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneContact {
    /// When something came first that was, or said it was, this phone.
    pub first: Timestamp,
    /// When it was first given its main configuration file since it is enrolled.
    pub configured: Option<Timestamp>,
    /// What it is told instead of a file, and since when; absent once it was given one.
    pub refusal: Option<(Timestamp, Told)>,
}

impl PhoneContact {
    /// A phone that came for the first time.
    pub fn new(first: Timestamp) -> Self {
        Self { first, configured: None, refusal: None }
    }

    /// Notes how a request was answered.
    pub fn note(&mut self, request: &PhoneRequest) {
        match &request.why {
            Told::File { .. } | Told::Unchanged { .. } | Told::Bootstrap => self.refusal = None,
            // What phones ask for as a matter of course, whether or not it is there.
            Told::Kept { .. }
            | Told::Discarded { .. }
            // A URL that is anybody's: whether the phone is let in there, it has yet to see.
            | Told::Pnp { .. }
            | Told::Refused { reason: PhoneRefusal::NoFile | PhoneRefusal::Method } => {}
            told @ (Told::Challenged | Told::Refused { .. } | Told::Broken { .. }) => {
                if self.refusal.as_ref().is_none_or(|(_, old)| old != told) {
                    self.refusal = Some((request.at, told.clone()));
                }
            }
        }
    }

    /// Notes that it was given its main configuration file, and since when it is enrolled.
    pub fn note_configured(&mut self, at: Timestamp, proven: Option<Timestamp>) {
        let holds =
            |known: Timestamp| proven.is_none_or(|proven| known.as_second() >= proven.as_second());
        self.configured = self.configured.filter(|known| holds(*known)).or(Some(at));
    }
}

/// Where a phone is registered at FreeSWITCH, or was the last time. Of a DECT base one of its handsets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneRegistration {
    /// When it registered for the first time, as far as the daemon saw it.
    pub first: Timestamp,
    /// Since when it is registered from this address.
    pub since: Timestamp,
    /// When it was registered no longer.
    pub ended: Option<Timestamp>,
    /// The FreeSWITCH node.
    pub node: String,
    /// The address that FreeSWITCH sees it at (`network_ip`): behind a NAT or a proxy, that one's.
    pub address: Option<IpAddr>,
    /// Its SIP User-Agent.
    pub agent: String,
    /// Since when it registers from elsewhere than the networks of its location, and which location that is.
    pub moved: Option<(Timestamp, String)>,
}

impl PhoneRegistration {
    /// Since when it is registered, if it is.
    pub fn registered(&self) -> Option<Timestamp> {
        self.ended.is_none().then_some(self.since)
    }
}

/// What one FreeSWITCH says of a phone's registrations when it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRegistrations {
    /// The node.
    pub node: String,
    /// Why it could not be asked.
    pub trouble: Option<String>,
    /// The phone's registrations there, newest first.
    pub registrations: Vec<RegisteredAs>,
}

/// One registration as FreeSWITCH tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredAs {
    /// The SIP profile.
    pub profile: String,
    /// The address at which FreeSWITCH sees it.
    pub address: Option<IpAddr>,
    /// The address that the phone says it has, where its Contact has one.
    pub contact: Option<IpAddr>,
    /// Its SIP User-Agent.
    pub agent: String,
}

impl RegisteredAs {
    /// The phone's own address: where both say the same, nothing rewrites addresses between it and FreeSWITCH, and
    /// whoever is there has authenticated as the phone.
    pub fn own_address(&self) -> Option<IpAddr> {
        self.address.filter(|address| self.contact.as_ref() == Some(address))
    }
}
