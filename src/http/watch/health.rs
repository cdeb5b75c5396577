//! Whether the daemon can do its work, and why not.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Doors, NodeState, Watched};
use crate::store::{DatabaseError, Store, Tx};

/// How long the store may take for a write.
const STORE: Duration = Duration::from_secs(2);
/// For how long the answer of the store is good: whoever asks often makes it no work.
const FRESH: Duration = Duration::from_secs(5);

/// Whether the daemon can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// It can.
    pub ready: bool,
    /// Why it cannot, in sentences.
    pub reasons: Vec<String>,
    /// The store.
    pub store: PartHealth,
    /// The FreeSWITCH nodes. One of them suffices.
    pub freeswitch: Vec<NodeHealth>,
    /// The LDAP server, where there is one. Everything works without it.
    pub ldap: Option<LdapHealth>,
    /// Where the daemon listens.
    pub listeners: Vec<ListenerHealth>,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHealth {
    /// Whether it works.
    pub ok: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// A FreeSWITCH node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHealth {
    /// What the operator calls it.
    pub node: String,
    /// Whether there is a connection.
    pub ok: bool,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why there is none.
    pub reason: Option<String>,
}

/// The LDAP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LdapHealth {
    /// Whether it answers.
    pub ok: bool,
    /// When the mirror was last known to be as the server is.
    pub current_at: Option<Timestamp>,
    /// What is wrong.
    pub reason: Option<String>,
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerHealth {
    /// Its name in the table `[listen]`.
    pub name: String,
    /// The address.
    pub address: SocketAddr,
}

/// How the store was, and when.
#[derive(Default)]
pub(super) struct StoreProbe(Option<(Instant, PartHealth)>);

impl PartHealth {
    fn of(reason: Option<String>) -> Self {
        Self { ok: reason.is_none(), reason }
    }
}

pub(super) async fn ready(
    State(Doors { watched, readers }): State<Doors>,
    request: Request,
) -> (StatusCode, Json<Value>) {
    let ready = watched.ready().await;
    let status = if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let told = match readers.have(request.extensions()) {
        // Text and numbers, so it cannot fail.
        true => serde_json::to_value(&ready).unwrap_or_default(),
        false => json!({ "ready": ready.ready }),
    };
    (status, Json(told))
}

impl Watched {
    /// Whether it can, now.
    pub async fn ready(&self) -> Ready {
        let store = {
            // Whoever comes meanwhile takes what this one finds.
            let mut probe = self.store.lock().await;
            match &probe.0 {
                Some((at, health)) if at.elapsed() < FRESH => health.clone(),
                _ => {
                    let health = probe_store(self.provisioning.desk().store()).await;
                    probe.0 = Some((Instant::now(), health.clone()));
                    health
                }
            }
        };
        let freeswitch: Vec<_> = self.daemon.nodes().into_iter().map(node).collect();
        let ldap = self.outside.ldap.as_ref().map(|mirror| {
            let status = mirror.status();
            let ok = status.error.is_none();
            LdapHealth { ok, current_at: status.current_at, reason: status.error }
        });
        let listeners = self.daemon.listeners().into_iter();
        let listeners =
            listeners.map(|(name, address)| ListenerHealth { name: name.to_owned(), address });
        let mut reasons: Vec<_> = self.daemon.not_now().map(str::to_owned).into_iter().collect();
        reasons.extend(store.reason.iter().map(|reason| format!("store: {reason}")));
        if freeswitch.iter().all(|node| !node.ok) {
            let why = freeswitch.iter().map(|node| {
                let reason = node.reason.as_deref().unwrap_or_default();
                format!("freeswitch {}: {reason}", node.node)
            });
            reasons.extend(why);
        }
        let ready = reasons.is_empty();
        Ready { ready, reasons, store, freeswitch, ldap, listeners: listeners.collect() }
    }
}

/// Whether the store takes a write, down to the disk.
async fn probe_store(store: &Store) -> PartHealth {
    let now = Timestamp::now();
    let write = store.write(async move |tx: &mut Tx<'_>| {
        tx.probe(now).await?;
        Ok::<(), DatabaseError>(())
    });
    PartHealth::of(match tokio::time::timeout(STORE, write).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("a write took longer than {} seconds", STORE.as_secs())),
    })
}

fn node(node: NodeState) -> NodeHealth {
    let NodeState { name, connected, trouble, .. } = node;
    let reason = match connected {
        Some(_) => None,
        None => Some(trouble.unwrap_or_else(|| "not connected yet".to_owned())),
    };
    NodeHealth { node: name, ok: connected.is_some(), since: connected, reason }
}
