//! `hotdeskd phones import`.

mod source;

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::told::{Report, Teller};
use crate::cli::door::Door;
use crate::cli::{Failure, Printed, output};
use crate::config::Config;
use crate::http::admin::{ImportStep, JSON_LINES};
use crate::provisioning::inventory::Finding;
use source::Gathered;

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// The file; `-` for standard input.
    #[arg(value_name = "FILE", required_unless_present = "sql", conflicts_with = "sql")]
    file: Option<PathBuf>,
    /// Ask the database of the configuration (`[inventory]`) instead.
    #[arg(long)]
    sql: bool,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Pass over columns that are not known.
    #[arg(long)]
    ignore_unknown_columns: bool,
    /// Open no windows: new phones prove themselves by certificate, or their URLs are entered by hand.
    #[arg(long)]
    no_window: bool,
    /// List the phones of the inventory that are not in the file; they stay as they are in any case.
    #[arg(long)]
    not_listed: bool,
    /// List every line, and not just the first ones of each kind.
    #[arg(long)]
    all: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(import: &Import, config: &Config) -> Printed {
    let teller = Teller::new();
    let ignore = import.ignore_unknown_columns;
    let gathered = match &import.file {
        Some(file) => source::file(file, ignore, &teller)?,
        None => source::query(config, ignore, &teller).await?,
    };
    let sent = send(import, gathered, config, &teller).await;
    teller.end();
    let report = sent?;
    let told = match import.json {
        true => output::json(&report.json(import.dry_run))?,
        false => report.in_words(import.dry_run, import.all, import.not_listed),
    };
    match report.failure() {
        None => Ok(told),
        Some(why) => {
            // What is wrong belongs on standard output, as the answer that it is.
            print!("{told}");
            Err(Failure::Failed(anyhow!(why)))
        }
    }
}

/// Has the phones compared with the inventory, and taken over unless something is wrong or nothing is to be.
async fn send(
    import: &Import,
    gathered: Gathered,
    config: &Config,
    teller: &Teller,
) -> anyhow::Result<Report> {
    let mut report = Report::new(gathered.notes, gathered.place);
    // What is wrong already cannot be written; the other lines are looked at all the same.
    let dry_run = import.dry_run || !gathered.wrong.is_empty();
    for wrong in gathered.wrong {
        report.take(ImportStep::Found(Finding::Wrong(wrong)));
    }
    let path = format!("/phones/import?dry_run={dry_run}&no_window={}", import.no_window);
    let door = Door::open(config).await?;
    teller.comparing(gathered.rows);
    let sent = door.send(&path, JSON_LINES, gathered.body, |line| {
        let step = serde_json::from_slice(line);
        let step =
            step.context("the answer of the daemon cannot be read; is it of the same version?")?;
        teller.tell(&step);
        report.take(step);
        Ok(())
    });
    sent.await?;
    Ok(report)
}
