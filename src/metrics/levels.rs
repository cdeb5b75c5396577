//! What is read when somebody asks: how many there are of what, and how old what is.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Labels, text};
use crate::model::{Stage, WantedKind};

/// A value that goes up and down.
type Level = Gauge<f64, AtomicU64>;

/// How it stands at one moment.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    /// When the daemon started.
    pub started: Option<Timestamp>,
    /// How many desk sessions there are.
    pub sessions: usize,
    /// How many users there are.
    pub users: usize,
    /// How many phones are how far on their way.
    pub stages: BTreeMap<Stage, usize>,
    /// How many phones do not go on.
    pub stuck: usize,
    /// How many phones register from elsewhere than their location's networks.
    pub moved: usize,
    /// How many phones count as not showing who sits there.
    pub not_shown: usize,
    /// How much is wanted and not yet so, by kind.
    pub waiting: BTreeMap<WantedKind, usize>,
    /// How many writes wait for the store.
    pub writes: usize,
    /// What phones did that is not written down, because the store was too slow.
    pub notes_lost: u64,
    /// The mirror of the directory server, where there is one.
    pub mirror: Option<Mirror>,
    /// The FreeSWITCH nodes.
    pub nodes: Vec<Node>,
    /// The queues, node by node.
    pub queues: Vec<Queue>,
    /// The targets of webhooks.
    pub webhooks: Vec<Webhook>,
}

/// The mirror of the directory server.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mirror {
    /// Seconds since it was last known to be as the server is; absent: never.
    pub age: Option<f64>,
    /// Whether the server answers.
    pub up: bool,
    /// How many people it has.
    pub people: usize,
    /// How many entries are not taken over.
    pub skipped: usize,
}

/// A FreeSWITCH node.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// What the operator calls it.
    pub name: String,
    /// Whether there is a connection.
    pub connected: bool,
    /// How many registrations of phones it holds.
    pub registrations: usize,
    /// How many channels it holds.
    pub channels: usize,
}

/// A queue at a node.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    /// The node.
    pub node: String,
    /// The queue's name.
    pub queue: String,
    /// How many callers wait.
    pub callers: u32,
    /// How many agents serve it, by status.
    pub agents: BTreeMap<String, u32>,
}

/// A target of webhooks.
#[derive(Debug, Clone, Default)]
pub struct Webhook {
    /// Its name.
    pub target: String,
    /// How many events wait for it.
    pub waiting: u64,
    /// How many were given up.
    pub dead: u64,
    /// Seconds since the oldest that waits happened.
    pub oldest: f64,
}

/// The statuses of agents that mod_callcenter has; whatever else it says is one more.
const STATUSES: [&str; 4] = ["Available", "Available (On Demand)", "On Break", "Logged Out"];

impl Levels {
    /// With names and descriptions.
    pub(super) fn registry(&self) -> Registry {
        let mut all = Registry::with_prefix(text::PREFIX);
        let version = [("version", env!("CARGO_PKG_VERSION").to_owned())];
        many(&mut all, "build_info", "The version that runs", [(version, 1.0)]);
        if let Some(started) = self.started {
            let at = started.as_second() as f64;
            one(&mut all, "start_time_seconds", "When the daemon started, since 1970", at);
        }
        self.people_and_phones(&mut all);
        self.outside(&mut all);
        all
    }

    /// What is ours.
    fn people_and_phones(&self, all: &mut Registry) {
        one(all, "sessions", "Desk sessions", count(self.sessions));
        one(all, "users", "Users", count(self.users));
        let stages =
            self.stages.iter().map(|(stage, n)| ([("stage", stage.to_string())], count(*n)));
        many(all, "phones", "Phones of the inventory, by how far they are on their way", stages);
        one(all, "phones_stuck", "Phones that do not go on", count(self.stuck));
        let help = "Phones that register from elsewhere than their location's networks";
        one(all, "phones_moved", help, count(self.moved));
        let help = "Phones that do not show who sits there although they should by now";
        one(all, "phones_not_shown", help, count(self.not_shown));
        let waiting = WantedKind::ALL.map(|kind| {
            let n = self.waiting.get(&kind).copied().unwrap_or_default();
            ([("kind", kind.as_str().to_owned())], count(n))
        });
        many(all, "effects_waiting", "What is wanted and not yet so, by kind", waiting);
        one(all, "store_writes_waiting", "Writes that wait for the store", count(self.writes));
        let lost = Counter::<u64>::default();
        lost.inc_by(self.notes_lost);
        let help = "What phones did that is not written down, because the store was too slow";
        all.register("phone_notes_lost", help, lost);
    }

    /// What stands beside us.
    fn outside(&self, all: &mut Registry) {
        if let Some(mirror) = self.mirror {
            let help = "Whether the directory server answers";
            one(all, "mirror_up", help, flag(mirror.up));
            one(all, "mirror_people", "People in the mirror", count(mirror.people));
            let help = "Entries of the directory server that are not taken over";
            one(all, "mirror_skipped", help, count(mirror.skipped));
            if let Some(age) = mirror.age {
                let help = "Since the mirror was last known to be as the directory server is";
                one(all, "mirror_age_seconds", help, age);
            }
        }
        let node = |of: fn(&Node) -> f64| {
            self.nodes.iter().map(move |node| ([("node", node.name.clone())], of(node)))
        };
        let connected = node(|node| flag(node.connected));
        many(all, "freeswitch_connected", "Whether there is a connection to the node", connected);
        let registrations = node(|node| count(node.registrations));
        many(all, "freeswitch_registrations", "Registrations of phones at the node", registrations);
        let channels = node(|node| count(node.channels));
        many(all, "freeswitch_channels", "Channels at the node", channels);
        let place = |queue: &Queue| [("node", queue.node.clone()), ("queue", queue.queue.clone())];
        let callers = self.queues.iter().map(|queue| (place(queue), f64::from(queue.callers)));
        many(all, "queue_callers", "Callers who wait in the queue", callers);
        let agents = self.queues.iter().flat_map(|queue| {
            by_status(&queue.agents).into_iter().map(move |(status, n)| {
                let [node, queue] = place(queue);
                ([node, queue, ("status", status.to_owned())], f64::from(n))
            })
        });
        many(all, "queue_agents", "Agents who serve the queue, by status", agents);
        let hook = |of: fn(&Webhook) -> f64| {
            self.webhooks.iter().map(move |hook| ([("target", hook.target.clone())], of(hook)))
        };
        many(
            all,
            "webhook_waiting",
            "Events that wait for the target",
            hook(|hook| hook.waiting as f64),
        );
        many(all, "webhook_dead", "Events that were given up", hook(|hook| hook.dead as f64));
        let help = "Since the oldest event happened that waits for the target";
        many(all, "webhook_oldest_seconds", help, hook(|hook| hook.oldest));
    }
}

/// The agents of a queue by each of the known statuses, and the rest together.
fn by_status(agents: &BTreeMap<String, u32>) -> BTreeMap<&'static str, u32> {
    let mut all: BTreeMap<&'static str, u32> = STATUSES.map(|status| (status, 0)).into();
    for (status, n) in agents {
        let known = STATUSES.into_iter().find(|known| known == status);
        *all.entry(known.unwrap_or("other")).or_default() += n;
    }
    all
}

/// A number of things.
fn count(n: usize) -> f64 {
    // Nothing of ours is counted beyond 2^53.
    n as f64
}

/// 1 or 0.
fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// A level of which there is one.
fn one(all: &mut Registry, name: &str, help: &str, value: f64) {
    let level = Level::default();
    level.set(value);
    all.register(name, help, level);
}

/// A family of levels; where there are none it is left out.
fn many<const N: usize>(
    all: &mut Registry,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels<N>, f64)>,
) {
    let (family, mut is_empty) = (Family::<Labels<N>, Level>::default(), true);
    for (labels, value) in values {
        family.get_or_create_owned(&labels).set(value);
        is_empty = false;
    }
    if !is_empty {
        all.register(name, help, family);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn levels_are_in_the_text_and_what_a_switch_calls_a_status_has_a_bound() {
        let agents = [("Available", 3), ("Half asleep", 1), ("\"Odd\n", 1)];
        let levels = Levels {
            sessions: 4,
            stages: [(Stage::Shown, 7)].into(),
            waiting: [(WantedKind::Lamp, 2)].into(),
            notes_lost: 5,
            mirror: Some(Mirror { age: Some(1.5), up: false, people: 3, skipped: 0 }),
            nodes: vec![Node { name: "fs1".into(), connected: true, ..Node::default() }],
            queues: vec![Queue {
                node: "fs1".into(),
                queue: "sales".into(),
                callers: 2,
                agents: agents.map(|(status, n)| (status.to_owned(), n)).into(),
            }],
            ..Levels::default()
        };
        let text = Metrics::new().text(&levels);
        for line in [
            "hotdeskd_sessions 4.0",
            "hotdeskd_phones{stage=\"shown\"} 7.0",
            "hotdeskd_effects_waiting{kind=\"lamp\"} 2.0",
            "hotdeskd_effects_waiting{kind=\"agent\"} 0.0",
            "hotdeskd_phone_notes_lost_total 5",
            "hotdeskd_mirror_age_seconds 1.5",
            "hotdeskd_freeswitch_connected{node=\"fs1\"} 1.0",
            "hotdeskd_queue_callers{node=\"fs1\",queue=\"sales\"} 2.0",
            "hotdeskd_queue_agents{node=\"fs1\",queue=\"sales\",status=\"Available\"} 3.0",
            "hotdeskd_queue_agents{node=\"fs1\",queue=\"sales\",status=\"other\"} 2.0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("webhook_waiting"), "what is not there is not told");
    }
}
