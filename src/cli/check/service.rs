//! The service number: whether every queue that its settings name is there.

use std::collections::BTreeSet;

use super::Line;
use crate::config::Config;
use crate::model::{Destination, TeamId};
use crate::store::Store;

/// Adds its lines, where there is one.
pub(super) fn lines(config: &Config, store: &Store, lines: &mut Vec<Line>) {
    let Some(service) = &config.service else { return };
    let of_people: BTreeSet<TeamId> =
        store.memory().users().flat_map(|user| user.teams.iter().cloned()).collect();
    let mirrored = store.memory().teams().clone();
    let described = |team: &TeamId| config.teams.get(team).or_else(|| mirrored.get(team));
    let is_there = |team: &TeamId| match described(team) {
        Some(settings) => settings.has_queue,
        None => of_people.contains(team),
    };
    let route = &service.route;
    let advice = "give the team a [[team]] table or people, or name another";
    let missing = |key: &str, team: &TeamId| {
        format!("service.{key} names the queue of team {team}, and there is none")
    };
    let before = lines.len();
    if !is_there(&route.default_queue) {
        let found = missing("default_queue", &route.default_queue);
        lines.push(Line::wrong("service number", found, advice));
    }
    for (name, destination) in route.otherwise.set() {
        if let Destination::Queue(team) = destination
            && !is_there(team)
        {
            let found = missing(&format!("otherwise.{name}"), team);
            lines.push(Line::look("service number", found, advice));
        }
    }
    if lines.len() == before {
        let numbers: Vec<&str> = service.numbers.iter().map(|number| number.as_str()).collect();
        let at = match numbers.is_empty() {
            true => "as your own dialplan sends them".to_owned(),
            false => format!("at {}", numbers.join(", ")),
        };
        let found = format!("calls {at}; the default queue is that of {}", route.default_queue);
        lines.push(Line::good("service number", found));
    }
}
