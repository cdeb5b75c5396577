//! The levels of the metrics, gathered.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Watched;
use crate::http::admin::{StagesView, stages_of};
use crate::metrics::{Levels, Mirror, Node, Queue, Webhook};
use crate::model::{Backlog, NodeQueues, Standing};

/// How long what costs something is good.
const FRESH: Duration = Duration::from_secs(10);
/// How long FreeSWITCH may take to say who waits in its queues.
const QUEUES: Duration = Duration::from_secs(2);

/// What costs something to find out.
#[derive(Default)]
pub(super) struct Costly {
    /// When it was found out.
    at: Option<Instant>,
    stages: StagesView,
    queues: Vec<Queue>,
}

impl Watched {
    /// How everything stands now.
    pub(super) async fn levels(&self) -> Levels {
        let mut levels = self.known_at_once();
        levels.webhooks = self.webhooks().await;
        let mut costly = self.costly.lock().await;
        if costly.at.is_none_or(|at| at.elapsed() > FRESH) {
            costly.stages = stages_of(&self.provisioning, &self.outside).await;
            costly.queues = self.queues().await;
            costly.at = Some(Instant::now());
        }
        levels.stages = costly.stages.stages.clone();
        (levels.stuck, levels.moved) = (costly.stages.stuck, costly.stages.moved);
        levels.queues = costly.queues.clone();
        levels
    }

    /// What costs nothing to find out.
    fn known_at_once(&self) -> Levels {
        let store = self.provisioning.desk().store();
        let mut levels = Levels {
            started: Some(self.daemon.started()),
            writes: store.writes_waiting(),
            notes_lost: self.provisioning.notes_lost(),
            ..Levels::default()
        };
        {
            let memory = store.memory();
            (levels.sessions, levels.users) = (memory.sessions().count(), memory.users().count());
            for row in memory.wanted() {
                *levels.waiting.entry(row.kind).or_default() += 1;
                levels.not_shown += usize::from(row.attempts.not_shown.is_some());
            }
        }
        levels.mirror = self.outside.ldap.as_ref().map(|mirror| {
            let (status, now) = (mirror.status(), Timestamp::now());
            let age = status.current_at.map(|at| now.duration_since(at).as_secs_f64().max(0.0));
            let up = status.error.is_none();
            Mirror { age, up, people: status.people, skipped: status.skipped }
        });
        levels.nodes = self
            .daemon
            .nodes()
            .into_iter()
            .map(|node| Node {
                name: node.name,
                connected: node.connected.is_some(),
                registrations: node.registrations,
                channels: node.channels,
            })
            .collect();
        levels
    }

    /// The targets of webhooks; none where the store does not answer.
    async fn webhooks(&self) -> Vec<Webhook> {
        let Some(webhooks) = &self.outside.webhooks else { return Vec::new() };
        let (backlogs, now) = (webhooks.backlogs().await.unwrap_or_default(), Timestamp::now());
        let level = |(target, backlog): (String, Backlog)| {
            let oldest = backlog.oldest.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
            let Backlog { waiting, dead, .. } = backlog;
            Webhook { target, waiting, dead, oldest: oldest.max(0.0) }
        };
        backlogs.into_iter().map(level).collect()
    }

    /// Our queues as FreeSWITCH says they are; none where it does not say so in time.
    async fn queues(&self) -> Vec<Queue> {
        let Some(keeper) = &self.outside.queues else { return Vec::new() };
        let nodes = tokio::time::timeout(QUEUES, keeper.list()).await.unwrap_or_default();
        nodes.into_iter().flat_map(ours).collect()
    }
}

/// The queues of a node that are ours: of others the names have no bound.
fn ours(node: NodeQueues) -> impl Iterator<Item = Queue> {
    let name = node.node;
    let ours = node.queues.into_iter().filter(|queue| queue.standing != Standing::Foreign);
    ours.map(move |queue| Queue {
        node: name.clone(),
        queue: queue.queue,
        callers: queue.callers,
        agents: queue.agents,
    })
}
