//! What `callcenter_config` answers, read; no IO.

use std::collections::BTreeMap;

use crate::model::{AgentStatus, CallCenter, NodeQueues, QueueReport, Standing};

/// What a node has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Actual {
    /// The queues, by name, with what is shown of their parameters.
    pub queues: BTreeMap<String, Shown>,
    /// The agents, by name.
    pub agents: BTreeMap<String, ActualAgent>,
    /// Level and position, by queue and agent.
    pub tiers: BTreeMap<(String, String), (i64, i64)>,
}

/// A queue's parameters by the names of the columns (`moh_sound`); `None` where the line cannot be read.
pub(super) type Shown = Option<BTreeMap<String, String>>;

/// An agent as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ActualAgent {
    /// `callback` or `uuid-standby`.
    pub kind: String,
    /// What is dialled.
    pub contact: String,
    /// FreeSWITCH's word for it.
    pub status: String,
    /// FreeSWITCH's word for what the agent is doing.
    pub state: String,
    /// Seconds and counts, by the names of the columns.
    pub timings: BTreeMap<String, String>,
    /// Seconds since 1970; 0 where nobody ever set a status.
    pub last_status_change: u64,
}

impl ActualAgent {
    /// The status, where it is one that we know.
    pub(super) fn status(&self) -> Option<AgentStatus> {
        self.status.parse().ok()
    }

    /// Whether a call is being offered or goes on: nothing is set then.
    pub(super) fn is_busy(&self) -> bool {
        is_busy(&self.state)
    }
}

/// Whether an agent in this state is to be left alone; so is one in a state that we do not know.
pub(super) fn is_busy(state: &str) -> bool {
    !["Waiting", "Idle"].contains(&state)
}

/// Why a list could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The module is not loaded: FreeSWITCH does not know the command.
    NoModule,
    /// It is no list.
    NoList,
}

/// Reads `queue list`.
pub(super) fn queues(answer: &str) -> Result<BTreeMap<String, Shown>, Unreadable> {
    let table = Table::read(answer)?;
    let queue = |cells: &Vec<&str>| {
        let name = (*cells.first()?).to_owned();
        // A `|` in the music or the recording's name: no telling which.
        let whole = cells.len() == table.columns.len();
        let shown =
            table.columns.iter().zip(cells).map(|(c, v)| ((*c).to_owned(), (*v).to_owned()));
        Some((name, whole.then(|| shown.collect())))
    };
    Ok(table.rows.iter().filter_map(queue).collect())
}

/// Reads `agent list`.
pub(super) fn agents(answer: &str) -> Result<BTreeMap<String, ActualAgent>, Unreadable> {
    let table = Table::read(answer)?;
    let contact = table.columns.iter().position(|column| *column == "contact");
    let agent = |cells: &Vec<&str>| {
        let mut cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        let more = cells.len().checked_sub(table.columns.len())?;
        // The contact of somebody else's agent may hold a `|`.
        if let (Some(at), true) = (contact, more > 0) {
            let parts: Vec<String> = cells.splice(at..=at + more, [String::new()]).collect();
            if let Some(cell) = cells.get_mut(at) {
                *cell = parts.join("|");
            }
        }
        let value = |name: &str| {
            let at = table.columns.iter().position(|column| *column == name)?;
            cells.get(at).cloned()
        };
        let timings = ["max_no_answer", "wrap_up_time", "reject_delay_time", "busy_delay_time"];
        let timings = timings.into_iter().chain(["no_answer_delay_time"]);
        let agent = ActualAgent {
            kind: value("type").unwrap_or_default(),
            contact: value("contact").unwrap_or_default(),
            status: value("status").unwrap_or_default(),
            state: value("state").unwrap_or_default(),
            timings: timings.filter_map(|name| Some((name.to_owned(), value(name)?))).collect(),
            last_status_change: value("last_status_change")?.parse().ok()?,
        };
        Some((value("name")?, agent))
    };
    Ok(table.rows.iter().filter_map(agent).collect())
}

/// Reads `tier list`.
pub(super) fn tiers(answer: &str) -> Result<BTreeMap<(String, String), (i64, i64)>, Unreadable> {
    let table = Table::read(answer)?;
    let tier = |cells: &Vec<&str>| {
        let value = |name: &str| {
            let at = table.columns.iter().position(|column| *column == name)?;
            cells.get(at).copied()
        };
        let names = (value("queue")?.to_owned(), value("agent")?.to_owned());
        Some((names, (value("level")?.parse().ok()?, value("position")?.parse().ok()?)))
    };
    Ok(table.rows.iter().filter_map(tier).collect())
}

/// Reads `queue list members`: how many wait in each queue, those aside who are talking or have given up.
pub(super) fn callers(answer: &str) -> Result<BTreeMap<String, u32>, Unreadable> {
    let table = Table::read(answer)?;
    let mut callers = BTreeMap::new();
    for cells in &table.rows {
        // From the end: a caller's name may hold a `|`, or be a word like these.
        let state = cells.iter().rev().nth(1);
        let waits = state.is_some_and(|state| ["Waiting", "Trying"].contains(state));
        if let Some(queue) = cells.first().filter(|_| waits) {
            *callers.entry((*queue).to_owned()).or_default() += 1;
        }
    }
    Ok(callers)
}

/// Reads `fifo count` (`sales@d:0:0:1:0:0`: name, consumers, callers, members, …) into a report.
pub(super) fn fifo_report(answer: &str, wanted: &CallCenter, report: &mut NodeQueues) {
    let mut there = BTreeMap::new();
    for line in answer.lines() {
        let mut cells = line.split(':');
        let (Some(name), Some(_), Some(callers)) = (cells.next(), cells.next(), cells.next())
        else {
            continue;
        };
        there.insert(name, callers.parse().unwrap_or_default());
    }
    for queue in wanted.queues.keys() {
        let callers = there.remove(queue.as_str());
        let standing = if callers.is_some() { Standing::Same } else { Standing::Missing };
        let callers = callers.unwrap_or_default();
        let queue = queue.clone();
        report.queues.push(QueueReport { queue, standing, callers, agents: BTreeMap::new() });
    }
    for (queue, callers) in there {
        let (queue, standing) = (queue.to_owned(), Standing::Foreign);
        report.queues.push(QueueReport { queue, standing, callers, agents: BTreeMap::new() });
    }
}

/// An answer in columns. Without rows there are no columns either, except for queues.
struct Table<'a> {
    columns: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    fn read(answer: &'a str) -> Result<Self, Unreadable> {
        if answer.starts_with("-ERR callcenter_config Command not found") {
            return Err(Unreadable::NoModule);
        }
        let lines = answer.trim_end().strip_suffix("+OK").ok_or(Unreadable::NoList)?;
        let mut lines = lines.lines().map(|line| line.split('|').collect::<Vec<_>>());
        Ok(Self { columns: lines.next().unwrap_or_default(), rows: lines.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a running FreeSWITCH answered, first of all to this command.
    fn recorded(command: &str) -> String {
        let lines = include_str!("../../../tests/fixtures/freeswitch/api/answers.jsonl").lines();
        let mut lines = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let found = lines.find(|line| line["api"] == command).unwrap();
        found["answer"].as_str().unwrap().to_owned()
    }

    #[test]
    fn recorded_lists_are_read() {
        let queues = queues(&recorded("callcenter_config queue list")).unwrap();
        let sales = queues["sales@hotdesk.test"].as_ref().unwrap();
        assert_eq!(sales["moh_sound"], "silence_stream://-1");
        assert_eq!(sales["max_wait_time_with_no_agent"], "0");
        let agents = agents(&recorded("callcenter_config agent list")).unwrap();
        let ada = &agents["1001@hotdesk.test"];
        assert_eq!(ada.contact, "[leg_timeout=10]user/1001@hotdesk.test");
        assert_eq!((ada.status(), ada.is_busy()), (Some(AgentStatus::Available), false));
        assert_eq!(
            (ada.timings["max_no_answer"].as_str(), ada.last_status_change),
            ("3", 1795292145)
        );
        let tiers = tiers(&recorded("callcenter_config tier list")).unwrap();
        assert_eq!(tiers[&("sales@hotdesk.test".into(), "1002@hotdesk.test".into())], (2, 3));
        let none = callers(&recorded("callcenter_config queue list members sales@hotdesk.test"));
        assert_eq!(none.unwrap(), BTreeMap::new());
    }

    #[test]
    fn only_who_waits_is_counted_whatever_callers_are_called() {
        let row = |name: &str, state: &str| {
            format!("sales@a|single_box|u|s|0664|{name}|1|1|0|0|0|0|0|||{state}|12\n")
        };
        let rows = [
            row("O'Neil d'Arc", "Waiting"),
            row("a|b", "Trying"),
            row("Waiting", "Abandoned"),
            row("x|Trying", "Answered"),
        ];
        let answer = format!("queue|instance_id\n{}+OK\n", rows.concat());
        assert_eq!(callers(&answer).unwrap(), BTreeMap::from([("sales@a".to_owned(), 2)]));
    }

    #[test]
    fn what_is_no_list_is_told_from_an_empty_one() {
        let unknown = "-ERR callcenter_config Command not found!\n";
        assert_eq!(queues(unknown), Err(Unreadable::NoModule));
        assert_eq!(agents("-ERR Invalid!\n"), Err(Unreadable::NoList));
        assert_eq!(tiers(""), Err(Unreadable::NoList));
        assert_eq!(agents("+OK\n").unwrap(), BTreeMap::new());
    }

    #[test]
    fn a_bar_in_a_contact_or_in_music_puts_nothing_out_of_place() {
        let list = recorded("callcenter_config agent list");
        let list = list.replace("[leg_timeout=10]user/1001@hotdesk.test", "user/1@a|user/2@a");
        let agents = agents(&list).unwrap();
        assert_eq!(agents["1001@hotdesk.test"].contact, "user/1@a|user/2@a");
        assert_eq!(agents["1001@hotdesk.test"].state, "Waiting");
        let list = recorded("callcenter_config queue list").replace("silence_stream", "a|b");
        assert_eq!(queues(&list).unwrap()["sales@hotdesk.test"], None);
    }
}
