//! What an import tells: how far it is, and what it found.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::output::plain;
use crate::desk::PhonesImported;
use crate::http::admin::ImportStep;
use crate::provisioning::inventory::{Counts, FieldChange, Finding, Wrong};

/// How often it is told how far it is, where nobody watches a bar.
const TELL: Duration = Duration::from_secs(2);
/// How many lines of a kind are listed unasked.
const LISTED: usize = 20;
/// The same of what is wrong, which somebody is going to correct.
const LISTED_WRONG: usize = 200;

/// Tells how far it is, on standard error: as a bar where somebody watches, else in lines.
pub(super) struct Teller {
    bar: Option<ProgressBar>,
    told: Cell<Instant>,
}

impl Teller {
    pub(super) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg:9} {wide_bar} {elapsed_precise}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(1).with_style(style)
        });
        Self { bar, told: Cell::new(Instant::now()) }
    }

    /// So many bytes of so many are read, and so many phones in them. Nobody knows the size of standard input.
    pub(super) fn reading(&self, bytes: u64, size: u64, rows: usize) {
        self.at("reading", bytes, size.max(bytes), rows);
    }

    /// The daemon looks at so many phones.
    pub(super) fn comparing(&self, rows: usize) {
        self.at("comparing", 0, 1, rows);
    }

    pub(super) fn tell(&self, step: &ImportStep) {
        if let ImportStep::Written(done, all) = step {
            self.at("writing", *done as u64, *all as u64, *done);
        }
    }

    fn at(&self, what: &'static str, at: u64, of: u64, rows: usize) {
        let is_due = self.told.get().elapsed() >= TELL;
        match &self.bar {
            Some(bar) => {
                bar.set_message(what);
                bar.set_length(of);
                bar.set_position(at);
            }
            None if is_due => {
                self.told.set(Instant::now());
                eprintln!("{what}: {rows} phones");
            }
            None => {}
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What was found, and what was done.
pub(super) struct Report {
    notes: Vec<String>,
    /// What the place of a phone is called: a line of a file, a row of a query.
    place: &'static str,
    findings: Vec<Finding>,
    counts: Option<Counts>,
    done: Option<PhonesImported>,
    failed: Option<String>,
}

/// The same for programs.
#[derive(Serialize)]
pub(super) struct ReportView<'r> {
    dry_run: bool,
    notes: &'r [String],
    counts: Counts,
    found: &'r [Finding],
    done: Option<PhonesImported>,
    failed: Option<String>,
}

impl Report {
    /// `notes` are sentences about the file as a whole.
    pub(super) fn new(notes: Vec<String>, place: &'static str) -> Self {
        let (findings, counts, done, failed) = Default::default();
        Self { notes, place, findings, counts, done, failed }
    }

    pub(super) fn take(&mut self, step: ImportStep) {
        match step {
            ImportStep::Found(finding) => self.findings.push(finding),
            ImportStep::Planned(counts) => self.counts = Some(counts),
            ImportStep::Written(..) => {}
            ImportStep::Done(done) => self.done = Some(done),
            ImportStep::Failed(why) => self.failed = Some(why),
        }
    }

    /// How many of each, with the lines that were wrong before anybody looked at the inventory.
    fn counts(&self) -> Counts {
        let wrong = self.findings.iter().filter_map(|finding| match finding {
            Finding::Wrong(wrong) => Some(wrong.line),
            _ => None,
        });
        let wrong = wrong.collect::<BTreeSet<u64>>().len();
        Counts { wrong, ..self.counts.unwrap_or_default() }
    }

    /// Why it did not do what it should.
    pub(super) fn failure(&self) -> Option<String> {
        match (&self.failed, self.counts(), self.counts.is_some()) {
            (Some(why), ..) => Some(why.clone()),
            (None, Counts { wrong: 1, .. }, _) => {
                Some(format!("one {} is wrong; nothing was imported", self.place))
            }
            (None, Counts { wrong: 2.., .. }, _) => {
                let wrong = self.counts().wrong;
                Some(format!("{wrong} {}s are wrong; nothing was imported", self.place))
            }
            (None, _, false) => Some("the daemon's answer broke off".to_owned()),
            _ => None,
        }
    }

    pub(super) fn json(&self, dry_run: bool) -> ReportView<'_> {
        ReportView {
            dry_run,
            notes: &self.notes,
            counts: self.counts(),
            found: &self.findings,
            done: self.done,
            failed: self.failed.clone(),
        }
    }

    /// In words: `all` lines, and those of phones that are `not_listed`.
    pub(super) fn in_words(&self, dry_run: bool, all: bool, not_listed: bool) -> String {
        let mut told: String = self.notes.iter().map(|note| plain(note) + "\n").collect();
        let place = self.place;
        let of = |kind: fn(&Finding, &str) -> Option<(u64, String)>| {
            let mut lines: Vec<(u64, String)> =
                self.findings.iter().filter_map(|finding| kind(finding, place)).collect();
            // What was wrong at once stands before what was wrong later.
            lines.sort_by_key(|(line, _)| *line);
            lines.into_iter().map(|(_, told)| told).collect::<Vec<_>>()
        };
        let most = |most: usize| if all { usize::MAX } else { most };
        told += &list("New", of(new), most(LISTED));
        told += &list("Changed", of(changed), most(LISTED));
        if not_listed {
            told += &list("In the inventory and not listed", of(missing), usize::MAX);
        }
        told += &list("Look at", of(warning), most(LISTED));
        told += &list("Wrong", of(wrong), most(LISTED_WRONG));
        let Counts { new, changed, unchanged, wrong, not_listed, .. } = self.counts();
        let would = match (dry_run, self.done) {
            (true, _) => "A dry run: ",
            (false, Some(_)) => "Imported: ",
            (false, None) => "Not imported: ",
        };
        told += &format!(
            "{would}{new} new, {changed} changed, {unchanged} unchanged, {wrong} wrong; {not_listed} of the \
             inventory are not listed and stay.\n"
        );
        match self.done.map_or(0, |done| done.seated) {
            0 => {}
            1 => told += "One owner sits at the phone now.\n",
            seated => told += &format!("{seated} owners sit at their phones now.\n"),
        }
        told
    }
}

/// A heading and what stands below it; nothing where there is nothing.
fn list(heading: &str, lines: Vec<String>, most: usize) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut told = format!("{heading}:\n");
    told.extend(lines.iter().take(most).map(|line| format!("  {}\n", plain(line))));
    if lines.len() > most {
        told += &format!("  and {} more; --all lists them\n", lines.len() - most);
    }
    told
}

fn new(finding: &Finding, place: &str) -> Option<(u64, String)> {
    let Finding::New { line, mac, vendor, model, label } = finding else { return None };
    let words = [vendor, model].into_iter().flatten().map(|word| format!(" {word}"));
    let label = label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    Some((*line, format!("{place} {line}: {mac}{}{label}", words.collect::<String>())))
}

fn changed(finding: &Finding, place: &str) -> Option<(u64, String)> {
    let Finding::Changed { line, mac, fields } = finding else { return None };
    let fields = fields.iter().map(|FieldChange { column, old, new }| {
        format!("{column} {} -> {}", quoted(old), quoted(new))
    });
    let fields = fields.collect::<Vec<_>>().join(", ");
    Some((*line, format!("{place} {line}: {mac}: {fields}")))
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") }
}

fn missing(finding: &Finding, _place: &str) -> Option<(u64, String)> {
    let Finding::NotListed { mac, label } = finding else { return None };
    let label = label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    Some((0, format!("{mac}{label}")))
}

fn warning(finding: &Finding, place: &str) -> Option<(u64, String)> {
    let Finding::Warning { line, mac, told } = finding else { return None };
    Some((*line, format!("{place} {line}: {mac}: {told}")))
}

fn wrong(finding: &Finding, place: &str) -> Option<(u64, String)> {
    let Finding::Wrong(wrong) = finding else { return None };
    Some((wrong.line, wrong_line(wrong, place)))
}

/// What is wrong with a line, in a sentence.
pub(super) fn wrong_line(wrong: &Wrong, place: &str) -> String {
    let Wrong { line, column, found, why } = wrong;
    match (column.as_str(), found.as_str()) {
        ("", _) => format!("{place} {line}: {why}"),
        (column, "") => format!("{place} {line}, {column}: found nothing: {why}"),
        (column, found) => format!("{place} {line}, {column}: found `{found}`: {why}"),
    }
}
