//! The accept loop: who gets in, how many, and how it stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hotdeskd::event_socket::{Execute, ServerSettings, Session, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::peer::{self, GOODBYE, Peer, Server, timed};

#[tokio::test]
async fn a_disallowed_address_is_closed_without_a_word() {
    timed(async {
        let settings = ServerSettings {
            allow: vec!["192.0.2.0/24".parse().unwrap()],
            ..ServerSettings::default()
        };
        let mut server = Server::with(settings).await;
        let mut peer = Peer::connect(server.address).await;
        assert_eq!(peer.closed().await, Vec::<String>::new());
        assert!(server.sessions.try_recv().is_err());
    })
    .await;
}

#[tokio::test]
async fn a_call_over_the_limit_is_closed_and_a_free_place_is_given_again() {
    timed(async {
        let mut server =
            Server::with(ServerSettings { max_calls: 2, ..ServerSettings::default() }).await;
        let (mut first, first_session) = server.call().await;
        let (_second, _second_session) = server.call().await;
        let mut third = Peer::connect(server.address).await;
        assert!(third.hear().await.is_none());
        drop(first_session);
        assert_eq!(first.closed().await, ["exit"]);
        drop(first);
        // The place is free when the connection is gone on our side, a moment later.
        loop {
            let mut again = Peer::connect(server.address).await;
            if again.hear().await.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_dialplan_without_full_or_async_is_not_taken() {
    for (from, to) in [
        ("Control: full", "Control: single-channel"),
        ("Socket-Mode: async", "Socket-Mode: static"),
        ("\nUnique-ID", "\nX"),
    ] {
        timed(async {
            let mut server = Server::start().await;
            let mut peer = Peer::connect(server.address).await;
            for _ in 0..5 {
                peer.hear().await.unwrap();
            }
            let reply = peer::handshake_reply();
            assert!(reply.contains(from));
            peer.say(&reply.replace(from, to).replace("\nChannel-Unique-ID", "\nY")).await;
            assert_eq!(peer.closed().await, ["exit"]);
            assert!(server.sessions.try_recv().is_err());
        })
        .await;
    }
}

#[tokio::test]
async fn a_caller_who_hung_up_before_we_spoke_is_nothing_special() {
    for beginning in
        ["", GOODBYE, "garbage", "Content-Type: command/reply\nReply-Text: -ERR no\n\n"]
    {
        timed(async {
            let settings = ServerSettings {
                connect_deadline: Duration::from_millis(500),
                ..ServerSettings::default()
            };
            let mut server = Server::with(settings).await;
            let mut peer = Peer::connect(server.address).await;
            peer.try_say(beginning).await;
            if !beginning.is_empty() {
                peer.closed().await;
            }
            drop(peer);
            let (_peer, session) = server.call().await;
            assert!(!session.is_hung_up(), "the next call is taken");
        })
        .await;
    }
}

#[tokio::test]
async fn a_silent_freeswitch_is_given_up_at_the_deadline() {
    timed(async {
        let settings = ServerSettings {
            connect_deadline: Duration::from_millis(100),
            ..ServerSettings::default()
        };
        let mut server = Server::with(settings).await;
        let mut peer = Peer::connect(server.address).await;
        assert_eq!(peer.closed().await.len(), 6, "the five commands, then exit");
        assert!(server.sessions.try_recv().is_err());
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_own_call_only() {
    timed(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(
            listener,
            ServerSettings::default(),
            stop.clone(),
            move |session| {
                let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
                async move {
                    assert!(!first, "the first call panics");
                    session.exit().await;
                }
            },
        ));
        for _ in 0..2 {
            let mut peer = Peer::call(address).await;
            assert_eq!(peer.closed().await, ["exit"]);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        stop.cancel();
        served.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn shutdown_refuses_new_calls_and_waits_for_those_that_run() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        server.stop.cancel();
        while let Ok(stream) = tokio::net::TcpStream::connect(server.address).await {
            drop(stream);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let execution = session.start(Execute::answer());
        let id = peer.hear().await.unwrap().uuid().to_owned();
        peer.say(&format!("{}{}", peer::OK, peer::complete(&id, "answer"))).await;
        assert!(execution.await.is_ok(), "a call that runs goes on");
        assert!(!server.served.is_finished());
        drop(session);
        assert_eq!(peer.closed().await, ["exit"]);
        server.served.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn dropping_the_server_ends_its_calls() {
    timed(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(serve(
            listener,
            ServerSettings::default(),
            CancellationToken::new(),
            |session| async move {
                session.hung_up().await;
            },
        ));
        let mut peer = Peer::call(address).await;
        served.abort();
        assert_eq!(peer.closed().await, ["exit"]);
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_events_that_nobody_asked_for_fills_nothing_and_holds_up_nothing() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let event = peer::event(&format!(
            "Event-Name: DTMF\nUnique-ID: {}\nfiller: {}\n\n",
            peer::CALL,
            "x".repeat(7_000)
        ));
        let flood = event.repeat(20);
        for _ in 0..100 {
            peer.say(&flood).await;
        }
        let execution = session.start(Execute::answer());
        let id = peer.hear().await.unwrap().uuid().to_owned();
        peer.say(&format!("{}{}", peer::OK, peer::complete(&id, "answer"))).await;
        assert!(execution.await.is_ok());
    })
    .await;
}

/// Every file descriptor of the process is taken, so this runs in a process of its own, with few of them.
#[test]
fn a_lack_of_file_descriptors_is_survived() {
    let test = "event_socket::server::without_file_descriptors";
    let run = "ulimit -n 100 && exec \"$0\" --exact \"$1\" --ignored --nocapture";
    let output = std::process::Command::new("sh")
        .args(["-c", run])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
#[ignore = "run by a_lack_of_file_descriptors_is_survived"]
async fn without_file_descriptors() {
    timed(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let served =
            tokio::spawn(serve(listener, ServerSettings::default(), stop.clone(), Session::exit));
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        let mut files = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            files.push(file);
        }
        assert!(files.len() < 100, "this process was to have few file descriptors");
        let mut peer = Peer::new(socket.connect(address).await.unwrap());
        assert!(peer.is_silent().await, "nobody can accept");
        assert!(!served.is_finished());
        drop(files);
        for _ in 0..5 {
            peer.hear().await.expect("the call is accepted after all");
        }
        peer.say(&peer::handshake_reply()).await;
        assert_eq!(peer.closed().await, ["exit"]);
        stop.cancel();
        served.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_break_off_anywhere_leave_nothing_behind() {
    timed(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, ended) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&ended);
        let served = tokio::spawn(serve(
            listener,
            ServerSettings::default(),
            stop.clone(),
            move |session: Session| {
                let counted = Arc::clone(&counted);
                async move {
                    let ahead: Vec<_> = (0..3).map(|_| session.start(Execute::answer())).collect();
                    while session.execute(Execute::answer()).await.is_ok() {}
                    for execution in ahead {
                        drop(execution.await);
                    }
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            },
        ));
        let calls: Vec<_> = (0..120usize).map(|n| tokio::spawn(break_off(address, n))).collect();
        let mut taken = 0;
        for call in calls {
            taken += usize::from(call.await.unwrap());
        }
        stop.cancel();
        served.await.unwrap();
        assert_eq!(ended.load(Ordering::SeqCst), taken, "every flow that began came to its end");
        assert!(taken > 50, "{taken}");
    })
    .await;
}

/// A call that ends after so many bytes from FreeSWITCH; gives whether its handshake was complete.
async fn break_off(address: std::net::SocketAddr, n: usize) -> bool {
    let mut peer = Peer::connect(address).await;
    for _ in 0..5 {
        peer.hear().await.unwrap();
    }
    let reply = peer::handshake_reply();
    if n.is_multiple_of(3) {
        peer.say(&reply[..reply.len() * n / 120]).await;
        return false;
    }
    peer.say(&reply).await;
    for step in 0..n {
        let Some(heard) = peer.hear().await else {
            break;
        };
        if step == 0 && heard.header("Event-UUID").is_none() {
            // On a busy machine the handshake came too late, and this is `exit`.
            return false;
        }
        peer.say(&format!("{}{}", peer::OK, peer::complete(heard.uuid(), "answer"))).await;
        if step == n - 1 && n.is_multiple_of(2) {
            peer.say(&peer::hangup("CHANNEL_HANGUP", "NORMAL_CLEARING")).await;
            peer.say(&peer::hangup("CHANNEL_HANGUP_COMPLETE", "NORMAL_CLEARING")).await;
            peer.closed().await;
        }
    }
    true
}
