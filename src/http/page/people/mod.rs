//! *People*: found by what is typed, and one person's page.

mod actions;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

pub(super) use actions::{log_in, log_out, set_away, set_pin, unlock};

use super::notice::{Notice, WasDone};
use super::phones::ROWS;
use super::views::value;
use super::{Page, encoded};
use crate::http::access::Signed;
use crate::http::admin::{Ask, Overview, UserView, UsersFound};
use crate::http::problem::{Named, Problem};
use crate::model::{Extension, Happening, JournalEntry};

/// How many entries of the journal are shown.
const ENTRIES: usize = 30;

/// What the address says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    q: String,
    seated: bool,
    offset: usize,
}

pub(super) async fn list(
    State(page): State<Page>,
    signed: Signed,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let query = format!("q={}&seated={}", encoded(&filter.q), filter.seated);
    let path = format!("/users/search?{query}&offset={}&limit={ROWS}", filter.offset);
    let found: UsersFound = page.ask(&signed, Ask::get(&path)).await?;
    let values = context! {
        here => "people",
        found => value(found),
        words => encoded(&filter.q),
        filter => value(filter),
        query,
        rows => ROWS,
    };
    page.html("people.html", &signed, values)
}

pub(super) async fn show(
    State(page): State<Page>,
    signed: Signed,
    Named(extension): Named<Extension>,
    Query(asked): Query<WasDone>,
) -> Result<Response, Problem> {
    let notice = asked.notice();
    with(&page, &signed, &extension, notice, context! {}).await
}

/// The page with a message, and what an action made that is shown this once.
async fn with(
    page: &Page,
    signed: &Signed,
    extension: &Extension,
    notice: Option<Notice>,
    made: Value,
) -> Result<Response, Problem> {
    let user: UserView = page.ask(signed, Ask::get(&format!("/users/{extension}"))).await?;
    let journal = format!("/journal?user={extension}&limit={ENTRIES}");
    let entries: Vec<JournalEntry> = page.ask(signed, Ask::get(&journal)).await?;
    let entries = page.lines(entries.iter().rev());
    let locks = format!("/journal?user={extension}&what=pin-locked,pin-unlocked&limit=1");
    let locks: Vec<JournalEntry> = page.ask(signed, Ask::get(&locks)).await?;
    let locked = locks.first().and_then(|entry| match &entry.what {
        Happening::PinLocked { until, .. } if Timestamp::now() < *until => Some(*until),
        _ => None,
    });
    let found: Overview =
        page.ask(signed, Ask::get(&format!("/overview?user={extension}"))).await?;
    let seats = value(found.sessions);
    let (notice, entries, user) = (value(notice), value(entries), value(user));
    let locked = value(locked);
    let values = context! { here => "people", user, entries, seats, locked, notice, made };
    page.html("person.html", signed, values)
}

/// The page with the reason why something was not done.
async fn refused(
    page: &Page,
    signed: &Signed,
    extension: &Extension,
    problem: Problem,
) -> Result<Response, Problem> {
    if problem.status() == StatusCode::NOT_FOUND {
        return Err(problem);
    }
    let notice = Notice::refused(problem.detail());
    let shown = with(page, signed, extension, Some(notice), context! {}).await?;
    Ok((problem.status(), shown).into_response())
}
