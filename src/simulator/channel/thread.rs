//! The call's thread: the `socket` action, the park loop, and what the dialplan does afterwards.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::call::{Heard, Outcome};
use super::super::listener;
use super::super::node::Node;
use super::super::packet::leading_number;
use super::state::Running;
use super::{Channel, Message};

/// One application, one tick.
pub(in super::super) const TICK: Duration = Duration::from_millis(20);
/// FreeSWITCH waits for the kernel here, about two minutes.
const CONNECT: Duration = Duration::from_secs(5);
/// Applications within applications.
const MAX_NESTED: usize = 8;

const SESSION: (&str, &str, u32) = ("switch_core_session.c", "switch_core_session_exec", 2949);
const SESSION_END: (&str, &str, u32) = ("switch_core_session.c", "switch_core_session_exec", 2972);
const PARK: (&str, &str, u32) = ("switch_ivr.c", "switch_ivr_park", 1002);
pub(super) const STATE: (&str, &str, u32) =
    ("switch_channel.c", "switch_channel_perform_set_running_state", 2409);

/// Runs one call from the `socket` action to the end.
pub(in super::super) struct CallThread {
    pub(in super::super) node: Arc<Node>,
    pub(in super::super) channel: Arc<Channel>,
    pub(in super::super) heard: mpsc::Sender<Heard>,
    pub(in super::super) outcome: watch::Sender<Option<Outcome>>,
    /// The call ends by itself then.
    pub(in super::super) ends: Instant,
    /// Ticks are counted from here.
    pub(in super::super) began: Instant,
    /// An application with `event-lock` is running: nothing else is taken from the queue.
    pub(super) locked: bool,
    pub(super) nested: usize,
    /// Where `transfer` sent the call.
    pub(super) transfer: Option<(String, String, String)>,
}

impl CallThread {
    pub(in super::super) fn new(
        node: Arc<Node>,
        channel: Arc<Channel>,
        heard: mpsc::Sender<Heard>,
        outcome: watch::Sender<Option<Outcome>>,
    ) -> Self {
        let began = Instant::now();
        let ends = began + node.settings.longest_call;
        Self {
            node,
            channel,
            heard,
            outcome,
            ends,
            began,
            locked: false,
            nested: 0,
            transfer: None,
        }
    }

    /// The whole call. `data` is the argument of `socket`.
    pub(in super::super) async fn run(mut self, data: String) {
        self.fire(
            "CHANNEL_CREATE",
            ("switch_core_state_machine.c", "switch_core_session_run", 638),
            true,
            vec![],
        );
        let stop = self.node.stop.clone();
        let outcome = tokio::select! {
            outcome = self.socket(&data) => outcome,
            () = stop.cancelled() => Outcome::HungUp { cause: "SYSTEM_SHUTDOWN".to_owned() },
        };
        self.outcome.send_replace(Some(outcome.clone()));
        if self.node.stop.is_cancelled() {
            self.channel.hang_up(&self.node, "SYSTEM_SHUTDOWN", "send_bye");
        } else {
            match outcome {
                Outcome::HungUp { .. } => {}
                Outcome::Transferred { extension, context, .. } => {
                    self.elsewhere(extension, context).await
                }
                Outcome::SocketClosed | Outcome::NotReached => self.rest_of_dialplan().await,
            }
        }
        self.end().await;
    }

    /// The `socket` application.
    async fn socket(&mut self, data: &str) -> Outcome {
        self.channel.set("current_application_data", Some(data));
        self.channel.set("current_application", Some("socket"));
        let uuid = self.node.uuid();
        self.fire("CHANNEL_EXECUTE", SESSION, true, application("socket", data, &uuid, None));
        let words: Vec<&str> = data.split(' ').collect();
        let has = |word: &str| words.iter().skip(1).any(|w| w.eq_ignore_ascii_case(word));
        let (full, is_async) = (has("full"), has("async"));
        let hosts = words.first().copied().unwrap_or_default();
        let Some(stream) = self.connect(hosts).await else {
            self.channel.update(|state| state.released = true);
            self.fire(
                "CHANNEL_EXECUTE_COMPLETE",
                SESSION_END,
                true,
                application("socket", data, &uuid, Some("_none_")),
            );
            return Outcome::NotReached;
        };
        listener::spawn_outbound(&self.node, &self.channel, stream, full, is_async);
        if is_async {
            self.wait_connected().await;
            self.fire("CHANNEL_PARK", PARK, true, vec![]);
        }
        self.park(is_async).await;
        if is_async {
            self.fire("CHANNEL_UNPARK", PARK, true, vec![]);
        }
        self.fire(
            "CHANNEL_EXECUTE_COMPLETE",
            SESSION_END,
            true,
            application("socket", data, &uuid, Some("_none_")),
        );
        self.how_it_ended()
    }

    fn how_it_ended(&mut self) -> Outcome {
        if let Some(cause) = self.channel.lock().cause.clone() {
            return Outcome::HungUp { cause };
        }
        match self.transfer.take() {
            Some((extension, dialplan, context)) => {
                self.channel.update(|state| state.running = Running::Routing);
                self.fire("CHANNEL_STATE", STATE, false, vec![]);
                self.channel.update(|state| {
                    state.running = Running::Execute;
                    state.state = state.state.max(Running::Execute);
                });
                self.fire("CHANNEL_STATE", STATE, false, vec![]);
                Outcome::Transferred { extension, dialplan, context }
            }
            None => Outcome::SocketClosed,
        }
    }

    /// The hosts of `a:1/path|b:2/path`, one after another.
    async fn connect(&self, hosts: &str) -> Option<TcpStream> {
        let mut port = 8084;
        for host in hosts.split('|').take(50) {
            let (address, path) = match host.split_once('/') {
                Some((address, path)) => (address, Some(path)),
                None => (host, None),
            };
            let name = match address.rsplit_once(':') {
                Some((name, number)) => {
                    port = number.parse().unwrap_or(port);
                    name
                }
                None => address,
            };
            if let Some(path) = path {
                self.channel.set("socket_path", Some(path));
            }
            self.channel.set("socket_host", Some(name));
            if let Ok(Ok(stream)) = timeout(CONNECT, TcpStream::connect((name, port))).await {
                return Some(stream);
            }
        }
        None
    }

    async fn wait_connected(&self) {
        self.channel
            .until(self.ends, |state| {
                (state.connected || state.released || state.cause.is_some()).then_some(())
            })
            .await;
    }

    /// Carries out what is queued until the call is over, transferred, or left alone.
    async fn park(&mut self, is_async: bool) {
        loop {
            let next = self
                .channel
                .until(self.ends, |state| {
                    if state.cause.is_some() {
                        return Some(None);
                    }
                    match state.queue.pop_front() {
                        Some(message) => Some(Some(message)),
                        None => state.released.then_some(None),
                    }
                })
                .await;
            match next {
                Some(Some(message)) => {
                    if is_async {
                        self.tick().await;
                    }
                    self.carry_out(message).await;
                }
                Some(None) => return,
                None => self.channel.hang_up(&self.node, "ALLOTTED_TIMEOUT", "send_bye"),
            }
            if self.transfer.is_some() || !self.channel.is_up() {
                return;
            }
        }
    }

    /// Waits for the next tick of the channel's timer.
    pub(super) async fn tick(&self) {
        if self.node.settings.ticks {
            let ticks = u32::try_from(self.began.elapsed().as_millis() / TICK.as_millis())
                .unwrap_or(u32::MAX);
            sleep_until(self.began + TICK * ticks.saturating_add(1)).await;
        }
    }

    /// One `sendmsg` (`switch_ivr_parse_event`).
    pub(super) fn carry_out(
        &mut self,
        message: Message,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let packet = &message.packet;
            let was_locked = self.locked;
            self.locked |= packet.get("event-lock").is_some_and(super::super::registrar::is_true);
            match packet.get("call-command") {
                Some("execute") => {
                    let name = packet.get("execute-app-name").unwrap_or_default().to_owned();
                    let argument = packet
                        .get("execute-app-arg")
                        .filter(|argument| !argument.is_empty())
                        .or(packet.body.as_deref())
                        .unwrap_or_default()
                        .to_owned();
                    let uuid =
                        packet.get("Event-UUID").map_or_else(|| self.node.uuid(), str::to_owned);
                    let loops = packet.get("loops").map_or(1, leading_number).max(1);
                    self.execute_loops(&name, &argument, &uuid, loops).await;
                }
                Some("hangup") => {
                    let cause = packet.get("hangup-cause").unwrap_or("NORMAL_CLEARING").to_owned();
                    self.channel.hang_up(&self.node, &cause, "send_bye");
                }
                _ => {}
            }
            self.locked = was_locked;
            if let Some(done) = message.done {
                // Nobody waits any more when the socket has gone.
                let _ = done.send(());
            }
        })
    }

    async fn execute_loops(&mut self, name: &str, argument: &str, uuid: &str, loops: usize) {
        for round in 1..=loops {
            let began = Instant::now();
            self.channel.set("current_loop", Some(&round.to_string()));
            self.channel.set("total_loops", Some(&loops.to_string()));
            self.execute(name, argument, uuid).await;
            let too_fast = loops > 1 && began.elapsed() < Duration::from_millis(500);
            if too_fast || self.transfer.is_some() || !self.channel.is_up() {
                break;
            }
        }
        self.channel.set("current_loop", None);
        self.channel.set("total_loops", None);
    }

    /// One application: expanded argument, `CHANNEL_EXECUTE`, the work, `CHANNEL_EXECUTE_COMPLETE`.
    pub(super) async fn execute(&mut self, name: &str, argument: &str, uuid: &str) {
        let Some(work) = super::applications::Application::named(name) else {
            self.channel.hang_up(&self.node, "DESTINATION_OUT_OF_ORDER", "send_bye");
            return;
        };
        if work.needs_media() {
            self.pre_answer();
        }
        let channel = Arc::clone(&self.channel);
        let expanded = self.node.expand(argument, &move |name| channel.value(name)).await;
        self.channel.set("current_application_response", None);
        self.channel.set("current_application", Some(name));
        self.channel.set("current_application_data", Some(&expanded));
        self.fire("CHANNEL_EXECUTE", SESSION, true, application(name, &expanded, uuid, None));
        self.channel.update(|state| state.broken = false);
        self.nested += 1;
        self.perform(work, name, &expanded).await;
        self.nested -= 1;
        self.channel.set("current_application_data", Some(&expanded));
        self.channel.set("current_application", Some(name));
        let response = self.channel.variable("current_application_response");
        let response = response.as_deref().unwrap_or("_none_");
        self.fire(
            "CHANNEL_EXECUTE_COMPLETE",
            SESSION_END,
            true,
            application(name, &expanded, uuid, Some(response)),
        );
    }

    /// Waits for `span` while an application runs: a hang-up or `uuid_break` ends it, and without
    /// event-lock what is queued is carried out inside it. True when the whole time passed.
    pub(in super::super) async fn pause(&mut self, span: Duration) -> bool {
        let deadline = (Instant::now() + span).min(self.ends);
        loop {
            let takes = !self.locked && self.nested < MAX_NESTED;
            let found = self
                .channel
                .until(deadline, |state| {
                    if state.cause.is_some() || std::mem::take(&mut state.broken) {
                        return Some(None);
                    }
                    takes.then(|| state.queue.pop_front()).flatten().map(Some)
                })
                .await;
            match found {
                None => {
                    if deadline == self.ends {
                        self.channel.hang_up(&self.node, "ALLOTTED_TIMEOUT", "send_bye");
                    }
                    return self.channel.is_up();
                }
                Some(None) => return false,
                Some(Some(message)) => {
                    self.carry_out(message).await;
                    if self.transfer.is_some() {
                        return false;
                    }
                }
            }
        }
    }

    pub(in super::super) fn tell(&self, heard: Heard) {
        // A person who does not listen misses what does not fit.
        let _ = self.heard.try_send(heard);
    }

    pub(super) fn fire(
        &self,
        name: &str,
        source: (&str, &str, u32),
        variables: bool,
        extra: Vec<(String, String)>,
    ) {
        self.channel.fire(&self.node, name, source, variables, extra);
    }
}

/// The headers of `CHANNEL_EXECUTE` and `CHANNEL_EXECUTE_COMPLETE`.
fn application(
    name: &str,
    data: &str,
    uuid: &str,
    response: Option<&str>,
) -> Vec<(String, String)> {
    let mut headers = vec![("Application".to_owned(), name.to_owned())];
    if !data.is_empty() {
        headers.push(("Application-Data".to_owned(), data.to_owned()));
    }
    if let Some(response) = response {
        headers.push(("Application-Response".to_owned(), response.to_owned()));
    }
    headers.push(("Application-UUID".to_owned(), uuid.to_owned()));
    headers
}
