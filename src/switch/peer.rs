//! One FreeSWITCH node: the connection, and what was seen through it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Notify, broadcast};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::channels::{self, Channel, Channels};
use super::presence::News;
use super::registrations::{self, Gone, Registration, Registrations};
use super::{AskError, Node, Trouble, emergencies, queue_calls};
use crate::event_socket::{
    Api, Argument, Backoff, ChannelWord, Client, ClientSettings, ConnectError, Events, EventsError,
    Message, Subscription, lasting,
};
use crate::model::{EmergencyCall, QueueCall};

/// How long FreeSWITCH has to answer what it can answer at once. After that the connection is given up for a new one.
const PROMPT: Duration = Duration::from_secs(5);
/// How long it has to list all registrations.
const LIST: Duration = Duration::from_secs(30);
/// How often all registrations are read anew: FreeSWITCH replaces a registration without an event for the old one.
const REREAD: Duration = Duration::from_secs(300);
/// And how often while a SIP profile is not there: FreeSWITCH opens its event socket before its profiles.
const REREAD_SOON: Duration = Duration::from_secs(5);
/// How many handsets of one base are looked at until one is there.
const MOST_HANDSETS_ASKED: usize = 4;
/// How many channels are asked one by one whose they are.
const MOST_ASKED: usize = 200;

/// A node, shared by its connection and the keeper.
pub(super) struct Peer {
    pub(super) node: Node,
    view: Mutex<View>,
    bells: Bells,
    queue_calls: broadcast::Sender<QueueCall>,
    emergencies: broadcast::Sender<EmergencyCall>,
}

/// Rung at each change that may let something go on.
#[derive(Clone)]
pub(super) struct Bells {
    /// What is wanted of phones.
    pub phones: Arc<Notify>,
    /// The queues.
    pub queues: Arc<Notify>,
    /// Where phones are registered.
    pub presence: Arc<Notify>,
    /// That a node is connected.
    pub connected: Arc<Notify>,
}

impl Bells {
    fn ring(&self) {
        self.phones.notify_one();
        self.queues.notify_one();
    }
}

/// A connection whose picture is whole.
#[derive(Clone)]
pub(super) struct Line {
    pub client: Client,
    over: CancellationToken,
}

impl Line {
    /// FreeSWITCH does not answer on it: it is given up, another one may do.
    pub(super) fn give_up(&self) {
        self.over.cancel();
    }
}

/// What is known of a node.
#[derive(Default)]
pub(super) struct View {
    pub line: Option<Line>,
    pub since: Option<Timestamp>,
    pub version: Option<String>,
    pub trouble: Option<Trouble>,
    pub registrations: Registrations,
    /// Whether those are of all profiles, so that a phone that is not among them is registered nowhere.
    pub whole: bool,
    /// Of which phones there is something new to be kept.
    pub news: News,
    pub channels: Channels,
    /// Those that began since somebody asked which phones are in use.
    pub begun: Channels,
    /// Whether the emergency calls that it remembers were read.
    pub emergencies_known: bool,
}

impl Peer {
    /// `told` hear of callers in queues, and of emergency calls.
    pub(super) fn new(
        node: Node,
        bells: Bells,
        told: (broadcast::Sender<QueueCall>, broadcast::Sender<EmergencyCall>),
    ) -> Self {
        let (queue_calls, emergencies) = told;
        Self { node, view: Mutex::default(), bells, queue_calls, emergencies }
    }

    /// What is known now. Never held across an `await`.
    pub(super) fn view(&self) -> MutexGuard<'_, View> {
        // Each change is a map operation; a panic cannot leave half of one.
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the connection until `stop`.
    pub(super) async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let settings = ClientSettings { command_deadline: PROMPT, ..ClientSettings::default() };
        let (address, password) = (self.node.address.clone(), self.node.password.clone());
        let each = |connected| {
            let peer = Arc::clone(&self);
            async move { peer.connected(connected).await }
        };
        lasting(&address, &password, settings, Backoff::default(), stop, each).await;
        *self.view() = View::default();
    }

    /// Something went wrong; told once for each new wording.
    pub(super) fn trouble(&self, text: String) {
        let mut view = self.view();
        if view.trouble.as_ref().is_none_or(|old| old.text != text) {
            tracing::warn!(node = %self.node.name, "{text}");
        }
        view.trouble = Some(Trouble { at: Timestamp::now(), text });
    }

    /// From one connection, or failure to connect, to its end.
    async fn connected(&self, connected: Result<(Client, Events), ConnectError>) {
        match connected {
            Err(error) => self.trouble(error.to_string()),
            Ok((client, events)) => {
                let why = self.attend(&client, events).await;
                {
                    let mut view = self.view();
                    let (trouble, begun) = (view.trouble.take(), std::mem::take(&mut view.begun));
                    *view = View { trouble, begun, ..View::default() };
                }
                self.trouble(why);
                self.bells.ring();
            }
        }
    }

    /// Follows what happens at FreeSWITCH; answers why no longer.
    async fn attend(&self, client: &Client, mut events: Events) -> String {
        let line = Line { client: client.clone(), over: CancellationToken::new() };
        let mut reread = match self.begin(&line).await {
            Ok(reread) => reread,
            Err(error) => return error.to_string(),
        };
        loop {
            let lost = tokio::select! {
                event = events.next() => match event {
                    Ok(event) => { self.hear(&event); continue; }
                    Err(EventsError::Lost { count }) => {
                        tracing::warn!(node = %self.node.name, count, "events were lost; reading everything anew");
                        true
                    }
                    Err(EventsError::Disconnected(why)) => return why.to_string(),
                },
                () = line.over.cancelled() => return "FreeSWITCH did not answer in time".to_owned(),
                () = sleep_until(reread.into()) => false,
            };
            if lost {
                self.view().line = None;
            }
            reread = match self.look(client).await {
                Ok(reread) => reread,
                Err(error) => return error.to_string(),
            };
            self.view().line = Some(line.clone());
            self.bells.ring();
        }
    }

    /// The first things on a new connection: listen, then look, so that nothing falls between.
    async fn begin(&self, line: &Line) -> Result<Instant, AskError> {
        let client = &line.client;
        let subscription = Subscription::events(&["CHANNEL_CREATE", "CHANNEL_DESTROY"]).custom(&[
            "sofia::register",
            "sofia::unregister",
            "sofia::expire",
            queue_calls::SUBCLASSES[0],
            queue_calls::SUBCLASSES[1],
            emergencies::SUBCLASS,
        ]);
        client.subscribe(subscription).await?;
        let version = client.api(Api::new("version")).await?;
        let reread = self.look(client).await?;
        let mut view = self.view();
        view.version = version.text().lines().next().map(|line| line.chars().take(120).collect());
        view.since = Some(Timestamp::now());
        view.line = Some(line.clone());
        let (registrations, channels) = (view.registrations.count(), view.channels.count());
        drop(view);
        tracing::info!(node = %self.node.name, registrations, channels, "connected to FreeSWITCH");
        self.bells.ring();
        self.bells.connected.notify_one();
        Ok(reread)
    }

    /// Reads all registrations and channels; answers when to do so again.
    async fn look(&self, client: &Client) -> Result<Instant, AskError> {
        let mut all = Vec::new();
        let mut missing = None;
        for profile in &self.node.profiles {
            let argument = Argument::literal("xmlstatus profile ").then_word(profile);
            let api = Api::new("sofia").argument(argument.then_literal(" reg"));
            let answer = client.bgapi(api, LIST).await?;
            match registrations::read(answer.bytes(), profile) {
                Ok(some) => all.extend(some),
                Err(error) => missing = Some(format!("{error} {profile}")),
            }
        }
        {
            let mut view = self.view();
            view.registrations.replace(all, Timestamp::now());
            view.whole = missing.is_none();
            view.news.all();
        }
        self.bells.presence.notify_one();
        self.look_at_channels(client).await?;
        let pause = if missing.is_some() { REREAD_SOON } else { REREAD };
        if let Some(text) = missing {
            self.trouble(text);
        }
        Ok(Instant::now() + pause)
    }

    /// Reads all channels. Events tell more, and sooner, so what they told stays.
    pub(super) async fn look_at_channels(&self, client: &Client) -> Result<(), AskError> {
        let api = Api::new("show").argument("channels as json");
        let answer = client.api(api).await?;
        let mut shown =
            channels::read(&answer.text()).map_err(|_| AskError::Unreadable("show channels"))?;
        // A phone that we did not hear calling, with something else in its From: the channel itself knows.
        let unknown: Vec<(usize, ChannelWord)> = {
            let view = self.view();
            let all = shown.iter().enumerate();
            let unknown = all.filter(|(_, channel)| view.channels.is_riddle(channel));
            unknown
                .filter_map(|(at, channel)| Some((at, ChannelWord::parse(&channel.uuid).ok()?)))
                .take(MOST_ASKED)
                .collect()
        };
        for (at, uuid) in unknown {
            let argument = Argument::word(&uuid).then_literal(" sip_auth_username");
            let answer = client.api(Api::new("uuid_getvar").argument(argument)).await?;
            if let Some(channel) = shown.get_mut(at) {
                channel.authenticated_as(answer.text().trim());
            }
        }
        self.view().channels.replace(shown, Instant::now());
        Ok(())
    }

    /// The registrations of one phone at this moment, newest first. Of a DECT base that of one handset, of which there is
    /// one: its handsets can be hundreds, and whatever the base is told it is told at one of them.
    pub(super) async fn look_at_phone(
        &self,
        client: &Client,
        known: &[Registration],
    ) -> Result<Vec<Registration>, AskError> {
        let Some(first) = known.first() else {
            return Ok(Vec::new());
        };
        let mut asked: Vec<(&ChannelWord, &ChannelWord, &ChannelWord)> = Vec::new();
        let mut all = Vec::new();
        for one in known {
            if first.is_handset() && (!all.is_empty() || asked.len() >= MOST_HANDSETS_ASKED) {
                break;
            }
            let key = (&one.profile, &one.user, &one.host);
            if asked.contains(&key) {
                continue;
            }
            asked.push(key);
            let argument = Argument::literal("xmlstatus profile ")
                .then_word(&one.profile)
                .then_literal(" user ")
                .then_word(&one.user)
                .then_literal("@")
                .then_word(&one.host);
            let answer = client.api(Api::new("sofia").argument(argument)).await?;
            all.extend(registrations::read(answer.bytes(), &one.profile).unwrap_or_default());
        }
        let mut view = self.view();
        view.news.of(first.phone);
        if first.is_handset() {
            let others = view.registrations.of(first.phone).iter();
            let others =
                others.filter(|one| !asked.contains(&(&one.profile, &one.user, &one.host)));
            let now = others.chain(&all).cloned().collect();
            view.registrations.replace_of(first.phone, now, Timestamp::now());
            all.sort_by_key(|one| std::cmp::Reverse(one.seconds));
            all.truncate(1);
            return Ok(all);
        }
        view.registrations.replace_of(first.phone, all, Timestamp::now());
        Ok(view.registrations.of(first.phone).to_vec())
    }

    /// One event.
    fn hear(&self, event: &Message) {
        let text = |name: &str| event.field(name).map(|value| value.text());
        let now = Instant::now();
        match text("Event-Name").as_deref() {
            Some("CHANNEL_CREATE") => {
                if let Some(channel) = Channel::of_event(event) {
                    let mut view = self.view();
                    view.begun.begin(channel.clone(), now);
                    view.channels.begin(channel, now);
                }
                // Nothing can go on because a call began.
                return;
            }
            Some("CHANNEL_DESTROY") => {
                let uuid = channels::ended(event);
                uuid.into_iter().for_each(|uuid| self.view().channels.end(uuid, now));
                self.bells.queues.notify_one();
            }
            Some("CUSTOM") => match text("Event-Subclass").as_deref() {
                Some("sofia::register") => {
                    let one = Registration::of_event(event).filter(|one| self.is_ours(one));
                    one.into_iter().for_each(|one| self.registered(one));
                }
                Some("sofia::unregister" | "sofia::expire") => {
                    let gone = Gone::of_event(event);
                    gone.iter().for_each(|gone| self.unregistered(gone));
                }
                Some(emergencies::SUBCLASS) => {
                    // Nobody listening is no fault.
                    if let Some(told) = emergencies::read(event, &self.node.name) {
                        let _ = self.emergencies.send(told);
                    }
                    return;
                }
                Some(subclass) if queue_calls::SUBCLASSES.contains(&subclass) => {
                    // An agent may be free again.
                    if text("CC-Action").as_deref() == Some("agent-state-change") {
                        self.bells.queues.notify_one();
                    }
                    // Nobody listening is no fault.
                    queue_calls::read(event).map(|told| self.queue_calls.send(told));
                    return;
                }
                _ => return,
            },
            _ => return,
        }
        self.bells.phones.notify_one();
    }

    /// A phone registered, or registered again.
    fn registered(&self, one: Registration) {
        let (phone, mut view) = (one.phone, self.view());
        if view.registrations.add(one, Timestamp::now()) {
            view.news.of(phone);
            self.bells.presence.notify_one();
        }
    }

    /// A registration is over.
    fn unregistered(&self, gone: &Gone) {
        let mut view = self.view();
        view.registrations.remove(gone);
        let is_gone = view.registrations.of(gone.phone).is_empty();
        if is_gone {
            view.news.gone(gone.phone)
        } else {
            view.news.of(gone.phone)
        }
        self.bells.presence.notify_one();
    }

    fn is_ours(&self, registration: &Registration) -> bool {
        self.node.profiles.contains(&registration.profile)
    }
}
