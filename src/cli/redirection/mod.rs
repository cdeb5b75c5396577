//! `hotdeskd redirection`: what the vendors' services are to be told of our phones, and telling them.

mod run;
mod words;

use clap::{Args, Subcommand};

use super::door::Door;
use super::{Failure, Printed, output};
use crate::config::Config;
use crate::http::admin::RedirectionView;
use crate::model::Mac;
use crate::provisioning::redirection::{Order, Outcome, Task};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Compares the inventory with what the services hold, and tells what is to be done. Nothing is changed.
    #[command(
        after_help = "Examples:\n  hotdeskd redirection plan\n  hotdeskd redirection plan --mac 0004132a0001 --json"
    )]
    Plan {
        #[command(flatten)]
        which: Which,
        /// As JSON, phones that are fine among them.
        #[arg(long)]
        json: bool,
    },
    /// Does what `plan` tells. Ctrl-C stops it; the same command goes on from there.
    ///
    /// A service is never told to forget a phone that it was not told of by us, unless that is named with --mac and
    /// --remove.
    #[command(
        after_help = "Examples:\n  hotdeskd redirection apply\n  hotdeskd redirection apply --mac 0004132a0001\n  hotdeskd redirection apply --mac 0004132a0001 --remove"
    )]
    Apply(Apply),
    /// Lists what the services were told of each phone, and since when.
    #[command(after_help = "Example:\n  hotdeskd redirection list")]
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// Only this service, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Only this phone; may be given several times.
    #[arg(long = "mac", value_name = "MAC")]
    phones: Vec<Mac>,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    #[command(flatten)]
    which: Which,
    /// Have the service forget the phones that are named, whoever told it of them.
    #[arg(long, requires = "phones")]
    remove: bool,
    /// Remove even more than half of the phones that are registered.
    #[arg(long)]
    yes: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    match command {
        Command::Plan { which, json } => {
            ordered(order(which, Task::Plan, false), *json, config).await
        }
        Command::Apply(apply) => {
            let task = if apply.remove { Task::Remove } else { Task::Apply };
            ordered(order(&apply.which, task, apply.yes), apply.json, config).await
        }
        Command::List { json } => {
            let key = |row: &RedirectionView| format!("{}:{}", row.phone, row.service);
            let rows = Door::open(config).await?.list("/redirection", key).await?;
            Ok(if *json { output::json(&rows)? } else { words::list(&rows) })
        }
    }
}

fn order(which: &Which, task: Task, yes: bool) -> Order {
    Order { task, service: which.service.clone(), phones: which.phones.clone(), yes }
}

/// Has it done, and tells what came of it: on standard output also where not all went well.
async fn ordered(order: Order, json: bool, config: &Config) -> Printed {
    let task = order.task;
    let outcomes = run::run(order, config).await?;
    let told = match json {
        true => output::json(&outcomes)?,
        false => outcomes.iter().map(|outcome| words::outcome(outcome, task)).collect(),
    };
    let trouble = outcomes.iter().filter_map(trouble).collect::<Vec<_>>();
    if trouble.is_empty() {
        return Ok(told);
    }
    print!("{told}");
    Err(Failure::Failed(anyhow::anyhow!("{}", trouble.join("; "))))
}

/// What went wrong at a service, in a sentence.
fn trouble(outcome: &Outcome) -> Option<String> {
    let service = output::plain(&outcome.service);
    match (&outcome.error, outcome.failed) {
        (Some(error), _) => Some(format!("{service}: {}", output::plain(error))),
        (None, 0) => None,
        (None, failed) => Some(format!("{service}: it did not work with {failed} phones")),
    }
}
