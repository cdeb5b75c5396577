//! One node: look, decide, do.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::plan::{self, Look, Plan};
use super::progress::Progress;
use super::read::{self, Actual, Unreadable};
use super::{LOOK_AGAIN, Queues, command};
use crate::event_socket::{Api, Argument, ChannelWord};
use crate::model::{
    AgentReport, Extension, Made, MadeKind, NodeQueues, QueueModule, QueueReport, QueueStep,
};
use crate::store::{DatabaseError, Tx};
use crate::switch::AskError;
use crate::switch::keeper::told;
use crate::switch::peer::{Line, Peer};

/// How long FreeSWITCH has for a list of all agents, or to load something for which it asks us.
pub(super) const LONG: Duration = Duration::from_secs(30);
/// How often one round looks anew after it has done something: loading the module, a queue, its agents, their tiers.
const LOOKS: usize = 6;
/// How many steps one look does at most: somebody else's turn comes, and the next look tells what has changed.
const MOST_STEPS: usize = 2_000;

/// What a node says.
pub(super) enum Seen {
    /// Its queues, and how many callers wait in each.
    Lists(Actual, BTreeMap<String, u32>),
    /// The module is not loaded.
    NoModule,
}

impl Queues {
    /// Brings a node to what it should be, as far as it goes now; tells what was done.
    pub(super) async fn bring(&self, peer: &Peer, progress: &mut Progress) -> Vec<QueueStep> {
        let mut done = Vec::new();
        let line = peer.view().line.clone();
        let Some(line) = line else { return done };
        let since = peer.view().since;
        if progress.seen.is_none_or(|(before, _)| before != since) {
            // It may be another FreeSWITCH, or one that was started anew.
            progress.fifo = None;
        }
        progress.seen = Some((since, self.revision()));
        progress.next = Some(Instant::now() + super::COMPARE);
        if self.rules.module() == QueueModule::Fifo {
            return self.bring_fifo(peer, &line, progress).await;
        }
        if self.has_nothing_to_do() {
            self.rows().values().for_each(|row| progress.settled(row));
            return done;
        }
        for _ in 0..LOOKS {
            let Some(plan) = self.look_and_plan(peer, &line, progress).await else { break };
            progress.keep_tried(&plan.steps);
            if !self.write(peer, &plan).await {
                progress.next = Some(Instant::now() + LONG);
                break;
            }
            plan.settled.iter().for_each(|row| progress.settled(row));
            if !plan.waiting.is_empty() {
                progress.next = progress.next.map(|next| next.min(Instant::now() + LOOK_AGAIN));
            }
            let before = done.len();
            for step in plan.steps.iter().take(MOST_STEPS) {
                if let Err(again) = progress.may(step) {
                    progress.next = progress.next.map(|next| next.min(again));
                    continue;
                }
                progress.tried(step);
                match self.take(peer, &line, step).await {
                    Some(true) => done.push(step.clone()),
                    Some(false) => progress.next = Some(Instant::now() + LOOK_AGAIN),
                    // The connection is of no more use.
                    None => return done,
                }
            }
            if done.len() == before {
                break;
            }
            // Where many are left, other nodes and rows have their turn meanwhile.
            progress.next =
                Some(Instant::now()).filter(|_| plan.steps.len() > MOST_STEPS).or(progress.next);
        }
        if let Some(first) = done.first() {
            tracing::info!(node = %peer.node.name, steps = done.len(), %first, "queues brought up to date");
        }
        done
    }

    /// Neither is there a queue, nor was there ever one of ours.
    fn has_nothing_to_do(&self) -> bool {
        let wanted = self.wanted();
        let memory = self.switch.store.memory();
        wanted.queues.is_empty()
            && memory.made(MadeKind::Queue).next().is_none()
            && memory.made(MadeKind::Agent).next().is_none()
    }

    async fn look_and_plan(&self, peer: &Peer, line: &Line, progress: &Progress) -> Option<Plan> {
        let (actual, callers) = match told(peer, line, look(line).await)? {
            Seen::Lists(actual, callers) => (actual, callers),
            Seen::NoModule if self.wanted().queues.is_empty() => return None,
            Seen::NoModule => {
                return Some(Plan { steps: vec![QueueStep::LoadModule], ..Plan::default() });
            }
        };
        Some(self.with_look(peer, &actual, &callers, progress, plan::plan))
    }

    /// Gathers what a decision needs, and makes it.
    fn with_look<T>(
        &self,
        peer: &Peer,
        actual: &Actual,
        callers: &BTreeMap<String, u32>,
        progress: &Progress,
        decide: impl FnOnce(&Look<'_>) -> T,
    ) -> T {
        let mut rows = self.rows();
        rows.retain(|_, row| !progress.has_settled(row));
        let made = self.made_at(&peer.node.name);
        let look = Look {
            wanted: &self.wanted(),
            actual,
            made: &made,
            rows: &rows,
            is_there: &|user| !self.switch.store.memory().seats(user).is_empty(),
            is_in_call: &|user| self.is_in_call(user),
            callers,
        };
        decide(&look)
    }

    fn made_at(&self, node: &str) -> plan::Made {
        let memory = self.switch.store.memory();
        let mut made = plan::Made::default();
        for name in memory.made(MadeKind::Queue) {
            made.queues.insert(name.to_owned());
            if let Some(definition) = memory.made_at(node, MadeKind::Queue, name) {
                made.queues_here.insert(name.to_owned(), definition.map(str::to_owned));
            }
        }
        for name in memory.made(MadeKind::Agent) {
            made.agents.insert(name.to_owned());
            if memory.made_at(node, MadeKind::Agent, name).is_some() {
                made.agents_here.insert(name.to_owned());
            }
        }
        made
    }

    /// Whether a phone where this user sits has a channel anywhere.
    fn is_in_call(&self, user: &Extension) -> bool {
        let seats = self.switch.store.memory().seats(user).to_vec();
        self.switch.peers.iter().any(|peer| {
            let view = peer.view();
            let has = |phone| view.channels.has(phone, view.registrations.of(phone));
            view.line.is_some() && seats.iter().any(|phone| has(*phone))
        })
    }

    /// Writes down what counts as ours, before anything of it is made. Whether the store took it.
    async fn write(&self, peer: &Peer, plan: &Plan) -> bool {
        if plan.claims.is_empty() && plan.gone.is_empty() {
            return true;
        }
        let node = peer.node.name.clone();
        let (claims, gone) = (plan.claims.clone(), plan.gone.clone());
        let written = self.switch.store.write(async move |tx: &mut Tx<'_>| {
            for (kind, name, definition) in &claims {
                let (node, name, definition) = (node.clone(), name.clone(), definition.clone());
                tx.made(Made { node, kind: *kind, name, definition }).await?;
            }
            for (kind, name) in &gone {
                tx.unmade(&node, *kind, name).await?;
            }
            Ok::<(), DatabaseError>(())
        });
        let written = written.await;
        if let Err(error) = &written {
            tracing::warn!(%error, "cannot write down which queues are ours; they wait");
        }
        written.is_ok()
    }

    /// Does one step. Whether it worked; nothing when the connection is of no more use.
    async fn take(&self, peer: &Peer, line: &Line, step: &QueueStep) -> Option<bool> {
        let node = peer.node.name.as_str();
        let Ok(api) = command::command(step) else {
            tracing::error!(node, %step, "cannot be sent to FreeSWITCH");
            return Some(false);
        };
        if let QueueStep::SetStatus { agent, .. } = step
            && told(peer, line, is_busy(line, agent).await)?
        {
            return Some(false);
        }
        // What was read before FreeSWITCH asks can only be older than what it is given.
        let definition = match step {
            QueueStep::LoadQueue { queue } | QueueStep::ReloadQueue { queue } => {
                let wanted = self.wanted();
                wanted.queues.get(queue).map(|one| (queue.clone(), one.definition()))
            }
            _ => None,
        };
        let loads = definition.is_some() || matches!(step, QueueStep::LoadModule);
        let answer = match loads {
            // FreeSWITCH asks us meanwhile, and does nothing else on this connection.
            true => line.client.bgapi(api, LONG).await,
            false => line.client.api(api).await,
        };
        let answer = told(peer, line, answer.map_err(AskError::from))?;
        let text = answer.text();
        let last = text.trim_end().lines().last().unwrap_or_default();
        if !last.starts_with("+OK") {
            let last: String = last.chars().take(120).collect();
            peer.trouble(match step {
                QueueStep::LoadModule | QueueStep::LoadQueue { .. } | QueueStep::ReloadQueue { .. } => {
                    format!(
                        "cannot {step}: FreeSWITCH says {last:?}; it reads {} from hotdeskd (`hotdeskd freeswitch print queues`)",
                        self.rules.file()
                    )
                }
                _ => format!("cannot {step}: FreeSWITCH says {last:?}"),
            });
            return Some(false);
        }
        tracing::debug!(node, "{step}");
        if let Some((name, definition)) = definition {
            let claim = (MadeKind::Queue, name, Some(definition));
            self.write(peer, &Plan { claims: vec![claim], ..Plan::default() }).await;
        }
        Some(true)
    }

    /// How a node stands.
    pub(super) async fn report(&self, peer: &Peer, progress: &Progress) -> NodeQueues {
        let mut report = NodeQueues {
            node: peer.node.name.clone(),
            trouble: None,
            queues: Vec::new(),
            agents: Vec::new(),
            steps: Vec::new(),
            waiting: Vec::new(),
        };
        let line = peer.view().line.clone();
        let Some(line) = line else {
            let trouble = peer.view().trouble.as_ref().map(|trouble| trouble.text.clone());
            report.trouble = Some(trouble.unwrap_or_else(|| "it is not connected".to_owned()));
            return report;
        };
        if self.rules.module() == QueueModule::Fifo {
            return self.report_fifo(peer, &line, report).await;
        }
        let (actual, callers) = match look(&line).await {
            Ok(Seen::Lists(actual, callers)) => (actual, callers),
            Ok(Seen::NoModule) => {
                report.trouble = Some("mod_callcenter is not loaded".to_owned());
                if !self.wanted().queues.is_empty() {
                    report.steps.push(QueueStep::LoadModule);
                }
                return report;
            }
            Err(error) => {
                report.trouble = Some(error.to_string());
                return report;
            }
        };
        self.with_look(peer, &actual, &callers, progress, |look| describe(look, &mut report));
        report
    }
}

/// Fills a report.
fn describe(look: &Look<'_>, report: &mut NodeQueues) {
    let Plan { steps, waiting, .. } = plan::plan(look);
    let (wanted, actual) = (look.wanted, look.actual);
    let mut queues: Vec<&String> = wanted.queues.keys().chain(actual.queues.keys()).collect();
    queues.sort();
    queues.dedup();
    for queue in queues {
        let mut agents: BTreeMap<String, u32> = BTreeMap::new();
        for (of, agent) in actual.tiers.keys() {
            if let Some(agent) = actual.agents.get(agent).filter(|_| of == queue) {
                *agents.entry(agent.status.clone()).or_default() += 1;
            }
        }
        report.queues.push(QueueReport {
            queue: queue.clone(),
            standing: look.queue_stands(queue),
            callers: look.callers.get(queue).copied().unwrap_or_default(),
            agents,
        });
    }
    let mut agents: Vec<&String> = wanted.agents.keys().chain(actual.agents.keys()).collect();
    agents.sort();
    agents.dedup();
    for agent in agents {
        let there = actual.agents.get(agent);
        report.agents.push(AgentReport {
            agent: agent.clone(),
            standing: look.agent_stands(agent, &steps),
            status: there.map(|there| there.status.clone()),
            state: there.map(|there| there.state.clone()),
        });
    }
    (report.steps, report.waiting) = (steps, waiting);
}

/// Reads all lists.
async fn look(line: &Line) -> Result<Seen, AskError> {
    let list = async |what: &'static str| {
        let api = Api::new("callcenter_config").argument(what);
        line.client.bgapi(api, LONG).await
    };
    let unreadable = AskError::Unreadable("callcenter_config");
    let queues = match read::queues(&list("queue list").await?.text()) {
        Ok(queues) => queues,
        Err(Unreadable::NoModule) => return Ok(Seen::NoModule),
        Err(Unreadable::NoList) => return Err(unreadable),
    };
    let lost = |_: Unreadable| unreadable.clone();
    let agents = read::agents(&list("agent list").await?.text()).map_err(lost)?;
    let tiers = read::tiers(&list("tier list").await?.text()).map_err(lost)?;
    let callers = read::callers(&list("queue list members").await?.text()).map_err(lost)?;
    Ok(Seen::Lists(Actual { queues, agents, tiers }, callers))
}

/// Whether an agent is being offered a call at this moment, or has one.
async fn is_busy(line: &Line, agent: &str) -> Result<bool, AskError> {
    let unreadable = || AskError::Unreadable("callcenter_config agent get");
    let agent = ChannelWord::parse(agent).map_err(|_| unreadable())?;
    let argument = Argument::literal("agent get state ").then_word(&agent);
    let answer = line.client.api(Api::new("callcenter_config").argument(argument)).await?;
    Ok(read::is_busy(answer.text().trim()))
}
