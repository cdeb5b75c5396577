//! `callcenter.conf` and `fifo.conf`, as FreeSWITCH reads them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{CallCenter, CallCenterRules, QueueModule};
use crate::model::{Extension, escape_xml};

/// mod_xml_curl takes no answer of a MiB or more (`XML_CURL_MAX_BYTES`); this leaves room for what stands around the lists.
const MOST_BYTES: usize = 1_000_000;
/// Seconds that mod_fifo lets a phone ring.
const FIFO_RINGS: u32 = 20;

/// The lists of a queue configuration, as XML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueLists {
    /// `<queue>` elements; of mod_fifo `<fifo>`s with their members.
    pub queues: String,
    /// `<agent>` elements, without a status: it would end a break at every reload.
    pub agents: String,
    /// `<tier>` elements.
    pub tiers: String,
}

impl CallCenter {
    /// The lists, of one queue or of all.
    ///
    /// Where they are longer than FreeSWITCH takes, there are only the queues: agents and tiers outlive a restart in
    /// mod_callcenter's database, and whoever is missing there is added one by one.
    pub fn lists(&self, only: Option<&str>) -> QueueLists {
        let mut lists = QueueLists::default();
        let is_meant = |queue: &str| only.is_none_or(|only| only == queue);
        for (name, queue) in self.queues.iter().filter(|(name, _)| is_meant(name)) {
            let _ = writeln!(lists.queues, "    <queue name=\"{}\">", escape_xml(name));
            for (name, value) in &queue.params {
                let (name, value) = (escape_xml(name), escape_xml(value));
                let _ = writeln!(lists.queues, "      <param name=\"{name}\" value=\"{value}\"/>");
            }
            lists.queues.push_str("    </queue>\n");
        }
        let mut serving = BTreeSet::new();
        for ((queue, agent), tier) in &self.tiers {
            if is_meant(queue) {
                serving.insert(agent);
                let (level, position) = (tier.level, tier.position);
                let _ = writeln!(
                    lists.tiers,
                    "    <tier queue=\"{}\" agent=\"{}\" level=\"{level}\" position=\"{position}\"/>",
                    escape_xml(queue),
                    escape_xml(agent),
                );
            }
        }
        for (name, agent) in &self.agents {
            if only.is_some() && !serving.contains(name) {
                continue;
            }
            let (name, contact) = (escape_xml(name), escape_xml(&agent.contact));
            let _ = write!(
                lists.agents,
                "    <agent name=\"{name}\" type=\"callback\" contact=\"{contact}\""
            );
            for (key, seconds) in agent.timings {
                let _ = write!(lists.agents, " {}=\"{seconds}\"", key.replace('_', "-"));
            }
            lists.agents.push_str("/>\n");
        }
        if lists.queues.len() + lists.agents.len() + lists.tiers.len() > MOST_BYTES {
            lists.agents.clear();
            lists.tiers.clear();
        }
        lists
    }

    /// The `<fifo>`s, with those of their agents who can be rung: `is_there` says who is logged in.
    pub fn fifos(&self, is_there: impl Fn(&Extension) -> bool) -> QueueLists {
        let mut queues = String::new();
        for name in self.queues.keys() {
            let _ = writeln!(
                queues,
                "    <fifo name=\"{}\" importance=\"0\" outbound_strategy=\"ringall\">",
                escape_xml(name)
            );
            let serving = self.tiers.keys().filter(|(queue, _)| queue == name);
            let agents = serving.filter_map(|(_, agent)| self.agents.get(agent));
            for agent in agents.filter(|agent| !agent.follows_login || is_there(&agent.user)) {
                let lag = agent.timings.iter().find(|(key, _)| *key == "wrap_up_time");
                let lag = lag.map_or(0, |(_, seconds)| *seconds);
                let contact = escape_xml(&agent.contact);
                let _ = writeln!(
                    queues,
                    "      <member timeout=\"{FIFO_RINGS}\" simo=\"1\" lag=\"{lag}\">{{fifo_member_wait=nowait}}{contact}</member>"
                );
            }
            queues.push_str("    </fifo>\n");
        }
        QueueLists { queues, ..QueueLists::default() }
    }
}

impl CallCenterRules {
    /// The name of the module's configuration.
    pub fn file(&self) -> &'static str {
        match self.module() {
            QueueModule::CallCenter => "callcenter.conf",
            QueueModule::Fifo => "fifo.conf",
        }
    }

    /// The whole `<configuration>`.
    pub fn configuration(&self, lists: &QueueLists) -> String {
        let settings =
            self.settings.settings.iter().fold(String::new(), |mut xml, (name, value)| {
                let (name, value) = (escape_xml(name), escape_xml(value));
                let _ = writeln!(xml, "    <param name=\"{name}\" value=\"{value}\"/>");
                xml
            });
        let QueueLists { queues, agents, tiers } = lists;
        let file = self.file();
        let lists = match self.module() {
            QueueModule::CallCenter => format!(
                "  <queues>\n{queues}  </queues>\n  <agents>\n{agents}  </agents>\n  <tiers>\n{tiers}  </tiers>\n"
            ),
            QueueModule::Fifo => format!("  <fifos>\n{queues}  </fifos>\n"),
        };
        format!(
            "<configuration name=\"{file}\" description=\"hotdeskd\">\n  <settings>\n{settings}  </settings>\n{lists}</configuration>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Agent, Queue, Tier};

    fn center(agents: u32) -> CallCenter {
        let mut center = CallCenter::default();
        let params = vec![("strategy".to_owned(), "random".to_owned())];
        for team in ["sales", "help"] {
            let queue = Queue { team: team.parse().unwrap(), params: params.clone() };
            center.queues.insert(format!("{team}@a.test"), queue);
        }
        for number in 1000..1000 + agents {
            let name = format!("{number}@a.test");
            let agent = Agent {
                user: number.to_string().parse().unwrap(),
                contact: format!("user/{name}"),
                timings: [
                    ("max_no_answer", 3),
                    ("wrap_up_time", 10),
                    ("reject_delay_time", 10),
                    ("busy_delay_time", 60),
                    ("no_answer_delay_time", 10),
                ],
                follows_login: number % 2 == 0,
            };
            center.agents.insert(name.clone(), agent);
            let tier = Tier { level: 1, position: 1 };
            center.tiers.insert(("sales@a.test".into(), name), tier);
        }
        center
    }

    #[test]
    fn one_queue_comes_with_those_who_serve_it() {
        let center = center(1);
        let sales = center.lists(Some("sales@a.test"));
        assert_eq!(
            sales.agents,
            "    <agent name=\"1000@a.test\" type=\"callback\" contact=\"user/1000@a.test\" max-no-answer=\"3\" \
             wrap-up-time=\"10\" reject-delay-time=\"10\" busy-delay-time=\"60\" no-answer-delay-time=\"10\"/>\n"
        );
        let help = center.lists(Some("help@a.test"));
        assert_eq!((help.agents.as_str(), help.tiers.as_str()), ("", ""));
        assert_eq!(center.lists(None).queues.matches("<queue ").count(), 2);
    }

    #[test]
    fn more_than_freeswitch_takes_in_one_answer_is_not_sent() {
        let some = center(3_000).lists(None);
        assert_eq!(some.agents.lines().count(), 3_000);
        assert!(some.queues.len() + some.agents.len() + some.tiers.len() <= MOST_BYTES);
        let many = center(5_000).lists(None);
        assert_eq!((many.agents.as_str(), many.tiers.as_str()), ("", ""));
        assert_eq!(many.queues, some.queues);
    }

    #[test]
    fn a_fifo_rings_who_is_there() {
        let fifos = center(2).fifos(|user| user.as_str() == "9999").queues;
        // 1000 follows logins and is nowhere, 1001 does not follow.
        assert!(!fifos.contains("1000@a.test"), "{fifos}");
        assert!(fifos.contains("{fifo_member_wait=nowait}user/1001@a.test</member>"), "{fifos}");
        assert_eq!(fifos.matches("<fifo ").count(), 2);
    }
}
