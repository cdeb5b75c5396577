//! What the daemon knows of itself, for whoever watches it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::http::watch::{DaemonWatch, NodeState};
use crate::switch::Switch;

/// This daemon.
pub(super) struct Running {
    started: Timestamp,
    switch: Switch,
    shutdown: CancellationToken,
    listeners: Mutex<Listeners>,
}

/// Where it listens.
#[derive(Default)]
struct Listeners {
    all: Vec<(&'static str, SocketAddr)>,
    /// Whether there will be no more.
    complete: bool,
}

impl Running {
    /// It starts now.
    pub(super) fn new(switch: Switch, shutdown: CancellationToken) -> Arc<Self> {
        let (started, listeners) = (Timestamp::now(), Mutex::default());
        Arc::new(Self { started, switch, shutdown, listeners })
    }

    /// It listens there.
    pub(super) fn listens(&self, name: &'static str, address: SocketAddr) {
        self.note().all.push((name, address));
    }

    /// It listens wherever it should.
    pub(super) fn is_up(&self) {
        self.note().complete = true;
    }

    fn note(&self) -> std::sync::MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DaemonWatch for Running {
    fn started(&self) -> Timestamp {
        self.started
    }

    fn listeners(&self) -> Vec<(&'static str, SocketAddr)> {
        self.note().all.clone()
    }

    fn not_now(&self) -> Option<&'static str> {
        if self.shutdown.is_cancelled() {
            return Some("the daemon stops");
        }
        (!self.note().complete).then_some("the daemon starts; not all listeners are there yet")
    }

    fn nodes(&self) -> Vec<NodeState> {
        let nodes = self.switch.nodes().into_iter();
        let nodes = nodes.map(|node| NodeState {
            name: node.name,
            connected: node.connected,
            trouble: node.trouble.map(|trouble| trouble.text),
            registrations: node.registrations,
            channels: node.channels,
        });
        nodes.collect()
    }
}
