//! Which events a socket wants, and the queue in which they wait.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regex::Regex;
use tokio::sync::Notify;

use super::super::event::Event;

/// FreeSWITCH's queue per listener.
const QUEUE: usize = 100_000;
/// More than so many lost in a row and FreeSWITCH kills the listener.
const MAX_LOST: usize = 500;
/// More filters are ignored.
const MAX_FILTERS: usize = 100;

/// What `myevents` switches on.
const MY_EVENTS: [&str; 23] = [
    "CHANNEL_ANSWER",
    "CHANNEL_APPLICATION",
    "CHANNEL_BRIDGE",
    "CHANNEL_CREATE",
    "CHANNEL_DATA",
    "CHANNEL_DESTROY",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_ORIGINATE",
    "CHANNEL_OUTGOING",
    "CHANNEL_PARK",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_STATE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_UNPARK",
    "CALL_UPDATE",
    "DTMF",
    "DETECTED_SPEECH",
    "TALK",
    "NOTALK",
];

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Format {
    #[default]
    Plain,
    Json,
}

/// One socket's wishes.
#[derive(Default)]
pub(super) struct Wishes {
    pub(super) format: Format,
    all: bool,
    names: HashSet<String>,
    subclasses: HashSet<String>,
    filters: Vec<(String, String)>,
    /// Only events of this channel, and of jobs that it owns (`myevents`).
    pub(super) only: Option<String>,
}

/// What the node delivers to.
pub(in super::super) struct Subscription {
    wishes: Mutex<Wishes>,
    queue: Mutex<Queue>,
    pub(super) arrived: Notify,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Arc<Event>>,
    lost: usize,
}

impl Subscription {
    pub(super) fn new() -> Self {
        Self { wishes: Mutex::default(), queue: Mutex::default(), arrived: Notify::new() }
    }

    pub(super) fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues the event if it is wanted.
    pub(in super::super) fn offer(&self, event: &Arc<Event>) {
        if !self.wishes().want(event) {
            return;
        }
        {
            let mut queue = self.queue();
            if queue.events.len() >= QUEUE {
                queue.lost += 1;
            } else {
                queue.lost = 0;
                queue.events.push_back(Arc::clone(event));
            }
        }
        self.arrived.notify_one();
    }

    pub(super) fn take(&self) -> Option<Arc<Event>> {
        self.queue().events.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue().events.is_empty()
    }

    /// So many events were lost that FreeSWITCH would end this listener.
    pub(super) fn is_killed(&self) -> bool {
        self.queue().lost > MAX_LOST
    }
}

impl Wishes {
    pub(super) fn my_events(&mut self, uuid: &str) {
        self.names.extend(MY_EVENTS.map(str::to_owned));
        self.only = Some(uuid.to_owned());
    }

    /// Words behind `event plain`; false when there is none. After CUSTOM all are subclasses.
    pub(super) fn add(&mut self, words: &[&str]) -> bool {
        let mut custom = false;
        let mut any = false;
        for word in words.iter().filter(|word| !word.is_empty()).take(1000) {
            any = true;
            match (custom, word.to_ascii_uppercase().as_str()) {
                (true, _) => {
                    self.subclasses.insert((*word).to_owned());
                }
                (false, "ALL") => self.all = true,
                (false, "CUSTOM") => {
                    custom = true;
                    self.names.insert("CUSTOM".to_owned());
                }
                (false, name) => {
                    self.names.insert(name.to_owned());
                }
            }
        }
        any
    }

    pub(super) fn remove(&mut self, words: &[&str]) {
        for word in words {
            self.subclasses.remove(*word);
            self.names.remove(&word.to_ascii_uppercase());
        }
    }

    pub(super) fn remove_all(&mut self) {
        self.all = false;
        self.names.clear();
        self.subclasses.clear();
    }

    pub(super) fn filter(&mut self, name: &str, value: &str) {
        if self.filters.len() < MAX_FILTERS {
            self.filters.push((name.to_owned(), value.to_owned()));
        }
    }

    pub(super) fn delete_filter(&mut self, name: &str, value: &str) {
        self.filters.retain(|(known, text)| {
            name != "all" && !(known == name && (value.is_empty() || text == value))
        });
    }

    fn want(&self, event: &Event) -> bool {
        let name = event.name();
        let listed = match name {
            "CUSTOM" if !self.all => {
                self.names.contains("CUSTOM")
                    && event
                        .get("Event-Subclass")
                        .is_some_and(|subclass| self.subclasses.contains(subclass))
            }
            name => self.all || self.names.contains(name),
        };
        let own = self.only.as_deref().is_none_or(|uuid| {
            ["Unique-ID", "Job-Owner-UUID"].iter().any(|header| event.get(header) == Some(uuid))
        });
        listed && own && self.pass(event)
    }

    /// Positive filters are alternatives; a negative one alone lets nothing through.
    fn pass(&self, event: &Event) -> bool {
        let mut pass = self.filters.is_empty();
        for (name, value) in &self.filters {
            let Some(actual) = event.get(name) else {
                continue;
            };
            let (negative, wanted) = match value.strip_prefix('-') {
                Some(wanted) => (true, wanted),
                None => (false, value.as_str()),
            };
            let hit = match wanted.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
                Some(pattern) => Regex::new(pattern).is_ok_and(|regex| regex.is_match(actual)),
                None => actual.eq_ignore_ascii_case(wanted),
            };
            match (hit, negative) {
                (true, true) => return false,
                (true, false) => pass = true,
                (false, _) => {}
            }
        }
        pass
    }
}
