//! FreeSWITCH, watched and told: one lasting inbound connection for each node, and what is wanted of the phones there.
//!
//! | file | what |
//! | --- | --- |
//! | `registrations`, `channels` | what a node says of its phones, read and kept; no IO, no clock |
//! | `plan` | what to do about what is wanted; no IO, no clock |
//! | `emergencies` | emergency calls, as they are made and from what FreeSWITCH remembers |
//! | `events` | what each phone understands as "fetch your configuration again" |
//! | `queue_calls` | what became of callers in queues |
//! | `notify` | the NOTIFYs and the message lamp's text |
//! | `peer` | one node: connection, events, looks |
//! | `ask` | where one phone is registered, asked now |
//! | `presence` | where each phone is registered, kept in the store: changes only |
//! | `auto_logout` | who is logged out by themselves |
//! | `keeper` | the one task that sends, and writes down what is done |
//! | `queues` | mod_callcenter, kept as the teams are |
//! | `reload` | `reloadxml`, and what its answer means |
//! | `files` | the directory on FreeSWITCH's own disk, kept current |
//! | `check` | is FreeSWITCH as it must be |
//!
//! A row of what is wanted is done when FreeSWITCH has taken a NOTIFY for each registration that the phone has at that
//! moment; but whether the phone did what it was told nobody here can know. So where it fetches its configuration from us
//! the row stays until it has, and who delivers the file settles it: until then the phone is told again as in
//! `plan::confirmation`. A phone that is not registered keeps its rows until it is, and is then told like any other:
//! fetching twice does no harm. A phone in a call is told when the call is over (invariant 8).

mod ask;
mod auto_logout;
mod channels;
pub mod check;
mod emergencies;
mod events;
mod files;
mod keeper;
mod notify;
mod peer;
mod plan;
mod presence;
mod queue_calls;
mod queues;
mod registrations;
mod reload;

use std::fmt;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use ask::ask_once;
pub use auto_logout::AutoLogouts;
pub use events::{CheckSync, Events, PhoneEvents};
pub use files::StandingFiles;
pub use plan::Waiting;
pub use queues::Queues;
pub use registrations::Registration;
pub use reload::{ReloadError, Reloaded};

use crate::event_socket::{ChannelWord, CommandError};
use crate::model::{Domain, EmergencyCall, Mac, QueueCall, Wanted};
use crate::store::Store;
use keeper::{Keeper, Pending};
use peer::{Bells, Line, Peer};

/// What the room needs to know.
#[derive(Clone)]
pub struct Settings {
    /// The FreeSWITCH nodes.
    pub nodes: Vec<Node>,
    /// The SIP domain.
    pub domain: Domain,
    /// The profile of `voicemail.conf` whose mailboxes the lamps show; `default` in FreeSWITCH's stock files.
    pub voicemail_profile: ChannelWord,
    /// What each phone understands; [`CheckSync`] where nothing is known of phones.
    pub phones: Arc<dyn PhoneEvents>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("nodes", &self.nodes)
            .field("domain", &self.domain)
            .field("voicemail_profile", &self.voicemail_profile)
            .finish_non_exhaustive()
    }
}

/// One FreeSWITCH.
#[derive(Clone)]
pub struct Node {
    /// What the operator calls it.
    pub name: String,
    /// Where its event socket listens, `host:port`.
    pub address: String,
    /// The event socket's password.
    pub password: SecretString,
    /// The SIP profiles that phones register with.
    pub profiles: Vec<ChannelWord>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("address", &self.address)
            .field("profiles", &self.profiles)
            .finish_non_exhaustive()
    }
}

/// Why FreeSWITCH did not answer a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// It refused, was too slow, or went away.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// It answered something else than it should.
    #[error("FreeSWITCH's answer to {0} cannot be read")]
    Unreadable(&'static str),
}

impl AskError {
    /// Whether the connection is of no more use, although it is there.
    fn is_hang(&self) -> bool {
        matches!(self, Self::Command(CommandError::Deadline))
    }
}

/// The last thing that went wrong with a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// When.
    pub at: Timestamp,
    /// What, in words.
    pub text: String,
}

/// One node as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// What the operator calls it.
    pub name: String,
    /// Since when there is a connection, if there is one.
    pub connected: Option<Timestamp>,
    /// What it says of its version.
    pub version: Option<String>,
    /// The last thing that went wrong; it may be long over.
    pub trouble: Option<Trouble>,
    /// How many registrations of phones it holds.
    pub registrations: usize,
    /// How many channels it holds, of phones and others.
    pub channels: usize,
}

/// The room as it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The nodes, as they are in the settings.
    pub nodes: Vec<NodeStatus>,
    /// What is wanted and not yet so, and what it waits for.
    pub pending: Vec<(Arc<Wanted>, Waiting)>,
}

/// The room. Cheap to clone.
#[derive(Clone)]
pub struct Switch {
    store: Store,
    settings: Arc<Settings>,
    peers: Arc<[Arc<Peer>]>,
    changed: Arc<Notify>,
    /// Rung at what may let something go on at the queues.
    queues_changed: Arc<Notify>,
    /// Rung at what phones' registrations look like from outside.
    presence_changed: Arc<Notify>,
    pending: Pending,
    queue_calls: broadcast::Sender<QueueCall>,
    emergencies: broadcast::Sender<EmergencyCall>,
    /// Rung when a node is connected.
    connected: Arc<Notify>,
}

/// Watches the nodes and tells the phones until `shutdown`. For a look inside make a [`Switch`] first.
pub async fn run(store: Store, settings: Settings, shutdown: CancellationToken) {
    Switch::new(store, settings).run(shutdown).await;
}

impl Switch {
    /// The room over this store; nothing happens before [`Switch::run`].
    pub fn new(store: Store, settings: Settings) -> Self {
        let changed = Arc::new(Notify::new());
        let queues_changed = Arc::new(Notify::new());
        let presence_changed = Arc::new(Notify::new());
        let connected = Arc::new(Notify::new());
        let bells = Bells {
            phones: Arc::clone(&changed),
            queues: Arc::clone(&queues_changed),
            presence: Arc::clone(&presence_changed),
            connected: Arc::clone(&connected),
        };
        let (queue_calls, _) = broadcast::channel(queue_calls::MOST);
        let (emergencies, _) = broadcast::channel(emergencies::MOST);
        let peer = |node: &Node| {
            let told = (queue_calls.clone(), emergencies.clone());
            Arc::new(Peer::new(node.clone(), bells.clone(), told))
        };
        let peers = settings.nodes.iter().map(peer).collect();
        let (settings, pending) = (Arc::new(settings), Pending::default());
        Self {
            store,
            settings,
            peers,
            changed,
            queues_changed,
            presence_changed,
            pending,
            queue_calls,
            emergencies,
            connected,
        }
    }

    /// Watches the nodes and tells the phones until `shutdown`. Once is enough.
    pub async fn run(&self, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        for peer in self.peers.iter() {
            connections.spawn(Arc::clone(peer).keep(shutdown.clone()));
        }
        connections.close();
        let keeper = Keeper::new(
            self.store.clone(),
            Arc::clone(&self.settings),
            self.peers.to_vec(),
            Arc::clone(&self.changed),
            Arc::clone(&self.pending),
        );
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = keeper.keep() => {}
        }
        connections.wait().await;
    }

    /// What becomes of callers in queues from now on, of all nodes. Who reads too slowly misses the oldest.
    pub fn queue_calls(&self) -> broadcast::Receiver<QueueCall> {
        self.queue_calls.subscribe()
    }

    /// How the nodes are, and what waits.
    pub fn status(&self) -> Status {
        Status { nodes: self.nodes(), pending: self.pending(|_| true) }
    }

    /// How the nodes are.
    pub fn nodes(&self) -> Vec<NodeStatus> {
        let nodes = self.peers.iter().map(|peer| {
            let view = peer.view();
            NodeStatus {
                name: peer.node.name.clone(),
                connected: view.since.filter(|_| view.line.is_some()),
                version: view.version.clone(),
                trouble: view.trouble.clone(),
                registrations: view.registrations.count(),
                channels: view.channels.count(),
            }
        });
        nodes.collect()
    }

    /// What is wanted of one phone and not yet so, and what it waits for.
    pub fn waiting(&self, phone: Mac) -> Vec<(Arc<Wanted>, Waiting)> {
        let target = phone.to_string();
        self.pending(|row| row.target == target)
    }

    /// What was pending in the last round and still is: a fetch may have come to it since.
    fn pending(&self, is_meant: impl Fn(&Wanted) -> bool) -> Vec<(Arc<Wanted>, Waiting)> {
        let mut pending = {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.iter().filter(|(row, _)| is_meant(row)).cloned().collect::<Vec<_>>()
        };
        let memory = self.store.memory();
        pending.retain(|(row, _)| {
            memory.wanted_of(row.kind, &row.target).is_some_and(|wanted| wanted.is_same(row))
        });
        pending
    }

    /// Where a phone is registered, newest first on each node.
    pub fn registrations(&self, phone: Mac) -> Vec<Registration> {
        self.peers.iter().flat_map(|peer| peer.view().registrations.of(phone).to_vec()).collect()
    }

    /// Has every connected node read its XML files again, one after the other: nothing else can be asked of a FreeSWITCH
    /// meanwhile. Answers each node's name and how it went.
    pub async fn reload_xml(&self) -> Vec<(String, Result<Reloaded, ReloadError>)> {
        self.reload_nodes(|_| true).await
    }

    /// The same, of the nodes that are meant.
    async fn reload_nodes(
        &self,
        is_meant: impl Fn(&str) -> bool,
    ) -> Vec<(String, Result<Reloaded, ReloadError>)> {
        let mut all = Vec::new();
        for peer in self.peers.iter().filter(|peer| is_meant(&peer.node.name)) {
            let line: Option<Line> = peer.view().line.clone();
            let reloaded = match line {
                Some(line) => reload::reload_xml(&line.client).await,
                None => Err(ReloadError::NotConnected),
            };
            all.push((peer.node.name.clone(), reloaded));
        }
        all
    }
}
