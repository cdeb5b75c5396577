//! What one simulated FreeSWITCH has in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::api::BracketAnswer;
use super::callcenter::Tables;
use super::channel::Channel;
use super::directory::{Element, Question};
use super::event::Event;
use super::listener::Subscription;
use super::notify::Notify;
use super::registrar::Registration;
use super::settings::Settings;
use super::template::fill;

/// How many lines of each kind of record are kept; older ones go.
const RECORDED: usize = 10_000;
/// At most so many registrations, channels and listeners.
pub(super) const MAX_ROWS: usize = 5_000;

pub(super) struct Node {
    pub(super) settings: Settings,
    pub(super) core_uuid: String,
    pub(super) http: reqwest::Client,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    pub(super) started: u64,
    sequence: AtomicU64,
    rng: Mutex<StdRng>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) registrations: Vec<Registration>,
    pub(super) channels: Vec<Arc<Channel>>,
    pub(super) listeners: Vec<Arc<Subscription>>,
    pub(super) static_directory: Option<Element>,
    /// PINs that users set by phone, by user.
    pub(super) pins: HashMap<String, String>,
    /// New and saved voicemail messages, by user.
    pub(super) mailboxes: HashMap<String, (u32, u32)>,
    pub(super) database: HashMap<String, String>,
    pub(super) callcenter: Tables,
    pub(super) reload: BracketAnswer,
    pub(super) refuses_inbound: bool,
    pub(super) sessions: u64,
    pub(super) notifies: Record<Notify>,
    /// Simulated phones that hear NOTIFYs, by MAC address.
    pub(super) devices: HashMap<String, mpsc::Sender<String>>,
    pub(super) api_log: Record<String>,
    pub(super) questions: Record<Question>,
    /// `${system(…)}` and the like that would have run.
    pub(super) ran: Record<String>,
    /// `$${…}` that the preprocessor found in an answer, and variables that FreeSWITCH dropped.
    pub(super) traps: Record<String>,
}

impl State {
    /// A NOTIFY reaches a phone; one that hears too many at once loses some.
    pub(super) fn deliver(&mut self, notify: Notify) {
        // A handset's registration (`<mac>-<n>`) is its base's.
        let device = notify.user.split('-').next().unwrap_or(&notify.user);
        if let Some(device) = self.devices.get(device) {
            let _ = device.try_send(notify.event.clone());
        }
        self.notifies.push(notify);
    }
}

/// The last [`RECORDED`] lines of something.
pub(super) struct Record<T>(VecDeque<T>);

impl<T> Default for Record<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Clone> Record<T> {
    pub(super) fn push(&mut self, line: T) {
        if self.0.len() >= RECORDED {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(super) fn all(&self) -> Vec<T> {
        self.0.iter().cloned().collect()
    }
}

/// An HTTP client in the making. reqwest comes without TLS of its own and makes no client before there is one.
pub(super) fn client_builder() -> reqwest::ClientBuilder {
    // Whoever was first is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

/// The moment at which something is written down.
pub(super) struct Stamp {
    /// Microseconds since 1970.
    pub(super) now: u64,
    sequence: u64,
}

impl Node {
    pub(super) fn new(settings: Settings) -> Self {
        let mut rng = match settings.seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => StdRng::seed_from_u64(rand::rng().random()),
        };
        // Idle connections are not kept: mod_xml_curl opens a new one for every question.
        let http = client_builder()
            .user_agent("freeswitch-xml/1.0")
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap_or_default();
        let node = Self {
            core_uuid: uuid(&mut rng),
            settings,
            http,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            started: microseconds(),
            sequence: AtomicU64::new(400),
            rng: Mutex::new(rng),
            state: Mutex::default(),
        };
        node.read_static_directory();
        node
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new UUID, or anything else that nobody can guess.
    pub(super) fn uuid(&self) -> String {
        uuid(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn random(&self, below: u32) -> u32 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..below.max(1))
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp { now: microseconds(), sequence: self.sequence.fetch_add(1, Ordering::Relaxed) }
    }

    /// The values that every template may ask for.
    pub(super) fn place(&self, name: &str, stamp: &Stamp) -> Option<String> {
        let settings = &self.settings;
        Some(match name {
            "core" => self.core_uuid.clone(),
            "hostname" => settings.hostname.clone(),
            "switchname" => settings.switchname.clone(),
            "domain" => settings.domain.to_string(),
            "local" => local_time(stamp.now),
            "gmt" => written(stamp.now, "%a, %d %b %Y %H:%M:%S GMT"),
            "now" => stamp.now.to_string(),
            "sequence" => stamp.sequence.to_string(),
            _ => return None,
        })
    }

    /// An event with the headers that all have. `source` is file, function and line.
    pub(super) fn event(&self, name: &str, source: (&str, &str, u32)) -> Event {
        let stamp = self.stamp();
        let (file, function, line) = source;
        Event::new(fill(include_str!("templates/preamble.txt"), |place| match place {
            "event" => Some(name.to_owned()),
            "file" => Some(file.to_owned()),
            "function" => Some(function.to_owned()),
            "line" => Some(line.to_string()),
            place => self.place(place, &stamp),
        }))
    }

    /// A `CUSTOM` event; FreeSWITCH writes the subclass before everything else.
    pub(super) fn custom_event(&self, subclass: &str, source: (&str, &str, u32)) -> Event {
        let mut event = Event::new(vec![("Event-Subclass".into(), subclass.into())]);
        event.extend(self.event("CUSTOM", source).into_headers());
        event
    }

    /// Delivers an event to every listener that wants it.
    pub(super) fn fire(&self, event: Event) {
        let event = Arc::new(event);
        let listeners = self.lock().listeners.clone();
        for listener in listeners {
            listener.offer(&event);
        }
    }

    pub(super) fn record_question(&self, question: Question) {
        self.lock().questions.push(question);
    }

    pub(super) fn channel(&self, uuid: &str) -> Option<Arc<Channel>> {
        let state = self.lock();
        state.channels.iter().find(|c| c.uuid == uuid).cloned()
    }
}

/// Microseconds since 1970.
pub(super) fn microseconds() -> u64 {
    u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default()
}

/// `2026-11-21 21:01:35`, as FreeSWITCH writes local time (here: UTC).
pub(super) fn local_time(microseconds: u64) -> String {
    written(microseconds, "%Y-%m-%d %H:%M:%S")
}

fn written(microseconds: u64, format: &str) -> String {
    i64::try_from(microseconds)
        .ok()
        .and_then(|us| Timestamp::from_microsecond(us).ok())
        .map(|time| time.to_zoned(TimeZone::UTC).strftime(format).to_string())
        .unwrap_or_default()
}

fn uuid(rng: &mut StdRng) -> String {
    let hex = format!("{:032x}", rng.random::<u128>());
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
