//! For whoever watches the daemon: `/metrics`, `/healthz`, `/readyz`.

mod health;
mod levels;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jiff::Timestamp;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

pub use health::{LdapHealth, ListenerHealth, NodeHealth, PartHealth, Ready};

use super::admin::Outside;
use crate::metrics;
use crate::provisioning::Provisioning;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// What a running daemon knows of itself.
pub trait DaemonWatch: Send + Sync {
    /// When it started.
    fn started(&self) -> Timestamp;
    /// Where it listens, by the names of the table `[listen]`; what is not there yet is missing.
    fn listeners(&self) -> Vec<(&'static str, SocketAddr)>;
    /// Why it is not ready although nothing is broken: it starts, or it stops.
    fn not_now(&self) -> Option<&'static str>;
    /// The FreeSWITCH nodes.
    fn nodes(&self) -> Vec<NodeState>;
}

/// A FreeSWITCH node as the daemon sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeState {
    /// What the operator calls it.
    pub name: String,
    /// Since when there is a connection.
    pub connected: Option<Timestamp>,
    /// The last thing that went wrong; it may be long over.
    pub trouble: Option<String>,
    /// How many registrations of phones it holds.
    pub registrations: usize,
    /// How many channels it holds.
    pub channels: usize,
}

/// What is looked at. Cheap to clone.
#[derive(Clone)]
pub struct Watched {
    provisioning: Provisioning,
    outside: Outside,
    daemon: Arc<dyn DaemonWatch>,
    /// What costs something to find out, as it was a moment ago.
    costly: Arc<tokio::sync::Mutex<levels::Costly>>,
    /// The same of the store's health.
    store: Arc<tokio::sync::Mutex<health::StoreProbe>>,
}

impl Watched {
    /// This daemon.
    pub fn new(provisioning: Provisioning, outside: Outside, daemon: Arc<dyn DaemonWatch>) -> Self {
        Self { provisioning, outside, daemon, costly: Arc::default(), store: Arc::default() }
    }
}

/// The router. `/healthz` and `/readyz` tell nothing that needs a role.
pub fn router(watched: Watched) -> Router {
    Router::new()
        .route("/metrics", get(scrape))
        .route("/healthz", get(async || "the process answers\n"))
        .route("/readyz", get(health::ready))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER))
        .layer(CatchPanicLayer::new())
        .with_state(watched)
}

async fn scrape(State(watched): State<Watched>) -> Response {
    let levels = watched.levels().await;
    let text = watched.provisioning.desk().store().metrics().text(&levels);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}
