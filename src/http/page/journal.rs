//! *Journal*: looked through by time, phone, person and kind, and taken along.

use std::fmt::Write as _;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use minijinja::context;
use serde::{Deserialize, Serialize};

use super::views::value;
use super::{Page, encoded};
use crate::http::access::Signed;
use crate::http::admin::{Ask, MOST_ENTRIES};
use crate::http::problem::Problem;
use crate::model::{Extension, HappeningKind, JournalEntry, Mac};

/// How many entries a page has.
const ENTRIES: usize = 100;
/// The most entries that are taken along at once.
const MOST: usize = 50_000;

/// What the address says. What is not filled in is empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    phone: String,
    user: String,
    what: String,
    since: String,
    until: String,
    before: Option<i64>,
}

impl Filter {
    /// The question to the API.
    fn query(&self) -> Result<String, Problem> {
        let mut query = String::new();
        if !self.phone.trim().is_empty() {
            let phone: Mac = checked(&self.phone, "the phone")?;
            let _ = write!(query, "&phone={phone}");
        }
        if !self.user.trim().is_empty() {
            let user: Extension = checked(&self.user, "the person")?;
            let _ = write!(query, "&user={user}");
        }
        if !self.what.is_empty() {
            let what: HappeningKind = checked(&self.what, "what happened")?;
            let _ = write!(query, "&what={what}");
        }
        for (name, text, days) in [("since", &self.since, 0), ("until", &self.until, 1)] {
            if text.is_empty() {
                continue;
            }
            let day: Date = checked(text, name)?;
            // The whole of the last day.
            let day = (0..days).try_fold(day, |day, _| day.tomorrow());
            let zoned = day.and_then(|day| day.to_zoned(TimeZone::system()));
            let at = zoned.map_err(|error| Problem::value(format!("{name}: {error}")))?;
            let _ = write!(query, "&{name}={}", encoded(&at.timestamp().to_string()));
        }
        Ok(query)
    }

    /// The same filter in an address of the page, without where it looks further back from.
    fn kept(&self) -> String {
        let fields = [
            ("phone", &self.phone),
            ("user", &self.user),
            ("what", &self.what),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let fields = fields.into_iter().filter(|(_, text)| !text.is_empty());
        let fields: Vec<String> =
            fields.map(|(name, text)| format!("{name}={}", encoded(text))).collect();
        fields.join("&")
    }
}

/// A value of the filter.
fn checked<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: &str,
    name: &str,
) -> Result<T, Problem> {
    text.trim().parse().map_err(|error| Problem::value(format!("{name}: {error}")))
}

pub(super) async fn show(
    State(page): State<Page>,
    signed: Signed,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let asked = async {
        let before = filter.before.map(|id| format!("&before={id}")).unwrap_or_default();
        let path = format!("/journal?limit={ENTRIES}{before}{}", filter.query()?);
        page.ask::<Vec<JournalEntry>>(&signed, Ask::get(&path)).await
    };
    let (entries, refused) = match asked.await {
        Ok(entries) => (entries, None),
        Err(problem) => (Vec::new(), Some(problem.detail().to_owned())),
    };
    let further = (entries.len() == ENTRIES).then(|| entries.first().map(|entry| entry.id));
    let entries = page.lines(entries.iter().rev());
    let kinds: Vec<&str> = HappeningKind::all().map(HappeningKind::as_str).collect();
    let values = context! {
        here => "journal",
        entries => value(entries),
        kept => filter.kept(),
        filter => value(filter),
        further => further.flatten(),
        kinds, refused,
    };
    page.html("journal.html", &signed, values)
}

/// The entries as a file for a spreadsheet.
pub(super) async fn export(
    State(page): State<Page>,
    signed: Signed,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let query = filter.query()?;
    let mut all: Vec<JournalEntry> = Vec::new();
    while all.len() < MOST {
        let before = all.last().map(|entry| format!("&before={}", entry.id)).unwrap_or_default();
        let path = format!("/journal?limit={MOST_ENTRIES}{before}{query}");
        let mut entries: Vec<JournalEntry> = page.ask(&signed, Ask::get(&path)).await?;
        let is_last = entries.len() < MOST_ENTRIES as usize;
        entries.reverse();
        all.append(&mut entries);
        if is_last {
            break;
        }
    }
    let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
    let file = (header::CONTENT_DISPOSITION, "attachment; filename=\"hotdeskd-journal.csv\"");
    Ok(([kind, file], csv(&all)).into_response())
}

/// Newest first, a line for each.
fn csv(entries: &[JournalEntry]) -> String {
    let mut text = String::from("time,by,what,phone,user,sentence\r\n");
    for entry in entries {
        let phone = entry.what.phone().map(|phone| phone.to_string()).unwrap_or_default();
        let user = entry.what.user().map(ToString::to_string).unwrap_or_default();
        let sentence = entry.what.sentence(&|at| at.to_string());
        let by = entry.by.to_string();
        let at = entry.at.to_string();
        let fields = [&at, &by, entry.what.kind().as_str(), &phone, &user, &sentence];
        let fields: Vec<String> = fields.into_iter().map(cell).collect();
        text += &fields.join(",");
        text += "\r\n";
    }
    text
}

/// A cell that no spreadsheet takes for a formula: names in it come from anywhere.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_takes_no_name_for_a_formula() {
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(cell("Ada, Countess"), "\"Ada, Countess\"");
    }

    #[test]
    fn a_day_ends_at_its_end_and_mistakes_are_told() {
        let filter = |since: &str, until: &str| Filter {
            since: since.into(),
            until: until.into(),
            ..Filter::default()
        };
        let query = filter("2026-11-22", "2026-11-22").query().unwrap();
        let times: Vec<jiff::Timestamp> = query
            .split('&')
            .filter_map(|field| Some(field.split_once('=')?.1))
            .map(|text| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().parse())
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(times[1].as_second() - times[0].as_second(), 86_400);
        assert!(filter("yesterday", "").query().is_err());
        let filter = Filter { phone: "desk".into(), ..Filter::default() };
        assert!(filter.query().unwrap_err().detail().starts_with("the phone: "));
    }
}
