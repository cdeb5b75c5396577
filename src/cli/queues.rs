//! `hotdeskd queues`.

use clap::Subcommand;

use super::Printed;
use super::door::Door;
use super::output;
use crate::config::Config;
use crate::http::admin::{Ask, Method};
use crate::model::{NodeQueues, Standing};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the queues at each FreeSWITCH: wanted and actual, who waits and who serves, what is to be done.
    #[command(after_help = "Example:\n  hotdeskd queues list")]
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Brings the queues at each FreeSWITCH to what they should be, now; the daemon does it by itself too.
    #[command(after_help = "Examples:\n  hotdeskd queues sync --dry-run\n  hotdeskd queues sync")]
    Sync {
        /// Tell only what is to be done.
        #[arg(long)]
        dry_run: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let door = Door::open(config).await?;
    let (nodes, json): (Vec<NodeQueues>, bool) = match command {
        Command::List { json } => (door.ask(Ask::get("/queues")).await?, *json),
        Command::Sync { dry_run: true, json } => (door.ask(Ask::get("/queues")).await?, *json),
        Command::Sync { dry_run: false, json } => {
            (door.ask(Ask::new(Method::POST, "/queues/sync")).await?, *json)
        }
    };
    if json {
        return Ok(output::json(&nodes)?);
    }
    let told: Vec<String> = nodes
        .iter()
        .map(|node| match command {
            Command::List { .. } => listed(node),
            Command::Sync { dry_run, .. } => synced(node, *dry_run),
        })
        .collect();
    Ok(told.join("\n"))
}

/// One node as it stands.
fn listed(node: &NodeQueues) -> String {
    let mut told = format!("FreeSWITCH {}\n", output::plain(&node.node));
    if let Some(trouble) = &node.trouble {
        told += &format!("{}\n", output::plain(trouble));
    }
    if !node.queues.is_empty() {
        let rows = node.queues.iter().map(|queue| {
            let agents = queue.agents.iter().map(|(status, count)| format!("{count} {status}"));
            [
                queue.queue.clone(),
                queue.standing.to_string(),
                queue.callers.to_string(),
                agents.collect::<Vec<_>>().join(", "),
            ]
        });
        told += &output::table(["QUEUE", "STANDS", "CALLERS", "AGENTS"], rows, "");
    }
    let agents = node.agents.iter().filter(|agent| agent.standing != Standing::Foreign);
    let rows = agents.map(|agent| {
        [
            agent.agent.clone(),
            agent.standing.to_string(),
            agent.status.clone().unwrap_or_default(),
            agent.state.clone().unwrap_or_default(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        told += &output::table(["AGENT", "STANDS", "STATUS", "STATE"], rows, "");
    }
    if node.queues.is_empty() && node.agents.is_empty() && node.trouble.is_none() {
        told += "There are no queues.\n";
    }
    told + &to_do(node, "To be done: ")
}

/// What was done at one node, or is to be done.
fn synced(node: &NodeQueues, dry_run: bool) -> String {
    let mut told = format!("FreeSWITCH {}\n", output::plain(&node.node));
    if let Some(trouble) = &node.trouble {
        told += &format!("{}\n", output::plain(trouble));
    }
    let begin = if dry_run { "Would be done: " } else { "Done: " };
    let steps = to_do(node, begin);
    told += if steps.is_empty() && node.trouble.is_none() {
        "Everything is as it should be.\n"
    } else {
        &steps
    };
    told
}

fn to_do(node: &NodeQueues, begin: &str) -> String {
    let steps = node.steps.iter().map(|step| format!("{begin}{step}"));
    let waiting = node.waiting.iter().map(|(step, why)| format!("Waits: {step}: {why}"));
    steps.chain(waiting).map(|line| output::plain(&line) + "\n").collect()
}
