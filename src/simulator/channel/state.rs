//! What changes about a call leg.

use std::collections::VecDeque;

use super::super::node::local_time;
use super::{MAX_VARIABLES, Message};

/// What changes about a call leg.
pub(in super::super) struct ChannelState {
    pub(super) variables: Vec<(String, String)>,
    /// `CS_EXECUTE`, …: what the events call `Channel-State`.
    pub(super) running: Running,
    /// What the state machine has already been told; its number is in the events too.
    pub(super) state: Running,
    pub(in super::super) call_state: &'static str,
    pub(super) answer_state: &'static str,
    pub(in super::super) cause: Option<String>,
    /// The number that is called, and where the call came from when it was transferred.
    pub(super) route: Route,
    pub(super) disposition: &'static str,
    pub(super) created: u64,
    pub(super) answered: u64,
    pub(super) progress_media: u64,
    pub(super) hungup: u64,
    pub(super) keys: VecDeque<(char, &'static str)>,
    pub(super) dialed: String,
    /// `uuid_break`.
    pub(in super::super) broken: bool,
    /// The caller says nothing: the wait for keys that is going on, or the next, ends.
    pub(in super::super) waited_out: bool,
    pub(in super::super) queue: VecDeque<Message>,
    /// The daemon has said `connect`.
    pub(in super::super) connected: bool,
    /// The socket's thread has ended.
    pub(in super::super) released: bool,
}

/// Where a call goes: the caller's profile, as far as a transfer changes it.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) number: String,
    pub(super) context: String,
    /// 1, and one more for each transfer.
    pub(super) profile: u32,
    /// Microseconds since 1970.
    pub(super) created: u64,
    /// The number before the transfer, and FreeSWITCH's note of it.
    pub(super) from: Option<(String, String)>,
}

/// The state machine's states that a caller's leg passes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Running {
    Routing = 2,
    Execute = 4,
    Hangup = 10,
    Reporting = 11,
}

impl Running {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Routing => "CS_ROUTING",
            Self::Execute => "CS_EXECUTE",
            Self::Hangup => "CS_HANGUP",
            Self::Reporting => "CS_REPORTING",
        }
    }
}

impl ChannelState {
    pub(super) fn new(now: u64, route: Route) -> Self {
        Self {
            variables: Vec::new(),
            running: Running::Execute,
            state: Running::Execute,
            call_state: "RINGING",
            answer_state: "ringing",
            cause: None,
            route,
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

    pub(super) fn set(&mut self, name: &str, value: Option<&str>) {
        self.variables.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if let Some(value) = value.filter(|value| !value.is_empty())
            && self.variables.len() < MAX_VARIABLES
        {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Times and durations under the names that the templates have for them.
    pub(super) fn time(&self, name: &str) -> Option<String> {
        let (base, unit) = name.rsplit_once('_').unwrap_or((name, ""));
        let whole = self.hungup.saturating_sub(self.created);
        let since = |from: u64| {
            if from == 0 { 0 } else { self.hungup.saturating_sub(from) }
        };
        let until = |to: u64| to.saturating_sub(self.created);
        let (base, unit) = match name {
            "progress_media" | "profile_created" => (name, ""),
            _ => (base, unit),
        };
        let microseconds = match base {
            "created" => self.created,
            "answered" => self.answered,
            "progress_media" => self.progress_media,
            "profile_created" => self.route.created,
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
