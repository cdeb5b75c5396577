//! Other systems that are told of what happens, with a real HTTPS server as the target.

mod everyday;
mod trouble;

use serde_json::{Value, json};

use crate::support::webhook::WebhookServer;
use crate::support::{Office, PHONES, Plan, until};

/// Logins and logouts.
pub(super) const SESSIONS: &str = "\"desk.login\", \"desk.logout\"";

/// An office that tells this target.
pub(super) async fn office(server: &WebhookServer, events: &str, more: &str) -> Office {
    Office::with(Plan { tables: server.table(events, more), ..Plan::default() }).await
}

/// Somebody sits down, over the admin API.
pub(super) async fn log_in(office: &Office, user: &str) {
    office.post("sessions", json!({ "phone": PHONES[0].0, "user": user })).await;
}

/// Waits until the target took exactly these.
pub(super) async fn comes_to(server: &WebhookServer, wanted: &[&str]) {
    until(&format!("{wanted:?}"), async || server.taken().len() >= wanted.len()).await;
    assert_eq!(server.taken(), wanted);
}

/// How it stands with the one target: waiting, given up.
pub(super) async fn backlog(office: &Office) -> (u64, u64) {
    let view = office.get("webhooks").await;
    let count = |name: &str| view["targets"][0][name].as_u64().unwrap();
    (count("waiting"), count("dead"))
}

/// The first delivery that is listed.
pub(super) async fn first(office: &Office) -> Value {
    office.get("webhooks").await["deliveries"][0].clone()
}
