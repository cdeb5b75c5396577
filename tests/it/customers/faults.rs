//! Databases that are slow, wrong or gone.

use hotdeskd::model::LookUpFailure;
use tokio::net::TcpListener;

use super::*;

super::for_each_database!(
    a_database_that_is_gone_between_two_calls_is_used_again_when_it_is_back,
    a_database_that_dies_while_it_is_asked_is_an_error,
    a_query_that_never_returns_ends_at_the_deadline,
    a_thousand_callers_at_once_share_a_few_connections,
);

async fn a_database_that_is_gone_between_two_calls_is_used_again_when_it_is_back(
    mut database: impl DatabaseServer,
) {
    fill(&database, &[("+4315550100", "sales", "Ada", 1)]);
    let lines = "cache.entries = 0\nbreaker = { failures = 3, rest_seconds = 1 }";
    let customers = with(&database, QUERY, lines);
    let ada = found("sales", Some("Ada"), Some(1));
    assert_eq!(customers.look_up("+4315550100").await.answer, ada);
    // A crash that was over before the next call is not seen by it at all.
    database.stop();
    database.start();
    let looked = customers.look_up("+4315550100").await;
    assert_eq!(looked.answer, ada, "{looked:?}");
    database.stop();
    for _ in 0..3 {
        let looked = customers.look_up("+4315550100").await;
        assert_eq!(looked.answer, LookUp::Failed(LookUpFailure::Error), "{looked:?}");
        assert!(looked.error.is_some());
    }
    let (looked, took) = timed(&customers, "+4315550100").await;
    assert_eq!(looked.answer, LookUp::Failed(LookUpFailure::Resting));
    assert!(took < Duration::from_millis(100), "{took:?}");
    database.start();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let looked = customers.look_up("+4315550100").await;
    assert_eq!(looked.answer, ada, "{looked:?}");
}

async fn a_database_that_dies_while_it_is_asked_is_an_error(mut database: impl DatabaseServer) {
    fill(&database, &[("+4315550100", "sales", "Ada", 1)]);
    let lines = "cache.entries = 0\ndeadline_ms = 5000\nspellings = [\"e164\"]";
    let endless = with(&database, database.endless(), lines);
    let caller = tokio::spawn(async move { timed(&endless, "+4315550100").await });
    tokio::time::sleep(Duration::from_millis(700)).await;
    database.stop();
    let (looked, took) = caller.await.unwrap();
    assert!(matches!(looked.answer, LookUp::Failed(_)), "{looked:?}");
    // A file that is taken away is still read to the deadline; a server's end is seen at once.
    let is_file = database.url().starts_with("sqlite");
    assert!(took < Duration::from_secs(if is_file { 7 } else { 3 }), "{took:?}");
    database.start();
    let ada = found("sales", Some("Ada"), Some(1));
    assert_eq!(customers(&database, QUERY).look_up("+4315550100").await.answer, ada);
}

async fn a_query_that_never_returns_ends_at_the_deadline(database: impl DatabaseServer) {
    fill(&database, &[("+4315550100", "sales", "Ada", 1)]);
    let lines =
        "cache.entries = 0\nconnections = 1\nbreaker.failures = 1000\nspellings = [\"e164\"]";
    let mut settings = settings(&database, database.endless(), lines);
    settings.deadline_ms = 300.try_into().unwrap();
    let password = || Some(PASSWORD.to_owned().into());
    let endless = Customers::new(&settings, password(), None).unwrap();
    // The first may be the connection's time; then the query's.
    for round in 0..4 {
        let (looked, took) = timed(&endless, "+4315550100").await;
        assert_eq!(looked.answer, LookUp::Failed(LookUpFailure::Deadline), "{round} {looked:?}");
        assert!(took >= Duration::from_millis(290), "{round} {took:?}");
        assert!(took < Duration::from_millis(900), "{round} {took:?}");
    }
    // Nor does a caller who hangs up leave anything behind: the server does not go on for nobody.
    settings.deadline_ms = 5_000.try_into().unwrap();
    let patient = Customers::new(&settings, password(), None).unwrap();
    let caller = tokio::spawn(async move { patient.look_up("+4315550100").await });
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(database.endless_running() > 0);
    caller.abort();
    let until = Instant::now() + Duration::from_secs(20);
    while database.endless_running() > 0 {
        assert!(Instant::now() < until, "the server goes on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Whoever asks for less has an answer from the same server.
    let (looked, _) = timed(&customers(&database, QUERY), "+4315550100").await;
    assert_eq!(looked.answer, found("sales", Some("Ada"), Some(1)), "{looked:?}");
}

async fn a_thousand_callers_at_once_share_a_few_connections(database: impl DatabaseServer) {
    fill(&database, &[("+4315550100", "sales", "Ada", 1)]);
    let lines = "cache.entries = 0\nconnections = 3\nspellings = [\"e164\"]";
    let mut settings = settings(&database, QUERY, lines);
    settings.deadline_ms = 5_000.try_into().unwrap();
    let customers = Customers::new(&settings, Some(PASSWORD.to_owned().into()), None).unwrap();
    let ask = |_| {
        let customers = customers.clone();
        tokio::spawn(async move { customers.look_up("+4315550100").await.answer })
    };
    let mut answers = Vec::new();
    for task in (0..1_000).map(ask).collect::<Vec<_>>() {
        answers.push(task.await.unwrap());
    }
    let ada = found("sales", Some("Ada"), Some(1));
    let well = answers.iter().filter(|answer| **answer == ada).count();
    let busy = LookUp::Failed(LookUpFailure::Busy);
    // None is lost: each has the customer, or was told that there are too many.
    assert!(answers.iter().all(|answer| *answer == ada || *answer == busy), "{answers:?}");
    assert!(well > 100, "{well}");
    assert_eq!(customers.look_up("+4315550100").await.answer, ada);
}

/// The threads of Firebird's client in this process.
fn threads_of_clients() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "firebird").count()
}

/// All kinds of servers that can be spoken to over TCP.
fn server_urls(port: u16) -> [String; 3] {
    ["postgres", "mysql", "firebird"].map(|kind| format!("{kind}://crm@127.0.0.1:{port}/crm"))
}

fn of_url(url: &str, lines: &str) -> Customers {
    let text =
        format!("url = {url:?}\nquery = {QUERY:?}\ncountry = \"AT\"\ncache.entries = 0\n{lines}");
    Customers::new(&toml::from_str(&text).unwrap(), Some(PASSWORD.to_owned().into()), None).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_and_says_nothing_costs_a_caller_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    for url in server_urls(port) {
        let customers =
            of_url(&url, "deadline_ms = 200\nbreaker = { failures = 2, rest_seconds = 60 }");
        for failure in [LookUpFailure::Deadline, LookUpFailure::Deadline, LookUpFailure::Resting] {
            let (looked, took) = timed(&customers, "+4315550100").await;
            assert_eq!(looked.answer, LookUp::Failed(failure), "{url}");
            assert!(took < Duration::from_millis(700), "{url} {took:?}");
        }
    }
    assert!(threads_of_clients() > 0);
    // Nor does anything of ours wait for it any longer: a connection is given up after five seconds.
    crate::support::until("no thread that waits", async || threads_of_clients() == 0).await;
    silent.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_talks_nonsense_or_hangs_up_is_an_error() {
    use tokio::io::AsyncWriteExt as _;
    for nonsense in [&b""[..], b"HTTP/1.1 400 Bad Request\r\n\r\n", &[0xff; 4096], &[0; 4096]] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.write_all(nonsense).await;
            }
        });
        for url in server_urls(port) {
            let customers = of_url(&url, "deadline_ms = 1000");
            let looked = customers.look_up("+4315550100").await;
            assert!(matches!(looked.answer, LookUp::Failed(_)), "{url}: {looked:?}");
            assert!(!format!("{looked:?}").contains(PASSWORD));
        }
        server.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_told_nowhere() {
    async fn refused(database: impl DatabaseServer) {
        fill(&database, &[]);
        let wrong = "wrong-pass-4477";
        let settings = settings(&database, QUERY, "");
        let customers = Customers::new(&settings, Some(wrong.to_owned().into()), None).unwrap();
        let fault = customers.examine().await.unwrap_err();
        let looked = customers.look_up("+4315550100").await;
        assert_eq!(looked.answer, LookUp::Failed(LookUpFailure::Error), "{looked:?}");
        let told = format!("{fault:?} {fault} {looked:?}");
        assert!(!told.contains(wrong) && told.len() > 100, "{told}");
    }
    refused(Postgres::start()).await;
    refused(MariaDb::start()).await;
    refused(Firebird::start()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_is_remembered_and_what_failed_is_not() {
    let mut database = SqliteFile::new();
    fill(&database, &[("+4315550100", "sales", "Ada", 1)]);
    let lines = "cache = { found_seconds = 100, no_match_seconds = 100 }\nbreaker.failures = 1000";
    let customers = with(&database, QUERY, lines);
    let ada = found("sales", Some("Ada"), Some(1));
    for (number, answer) in [("+4315550100", &ada), ("+4315550101", &LookUp::NoMatch)] {
        for cached in [false, true] {
            let looked = customers.look_up(number).await;
            assert_eq!((&looked.answer, looked.cached), (answer, cached));
        }
    }
    database.stop();
    let looked = customers.look_up("015550100").await;
    assert_eq!((looked.answer, looked.cached), (ada, true));
    for _ in 0..2 {
        let looked = customers.look_up("+4315550102").await;
        assert_eq!((looked.answer, looked.cached), (LookUp::Failed(LookUpFailure::Error), false));
    }
    database.start();
    assert_eq!(customers.look_up("+4315550102").await.answer, LookUp::NoMatch);
}
