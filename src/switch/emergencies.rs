//! Emergency calls: heard of as they are made, and read from `mod_db` when we were not there.
//!
//! The dialplan writes each into `mod_db` before it dials, and fires an event. Whatever was told is written into the
//! journal once, by the channel's Unique-ID, and only then taken out of `mod_db`; so one that was missed, or could not be
//! written down, is found there at the next look: after each connecting, and every few minutes.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::keeper::told;
use super::peer::{Line, Peer};
use super::{AskError, Switch};
use crate::desk::Desk;
use crate::event_socket::{Api, Argument, ChannelWord, Message};
use crate::model::{EmergencyCall, EmergencyStage};

/// The event of the dialplan's.
pub(super) const SUBCLASS: &str = "hotdeskd::emergency";
/// How many may wait for whoever writes them down; past that they are read from `mod_db`.
pub(super) const MOST: usize = 256;
/// How often what `mod_db` holds is looked at although nobody connected.
const LOOK: Duration = Duration::from_secs(120);
/// How many are read of one node at once.
const MOST_READ: usize = 500;
/// How long a number, a name or an id may be.
const LONGEST: usize = 64;

/// Reads an event, if it tells of an emergency call.
pub(super) fn read(event: &Message, node: &str) -> Option<EmergencyCall> {
    let text = |name: &str| event.field(name).map(|value| value.text().into_owned());
    let stage = EmergencyStage::of(&text("Hotdesk-Stage")?)?;
    let stamp = text("Event-Date-Timestamp").and_then(|stamp| stamp.parse().ok());
    let at = stamp.and_then(|stamp| Timestamp::from_microsecond(stamp).ok());
    Some(EmergencyCall {
        call: id(&text("Unique-ID")?)?,
        node: node.to_owned(),
        stage,
        number: plain(&text("Hotdesk-Number").unwrap_or_default()),
        from: plain(&text("Hotdesk-Phone").unwrap_or_default()),
        caller_id: text("Hotdesk-Caller-ID").as_deref().and_then(shown),
        at: at.unwrap_or_else(Timestamp::now),
        missed: false,
    })
}

/// Reads what the dialplan wrote into `mod_db`: `1795343317.999.0004132a0001.+43123456`.
fn kept(call: &str, value: &str, node: &str) -> Option<EmergencyCall> {
    let mut parts = value.trim().splitn(4, '.');
    let mut next = || parts.next();
    let (at, number, from, caller_id) = (next()?, next()?, next()?, next());
    Some(EmergencyCall {
        call: id(call)?,
        node: node.to_owned(),
        stage: EmergencyStage::Dialled,
        number: plain(number),
        from: plain(from),
        caller_id: caller_id.and_then(shown),
        at: Timestamp::from_second(at.parse().ok()?).ok()?,
        missed: true,
    })
}

/// A number or a user name. Whatever it is, the call is told.
fn plain(text: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#' | '-');
    text.chars().take(LONGEST).map(|c| if is_plain(&c) { c } else { '?' }).collect()
}

/// The caller ID, where one was shown.
fn shown(text: &str) -> Option<String> {
    (!text.is_empty() && text != "_undef_").then(|| plain(text))
}

/// A Unique-ID.
fn id(text: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ((1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain)).then(|| text.to_owned())
}

impl Switch {
    /// Writes emergency calls into the journal until `shutdown`. Once is enough.
    pub async fn keep_emergencies(&self, desk: Desk, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.listen_for_emergencies(desk) => {}
        }
    }

    async fn listen_for_emergencies(&self, desk: Desk) {
        let mut calls = self.emergencies.subscribe();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                call = calls.recv() => match call {
                    Ok(call) => self.heard(&desk, call).await,
                    Err(RecvError::Lagged(_)) => look.reset_immediately(),
                    Err(RecvError::Closed) => return std::future::pending().await,
                },
                () = self.connected.notified() => look.reset_immediately(),
                _ = look.tick() => {
                    join_all(self.peers.iter().map(|peer| self.look_for_missed(&desk, peer))).await;
                }
            }
        }
    }

    /// One call as it is made.
    async fn heard(&self, desk: &Desk, call: EmergencyCall) {
        let (id, node, stage) = (call.call.clone(), call.node.clone(), call.stage);
        tracing::warn!(from = call.from, number = call.number, node, ?stage, "emergency call");
        if !write(desk, call).await || stage != EmergencyStage::Dialled {
            return;
        }
        let peer = self.peers.iter().find(|peer| peer.node.name == node);
        let line = peer.and_then(|peer| Some((peer, peer.view().line.clone()?)));
        if let (Some((peer, line)), Ok(key)) = (line, ChannelWord::parse(&id)) {
            told(peer, &line, forget(&line, &key).await);
        }
    }

    /// The calls that a node remembers.
    async fn look_for_missed(&self, desk: &Desk, peer: &Peer) {
        let Some(line) = peer.view().line.clone() else { return };
        let read = self.read_missed(desk, peer, &line).await;
        if told(peer, &line, read).is_some() {
            peer.view().emergencies_known = true;
        }
    }

    async fn read_missed(&self, desk: &Desk, peer: &Peer, line: &Line) -> Result<(), AskError> {
        let list = Api::new("db").argument("list/hotdesk_emergency");
        let list = line.client.api(list).await?;
        // Without any, and without mod_db, FreeSWITCH answers an error, which names no call. A list that begins like one
        // may still name calls behind it.
        for key in list.text().trim().split(',').take(MOST_READ) {
            let Some(key) = id(key).and_then(|key| ChannelWord::parse(&key).ok()) else { continue };
            let select = Argument::literal("select/hotdesk_emergency/").then_word(&key);
            let value = line.client.api(Api::new("db").argument(select)).await?;
            let call = kept(key.as_str(), &value.text(), &peer.node.name);
            let is_done = match call {
                Some(call) => write(desk, call).await,
                None => {
                    tracing::warn!(
                        node = peer.node.name,
                        call = key.as_str(),
                        "an emergency call of which mod_db tells nothing readable"
                    );
                    true
                }
            };
            if is_done {
                forget(line, &key).await?;
            }
        }
        Ok(())
    }
}

/// Takes a call out of a node's `mod_db`.
async fn forget(line: &Line, call: &ChannelWord) -> Result<(), AskError> {
    let delete = Argument::literal("delete/hotdesk_emergency/").then_word(call);
    line.client.api(Api::new("db").argument(delete)).await?;
    Ok(())
}

/// Whether the call is in the journal now.
async fn write(desk: &Desk, call: EmergencyCall) -> bool {
    let id = call.call.clone();
    match desk.emergency(call, Timestamp::now()).await {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(call = id, %error, "an emergency call is not in the journal yet; trying again");
            false
        }
    }
}

#[cfg(test)]
mod tests;
