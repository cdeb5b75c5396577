//! For whoever watches the daemon: `/metrics`, `/healthz`, `/readyz`.

mod health;
mod levels;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Extensions, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use ipnet::IpNet;
use jiff::Timestamp;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

pub use health::{LdapHealth, ListenerHealth, NodeHealth, PartHealth, Ready};

use super::access::Operator;
use super::admin::Outside;
use super::problem::Problem;
use crate::metrics;
use crate::model::Role;
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

    /// What it is made of, for the API beside it.
    pub fn parts(&self) -> (Provisioning, Outside) {
        (self.provisioning.clone(), self.outside.clone())
    }
}

/// Who may read what names things: `/metrics`, and the reasons in `/readyz`.
#[derive(Clone)]
enum Readers {
    /// Whoever comes: it is the unix socket.
    All,
    /// Who has a role, and who comes from these networks.
    Known(Arc<[IpNet]>),
}

impl Readers {
    /// Whether this request is of one of them.
    fn have(&self, extensions: &Extensions) -> bool {
        let Self::Known(networks) = self else { return true };
        let operator = extensions.get::<Operator>();
        let peer =
            extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
        operator.is_some_and(|operator| operator.may(Role::Viewer))
            || peer.is_some_and(|peer| networks.iter().any(|network| network.contains(&peer)))
    }
}

/// What the handlers answer from.
#[derive(Clone)]
struct Doors {
    watched: Watched,
    readers: Readers,
}

/// The router of the unix socket.
pub fn router(watched: Watched) -> Router {
    routes(Doors { watched, readers: Readers::All })
}

/// The router beside the operators' API. Whoever has no role and comes from none of these networks is told only whether
/// the process answers and whether it is ready.
pub fn listener(watched: Watched, networks: Vec<IpNet>) -> Router {
    routes(Doors { watched, readers: Readers::Known(networks.into()) })
}

/// All three paths.
fn routes(doors: Doors) -> Router {
    Router::new()
        .route("/metrics", get(scrape))
        .route("/healthz", get(async || "the process answers\n"))
        .route("/readyz", get(health::ready))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER))
        .layer(CatchPanicLayer::new())
        .with_state(doors)
}

async fn scrape(
    State(Doors { watched, readers }): State<Doors>,
    request: Request,
) -> Result<Response, Response> {
    if !readers.have(request.extensions()) {
        // Never sent on to the sign-in: who scrapes would take that for an answer.
        let told =
            "send a token as `Authorization: Bearer …`, or come from one of `admin.metrics_allow`";
        let mut response = Problem::new(StatusCode::UNAUTHORIZED, told).into_response();
        let challenge = HeaderValue::from_static("Bearer realm=\"hotdeskd\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return Err(response);
    }
    let levels = watched.levels().await;
    let text = watched.provisioning.desk().store().metrics().text(&levels);
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}
