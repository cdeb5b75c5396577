//! The accept loop that all listeners share.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt as _};

use super::crowd::Crowd;
use super::peer::{PeerCertificate, ProxyHeader};
use super::stall::Unstalled;

/// What a listener lets in.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From where; empty means from anywhere.
    pub allow: Vec<IpNet>,
    /// How many connections at a time; further ones wait in the kernel's queue.
    pub connections: usize,
    /// How many of them from one address (IPv6: one /64); further ones are closed without a word, so
    /// that one host cannot take all places. Phones behind one NAT are one host. `None`: no such limit.
    pub from_one: Option<usize>,
    /// A proxy that is believed what it says of its clients; `from_one` is not for its addresses.
    pub proxy: Option<ProxyHeader>,
    /// How long a client may take for the head of a request, and may be idle between requests.
    pub head: Duration,
    /// How long a client may take none of an answer that waits for it.
    pub stall: Duration,
    /// How long running requests may take after the listener was told to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            connections: 1_024,
            from_one: None,
            proxy: None,
            head: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }
}

/// A listener: TCP, TLS, or a unix socket.
pub trait Incoming: Send + 'static {
    /// What is there when a connection is accepted.
    type Accepted: Send + 'static;
    /// A connection that is ready for its first request.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// The next connection, and where it comes from (a unix socket: from nowhere). Waits for nothing
    /// that the other end does after it has connected.
    fn next(&self)
    -> impl Future<Output = io::Result<(Self::Accepted, Option<SocketAddr>)>> + Send;
    /// What comes before the first request: a TLS handshake, with a deadline of its own. Runs in the
    /// connection's own task.
    fn open(
        accepted: Self::Accepted,
    ) -> impl Future<Output = io::Result<(Self::Stream, Option<PeerCertificate>)>> + Send;
}

impl Incoming for TcpListener {
    type Accepted = TcpStream;
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(TcpStream, Option<SocketAddr>)> {
        let (stream, peer) = self.accept().await?;
        Ok((stream, Some(peer)))
    }

    async fn open(stream: TcpStream) -> io::Result<(TcpStream, Option<PeerCertificate>)> {
        stream.set_nodelay(true)?;
        Ok((stream, None))
    }
}

impl Incoming for UnixListener {
    type Accepted = UnixStream;
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<(UnixStream, Option<SocketAddr>)> {
        Ok((self.accept().await?.0, None))
    }

    async fn open(stream: UnixStream) -> io::Result<(UnixStream, Option<PeerCertificate>)> {
        Ok((stream, None))
    }
}

/// Answers requests until `shutdown`, and then those that run for `limits.grace`.
///
/// Survives every error of accepting; a connection from an address that is not allowed is closed
/// without a word.
pub async fn serve<I: Incoming>(
    incoming: I,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let crowd = Crowd::new(limits.from_one);
    let (limits, running) = (Arc::new(limits), TaskTracker::new());
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
        let (accepted, peer) = match accepted {
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
        let counted = peer.map(|peer| peer.ip()).filter(|ip| !limits.is_proxy(*ip));
        let Ok(member) = counted.map(|ip| crowd.join(ip)).transpose() else {
            tracing::debug!(?peer, "one connection too many from one address was closed");
            continue;
        };
        let (router, shutdown, limits) = (router.clone(), shutdown.clone(), limits.clone());
        running.spawn(async move {
            let (_place, _member) = (place, member);
            converse::<I>(accepted, peer, router, &limits, shutdown).await;
        });
    }
    running.close();
    let _ = tokio::time::timeout(limits.grace, running.wait()).await;
}

fn is_allowed(allow: &[IpNet], peer: SocketAddr) -> bool {
    let address = peer.ip().to_canonical();
    allow.is_empty() || allow.iter().any(|net| net.contains(&address))
}

impl Limits {
    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.is_from(address))
    }
}

/// One connection from its acceptance to its end.
async fn converse<I: Incoming>(
    accepted: I::Accepted,
    peer: Option<SocketAddr>,
    router: Router,
    limits: &Limits,
    shutdown: CancellationToken,
) {
    let opened = tokio::select! {
        opened = I::open(accepted) => opened,
        () = shutdown.cancelled() => return,
    };
    match opened {
        Ok((stream, certificate)) => {
            let proxy = limits.proxy.clone();
            let router = router.map_request(move |request: Request<hyper::body::Incoming>| {
                let mut request = request.map(Body::new);
                if let Some(peer) = peer {
                    request.extensions_mut().insert(ConnectInfo(peer));
                }
                if let Some(certificate) = certificate {
                    request.extensions_mut().insert(certificate);
                }
                if let Some(proxy) = &proxy {
                    proxy.apply(&mut request);
                }
                request
            });
            let stream = Unstalled::new(stream, limits.stall);
            answer(stream, peer, router, limits.head, shutdown).await;
        }
        Err(error) => tracing::debug!(%error, ?peer, "a connection came to nothing"),
    }
}

/// Answers the requests of one connection.
async fn answer<S>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Option<SocketAddr>,
    router: S,
    head: Duration,
    shutdown: CancellationToken,
) where
    S: Service<Request<hyper::body::Incoming>, Response = Response, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let service = TowerToHyperService::new(router.map_err(|never: Infallible| match never {}));
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

    /// The status line that a connection is answered with; empty where it is closed.
    async fn status(stream: &mut TcpStream) -> String {
        let mut head = [0; 12];
        let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let asked = async {
            stream.write_all(request).await?;
            stream.read_exact(&mut head).await
        };
        match tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap() {
            Ok(_) => String::from_utf8_lossy(&head).into_owned(),
            Err(_) => String::new(),
        }
    }

    #[tokio::test]
    async fn one_host_takes_so_many_places_and_others_still_find_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(async || "hello"));
        let proxy = ProxyHeader {
            header: axum::http::HeaderName::from_static("x-phone"),
            networks: vec!["127.0.0.3/32".parse().unwrap()],
            common_name: Default::default(),
        };
        let limits = Limits { from_one: Some(2), proxy: Some(proxy), ..Limits::default() };
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        let connect = async |from: &str| {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
            socket.connect(address).await.unwrap()
        };
        let (mut first, mut second) = (connect("127.0.0.1").await, connect("127.0.0.1").await);
        assert_eq!(status(&mut first).await, "HTTP/1.1 200");
        assert_eq!(status(&mut second).await, "HTTP/1.1 200");
        assert_eq!(status(&mut connect("127.0.0.1").await).await, "");
        assert_eq!(status(&mut connect("127.0.0.2").await).await, "HTTP/1.1 200");
        let mut proxied = Vec::new();
        for _ in 0..4 {
            let mut stream = connect("127.0.0.3").await;
            assert_eq!(status(&mut stream).await, "HTTP/1.1 200");
            proxied.push(stream);
        }
        // A place is free again when a connection ends.
        drop(first);
        let again = async {
            while status(&mut connect("127.0.0.1").await).await.is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
        shutdown.cancel();
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn who_does_not_take_the_answer_loses_the_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(async || vec![0u8; 50 << 20]));
        let stall = Duration::from_millis(300);
        let limits = Limits { connections: 1, stall, ..Limits::default() };
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        let mut greedy = TcpStream::connect(address).await.unwrap();
        assert_eq!(status(&mut greedy).await, "HTTP/1.1 200");
        // There is one place, so this one is only answered when the other is closed.
        let mut next = TcpStream::connect(address).await.unwrap();
        assert_eq!(status(&mut next).await, "HTTP/1.1 200");
        // Whoever takes it slowly gets all of it.
        let (mut all, mut piece) = (0, vec![0; 4 << 20]);
        while all < 50 << 20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            all += next.read(&mut piece).await.unwrap();
        }
        shutdown.cancel();
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn only_who_is_allowed_is_answered() {
        assert!(answered("127.0.0.0/8").await.ends_with("hello"));
        assert_eq!(answered("192.0.2.0/24").await, "");
    }
}
