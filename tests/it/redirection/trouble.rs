//! A service that is not well, or is none; and that nothing secret is said.

use std::time::{Duration, Instant};

use base64::Engine as _;

use super::*;

/// What is the matter, and words of what is told.
fn troubles() -> Vec<(Value, &'static str)> {
    let answers = |answer: &str| json!({ "answer": answer });
    vec![
        (answers("html"), "a web page came instead of an answer"),
        (answers("401"), "does not take user and password"),
        (answers("half"), "only a part of it"),
        (answers("huge"), "longer than any can be"),
        (answers("deep"), "is no XML-RPC"),
        (answers("503"), "the HTTP status 503"),
        (answers("404"), "the HTTP status 404"),
        (answers("429"), "wants fewer calls"),
        (answers("lost"), "broke off"),
        (json!({ "delay": 3 }), "did not answer in time"),
    ]
}

#[tokio::test]
async fn whatever_is_the_matter_is_told_and_nothing_is_done() {
    let server = RedirectionServer::start();
    let office = closed(&server, "deadline_seconds = 1").await;
    add(&office, &[ONE, TWO]);
    for (control, words) in troubles() {
        server.control(control.clone());
        let begun = Instant::now();
        let told = fails(&office, &["redirection", "apply"]);
        assert!(told.contains(words), "{control}: {told}");
        // A service that does not answer is given up, and not asked for each phone.
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(15), "{control}: {took:?}");
        // `check` looks at all else as well, which takes its time.
        if ["html", "401", "503"].contains(&control["answer"].as_str().unwrap_or_default()) {
            let checked = super::told(&office.run(&["check"]));
            let line = checked.lines().find(|line| line.contains("redirection snom")).unwrap();
            assert!(line.contains("WRONG") && line.contains(words), "{control}: {line}");
        }
    }
    assert_eq!(server.count("redirect.registerPhone"), Default::default());
    server.control(json!({}));
    let checked = told(&office.run(&["check"]));
    assert!(checked.contains("as office answers"), "{checked}");
    assert!(ok(&office, &["redirection", "apply"]).contains("2 registered"));
}

/// Whether the service has gone, is somebody else, or sends us elsewhere.
#[tokio::test]
async fn nobody_but_the_service_is_told_anything() {
    let mut server = RedirectionServer::start();
    let office = closed(&server, "deadline_seconds = 1").await;
    add(&office, &[ONE]);
    // Elsewhere with our password and a phone's URL: no.
    let elsewhere = RedirectionServer::start();
    server.control(json!({ "answer": "redirect", "to": elsewhere.url() }));
    let told = fails(&office, &["redirection", "plan"]);
    assert!(told.contains("sends us on to localhost"), "{told}");
    assert_eq!(elsewhere.log().len(), 0);
    server.control(json!({ "methods": ["redirect.registerPhone"], "answer": "redirect", "to": elsewhere.url() }));
    fails(&office, &["redirection", "apply"]);
    assert_eq!(elsewhere.log().len(), 0);
    // A path without its slash.
    server.control(json!({}));
    let table = |more: &str, from: &str, to: &str| server.table(more).replace(from, to);
    for (tables, words) in [
        (table("", "/xmlrpc/", "/xmlrpc"), "HTTP status 404"),
        // Somebody's certificate that we do not believe, or with another name.
        (table("", "/ca.pem", "/other.pem"), "certificate is not believed"),
        (table("", "localhost", "127.0.0.1"), "certificate is not believed"),
        (table("", "/ca.pem", "/no-such.pem"), "no-such.pem"),
        (table("", "/ca.pem", "/ca.key"), "there is no certificate in it"),
        (table("", "password-5081", "password-wrong"), "does not take user and password"),
    ] {
        let before = server.log().len();
        let other = Office::closed(Plan { tables, ..Plan::default() }).await;
        add(&other, &[ONE]);
        let told = fails(&other, &["redirection", "plan"]);
        assert!(told.contains(words), "{words}: {told}");
        // Credentials that are refused are said a few times at the most.
        assert!(server.log().len() - before < 30, "{}", server.log().len() - before);
    }
    server.stop();
    let told = fails(&office, &["redirection", "plan"]);
    assert!(told.contains("cannot be reached"), "{told}");
}

#[tokio::test]
async fn what_goes_wrong_with_one_phone_stops_no_other() {
    let server = RedirectionServer::start();
    let office = closed(&server, "").await;
    office.start().await;
    add_many(&office, 20).await;
    server.control(json!({ "methods": ["redirect.registerPhone"], "answer": "fault", "times": 3 }));
    let told = fails(&office, &["redirection", "apply"]);
    assert!(told.contains("17 registered") && told.contains("3 failed"), "{told}");
    assert!(told.contains("reports a fault: cannot do this with"), "{told}");
    assert!(told.contains("it did not work with 3 phones"), "{told}");
    assert!(ok(&office, &["redirection", "apply"]).contains("3 registered"));
    assert_eq!(server.phones().len(), 20);
}

#[tokio::test]
async fn a_service_that_wants_fewer_calls_or_is_away_for_a_moment_is_waited_for() {
    let server = RedirectionServer::start();
    let office = closed(&server, "").await;
    add(&office, &[ONE, TWO]);
    for answer in ["429", "503"] {
        server.control(json!({ "answer": answer, "times": 2 }));
        ok(&office, &["redirection", "plan"]);
    }
    server.control(json!({ "methods": ["redirect.registerPhone"], "answer": "503", "times": 2 }));
    assert!(ok(&office, &["redirection", "apply"]).contains("2 registered"));
    assert_eq!(server.phones().len(), 2);
}

#[tokio::test]
async fn a_password_that_is_refused_in_the_middle_ends_it() {
    let server = RedirectionServer::start();
    let office = closed(&server, "").await;
    office.start().await;
    add_many(&office, 40).await;
    server.control(json!({ "methods": ["redirect.registerPhone"], "answer": "401" }));
    let told = fails(&office, &["redirection", "apply"]);
    assert!(told.contains("does not take user and password"), "{told}");
    let tried = server.count("redirect.registerPhone").len();
    assert!(tried <= 8, "{tried}");
    assert!(told.contains("0 registered") && told.contains("not begun."), "{told}");
}

/// All that the daemon and the commands say while all of this happens, with everything told that can be told.
#[tokio::test]
async fn no_password_and_no_url_of_a_phone_is_said() {
    let server = RedirectionServer::start();
    let tables = server.table("deadline_seconds = 1\nreconcile_minutes = 1");
    let plan = Plan { tables, arguments: &["-vv"], rust_log: Some("trace"), ..Plan::default() };
    let office = Office::closed(plan).await;
    office.start().await;
    add_many(&office, 3).await;
    let mut said = String::new();
    let mut run = |arguments: &[&str]| said += &told(&office.run(arguments));
    let refusing =
        |answer: &str| json!({ "methods": ["redirect.registerPhone"], "answer": answer });
    for control in [
        refusing("fault"),
        refusing("html"),
        refusing("half"),
        json!({ "answer": "401" }),
        json!({}),
    ] {
        server.control(control);
        run(&["redirection", "plan", "-vv"]);
        run(&["redirection", "apply", "-vv"]);
    }
    run(&["check", "-vv"]);
    for command in ["list", "plan"] {
        run(&["redirection", command, "--json"]);
    }
    run(&["phones", "show", "000413b00000", "--json"]);
    run(&["journal", "list", "--json"]);
    run(&["config", "show"]);
    // The same without a daemon, where the command itself asks.
    office.signal("TERM");
    office.ended().await;
    for arguments in [["redirection", "plan", "-vv"], ["redirection", "apply", "-vv"]] {
        let done = office.command(&arguments).env("RUST_LOG", "trace").output().unwrap();
        said += &told(&done);
    }
    said += &office.log();
    assert!(said.contains("reports a fault: cannot do this with"), "nothing was echoed");
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("office:{PASSWORD}"));
    let urls = server.phones().into_values().map(|(_, url)| url);
    let keys = urls.map(|url| url.split('/').nth(4).unwrap().to_owned());
    let keys: Vec<String> = keys.collect();
    assert!(keys.len() == 3 && keys.iter().all(|key| key.len() == 26), "{keys:?}");
    for secret in [PASSWORD.to_owned(), basic].iter().chain(&keys) {
        let near = said.find(secret.as_str()).map(|at| &said[at.saturating_sub(300)..at + 100]);
        assert_eq!(near, None, "{secret}");
    }
}
