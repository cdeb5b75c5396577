//! `hotdeskd customers`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::Printed;
use super::door::Door;
use super::output;
use crate::config::Config;
use crate::customers::Looked;
use crate::http::admin::Ask;
use crate::model::LookUp;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Looks up who calls from a number, and tells every spelling that was tried.
    #[command(after_help = "Example:\n  hotdeskd customers lookup +4315550100")]
    Lookup(Lookup),
}

#[derive(Debug, Args)]
pub(super) struct Lookup {
    /// The number, as FreeSWITCH would have it: +4315550100, 015550100, anonymous.
    #[arg(allow_hyphen_values = true)]
    number: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let Command::Lookup(Lookup { number, json }) = command;
    let number = percent_encoding::utf8_percent_encode(number, percent_encoding::NON_ALPHANUMERIC);
    let path = format!("/customers/lookup?number={number}");
    let looked: Looked = Door::open(config).await?.ask(Ask::get(&path)).await?;
    Ok(if *json { output::json(&looked)? } else { told(&looked) })
}

fn told(looked: &Looked) -> String {
    let mut card = vec![
        ("number", looked.number.clone().unwrap_or_default()),
        ("answer", looked.answer.to_string()),
    ];
    match &looked.answer {
        LookUp::Found(customer) => card.extend([
            ("team", customer.team.clone()),
            ("name", customer.name.clone().unwrap_or_default()),
            ("priority", customer.priority.map(|number| number.to_string()).unwrap_or_default()),
        ]),
        LookUp::Ambiguous(teams) => card.push(("teams", teams.join(", "))),
        LookUp::NoMatch | LookUp::NotAsked(_) | LookUp::Failed(_) => {}
    }
    let took = match looked.cached {
        true => format!("{}, remembered", milliseconds(looked.took_us)),
        false => milliseconds(looked.took_us),
    };
    card.extend([("error", looked.error.clone().unwrap_or_default()), ("took", took)]);
    let card = output::card(card);
    if looked.spellings.is_empty() {
        return card;
    }
    let rows = looked.spellings.iter().map(|spelling| {
        let tried = looked.tried.iter().find(|tried| tried.spelling == *spelling);
        let (rows, took) = match tried {
            Some(tried) => (tried.rows.to_string(), milliseconds(tried.took_us)),
            None => ("not tried".to_owned(), String::new()),
        };
        [spelling.clone(), rows, took]
    });
    format!("{card}\n{}", output::table(["SPELLING", "ROWS", "TOOK"], rows, ""))
}

fn milliseconds(micros: u64) -> String {
    format!("{:.1} ms", Duration::from_micros(micros).as_secs_f64() * 1_000.0)
}
