//! Callers who hang up, databases that are slow, many at once, and how long it takes.

use std::time::Instant;

use super::*;
use hotdeskd::model::Happening;

#[tokio::test]
async fn who_hangs_up_while_being_looked_up_leaves_nothing_behind() {
    let slow = Duration::from_secs(30);
    let known = Known::default().slowly("+4315550100", slow, found("sales", "Acme Ltd"));
    let counter = Counter::open(Plan { known, ..Plan::default() }).await;
    let mut call = counter.call("+4315550100", "ACME");
    tokio::time::sleep(Duration::from_millis(100)).await;
    call.hang_up();
    assert_eq!(went(&mut call).await, "ORIGINATOR_CANCEL");
    let began = Instant::now();
    loop {
        let journal = counter.journal().await;
        let gone = journal.iter().any(|entry| {
            matches!(&entry.what, Happening::CustomerHungUp { call: id, .. } if id == call.uuid())
        });
        if gone && counter.switch.channels().is_empty() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{journal:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn who_hangs_up_at_any_moment_is_no_trouble() {
    let known = Known::default().with("+4315550100", found("sales", "Acme Ltd"));
    let counter = Counter::open(Plan { known, ticks: true, ..Plan::default() }).await;
    for after in 0..30 {
        let mut call = counter.call("+4315550100", "ACME");
        tokio::time::sleep(Duration::from_millis(2 * after)).await;
        call.hang_up();
        let to = went(&mut call).await;
        assert!(to == "ORIGINATOR_CANCEL" || to == "sales@hotdesk_queues", "{to}");
    }
    // And the next is served as ever.
    assert_eq!(went(&mut counter.call("+4315550100", "ACME")).await, "sales@hotdesk_queues");
}

#[tokio::test(start_paused = false)]
async fn a_look_up_that_never_ends_or_panics_is_no_end_of_the_call() {
    let forever = Duration::from_secs(3_600);
    let known = Known::default()
        .slowly("+4315550100", forever, LookUp::NoMatch)
        .with("panic", LookUp::NoMatch);
    let counter = Counter::open(Plan { known, ..Plan::default() }).await;
    let began = Instant::now();
    let mut call = counter.call("+4315550100", "ACME");
    assert_eq!(went(&mut call).await, "reception@hotdesk_queues");
    assert_eq!(call.variable("hotdesk_reason").as_deref(), Some("no-answer"));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // The dialplan goes on behind `socket`.
    let to = went(&mut counter.call("panic", "ACME")).await;
    assert_eq!(to, "left to reception@hotdesk_queues");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_calls_at_once_all_go_where_they_should() {
    let mut known = Known::default();
    for at in 0..200 {
        let (number, team) = (format!("+4315550{at:03}"), PEOPLE[at % 3].1);
        let takes = Duration::from_millis(at as u64 % 50);
        known = known.slowly(&number, takes, found(team, &format!("Customer {at}")));
    }
    let counter = Counter::open(Plan { known, ..Plan::default() }).await;
    let calls: Vec<_> =
        (0..200).map(|at| counter.call(&format!("+4315550{at:03}"), "ACME")).collect();
    let ids = set(calls.iter().map(|call| call.uuid().to_owned()));
    for (at, mut call) in calls.into_iter().enumerate() {
        let team = PEOPLE[at % 3].1;
        assert_eq!(went(&mut call).await, format!("{team}@hotdesk_queues"));
        let name = call.variable("effective_caller_id_name").unwrap();
        assert_eq!(name, format!("Customer {at}"));
    }
    let began = Instant::now();
    loop {
        let journal = counter.journal().await;
        let told = journal.iter().filter_map(|entry| match &entry.what {
            Happening::CustomerCalled { call, .. } => Some(call.clone()),
            _ => None,
        });
        if set(told) == ids {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{} lines", journal.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Passes one connection on to `daemon`, and tells what the daemon wrote once it is closed.
async fn overheard(daemon: SocketAddr) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let told = tokio::spawn(async move {
        let (mut switch, _) = listener.accept().await.unwrap();
        let mut daemon = tokio::net::TcpStream::connect(daemon).await.unwrap();
        let (mut from_switch, mut to_switch) = switch.split();
        let (mut from_daemon, mut to_daemon) = daemon.split();
        let mut told = Vec::new();
        let back = async {
            let mut some = [0; 4096];
            while let Ok(read @ 1..) = from_daemon.read(&mut some).await {
                told.extend_from_slice(&some[..read]);
                to_switch.write_all(&some[..read]).await.unwrap();
            }
        };
        tokio::select! {
            () = back => {}
            _ = async { copy(&mut from_switch, &mut to_daemon).await.ok(); std::future::pending::<()>().await } => {}
        }
        String::from_utf8(told).unwrap()
    });
    (address, told)
}

/// Each takes FreeSWITCH a tick.
#[tokio::test]
async fn a_call_is_sent_on_its_way_in_two_applications() {
    let known = Known::default().with("+4315550100", found("sales", "Acme Ltd"));
    let counter = Counter::open(Plan { known, ..Plan::default() }).await;
    let (address, told) = overheard(counter.address).await;
    let target = format!("{address}/customer-service async full");
    let setup = CallSetup::from_outside(NUMBER, "+4315550100", "ACME");
    let mut call = counter.switch.socket_call(&target, setup);
    assert_eq!(went(&mut call).await, "sales@hotdesk_queues");
    let told = tokio::time::timeout(Duration::from_secs(10), told).await.unwrap().unwrap();
    let applications: Vec<&str> =
        told.lines().filter_map(|line| line.strip_prefix("execute-app-name: ")).collect();
    assert_eq!(applications, ["multiset", "transfer"], "{told}");
}

/// How long that takes is not asserted here; `HOTDESKD_TIMES=1` tells.
#[tokio::test]
async fn call_after_call_goes_on_at_any_moment_of_a_tick() {
    let known = Known::default().with("+4315550100", found("sales", "Acme Ltd"));
    let counter = Counter::open(Plan { known, ticks: true, ..Plan::default() }).await;
    let mut times = Vec::new();
    for _ in 0..50 {
        // A call arrives at any moment of FreeSWITCH's tick.
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..20))).await;
        let began = Instant::now();
        let mut call = counter.call("+4315550100", "ACME");
        assert_eq!(went(&mut call).await, "sales@hotdesk_queues");
        times.push(began.elapsed());
        assert_eq!(call.variable("current_application").as_deref(), Some("transfer"));
    }
    times.sort();
    if std::env::var_os("HOTDESKD_TIMES").is_some() {
        println!("connect to transfer: median {:?}, slowest {:?}", times[25], times[49]);
    }
}
