//! How much heap an idle call holds: 1,000 sessions after their handshake, in a binary of its own because the allocator
//! that counts is the whole process's. No times are measured.
// Helpers of tests may panic like the tests themselves (clippy.toml covers only functions marked #[test]).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::time::Duration;

use hotdeskd::event_socket::{ServerSettings, Session, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const SESSIONS: usize = 1_000;
const MOST_PER_SESSION: usize = 16 * 1024;

/// What the recorded FreeSWITCH answered to the handshake: 6.7 KB.
fn recorded_reply() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/freeswitch/wire/lean.jsonl");
    let recorded = std::fs::read_to_string(path).unwrap();
    let turn: serde_json::Value = serde_json::from_str(recorded.lines().nth(1).unwrap()).unwrap();
    turn["data"].as_str().unwrap().as_bytes().to_vec()
}

/// FreeSWITCH's end. It is in this process, so what it holds counts against the sessions too.
async fn call(address: SocketAddr, reply: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut heard, mut piece) = (Vec::new(), [0; 256]);
    while !heard.ends_with(b"linger 10\n\n") {
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the call was not taken");
        heard.extend_from_slice(&piece[..read]);
    }
    stream.write_all(reply).await.unwrap();
    stream
}

/// Both ends of a socket are files of this process.
fn check_open_files() {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| {
        line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok()
    });
    let enough = soft.is_none_or(|soft: usize| soft > 2 * SESSIONS + 100);
    assert!(
        enough,
        "this test opens {} sockets: raise the limit first (ulimit -n 4096)",
        2 * SESSIONS
    );
}

/// What is allocated now, in bytes.
fn held() -> usize {
    dhat::HeapStats::get().curr_bytes
}

/// Opens sessions, one after the other, and lets each go idle.
async fn open(
    address: SocketAddr,
    sessions: &mut mpsc::Receiver<Session>,
    reply: &[u8],
    count: usize,
) -> Vec<(TcpStream, Session)> {
    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        let stream = call(address, reply).await;
        let mut session = sessions.recv().await.unwrap();
        assert_eq!(session.variable("socket_path").as_deref(), Some("hotdesk/11"));
        session.forget_connect_reply();
        open.push((stream, session));
    }
    open
}

async fn measure() {
    let settings = ServerSettings { max_calls: 2 * SESSIONS, ..ServerSettings::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, mut sessions) = mpsc::channel(16);
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener, settings, stop.clone(), move |session: Session| {
        let sender = sender.clone();
        async move { sender.send(session).await.unwrap() }
    }));
    let reply = recorded_reply();

    // What is allocated once and for all (the runtime's tables, the first few blocks) is not a session's.
    drop(open(address, &mut sessions, &reply, 10).await);
    let before = held();
    let open = open(address, &mut sessions, &reply, SESSIONS).await;
    let after = held();
    let per_session = (after - before) / SESSIONS;
    println!(
        "an idle session holds {per_session} bytes of heap, FreeSWITCH's end of the socket included"
    );
    assert!(per_session <= MOST_PER_SESSION, "{per_session} bytes");
    assert!(per_session > 500, "{per_session} bytes cannot be all: the measurement is wrong");

    // Ended together, they give it all back.
    stop.cancel();
    drop(open);
    served.await.unwrap();
    let left = held().saturating_sub(before);
    assert!(left < SESSIONS * 200, "{left} bytes are left");
}

#[test]
fn an_idle_session_holds_at_most_16_kib() {
    check_open_files();
    let _profiler = dhat::Profiler::builder().testing().build();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(120), measure()).await.expect("the test hangs");
    });
}
