//! The service number at the real daemon: its dialplan, its journal, its command line, and everything dead.

use std::process::Output;

use serde_json::Value;

use super::*;
use crate::support::{Office, Plan as Site, SmallDisk, until};

const TABLES: &str = "[service]\nnumbers = [\"0800123\", \"+43800123\"]\ndefault_queue = \"reception\"\n\
                      otherwise = { anonymous = \"queue:sales\" }\n";
const RECEPTION: &str = "reception@hotdesk_queues";

/// An office with a service number; everybody is in a team, and Ada, of sales, at a desk.
async fn office(site: Site) -> Office {
    let office = Office::with(Site { tables: TABLES.to_owned(), ..site }).await;
    for (extension, team) in PEOPLE {
        let user = serde_json::json!({ "name": "Somebody", "teams": [team] });
        office.user(extension, user, "").await;
    }
    sit_down(&office, 0, "1001").await;
    office
}

async fn sit_down(office: &Office, phone: usize, user: &str) {
    let phone = office.phone(phone).user;
    office.post("sessions", serde_json::json!({ "phone": phone, "user": user })).await;
}

/// The journal's lines of customers, once there are so many.
async fn lines(office: &Office, count: usize) -> Vec<Value> {
    let customers = async || {
        let journal = office.get("journal?limit=1000").await;
        let rows = journal.as_array().unwrap().clone().into_iter();
        let is_ours = |row: &Value| row["what"].as_str().unwrap().starts_with("customer-");
        rows.filter(is_ours).collect::<Vec<_>>()
    };
    until("the journal has the calls", async || customers().await.len() >= count).await;
    customers().await
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn a_call_to_the_service_number_is_decided_and_in_the_journal() {
    let office = office(Site::default()).await;
    let mut call = office.dial_outside("0800123", "+4315550100", "ACME");
    assert_eq!(went(&mut call).await, RECEPTION);
    let mut other = office.dial_outside("+43800123", "", "");
    assert_eq!(went(&mut other).await, "sales@hotdesk_queues");
    let lines = lines(&office, 2).await;
    assert_eq!(lines.len(), 2);
    let line = &lines[0];
    for (field, value) in [
        ("call", call.uuid()),
        ("by", "outside"),
        ("number", "+4315550100"),
        ("name", "ACME"),
        ("to", "queue:reception"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    // Nobody of the reception is at a desk either, and somebody has to take it.
    assert_eq!(line["reason"]["why"], "no-database");
    assert_eq!(line["further"][0]["why"], "nobody");
    assert_eq!(lines[1]["number"], Value::Null);
    let listed = said(&office.run(&["journal", "list"]));
    assert!(
        listed.contains(
            "+4315550100 (ACME) called, and goes to queue:reception: there is no customer database"
        ),
        "{listed}"
    );
}

#[tokio::test]
async fn only_the_service_number_is_for_whoever_calls_from_outside() {
    let office = office(Site::default()).await;
    let address = office.config.event_socket.address;
    for path in [
        "hotdesk/login",
        "hotdesk/login-also",
        "hotdesk/logout",
        "hotdesk/logout-everywhere",
        "hotdesk/who",
        "hotdesk/restart-phone",
    ] {
        let setup = CallSetup::from_outside("0800123", "+4315550100", "ACME");
        let setup = setup.then("hangup", "CALL_REJECTED");
        let mut call = office.switch.socket_call(&format!("{address}/{path} async full"), setup);
        loop {
            let heard = call.until_keys().await;
            match heard.last() {
                Some(Heard::Keys { .. }) => call.press("1001#").await,
                Some(Heard::HungUp { .. }) => break,
                other => panic!("{path}: {other:?}"),
            }
        }
    }
    // Nobody was logged out, and nobody logged in.
    assert_eq!(office.sessions().await, [(office.phone(0).user, "1001".to_owned())]);
}

#[tokio::test]
async fn with_the_daemon_dead_a_caller_reaches_the_default_queue() {
    let office = office(Site::default()).await;
    // It hangs, and then is gone in the middle of the call.
    office.signal("STOP");
    let mut call = office.dial_outside("0800123", "+4315550100", "ACME");
    tokio::time::sleep(Duration::from_millis(200)).await;
    office.kill();
    assert_eq!(went(&mut call).await, format!("left to {RECEPTION}"));
    // It was gone before.
    let mut call = office.dial_outside("0800123", "+4315550100", "ACME");
    assert_eq!(call.outcome().await, Some(Outcome::NotReached));
    let mut heard = call.heard().await;
    while !matches!(heard, Some(Heard::Transferred { .. }) | None) {
        heard = call.heard().await;
    }
    let to = Heard::Transferred { extension: "reception".into(), context: QUEUES.into() };
    assert_eq!(heard, Some(to));
    let told = said(&office.run(&["call", "0800123", "--from", "+4315550100"]));
    assert!(told.contains("No daemon took the call"), "{told}");
    assert!(told.contains("reception in context hotdesk_queues"), "{told}");
}

const QUEUES: &str = "hotdesk_queues";

#[tokio::test]
async fn with_everything_outside_dead_a_caller_still_goes_where_the_daemon_says() {
    let Some(disk) = SmallDisk::mount(8 << 20) else { return };
    let office = office(Site { data: Some(disk.join("data")), ..Site::default() }).await;
    // FreeSWITCH lets nobody in at its own event socket; the store cannot be written.
    office.switch.refuse_inbound(true);
    let ballast = disk.fill();
    for at in 0..5 {
        let mut call = office.dial_outside("0800123", &format!("+431555010{at}"), "ACME");
        assert_eq!(went(&mut call).await, RECEPTION);
        assert_eq!(call.variable("hotdesk_reason").as_deref(), Some("no-database"));
    }
    until("the log says it", async || office.log().contains("call is not in the journal")).await;
    assert!(office.runs());
    std::fs::remove_file(ballast).unwrap();
    went(&mut office.dial_outside("0800123", "+4315550199", "ACME")).await;
    let lines = lines(&office, 1).await;
    assert_eq!(lines.last().unwrap()["number"], "+4315550199");
}

#[tokio::test]
async fn a_rehearsal_prints_the_decision_with_its_reason() {
    let office = office(Site::default()).await;
    let told = said(&office.run(&["call", "0800123", "--from", "+4315550100", "--name", "ACME"]));
    for line in [
        "+4315550100 calls 0800123 from outside (context public).",
        "+4315550100 (ACME) called, and goes to queue:reception: there is no customer database; nobody of team reception is logged in.",
        "The agent is shown ACME <+4315550100>.",
        "reception in context hotdesk_queues",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let told = said(&office.run(&["call", "0800123", "--from", "anonymous"]));
    assert!(told.contains("goes to queue:sales: the caller withheld the number"), "{told}");
    // A number that is none of the service's is the operator's affair.
    let told = said(&office.run(&["call", "0800999", "--from", "+4315550100"]));
    assert!(!told.contains("socket") && told.contains("hung up"), "{told}");
    let told = office.run(&["call", "0800123"]);
    assert_eq!(told.status.code(), Some(2), "{told:?}");
    let told = office.run(&["call", "0800123", "--from", "1", "--phone", "0004132a0001"]);
    assert_eq!(told.status.code(), Some(2), "{told:?}");
    // What FreeSWITCH has to be told.
    let told = said(&office.run(&["freeswitch", "print", "public"]));
    assert!(told.contains("service number (0800123, +43800123)"), "{told}");
    said(&office.run(&["freeswitch", "install"]));
    let file = office.config.standing.folder.join("public/10_hotdeskd_service.xml");
    let file = std::fs::read_to_string(file).unwrap();
    assert!(file.contains("^\\+?(0800123|43800123)$"), "{file}");
}

#[tokio::test]
async fn while_somebody_locks_the_store_callers_are_not_kept_waiting() {
    use sqlx::Connection as _;
    let office = office(Site::default()).await;
    let file = office.config.data.join("hotdeskd.db");
    let mut other =
        sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    for at in 0..20 {
        let began = std::time::Instant::now();
        let mut call = office.dial_outside("0800123", &format!("+43155501{at:02}"), "ACME");
        assert_eq!(went(&mut call).await, RECEPTION);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    until("nobody is held up", async || office.open_conversations() == 0).await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    // What waited is written.
    assert_eq!(lines(&office, 20).await.len(), 20);
}
