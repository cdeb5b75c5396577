//! Redirection services, against Python's xmlrpc.server.

mod everyday;
mod interrupted;
mod trouble;

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::redirection::{PASSWORD, RedirectionServer};
use crate::support::{Office, Plan, until};

/// The documents' phones of Snom that the office has.
pub(super) const ONE: &str = "000413aa0001";
pub(super) const TWO: &str = "000413aa0002";
pub(super) const THREE: &str = "000413aa0003";

pub(super) fn upper(mac: &str) -> String {
    mac.to_ascii_uppercase()
}

/// An office with this service, and without a daemon.
pub(super) async fn closed(server: &RedirectionServer, more: &str) -> Office {
    Office::closed(Plan { tables: server.table(more), ..Plan::default() }).await
}

/// The phones are in the inventory.
pub(super) fn add(office: &Office, phones: &[&str]) {
    for mac in phones {
        let done = office.run(&["phones", "add", mac, "--vendor", "snom", "--model", "D785"]);
        assert!(done.status.success(), "{}", told(&done));
    }
}

/// So many phones are in the inventory, by the daemon's API.
pub(super) async fn add_many(office: &Office, count: usize) -> Vec<String> {
    let macs: Vec<String> = (0..count).map(|at| format!("000413b{at:05x}")).collect();
    for mac in &macs {
        office.put(&format!("phones/{mac}"), json!({ "vendor": "snom" })).await;
    }
    macs
}

/// What a command printed, on both channels.
pub(super) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A command that succeeds, and what it printed.
pub fn ok(office: &Office, arguments: &[&str]) -> String {
    let done = office.run(arguments);
    assert!(done.status.success(), "{arguments:?}: {}", told(&done));
    told(&done)
}

/// A command that fails, and what it printed.
pub(super) fn fails(office: &Office, arguments: &[&str]) -> String {
    let done = office.run(arguments);
    assert_eq!(done.status.code(), Some(1), "{arguments:?}: {}", told(&done));
    told(&done)
}

/// What a plan says of each phone.
pub(super) fn plan(office: &Office) -> Vec<(String, String)> {
    let done = office.run(&["redirection", "plan", "--json"]);
    let outcomes: Value = serde_json::from_slice(&done.stdout).unwrap();
    let planned = outcomes[0]["planned"].as_array().unwrap().iter();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    planned.map(|one| (text(one, "phone"), text(one, "step"))).collect()
}

/// The same, to be compared with.
pub(super) fn steps(steps: &[(&str, &str)]) -> Vec<(String, String)> {
    steps.iter().map(|(mac, step)| ((*mac).to_owned(), (*step).to_owned())).collect()
}

/// The phone's own URL as a phone of Snom's is to have it.
pub(super) fn own_url(office: &Office, mac: &str) -> String {
    let url = ok(office, &["phones", "enrol", mac, "--show-url"]);
    format!("{}{{mac}}.xml", url.trim())
}

/// Asks the daemon, which has to refuse.
pub(super) async fn refused(office: &Office, path: &str, body: Value) -> String {
    office.admin(Method::POST, path, Some(body)).await.unwrap_err()
}
