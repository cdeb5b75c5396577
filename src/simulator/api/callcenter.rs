//! `callcenter_config …`, answered as in `api/answers.jsonl`: with `+OK` also for what is not there.

use super::super::callcenter::{
    AGENT_COLUMNS, MEMBER_COLUMNS, QUEUE_COLUMNS, STATES, STATUSES, TIER_COLUMNS, TIMINGS, Tier,
};
use super::super::node::Node;

const OK: &str = "+OK\n";
const INVALID: &str = "-ERR Invalid!\n";
const NO_AGENT: &str = "-ERR Agent not found!\n";

impl Node {
    /// The command; without the module FreeSWITCH does not know it.
    pub(super) async fn callcenter_config(&self, argument: &str) -> String {
        if !self.lock().callcenter.loaded {
            return "-ERR callcenter_config Command not found!\n".to_owned();
        }
        let words = split(argument);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] => "-USAGE: \ncallcenter_config <target> <args>\n".to_owned(),
            ["agent", rest @ ..] => self.agent_command(rest),
            ["tier", rest @ ..] => self.tier_command(rest).await,
            ["queue", rest @ ..] => self.queue_command(rest).await,
            _ => INVALID.to_owned(),
        }
    }

    fn agent_command(&self, words: &[&str]) -> String {
        match words {
            ["add", name, kind, ..] if ["callback", "uuid-standby"].contains(kind) => {
                if !self.lock().callcenter.add_agent(name, kind) {
                    return "-ERR Agent already exist!\n".to_owned();
                }
                self.callcenter_event(&[
                    ("CC-Agent", name),
                    ("CC-Agent-Type", kind),
                    ("CC-Action", "agent-add"),
                ]);
                OK.to_owned()
            }
            ["add", _, _, ..] => "-ERR Agent type invalid!\n".to_owned(),
            ["del", name, ..] => {
                self.lock().callcenter.remove_agent(name);
                OK.to_owned()
            }
            ["set", key, name, value, ..] => self.set_agent(key, name, value),
            ["get", key, name, ..] => {
                let state = self.lock();
                match (state.callcenter.agent(name), *key) {
                    (None, _) => NO_AGENT.to_owned(),
                    (Some(agent), "status") => agent.status.clone(),
                    (Some(agent), "state") => agent.state.clone(),
                    (Some(_), "uuid") => String::new(),
                    _ => "-ERR Invalid Agent Update KEY!\n".to_owned(),
                }
            }
            ["list", rest @ ..] if rest.len() <= 1 => {
                let state = self.lock();
                let agents = &state.callcenter.agents;
                let meant =
                    agents.iter().filter(|agent| rest.first().is_none_or(|n| agent.name == *n));
                table(AGENT_COLUMNS, meant.map(|agent| agent.row()))
            }
            _ => INVALID.to_owned(),
        }
    }

    fn set_agent(&self, key: &str, name: &str, value: &str) -> String {
        if self.lock().callcenter.agent(name).is_none() {
            return NO_AGENT.to_owned();
        }
        match key {
            "status" if !STATUSES.contains(&value) => {
                return "-ERR Invalid Agent Status!\n".to_owned();
            }
            "state" if !STATES.contains(&value) => return "-ERR Invalid Agent State!\n".to_owned(),
            "status" => {
                self.set_agent_status(name, value);
            }
            "state" => {
                self.set_agent_state(name, value);
            }
            _ => {
                let timing = TIMINGS.iter().position(|known| *known == key);
                let number = value.parse().unwrap_or_default();
                let mut known = true;
                self.lock().callcenter.with_agent(name, |agent| match (key, timing) {
                    ("contact", _) => value.clone_into(&mut agent.contact),
                    ("type", _) => value.clone_into(&mut agent.kind),
                    ("ready_time", _) => agent.ready_time = number,
                    (_, Some(at)) => {
                        if let Some(timing) = agent.timings.get_mut(at) {
                            *timing = number;
                        }
                    }
                    _ => known = false,
                });
                if !known {
                    return "-ERR Invalid Agent Update KEY!\n".to_owned();
                }
            }
        }
        OK.to_owned()
    }

    async fn tier_command(&self, words: &[&str]) -> String {
        match words {
            ["add", queue, agent, rest @ ..] => {
                // The module looks for a queue that it has not loaded.
                let known = self.lock().callcenter.queues.contains_key(*queue);
                if !known && !self.load_queue(queue, false).await {
                    return "-ERR Queue not found!\n".to_owned();
                }
                let mut state = self.lock();
                let tables = &mut state.callcenter;
                if tables.agent(agent).is_none() {
                    return NO_AGENT.to_owned();
                }
                if tables.tier(queue, agent).is_some() {
                    return "-ERR Tier already exist!\n".to_owned();
                }
                let number =
                    |at: usize| rest.get(at).and_then(|text| text.parse().ok()).unwrap_or(1);
                let (level, position) = (number(0), number(1));
                let (queue, agent) = ((*queue).to_owned(), (*agent).to_owned());
                tables.add_tier(Tier { queue, agent, level, position });
                OK.to_owned()
            }
            ["set", key, queue, agent, value, ..] => {
                let mut state = self.lock();
                let Some(tier) = state.callcenter.tier(queue, agent) else {
                    return "-ERR Unknown Error!\n".to_owned();
                };
                let number = value.parse().unwrap_or_default();
                match *key {
                    "level" => tier.level = number,
                    "position" => tier.position = number,
                    _ => return "-ERR Invalid Tier Update KEY!\n".to_owned(),
                }
                OK.to_owned()
            }
            ["del", queue, agent, ..] => {
                let mut state = self.lock();
                state.callcenter.tiers.retain(|one| one.queue != *queue || one.agent != *agent);
                OK.to_owned()
            }
            ["list", ..] => {
                let state = self.lock();
                let mut tiers = state.callcenter.tiers.clone();
                tiers.sort_by_key(|tier| (tier.level, tier.position));
                table(TIER_COLUMNS, tiers.iter().map(Tier::row))
            }
            _ => INVALID.to_owned(),
        }
    }

    async fn queue_command(&self, words: &[&str]) -> String {
        match words {
            ["load", name, ..] => self.loaded_queue(name).await,
            ["reload", name, ..] => {
                self.lock().callcenter.queues.remove(*name);
                self.loaded_queue(name).await
            }
            ["unload", name, ..] => {
                self.lock().callcenter.queues.remove(*name);
                OK.to_owned()
            }
            ["list"] => {
                let state = self.lock();
                let rows = state.callcenter.queues.iter().map(|(name, queue)| queue.row(name));
                // Unlike the others this one has its first line also without rows.
                let rows: String = rows.map(|row| format!("{row}\n")).collect();
                format!("{QUEUE_COLUMNS}\n{rows}{OK}")
            }
            ["list", what, rest @ ..] => self.queue_list(what, rest.first().copied()),
            ["count"] => format!("{}\n", self.lock().callcenter.queues.len()),
            ["count", what, rest @ ..] => {
                let listed = self.queue_list(what, rest.first().copied());
                // The first line and `+OK`.
                format!("{}\n", listed.lines().count().saturating_sub(2))
            }
            _ => INVALID.to_owned(),
        }
    }

    async fn loaded_queue(&self, name: &str) -> String {
        match self.load_queue(name, true).await {
            true => OK.to_owned(),
            false => "-ERR Invalid Queue not found!\n".to_owned(),
        }
    }

    fn queue_list(&self, what: &str, queue: Option<&str>) -> String {
        let state = self.lock();
        let tables = &state.callcenter;
        let meant = |name: &str| queue.is_none_or(|queue| queue == name);
        let tiers = tables.tiers.iter().filter(|tier| meant(&tier.queue));
        match what {
            "agents" => {
                let agents = tiers.filter_map(|tier| tables.agent(&tier.agent));
                table(AGENT_COLUMNS, agents.map(|agent| agent.row()))
            }
            "tiers" => table(TIER_COLUMNS, tiers.map(Tier::row)),
            "members" => {
                let members = tables.members.iter().filter(|member| meant(&member.queue));
                table(MEMBER_COLUMNS, members.map(|member| member.row()))
            }
            _ => INVALID.to_owned(),
        }
    }
}

/// Lines of a table; without any not even the names of the columns.
fn table(columns: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.map(|row| format!("{row}\n")).collect();
    if rows.is_empty() { OK.to_owned() } else { format!("{columns}\n{rows}{OK}") }
}

/// Words between blanks; single quotes hold some together.
fn split(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut inside = false;
    for c in text.chars() {
        match c {
            '\'' => inside = !inside,
            ' ' if !inside => words.push(String::new()),
            c => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
