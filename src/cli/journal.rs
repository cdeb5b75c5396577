//! `hotdeskd journal`.

mod when;

use std::io::Write as _;

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::Printed;
use super::door::Door;
use super::output;
use crate::config::Config;
use crate::http::admin::{Ask, MOST_ENTRIES};
use crate::model::{Extension, Happening, HappeningKind, JournalEntry, Mac};
use crate::provisioning::inventory::safe_cell;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists what happened, oldest first.
    ///
    /// Times are those of this machine's zone: a day (`2026-11-22`), a moment (`2026-11-22 08:00`), or how long ago (`30m`,
    /// `8h`, `7d`).
    #[command(
        after_help = "Examples:\n  hotdeskd journal list --user 1001 --limit 20\n  hotdeskd journal list --since 8h --what login --what logout\n  hotdeskd journal list --since 2026-11-01 --until 2026-12-01 --all --csv > november.csv\n  hotdeskd journal list --after 1795343317750779 --json"
    )]
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only from then on.
    #[arg(long, value_name = "WHEN")]
    since: Option<when::When>,
    /// Only before then; of a day: before it begins.
    #[arg(long, value_name = "WHEN")]
    until: Option<when::When>,
    /// Only of this phone.
    #[arg(long, value_name = "MAC")]
    phone: Option<Mac>,
    /// Only of this user.
    #[arg(long, value_name = "EXTENSION")]
    user: Option<Extension>,
    /// Only of this kind, as in `login`; may be given several times.
    #[arg(long, value_name = "KIND")]
    what: Vec<HappeningKind>,
    /// Only those behind the entry with this id, and of these the oldest: to read on.
    #[arg(long, value_name = "ID", conflicts_with = "before")]
    after: Option<i64>,
    /// Only those before the entry with this id: to look further back.
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
    /// How many: the newest, unless --after is given.
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_ENTRIES)))]
    limit: u32,
    /// All of them, however many, as they are read; as CSV or JSON.
    #[arg(long, conflicts_with_all = ["limit", "before"])]
    all: bool,
    /// As CSV in UTF-8, the columns' names in the first line.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// As JSON; with --all one entry a line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let Command::List(list) = command;
    let door = Door::open(config).await?;
    if list.all {
        if !list.csv && !list.json {
            let error = anyhow::anyhow!("--all needs --csv or --json");
            return Err(super::Failure::Usage(error));
        }
        return Ok(all(list, &door).await?);
    }
    let path = list.path(list.limit, list.after);
    let entries: Vec<JournalEntry> = door.ask(Ask::get(&path)).await?;
    if list.json {
        return Ok(output::json(&entries)?);
    }
    if list.csv {
        return Ok(csv(&entries, true)?);
    }
    let rows = entries
        .iter()
        .map(|entry| [output::time(entry.at), entry.by.to_string(), sentence(&entry.what)]);
    let nothing = match list.is_filtered() {
        true => "Nothing of that happened.",
        false => "Nothing happened yet.",
    };
    Ok(output::table(["TIME", "BY", "WHAT"], rows, nothing))
}

/// All entries, printed as they come: they may be millions.
async fn all(list: &List, door: &Door) -> anyhow::Result<String> {
    let (mut after, mut is_first) = (list.after.unwrap_or(i64::MIN), true);
    let mut out = std::io::stdout().lock();
    loop {
        let path = list.path(MOST_ENTRIES, Some(after));
        let entries: Vec<JournalEntry> = door.ask(Ask::get(&path)).await?;
        let text = match list.csv {
            true => csv(&entries, is_first)?,
            false => entries
                .iter()
                .map(|one| Ok(serde_json::to_string(one)? + "\n"))
                .collect::<anyhow::Result<_>>()?,
        };
        // Who reads may have had enough.
        if out.write_all(text.as_bytes()).is_err() {
            return Ok(String::new());
        }
        is_first = false;
        match entries.last() {
            Some(last) if entries.len() == MOST_ENTRIES as usize => after = last.id,
            _ => return Ok(String::new()),
        }
    }
}

impl List {
    /// Whether not everything is asked for.
    fn is_filtered(&self) -> bool {
        let times = self.since.is_some() || self.until.is_some();
        let places = self.after.is_some() || self.before.is_some();
        times || places || self.phone.is_some() || self.user.is_some() || !self.what.is_empty()
    }

    /// The question to the API.
    fn path(&self, limit: u32, after: Option<i64>) -> String {
        let now = Zoned::now();
        let time = |when: &Option<when::When>| when.as_ref().map(|when| when.at(&now).to_string());
        let text = |value: Option<String>| value.unwrap_or_default();
        let what: Vec<&str> = self.what.iter().map(|kind| kind.as_str()).collect();
        let mut path = format!("/journal?limit={limit}");
        for (name, value) in [
            ("since", text(time(&self.since))),
            ("until", text(time(&self.until))),
            ("phone", text(self.phone.map(|phone| phone.to_string()))),
            ("user", text(self.user.as_ref().map(ToString::to_string))),
            ("what", what.join(",")),
            ("after", text(after.map(|id| id.to_string()))),
            ("before", text(self.before.map(|id| id.to_string()))),
        ] {
            if !value.is_empty() {
                let value = percent_encoding::utf8_percent_encode(
                    &value,
                    percent_encoding::NON_ALPHANUMERIC,
                );
                path += &format!("&{name}={value}");
            }
        }
        path
    }
}

/// The entries as CSV; each cell so that no spreadsheet takes it for a formula.
fn csv(entries: &[JournalEntry], with_names: bool) -> anyhow::Result<String> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    if with_names {
        writer.write_record(["id", "time", "by", "what", "phone", "user", "sentence"])?;
    }
    // In UTC, so that they are the same wherever they are read.
    let time =
        |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    for entry in entries {
        let what = &entry.what;
        let cells = [
            entry.id.to_string(),
            time(entry.at),
            entry.by.to_string(),
            what.kind().to_string(),
            what.phone().map(|phone| phone.to_string()).unwrap_or_default(),
            what.user().map(ToString::to_string).unwrap_or_default(),
            what.sentence(&time),
        ];
        writer.write_record(cells.map(|cell| safe_cell(output::plain(&cell))))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// What happened, in words.
pub(super) fn sentence(what: &Happening) -> String {
    what.sentence(&output::time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, EndReason};

    #[test]
    fn an_entry_is_a_line_for_a_spreadsheet_and_never_a_formula() {
        let at = Timestamp::from_second(1_795_343_317).unwrap();
        let phone: Mac = "0004132a0001".parse().unwrap();
        let entry = |id, what| JournalEntry { id, at, by: Actor::Daemon, what };
        let (user, reason) = ("1001".parse().unwrap(), EndReason::TimeOfDay);
        let service = "=HYPERLINK(\"x\"),\nb".to_owned();
        let entries = [
            entry(1, Happening::Logout { phone, user, reason }),
            entry(2, Happening::TemplateBroken { vendor: "snom".into(), error: service }),
        ];
        let text = csv(&entries, true).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("id,time,by,what,phone,user,sentence"));
        let logout = lines.next().unwrap();
        let begin = "1,2026-11-22T10:28:37Z,daemon,logout,0004132a0001,1001,";
        assert!(logout.starts_with(begin) && logout.ends_with(": time of day"), "{logout}");
        assert_eq!(lines.count(), 1, "{text}");
        assert!(csv(&entries[..1], false).unwrap().starts_with("1,"));
        assert_eq!(safe_cell("+4315550100 called".to_owned()), "'+4315550100 called");
    }
}
