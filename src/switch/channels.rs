//! Which phones have a channel.
//!
//! A phone shows up in four ways (tried): it called, and its MAC address is the user of the channel's name, or, whatever
//! stands in its From, the name as which it authenticated; it was called, and its MAC address is the number that was
//! dialled in the end, or its Contact is in the channel's name. Whoever sits there is often all that a presence id tells.
//! A phone too many is harmless: it waits for the end of a call. A phone too few would be disturbed in the middle of one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::registrations::{Registration, address_of, phone_of};
use crate::event_socket::Message;
use crate::model::Mac;

/// How many channels are kept of one node. With more than these every phone counts as busy.
const MOST: usize = 50_000;
/// How long a kept text may be, in bytes.
const LONGEST: usize = 256;
/// `show channels` comes from a table that lags up to a second behind the events (tried); so much later it is right.
const LAG: Duration = Duration::from_secs(5);

/// What a channel tells of the phones in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Channel {
    pub uuid: String,
    /// Phones by MAC address.
    phones: Vec<Mac>,
    /// `user@host:port`, as in the Contact of a phone that was called.
    address: Option<String>,
    /// Whether the phone called FreeSWITCH.
    calls: bool,
}

impl Channel {
    /// Reads an event `CHANNEL_CREATE`.
    pub(super) fn of_event(event: &Message) -> Option<Self> {
        let field = |name: &str| event.field(name).map(|value| value.text().into_owned());
        let row = Row {
            uuid: field("Unique-ID")?,
            direction: field("Call-Direction").unwrap_or_default(),
            name: field("Channel-Name").unwrap_or_default(),
            presence_id: field("Channel-Presence-ID").unwrap_or_default(),
            cid_num: field("Caller-Caller-ID-Number").unwrap_or_default(),
            dest: field("Caller-Destination-Number").unwrap_or_default(),
            ..Row::default()
        };
        let mut channel = row.channel()?;
        if let Some(user) = event.variable("sip_auth_username") {
            channel.authenticated_as(&user.text());
        }
        Some(channel)
    }

    /// A phone authenticated itself for the call.
    pub(super) fn authenticated_as(&mut self, user: &str) {
        self.phones.extend(phone_of(user).filter(|phone| !self.phones.contains(phone)));
    }

    /// Whether this phone is in it.
    fn has(&self, phone: Mac, registrations: &[Registration]) -> bool {
        let called = |address: &str| registrations.iter().any(|one| one.address() == Some(address));
        self.phones.contains(&phone) || self.address.as_deref().is_some_and(called)
    }
}

/// `Unique-ID` of an event `CHANNEL_DESTROY`.
pub(super) fn ended(event: &Message) -> Option<String> {
    event.field("Unique-ID").map(|value| value.text().into_owned())
}

/// The answer to `show channels as json`. Without channels it has no `rows` (tried).
#[derive(Deserialize)]
struct Shown {
    row_count: u64,
    #[serde(default)]
    rows: Vec<Row>,
}

/// A channel as `show channels` and the events describe it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    uuid: String,
    direction: String,
    name: String,
    presence_id: String,
    cid_num: String,
    initial_cid_num: String,
    dest: String,
    initial_dest: String,
}

impl Row {
    /// The phones in it.
    fn channel(self) -> Option<Channel> {
        if self.uuid.is_empty() || self.uuid.len() > LONGEST {
            return None;
        }
        let calls = self.direction == "inbound";
        // sofia/internal/0004132a0001@example.net, sofia/internal/sip:0004132a0001@192.0.2.7:5060
        let target = self.name.splitn(3, '/').nth(2).and_then(address_of).unwrap_or_default();
        let user = |text: &str| phone_of(text.split('@').next().unwrap_or_default());
        let numbers = if calls {
            [&self.cid_num, &self.initial_cid_num]
        } else {
            [&self.dest, &self.initial_dest]
        };
        let mut phones: Vec<Mac> = [target, &self.presence_id, numbers[0], numbers[1]]
            .into_iter()
            .filter_map(user)
            .collect();
        phones.dedup();
        let address =
            (!calls && target.contains('@') && target.len() <= LONGEST).then(|| target.to_owned());
        Some(Channel { uuid: self.uuid, phones, address, calls })
    }
}

/// Reads the answer to `show channels as json`.
pub(super) fn read(answer: &str) -> Result<Vec<Channel>, serde_json::Error> {
    let shown: Shown = serde_json::from_str(answer)?;
    if shown.row_count != shown.rows.len() as u64 {
        return Err(serde::de::Error::custom("row_count is not the number of rows"));
    }
    Ok(shown.rows.into_iter().filter_map(Row::channel).collect())
}

/// The channels of one node, from events and from what `show channels` said.
#[derive(Debug, Default)]
pub(super) struct Channels {
    all: HashMap<String, (Channel, Instant)>,
    /// Those that ended within [`LAG`], which `show channels` may still list.
    ended: VecDeque<(String, Instant)>,
    /// Since when there are more than are kept.
    overflow: Option<Instant>,
}

/// Who has a channel, to look up many phones in.
#[derive(Debug, Default)]
pub(super) struct Calls {
    phones: HashMap<Mac, Instant>,
    addresses: HashMap<String, Instant>,
    everybody: Option<Instant>,
}

impl Calls {
    /// Since when a phone with these registrations has a channel, as far as we saw; `None` when it has none.
    pub(super) fn since(&self, phone: Mac, registrations: &[Registration]) -> Option<Instant> {
        let addresses = registrations.iter().filter_map(Registration::address);
        let called = addresses.filter_map(|address| self.addresses.get(address));
        called.chain(self.phones.get(&phone)).copied().chain(self.everybody).min()
    }
}

impl Channels {
    /// Whether a phone with these registrations has a channel.
    pub(super) fn has(&self, phone: Mac, registrations: &[Registration]) -> bool {
        self.overflow.is_some()
            || self.all.values().any(|(channel, _)| channel.has(phone, registrations))
    }

    /// Who has one.
    pub(super) fn calls(&self) -> Calls {
        let mut calls = Calls { everybody: self.overflow, ..Calls::default() };
        for (channel, began) in self.all.values() {
            for phone in &channel.phones {
                let since = calls.phones.entry(*phone).or_insert(*began);
                *since = (*since).min(*began);
            }
            if let Some(address) = &channel.address {
                let since = calls.addresses.entry(address.clone()).or_insert(*began);
                *since = (*since).min(*began);
            }
        }
        calls
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// A channel began, says an event.
    pub(super) fn begin(&mut self, channel: Channel, now: Instant) {
        if self.all.len() >= MOST && !self.all.contains_key(&channel.uuid) {
            self.overflow.get_or_insert(now);
            return;
        }
        self.all.insert(channel.uuid.clone(), (channel, now));
    }

    /// A channel ended, says an event.
    pub(super) fn end(&mut self, uuid: String, now: Instant) {
        self.all.remove(&uuid);
        self.forget(now);
        if self.ended.len() < MOST {
            self.ended.push_back((uuid, now));
        }
    }

    /// These are all, says `show channels`, give or take [`LAG`].
    pub(super) fn replace(&mut self, shown: Vec<Channel>, now: Instant) {
        self.forget(now);
        let listed: HashSet<&str> = shown.iter().map(|channel| channel.uuid.as_str()).collect();
        self.all.retain(|uuid, (_, since)| {
            listed.contains(uuid.as_str()) || now.saturating_duration_since(*since) < LAG
        });
        self.overflow = None;
        let ended: HashSet<String> = self.ended.iter().map(|(uuid, _)| uuid.clone()).collect();
        for channel in shown {
            if ended.contains(&channel.uuid) {
                continue;
            }
            match self.all.get_mut(&channel.uuid) {
                // An event may have told more than the list does: as whom the phone authenticated itself.
                Some((known, _)) => known.learn(channel),
                None => self.begin(channel, now),
            }
        }
    }

    /// Whether nobody told yet whose this channel is.
    pub(super) fn is_riddle(&self, channel: &Channel) -> bool {
        channel.calls && channel.phones.is_empty() && !self.all.contains_key(&channel.uuid)
    }

    fn forget(&mut self, now: Instant) {
        while let Some((_, at)) = self.ended.front() {
            if now.saturating_duration_since(*at) < LAG {
                break;
            }
            self.ended.pop_front();
        }
    }
}

impl Channel {
    /// Adds what another look at the same channel showed.
    fn learn(&mut self, later: Self) {
        let new: Vec<Mac> =
            later.phones.into_iter().filter(|phone| !self.phones.contains(phone)).collect();
        self.phones.extend(new);
        self.address = later.address.or(self.address.take());
    }
}

#[cfg(test)]
mod tests;
