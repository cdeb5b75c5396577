//! The accept loop for the calls that FreeSWITCH hands to us.
//!
//! A refused connection is simply closed: FreeSWITCH's dialplan then goes on with the action behind `socket`, which is
//! why every such action has a safe one behind it.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::codec::Limits;
use super::session::Session;
use super::{Disconnected, HandshakeError, wire};

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Who may connect; loopback unless told. An IPv4 address in IPv6 clothes counts as the IPv4 address.
    pub allow: Vec<IpNet>,
    /// How many calls at once; 1,000 unless told. What comes on top is closed at once.
    pub max_calls: usize,
    /// For how long FreeSWITCH stays after the end of a call, in whole seconds; 10 s unless told.
    pub linger: Duration,
    /// For how long FreeSWITCH may take to answer the handshake; 5 s unless told.
    pub connect_deadline: Duration,
    /// For how long an application may run, unless it has a deadline of its own; 60 s unless told.
    pub execute_deadline: Duration,
    /// For how long an `api` command may take; 5 s unless told.
    pub api_deadline: Duration,
    /// The largest message.
    pub limits: Limits,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            allow: vec![
                IpNet::new_assert(IpAddr::from([127, 0, 0, 0]), 8),
                IpNet::new_assert(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), 128),
            ],
            max_calls: 1_000,
            linger: Duration::from_secs(10),
            connect_deadline: Duration::from_secs(5),
            execute_deadline: Duration::from_secs(60),
            api_deadline: Duration::from_secs(5),
            limits: Limits::default(),
        }
    }
}

impl ServerSettings {
    /// Whether this address may connect.
    fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allow.iter().any(|net| net.contains(&address))
    }
}

/// Accepts calls and gives each to `handler` in a task of its own, until `shutdown`; then waits for the calls that run
/// (the caller bounds that wait; dropping the future ends them). Survives every error of `accept`. A handler that panics
/// ends its own call only.
pub async fn serve<H, F>(
    listener: TcpListener,
    settings: ServerSettings,
    shutdown: CancellationToken,
    handler: H,
) where
    H: Fn(Session) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(settings.max_calls.min(Semaphore::MAX_PERMITS)));
    let (settings, handler) = (Arc::new(settings), Arc::new(handler));
    let mut calls = JoinSet::new();
    let mut refused = Refused::default();
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(ended) = calls.join_next(), if !calls.is_empty() => {
                note(ended);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or the peer is gone already: what is right is to go on, not too fast.
                tracing::warn!(%error, "cannot accept a call");
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        };
        pause = FIRST_PAUSE;
        if !settings.allows(peer.ip()) {
            refused.note(peer, "the address is not allowed");
            continue;
        }
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            refused.note(peer, "there are too many calls");
            continue;
        };
        calls.spawn(take(stream, peer, Arc::clone(&settings), Arc::clone(&handler), slot));
    }
    drop(listener);
    while let Some(ended) = calls.join_next().await {
        note(ended);
    }
}

/// The pause after the first error of `accept`.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause after errors of `accept`.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// One call, from its handshake until its socket is closed; only then its slot is free.
async fn take<H, F>(
    stream: TcpStream,
    peer: SocketAddr,
    settings: Arc<ServerSettings>,
    handler: Arc<H>,
    slot: OwnedSemaphorePermit,
) where
    H: Fn(Session) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    if let Err(error) = wire::tune(&stream) {
        tracing::debug!(%peer, %error, "cannot tune a socket");
    }
    let session = match Session::open(stream, peer, &settings).await {
        Ok(session) => session,
        Err(HandshakeError::Disconnected(why @ (Disconnected::Notice | Disconnected::Closed))) => {
            tracing::debug!(%peer, %why, "a call was over before it began");
            return;
        }
        Err(error) => {
            tracing::warn!(%peer, %error, "a call was not taken");
            return;
        }
    };
    drop(settings);
    let link = session.link();
    // Boxed: the handshake's part of this future need not be kept beside the handler's.
    Box::pin(handler(session)).await;
    link.ended().await;
    drop(slot);
}

/// Says how a call's task ended, if not well.
fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a call's handler panicked");
    }
}

/// Tells of refused connections, once a second at most: whoever knocks often must not fill the log.
#[derive(Default)]
struct Refused {
    told: Option<Instant>,
    untold: u64,
}

impl Refused {
    fn note(&mut self, peer: SocketAddr, why: &str) {
        let now = Instant::now();
        if self.told.is_some_and(|told| now < told + Duration::from_secs(1)) {
            self.untold += 1;
            return;
        }
        tracing::warn!(%peer, others = self.untold, "a connection was refused: {why}");
        *self = Self { told: Some(now), untold: 0 };
    }
}
