//! `hotdeskd webhooks`.

use clap::{Args, Subcommand};

use super::Printed;
use super::door::Door;
use super::output;
use crate::config::Config;
use crate::http::admin::{Ask, Method, Retried, RetryRequest};
use crate::model::{DeliveryState, DeliveryView};
use crate::webhooks::{TargetView, WebhooksView};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the webhooks, what they are still to be told, and what was given up.
    #[command(
        after_help = "Examples:\n  hotdeskd webhooks list\n  hotdeskd webhooks list --target crm --json"
    )]
    List {
        /// Only this one, by its name in the configuration.
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Has what was given up tried again, in the order in which it happened.
    #[command(
        after_help = "Examples:\n  hotdeskd webhooks retry --all\n  hotdeskd webhooks retry --target crm\n  hotdeskd webhooks retry 17 18"
    )]
    Retry(Again),
}

#[derive(Debug, Args)]
pub(super) struct Again {
    /// These, by the numbers that `list` shows.
    #[arg(value_name = "NUMBER", required_unless_present_any = ["all", "target"], conflicts_with_all = ["all", "target"])]
    ids: Vec<i64>,
    /// All of this one.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    target: Option<String>,
    /// All.
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let door = Door::open(config).await?;
    match command {
        Command::List { target, json } => {
            let view: WebhooksView = door.ask(Ask::get("/webhooks")).await?;
            let view = of(view, target.as_deref());
            if *json {
                return Ok(output::json(&view)?);
            }
            Ok(listed(&view))
        }
        Command::Retry(Again { ids, target, .. }) => {
            let request = RetryRequest { target: target.clone(), ids: ids.clone() };
            let body = serde_json::to_value(request).map_err(anyhow::Error::from)?;
            let ask = Ask::new(Method::POST, "/webhooks/retry").with(body);
            let Retried { retried } = door.ask(ask).await?;
            Ok(match retried {
                0 => "Nothing was given up there.\n".to_owned(),
                1 => "1 event is tried again.\n".to_owned(),
                many => format!("{many} events are tried again.\n"),
            })
        }
    }
}

/// What is about this target.
fn of(mut view: WebhooksView, target: Option<&str>) -> WebhooksView {
    let is_meant = |name: &str| target.is_none_or(|target| target == name);
    view.targets.retain(|one| is_meant(&one.target));
    view.deliveries.retain(|one| is_meant(&one.target));
    view
}

/// Both lists.
fn listed(view: &WebhooksView) -> String {
    let targets = view.targets.iter().map(|TargetView { target, events, backlog }| {
        let events: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
        let events =
            if events.is_empty() { "(no longer configured)".into() } else { events.join(" ") };
        let oldest = backlog.oldest.map(output::time).unwrap_or_default();
        let (waiting, dead) = (backlog.waiting.to_string(), backlog.dead.to_string());
        [target.clone(), waiting, oldest, dead, events]
    });
    let header = ["WEBHOOK", "WAIT", "SINCE", "GIVEN UP", "EVENTS"];
    let mut text =
        output::table(header, targets, "There are no webhooks; `[[webhook]]` names one.");
    if !view.deliveries.is_empty() {
        let rows = view.deliveries.iter().map(row);
        let header = ["NUMBER", "WEBHOOK", "EVENT", "AT", "TRIES", "STATE", "WHY"];
        text += "\n";
        text += &output::table(header, rows, "");
    }
    text
}

/// A line of the second list.
fn row(delivery: &DeliveryView) -> [String; 7] {
    let state = match (delivery.state, delivery.next) {
        (DeliveryState::Dead, _) => "given up".to_owned(),
        (DeliveryState::Waiting, Some(next)) if delivery.tries > 0 => {
            format!("next try {}", output::time(next))
        }
        (DeliveryState::Waiting, _) => "waits".to_owned(),
    };
    [
        delivery.id.to_string(),
        delivery.target.clone(),
        delivery.event.clone(),
        output::time(delivery.created),
        delivery.tries.to_string(),
        state,
        delivery.error.clone().unwrap_or_default(),
    ]
}
