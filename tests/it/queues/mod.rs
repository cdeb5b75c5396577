//! Queues: mod_callcenter as FreeSWITCH has it, and how the daemon keeps it.

mod kept;
mod served;
mod simulated;
mod statuses;

use serde_json::{Value, json};

use crate::support::{Office, Plan, until};

const ADA: &str = "1001@office.test";
const GRACE: &str = "1002@office.test";

/// An office in which nobody is in a team yet, with these tables in its configuration.
async fn office(tables: &str) -> Office {
    Office::with(Plan { provisioning: tables.to_owned(), ..Plan::default() }).await
}

/// Puts one of the users into teams.
async fn join(office: &Office, extension: &str, teams: &[&str]) {
    office.put(&format!("users/{extension}"), json!({ "name": "Somebody", "teams": teams })).await;
}

/// What FreeSWITCH answers.
async fn config(office: &Office, command: &str) -> String {
    office.switch.api(&format!("callcenter_config {command}")).await
}

/// The names of FreeSWITCH's queues.
async fn queues(office: &Office) -> Vec<String> {
    let list = config(office, "queue list").await;
    let lines = list.lines().filter(|line| line.contains('|')).skip(1);
    lines.filter_map(|line| line.split('|').next().map(str::to_owned)).collect()
}

/// Who serves a queue, in the order of their names.
async fn serving(office: &Office, queue: &str) -> Vec<String> {
    let list = config(office, &format!("queue list tiers {queue}")).await;
    let lines = list.lines().filter(|line| line.starts_with(queue));
    let agents = lines.filter_map(|line| line.split('|').nth(1).map(str::to_owned));
    let mut agents: Vec<String> = agents.collect();
    agents.sort();
    agents
}

async fn status(office: &Office, agent: &str) -> String {
    config(office, &format!("agent get status {agent}")).await
}

/// Waits until an agent has a status.
async fn has_status(office: &Office, agent: &str, wanted: &str) {
    until(&format!("{agent} is {wanted}"), async || status(office, agent).await == wanted).await;
}

/// Waits until there is nothing left to do at FreeSWITCH.
async fn settled(office: &Office) {
    let is_settled = async || {
        let nodes = office.get("queues").await;
        let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        let node = &nodes[0];
        node["trouble"].is_null() && empty(&node["steps"]) && empty(&node["waiting"])
    };
    until("nothing is left to do", is_settled).await;
}

/// The `callcenter_config` commands that the daemon gave and that change something.
fn changes(office: &Office) -> Vec<String> {
    let log = office.switch.api_log();
    let asks = ["queue list", "agent list", "tier list", "agent get", "queue list members"];
    let mut said: Vec<String> = log
        .iter()
        .filter_map(|line| line.strip_prefix("callcenter_config "))
        .filter(|line| !asks.iter().any(|ask| line.starts_with(ask)))
        .map(str::to_owned)
        .collect();
    said.dedup();
    said
}

/// What a command prints, while the simulated FreeSWITCH goes on.
async fn said(office: &Office, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::from(office.command(arguments));
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
