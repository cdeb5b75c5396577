//! Stopped, killed, cut off: whoever goes on asks first, and tells nothing twice.

use std::process::{Child, Stdio};
use std::time::Instant;

use super::*;

/// Starts a command, and does not wait for it.
fn begin(office: &Office, arguments: &[&str]) -> Child {
    let mut command = office.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the service was told so often to register a phone.
async fn registered(server: &RedirectionServer, count: usize) {
    let done = async || server.count("redirect.registerPhone").len() >= count;
    until("it comes so far", done).await;
}

/// Each phone was registered exactly once, and stands there with its own URL.
fn each_once(server: &RedirectionServer, count: usize) {
    let told = server.count("redirect.registerPhone");
    let twice: Vec<_> = told.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "told more than once: {twice:?}");
    assert_eq!((told.len(), server.phones().len()), (count, count));
}

async fn many(server: &RedirectionServer, count: usize) -> Office {
    let office = closed(server, "").await;
    office.start().await;
    add_many(&office, count).await;
    office
}

/// Ends the daemon, so that commands work by themselves.
async fn without_daemon(office: &Office) {
    office.signal("TERM");
    office.ended().await;
}

#[tokio::test]
async fn a_command_that_is_killed_again_and_again_tells_nothing_twice() {
    let server = RedirectionServer::start();
    let office = many(&server, 100).await;
    without_daemon(&office).await;
    // So that whoever is killed leaves something under way.
    server.control(json!({ "methods": ["redirect.registerPhone"], "delay": 0.05 }));
    for upto in [1, 17, 30, 45, 60] {
        let mut command = begin(&office, &["redirection", "apply"]);
        registered(&server, upto).await;
        command.kill().unwrap();
        command.wait().unwrap();
    }
    let told = ok(&office, &["redirection", "list"]);
    assert!(told.contains("registering"), "nothing was under way: {told}");
    assert!(server.phones().len() < 100);
    ok(&office, &["redirection", "apply"]);
    each_once(&server, 100);
    let told = ok(&office, &["redirection", "list"]);
    assert_eq!(told.matches(" registered ").count(), 100, "{told}");
}

#[tokio::test]
async fn a_daemon_that_is_killed_tells_nothing_twice() {
    let server = RedirectionServer::start();
    let office = many(&server, 100).await;
    server.control(json!({ "methods": ["redirect.registerPhone"], "delay": 0.05 }));
    for upto in [10, 50] {
        let command = begin(&office, &["redirection", "apply"]);
        registered(&server, upto).await;
        office.kill();
        let done = command.wait_with_output().unwrap();
        assert_eq!(done.status.code(), Some(1), "{}", told(&done));
        office.start().await;
    }
    let rows = office.get("redirection").await;
    let under_way =
        rows.as_array().unwrap().iter().filter(|row| row["state"] == "registering").count();
    assert!(under_way > 0 && server.phones().len() < 100);
    ok(&office, &["redirection", "apply"]);
    each_once(&server, 100);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_before_anything_is_said_again() {
    for lost in ["lost", "half"] {
        let server = RedirectionServer::start();
        let office = closed(&server, "").await;
        add(&office, &[ONE, TWO, THREE]);
        server.control(json!({ "methods": ["redirect.registerPhone"], "answer": lost }));
        let told = ok(&office, &["redirection", "apply"]);
        assert!(told.contains("3 registered"), "{told}");
        each_once(&server, 3);
        let calls = server.calls();
        let told_at = calls.iter().position(|call| call.0 == "redirect.registerPhone").unwrap();
        let asked = calls[told_at..].iter().filter(|call| call.0 == "redirect.checkPhone").count();
        assert_eq!(asked, 3, "{calls:?}");
    }
}

#[tokio::test]
async fn a_removal_that_is_cut_off_goes_on() {
    let server = RedirectionServer::start();
    let office = closed(&server, "").await;
    add(&office, &[ONE, TWO]);
    ok(&office, &["redirection", "apply"]);
    ok(&office, &["phones", "remove", ONE]);
    server.control(json!({ "methods": ["redirect.deregisterPhone"], "answer": "503" }));
    let told = fails(&office, &["redirection", "apply"]);
    assert!(told.contains("000413aa0001  remove") && told.contains("503"), "{told}");
    assert!(ok(&office, &["redirection", "list"]).contains("removing"));
    server.control(json!({ "methods": ["redirect.deregisterPhone"], "answer": "lost" }));
    ok(&office, &["redirection", "apply"]);
    assert_eq!(server.phones().keys().collect::<Vec<_>>(), [&upper(TWO)]);
    assert!(!ok(&office, &["redirection", "list"]).contains(ONE));
}

#[tokio::test]
async fn ctrl_c_ends_what_is_under_way_and_the_next_time_goes_on() {
    for with_daemon in [true, false] {
        let server = RedirectionServer::start();
        let office = many(&server, 60).await;
        if !with_daemon {
            without_daemon(&office).await;
        }
        server.control(json!({ "methods": ["redirect.registerPhone"], "delay": 0.05 }));
        let command = begin(&office, &["redirection", "apply"]);
        registered(&server, 9).await;
        let pid = command.id().to_string();
        let sent = std::process::Command::new("kill").args(["-s", "INT", &pid]).status();
        assert!(sent.unwrap().success());
        let done = command.wait_with_output().unwrap();
        let told = told(&done);
        assert_eq!(done.status.code(), Some(1), "{told}");
        assert!(told.contains("stopped; the same command goes on from here"), "{told}");
        assert!(told.contains("not begun.") && !told.contains("registering"), "{told}");
        let before = server.phones().len();
        assert!((9..60).contains(&before), "{before}");
        // What was under way was ended properly.
        let list = ok(&office, &["redirection", "list"]);
        assert_eq!(list.matches(" registered ").count(), before, "{list}");
        ok(&office, &["redirection", "apply"]);
        each_once(&server, 60);
    }
}

#[tokio::test]
async fn a_thousand_phones_are_planned_and_registered() {
    const PHONES: usize = 1_000;
    let server = RedirectionServer::start();
    let office = many(&server, PHONES).await;
    let timed = |arguments: &[&str]| {
        let begun = Instant::now();
        let told = ok(&office, arguments);
        println!("{arguments:?}: {:?}", begun.elapsed());
        told
    };
    assert!(timed(&["redirection", "plan"]).contains("1000 to register."));
    assert!(timed(&["redirection", "apply"]).contains("1000 registered, 0 changed"));
    each_once(&server, PHONES);
    server.forget_calls();
    assert!(timed(&["redirection", "plan"]).contains("1000 fine."));
    // What the service lists is not asked for one by one whether it is ours.
    assert_eq!(server.count("redirect.checkPhone"), Default::default());
    assert_eq!(server.count("redirect.getPhoneRedirection").len(), PHONES);
}

#[tokio::test]
async fn a_daemon_that_is_told_to_stop_ends_what_it_does_by_itself() {
    let server = RedirectionServer::start();
    let office = closed(&server, "reconcile_minutes = 1").await;
    office.start().await;
    add_many(&office, 60).await;
    server.control(json!({ "methods": ["redirect.registerPhone"], "delay": 0.2 }));
    registered(&server, 5).await;
    let begun = Instant::now();
    without_daemon(&office).await;
    println!("it ended after {:?}", begun.elapsed());
    let before = server.phones().len();
    assert!((5..60).contains(&before), "{before}");
    let list = ok(&office, &["redirection", "list"]);
    assert_eq!(list.matches(" registered ").count(), before, "{list}");
    assert!(!list.contains("registering"), "{list}");
    server.control(json!({}));
    ok(&office, &["redirection", "apply"]);
    each_once(&server, 60);
}
