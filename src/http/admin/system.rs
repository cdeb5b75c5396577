//! The daemon itself: what it is connected to, each thing with its state and age, and its configuration.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Outside;
use crate::http::problem::Problem;
use crate::http::watch::Ready;
use crate::people::ldap::LdapStatus;
use crate::provisioning::redirection::RunStatus;

/// Who knows how the daemon is. Only a running daemon does.
pub trait SystemReport: Send + Sync {
    /// Whether each part works, and since when it runs.
    fn now(&self) -> BoxFuture<'_, (Timestamp, Ready)>;

    /// The configuration in force, without secrets.
    fn configuration(&self) -> String;
}

/// The daemon itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SystemView {
    /// Its version.
    pub version: String,
    /// When it started.
    pub started: Timestamp,
    /// Whether each part works.
    pub ready: Ready,
    /// The mirror of the LDAP server, where there is one.
    pub ldap: Option<LdapStatus>,
    /// The vendors' redirection services, where there are any.
    pub redirection: Option<RunStatus>,
    /// Whether there is a customer database.
    pub customers: bool,
}

/// The configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConfigurationView {
    /// As TOML, every default written out, secrets hidden.
    pub toml: String,
}

/// Who tells it, where a daemon runs.
fn report(outside: &Outside) -> Result<Arc<dyn SystemReport>, Problem> {
    let told = "no daemon runs; `hotdeskd check` tells what can be told without one";
    outside.system.clone().ok_or_else(|| Problem::new(StatusCode::SERVICE_UNAVAILABLE, told))
}

pub(super) async fn show(State(outside): State<Outside>) -> Result<Json<SystemView>, Problem> {
    let (started, ready) = report(&outside)?.now().await;
    Ok(Json(SystemView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started,
        ready,
        ldap: outside.ldap.as_ref().map(|mirror| mirror.status()),
        redirection: outside.redirections.as_ref().map(|services| services.status()),
        customers: outside.customers.is_there(),
    }))
}

pub(super) async fn configuration(
    State(outside): State<Outside>,
) -> Result<Json<ConfigurationView>, Problem> {
    Ok(Json(ConfigurationView { toml: report(&outside)?.configuration() }))
}
