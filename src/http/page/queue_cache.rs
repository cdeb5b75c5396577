//! How the queues stand, asked once for all who look: each question goes to every FreeSWITCH.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::http::problem::Problem;
use crate::model::NodeQueues;

/// For how long an answer is good.
const FRESH: Duration = Duration::from_secs(3);
/// How long a page waits for it.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// The last answer.
#[derive(Default)]
pub(super) struct QueueCache(Mutex<Option<(Instant, QueuesNow)>>);

/// The queues, for a template.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct QueuesNow {
    /// A row for each queue at each node.
    pub(super) queues: Vec<QueueRow>,
    /// How many callers wait in all of them.
    pub(super) queued: u32,
    /// Why nothing can be said.
    pub(super) queue_trouble: Option<String>,
}

/// A queue at a node.
#[derive(Debug, Clone, Serialize)]
pub(super) struct QueueRow {
    team: String,
    /// Absent where there is one node only.
    node: Option<String>,
    callers: u32,
    available: u32,
    agents: u32,
}

impl QueuesNow {
    fn of(nodes: &[NodeQueues]) -> Self {
        let several = nodes.len() > 1;
        let mut rows = Vec::new();
        for node in nodes {
            rows.extend(node.queues.iter().map(|report| {
                QueueRow {
                    team: team(&report.queue).to_owned(),
                    node: several.then(|| node.node.clone()),
                    callers: report.callers,
                    available: report
                        .agents
                        .iter()
                        .filter(|(status, _)| status.starts_with("Available"))
                        .map(|(_, count)| *count)
                        .sum(),
                    agents: report.agents.values().sum(),
                }
            }));
        }
        let trouble = nodes
            .iter()
            .find_map(|node| Some(format!("{}: {}", node.node, node.trouble.as_ref()?)));
        let queued = rows.iter().map(|row| row.callers).sum();
        Self { queues: rows, queued, queue_trouble: trouble }
    }
}

/// A queue's name without the domain.
pub(super) fn team(queue: &str) -> &str {
    queue.split_once('@').map_or(queue, |(team, _)| team)
}

impl QueueCache {
    /// How they stand; `ask` asks, where the last answer is too old.
    pub(super) async fn now(
        &self,
        ask: impl Future<Output = Result<Vec<NodeQueues>, Problem>>,
    ) -> QueuesNow {
        let mut last = self.0.lock().await;
        if let Some((at, known)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return known.clone();
        }
        let now = match timeout(PATIENCE, ask).await {
            Ok(Ok(nodes)) => QueuesNow::of(&nodes),
            Ok(Err(problem)) => QueuesNow {
                queue_trouble: Some(problem.detail().to_owned()),
                ..QueuesNow::default()
            },
            Err(_) => QueuesNow {
                queue_trouble: Some("FreeSWITCH does not say how the queues stand.".to_owned()),
                ..last.take().map(|(_, known)| known).unwrap_or_default()
            },
        };
        *last = Some((Instant::now(), now.clone()));
        now
    }
}
