//! `hotdeskd customers lookup`, alone and over the daemon, and what `check` says of the database.

use std::process::Output;

use serde_json::Value;

use super::*;
use crate::support::{Office, Plan};

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// An office whose customers are in this database.
async fn office(url: &str, query: &str) -> Office {
    let tables = format!(
        "[customers]\nurl = {url:?}\nquery = {query:?}\npassword = {PASSWORD:?}\ncountry = \"AT\"\n\
         deadline_ms = {DEADLINE_MS}\n"
    );
    Office::closed(Plan { tables, ..Plan::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_looked_up_with_and_without_a_daemon() {
    let database = SqliteFile::new();
    fill(&database, &[("015550100", "sales", "Ada \u{1b}[2J\u{202e}", 5)]);
    let office = office(&database.url(), QUERY).await;
    let alone = office.run(&["customers", "lookup", "+4315550100"]);
    assert!(alone.status.success(), "{}", told(&alone));
    office.start().await;
    for looked in [alone, office.run(&["customers", "lookup", "+4315550100"])] {
        let looked = told(&looked);
        for part in [
            "number  ",
            "+4315550100",
            "found",
            "sales",
            "priority  5",
            "ms\n",
            "SPELLING",
            "004315550100",
            "015550100 ",
        ] {
            assert!(looked.contains(part), "{part}: {looked}");
        }
        assert!(
            looked.contains("Ada \u{fffd}[2J\u{fffd}") && !looked.contains('\u{1b}'),
            "{looked}"
        );
    }
    // The daemon remembers.
    let looked = told(&office.run(&["customers", "lookup", "01 555 0100"]));
    assert!(looked.contains("remembered") && looked.contains("not tried"), "{looked}");
    let json = office.run(&["customers", "lookup", "+4315550100", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["answer"]["found"]["team"], "sales");
    assert_eq!((&json["cached"], &json["spellings"][2]), (&Value::Bool(true), &"015550100".into()));
    for (number, sentence) in [
        ("*98", "one of our own"),
        ("1001", "one of our own"),
        ("", "withheld"),
        ("' OR 1=1 --", "no number of the telephone network"),
        ("-1", "one of our own"),
        ("+4315550199", "nobody has this number"),
    ] {
        let looked = office.run(&["customers", "lookup", number]);
        assert!(looked.status.success() && told(&looked).contains(sentence), "{}", told(&looked));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_of_any_length_is_never_looked_up() {
    let database = SqliteFile::new();
    fill(&database, &[("015550100", "sales", "Ada", 5)]);
    let office = office(&database.url(), QUERY).await;
    office.start().await;
    let sentence = |number: &str| told(&office.run(&["customers", "lookup", number]));
    assert!(sentence("015550100").contains("found"));
    office.user("015550100", serde_json::json!({ "name": "Grace" }), "").await;
    assert!(sentence("015550100").contains("one of our own"));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_is_wrong_with_the_database() {
    let mut database = SqliteFile::new();
    fill(&database, &[]);
    let url = database.url();
    let line = async |url: &str, query: &str| {
        let output = office(url, query).await.run(&["check", "--json"]);
        let lines: Value = serde_json::from_slice(&output.stdout).unwrap();
        let lines = lines.as_array().unwrap().clone();
        let line = lines.iter().find(|line| line["subject"] == "customers").unwrap();
        assert!(!told(&output).contains(PASSWORD), "{}", told(&output));
        (line["state"].as_str().unwrap().to_owned(), line["found"].as_str().unwrap().to_owned())
    };
    let (state, found) = line(&url, QUERY).await;
    assert!(state == "ok" && found.contains("the query took"), "{state} {found}");
    for (query, told) in [
        ("SELECT nmae FROM customers WHERE phone = :number", "nmae"),
        ("SELECT team, phone FROM customers WHERE phone = :number", "`phone`"),
        ("SELECT 'sales' WHERE :number <> ''", "a number that nobody has"),
    ] {
        let (state, found) = line(&url, query).await;
        assert!(state == "WRONG" && found.contains(told), "{state} {found}");
    }
    database.stop();
    let (state, found) = line(&url, QUERY).await;
    assert!(state == "WRONG" && found.contains("No such file"), "{state} {found}");
    let (state, found) = line("postgres://crm@127.0.0.1:1/crm", QUERY).await;
    assert!(state == "WRONG" && found.contains("refused"), "{state} {found}");
}

/// Also the way that calls go: over the daemon's own connections.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_keeps_a_connection_ready() {
    let database = Postgres::start();
    fill(&database, &[("+4315550100", "sales", "Ada", 5)]);
    let office = office(&database.url(), QUERY).await;
    office.start().await;
    crate::support::until("a connection", async || database.connections() > 0).await;
    for _ in 0..3 {
        let json = office.run(&["customers", "lookup", "+4315550100", "--json"]);
        let json: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json["answer"]["found"]["name"], "Ada", "{json}");
    }
    assert_eq!(database.connections(), 1);
}
