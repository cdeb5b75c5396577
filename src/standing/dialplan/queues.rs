//! What the context of the queues is rendered from.

use minijinja::{Value, context};

use crate::model::{CallCenterRules, Destination, QueueModule, TeamId, TeamSettings};

/// The values of the templates `queues.xml` and `queue_numbers.xml`; none without queues.
pub(super) fn values(rules: Option<&CallCenterRules>) -> Value {
    let Some(rules) = rules else { return context! {} };
    let described: Vec<Value> = rules.teams.values().map(|team| queue(rules, team)).collect();
    let numbered = rules.teams.values().filter(|team| team.has_queue);
    let numbered = numbered.filter_map(|team| {
        let number = team.extension.as_ref()?.as_str();
        Some(context! { team => team.id.as_str(), number })
    });
    context! {
        is_fifo => rules.module() == QueueModule::Fifo,
        described,
        numbered => numbered.collect::<Vec<_>>(),
        others => context! {
            overflow => overflow(&rules.settings.overflow, None),
            music => rules.settings.music.as_str(),
            max_wait => rules.settings.max_wait,
        },
        // What the condition found; the only `$` that is not to be escaped.
        first_group => Value::from_safe_string("$1".to_owned()),
    }
}

fn queue(rules: &CallCenterRules, team: &TeamSettings) -> Value {
    let music = team.queue.music.as_ref().unwrap_or(&rules.settings.music);
    context! {
        team => team.id.as_str(),
        pattern => regex::escape(team.id.as_str()),
        has_queue => team.has_queue,
        overflow => overflow(rules.overflow(&team.id), Some(&team.id)),
        music => music.as_str(),
        max_wait => team.queue.max_wait.unwrap_or(rules.settings.max_wait),
    }
}

/// Where a caller goes whom a queue does not take: not to the same queue again.
fn overflow(to: &Destination, from: Option<&TeamId>) -> Value {
    match to {
        Destination::Queue(team) if Some(team) != from => {
            context! { queue => team.as_str(), number => "" }
        }
        Destination::Number(number) => context! { queue => "", number => &**number },
        Destination::Queue(_) | Destination::HangUp => context! { queue => "", number => "" },
    }
}
