//! The connection that we make to FreeSWITCH: commands, background jobs, and the events of the whole switch.

mod events;
mod lasting;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;
use zeroize::Zeroize;

use super::codec::Limits;
use super::command::{Api, Command, Password, SendEvent, Subscription};
use super::link::{self, Expect, Handle, Link};
use super::message::{Kind, Message};
use super::owner;
use super::wire::{self, Wire};
use super::{ApiAnswer, CommandError, ConnectError, Disconnected};
use events::Inbox;
pub use events::{Events, EventsError};
pub use lasting::{Backoff, lasting};

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// For how long connecting and logging in may take together; 5 s unless told.
    pub connect_deadline: Duration,
    /// For how long a command may take; 10 s unless told.
    pub command_deadline: Duration,
    /// How many events may wait to be fetched; 10,000 unless told.
    pub most_events: usize,
    /// How many bytes of events may wait to be fetched; 16 MiB unless told.
    pub most_event_bytes: usize,
    /// The largest message.
    pub limits: Limits,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            connect_deadline: Duration::from_secs(5),
            command_deadline: Duration::from_secs(10),
            most_events: 10_000,
            most_event_bytes: 16 << 20,
            limits: Limits::default(),
        }
    }
}

/// Connects and logs in. What is said goes through the [`Client`], what FreeSWITCH tells comes through [`Events`]; the
/// connection closes when the last clone of the client is gone.
pub async fn connect(
    address: impl ToSocketAddrs,
    password: &SecretString,
    settings: ClientSettings,
) -> Result<(Client, Events), ConnectError> {
    let deadline = settings.connect_deadline;
    let wire = timeout(deadline, log_in(address, password, settings.limits))
        .await
        .map_err(|_| ConnectError::Deadline)??;
    let link = Link::new(Inbox::new(settings.most_events, settings.most_event_bytes));
    let client =
        Client { handle: Arc::new(Handle(Arc::clone(&link))), deadline: settings.command_deadline };
    let events = Events::new(Arc::clone(&link));
    tokio::spawn(owner::run(wire, link));
    Ok((client, events))
}

/// From nothing to a connection that takes commands.
async fn log_in(
    address: impl ToSocketAddrs,
    password: &SecretString,
    limits: Limits,
) -> Result<Wire, ConnectError> {
    let password = Command::Auth(Password::new(password)?);
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| ConnectError::Connect { reason: error.to_string() })?;
    if let Err(error) = wire::tune(&stream) {
        tracing::debug!(%error, "cannot tune a socket");
    }
    let mut wire = Wire::new(stream, limits);
    match wire.next().await?.kind() {
        Kind::AuthRequest => {}
        Kind::RudeRejection => return Err(ConnectError::Rejected),
        Kind::DisconnectNotice => return Err(Disconnected::Notice.into()),
        _ => return Err(ConnectError::NotFreeSwitch),
    }
    say(&wire, &password).await?;
    let reply = wire.next().await?;
    match reply.kind() {
        Kind::CommandReply if is_ok(&reply) => Ok(wire),
        Kind::CommandReply => Err(ConnectError::Password),
        Kind::DisconnectNotice => Err(Disconnected::Notice.into()),
        _ => Err(ConnectError::NotFreeSwitch),
    }
}

/// Writes the one command that holds a secret, and wipes the buffer.
async fn say(wire: &Wire, command: &Command) -> Result<(), Disconnected> {
    let mut out = bytes::BytesMut::with_capacity(256);
    command.encode(&mut out);
    let mut written = 0;
    let mut end = Ok(());
    while let Some(rest) = out.get(written..).filter(|rest| !rest.is_empty()) {
        if let Err(error) = wire.stream.writable().await {
            end = Err(Disconnected::Io(error.kind()));
            break;
        }
        match wire.stream.try_write(rest) {
            Ok(count) => written += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => {
                end = Err(Disconnected::Io(error.kind()));
                break;
            }
        }
    }
    out.as_mut().zeroize();
    end
}

/// Whether a reply says yes.
fn is_ok(reply: &Message) -> bool {
    reply.reply_text().is_some_and(|text| text.starts_with("+OK"))
}

/// The saying half of a connection to FreeSWITCH. Cheap to clone; commands of all clones are pipelined.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle<Inbox>>,
    deadline: Duration,
}

impl Client {
    /// Asks FreeSWITCH something that it answers at once (its listener does nothing else meanwhile: no events).
    pub async fn api(&self, api: Api) -> Result<ApiAnswer, CommandError> {
        let receiver = self.handle.0.ask(&Command::Api(api), Expect::Api)?;
        link::answer(receiver, self.deadline).await.map(ApiAnswer::from_reply)
    }

    /// Has FreeSWITCH do something in a thread of its own, under a `Job-UUID` of ours. The first job also subscribes to
    /// `BACKGROUND_JOB`. At most 64 at once.
    pub async fn bgapi(&self, api: Api, deadline: Duration) -> Result<ApiAnswer, CommandError> {
        let receiver = self.handle.0.start_job(api)?;
        link::answer(receiver, deadline).await.map(ApiAnswer::from_job)
    }

    /// Gives FreeSWITCH an event to act on; the reply says only that it was taken.
    pub async fn send_event(&self, event: SendEvent) -> Result<(), CommandError> {
        self.command(&Command::SendEvent(event)).await
    }

    /// Hears of these events too, from now on.
    pub async fn subscribe(&self, subscription: Subscription) -> Result<(), CommandError> {
        self.command(&Command::Subscribe(subscription)).await
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.handle.0.state().why_ended().is_some()
    }

    /// Waits for the end of the connection. Safe to drop.
    pub async fn closed(&self) -> Disconnected {
        self.handle.0.ended().await
    }

    /// A command with a plain reply.
    async fn command(&self, command: &Command) -> Result<(), CommandError> {
        let receiver = self.handle.0.ask(command, Expect::Command)?;
        link::answer(receiver, self.deadline).await.map(drop)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
