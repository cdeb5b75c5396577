//! `hotdeskd phones import`.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::told::{Report, Teller, wrong_line};
use crate::cli::door::Door;
use crate::cli::{Failure, Printed, output};
use crate::config::Config;
use crate::http::admin::{ImportStep, JSON_LINES};
use crate::provisioning::inventory::{self, Finding, PhoneRow, Wrong};

/// The most bytes that are sent: a hundred thousand phones of a usual kind take a quarter of it.
const MOST_BYTES: usize = 64 << 20;
/// Of how many wrong lines a file is read on; the rest is only counted.
const MOST_WRONG: usize = 10_000;

/// What the place of a phone is called.
const PLACE: &str = "line";

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// The file; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
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

/// The phones, as they are sent, and what is known by then.
#[derive(Default)]
struct Gathered {
    body: Vec<u8>,
    rows: usize,
    wrong: Vec<Wrong>,
    notes: Vec<String>,
}

pub(super) async fn run(import: &Import, config: &Config) -> Printed {
    let teller = Teller::new();
    let found = read(import, &teller)?;
    let mut report = Report::new(found.notes, PLACE);
    let wrong = found.wrong.len();
    for wrong in found.wrong {
        report.take(ImportStep::Found(Finding::Wrong(wrong)));
    }
    // What is wrong already cannot be written; the other lines are looked at all the same.
    let dry_run = import.dry_run || wrong > 0;
    let path = format!("/phones/import?dry_run={dry_run}&no_window={}", import.no_window);
    let door = Door::open(config).await?;
    teller.comparing(found.rows);
    let sent = door.send(&path, JSON_LINES, found.body, |line| {
        let step = serde_json::from_slice(line);
        let step =
            step.context("the answer of the daemon cannot be read; is it of the same version?")?;
        teller.tell(&step);
        report.take(step);
        Ok(())
    });
    sent.await?;
    teller.end();
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

/// Reads the whole file: only phones of it are kept.
fn read(import: &Import, teller: &Teller) -> anyhow::Result<Gathered> {
    let name = import.file.display().to_string();
    let (file, size): (Box<dyn io::Read>, u64) = match name.as_str() {
        "-" => (Box::new(io::stdin().lock()), 0),
        _ => {
            let file = File::open(&import.file).with_context(|| name.clone())?;
            let size = file.metadata().map(|file| file.len()).unwrap_or_default();
            (Box::new(file), size)
        }
    };
    let name = if name == "-" { "standard input".to_owned() } else { name };
    let mut file =
        inventory::File::open(file, import.ignore_unknown_columns).with_context(|| name.clone())?;
    let mut read = Gathered::default();
    while let Some(row) = file.next(&mut read.wrong).with_context(|| name.clone())? {
        push(&mut read, &row)?;
        if read.wrong.len() > MOST_WRONG {
            let first = read.wrong.first().map(|first| wrong_line(first, PLACE));
            bail!(
                "{name}: more than {MOST_WRONG} cells are wrong; is this the right file? The first: {}",
                first.unwrap_or_default()
            );
        }
        teller.reading(file.bytes(), size, read.rows);
    }
    read.notes.push(format!(
        "{name}: {}, {} between cells.",
        file.encoding(),
        match file.separator() {
            '\t' => "tabs".to_owned(),
            separator => format!("`{separator}`"),
        }
    ));
    if !file.ignored().is_empty() {
        read.notes.push(format!("Columns that are passed over: {}.", file.ignored().join(", ")));
    }
    Ok(read)
}

fn push(read: &mut Gathered, row: &PhoneRow) -> anyhow::Result<()> {
    serde_json::to_writer(&mut read.body, row)?;
    read.body.push(b'\n');
    read.rows += 1;
    if read.body.len() > MOST_BYTES {
        bail!(
            "the phones take more than {MOST_BYTES} bytes, which is the most of one import; divide it"
        );
    }
    Ok(())
}
