//! Teams as groups of the directory describe them: what is said of their queues.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::Error;
use super::connection::{Connection, Entry, Query};
use super::mapping::{Mapping, shortened};
use super::settings::{Attribute, LdapSettings, SearchScope, TeamGroups};
use crate::model::{Skipped, TeamId, TeamSettings};

/// More teams than anybody has.
const MOST: usize = 10_000;

/// The teams, and what of them makes no sense.
pub(super) async fn read(
    connection: &mut Connection,
    ldap: &LdapSettings,
    mapping: &Mapping,
) -> Result<(Vec<TeamSettings>, Vec<Skipped>), Error> {
    let Some(groups) = &ldap.teams else { return Ok((Vec::new(), Vec::new())) };
    let query = Query {
        base: groups.base.clone(),
        scope: SearchScope::Subtree,
        filter: groups.filter.as_str().to_owned(),
        attributes: groups.attributes().map(|name| name.as_str().to_owned()).collect(),
    };
    let (mut teams, mut skipped) = (BTreeMap::new(), Vec::new());
    let mut at = Vec::new();
    loop {
        let page = connection.page(&query, ldap.page_size.get(), at).await?;
        for entry in &page.entries {
            match team(entry, groups, mapping, &mut skipped) {
                Some(team) if !teams.contains_key(&team.id) => {
                    teams.insert(team.id.clone(), team);
                }
                Some(team) => skipped.push(Skipped {
                    dn: entry.dn.clone(),
                    why: format!("the team {} is described by another group already", team.id),
                }),
                None => {}
            }
        }
        if page.next.is_empty() {
            return Ok((teams.into_values().collect(), skipped));
        }
        if teams.len() > MOST || page.entries.is_empty() {
            return Err(Error::Endless);
        }
        at = page.next;
    }
}

fn team(
    entry: &Entry,
    groups: &TeamGroups,
    mapping: &Mapping,
    skipped: &mut Vec<Skipped>,
) -> Option<TeamSettings> {
    let called = entry.text(groups.id.as_str()).unwrap_or_default();
    let Some(id) = mapping.team(called) else {
        let why = format!("{} `{}` is no team's name", groups.id.as_str(), shortened(called));
        skipped.push(Skipped { dn: entry.dn.clone(), why });
        return None;
    };
    let mut values = Values { entry, skipped };
    let mut team = TeamSettings::new(id);
    team.extension = values.of(groups.extension.as_ref());
    team.queue.strategy = values.of(groups.strategy.as_ref());
    team.queue.music = values.of(groups.music.as_ref());
    team.queue.max_wait = values.number(groups.max_wait.as_ref());
    team.queue.max_wait_with_no_agent = values.number(groups.max_wait_with_no_agent.as_ref());
    team.queue.overflow = values.of(groups.overflow.as_ref());
    Some(team)
}

/// The values of one group.
struct Values<'a> {
    entry: &'a Entry,
    skipped: &'a mut Vec<Skipped>,
}

impl Values<'_> {
    /// What an attribute says, as the configuration would.
    fn of<T: DeserializeOwned>(&mut self, attribute: Option<&Attribute>) -> Option<T> {
        let attribute = attribute?;
        let text = self.entry.text(attribute.as_str())?.trim();
        let value: StrDeserializer<'_, ValueError> = text.into_deserializer();
        self.sensible(attribute, text, T::deserialize(value).ok())
    }

    fn number(&mut self, attribute: Option<&Attribute>) -> Option<u32> {
        let attribute = attribute?;
        let text = self.entry.text(attribute.as_str())?.trim();
        self.sensible(attribute, text, text.parse().ok())
    }

    fn sensible<T>(&mut self, attribute: &Attribute, text: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            let why =
                format!("{} `{}` says nothing of a queue", attribute.as_str(), shortened(text));
            self.skipped.push(Skipped { dn: self.entry.dn.clone(), why });
        }
        value
    }
}

impl Mapping {
    /// The team that somebody calls so.
    pub(super) fn team(&self, called: &str) -> Option<TeamId> {
        let known = self.departments.get(&called.trim().to_lowercase()).cloned();
        known.or_else(|| called.trim().parse().ok())
    }
}
