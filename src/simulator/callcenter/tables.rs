//! What the module keeps: queues in memory, agents, tiers and members in its database.

use std::collections::BTreeMap;

use super::super::node::microseconds;
use super::Offer;

/// More rows than this are not kept.
const MAX_ROWS: usize = 20_000;

/// The words for an agent's status.
pub(in super::super) const STATUSES: [&str; 4] =
    ["Logged Out", "Available", "Available (On Demand)", "On Break"];
/// The words for an agent's state.
pub(in super::super) const STATES: [&str; 5] =
    ["Waiting", "Receiving", "In a queue call", "Idle", "Reserved"];

/// Seconds since 1970.
pub(in super::super) fn epoch() -> u64 {
    microseconds() / 1_000_000
}

/// Everything.
#[derive(Default)]
pub(in super::super) struct Tables {
    /// Whether the module is loaded.
    pub loaded: bool,
    pub queues: BTreeMap<String, Queue>,
    pub agents: Vec<Agent>,
    pub tiers: Vec<Tier>,
    pub members: Vec<Member>,
    /// Calls that ring at an agent's phone.
    pub offers: Vec<Offer>,
    /// Agents who have picked up.
    pub picked_up: Vec<String>,
}

/// A queue's parameters, and its counters.
#[derive(Clone, Default)]
pub(in super::super) struct Queue {
    pub params: BTreeMap<String, String>,
    pub answered: u32,
    pub abandoned: u32,
}

impl Queue {
    /// A parameter, or mod_callcenter's default for it.
    pub fn param<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.params.get(name).map_or(default, String::as_str)
    }

    /// A parameter in seconds.
    pub fn seconds(&self, name: &str, default: u64) -> u64 {
        self.params.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// The line of `queue list`.
    pub fn row(&self, name: &str) -> String {
        let text = |key: &str, default: &'static str| self.param(key, default).to_owned();
        let flag = |key: &str, default: bool| {
            self.params.get(key).map_or(default, |value| value == "true").to_string()
        };
        [
            name.to_owned(),
            text("strategy", "longest-idle-agent"),
            text("moh-sound", "(null)"),
            text("time-base-score", "queue"),
            flag("tier-rules-apply", false),
            text("tier-rule-wait-second", "0"),
            flag("tier-rule-wait-multiply-level", false),
            flag("tier-rule-no-agent-no-wait", true),
            text("discard-abandoned-after", "60"),
            flag("abandoned-resume-allowed", false),
            text("max-wait-time", "0"),
            text("max-wait-time-with-no-agent", "0"),
            text("max-wait-time-with-no-agent-time-reached", "5"),
            text("record-template", ""),
            self.answered.to_string(),
            self.abandoned.to_string(),
            text("ring-progressively-delay", "0"),
            flag("skip-agents-with-external-calls", true),
            text("agent-no-answer-status", "On Break"),
        ]
        .join("|")
    }
}

/// An agent.
#[derive(Clone, Default)]
pub(in super::super) struct Agent {
    pub name: String,
    pub kind: String,
    pub contact: String,
    pub status: String,
    pub state: String,
    /// `max_no_answer`, `wrap_up_time`, and the delays after a rejected, a busy and an unanswered call.
    pub timings: [u64; 5],
    pub last_offered_call: u64,
    pub last_status_change: u64,
    pub no_answer_count: u64,
    pub calls_answered: u64,
    pub ready_time: u64,
    pub last_bridge_end: u64,
}

/// The names of an agent's timings, in their order.
pub(in super::super) const TIMINGS: [&str; 5] = [
    "max_no_answer",
    "wrap_up_time",
    "reject_delay_time",
    "busy_delay_time",
    "no_answer_delay_time",
];

/// The first line of `agent list`.
pub(in super::super) const AGENT_COLUMNS: &str = "name|instance_id|uuid|type|contact|status|state|max_no_answer|wrap_up_time|reject_delay_time|busy_delay_time|no_answer_delay_time|last_bridge_start|last_bridge_end|last_offered_call|last_status_change|no_answer_count|calls_answered|talk_time|ready_time|external_calls_count";
/// The first line of `queue list`.
pub(in super::super) const QUEUE_COLUMNS: &str = "name|strategy|moh_sound|time_base_score|tier_rules_apply|tier_rule_wait_second|tier_rule_wait_multiply_level|tier_rule_no_agent_no_wait|discard_abandoned_after|abandoned_resume_allowed|max_wait_time|max_wait_time_with_no_agent|max_wait_time_with_no_agent_time_reached|record_template|calls_answered|calls_abandoned|ring_progressively_delay|skip_agents_with_external_calls|agent_no_answer_status";
/// The first line of `tier list`.
pub(in super::super) const TIER_COLUMNS: &str = "queue|agent|state|level|position";
/// The first line of `queue list members`.
pub(in super::super) const MEMBER_COLUMNS: &str = "queue|instance_id|uuid|session_uuid|cid_number|cid_name|system_epoch|joined_epoch|rejoined_epoch|bridge_epoch|abandoned_epoch|base_score|skill_score|serving_agent|serving_system|state|score";

impl Agent {
    /// The line of `agent list`.
    pub fn row(&self) -> String {
        let [most, wrap_up, reject, busy, no_answer] = self.timings;
        format!(
            "{}|single_box||{}|{}|{}|{}|{most}|{wrap_up}|{reject}|{busy}|{no_answer}|0|{}|{}|{}|{}|{}|0|{}|0",
            self.name,
            self.kind,
            self.contact,
            self.status,
            self.state,
            self.last_bridge_end,
            self.last_offered_call,
            self.last_status_change,
            self.no_answer_count,
            self.calls_answered,
            self.ready_time,
        )
    }

    /// Whether a call could be offered.
    pub fn is_free(&self) -> bool {
        ["Available", "Available (On Demand)"].contains(&self.status.as_str())
            && self.state == "Waiting"
            && self.ready_time <= epoch()
    }
}

/// That an agent serves a queue.
#[derive(Clone)]
pub(in super::super) struct Tier {
    pub queue: String,
    pub agent: String,
    pub level: i64,
    pub position: i64,
}

impl Tier {
    pub fn row(&self) -> String {
        format!("{}|{}|Ready|{}|{}", self.queue, self.agent, self.level, self.position)
    }
}

/// A caller in a queue.
#[derive(Clone)]
pub(in super::super) struct Member {
    pub queue: String,
    pub uuid: String,
    pub session: String,
    pub number: String,
    pub name: String,
    pub joined: u64,
    pub score: i64,
    pub agent: String,
    pub state: &'static str,
}

impl Member {
    pub fn row(&self) -> String {
        let waited = i64::try_from(epoch().saturating_sub(self.joined)).unwrap_or_default();
        format!(
            "{}|single_box|{}|{}|{}|{}|{}|{}|0|0|0|{}|0|{}||{}|{}",
            self.queue,
            self.uuid,
            self.session,
            self.number,
            self.name,
            self.joined,
            self.joined,
            self.score,
            self.agent,
            self.state,
            waited + self.score,
        )
    }
}

impl Tables {
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.name == name)
    }

    /// Changes an agent; false when there is none of that name.
    pub fn with_agent(&mut self, name: &str, change: impl FnOnce(&mut Agent)) -> bool {
        let found = self.agents.iter_mut().find(|agent| agent.name == name);
        found.map(change).is_some()
    }

    /// False when there is one already.
    pub fn add_agent(&mut self, name: &str, kind: &str) -> bool {
        if self.agent(name).is_some() || self.agents.len() >= MAX_ROWS {
            return false;
        }
        self.agents.push(Agent {
            name: name.to_owned(),
            kind: kind.to_owned(),
            status: "Logged Out".into(),
            state: "Waiting".into(),
            ..Agent::default()
        });
        true
    }

    pub fn set_status(&mut self, name: &str, status: &str) -> bool {
        if status != "Available" {
            self.offers.retain(|offer| offer.agent != name);
        }
        self.with_agent(name, |agent| {
            // The module touches nothing of an agent who is available already.
            if status != "Available" || agent.status != status {
                agent.last_status_change = epoch();
            }
            if status == "Available" && agent.status != status {
                (agent.no_answer_count, agent.calls_answered) = (0, 0);
            }
            status.clone_into(&mut agent.status);
        })
    }

    pub fn tier(&mut self, queue: &str, agent: &str) -> Option<&mut Tier> {
        self.tiers.iter_mut().find(|tier| tier.queue == queue && tier.agent == agent)
    }

    pub fn add_tier(&mut self, tier: Tier) {
        if self.tiers.len() < MAX_ROWS {
            self.tiers.push(tier);
        }
    }

    pub fn remove_agent(&mut self, name: &str) {
        self.agents.retain(|agent| agent.name != name);
        self.tiers.retain(|tier| tier.agent != name);
    }

    /// The agents of a queue to whom a call could be offered, whose turn it is first.
    pub fn free(&self, queue: &str) -> Option<Agent> {
        let tiers = self.tiers.iter().filter(|tier| tier.queue == queue);
        let agents = tiers.filter_map(|tier| Some((tier, self.agent(&tier.agent)?)));
        let free = agents.filter(|(_, agent)| agent.is_free());
        let first = free.min_by_key(|(tier, agent)| {
            (tier.level, agent.last_bridge_end, tier.position, agent.last_offered_call)
        });
        first.map(|(_, agent)| agent.clone())
    }

    /// Whether anybody is logged in to this queue.
    pub fn is_staffed(&self, queue: &str) -> bool {
        let tiers = self.tiers.iter().filter(|tier| tier.queue == queue);
        let mut agents = tiers.filter_map(|tier| self.agent(&tier.agent));
        agents.any(|agent| agent.status != "Logged Out")
    }
}
