//! FreeSWITCH's side of a socket, played from a script: raw bytes out, commands in. Uses nothing of the room.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use hotdeskd::event_socket::{ServerSettings, Session, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Every test has this long.
pub(super) async fn timed<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), test).await.expect("the test hangs")
}

/// The `Unique-ID` of the call in `lean`.
pub(super) const CALL: &str = "a3b4797e-44b6-4e9c-b4b3-1ad396fa1468";

/// The five commands with which every session begins, as recorded, with this linger.
pub(super) fn handshake(linger: u32) -> String {
    super::wire::conversation("lean").turns[0].data.replace("linger 5", &format!("linger {linger}"))
}

/// What FreeSWITCH answered to them.
pub(super) fn handshake_reply() -> String {
    super::wire::conversation("lean").turns[1].data.clone()
}

/// A message with an event in it.
pub(super) fn event(inner: &str) -> String {
    format!("Content-Length: {}\nContent-Type: text/event-plain\n\n{inner}", inner.len())
}

/// The end of an application.
pub(super) fn complete(uuid: &str, application: &str) -> String {
    event(&format!(
        "Event-Name: CHANNEL_EXECUTE_COMPLETE\nUnique-ID: {CALL}\nApplication: {application}\nApplication-UUID: {uuid}\n\n"
    ))
}

/// `CHANNEL_HANGUP` or `CHANNEL_HANGUP_COMPLETE`.
pub(super) fn hangup(name: &str, cause: &str) -> String {
    event(&format!("Event-Name: {name}\nUnique-ID: {CALL}\nHangup-Cause: {cause}\n\n"))
}

/// An answer to `api`.
pub(super) fn api(body: &str) -> String {
    format!("Content-Type: api/response\nContent-Length: {}\n\n{body}", body.len())
}

pub(super) const OK: &str = "Content-Type: command/reply\nReply-Text: +OK\n\n";

/// The notice with which FreeSWITCH closes.
pub(super) const GOODBYE: &str = "Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\nContent-Length: 67\n\n\
    Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n";

/// The notice that the call is over.
pub(super) const LINGER: &str = "Content-Type: text/disconnect-notice\nContent-Disposition: linger\nLinger-Time: 5\nContent-Length: 0\n\n";

/// One command as FreeSWITCH reads it: the header block, and the body that it announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) head: String,
    pub(super) body: String,
}

impl Heard {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// `Event-UUID` or `Job-UUID`.
    pub(super) fn uuid(&self) -> &str {
        self.header("Event-UUID").or(self.header("Job-UUID")).expect("a command with an id")
    }
}

/// FreeSWITCH's end of a connection.
pub(super) struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Peer {
    pub(super) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).await.unwrap())
    }

    /// Connects and goes through the handshake.
    pub(super) async fn call(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address).await;
        for _ in 0..5 {
            peer.hear().await.expect("five commands");
        }
        peer.say(&handshake_reply()).await;
        peer
    }

    pub(super) async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Says it if somebody still listens.
    pub(super) async fn try_say(&mut self, text: &str) -> bool {
        self.stream.write_all(text.as_bytes()).await.is_ok()
    }

    /// The next command; `None` when we have closed. Reads as in `event_socket.md` 2.2: a bare line end is no command.
    pub(super) async fn hear(&mut self) -> Option<Heard> {
        loop {
            while self.buffer.first() == Some(&b'\n') {
                self.buffer.remove(0);
            }
            let text = String::from_utf8(self.buffer.clone()).expect("our commands are UTF-8");
            if let Some((head, rest)) = text.split_once("\n\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.parse().unwrap());
                if rest.len() >= length {
                    let heard = Heard { head: head.to_owned(), body: rest[..length].to_owned() };
                    self.buffer.drain(..head.len() + 2 + length);
                    return Some(heard);
                }
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Everything that comes in one read.
    pub(super) async fn read_once(&mut self) -> String {
        assert!(self.buffer.is_empty());
        self.fill().await;
        String::from_utf8(std::mem::take(&mut self.buffer)).unwrap()
    }

    /// Waits until we close, passing over what we still say; gives the commands.
    pub(super) async fn closed(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(heard) = self.hear().await {
            said.push(heard.head);
        }
        said
    }

    /// Whether nothing comes for a moment.
    pub(super) async fn is_silent(&mut self) -> bool {
        self.buffer.retain(|&byte| byte != b'\n');
        self.buffer.is_empty()
            && tokio::time::timeout(Duration::from_millis(100), self.fill()).await.is_err()
    }

    async fn fill(&mut self) -> bool {
        let mut piece = [0; 65_536];
        match self.stream.read(&mut piece).await {
            Ok(0) | Err(_) => false,
            Ok(read) => {
                self.buffer.extend_from_slice(&piece[..read]);
                true
            }
        }
    }
}

/// A server whose sessions are handed to the test.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) sessions: mpsc::UnboundedReceiver<Session>,
    pub(super) stop: CancellationToken,
    pub(super) served: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::with(ServerSettings::default()).await
    }

    pub(super) async fn with(settings: ServerSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (sender, sessions) = mpsc::unbounded_channel();
        let served = tokio::spawn(serve(listener, settings, stop.clone(), move |session| {
            let sender = sender.clone();
            async move {
                // The session lives on in the test; dropped there, it ends.
                drop(sender.send(session));
            }
        }));
        Self { address, sessions, stop, served }
    }

    /// A call: FreeSWITCH's end and ours.
    pub(super) async fn call(&mut self) -> (Peer, Session) {
        let peer = Peer::call(self.address).await;
        let session = self.sessions.recv().await.expect("the call is taken");
        (peer, session)
    }
}
