//! The accept loop that all listeners share.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// What a listener lets in.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From where; empty means from anywhere.
    pub allow: Vec<IpNet>,
    /// How many connections at a time; further ones wait in the kernel's queue.
    pub connections: usize,
    /// How long a client may take for the head of a request, and may be idle between requests.
    pub head: Duration,
    /// How long running requests may take after the listener was told to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            connections: 1_024,
            head: Duration::from_secs(10),
            grace: Duration::from_secs(5),
        }
    }
}

/// A listener: TCP or a unix socket.
pub trait Incoming: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// The next connection, and where it comes from (a unix socket: from nowhere).
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Option<SocketAddr>)>> + Send;
}

impl Incoming for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(TcpStream, Option<SocketAddr>)> {
        let (stream, peer) = self.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, Some(peer)))
    }
}

impl Incoming for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<(UnixStream, Option<SocketAddr>)> {
        Ok((self.accept().await?.0, None))
    }
}

/// Answers requests until `shutdown`, and then those that run for `limits.grace`.
///
/// Survives every error of accepting; a connection from an address that is not allowed is closed
/// without a word.
pub async fn serve(
    incoming: impl Incoming,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let running = TaskTracker::new();
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = shutdown.cancelled() => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = incoming.next() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of files, or a peer that was gone already: neither ends the listener.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if peer.is_some_and(|peer| !is_allowed(&limits.allow, peer)) {
            tracing::info!(?peer, "a connection from an address that is not allowed was closed");
            continue;
        }
        let (router, shutdown, head) = (router.clone(), shutdown.clone(), limits.head);
        running.spawn(async move {
            let _place = place;
            answer(stream, peer, router, head, shutdown).await;
        });
    }
    running.close();
    let _ = tokio::time::timeout(limits.grace, running.wait()).await;
}

fn is_allowed(allow: &[IpNet], peer: SocketAddr) -> bool {
    let address = peer.ip().to_canonical();
    allow.is_empty() || allow.iter().any(|net| net.contains(&address))
}

/// Answers the requests of one connection.
async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Option<SocketAddr>,
    router: Router,
    head: Duration,
    shutdown: CancellationToken,
) {
    let service = router.map_request(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        request
    });
    let service = TowerToHyperService::new(service.map_err(|never: Infallible| match never {}));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, ?peer, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What a listener with this allow list answers to somebody on this machine.
    async fn answered(allow: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(async || "hello"));
        let limits = Limits { allow: vec![allow.parse().unwrap()], ..Limits::default() };
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let mut answer = Vec::new();
        // Whoever is not allowed finds the connection closed, before or after asking.
        if stream.write_all(request).await.is_ok() {
            let read = stream.read_to_end(&mut answer);
            let _ = tokio::time::timeout(Duration::from_secs(10), read).await.unwrap();
        }
        shutdown.cancel();
        serving.await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn only_who_is_allowed_is_answered() {
        assert!(answered("127.0.0.0/8").await.ends_with("hello"));
        assert_eq!(answered("192.0.2.0/24").await, "");
    }
}
