//! One event-socket connection as `mod_event_socket` keeps it, outbound or inbound: one task reads
//! commands and writes everything (`facts/event_socket.md`, 2).

mod commands;
mod subscription;

pub(super) use subscription::Subscription;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, sleep_until, timeout};

use super::channel::Channel;
use super::node::{MAX_ROWS, Node};
use super::packet::{Packet, PacketReader, Step};
use super::registrar::is_true;
use subscription::Format;

/// The first command must come within this time.
const FIRST_COMMAND: Duration = Duration::from_secs(25);
/// A reader that is stuck holds the writer no longer. (FreeSWITCH waits ten minutes.)
const WRITE: Duration = Duration::from_secs(10);
/// How often an idle listener looks at its queue.
const POLL: Duration = Duration::from_millis(20);

const GOODBYE: &str = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n";

/// One connection.
struct Listener {
    node: Arc<Node>,
    subscription: Arc<Subscription>,
    kind: Kind,
    writer: OwnedWriteHalf,
    running: bool,
}

enum Kind {
    /// FreeSWITCH connected, for one call.
    Outbound { channel: Arc<Channel>, full: bool, is_async: bool, linger: Linger },
    /// Somebody connected to FreeSWITCH.
    Inbound { authed: bool },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Linger {
    /// The socket is closed at hang-up.
    No,
    /// It is kept for that time, `None` for ever.
    For(Option<Duration>),
    /// The notice was sent; kept until then.
    Until(Option<Instant>),
}

/// Why reading stopped.
enum End {
    /// Goodbye is said.
    Goodbye(&'static str),
    /// The other side has gone.
    Gone,
}

/// Serves the socket of one call in a task of its own.
pub(super) fn spawn_outbound(
    node: &Arc<Node>,
    channel: &Arc<Channel>,
    stream: TcpStream,
    full: bool,
    is_async: bool,
) {
    let kind = Kind::Outbound { channel: Arc::clone(channel), full, is_async, linger: Linger::No };
    spawn(node, stream, kind);
}

/// Serves a connection to the inbound event socket in a task of its own.
pub(super) fn spawn_inbound(node: &Arc<Node>, stream: TcpStream) {
    spawn(node, stream, Kind::Inbound { authed: false });
}

fn spawn(node: &Arc<Node>, stream: TcpStream, kind: Kind) {
    // Without it small messages wait for each other; FreeSWITCH sets it too.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let subscription = Arc::new(Subscription::new());
    let listener = Listener { node: Arc::clone(node), subscription, kind, writer, running: true };
    node.tasks.spawn(listener.run(Input { reader, chunk: vec![0; 4096], at: 0, filled: 0 }));
}

/// Bytes that have arrived and are not yet looked at.
struct Input {
    reader: OwnedReadHalf,
    chunk: Vec<u8>,
    at: usize,
    filled: usize,
}

impl Input {
    fn next(&mut self) -> Option<u8> {
        if self.at >= self.filled {
            return None;
        }
        let byte = self.chunk.get(self.at).copied();
        self.at += 1;
        byte
    }

    /// More bytes; false at the end of the stream. Nothing is lost when the future is dropped.
    async fn fill(&mut self) -> bool {
        self.at = 0;
        self.filled = 0;
        match self.reader.read(&mut self.chunk).await {
            Ok(count) if count > 0 => {
                self.filled = count;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }
}

impl Listener {
    async fn run(mut self, mut input: Input) {
        let registered = {
            let mut state = self.node.lock();
            let fits = state.listeners.len() < MAX_ROWS;
            if fits {
                state.listeners.push(Arc::clone(&self.subscription));
            }
            fits
        };
        let end = match registered {
            true => self.serve(&mut input).await,
            false => End::Gone,
        };
        // FreeSWITCH takes the listener from its list before it says goodbye: what is fired now is lost.
        let subscription = Arc::clone(&self.subscription);
        self.node.lock().listeners.retain(|known| !Arc::ptr_eq(known, &subscription));
        if let End::Goodbye(text) = end {
            let head = match &self.kind {
                Kind::Outbound { channel, .. } => format!(
                    "Content-Type: text/disconnect-notice\nControlled-Session-UUID: {}\nContent-Disposition: disconnect\nContent-Length: {}\n\n",
                    channel.uuid,
                    text.len()
                ),
                Kind::Inbound { .. } => {
                    format!(
                        "Content-Type: text/disconnect-notice\nContent-Length: {}\n\n",
                        text.len()
                    )
                }
            };
            // The other side may have gone already.
            let _ = self.write(&head, text).await;
        }
        // FIN; an error means that it is closed already.
        let _ = self.writer.shutdown().await;
        if let Kind::Outbound { channel, .. } = &self.kind {
            let resume = channel.variable("socket_resume").is_some_and(|value| is_true(&value));
            channel.update(|state| {
                state.released = true;
                // With `resume` a running application is cut; without, it plays to its end.
                state.broken |= resume;
            });
        }
    }

    async fn serve(&mut self, input: &mut Input) -> End {
        if let Some(refused) = self.greet().await {
            return refused;
        }
        let mut packets = PacketReader::default();
        let deadline = Instant::now() + FIRST_COMMAND;
        let mut first = true;
        while self.running {
            let packet =
                match self.next_packet(input, &mut packets, first.then_some(deadline)).await {
                    Ok(packet) => packet,
                    Err(end) => return end,
                };
            let outbound = matches!(self.kind, Kind::Outbound { .. });
            // The reply to the first command of an outbound socket is thrown away; `connect`
            // answers by itself.
            let silent = first && outbound;
            first = false;
            let Some(reply) = self.command(&packet).await else {
                return End::Goodbye(GOODBYE);
            };
            if !silent && !self.write(&reply, "").await {
                return End::Gone;
            }
            if self.is_over_in_sync_mode() {
                break;
            }
        }
        End::Goodbye(GOODBYE)
    }

    /// What comes before the first command.
    async fn greet(&mut self) -> Option<End> {
        match &self.kind {
            // The call has gone before the thread began: the notice comes instead of an answer.
            Kind::Outbound { channel, .. } => (!channel.is_up()).then_some(End::Goodbye(GOODBYE)),
            Kind::Inbound { .. } if self.node.lock().refuses_inbound => {
                let text = "Access Denied, go away.\n";
                let head = format!(
                    "Content-Type: text/rude-rejection\nContent-Length: {}\n\n",
                    text.len()
                );
                let _ = self.write(&head, text).await;
                Some(End::Gone)
            }
            Kind::Inbound { .. } => match self.write("Content-Type: auth/request\n\n", "").await {
                true => None,
                false => Some(End::Gone),
            },
        }
    }

    /// Reads until a command is whole. Events go out only while nothing of a command has come.
    async fn next_packet(
        &mut self,
        input: &mut Input,
        packets: &mut PacketReader,
        deadline: Option<Instant>,
    ) -> Result<Packet, End> {
        loop {
            while let Some(byte) = input.next() {
                match packets.push(byte) {
                    Step::More => {}
                    Step::Packet(packet) => return Ok(packet),
                    Step::TooLong => return Err(End::Goodbye(GOODBYE)),
                }
            }
            let idle = packets.is_idle();
            if idle {
                self.deliver().await?;
            }
            let ticks = self.node.settings.ticks;
            let subscription = Arc::clone(&self.subscription);
            let stop = self.node.stop.clone();
            let more = tokio::select! {
                more = input.fill() => more,
                () = self.wakes(&subscription, ticks), if idle => true,
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    return Err(End::Goodbye(GOODBYE));
                }
                () = stop.cancelled() => return Err(End::Goodbye("The system is being shut down.\n")),
            };
            if !more {
                return Err(End::Gone);
            }
        }
    }

    /// Something to do without a command: an event, a hang-up, the end of lingering. With ticks the
    /// socket is looked at only every 20 ms.
    async fn wakes(&self, subscription: &Subscription, ticks: bool) {
        let began = Instant::now();
        let arrived = async {
            if subscription.is_empty() {
                subscription.arrived.notified().await;
            }
        };
        tokio::select! {
            () = arrived => {}
            () = self.call_changes() => {}
        }
        if ticks {
            sleep_until(began + POLL).await;
        }
    }

    /// The call is over, or it was and the time to linger is too.
    async fn call_changes(&self) {
        let far = Instant::now() + Duration::from_secs(3600);
        match &self.kind {
            Kind::Outbound { channel, linger: Linger::No | Linger::For(_), .. } => {
                channel.until(far, |state| state.cause.is_some().then_some(())).await;
            }
            Kind::Outbound { linger: Linger::Until(until), .. } => {
                sleep_until(until.unwrap_or(far)).await
            }
            Kind::Inbound { .. } => std::future::pending().await,
        }
    }

    /// Sends what is queued; then looks whether the call is over.
    async fn deliver(&mut self) -> Result<(), End> {
        if self.subscription.is_killed() {
            return Err(End::Goodbye("killed listener because of lost events\n"));
        }
        while let Some(event) = self.subscription.take() {
            let (body, kind) = match self.subscription.wishes().format {
                Format::Plain => (event.plain(), "plain"),
                Format::Json => (event.json(), "json"),
            };
            let head =
                format!("Content-Length: {}\nContent-Type: text/event-{kind}\n\n", body.len());
            if !self.write(&head, &body).await {
                return Err(End::Gone);
            }
        }
        self.linger().await
    }

    /// At hang-up: a notice and patience, or goodbye.
    async fn linger(&mut self) -> Result<(), End> {
        let Kind::Outbound { channel, linger, .. } = &mut self.kind else {
            return Ok(());
        };
        match *linger {
            Linger::Until(Some(until)) if Instant::now() >= until => Err(End::Goodbye(GOODBYE)),
            Linger::Until(_) => Ok(()),
            _ if channel.is_up() => Ok(()),
            Linger::No => Err(End::Goodbye(GOODBYE)),
            Linger::For(span) => {
                *linger = Linger::Until(span.map(|span| Instant::now() + span));
                let notice = format!(
                    "Content-Type: text/disconnect-notice\nControlled-Session-UUID: {}\nContent-Disposition: linger\nChannel-Name: sofia/internal/{}@{}\nLinger-Time: {}\nContent-Length: 0\n\n",
                    channel.uuid,
                    channel.setup.phone,
                    self.node.settings.domain,
                    span.map_or(-1, |span| i64::try_from(span.as_secs()).unwrap_or(-1)),
                );
                match self.write(&notice, "").await {
                    true => Ok(()),
                    false => Err(End::Gone),
                }
            }
        }
    }

    /// In sync mode the call's own thread reads: it stops with the call, and events are lost.
    fn is_over_in_sync_mode(&self) -> bool {
        match &self.kind {
            Kind::Outbound { channel, is_async: false, linger: Linger::No, .. } => {
                !channel.is_up() || channel.is_transferred()
            }
            _ => false,
        }
    }

    /// Header and body in two writes, as FreeSWITCH sends them; false when the other side has gone.
    async fn write(&mut self, head: &str, body: &str) -> bool {
        for part in [head, body] {
            if part.is_empty() {
                continue;
            }
            match timeout(WRITE, self.writer.write_all(part.as_bytes())).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return false,
            }
        }
        true
    }
}
