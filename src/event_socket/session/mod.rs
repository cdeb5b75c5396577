//! A call that FreeSWITCH handed to us with `socket ... async full`.
//!
//! A [`Session`] is what a flow speaks through. Nothing it does holds up the socket, and whatever a flow waits for ends:
//! with its own completion, with the hang-up, with the connection, or at its deadline. When the session is dropped, the
//! connection says `exit` and the call goes on in the dialplan behind `socket`; when the call has ended, the connection
//! leaves by itself, because FreeSWITCH keeps the call's memory as long as somebody lingers.

mod call;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, timeout};

use super::command::{Api, Command, Execute, Subscription};
use super::link::{self, Expect, Handle, Link, To};
use super::message::Message;
use super::owner;
use super::server::ServerSettings;
use super::text::ChannelWord;
use super::uuid::Uuid;
use super::wire::Wire;
use super::{ApiAnswer, CommandError, Disconnected, ExecuteError, HandshakeError};
pub(super) use call::Call;

/// What a session hears of its call. `myevents` comes first and restricts everything to this call; `noevents` then
/// empties the list that it brought along (5-7 KB an event).
const EVENTS: [&str; 3] = ["CHANNEL_EXECUTE_COMPLETE", "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"];

/// How many applications may be queued on a call. FreeSWITCH closes the socket at the 257th.
const MOST_EXECUTES: usize = 64;

/// The handle of one call.
pub struct Session {
    handle: Handle<Call>,
    connect: Option<Message>,
    unique_id: ChannelWord,
    peer: SocketAddr,
    execute_deadline: Duration,
    api_deadline: Duration,
}

impl Session {
    /// Takes an accepted socket over: all five commands in one write, all five replies within the connect deadline.
    pub(super) async fn open(
        stream: TcpStream,
        peer: SocketAddr,
        settings: &ServerSettings,
    ) -> Result<Self, HandshakeError> {
        let link = Link::new(Call::new(settings.linger));
        let handle = Handle(Arc::clone(&link));
        let connect = link.ask(&Command::Connect, Expect::Connect)?;
        let mut others = Vec::with_capacity(4);
        for command in [
            Command::MyEvents,
            Command::NoEvents,
            Command::Subscribe(Subscription::events(&EVENTS)),
            Command::Linger(u32::try_from(settings.linger.as_secs().max(1)).unwrap_or(u32::MAX)),
        ] {
            others.push(link.ask(&command, Expect::Command)?);
        }
        // Spawned only now, so that the owner's first write holds all of it.
        tokio::spawn(owner::run(Wire::new(stream, settings.limits), link));
        let deadline = Instant::now() + settings.connect_deadline;
        let connect = within(deadline, connect).await?;
        let unique_id = accept(&connect)?;
        for reply in others {
            within(deadline, reply).await?;
        }
        Ok(Self {
            handle,
            connect: Some(connect),
            unique_id,
            peer,
            execute_deadline: settings.execute_deadline,
            api_deadline: settings.api_deadline,
        })
    }

    /// The reply to `connect` - everything that FreeSWITCH knew about the call - until it is forgotten.
    pub fn connect_reply(&self) -> Option<&Message> {
        self.connect.as_ref()
    }

    /// A channel variable as it was when the call came, without `variable_`; `None` if unset or forgotten.
    pub fn variable(&self, name: &str) -> Option<String> {
        let value = self.connect.as_ref()?.variable(name)?;
        Some(value.text().into_owned())
    }

    /// A header of the reply to `connect` (`Channel-Destination-Number`, say); `None` if absent or forgotten.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.connect.as_ref()?.field(name)?;
        Some(value.text().into_owned())
    }

    /// Lets go of the reply to `connect`: 4 KB to 100 KB that a call need not hold once its flow knows what it needs.
    pub fn forget_connect_reply(&mut self) {
        self.connect = None;
    }

    /// The call's `Unique-ID`.
    pub fn unique_id(&self) -> &ChannelWord {
        &self.unique_id
    }

    /// Where FreeSWITCH connected from.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Queues an application at once and gives its end as a future. Dropping the future changes nothing for FreeSWITCH
    /// or for other commands: the application still runs.
    ///
    /// With [`Execute::loops`] the end is the last round. FreeSWITCH stops early when a round took under half a second,
    /// without saying so; then the end is the last round that there was, told when a later application ends or at the
    /// deadline.
    pub fn start(&self, execute: Execute) -> Execution {
        let deadline = execute.own_deadline().unwrap_or(self.execute_deadline);
        let uuid = Uuid::random();
        let state = match self.queue(uuid, execute) {
            Ok(end) => Stage::Running(end),
            Err(error) => Stage::Over(Some(error)),
        };
        Execution {
            stage: state,
            deadline: Box::pin(tokio::time::sleep(deadline)),
            uuid,
            link: Arc::clone(&self.handle.0),
        }
    }

    /// Place among the running applications, place in line, bytes: together.
    fn queue(
        &self,
        uuid: Uuid,
        execute: Execute,
    ) -> Result<oneshot::Receiver<call::End>, ExecuteError> {
        let mut state = self.handle.0.state();
        if let Some(cause) = state.watch.hangup_cause() {
            return Err(ExecuteError::HungUp { cause });
        }
        if let Some(why) = state.why_ended() {
            return Err(ExecuteError::Disconnected(why.clone()));
        }
        if state.watch.running() >= MOST_EXECUTES {
            return Err(ExecuteError::TooMany);
        }
        let (rounds, locked) = (execute.rounds(), execute.is_locked());
        state.put(&Command::Execute(uuid, execute), Expect::Command, To::Execute(uuid))?;
        let end = state.watch.begin(uuid, rounds, locked);
        drop(state);
        self.handle.0.wake();
        Ok(end)
    }

    /// Executes an application and waits for its end: its `CHANNEL_EXECUTE_COMPLETE`.
    pub async fn execute(&self, execute: Execute) -> Result<Message, ExecuteError> {
        self.start(execute).await
    }

    /// Asks FreeSWITCH something that it answers at once (its listener does nothing else meanwhile).
    pub async fn api(&self, api: Api) -> Result<ApiAnswer, CommandError> {
        let receiver = self.handle.0.ask(&Command::Api(api), Expect::Api)?;
        link::answer(receiver, self.api_deadline).await.map(ApiAnswer::from_reply)
    }

    /// Has FreeSWITCH do something in a thread of its own, under a `Job-UUID` of ours. The first job of a session also
    /// subscribes to `BACKGROUND_JOB`, which `myevents` does not bring.
    pub async fn bgapi(&self, api: Api, deadline: Duration) -> Result<ApiAnswer, CommandError> {
        let receiver = self.handle.0.start_job(api)?;
        link::answer(receiver, deadline).await.map(ApiAnswer::from_job)
    }

    /// Ends the call now, past everything that is queued (`uuid_kill`; the application `hangup` waits its turn).
    pub async fn kill(&self, cause: &'static str) -> Result<ApiAnswer, CommandError> {
        let argument = super::Argument::word(&self.unique_id).then_literal(" ").then_literal(cause);
        self.api(Api::new("uuid_kill").argument(argument)).await
    }

    /// Stops the application that runs now (`uuid_break`); queued ones follow.
    pub async fn interrupt(&self) -> Result<ApiAnswer, CommandError> {
        let argument = super::Argument::word(&self.unique_id);
        self.api(Api::new("uuid_break").argument(argument)).await
    }

    /// Whether the call is over, or the connection.
    pub fn is_hung_up(&self) -> bool {
        let state = self.handle.0.state();
        state.watch.hangup_cause().is_some() || state.why_ended().is_some()
    }

    /// Waits until the call is over, or the connection. Safe to drop.
    pub async fn hung_up(&self) {
        let over = |state: &mut link::State<Call>| {
            let over = state.watch.hangup_cause().is_some() || state.why_ended().is_some();
            over.then_some(())
        };
        self.handle.0.until(over).await;
    }

    /// Says `exit` and waits until FreeSWITCH has closed, a second at most. Applications that are queued still run; the
    /// dialplan goes on behind `socket` when they have.
    pub async fn exit(self) {
        let link = Arc::clone(&self.handle.0);
        drop(self);
        link.ended().await;
    }

    /// The shared end, for the server to wait for.
    pub(super) fn link(&self) -> Arc<Link<Call>> {
        Arc::clone(&self.handle.0)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("unique_id", &self.unique_id)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// One reply of the handshake.
async fn within(
    deadline: Instant,
    reply: oneshot::Receiver<link::Answer>,
) -> Result<Message, HandshakeError> {
    let left = deadline.saturating_duration_since(Instant::now());
    match timeout(left, reply).await {
        Ok(Ok(answer)) => Ok(answer?),
        Ok(Err(_)) => Err(Disconnected::Closed.into()),
        Err(_) => Err(HandshakeError::Deadline),
    }
}

/// Checks that the dialplan says `async full`, without which nothing here works, and finds the call's id.
fn accept(connect: &Message) -> Result<ChannelWord, HandshakeError> {
    let said = |name, wanted: &[u8]| connect.field(name).is_some_and(|value| value.raw() == wanted);
    if !said("Control", b"full") {
        return Err(HandshakeError::NotFull);
    }
    if !said("Socket-Mode", b"async") {
        return Err(HandshakeError::NotAsync);
    }
    let unique_id = connect.field("Unique-ID").or_else(|| connect.field("Channel-Unique-ID"));
    unique_id
        .and_then(|value| ChannelWord::parse(&value.text()).ok())
        .ok_or(HandshakeError::NoUniqueId)
}

/// The end of an application, as a future.
#[must_use = "the application runs, but nobody hears of its end"]
pub struct Execution {
    stage: Stage,
    deadline: Pin<Box<Sleep>>,
    uuid: Uuid,
    link: Arc<Link<Call>>,
}

/// How far an application is.
enum Stage {
    Running(oneshot::Receiver<call::End>),
    Over(Option<ExecuteError>),
}

impl Execution {
    /// The id that it has in FreeSWITCH's events (`Application-UUID`).
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }
}

impl Future for Execution {
    type Output = Result<Message, ExecuteError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let end = match &mut self.stage {
            // Asked again after its end, which a future need not answer sensibly; it does not panic.
            Stage::Over(error) => {
                return Poll::Ready(Err(error.take().unwrap_or(ExecuteError::Deadline)));
            }
            Stage::Running(end) => Pin::new(end).poll(context),
        };
        if let Poll::Ready(end) = end {
            self.stage = Stage::Over(None);
            return Poll::Ready(
                end.unwrap_or(Err(ExecuteError::Disconnected(Disconnected::Closed))),
            );
        }
        if self.deadline.as_mut().poll(context).is_ready() {
            self.stage = Stage::Over(None);
            let last = self.link.state().watch.last_round(self.uuid);
            return Poll::Ready(last.ok_or(ExecuteError::Deadline));
        }
        Poll::Pending
    }
}
