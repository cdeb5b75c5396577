//! What a request is answered with; no IO, no clock.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::identity::Identity;
use super::message::{self, Notify, Ok200, Request};
use crate::metrics;
use crate::model::Mac;

/// Whom a phone is that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The phone.
    pub mac: Mac,
    /// Whether it is in the inventory.
    pub is_ours: bool,
    /// The URL that phones of its vendor are given who know nothing yet.
    pub url: String,
    /// A header of the NOTIFY that has the URL as well.
    pub header: Option<String>,
    /// What it says of itself.
    pub agent: String,
}

/// Why there is no answer. To whoever asks, all are silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Silence {
    /// It is no SIP.
    Malformed,
    /// It is SIP, and no question for a server.
    NoQuestion,
    /// It is a question without a MAC address.
    NoMac,
    /// The phone is not ours, and its network is not allowed.
    Stranger,
    /// Nothing is known of its vendor.
    NoVendor,
    /// It, or all of them together, asked too often.
    TooOften,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "no SIP message",
            Self::NoQuestion => "no question for a server",
            Self::NoMac => "no MAC address in it",
            Self::Stranger => "not in the inventory, and its network is not in `pnp.networks`",
            Self::NoVendor => "nothing is known of its vendor",
            Self::TooOften => "asked too often",
        })
    }
}

impl Silence {
    /// What it counts as.
    pub(super) fn label(self) -> metrics::Silence {
        match self {
            Self::Malformed => metrics::Silence::Malformed,
            Self::NoQuestion => metrics::Silence::NoQuestion,
            Self::NoMac => metrics::Silence::NoMac,
            Self::Stranger => metrics::Silence::Stranger,
            Self::NoVendor => metrics::Silence::NoVendor,
            Self::TooOften => metrics::Silence::TooOften,
        }
    }
}

/// What is known of phones.
pub(super) trait Phones {
    /// The phone, or why it is not answered.
    fn known(&self, mac: Mac, identity: &Identity, from: IpAddr) -> Result<Asked, Silence>;
}

/// The phone that a request is from, if it is one that is answered.
pub(super) fn asked(
    request: &Request<'_>,
    from: SocketAddr,
    phones: &impl Phones,
) -> Result<Asked, Silence> {
    // A tag in To is that of a dialog, and none of ours is longer than its NOTIFY.
    if request.method != "SUBSCRIBE" || request.to.tag().is_some() {
        return Err(Silence::NoQuestion);
    }
    let identity = Identity::of(request).ok_or(Silence::NoQuestion)?;
    let mac = identity.mac.ok_or(Silence::NoMac)?;
    phones.known(mac, &identity, from.ip().to_canonical())
}

/// The two messages for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The 200, for where the request came from.
    pub ok: Vec<u8>,
    /// The NOTIFY.
    pub notify: Vec<u8>,
    /// Where the NOTIFY goes.
    pub to: SocketAddr,
}

/// What nobody can guess, so that nobody answers in a phone's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    /// Our tag.
    pub tag: String,
    /// The branch of the NOTIFY.
    pub branch: String,
}

/// Writes both.
pub(super) fn answer(
    request: &Request<'_>,
    asked: &Asked,
    from: SocketAddr,
    here: SocketAddr,
    tokens: &Tokens,
) -> Answer {
    let tag = tokens.tag.as_str();
    let ok = message::ok(request, &Ok200 { from, here, tag });
    let contact = request.contact().map(|contact| contact.uri);
    let contact = contact.filter(|uri| uri.to_ascii_lowercase().starts_with("sip:"));
    let to = contact.as_deref().and_then(|uri| reached(uri, from)).unwrap_or(from);
    let uri = contact.unwrap_or_else(|| format!("sip:{from}"));
    let (url, header) = (asked.url.as_str(), asked.header.as_deref());
    let branch = tokens.branch.as_str();
    let notify = message::notify(request, &Notify { here, uri: &uri, tag, branch, url, header });
    Answer { ok, notify, to }
}

/// Where a Contact is reached, if that is the machine that asked: nobody has us send to others.
fn reached(uri: &str, from: SocketAddr) -> Option<SocketAddr> {
    let host = uri.get("sip:".len()..)?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split([';', '?']).next()?;
    let from_ip = from.ip().to_canonical();
    if let Ok(address) = host.parse::<SocketAddr>() {
        let is_there = address.ip().to_canonical() == from_ip && address.port() != 0;
        return is_there.then(|| SocketAddr::new(from.ip(), address.port()));
    }
    let address = host.parse::<Ipv4Addr>().ok()?;
    (IpAddr::V4(address) == from_ip).then(|| SocketAddr::new(from.ip(), 5060))
}
