//! The team, and the queue that serves it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Holiday, Hours, Music, Opening, QueueNumber, QueueParams, Zone, opening};

/// A team's name, and its queue's before the `@`: 1 to 40 ASCII letters, digits, `-`, `_` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TeamId(Box<str>);

impl TeamId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TeamId {
    type Err = InvalidTeamId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=40).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidTeamId)
        }
    }
}

impl TryFrom<String> for TeamId {
    type Error = InvalidTeamId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TeamId> for String {
    fn from(id: TeamId) -> Self {
        id.0.into()
    }
}

/// The text names no team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a team: 1 to 40 letters, digits, `-`, `_` or `.`")]
pub struct InvalidTeamId;

/// How mod_callcenter chooses among the agents of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// All ring, and who answers first has the call.
    RingAll,
    /// Who has had no call for the longest time.
    #[default]
    LongestIdleAgent,
    /// One after the other, going on where the last call ended.
    RoundRobin,
    /// From the top, always.
    TopDown,
    /// Who talked least.
    AgentWithLeastTalkTime,
    /// Who had the fewest calls.
    AgentWithFewestCalls,
    /// By level and position.
    SequentiallyByAgentOrder,
    /// By chance.
    Random,
    /// One more rings after each while.
    RingProgressively,
}

impl Strategy {
    /// FreeSWITCH's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RingAll => "ring-all",
            Self::LongestIdleAgent => "longest-idle-agent",
            Self::RoundRobin => "round-robin",
            Self::TopDown => "top-down",
            Self::AgentWithLeastTalkTime => "agent-with-least-talk-time",
            Self::AgentWithFewestCalls => "agent-with-fewest-calls",
            Self::SequentiallyByAgentOrder => "sequentially-by-agent-order",
            Self::Random => "random",
            Self::RingProgressively => "ring-progressively",
        }
    }
}

/// Where a call goes that a queue does not, or no longer, take: `queue:<team>`, `hangup`, or a number that
/// is dialled in the operator's own context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Destination {
    /// The queue of this team.
    Queue(TeamId),
    /// A number of 1 to 24 digits, `*`, `#`, or a leading `+`.
    Number(Box<str>),
    /// Nowhere.
    HangUp,
}

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "hangup" {
            return Ok(Self::HangUp);
        }
        if let Some(team) = text.strip_prefix("queue:") {
            return team.parse().map(Self::Queue).map_err(|InvalidTeamId| InvalidDestination);
        }
        let number = text.strip_prefix('+').unwrap_or(text);
        let dialable = number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'#'));
        if (1..=24).contains(&number.len()) && dialable {
            Ok(Self::Number(text.into()))
        } else {
            Err(InvalidDestination)
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(team) => write!(f, "queue:{team}"),
            Self::Number(number) => f.write_str(number),
            Self::HangUp => f.write_str("hangup"),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = InvalidDestination;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

/// The text names no destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `queue:<team>`, `hangup`, or a number to dial: 1 to 24 digits, `*` or `#`, with or without a leading `+`"
)]
pub struct InvalidDestination;

/// What is said of a queue where it differs from the other queues. Absent: as for all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueOptions {
    /// How agents are chosen.
    pub strategy: Option<Strategy>,
    /// What callers hear while they wait (`moh-sound`).
    pub music: Option<Music>,
    /// Seconds that a caller waits at most; 0: for ever.
    pub max_wait: Option<u32>,
    /// Seconds that a caller waits at most while nobody is logged in; 0: for ever.
    pub max_wait_with_no_agent: Option<u32>,
    /// Where a caller goes who waited too long.
    pub overflow: Option<Destination>,
    /// Further parameters of mod_callcenter's `<queue>`, by its names for them.
    pub params: QueueParams,
}

impl QueueOptions {
    /// What is said here, else what is said there.
    pub fn or(&self, other: &Self) -> Self {
        let params =
            if self.params == QueueParams::default() { &other.params } else { &self.params };
        Self {
            strategy: self.strategy.or(other.strategy),
            music: self.music.clone().or_else(|| other.music.clone()),
            max_wait: self.max_wait.or(other.max_wait),
            max_wait_with_no_agent: self.max_wait_with_no_agent.or(other.max_wait_with_no_agent),
            overflow: self.overflow.clone().or_else(|| other.overflow.clone()),
            params: params.clone(),
        }
    }
}

/// A team as the configuration or the directory server describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamSettings {
    /// Its name.
    pub id: TeamId,
    /// How else the directory server and the customer database call it: `42`, `Sales & Marketing`.
    #[serde(default)]
    pub departments: Vec<String>,
    /// Whether it has a queue.
    #[serde(default = "yes")]
    pub has_queue: bool,
    /// The number that people dial for the queue.
    #[serde(default)]
    pub extension: Option<QueueNumber>,
    /// Whether logging in at a desk makes its agents available.
    #[serde(default = "yes")]
    pub follows_login: bool,
    /// When callers from outside reach it; none: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
    /// On which days they do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Holiday>,
    /// By which clock; absent: `service.time_zone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Zone>,
    /// The queue.
    #[serde(default)]
    pub queue: QueueOptions,
}

fn yes() -> bool {
    true
}

impl TeamSettings {
    /// A team of which nothing is said but its name.
    pub fn new(id: TeamId) -> Self {
        Self {
            id,
            departments: Vec::new(),
            has_queue: true,
            extension: None,
            follows_login: true,
            hours: Vec::new(),
            holidays: Vec::new(),
            time_zone: None,
            queue: QueueOptions::default(),
        }
    }

    /// Whether callers from outside reach it now; `zone` where it has none of its own.
    pub fn opening(&self, zone: &Zone, now: Timestamp) -> Opening {
        opening(&self.hours, &self.holidays, self.time_zone.as_ref().unwrap_or(zone), now)
    }

    /// Whether somebody else's text means this team: its name or one of its departments, whatever the case.
    pub fn is_called(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        let is = |name: &str| name.trim().to_lowercase() == text;
        is(self.id.as_str()) || self.departments.iter().any(|name| is(name))
    }
}

/// The teams that are described, by name.
pub type Teams = BTreeMap<TeamId, TeamSettings>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_queue_a_number_or_nothing() {
        for text in ["queue:sales", "hangup", "+43123456", "1001", "*981001"] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
        for text in ["", "+", "queue:", "queue:a b", "sales", "${x}", "1 2", "Hangup"] {
            assert!(text.parse::<Destination>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_team_is_a_plain_name() {
        assert!("sales-2.at_home".parse::<TeamId>().is_ok());
        let long = "x".repeat(41);
        for text in ["", "a b", "a@b", "ä", "$x", &long] {
            assert!(text.parse::<TeamId>().is_err(), "{text}");
        }
    }
}
