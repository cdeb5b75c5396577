//! Which queues, agents and tiers there should be.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{QueueModule, QueueSettings};
use crate::model::{
    Destination, Domain, Extension, QueueOptions, TeamId, TeamSettings, Teams, User,
};

/// The most seconds that mod_callcenter takes; what is more it would cut, and never be as it should.
const DAY: u32 = 86_400;

/// What the queues are made from, besides the people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallCenterRules {
    /// The SIP domain: a queue is `<team>@<domain>`, an agent `<extension>@<domain>`.
    pub domain: Domain,
    /// The table `[queues]`.
    pub settings: QueueSettings,
    /// The teams that are described. One that only stands with its people has a queue like any other.
    pub teams: Teams,
}

/// All queues, agents and tiers, each in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallCenter {
    /// The queues.
    pub queues: BTreeMap<String, Queue>,
    /// The agents.
    pub agents: BTreeMap<String, Agent>,
    /// Who serves which queue: by queue and agent.
    pub tiers: BTreeMap<(String, String), Tier>,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Whose.
    pub team: TeamId,
    /// Its parameters, by mod_callcenter's names, in the order in which they are written.
    pub params: Vec<(String, String)>,
}

impl Queue {
    /// The parameter of this name.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All parameters as one text: what was loaded is compared with it.
    pub fn definition(&self) -> String {
        let lines = self.params.iter().map(|(name, value)| format!("{name}={value}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// An agent. The contact is always the user, wherever she sits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Who.
    pub user: Extension,
    /// `user/<extension>@<domain>`.
    pub contact: String,
    /// `max_no_answer`, `wrap_up_time` and the delays, by the names of `callcenter_config agent set`.
    pub timings: [(&'static str, u32); 5],
    /// Whether login and logout change the status.
    pub follows_login: bool,
}

/// That an agent serves a queue.
///
/// Level and position are the team's place in the user's own list: a caller is offered first to those whose first team it
/// is. FreeSWITCH offers a call to the agents of a lower level first; `tier-rules-apply` is off unless it is set, so those
/// of the next level are asked at once when nobody of this one is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// From 1.
    pub level: u32,
    /// From 1.
    pub position: u32,
}

/// An agent's status, in mod_callcenter's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AgentStatus {
    /// Nobody offers a call.
    #[serde(rename = "Logged Out")]
    LoggedOut,
    /// Calls are offered.
    Available,
    /// One call, then a break.
    #[serde(rename = "Available (On Demand)")]
    AvailableOnDemand,
    /// No calls for a while.
    #[serde(rename = "On Break")]
    OnBreak,
}

impl AgentStatus {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::LoggedOut, Self::Available, Self::AvailableOnDemand, Self::OnBreak];

    /// FreeSWITCH's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "Logged Out",
            Self::Available => "Available",
            Self::AvailableOnDemand => "Available (On Demand)",
            Self::OnBreak => "On Break",
        }
    }

    /// Whether it is that of somebody who is there. A break does not end because somebody compares.
    pub fn is_there(self) -> bool {
        self != Self::LoggedOut
    }
}

impl fmt::Display for AgentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AgentStatus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text)).ok_or(())
    }
}

impl CallCenterRules {
    /// The queue of a team, before and behind the `@`.
    pub fn queue_name(&self, team: &TeamId) -> String {
        format!("{team}@{}", self.domain)
    }

    /// A user's name as an agent.
    pub fn agent_name(&self, user: &Extension) -> String {
        format!("{user}@{}", self.domain)
    }

    /// The team as it is described, if it is.
    pub fn team(&self, team: &TeamId) -> Option<&TeamSettings> {
        self.teams.get(team)
    }

    /// Whether a team has a queue.
    pub fn has_queue(&self, team: &TeamId) -> bool {
        self.team(team).is_none_or(|team| team.has_queue)
    }

    /// Where a caller goes whom a team's queue does not, or no longer, take.
    pub fn overflow(&self, team: &TeamId) -> &Destination {
        let own = self.team(team).and_then(|team| team.queue.overflow.as_ref());
        own.unwrap_or(&self.settings.overflow)
    }

    /// Whether one of these teams makes its agents available when they log in at a desk.
    pub fn follows_login<'t>(&self, teams: impl IntoIterator<Item = &'t TeamId>) -> bool {
        let follows = |id: &TeamId| self.team(id).is_none_or(|t| t.has_queue && t.follows_login);
        teams.into_iter().any(follows)
    }

    /// The same beside the teams as the directory server describes them: what the configuration says stands before.
    pub fn beside(&self, mirrored: &Teams) -> Cow<'_, Self> {
        if mirrored.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut teams = mirrored.clone();
        for (id, team) in &self.teams {
            let mut team = team.clone();
            if let Some(mirrored) = mirrored.get(id) {
                team.queue = team.queue.or(&mirrored.queue);
                team.extension = team.extension.or_else(|| mirrored.extension.clone());
            }
            teams.insert(id.clone(), team);
        }
        Cow::Owned(Self { teams, ..self.clone() })
    }

    /// What there should be for these people.
    pub fn wanted<'u>(&self, users: impl IntoIterator<Item = &'u User>) -> CallCenter {
        let mut wanted = CallCenter::default();
        for team in self.teams.values().filter(|team| team.has_queue) {
            self.add_queue(&mut wanted, &team.id);
        }
        for user in users {
            let mut seen = BTreeSet::new();
            let teams = user.teams.iter().filter(|team| self.has_queue(team) && seen.insert(*team));
            let name = self.agent_name(&user.extension);
            for (place, team) in (1..).zip(teams) {
                let queue = self.add_queue(&mut wanted, team);
                let tier = Tier { level: place, position: place };
                wanted.tiers.insert((queue, name.clone()), tier);
            }
            if !seen.is_empty() {
                wanted.agents.insert(name, self.agent(user));
            }
        }
        wanted
    }

    fn add_queue(&self, wanted: &mut CallCenter, team: &TeamId) -> String {
        let name = self.queue_name(team);
        if !wanted.queues.contains_key(&name) {
            wanted.queues.insert(name.clone(), self.queue(team));
        }
        name
    }

    /// The queue of a team, whether it has one or not.
    pub fn queue(&self, team: &TeamId) -> Queue {
        let all = &self.settings;
        let none = QueueOptions::default();
        let own = self.team(team).map_or(&none, |team| &team.queue);
        let seconds = |own: Option<u32>, all: u32| own.unwrap_or(all).min(DAY).to_string();
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut params = vec![
            text("strategy", own.strategy.unwrap_or(all.strategy).as_str()),
            text("moh-sound", own.music.as_ref().unwrap_or(&all.music).as_str()),
            text("max-wait-time", &seconds(own.max_wait, all.max_wait)),
            text(
                "max-wait-time-with-no-agent",
                &seconds(own.max_wait_with_no_agent, all.max_wait_with_no_agent),
            ),
        ];
        let mut further: BTreeMap<&String, &String> = all.params.iter().collect();
        further.extend(own.params.iter());
        params.extend(further.into_iter().map(|(name, value)| (name.clone(), value.clone())));
        Queue { team: team.clone(), params }
    }

    fn agent(&self, user: &User) -> Agent {
        let all = &self.settings;
        Agent {
            user: user.extension.clone(),
            contact: format!("user/{}@{}", user.extension, self.domain),
            timings: [
                ("max_no_answer", all.max_no_answer),
                ("wrap_up_time", all.wrap_up_time.min(DAY)),
                ("reject_delay_time", all.reject_delay.min(DAY)),
                ("busy_delay_time", all.busy_delay.min(DAY)),
                ("no_answer_delay_time", all.no_answer_delay.min(DAY)),
            ],
            follows_login: self.follows_login(&user.teams),
        }
    }

    /// Whether people can dial a queue.
    pub fn has_numbers(&self) -> bool {
        self.teams.values().any(|team| team.has_queue && team.extension.is_some())
    }

    /// Which module queues callers.
    pub fn module(&self) -> QueueModule {
        self.settings.module
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Strategy, UserRecord, UserSource};

    fn team(id: &str) -> TeamId {
        id.parse().unwrap()
    }

    fn user(extension: &str, teams: &[&str]) -> User {
        let record = UserRecord {
            extension: extension.parse().unwrap(),
            name: "Somebody".into(),
            hot_desk: true,
            away: Default::default(),
            groups: Vec::new(),
            teams: teams.iter().map(|id| team(id)).collect(),
            params: Default::default(),
            variables: Default::default(),
            keys: Vec::new(),
            settings: Default::default(),
        };
        User {
            extension: record.extension,
            name: record.name,
            pin: None,
            pin_hash: None,
            sip_secret: None,
            hot_desk: true,
            away: record.away,
            groups: record.groups,
            teams: record.teams,
            params: record.params.into(),
            variables: record.variables.into(),
            keys: record.keys,
            settings: record.settings,
            source: UserSource::Local,
            person: None,
        }
    }

    fn rules(teams: impl IntoIterator<Item = TeamSettings>) -> CallCenterRules {
        let teams = teams.into_iter().map(|team| (team.id.clone(), team)).collect();
        let domain = "office.test".parse().unwrap();
        CallCenterRules { domain, settings: QueueSettings::default(), teams }
    }

    fn tier(wanted: &CallCenter, queue: &str, agent: &str) -> Option<(u32, u32)> {
        let tier = wanted.tiers.get(&(queue.to_owned(), agent.to_owned()))?;
        Some((tier.level, tier.position))
    }

    #[test]
    fn a_team_that_only_stands_with_its_people_has_a_queue_like_any_other() {
        let rules = rules([TeamSettings::new(team("sales"))]);
        let users = [user("1001", &["sales", "help"]), user("1002", &["help", "help"])];
        let wanted = rules.wanted(&users);
        let names: Vec<&str> = wanted.queues.keys().map(String::as_str).collect();
        assert_eq!(names, ["help@office.test", "sales@office.test"]);
        assert_eq!(
            wanted.queues["help@office.test"].params,
            [
                ("strategy".to_owned(), "longest-idle-agent".to_owned()),
                ("moh-sound".to_owned(), "local_stream://moh".to_owned()),
                ("max-wait-time".to_owned(), "0".to_owned()),
                ("max-wait-time-with-no-agent".to_owned(), "10".to_owned()),
            ]
        );
        assert_eq!(wanted.agents["1001@office.test"].contact, "user/1001@office.test");
        assert_eq!(tier(&wanted, "sales@office.test", "1001@office.test"), Some((1, 1)));
        assert_eq!(tier(&wanted, "help@office.test", "1001@office.test"), Some((2, 2)));
        assert_eq!(tier(&wanted, "help@office.test", "1002@office.test"), Some((1, 1)));
        assert_eq!(wanted.tiers.len(), 3);
    }

    #[test]
    fn a_team_without_a_queue_has_neither_queue_nor_agents() {
        let board = TeamSettings { has_queue: false, ..TeamSettings::new(team("board")) };
        let rules = rules([board]);
        let users =
            [user("1001", &["board"]), user("1002", &["board", "sales"]), user("1003", &[])];
        let wanted = rules.wanted(&users);
        assert_eq!(wanted.queues.keys().collect::<Vec<_>>(), ["sales@office.test"]);
        assert_eq!(wanted.agents.keys().collect::<Vec<_>>(), ["1002@office.test"]);
        // The team without a queue takes no place.
        assert_eq!(tier(&wanted, "sales@office.test", "1002@office.test"), Some((1, 1)));
    }

    #[test]
    fn what_a_team_says_stands_before_what_holds_for_all() {
        let mut sales = TeamSettings::new(team("sales"));
        sales.follows_login = false;
        sales.queue.strategy = Some(Strategy::RingAll);
        sales.queue.max_wait_with_no_agent = Some(100_000);
        let own = [("announce-frequency".to_owned(), "30".to_owned())];
        sales.queue.params = crate::model::Variables::from(own).try_into().unwrap();
        sales.queue.overflow = Some("queue:help".parse().unwrap());
        let rules = rules([sales]);
        let wanted = rules.wanted(&[user("1001", &["sales"]), user("1002", &["sales", "help"])]);
        let queue = &wanted.queues["sales@office.test"];
        assert_eq!(queue.param("strategy"), Some("ring-all"));
        assert_eq!(queue.param("max-wait-time-with-no-agent"), Some("86400"));
        assert_eq!(queue.param("announce-frequency"), Some("30"));
        assert!(queue.definition().ends_with("\nannounce-frequency=30"));
        assert_eq!(rules.overflow(&team("sales")).to_string(), "queue:help");
        assert_eq!(rules.overflow(&team("help")).to_string(), "hangup");
        assert!(!wanted.agents["1001@office.test"].follows_login);
        let mut mirrored = TeamSettings::new(team("sales"));
        mirrored.queue.strategy = Some(Strategy::Random);
        mirrored.queue.max_wait = Some(60);
        let mirrored = [mirrored, TeamSettings::new(team("board"))];
        let mirrored = mirrored.map(|team| (team.id.clone(), team)).into_iter().collect();
        let both = rules.beside(&mirrored).wanted(&[]);
        assert_eq!(both.queues["sales@office.test"].param("strategy"), Some("ring-all"));
        assert_eq!(both.queues["sales@office.test"].param("max-wait-time"), Some("60"));
        assert!(both.queues.contains_key("board@office.test"));
        assert!(wanted.agents["1002@office.test"].follows_login);
    }
}
