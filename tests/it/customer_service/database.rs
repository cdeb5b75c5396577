//! The service number over a real database: who is found, who is not, and a database that is gone.

use std::time::Instant;

use hotdeskd::app::{self, CustomerDatabase};
use serde_json::Value;

use super::*;
use crate::support::{DatabaseServer as _, Office, Plan as Site, SqliteFile, until};

/// A customer database as somebody may have it.
const CUSTOMERS: &str = "
    CREATE TABLE customers (phone TEXT, team CHAR(12), name TEXT, priority NUMERIC);
    INSERT INTO customers VALUES
        ('+4315550100', 'sales', 'Acme Ltd', 30),
        ('015550101', '42', 'By department', NULL),
        ('004315550102', 'SUPPORT   ', 'Padded', NULL),
        ('+4315550103', 'sales', 'One', NULL), ('+4315550103', 'sales', 'Other', NULL),
        ('+4315550104', 'sales', 'One', NULL), ('+4315550104', 'support', 'Other', NULL),
        ('+4315550105', 'nosuch', 'Of nobody', NULL),
        ('+4315550106', NULL, 'Without a team', NULL),
        ('+4315550107', 'closed', 'At night', NULL),
        ('+4315550108', 'sales', '${system(id)}|hotdesk_evil=1', NULL),
        ('+4315550109', '${system(id)}', '$${domain}', NULL),
        ('+4315550110', 'sales', '^^|a=b', 'high');
";

/// The configuration's tables for that database.
fn tables(file: &SqliteFile) -> String {
    format!(
        "[customers]\nurl = \"{}\"\ncountry = \"AT\"\ncache.entries = 0\nbreaker.rest_seconds = 1\n\
         query = \"SELECT team, name, priority FROM customers WHERE phone = :number\"\n\
         [service]\nnumbers = [\"0800123\"]\ndefault_queue = \"reception\"\n\
         [[team]]\nid = \"sales\"\ndepartments = [\"42\"]\n\
         [[team]]\nid = \"closed\"\nhours = [\"{}\"]\n",
        file.url(),
        never()
    )
}

async fn office(file: &SqliteFile) -> Office {
    file.run(CUSTOMERS);
    let office = Office::with(Site { tables: tables(file), ..Site::default() }).await;
    for (at, (extension, team)) in PEOPLE.into_iter().enumerate() {
        let user = serde_json::json!({ "name": "Somebody", "teams": [team] });
        office.user(extension, user, "").await;
        let phone = office.phone(at).user;
        office.post("sessions", serde_json::json!({ "phone": phone, "user": extension })).await;
    }
    office
}

#[tokio::test]
async fn callers_go_where_a_real_database_says() {
    let file = SqliteFile::new();
    let office = office(&file).await;
    for (from, to, why, name) in [
        ("+4315550100", "sales", "found", "Acme Ltd"),
        // However the trunk writes the number, and however the database does.
        ("004315550100", "sales", "found", "Acme Ltd"),
        ("015550100", "sales", "found", "Acme Ltd"),
        ("+4315550101", "sales", "found", "By department"),
        ("+4315550102", "support", "found", "Padded"),
        // Two of one team are of that team, and neither is by name.
        ("+4315550103", "sales", "found", "ACME"),
        ("+4315550104", "reception", "ambiguous", "ACME"),
        ("+4315550105", "reception", "unknown-team", "Of nobody"),
        ("+4315550107", "reception", "closed", "At night"),
        ("+4315550108", "sales", "found", "systemidhotdeskevil1"),
        ("+4315550109", "reception", "unknown-team", "domain"),
        ("+4315550110", "sales", "found", "ab"),
        ("+4315550199", "reception", "no-match", "ACME"),
        ("anonymous", "reception", "anonymous", "ACME"),
        ("", "reception", "anonymous", "ACME"),
        ("1001", "reception", "internal", "ACME"),
        ("' OR 1=1 --", "reception", "not-a-number", "ACME"),
    ] {
        let mut call = office.dial_outside(NUMBER, from, "ACME");
        assert_eq!(went(&mut call).await, format!("{to}@hotdesk_queues"), "{from}");
        assert_eq!(call.variable("hotdesk_reason").as_deref(), Some(why), "{from}");
        assert_eq!(call.variable("effective_caller_id_name").as_deref(), Some(name), "{from}");
        assert_eq!(call.variable("hotdesk_evil"), None, "{from}");
    }
    assert_eq!(office.switch.would_have_run(), [""; 0]);
    assert_eq!(office.switch.traps(), [""; 0]);
}

#[tokio::test]
async fn while_the_database_is_gone_callers_reach_the_default_queue_and_afterwards_their_team() {
    let mut file = SqliteFile::new();
    let office = office(&file).await;
    let call = async || {
        let mut call = office.dial_outside(NUMBER, "+4315550100", "ACME");
        let to = went(&mut call).await;
        (to, call.variable("hotdesk_reason").unwrap_or_default())
    };
    let sales = ("sales@hotdesk_queues".to_owned(), "found".to_owned());
    assert_eq!(call().await, sales);
    file.stop();
    let began = Instant::now();
    let at_reception =
        async || call().await == ("reception@hotdesk_queues".into(), "no-answer".into());
    until("the file is missed", at_reception).await;
    assert!(at_reception().await);
    // Each within the deadline, and not within many.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    file.start();
    until("it is there again", async || call().await == sales).await;
    // A call does not wait for its line in the journal.
    let failed = |row: &Value| row["reason"]["why"] == "no-answer";
    let told = async || {
        let journal = office.get("journal?limit=1000").await;
        journal.as_array().unwrap().iter().any(failed)
    };
    until("the journal has it", told).await;
}

/// With FreeSWITCH's ticks; how long from connect to transfer is told with `HOTDESKD_TIMES=1`.
#[tokio::test]
async fn call_after_call_over_a_warm_database_reaches_the_team() {
    let file = SqliteFile::new();
    file.run(CUSTOMERS);
    let folder = tempfile::tempdir().unwrap();
    let text =
        format!("domain = \"office.test\"\n{}[freeswitch.fs1]\npassword = \"x\"\n", tables(&file));
    let path = folder.path().join("hotdeskd.toml");
    let config = hotdeskd::config::Config::parse(&path, text.as_bytes(), None).unwrap();
    let customers = app::customers(&config, None).unwrap();
    let database: Option<Arc<dyn CustomerLookup>> = Some(Arc::new(CustomerDatabase(customers)));
    let counter = Counter::open(Plan { database, ticks: true, ..Plan::default() }).await;
    went(&mut counter.call("+4315550100", "ACME")).await;
    let mut times = Vec::new();
    for _ in 0..50 {
        let began = Instant::now();
        let mut call = counter.call("+4315550100", "ACME");
        assert_eq!(went(&mut call).await, "sales@hotdesk_queues");
        times.push(began.elapsed());
    }
    times.sort();
    if std::env::var_os("HOTDESKD_TIMES").is_some() {
        println!("over SQLite: median {:?}, slowest {:?}", times[25], times[49]);
    }
}
