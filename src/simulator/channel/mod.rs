//! One call leg: its variables, its state, and the events that tell of it.

mod applications;
mod description;
mod digits;
mod ending;
mod state;
mod thread;

pub(super) use thread::CallThread;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::call::CallSetup;
use super::event::get;
use super::node::{Node, microseconds};
use super::packet::Packet;
use state::{ChannelState, Route, Running};

/// FreeSWITCH's queue of private events holds so many; the next one closes the socket.
pub(super) const QUEUE: usize = 256;
/// Keys typed ahead that a channel keeps.
const MAX_KEYS: usize = 100;
/// A channel takes no more variables.
const MAX_VARIABLES: usize = 5_000;

/// One call leg.
pub(super) struct Channel {
    pub(super) uuid: String,
    pub(super) setup: CallSetup,
    places: Places,
    state: Mutex<ChannelState>,
    changed: watch::Sender<()>,
}

/// Values for templates that never change.
struct Places {
    call_id: String,
    session: u64,
    to_tag: String,
    media_port: u32,
    ssrc: u32,
}

/// A `sendmsg` that waits for its turn.
pub(super) struct Message {
    pub(super) packet: Packet,
    /// Told when it has been carried out (sync mode waits for that).
    pub(super) done: Option<oneshot::Sender<()>>,
}

impl Channel {
    pub(super) fn new(node: &Node, setup: CallSetup) -> Self {
        let session = {
            let mut state = node.lock();
            state.sessions += 1;
            state.sessions
        };
        let uuid = node.uuid();
        let now = microseconds();
        let route = Route {
            number: setup.number.clone(),
            context: setup.context.clone(),
            profile: 1,
            created: now,
            from: None,
        };
        let channel = Self {
            places: Places {
                call_id: node.new_call_id(&setup.ip),
                session,
                to_tag: uuid.chars().filter(char::is_ascii_hexdigit).rev().take(13).collect(),
                media_port: 20_000 + node.random(10_000),
                ssrc: node.random(u32::MAX),
            },
            uuid,
            state: Mutex::new(ChannelState::new(now, route)),
            changed: watch::Sender::new(()),
            setup,
        };
        let variables = channel.first_variables(node);
        channel.lock().variables = variables;
        channel
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ChannelState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whoever waits for a change.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut ChannelState) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.send_replace(());
        result
    }

    /// Waits until `look` finds something; `None` at the deadline.
    pub(super) async fn until<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut(&mut ChannelState) -> Option<T>,
    ) -> Option<T> {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(found) = look(&mut self.lock()) {
                return Some(found);
            }
            match timeout_at(deadline, changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.lock().cause.is_none()
    }

    /// `transfer` has taken it away from the socket.
    pub(super) fn is_transferred(&self) -> bool {
        self.lock().route.from.is_some()
    }

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        get(&self.lock().variables, name).map(str::to_owned)
    }

    /// A variable, or what the caller's profile has under that name.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.variable(name).or_else(|| {
            Some(match name {
                "destination_number" => self.lock().route.number.clone(),
                "caller_id_number" | "ani" => self.setup.caller_number.clone(),
                "caller_id_name" => self.setup.caller_name.clone(),
                "username" => self.setup.phone.clone(),
                "network_addr" => self.setup.ip.clone(),
                "context" => self.lock().route.context.clone(),
                "dialplan" => "XML".to_owned(),
                "uuid" => self.uuid.clone(),
                _ => return None,
            })
        })
    }

    /// Sets a variable, which moves it behind all others; without a value it is unset.
    pub(super) fn set(&self, name: &str, value: Option<&str>) {
        self.update(|state| state.set(name, value));
    }

    /// A key of the caller's phone (`RTP`) or of `uuid_recv_dtmf` (`APP`).
    pub(super) fn press(&self, keys: &str, source: &'static str) {
        self.update(|state| {
            for key in keys.chars().filter(|key| is_key(*key)) {
                if state.keys.len() < MAX_KEYS {
                    state.keys.push_back((key.to_ascii_uppercase(), source));
                }
            }
        });
    }

    pub(super) fn break_application(&self) {
        self.update(|state| state.broken = true);
    }

    /// Queues a `sendmsg`; false when the queue is full. After the hang-up nothing comes of it.
    pub(super) fn queue(&self, message: Message) -> bool {
        self.update(|state| {
            if state.running >= Running::Hangup {
                return true;
            }
            let fits = state.queue.len() < QUEUE;
            if fits {
                state.queue.push_back(message);
            }
            fits
        })
    }

    /// Hangs up, once; the thread does the rest.
    pub(super) fn hang_up(&self, node: &Node, cause: &str, disposition: &'static str) {
        let first = self.update(|state| {
            let first = state.cause.is_none();
            if first {
                state.cause = Some(cause.to_owned());
                state.state = Running::Hangup;
                state.answer_state = "hangup";
                state.disposition = disposition;
            }
            first
        });
        if first {
            let source = ("switch_channel.c", "switch_channel_perform_hangup", 3447);
            self.fire(node, "CHANNEL_HANGUP", source, true, vec![]);
        }
    }

    /// Fires an event of this channel; `extra` stands behind everything else.
    pub(super) fn fire(
        &self,
        node: &Node,
        name: &str,
        source: (&str, &str, u32),
        with_variables: bool,
        extra: Vec<(String, String)>,
    ) {
        let mut event = node.event(name, source);
        if name == "CHANNEL_HANGUP_COMPLETE" {
            event.push("Hangup-Cause", self.lock().cause.clone().unwrap_or_default());
        }
        self.describe(node, &mut event, with_variables);
        event.extend(extra);
        node.fire(event);
    }
}

fn is_key(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d')
}
