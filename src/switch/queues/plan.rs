//! What to do so that a node has the queues that it should: decided here, without IO and clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::read::{Actual, ActualAgent};
use crate::model::{
    AgentStatus, CallCenter, Extension, MadeKind, Queue, QueueStep, Standing, Waits, Wanted,
};

/// What is looked at.
pub(super) struct Look<'a> {
    /// What there should be.
    pub wanted: &'a CallCenter,
    /// What there is.
    pub actual: &'a Actual,
    /// What is, or was, made by us.
    pub made: &'a Made,
    /// Who logged in or out and has not yet that status here.
    pub rows: &'a BTreeMap<Extension, Arc<Wanted>>,
    /// Whether somebody sits anywhere.
    pub is_there: &'a dyn Fn(&Extension) -> bool,
    /// Whether a phone where somebody sits has a call.
    pub is_in_call: &'a dyn Fn(&Extension) -> bool,
    /// How many callers wait, by queue.
    pub callers: &'a BTreeMap<String, u32>,
}

/// What is, or was, made by us.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// Anywhere.
    pub queues: BTreeSet<String>,
    /// Anywhere.
    pub agents: BTreeSet<String>,
    /// At this node, with what they were last loaded with.
    pub queues_here: BTreeMap<String, Option<String>>,
    /// At this node.
    pub agents_here: BTreeSet<String>,
}

/// What is to be done, and what not yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// In this order.
    pub steps: Vec<QueueStep>,
    /// What waits.
    pub waiting: Vec<(QueueStep, Waits)>,
    /// What counts as ours here from now on; of a queue with what it is loaded with, where that is known.
    pub claims: Vec<(MadeKind, String, Option<String>)>,
    /// What was ours and is gone from here.
    pub gone: Vec<(MadeKind, String)>,
    /// Rows that have come to what they want here.
    pub settled: Vec<Arc<Wanted>>,
}

/// Decides.
///
/// Where a queue has to be loaded, that alone is to be done: FreeSWITCH takes its agents and tiers with it.
pub(super) fn plan(look: &Look<'_>) -> Plan {
    let mut plan = Plan::default();
    plan.load_queues(look);
    if !plan.steps.is_empty() {
        plan.claim_agents(look);
        return plan;
    }
    plan.claim_agents(look);
    plan.bring_agents(look);
    plan.bring_tiers(look);
    plan.remove_tiers(look);
    plan.remove_agents(look);
    plan.unload_queues(look);
    plan.bring_statuses(look);
    plan
}

/// Whether what is shown of a queue is what it should be.
fn shows(queue: &Queue, shown: &super::read::Shown) -> bool {
    // Those that are written in one form only. The others are known by what was loaded.
    let names = ["strategy", "moh-sound", "max-wait-time", "max-wait-time-with-no-agent"];
    shown.as_ref().is_none_or(|shown| {
        names.iter().all(|name| {
            let there = shown.get(&name.replace('-', "_")).map(String::as_str);
            there.is_none() || there == queue.param(name)
        })
    })
}

impl Plan {
    fn load_queues(&mut self, look: &Look<'_>) {
        for (name, queue) in &look.wanted.queues {
            let loaded = look.made.queues_here.get(name);
            let definition = queue.definition();
            let queue_name = name.clone();
            match look.actual.queues.get(name) {
                None => {
                    if loaded.is_none() {
                        self.claims.push((MadeKind::Queue, queue_name.clone(), None));
                    }
                    self.steps.push(QueueStep::LoadQueue { queue: queue_name });
                }
                Some(shown) => {
                    let known = loaded.and_then(Option::as_deref);
                    let is_same = shows(queue, shown) && known.is_none_or(|old| old == definition);
                    if !is_same {
                        if loaded.is_none() {
                            self.claims.push((MadeKind::Queue, queue_name.clone(), None));
                        }
                        self.steps.push(QueueStep::ReloadQueue { queue: queue_name });
                    } else if known.is_none() {
                        // FreeSWITCH has loaded it by itself, when it started.
                        self.claims.push((MadeKind::Queue, queue_name, Some(definition)));
                    }
                }
            }
        }
    }

    fn claim_agents(&mut self, look: &Look<'_>) {
        let new = look.wanted.agents.keys().filter(|name| !look.made.agents_here.contains(*name));
        self.claims.extend(new.map(|name| (MadeKind::Agent, name.clone(), None)));
    }

    fn bring_agents(&mut self, look: &Look<'_>) {
        for (name, agent) in &look.wanted.agents {
            let none = ActualAgent { kind: "callback".into(), ..ActualAgent::default() };
            let actual = look.actual.agents.get(name).unwrap_or_else(|| {
                self.steps.push(QueueStep::AddAgent { agent: name.clone() });
                &none
            });
            let mut set = |key: &str, value: String| {
                let (agent, key) = (name.clone(), key.to_owned());
                self.steps.push(QueueStep::SetAgent { agent, key, value });
            };
            if actual.kind != "callback" {
                set("type", "callback".into());
            }
            if actual.contact != agent.contact {
                set("contact", agent.contact.clone());
            }
            for (key, seconds) in agent.timings {
                // One that was just added has 0 everywhere.
                let there = actual.timings.get(key).map_or("0", String::as_str);
                if there != seconds.to_string() {
                    set(key, seconds.to_string());
                }
            }
        }
    }

    fn bring_tiers(&mut self, look: &Look<'_>) {
        let loaded = |queue: &String| look.actual.queues.contains_key(queue);
        for ((queue, agent), tier) in &look.wanted.tiers {
            // A tier of a queue that could not be loaded would only fail too.
            if !loaded(queue) {
                continue;
            }
            let (queue, agent) = (queue.clone(), agent.clone());
            match look.actual.tiers.get(&(queue.clone(), agent.clone())) {
                None => {
                    let (level, position) = (tier.level, tier.position);
                    self.steps.push(QueueStep::AddTier { queue, agent, level, position });
                }
                Some((level, position)) => {
                    for (key, there, value) in
                        [("level", level, tier.level), ("position", position, tier.position)]
                    {
                        if *there != i64::from(value) {
                            let (queue, agent) = (queue.clone(), agent.clone());
                            let key = key.to_owned();
                            self.steps.push(QueueStep::SetTier { queue, agent, key, value });
                        }
                    }
                }
            }
        }
    }

    /// A tier is ours if queue and agent are.
    fn remove_tiers(&mut self, look: &Look<'_>) {
        for names in look.actual.tiers.keys() {
            let (queue, agent) = names;
            if look.wanted.tiers.contains_key(names)
                || !look.is_our_queue(queue)
                || !look.is_our_agent(agent)
            {
                continue;
            }
            let step = QueueStep::RemoveTier { queue: queue.clone(), agent: agent.clone() };
            let is_surplus = !look.wanted.queues.contains_key(queue);
            // Whoever waits in a queue that goes is still served by those who stay.
            if is_surplus && look.waits(queue) && look.wanted.agents.contains_key(agent) {
                self.waiting.push((step, Waits::CallersWait));
            } else {
                self.steps.push(step);
            }
        }
    }

    fn remove_agents(&mut self, look: &Look<'_>) {
        for name in look.made.agents.iter().filter(|name| !look.wanted.agents.contains_key(*name)) {
            match look.actual.agents.get(name) {
                None if look.made.agents_here.contains(name) => {
                    self.gone.push((MadeKind::Agent, name.clone()));
                }
                None => {}
                Some(agent) => {
                    let step = QueueStep::RemoveAgent { agent: name.clone() };
                    match agent.is_busy() {
                        true => self.waiting.push((step, Waits::AgentBusy)),
                        false => self.steps.push(step),
                    }
                }
            }
        }
    }

    fn unload_queues(&mut self, look: &Look<'_>) {
        for name in look.made.queues.iter().filter(|name| !look.wanted.queues.contains_key(*name)) {
            if !look.actual.queues.contains_key(name) {
                if look.made.queues_here.contains_key(name) {
                    self.gone.push((MadeKind::Queue, name.clone()));
                }
                continue;
            }
            let step = QueueStep::UnloadQueue { queue: name.clone() };
            match look.waits(name) {
                true => self.waiting.push((step, Waits::CallersWait)),
                false => self.steps.push(step),
            }
        }
    }

    /// Only a login or a logout changes a status; and one that nobody ever set is that of somebody who was there before
    /// the agent was.
    fn bring_statuses(&mut self, look: &Look<'_>) {
        let follow = look.wanted.agents.iter().filter(|(_, agent)| agent.follows_login);
        let users: BTreeSet<&Extension> = follow.clone().map(|(_, agent)| &agent.user).collect();
        let others = look.rows.iter().filter(|(user, _)| !users.contains(user));
        self.settled.extend(others.map(|(_, row)| Arc::clone(row)));
        for (name, agent) in follow {
            let Some(actual) = look.actual.agents.get(name) else { continue };
            let row = look.rows.get(&agent.user);
            let status = row.and_then(|row| row.value.parse::<AgentStatus>().ok());
            let was_never_set = actual.last_status_change == 0 && (look.is_there)(&agent.user);
            let target = match (row, status) {
                (Some(_), status) => status.unwrap_or(AgentStatus::LoggedOut),
                (None, _) if was_never_set => AgentStatus::Available,
                (None, _) => continue,
            };
            let is_so = actual.status().is_some_and(|now| now.is_there() == target.is_there());
            let step = QueueStep::SetStatus { agent: name.clone(), status: target };
            if is_so {
                self.settled.extend(row.cloned());
            } else if actual.is_busy() {
                self.waiting.push((step, Waits::AgentBusy));
            } else if target.is_there() && (look.is_in_call)(&agent.user) {
                self.waiting.push((step, Waits::PhoneInCall));
            } else {
                self.steps.push(step);
            }
        }
    }
}

impl Look<'_> {
    fn is_our_queue(&self, name: &str) -> bool {
        self.wanted.queues.contains_key(name) || self.made.queues.contains(name)
    }

    fn is_our_agent(&self, name: &str) -> bool {
        self.wanted.agents.contains_key(name) || self.made.agents.contains(name)
    }

    fn waits(&self, queue: &str) -> bool {
        self.callers.get(queue).is_some_and(|callers| *callers > 0)
    }

    /// How a queue stands.
    pub(super) fn queue_stands(&self, name: &str) -> Standing {
        match (self.wanted.queues.get(name), self.actual.queues.get(name)) {
            (Some(_), None) => Standing::Missing,
            (Some(queue), Some(shown)) => {
                let known = self.made.queues_here.get(name).and_then(Option::as_deref);
                let is_same = known.is_none_or(|known| known == queue.definition());
                if is_same && shows(queue, shown) { Standing::Same } else { Standing::Differs }
            }
            (None, _) if self.made.queues.contains(name) => Standing::Surplus,
            (None, _) => Standing::Foreign,
        }
    }

    /// How an agent stands, tiers included.
    pub(super) fn agent_stands(&self, name: &str, steps: &[QueueStep]) -> Standing {
        let is_about = |step: &QueueStep| match step {
            QueueStep::SetAgent { agent, .. }
            | QueueStep::AddTier { agent, .. }
            | QueueStep::SetTier { agent, .. }
            | QueueStep::RemoveTier { agent, .. }
            | QueueStep::SetStatus { agent, .. } => agent == name,
            _ => false,
        };
        match (self.wanted.agents.contains_key(name), self.actual.agents.contains_key(name)) {
            (true, false) => Standing::Missing,
            (true, true) if steps.iter().any(is_about) => Standing::Differs,
            (true, true) => Standing::Same,
            (false, _) if self.made.agents.contains(name) => Standing::Surplus,
            (false, _) => Standing::Foreign,
        }
    }
}

#[cfg(test)]
mod tests;
