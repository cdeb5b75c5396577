//! mod_callcenter: queues, agents, tiers, and the callers who wait.
//!
//! | file | what |
//! | --- | --- |
//! | `tables` | what the module keeps, and what changes it |
//! | `config` | its configuration, asked for over mod_xml_curl, else read from FreeSWITCH's own files |
//! | `waiting` | the application `callcenter`: a caller waits, an agent is offered the call |
//!
//! Agents and tiers outlive the module, as in its database; queues do not.

mod config;
mod tables;
mod waiting;

pub(super) use tables::{
    AGENT_COLUMNS, MEMBER_COLUMNS, QUEUE_COLUMNS, STATES, STATUSES, TIER_COLUMNS, TIMINGS, Tables,
    Tier,
};

use tables::epoch;

use super::node::Node;

/// Where the module's events come from.
const SOURCE: (&str, &str, u32) = ("mod_callcenter.c", "cc_agent_update", 1043);

/// A call that is being offered to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The agent.
    pub agent: String,
    /// The queue.
    pub queue: String,
    /// The phones that ring.
    pub phones: Vec<String>,
}

impl Node {
    /// `callcenter::info` with these fields.
    pub(super) fn callcenter_event(&self, fields: &[(&str, &str)]) {
        let mut event = self.custom_event("callcenter::info", SOURCE);
        for (name, value) in fields {
            event.push(name, *value);
        }
        self.fire(event);
    }

    /// Sets an agent's status as `callcenter_config agent set status` does: one that is not `Available` ends a ringing
    /// offer. False when there is no such agent.
    pub(super) fn set_agent_status(&self, agent: &str, status: &str) -> bool {
        let found = self.lock().callcenter.set_status(agent, status);
        if found {
            self.callcenter_event(&[
                ("CC-Agent", agent),
                ("CC-Action", "agent-status-change"),
                ("CC-Agent-Status", status),
            ]);
        }
        found
    }

    /// Sets an agent's state. False when there is no such agent.
    pub(super) fn set_agent_state(&self, agent: &str, state: &str) -> bool {
        let found = self.lock().callcenter.with_agent(agent, |agent| {
            state.clone_into(&mut agent.state);
            if state == "Receiving" {
                agent.last_offered_call = epoch();
            }
        });
        if found {
            self.callcenter_event(&[
                ("CC-Agent", agent),
                ("CC-Action", "agent-state-change"),
                ("CC-Agent-State", state),
            ]);
        }
        found
    }
}
