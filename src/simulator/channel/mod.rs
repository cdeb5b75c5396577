//! One call leg: its variables, its state, and the events that tell of it.

mod applications;
mod digits;
mod thread;

pub(super) use thread::CallThread;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::call::CallSetup;
use super::event::{Event, get};
use super::node::{Node, local_time, microseconds};
use super::packet::Packet;
use super::template::fill;

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

pub(super) struct ChannelState {
    variables: Vec<(String, String)>,
    /// `CS_EXECUTE`, …: what the events call `Channel-State`.
    pub(super) running: Running,
    /// What the state machine has already been told; its number is in the events too.
    pub(super) state: Running,
    pub(super) call_state: &'static str,
    pub(super) answer_state: &'static str,
    pub(super) cause: Option<String>,
    disposition: &'static str,
    created: u64,
    answered: u64,
    progress_media: u64,
    hungup: u64,
    keys: VecDeque<(char, &'static str)>,
    dialed: String,
    /// `uuid_break`.
    pub(super) broken: bool,
    /// The caller says nothing: the wait for keys that is going on, or the next, ends.
    pub(super) waited_out: bool,
    pub(super) queue: VecDeque<Message>,
    /// The daemon has said `connect`.
    pub(super) connected: bool,
    /// The socket's thread has ended.
    pub(super) released: bool,
}

/// The state machine's states that a caller's leg passes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Running {
    Routing = 2,
    Execute = 4,
    Hangup = 10,
    Reporting = 11,
}

impl Running {
    fn name(self) -> &'static str {
        match self {
            Self::Routing => "CS_ROUTING",
            Self::Execute => "CS_EXECUTE",
            Self::Hangup => "CS_HANGUP",
            Self::Reporting => "CS_REPORTING",
        }
    }
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
        let channel = Self {
            places: Places {
                call_id: node.new_call_id(&setup.ip),
                session,
                to_tag: uuid.chars().filter(char::is_ascii_hexdigit).rev().take(13).collect(),
                media_port: 20_000 + node.random(10_000),
                ssrc: node.random(u32::MAX),
            },
            uuid,
            state: Mutex::new(ChannelState::new(now)),
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

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        get(&self.lock().variables, name).map(str::to_owned)
    }

    /// A variable, or what the caller's profile has under that name.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.variable(name).or_else(|| {
            Some(match name {
                "destination_number" => self.setup.number.clone(),
                "caller_id_number" | "ani" => self.setup.caller_number.clone(),
                "caller_id_name" => self.setup.caller_name.clone(),
                "username" => self.setup.phone.clone(),
                "network_addr" => self.setup.ip.clone(),
                "context" => self.setup.context.clone(),
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

    /// Queues a `sendmsg`; false when the queue is full.
    pub(super) fn queue(&self, message: Message) -> bool {
        self.update(|state| {
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

    /// The answer to `connect`: the caller's profile twice, everything encoded, no length.
    pub(super) fn connect_reply(&self, node: &Node, is_async: bool, full: bool) -> String {
        let source = ("mod_event_socket.c", "parse_command", 2029);
        let mut event = node.event("CHANNEL_DATA", source);
        event.extend(self.profile(node, "Channel-"));
        self.describe(node, &mut event, true);
        event.push("Content-Type", "command/reply");
        event.push("Reply-Text", "+OK\n");
        event.push("Socket-Mode", if is_async { "async" } else { "static" });
        event.push("Control", if full { "full" } else { "single-channel" });
        event.plain()
    }

    /// State, codec, profile and perhaps variables, as `switch_channel_event_set_data` adds them.
    fn describe(&self, node: &Node, event: &mut Event, with_variables: bool) {
        event.extend(fill(include_str!("../templates/channel.txt"), |place| {
            self.place(node, place)
        }));
        let (cause, has_codec) = {
            let state = self.lock();
            (state.cause.clone(), state.progress_media > 0)
        };
        if let Some(cause) = cause {
            event.push("Hangup-Cause", cause);
        }
        if has_codec {
            event.extend(fill(include_str!("../templates/codec.txt"), |_| None));
        }
        event.extend(self.profile(node, "Caller-"));
        if with_variables {
            let variables = self.lock().variables.clone();
            event.extend(
                variables.into_iter().map(|(name, value)| (format!("variable_{name}"), value)),
            );
        }
    }

    fn profile(&self, node: &Node, prefix: &str) -> Vec<(String, String)> {
        fill(include_str!("../templates/caller.txt"), |place| self.place(node, place))
            .into_iter()
            .map(|(name, value)| (format!("{prefix}{name}"), value))
            .collect()
    }

    /// What a channel has from the first moment: the INVITE's headers, and what the directory said.
    fn first_variables(&self, node: &Node) -> Vec<(String, String)> {
        let stamp = node.stamp();
        let setup = &self.setup;
        let lines = fill(include_str!("../templates/variables.txt"), |place| {
            self.place(node, place).or_else(|| node.place(place, &stamp))
        });
        let own_presence = !setup.variables.iter().any(|(name, _)| name == "presence_id");
        let mut variables = Vec::new();
        for (name, value) in lines {
            match name.as_str() {
                "{params}" => variables.extend(setup.params.iter().cloned()),
                "{directory}" => variables.extend(setup.variables.iter().cloned()),
                "{presence_id}" if own_presence => {
                    variables.push(("presence_id".to_owned(), self.presence(node)));
                }
                "{presence_id}" => {}
                _ => variables.push((name, value)),
            }
        }
        variables
    }

    fn presence(&self, node: &Node) -> String {
        let given = get(&self.setup.variables, "presence_id").map(str::to_owned);
        given.unwrap_or_else(|| format!("{}@{}", self.setup.phone, node.settings.domain))
    }

    /// Values for the templates of this channel's events.
    fn place(&self, node: &Node, name: &str) -> Option<String> {
        let state = self.lock();
        let setup = &self.setup;
        Some(match name {
            "uuid" => self.uuid.clone(),
            "phone" => setup.phone.clone(),
            "number" => setup.number.clone(),
            "context" => setup.context.clone(),
            "caller_name" => setup.caller_name.clone(),
            "caller_number" => setup.caller_number.clone(),
            "from_user" => setup.from_user.clone(),
            "ip" => setup.ip.clone(),
            "port" => setup.port.to_string(),
            "agent" => setup.agent.clone(),
            "domain" => node.settings.domain.to_string(),
            "call_id" => self.places.call_id.clone(),
            "session" | "invite_sequence" => self.places.session.to_string(),
            "to_tag" => self.places.to_tag.clone(),
            "media_port" => self.places.media_port.to_string(),
            "ssrc" => self.places.ssrc.to_string(),
            "presence" => {
                drop(state);
                self.presence(node)
            }
            "running" => state.running.name().to_owned(),
            "state_number" => (state.state as u8).to_string(),
            "call_state" => state.call_state.to_owned(),
            "answer_state" => state.answer_state.to_owned(),
            _ => return state.time(name),
        })
    }

    /// After the 200 for the INVITE has been acknowledged.
    fn acknowledged(&self, node: &Node) {
        let tag = &self.places.to_tag;
        let (number, domain) = (&self.setup.number, &node.settings.domain);
        self.update(|state| {
            state.set("sip_to_tag", Some(tag));
            state.set("sip_cseq", Some("2"));
            state.set("sip_full_to", Some(&format!("<sip:{number}@{domain}>;tag={tag}")));
        });
    }

    /// What CHANNEL_HANGUP_COMPLETE reports beside the variables that were there.
    fn report(&self) {
        self.update(|state| {
            state.hungup = microseconds();
            let application =
                get(&state.variables, "current_application").unwrap_or_default().to_owned();
            let argument = get(&state.variables, "current_application_data").map(str::to_owned);
            let lines = fill(include_str!("../templates/report.txt"), |place| match place {
                "cause" => state.cause.clone(),
                "q850" => Some(q850(state.cause.as_deref().unwrap_or_default()).to_string()),
                "dialed" if state.dialed.is_empty() => Some("none".to_owned()),
                "dialed" => Some(state.dialed.clone()),
                "last_app" => Some(application.clone()),
                "caller_name" => Some(self.setup.caller_name.clone()),
                "caller_number" => Some(self.setup.caller_number.clone()),
                "disposition" => Some(state.disposition.to_owned()),
                place => state.time(place),
            });
            for (name, value) in lines {
                state.set(&name, Some(&value));
                if name == "last_app"
                    && let Some(argument) = &argument
                {
                    state.set("last_arg", Some(argument));
                }
            }
        });
    }

    /// The row of `show channels`.
    pub(super) fn row(&self, node: &Node) -> Vec<String> {
        let (created, running, call_state) = {
            let state = self.lock();
            (state.created, state.running, state.call_state)
        };
        let setup = &self.setup;
        vec![
            self.uuid.clone(),
            "inbound".into(),
            local_time(created),
            (created / 1_000_000).to_string(),
            format!("sofia/internal/{}@{}", setup.phone, node.settings.domain),
            running.name().into(),
            setup.caller_name.clone(),
            setup.caller_number.clone(),
            setup.ip.clone(),
            setup.number.clone(),
            self.variable("current_application").unwrap_or_default(),
            self.variable("current_application_data").unwrap_or_default(),
            "XML".into(),
            setup.context.clone(),
            node.settings.switchname.clone(),
            self.presence(node),
            call_state.into(),
        ]
    }
}

impl ChannelState {
    fn new(now: u64) -> Self {
        Self {
            variables: Vec::new(),
            running: Running::Execute,
            state: Running::Execute,
            call_state: "RINGING",
            answer_state: "ringing",
            cause: None,
            disposition: "send_bye",
            created: now,
            answered: 0,
            progress_media: 0,
            hungup: 0,
            keys: VecDeque::new(),
            dialed: String::new(),
            broken: false,
            waited_out: false,
            queue: VecDeque::new(),
            connected: false,
            released: false,
        }
    }

    fn set(&mut self, name: &str, value: Option<&str>) {
        self.variables.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if let Some(value) = value.filter(|value| !value.is_empty())
            && self.variables.len() < MAX_VARIABLES
        {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Times and durations under the names that the templates have for them.
    fn time(&self, name: &str) -> Option<String> {
        let (base, unit) = name.rsplit_once('_').unwrap_or((name, ""));
        let whole = self.hungup.saturating_sub(self.created);
        let since = |from: u64| {
            if from == 0 { 0 } else { self.hungup.saturating_sub(from) }
        };
        let until = |to: u64| to.saturating_sub(self.created);
        let (base, unit) = match name {
            "progress_media" => (name, ""),
            _ => (base, unit),
        };
        let microseconds = match base {
            "created" => self.created,
            "answered" => self.answered,
            "progress_media" => self.progress_media,
            "hungup" => self.hungup,
            "whole" => whole,
            "bill" => since(self.answered),
            "wait" => until(self.answered),
            "early" => until(self.progress_media),
            _ => return None,
        };
        Some(match unit {
            "s" => (microseconds / 1_000_000).to_string(),
            "ms" => (microseconds / 1000).to_string(),
            "stamp" if microseconds == 0 => String::new(),
            "stamp" => local_time(microseconds),
            _ => microseconds.to_string(),
        })
    }
}

fn is_key(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d')
}

/// The Q.850 number of a cause.
fn q850(cause: &str) -> u16 {
    match cause {
        "UNALLOCATED_NUMBER" => 1,
        "NORMAL_CLEARING" => 16,
        "USER_BUSY" => 17,
        "NO_USER_RESPONSE" => 18,
        "NO_ANSWER" => 19,
        "CALL_REJECTED" => 21,
        "DESTINATION_OUT_OF_ORDER" => 27,
        "NORMAL_TEMPORARY_FAILURE" => 41,
        "ORIGINATOR_CANCEL" => 487,
        "ALLOTTED_TIMEOUT" => 602,
        _ => 31,
    }
}
