//! `/healthz` and `/readyz`.

use serde_json::Value;

use crate::support::slapd::{Directory, Slapd};
use crate::support::{Office, Plan, SmallDisk, until};

async fn ready(office: &Office) -> (u16, Value) {
    let (status, text) = office.fetch("/readyz").await;
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn it_is_ready_when_freeswitch_is_there_and_says_what_is_missing_when_not() {
    let mut office = Office::open().await;
    until("it is ready", async || ready(&office).await.0 == 200).await;
    let (_, told) = ready(&office).await;
    assert_eq!(told["ready"], true, "{told}");
    assert_eq!(told["reasons"].as_array().unwrap().len(), 0, "{told}");
    assert_eq!((&told["store"]["ok"], &told["ldap"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(told["freeswitch"][0]["node"], "lab");
    let listeners: Vec<_> = told["listeners"].as_array().unwrap().iter().collect();
    let names: Vec<_> = listeners.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["switch", "event_socket", "phones"]);
    assert_eq!(listeners[0]["address"], office.config.switch.address.to_string());
    office.switch.clone().stop().await;
    until("it is noticed", async || ready(&office).await.0 == 503).await;
    let (_, told) = ready(&office).await;
    let reason = told["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("freeswitch lab: "), "{told}");
    assert_eq!(told["store"]["ok"], true, "{told}");
    assert_eq!(office.fetch("/healthz").await.0, 200, "the process answers all the same");
    office.restart_freeswitch(|_| {}).await;
    until("it is ready again", async || ready(&office).await.0 == 200).await;
}

#[tokio::test]
async fn a_dead_ldap_server_is_told_and_makes_it_no_less_ready() {
    let mut slapd = Slapd::start(Directory::default());
    let office = Office::with(crate::ldap::plan(&slapd, crate::ldap::TOLD)).await;
    until("it is ready", async || {
        let (status, told) = ready(&office).await;
        status == 200 && told["ldap"]["current_at"].is_string()
    })
    .await;
    slapd.stop();
    until("it is noticed", async || ready(&office).await.1["ldap"]["ok"] == false).await;
    let (status, told) = ready(&office).await;
    assert_eq!(status, 200, "{told}");
    assert!(!told["ldap"]["reason"].as_str().unwrap().is_empty(), "{told}");
    let (_, text) = office.fetch("/metrics").await;
    assert_eq!(super::value(&text, "hotdeskd_mirror_up"), 0.0);
    assert!(super::value(&text, "hotdeskd_mirror_age_seconds") >= 0.0);
}

#[tokio::test]
async fn a_store_on_a_full_disk_is_not_ready_until_there_is_room() {
    let Some(disk) = SmallDisk::mount(4 << 20) else { return };
    let office = Office::with(Plan { data: Some(disk.join("data")), ..Plan::default() }).await;
    until("it is ready", async || ready(&office).await.0 == 200).await;
    let ballast = disk.fill();
    until("it is noticed", async || ready(&office).await.0 == 503).await;
    let (_, told) = ready(&office).await;
    let reason = told["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("store: ") && reason.contains("full"), "{told}");
    assert_eq!(office.fetch("/healthz").await.0, 200);
    std::fs::remove_file(ballast).unwrap();
    until("it is ready again", async || ready(&office).await.0 == 200).await;
}
