//! The target fails, hangs, redirects, is down: nothing is lost, nobody waits, and it stays in order.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{SESSIONS, backlog, comes_to, first, log_in, office};
use crate::support::webhook::WebhookServer;
use crate::support::{Office, PHONES, Plan, until};

const ALL: [&str; 5] = [
    "desk.login 1001",
    "desk.logout 1001",
    "desk.login 1002",
    "desk.logout 1002",
    "desk.login 1003",
];

/// Three people sit down one after the other.
async fn three(office: &Office) {
    for user in ["1001", "1002", "1003"] {
        log_in(office, user).await;
    }
}

#[tokio::test]
async fn what_it_does_not_take_is_tried_again_in_order_with_the_same_id() {
    let server = WebhookServer::start();
    server.control(json!({ "status": 500 }));
    let office = office(&server, SESSIONS, "").await;
    three(&office).await;
    until("it was tried twice", async || server.requests().len() >= 2).await;
    let told = server.requests();
    assert!(told.iter().all(|one| one["id"] == told[0]["id"]), "only the first: {told:?}");
    assert_eq!(backlog(&office).await, (5, 0));
    let waits = first(&office).await;
    assert_eq!(waits["error"], "it answers with the HTTP status 500", "{waits}");
    assert!(waits["tries"].as_u64().unwrap() >= 1 && waits["next"].is_string(), "{waits}");
    server.control(json!({}));
    comes_to(&server, &ALL).await;
    until("nothing is left", async || backlog(&office).await == (0, 0)).await;
    // Told once in the log, however often it failed.
    let warned = office.log().matches("an event was not taken").count();
    assert_eq!(warned, 1, "{}", office.log());
}

#[tokio::test]
async fn while_it_hangs_logins_are_as_fast_as_ever_and_it_is_given_up_on_at_its_deadline() {
    let server = WebhookServer::start();
    server.control(json!({ "hang": true }));
    let office = office(&server, SESSIONS, "deadline_seconds = 1").await;
    log_in(&office, "1001").await;
    until("it hangs", async || !server.requests().is_empty()).await;
    let begun = Instant::now();
    log_in(&office, "1002").await;
    log_in(&office, "1003").await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    until("the deadline passes", async || first(&office).await["error"].is_string()).await;
    let error = first(&office).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("did not answer in time"), "{error}");
    server.control(json!({}));
    comes_to_all(&server).await;
}

/// All five, whatever was told before without an answer.
async fn comes_to_all(server: &WebhookServer) {
    let ids = |server: &WebhookServer| {
        let mut ids: Vec<_> = server.requests().iter().map(|one| one["id"].to_string()).collect();
        ids.dedup();
        ids.len()
    };
    until("all five", async || ids(server) == 5).await;
    let users = server.requests();
    assert_eq!(users.last().unwrap()["body"]["data"]["user"], "1003");
}

#[tokio::test]
async fn it_is_not_followed_to_where_it_sends_us() {
    let (server, elsewhere) = (WebhookServer::start(), WebhookServer::start());
    server.control(json!({ "status": 307, "location": elsewhere.url() }));
    let office = office(&server, SESSIONS, "").await;
    log_in(&office, "1001").await;
    until("it is told why", async || first(&office).await["error"].is_string()).await;
    let error = first(&office).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("307") && error.contains("not followed"), "{error}");
    assert!(elsewhere.requests().is_empty());
    server.control(json!({}));
    comes_to(&server, &ALL[..1]).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_believed_is_told_nothing() {
    let server = WebhookServer::start();
    let tables = server.table(SESSIONS, "").replace("ca.pem", "other.pem");
    let office = Office::with(Plan { tables, ..Plan::default() }).await;
    log_in(&office, "1001").await;
    until("it is told why", async || first(&office).await["error"].is_string()).await;
    let error = first(&office).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("certificate"), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn what_happened_while_it_was_down_is_told_after_a_restart_of_ours() {
    let mut server = WebhookServer::start();
    let office = office(&server, SESSIONS, "").await;
    server.stop();
    log_in(&office, "1001").await;
    until("it was tried", async || first(&office).await["error"].is_string()).await;
    office.kill();
    office.start().await;
    log_in(&office, "1002").await;
    log_in(&office, "1003").await;
    assert_eq!(backlog(&office).await, (5, 0));
    server.run();
    comes_to(&server, &ALL).await;
    assert!(server.requests().iter().all(|one| one["signed"] == true));
}

#[tokio::test]
async fn after_a_day_it_is_given_up_and_told_again_on_request() {
    let server = WebhookServer::start();
    server.control(json!({ "status": 503, "wait": 1 }));
    let office = office(&server, SESSIONS, "").await;
    three(&office).await;
    until("it was tried", async || first(&office).await["error"].is_string()).await;
    office.kill();
    // A day goes by.
    let database = office.config.data.join("hotdeskd.db");
    let aged = "UPDATE webhook_deliveries SET created = created - 86400";
    let output = std::process::Command::new("sqlite3").arg(database).arg(aged).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    office.start().await;
    until("they are given up", async || backlog(&office).await == (0, 5)).await;
    assert!(office.log().contains("hotdeskd webhooks retry"), "{}", office.log());
    let listed = String::from_utf8(office.run(&["webhooks", "list"]).stdout).unwrap();
    assert_eq!(listed.matches("given up").count(), 5, "{listed}");
    let told = server.requests().len();
    server.control(json!({}));
    // What comes now does not wait for those.
    office.delete(&format!("sessions/{}", PHONES[0].0)).await;
    comes_to(&server, &["desk.logout 1003"]).await;
    assert_eq!(server.requests().len(), told + 1);
    let number = first(&office).await["id"].to_string();
    let one = String::from_utf8(office.run(&["webhooks", "retry", &number]).stdout).unwrap();
    assert_eq!(one, "1 event is tried again.\n");
    let rest = String::from_utf8(office.run(&["webhooks", "retry", "--target", "crm"]).stdout);
    assert_eq!(rest.unwrap(), "4 events are tried again.\n");
    until("all are taken", async || server.taken().len() == 6).await;
    assert_eq!(server.taken()[1..], ALL);
    until("nothing is left", async || backlog(&office).await == (0, 0)).await;
}

#[tokio::test]
async fn a_target_that_left_the_configuration_is_told_nothing_more() {
    let server = WebhookServer::start();
    server.control(json!({ "status": 500 }));
    let office = office(&server, SESSIONS, "").await;
    log_in(&office, "1001").await;
    until("it was tried", async || first(&office).await["error"].is_string()).await;
    office.kill();
    let file = std::fs::read_to_string(&office.config.file).unwrap();
    let text = file.replace("name = \"crm\"", "name = \"other\"");
    std::fs::write(&office.config.file, text).unwrap();
    server.control(json!({}));
    office.start().await;
    until("it is given up", async || {
        let view = office.get("webhooks").await;
        view["targets"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["target"] == "crm" && one["dead"] == 1 && one["events"] == json!([]))
    })
    .await;
    log_in(&office, "1002").await;
    comes_to(&server, &["desk.logout 1001", "desk.login 1002"]).await;
}
