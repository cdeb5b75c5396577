//! What is told, and how.

use hotdeskd::simulator::CallSetup;
use serde_json::json;

use super::{SESSIONS, backlog, comes_to, log_in, office};
use crate::support::webhook::{KEY, WebhookServer};
use crate::support::{Office, PHONES, Plan, USERS, until};

#[tokio::test]
async fn a_login_is_told_signed_once_and_with_the_names_of_desk_and_person() {
    let server = WebhookServer::start();
    let office = office(&server, SESSIONS, "").await;
    let desk = json!({ "label": "Desk 1", "emergency": { "location": "Vienna, 3rd floor" } });
    office.put(&format!("phones/{}", PHONES[0].0), desk).await;
    office.switch.register(&office.phone(0)).await.unwrap();
    office.log_in(&office.phone(0), "*111001", USERS[0].2).await;
    log_in(&office, "1002").await;
    comes_to(&server, &["desk.login 1001", "desk.logout 1001", "desk.login 1002"]).await;
    until("they are forgotten", async || backlog(&office).await == (0, 0)).await;
    let told = server.requests();
    assert!(told.iter().all(|request| request["signed"] == true), "{told:?}");
    let first = &told[0];
    assert_eq!(
        (&first["path"], &first["type"]),
        (&json!("/hooks/desk?of=office"), &json!("application/json"))
    );
    let data = &first["body"]["data"];
    assert_eq!(data["phone"], PHONES[0].0, "{first}");
    assert_eq!(data["by"], json!({ "caller": PHONES[0].0 }));
    assert_eq!(data["place"], json!({ "label": "Desk 1", "location": "Vienna, 3rd floor" }));
    assert_eq!(data["person"], json!({ "name": "Ada Lovelace" }));
    assert_eq!(first["id"], format!("msg_{}", data["id"]));
    // What the journal has is what is told.
    let journal = office.get("journal?limit=1000").await;
    let entry = journal.as_array().unwrap().iter().find(|row| row["id"] == data["id"]).unwrap();
    assert_eq!((&entry["what"], &entry["mode"]), (&data["what"], &data["mode"]));
    let (_, text) = office.fetch("/metrics").await;
    assert!(
        text.contains("hotdeskd_webhook_deliveries_total{target=\"crm\",outcome=\"taken\"} 3"),
        "{text}"
    );
    assert!(text.contains("hotdeskd_webhook_waiting{target=\"crm\"} 0.0"), "{text}");
    assert!(
        !office.log().contains(KEY) && !office.log().contains("/hooks/desk"),
        "{}",
        office.log()
    );
}

#[tokio::test]
async fn a_target_is_told_only_of_what_it_asked_for() {
    let server = WebhookServer::start();
    let office = office(&server, "\"pin.locked\"", "").await;
    log_in(&office, "1002").await;
    for phone in [0, 1, 2] {
        office.switch.register(&office.phone(phone)).await.unwrap();
    }
    for _ in 0..5 {
        office.guess(&office.phone(1), "1001", "9999").await;
    }
    until("a lock is told", async || !server.requests().is_empty()).await;
    let told = server.requests();
    assert!(told.iter().all(|request| request["body"]["type"] == "pin.locked"), "{told:?}");
    assert_eq!(told[0]["body"]["data"]["user"], "1001", "{told:?}");
    assert!(told[0]["body"]["data"]["until"].is_string(), "{told:?}");
}

#[tokio::test]
async fn a_phone_that_does_not_go_on_is_told_once_also_after_a_restart() {
    let server = WebhookServer::start();
    let way = "[provisioning.way]\ncontact_days = 0\n".to_owned();
    let tables = server.table("\"phone.stuck\"", "");
    let office = Office::with(Plan { tables, provisioning: way, ..Plan::default() }).await;
    until("all three are told", async || server.requests().len() == 3).await;
    let told = server.requests();
    let body = &told[0]["body"];
    assert_eq!(body["type"], "phone.stuck", "{body}");
    assert_eq!(body["data"]["obstacle"]["reason"], "never-seen", "{body}");
    assert_eq!(body["data"]["place"]["label"], "Desk 1", "{body}");
    let journal = String::from_utf8(office.run(&["journal", "list"]).stdout).unwrap();
    assert!(journal.contains("does not go on: nothing ever came from it"), "{journal}");
    office.kill();
    office.start().await;
    // The next look is over when a fourth phone is told.
    office.put("phones/0004132a0009", json!({ "label": "Desk 9" })).await;
    until("the new one is told", async || server.requests().len() > 3).await;
    let told = server.requests();
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told[3]["body"]["data"]["phone"], "0004132a0009");
}

#[tokio::test]
async fn what_a_command_does_without_a_daemon_is_told_when_there_is_one() {
    let server = WebhookServer::start();
    let office = office(&server, SESSIONS, "").await;
    office.kill();
    let done = office.run(&["sessions", "login", "1003", PHONES[1].0]);
    assert!(done.status.success(), "{done:?}");
    let listed = String::from_utf8(office.run(&["webhooks", "list"]).stdout).unwrap();
    assert!(
        listed.contains("crm") && listed.contains("desk.login") && listed.contains("waits"),
        "{listed}"
    );
    assert!(server.requests().is_empty());
    office.start().await;
    comes_to(&server, &["desk.login 1003"]).await;
    assert_eq!(server.requests()[0]["body"]["data"]["by"], "command");
}

#[tokio::test]
async fn an_emergency_call_is_told_with_desk_place_and_number() {
    let server = WebhookServer::start();
    let office = office(&server, "\"desk.emergency\"", "").await;
    let desk = json!({ "label": "Desk 1", "emergency": { "location": "Vienna, 3rd floor" } });
    office.put(&format!("phones/{}", PHONES[0].0), desk).await;
    log_in(&office, "1001").await;
    until("FreeSWITCH is there", async || office.fetch("/readyz").await.0 == 200).await;
    let setup = CallSetup::new(PHONES[0].0, "999");
    office.switch.emergency_call(setup, "999", "+431234567", &["dialled"]);
    until("it is told", async || !server.requests().is_empty()).await;
    let body = &server.requests()[0]["body"];
    assert_eq!(body["type"], "desk.emergency", "{body}");
    let data = &body["data"];
    assert_eq!((&data["number"], &data["node"]), (&json!("999"), &json!("lab")), "{data}");
    assert_eq!(data["place"], json!({ "label": "Desk 1", "location": "Vienna, 3rd floor" }));
    assert_eq!(data["person"]["name"], "Ada Lovelace", "{data}");
    let (_, text) = office.fetch("/metrics").await;
    assert!(text.contains("hotdeskd_emergency_calls_total{outcome=\"made\"} 1"), "{text}");
}
