//! The table `[service]`: the service number, and where its calls go.

use serde::{Deserialize, Serialize};

use super::Checker;
use crate::calls::JournalNumbers;
use crate::model::{Destination, Otherwise, RouteSettings, TeamId, Teams, TomlFault, Zone};
use crate::standing::dialplan::ServicePlan;
use crate::standing::settings::ServiceNumber;

/// The table as it is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServiceSettings {
    /// Where such calls arrive.
    pub numbers: Vec<ServiceNumber>,
    /// The team whose queue takes what has no better place.
    pub default_queue: Option<TeamId>,
    /// Whether whoever served the caller is rung first.
    pub last_agent: Option<LastAgentSettings>,
    /// The clock of teams that have none of their own.
    pub time_zone: Option<Zone>,
    /// How much of a number the journal keeps.
    pub journal_numbers: JournalNumbers,
    /// Where else calls go.
    pub otherwise: Otherwise,
}

/// Whoever served the caller is rung before the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastAgentSettings {
    /// If that was within so many days, 1 to 366.
    #[serde(deserialize_with = "within_days")]
    pub within_days: u16,
    /// For so many seconds, 3 to 120.
    #[serde(deserialize_with = "seconds")]
    pub seconds: u16,
}

/// The service number, where there is one.
#[derive(Debug, Clone)]
pub struct Service {
    /// Where such calls arrive; none: the operator's own dialplan sends them.
    pub numbers: Vec<ServiceNumber>,
    /// Where they go.
    pub route: RouteSettings,
    /// Whether whoever served the caller is rung first.
    pub last_agent: Option<LastAgentSettings>,
    /// How much of a number the journal keeps.
    pub journal_numbers: JournalNumbers,
}

impl Service {
    /// What FreeSWITCH's dialplan is told of it.
    pub fn plan(&self) -> ServicePlan<'_> {
        ServicePlan {
            numbers: &self.numbers,
            default_queue: &self.route.default_queue,
            agent_seconds: self.last_agent.map(|last| last.seconds),
        }
    }
}

impl Checker<'_> {
    /// The service number: there where a default queue is set, which nothing else here works without.
    pub(super) fn service(
        &self,
        settings: &ServiceSettings,
        teams: &Teams,
    ) -> Result<Option<Service>, TomlFault> {
        let settings = settings.clone();
        let Some(default_queue) = settings.default_queue else {
            let needs = [
                ("numbers", !settings.numbers.is_empty()),
                ("last_agent", settings.last_agent.is_some()),
                ("otherwise", settings.otherwise.set().next().is_some()),
            ];
            return match needs.into_iter().find(|(_, is_set)| *is_set) {
                None => Ok(None),
                Some((key, _)) => Err(self.text.fault(
                    &format!("service.{key}"),
                    "found no `default_queue` beside it, expected one".to_owned(),
                    "Add default_queue = \"<team>\" to [service]: the queue that takes every call without a better place."
                        .to_owned(),
                )),
            };
        };
        self.has_queue("service.default_queue", &default_queue, teams)?;
        for (name, destination) in settings.otherwise.set() {
            if let Destination::Queue(team) = destination {
                self.has_queue(&format!("service.otherwise.{name}"), team, teams)?;
            }
        }
        Ok(Some(Service {
            numbers: settings.numbers,
            route: RouteSettings {
                default_queue,
                otherwise: settings.otherwise,
                time_zone: settings.time_zone.unwrap_or_else(Zone::of_this_machine),
            },
            last_agent: settings.last_agent,
            journal_numbers: settings.journal_numbers,
        }))
    }

    /// A team that is described without a queue cannot take a call.
    fn has_queue(&self, key: &str, team: &TeamId, teams: &Teams) -> Result<(), TomlFault> {
        if teams.get(team).is_none_or(|settings| settings.has_queue) {
            return Ok(());
        }
        Err(self.text.fault(
            key,
            format!("found team {team}, which has no queue, expected one that has"),
            "Name another team, or take `has_queue = false` out of its table.".to_owned(),
        ))
    }
}

fn within_days<'de, D: serde::Deserializer<'de>>(value: D) -> Result<u16, D::Error> {
    within(u16::deserialize(value)?, 1, 366, "days")
}

fn seconds<'de, D: serde::Deserializer<'de>>(value: D) -> Result<u16, D::Error> {
    within(u16::deserialize(value)?, 3, 120, "seconds")
}

fn within<E: serde::de::Error>(value: u16, least: u16, most: u16, unit: &str) -> Result<u16, E> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(E::custom(format!("expected {least} to {most} {unit}")))
    }
}
