use super::super::read;
use super::*;
use crate::model::{CallCenterRules, QueueSettings, TeamSettings};

/// A node that can be given commands, as far as a plan needs it: what FreeSWITCH would have after them.
#[derive(Default)]
struct Node {
    actual: Actual,
    made: Made,
    rows: BTreeMap<Extension, Arc<Wanted>>,
    there: Vec<&'static str>,
    in_call: Vec<&'static str>,
    callers: BTreeMap<String, u32>,
}

impl Node {
    fn plan(&self, wanted: &CallCenter) -> Plan {
        plan(&Look {
            wanted,
            actual: &self.actual,
            made: &self.made,
            rows: &self.rows,
            is_there: &|user| self.there.contains(&user.as_str()),
            is_in_call: &|user| self.in_call.contains(&user.as_str()),
            callers: &self.callers,
        })
    }

    /// Does what the plan says, as FreeSWITCH and the store would.
    fn follow(&mut self, wanted: &CallCenter) -> Vec<String> {
        let mut said = Vec::new();
        for _ in 0..5 {
            let plan = self.plan(wanted);
            for (kind, name, definition) in plan.claims {
                match kind {
                    MadeKind::Queue => {
                        self.made.queues.insert(name.clone());
                        self.made.queues_here.insert(name, definition);
                    }
                    MadeKind::Agent => {
                        self.made.agents.insert(name.clone());
                        self.made.agents_here.insert(name);
                    }
                }
            }
            for (kind, name) in plan.gone {
                match kind {
                    MadeKind::Queue => self.made.queues_here.remove(&name).is_some(),
                    MadeKind::Agent => self.made.agents_here.remove(&name),
                };
            }
            if plan.steps.is_empty() {
                return said;
            }
            for step in plan.steps {
                said.push(step.to_string());
                self.obey(step, wanted);
            }
        }
        panic!("it never ends: {said:?}");
    }

    fn obey(&mut self, step: QueueStep, wanted: &CallCenter) {
        let actual = &mut self.actual;
        match step {
            QueueStep::LoadModule => {}
            QueueStep::LoadQueue { queue } | QueueStep::ReloadQueue { queue } => {
                let one = &wanted.queues[&queue];
                let params = one.params.iter();
                let shown = params.map(|(name, value)| (name.replace('-', "_"), value.clone()));
                actual.queues.insert(queue.clone(), Some(shown.collect()));
                self.made.queues_here.insert(queue, Some(one.definition()));
            }
            QueueStep::AddAgent { agent } => {
                let added = ActualAgent {
                    kind: "callback".into(),
                    status: "Logged Out".into(),
                    state: "Waiting".into(),
                    ..ActualAgent::default()
                };
                actual.agents.insert(agent, added);
            }
            QueueStep::SetAgent { agent, key, value } => {
                let agent = actual.agents.get_mut(&agent).unwrap();
                match key.as_str() {
                    "contact" => agent.contact = value,
                    "type" => agent.kind = value,
                    _ => drop(agent.timings.insert(key, value)),
                }
            }
            QueueStep::AddTier { queue, agent, level, position } => {
                actual.tiers.insert((queue, agent), (level.into(), position.into()));
            }
            QueueStep::SetTier { queue, agent, key, value } => {
                let (level, position) = actual.tiers.get_mut(&(queue, agent)).unwrap();
                *(if key == "level" { level } else { position }) = value.into();
            }
            QueueStep::RemoveTier { queue, agent } => drop(actual.tiers.remove(&(queue, agent))),
            QueueStep::RemoveAgent { agent } => {
                actual.tiers.retain(|(_, of), _| *of != agent);
                actual.agents.remove(&agent);
            }
            QueueStep::UnloadQueue { queue } => drop(actual.queues.remove(&queue)),
            QueueStep::SetStatus { agent, status } => {
                let agent = actual.agents.get_mut(&agent).unwrap();
                (agent.status, agent.last_status_change) = (status.to_string(), 5);
            }
        }
    }

    fn agent(&mut self, name: &str) -> &mut ActualAgent {
        self.actual.agents.get_mut(name).unwrap()
    }

    fn want(&mut self, user: &str, status: &str) {
        let row = Wanted {
            kind: crate::model::WantedKind::Agent,
            target: user.into(),
            value: status.into(),
            since: jiff::Timestamp::UNIX_EPOCH,
            expires: None,
            attempts: Default::default(),
        };
        self.rows.insert(user.parse().unwrap(), Arc::new(row));
    }
}

/// Who serves which queues: `1001:sales,help`.
fn wanted(people: &[&str], change: impl FnOnce(&mut CallCenterRules)) -> CallCenter {
    let domain = "office.test".parse().unwrap();
    let settings = QueueSettings::default();
    let mut rules = CallCenterRules { domain, settings, teams: Default::default() };
    change(&mut rules);
    let users = people.iter().map(|one| {
        let (extension, teams) = one.split_once(':').unwrap();
        crate::model::User {
            extension: extension.parse().unwrap(),
            name: "Somebody".into(),
            pin: None,
            pin_hash: None,
            sip_secret: None,
            hot_desk: true,
            away: Default::default(),
            groups: Vec::new(),
            teams: teams.split(',').map(|team| team.parse().unwrap()).collect(),
            params: Default::default(),
            variables: Default::default(),
            keys: Vec::new(),
            settings: Default::default(),
            source: crate::model::UserSource::Local,
            person: None,
        }
    });
    let users: Vec<_> = users.collect();
    rules.wanted(&users)
}

fn plain(people: &[&str]) -> CallCenter {
    wanted(people, |_| {})
}

const ADA: &str = "1001@office.test";

#[test]
fn an_empty_node_is_filled_and_then_nothing_is_left_to_do() {
    let mut node = Node::default();
    let sales = plain(&["1001:sales,help"]);
    let said = node.follow(&sales);
    assert_eq!(said[..2], ["load queue help@office.test", "load queue sales@office.test"]);
    assert!(said.contains(&"add agent 1001@office.test".to_owned()), "{said:?}");
    assert!(
        said.contains(&"set contact of agent 1001@office.test to user/1001@office.test".into())
    );
    assert_eq!(node.actual.tiers[&("help@office.test".into(), ADA.into())], (2, 2));
    assert_eq!(node.plan(&sales), Plan::default());
}

#[test]
fn only_the_difference_is_done() {
    let mut node = Node::default();
    node.follow(&plain(&["1001:sales", "1002:sales"]));
    assert_eq!(
        node.follow(&plain(&["1001:sales"])),
        [
            "take agent 1002@office.test out of queue sales@office.test",
            "remove agent 1002@office.test"
        ]
    );
    node.agent(ADA).contact = "user/mobile@elsewhere".into();
    let mended = ["set contact of agent 1001@office.test to user/1001@office.test"];
    assert_eq!(node.follow(&plain(&["1001:sales"])), mended);
    let place = ("sales@office.test".to_owned(), ADA.to_owned());
    node.actual.tiers.insert(place, (1, 7));
    let mended = ["set position of agent 1001@office.test in queue sales@office.test to 1"];
    assert_eq!(node.follow(&plain(&["1001:sales"])), mended);
}

#[test]
fn what_somebody_else_made_is_left_alone() {
    let mut node = Node::default();
    node.actual.queues.insert("support@default".into(), None);
    for agent in ["1000@default", "1007@office.test"] {
        node.actual.agents.insert(agent.into(), ActualAgent::default());
        node.actual.tiers.insert(("support@default".into(), agent.into()), (1, 1));
        node.actual.tiers.insert(("sales@office.test".into(), agent.into()), (1, 1));
    }
    let before = node.actual.clone();
    node.follow(&plain(&["1001:sales"]));
    // The operator lends our agent to a queue of the operator's own.
    node.actual.tiers.insert(("support@default".into(), ADA.into()), (1, 1));
    assert_eq!(node.follow(&plain(&["1001:sales"])), Vec::<String>::new());
    node.follow(&plain(&[]));
    assert_eq!(node.actual, before);
}

#[test]
fn a_queue_that_says_something_else_is_loaded_again() {
    let mut node = Node::default();
    let sales = plain(&["1001:sales"]);
    node.follow(&sales);
    let team = |team: TeamSettings| {
        wanted(&["1001:sales"], |rules| drop(rules.teams.insert(team.id.clone(), team)))
    };
    let mut music = TeamSettings::new("sales".parse().unwrap());
    music.queue.music = Some("local_stream://jazz".parse().unwrap());
    let reload = ["reload queue sales@office.test"];
    assert_eq!(node.follow(&team(music)), reload);
    assert_eq!(node.follow(&sales), reload);
    // FreeSWITCH does not show this one: it is known by what was loaded.
    let mut announce = TeamSettings::new("sales".parse().unwrap());
    let params = [("announce-frequency".to_owned(), "30".to_owned())];
    announce.queue.params = crate::model::Variables::from(params).try_into().unwrap();
    let announce = team(announce);
    assert_eq!(node.follow(&announce), reload);
    assert_eq!(node.plan(&announce), Plan::default());
}

#[test]
fn a_queue_that_freeswitch_loaded_by_itself_is_taken_over() {
    let mut node = Node::default();
    let sales = plain(&["1001:sales"]);
    node.follow(&sales);
    node.made = Made::default();
    let plan = node.plan(&sales);
    assert_eq!(plan.steps, []);
    assert_eq!(plan.claims.len(), 2, "{:?}", plan.claims);
    assert_eq!(node.follow(&sales), Vec::<String>::new());
    // The next time it is known as ours.
    assert_eq!(node.follow(&plain(&[])).len(), 3);
    assert_eq!(node.actual, Actual::default());
}

#[test]
fn a_queue_goes_when_nobody_waits_there_any_more_and_those_who_wait_are_still_served() {
    let mut node = Node::default();
    node.follow(&plain(&["1001:sales"]));
    node.callers.insert("sales@office.test".into(), 2);
    let renamed = plain(&["1001:selling"]);
    node.follow(&renamed);
    assert!(node.actual.queues.contains_key("sales@office.test"));
    assert!(node.actual.tiers.contains_key(&("sales@office.test".into(), ADA.into())));
    let waits = node.plan(&renamed).waiting;
    assert!(waits.iter().all(|(_, why)| *why == Waits::CallersWait) && waits.len() == 2);
    node.callers.clear();
    assert_eq!(
        node.follow(&renamed),
        [
            "take agent 1001@office.test out of queue sales@office.test",
            "unload queue sales@office.test"
        ]
    );
    assert!(node.made.queues_here.keys().eq(["selling@office.test"]));
}

#[test]
fn a_login_makes_available_and_a_logout_logs_out() {
    let mut node = Node::default();
    let sales = plain(&["1001:sales"]);
    node.follow(&sales);
    assert_eq!(node.agent(ADA).status, "Logged Out");
    node.want("1001", "Available");
    assert_eq!(node.follow(&sales), ["set the status of agent 1001@office.test to Available"]);
    assert_eq!(node.plan(&sales).settled.len(), 1);
    // A break is a way of being there.
    for there in ["On Break", "Available (On Demand)"] {
        node.agent(ADA).status = there.into();
        assert_eq!(node.follow(&sales), Vec::<String>::new());
    }
    node.want("1001", "Logged Out");
    assert_eq!(node.follow(&sales), ["set the status of agent 1001@office.test to Logged Out"]);
    node.rows.clear();
    // Whatever an agent sets there by herself stays, as long as nobody logs in or out.
    node.there = vec!["1001"];
    assert_eq!(node.follow(&sales), Vec::<String>::new());
}

#[test]
fn nothing_is_set_while_an_offer_rings_or_a_call_runs() {
    let mut node = Node::default();
    let sales = plain(&["1001:sales"]);
    node.follow(&sales);
    node.agent(ADA).status = "Available".into();
    node.want("1001", "Logged Out");
    for state in ["Receiving", "In a queue call", "Reserved", "Something new"] {
        node.agent(ADA).state = state.into();
        let plan = node.plan(&sales);
        assert!(plan.steps.is_empty() && plan.settled.is_empty(), "{state}");
        assert_eq!(plan.waiting[0].1, Waits::AgentBusy);
        assert_eq!(node.plan(&plain(&[])).waiting[0].1, Waits::AgentBusy);
    }
    node.agent(ADA).state = "Waiting".into();
    node.agent(ADA).status = "Logged Out".into();
    node.want("1001", "Available");
    node.in_call = vec!["1001"];
    assert_eq!(node.plan(&sales).waiting[0].1, Waits::PhoneInCall);
    node.in_call.clear();
    assert_eq!(node.follow(&sales).len(), 1);
}

#[test]
fn who_was_there_before_the_agent_was_is_available() {
    let mut node = Node { there: vec!["1001"], ..Node::default() };
    node.follow(&plain(&["1001:sales", "1002:sales"]));
    assert_eq!(node.agent(ADA).status, "Available");
    assert_eq!(node.agent("1002@office.test").status, "Logged Out");
}

#[test]
fn a_team_that_does_not_follow_logins_keeps_its_statuses() {
    let mut node = Node { there: vec!["1001"], ..Node::default() };
    let sales = wanted(&["1001:sales"], |rules| {
        let mut team = TeamSettings::new("sales".parse().unwrap());
        team.follows_login = false;
        rules.teams.insert(team.id.clone(), team);
    });
    node.want("1001", "Available");
    node.follow(&sales);
    assert_eq!(node.agent(ADA).status, "Logged Out");
    assert_eq!(node.plan(&sales).settled.len(), 1);
}

#[test]
fn what_freeswitch_was_recorded_to_have_is_told_as_it_is() {
    let recorded = include_str!("../../../../tests/fixtures/freeswitch/api/answers.jsonl");
    let answer = |command: &str| {
        let mut lines =
            recorded.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
        lines.find(|line| line["api"] == command).unwrap()["answer"].as_str().unwrap().to_owned()
    };
    let actual = Actual {
        queues: read::queues(&answer("callcenter_config queue list")).unwrap(),
        agents: read::agents(&answer("callcenter_config agent list")).unwrap(),
        tiers: read::tiers(&answer("callcenter_config tier list")).unwrap(),
    };
    let mut node = Node { actual, ..Node::default() };
    let wanted = wanted(&["1001:sales"], |rules| rules.domain = "hotdesk.test".parse().unwrap());
    let said = node.follow(&wanted);
    assert_eq!(said[0], "reload queue sales@hotdesk.test");
    let contact = "set contact of agent 1001@hotdesk.test to user/1001@hotdesk.test";
    assert!(said.contains(&contact.to_owned()), "{said:?}");
    assert!(!said.iter().any(|said| said.contains("status") || said.contains("1002")), "{said:?}");
}
