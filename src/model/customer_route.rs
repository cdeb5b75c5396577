//! Where a customer's call goes, and why.
//!
//! One pure function, [`decide`]. A call goes to the queue of the team that looks after the customer; where that cannot
//! be, where the settings say; and whatever they say, it ends at something that is there.

mod reason;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use reason::Reason;

use super::{Destination, Extension, LookUp, NotAsked, Opening, TeamId, TeamSettings, Teams, Zone};

/// The most characters that are kept of a text from somebody else's database.
const LONGEST: usize = 80;
/// The most teams that are named.
const MOST_TEAMS: usize = 5;
/// A score beyond which FreeSWITCH's own counting in seconds would not matter any more.
const HIGHEST_PRIORITY: i64 = 1_000_000;

/// Where calls go that do not go to the customer's own team; absent: to the default queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Otherwise {
    /// The caller withheld the number.
    pub anonymous: Option<Destination>,
    /// The caller is one of us.
    pub internal: Option<Destination>,
    /// No customer has this number, or it is no number, or there is no database.
    pub no_match: Option<Destination>,
    /// Customers of several teams have it.
    pub ambiguous: Option<Destination>,
    /// The database did not answer.
    pub no_answer: Option<Destination>,
    /// The database names a team that is none of ours.
    pub unknown_team: Option<Destination>,
    /// The team has no queue.
    pub no_queue: Option<Destination>,
    /// The team is closed at this hour.
    pub closed: Option<Destination>,
    /// The team has a holiday.
    pub holiday: Option<Destination>,
    /// Nobody of the team is logged in.
    pub nobody: Option<Destination>,
}

impl Otherwise {
    fn of(&self, reason: &Reason) -> Option<&Destination> {
        match reason {
            Reason::Anonymous => self.anonymous.as_ref(),
            Reason::Internal => self.internal.as_ref(),
            Reason::NoMatch | Reason::NotANumber | Reason::NoDatabase => self.no_match.as_ref(),
            Reason::Ambiguous { .. } => self.ambiguous.as_ref(),
            Reason::NoAnswer { .. } => self.no_answer.as_ref(),
            Reason::UnknownTeam { .. } => self.unknown_team.as_ref(),
            Reason::NoQueue { .. } => self.no_queue.as_ref(),
            Reason::Closed { .. } => self.closed.as_ref(),
            Reason::Holiday { .. } => self.holiday.as_ref(),
            Reason::Nobody { .. } => self.nobody.as_ref(),
            Reason::Found { .. } | Reason::LastResort => None,
        }
    }

    /// All destinations that are set, with their names in the configuration.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, &Destination)> {
        [
            ("anonymous", &self.anonymous),
            ("internal", &self.internal),
            ("no_match", &self.no_match),
            ("ambiguous", &self.ambiguous),
            ("no_answer", &self.no_answer),
            ("unknown_team", &self.unknown_team),
            ("no_queue", &self.no_queue),
            ("closed", &self.closed),
            ("holiday", &self.holiday),
            ("nobody", &self.nobody),
        ]
        .into_iter()
        .filter_map(|(name, destination)| Some((name, destination.as_ref()?)))
    }
}

/// What the operator decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSettings {
    /// The team whose queue takes what nothing else does.
    pub default_queue: TeamId,
    /// Where else calls go.
    pub otherwise: Otherwise,
    /// The clock of teams that have none of their own.
    pub time_zone: Zone,
}

/// Who calls, as FreeSWITCH has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallerId {
    /// The number; empty where there is none, or it is withheld.
    pub number: String,
    /// The name.
    pub name: String,
}

/// The teams as they are now.
#[derive(Debug, Clone, Copy)]
pub struct TeamsNow<'a> {
    /// Those that are described.
    pub described: &'a Teams,
    /// Those that people are in.
    pub of_people: &'a BTreeSet<TeamId>,
    /// Those of which somebody is logged in.
    pub staffed: &'a BTreeSet<TeamId>,
}

impl TeamsNow<'_> {
    /// The team that a database means.
    fn named(&self, text: &str) -> Option<TeamId> {
        let exact = text.trim().parse::<TeamId>().ok().filter(|id| self.is_known(id));
        let called = || {
            let of_people = || {
                let mut all = self.of_people.iter();
                all.find(|id| id.as_str().eq_ignore_ascii_case(text.trim())).cloned()
            };
            let described = self.described.values().find(|team| team.is_called(text));
            described.map(|team| team.id.clone()).or_else(of_people)
        };
        exact.or_else(called)
    }

    fn is_known(&self, team: &TeamId) -> bool {
        self.described.contains_key(team) || self.of_people.contains(team)
    }

    /// Whether there is a queue of this team at FreeSWITCH.
    fn has_queue(&self, team: &TeamId) -> bool {
        match self.described.get(team) {
            Some(settings) => settings.has_queue,
            None => self.of_people.contains(team),
        }
    }

    /// What keeps a call from the queue of this team.
    fn obstacle(&self, team: &TeamId, zone: &Zone, now: Timestamp) -> Option<Reason> {
        if !self.has_queue(team) {
            return Some(Reason::NoQueue { team: team.clone() });
        }
        let settings = self.described.get(team);
        match settings.map(|settings| settings.opening(zone, now)) {
            Some(Opening::Closed) => return Some(Reason::Closed { team: team.clone() }),
            Some(Opening::Holiday) => return Some(Reason::Holiday { team: team.clone() }),
            Some(Opening::Open) | None => {}
        }
        // Where logins do not make agents available, they do not tell either whether anybody is.
        let follows = settings.is_none_or(|settings: &TeamSettings| settings.follows_login);
        let nobody = follows && !self.staffed.contains(team);
        nobody.then(|| Reason::Nobody { team: team.clone() })
    }
}

/// Who served a caller the last time, if that still counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAgent {
    /// Who.
    pub agent: Extension,
    /// The teams that he or she serves now; none while not logged in.
    pub serves: Vec<TeamId>,
}

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// There.
    pub to: Destination,
    /// The name to show whoever takes the call; empty where nobody knows one.
    pub caller_name: String,
    /// The number to show; empty where there is none.
    pub caller_number: String,
    /// The score with which the call enters the queue.
    pub priority: Option<i64>,
    /// Who is rung before the queue.
    pub agent_first: Option<Extension>,
    /// Why it goes to the team, or why not.
    pub reason: Reason,
    /// Why it did not go where it should have gone instead, in order.
    pub further: Vec<Reason>,
}

/// Decides where a call goes.
pub fn decide(
    caller: &CallerId,
    look_up: &LookUp,
    teams: TeamsNow<'_>,
    last_agent: Option<&LastAgent>,
    settings: &RouteSettings,
    now: Timestamp,
) -> Decision {
    let wanted = match look_up {
        LookUp::Found(customer) => teams
            .named(&customer.team)
            .ok_or_else(|| Reason::UnknownTeam { team: kept(&customer.team) }),
        LookUp::NoMatch => Err(Reason::NoMatch),
        LookUp::Ambiguous(several) => Err(Reason::Ambiguous {
            teams: several.iter().take(MOST_TEAMS).map(|team| kept(team)).collect(),
        }),
        LookUp::NotAsked(why) => Err(match why {
            NotAsked::Anonymous => Reason::Anonymous,
            NotAsked::Internal => Reason::Internal,
            NotAsked::NotANumber => Reason::NotANumber,
            NotAsked::NoDatabase => Reason::NoDatabase,
        }),
        LookUp::Failed(failure) => Err(Reason::NoAnswer { failure: *failure }),
    };
    let mut way = Way { teams, settings, now, tried: Vec::new(), reasons: Vec::new() };
    let to = match wanted {
        Ok(team) => way.from(Destination::Queue(team)),
        Err(reason) => way.instead(reason),
    };
    let mut reasons = way.reasons.into_iter();
    let reason = match (&to, reasons.next()) {
        (_, Some(first)) => first,
        (Destination::Queue(team), None) => Reason::Found { team: team.clone() },
        // Without a reason nothing was changed, and what was wanted was a queue.
        (_, None) => Reason::LastResort,
    };
    let agent_first = last_agent
        .filter(|last| matches!(&to, Destination::Queue(team) if last.serves.contains(team)))
        .map(|last| last.agent.clone());
    let customer = match look_up {
        LookUp::Found(customer) => Some(customer),
        _ => None,
    };
    let name = customer.and_then(|customer| customer.name.as_deref());
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    Decision {
        to,
        caller_name: name.unwrap_or(caller.name.trim()).to_owned(),
        caller_number: caller.number.clone(),
        priority: customer
            .and_then(|customer| customer.priority)
            .map(|priority| priority.clamp(-HIGHEST_PRIORITY, HIGHEST_PRIORITY)),
        agent_first,
        reason,
        further: reasons.collect(),
    }
}

/// The way of a call from one destination to the next.
struct Way<'a> {
    teams: TeamsNow<'a>,
    settings: &'a RouteSettings,
    now: Timestamp,
    tried: Vec<Destination>,
    reasons: Vec<Reason>,
}

impl Way<'_> {
    /// Where the settings say for this reason.
    fn instead(&mut self, reason: Reason) -> Destination {
        let to = self.settings.otherwise.of(&reason).cloned();
        let to = to.unwrap_or_else(|| Destination::Queue(self.settings.default_queue.clone()));
        self.reasons.push(reason);
        self.from(to)
    }

    /// To this destination, or on from it where it cannot take the call. Never to one twice.
    fn from(&mut self, to: Destination) -> Destination {
        if self.tried.contains(&to) {
            return self.end();
        }
        self.tried.push(to.clone());
        let Destination::Queue(team) = &to else { return to };
        match self.teams.obstacle(team, &self.settings.time_zone, self.now) {
            None => to,
            Some(obstacle) => self.instead(obstacle),
        }
    }

    /// Round in a circle: a queue that is there takes the call even when it should not, because a queue tells the
    /// caller something, and ends the wait as its own settings say.
    fn end(&mut self) -> Destination {
        let default = Destination::Queue(self.settings.default_queue.clone());
        let is_there = |to: &Destination| match to {
            Destination::Queue(team) => self.teams.has_queue(team),
            Destination::Number(_) | Destination::HangUp => true,
        };
        let there = Some(default).filter(is_there).or_else(|| {
            let mut tried = self.tried.iter().rev();
            tried.find(|to| is_there(to)).cloned()
        });
        if let Some(there) = there {
            return there;
        }
        self.reasons.push(Reason::LastResort);
        self.any_queue().map_or(Destination::HangUp, Destination::Queue)
    }

    /// Some queue: one that can take the call, or else one that is there.
    fn any_queue(&self) -> Option<TeamId> {
        let all = || self.teams.described.keys().chain(self.teams.of_people);
        let zone = &self.settings.time_zone;
        let takes = |team: &&TeamId| self.teams.obstacle(team, zone, self.now).is_none();
        let good = all().find(takes);
        good.or_else(|| all().find(|team| self.teams.has_queue(team))).cloned()
    }
}

/// A text from somebody else's database, short, without what would break a line.
fn kept(text: &str) -> String {
    let plain = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(LONGEST).collect()
}

#[cfg(test)]
mod tests;
