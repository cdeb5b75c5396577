//! What comes in at one socket and what goes out of it, without the socket.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::answer::{self, Answer, Asked, Phones, Silence, Tokens};
use super::limit::Limits;
use super::message::{Message, Request, Response};
use super::retransmission::{Due, Key, Outgoing, Timers, Transactions};
use crate::model::{Mac, PhoneRequest, Told};

/// So many transactions are open at a time, of some 1 KB each (never more than 10): 1,000 phones that boot at
/// once are a quarter of it.
const MOST_OPEN: usize = 4_096;

/// A datagram to be sent.
pub(super) type Packet = (Arc<[u8]>, SocketAddr);

/// A phone that was sent its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    mac: Mac,
    from: IpAddr,
    at: Timestamp,
    url: String,
    agent: String,
    /// Whether it is written down: it is in the inventory, and did not ask just before.
    is_noted: bool,
}

impl Sent {
    /// What is written down of it; `status` is that of the phone's answer to our NOTIFY, absent where there was none.
    fn noted(self, status: Option<u16>) -> Option<PhoneRequest> {
        let taken = status.is_some_and(|status| status < 300);
        self.is_noted.then(|| PhoneRequest {
            at: self.at,
            phone: self.mac,
            from: self.from,
            method: "SUBSCRIBE".to_owned(),
            path: "(SIP PnP)".to_owned(),
            agent: self.agent,
            // As SIP calls a request that nobody answers.
            status: status.unwrap_or(408),
            bytes: 0,
            why: Told::Pnp { url: self.url, taken },
        })
    }
}

/// What was heard and not answered, and how many were, since it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// SUBSCRIBEs that got a NOTIFY.
    pub answered: u64,
    /// The rest, by why.
    pub silent: BTreeMap<Silence, u64>,
}

/// What is to be done about a datagram, or about time that went by.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// What to send, in this order.
    pub send: Vec<Packet>,
    /// What to write down.
    pub note: Option<PhoneRequest>,
}

/// The responder at one socket.
#[derive(Debug)]
pub(super) struct Responder<P> {
    phones: P,
    limits: Limits,
    transactions: Transactions<Sent>,
    counts: Counts,
}

impl<P: Phones> Responder<P> {
    /// One that has heard nothing, with so many answers a second.
    pub(super) fn new(phones: P, per_second: u32) -> Self {
        Self {
            phones,
            limits: Limits::new(per_second),
            transactions: Transactions::new(Timers::default(), MOST_OPEN),
            counts: Counts::default(),
        }
    }

    /// A datagram. `here` says at which of our addresses `from` reaches us.
    pub(super) fn hear(
        &mut self,
        bytes: &[u8],
        from: SocketAddr,
        here: impl FnOnce(SocketAddr) -> SocketAddr,
        (now, at): (Instant, Timestamp),
    ) -> Heard {
        // What floods a network is thrown away before it costs anything.
        let trimmed = bytes.trim_ascii_start();
        if !trimmed.starts_with(b"SUBSCRIBE ") && !trimmed.starts_with(b"SIP/2.0 ") {
            return self.silent(Silence::NoQuestion);
        }
        match Message::parse(bytes) {
            Err(_) => self.silent(Silence::Malformed),
            Ok(Message::Response(response)) => self.answered(&response),
            Ok(Message::Request(request)) => match self.request(&request, from, here, now, at) {
                Ok(send) => Heard { send, note: None },
                Err(why) => self.silent(why),
            },
        }
    }

    fn request(
        &mut self,
        request: &Request<'_>,
        from: SocketAddr,
        here: impl FnOnce(SocketAddr) -> SocketAddr,
        now: Instant,
        at: Timestamp,
    ) -> Result<Vec<Packet>, Silence> {
        let key = Key {
            from,
            uri: request.uri.to_owned(),
            call_id: request.call_id().to_owned(),
            tag: request.from.tag().unwrap_or_default().to_owned(),
            sequence: request.sequence,
            branch: request.via.branch().unwrap_or_default().to_owned(),
        };
        if let Some(ok) = self.transactions.again(&key) {
            return Ok(vec![(ok, from)]);
        }
        let asked = answer::asked(request, from, &self.phones)?;
        let ip = from.ip().to_canonical();
        if !self.limits.take(asked.mac, ip, now) || !self.transactions.make_room() {
            return Err(Silence::TooOften);
        }
        let tokens = tokens();
        let Answer { ok, notify, to } = answer::answer(request, &asked, from, here(from), &tokens);
        let Asked { mac, is_ours, url, agent, .. } = asked;
        let is_noted = is_ours && self.limits.is_noted(mac, now);
        tracing::debug!(phone = %mac, %from, url, "a phone asked by SIP PnP and is sent its URL");
        let about = Sent { mac, from: ip, at, url, agent, is_noted };
        let (ok, bytes): (Arc<[u8]>, Arc<[u8]>) = (ok.into(), notify.into());
        let send = vec![(Arc::clone(&ok), from), (Arc::clone(&bytes), to)];
        let outgoing = Outgoing { branch: tokens.branch, bytes, to, about };
        self.transactions.begin(key, ok, outgoing, now);
        self.counts.answered += 1;
        Ok(send)
    }

    /// A phone answered a NOTIFY of ours; who does not know its branch answers nothing.
    fn answered(&mut self, response: &Response) -> Heard {
        let branch = response.branch.as_deref().filter(|_| response.method == "NOTIFY");
        let sent = branch.and_then(|branch| self.transactions.answered(branch, response.status));
        Heard { send: Vec::new(), note: sent.and_then(|sent| sent.noted(Some(response.status))) }
    }

    fn silent(&mut self, why: Silence) -> Heard {
        *self.counts.silent.entry(why).or_default() += 1;
        Heard::default()
    }

    /// One thing that has become due; `None` when nothing is.
    pub(super) fn due(&mut self, now: Instant) -> Option<Heard> {
        Some(match self.transactions.due(now)? {
            Due::Send(bytes, to) => Heard { send: vec![(bytes, to)], note: None },
            Due::GivenUp(sent) => Heard { send: Vec::new(), note: sent.noted(None) },
        })
    }

    /// When something becomes due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.transactions.next()
    }

    /// What was counted since the last time.
    pub(super) fn counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }
}

fn tokens() -> Tokens {
    let (tag, branch): (u64, u128) = (rand::random(), rand::random());
    // What RFC 3261 begins a branch with.
    Tokens { tag: format!("{tag:016x}"), branch: format!("z9hG4bK{branch:032x}") }
}
