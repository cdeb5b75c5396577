//! Where phones are imported from: a file, standard input, a query.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};

use crate::cli::phones::told::{Teller, wrong_line};
use crate::config::Config;
use crate::databases;
use crate::provisioning::inventory::{self, PhoneRow, Wrong};

/// The most bytes that are sent: a hundred thousand phones of a usual kind take a quarter of it.
const MOST_BYTES: usize = 64 << 20;
/// Of how many wrong cells a file is read on.
const MOST_WRONG: usize = 10_000;

/// The phones, as they are sent, and what is known by then.
pub(super) struct Gathered {
    /// A phone in each line, JSON.
    pub(super) body: Vec<u8>,
    /// How many.
    pub(super) rows: usize,
    /// What is wrong with other lines.
    pub(super) wrong: Vec<Wrong>,
    /// Sentences about all of it.
    pub(super) notes: Vec<String>,
    /// What the place of a phone is called.
    pub(super) place: &'static str,
}

impl Gathered {
    fn new(place: &'static str) -> Self {
        Self { body: Vec::new(), rows: 0, wrong: Vec::new(), notes: Vec::new(), place }
    }

    fn push(&mut self, row: &PhoneRow) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.body, row)?;
        self.body.push(b'\n');
        self.rows += 1;
        if self.body.len() > MOST_BYTES {
            bail!(
                "the phones take more than {MOST_BYTES} bytes, which is the most of one import; divide it"
            );
        }
        Ok(())
    }

    /// Whether it is worth going on.
    fn check(&self) -> anyhow::Result<()> {
        match self.wrong.first() {
            Some(first) if self.wrong.len() > MOST_WRONG => {
                let first = wrong_line(first, self.place);
                bail!(
                    "more than {MOST_WRONG} cells are wrong; are these the right ones? The first: {first}"
                )
            }
            _ => Ok(()),
        }
    }
}

/// Reads the whole file; `-` is standard input.
pub(super) fn file(path: &Path, ignore: bool, teller: &Teller) -> anyhow::Result<Gathered> {
    if path == Path::new("-") {
        return read(io::stdin().lock(), 0, ignore, teller).context("standard input");
    }
    let name = || path.display().to_string();
    let file = File::open(path).with_context(name)?;
    let size = file.metadata().map(|file| file.len()).unwrap_or_default();
    read(file, size, ignore, teller).with_context(name)
}

fn read(file: impl io::Read, size: u64, ignore: bool, teller: &Teller) -> anyhow::Result<Gathered> {
    let mut file = inventory::File::open(file, ignore)?;
    let mut gathered = Gathered::new("line");
    while let Some(row) = file.next(&mut gathered.wrong)? {
        gathered.push(&row)?;
        gathered.check()?;
        teller.reading(file.bytes(), size, gathered.rows);
    }
    gathered.check()?;
    let between = match file.separator() {
        '\t' => "tabs".to_owned(),
        separator => format!("`{separator}`"),
    };
    gathered.notes.push(format!("Read as {}, with {between} between cells.", file.encoding()));
    gathered.notes.extend(passed_over(file.ignored()));
    Ok(gathered)
}

/// Asks the configured database.
pub(super) async fn query(
    config: &Config,
    ignore: bool,
    teller: &Teller,
) -> anyhow::Result<Gathered> {
    let (server, query) = config.inventory.query().ok_or_else(|| {
        anyhow!("no database is configured; set `url` and `query` in the table [inventory]")
    })?;
    let url = server.url.to_string();
    let deadline = config.inventory.settings.deadline();
    let read = async {
        let mut rows = databases::Table::read(server, query, deadline).await?;
        let mut gathered = Gathered::new("row");
        let names: Vec<&str> = rows.columns().iter().map(String::as_str).collect();
        if names.is_empty() {
            // Firebird names the columns with the first row.
            gathered.notes.push(format!("No rows were read from {url}."));
            return Ok(gathered);
        }
        let mut table = inventory::Table::of(&names, ignore)?;
        let mut line = 0;
        while let Some(cells) = rows.next().await? {
            line += 1;
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            if let Some(row) = table.row(line, &cells, &mut gathered.wrong)? {
                gathered.push(&row)?;
            }
            gathered.check()?;
            teller.reading(0, 1, gathered.rows);
        }
        gathered.notes.push(format!("{line} rows were read from {url}."));
        gathered.notes.extend(passed_over(table.ignored()));
        anyhow::Ok(gathered)
    };
    read.await.with_context(|| url.clone())
}

/// A sentence on columns that nobody looks at.
fn passed_over(columns: &[String]) -> Option<String> {
    (!columns.is_empty()).then(|| format!("Columns that are passed over: {}.", columns.join(", ")))
}
