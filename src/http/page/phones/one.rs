//! One phone's page: whose it is, whether it shows it, and if not, why.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use minijinja::{Value, context};
use serde::Deserialize;

use crate::http::access::Signed;
use crate::http::admin::{Ask, PhoneView};
use crate::http::page::notice::Notice;
use crate::http::page::views::value;
use crate::http::page::{Page, live};
use crate::http::problem::{Named, Problem};
use crate::model::{JournalEntry, Mac};
use crate::provisioning::Why;

/// How many requests of the phone are shown, the newest.
const REQUESTS: usize = 20;
/// How many entries of the journal are shown.
const ENTRIES: usize = 20;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http::page) struct Asked {
    done: Option<String>,
}

pub(in crate::http::page) async fn show(
    State(page): State<Page>,
    signed: Signed,
    Named(mac): Named<Mac>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    with(&page, &signed, mac, Notice::done(asked.done.as_deref()), context! {}).await
}

/// The page with a message, and what an action made that is shown this once.
pub(super) async fn with(
    page: &Page,
    signed: &Signed,
    mac: Mac,
    notice: Option<Notice>,
    made: Value,
) -> Result<Response, Problem> {
    let values = values(page, signed, mac).await?;
    let live = format!("/live/phones/{mac}");
    let notice = value(notice);
    page.html("phone.html", signed, context! { here => "phones", live, notice, made, ..values })
}

/// The page with the reason why something was not done.
pub(super) async fn refused(
    page: &Page,
    signed: &Signed,
    mac: Mac,
    problem: Problem,
) -> Result<Response, Problem> {
    if problem.status() == StatusCode::NOT_FOUND {
        return Err(problem);
    }
    let notice = Notice::refused(problem.detail());
    let shown = with(page, signed, mac, Some(notice), context! {}).await?;
    Ok((problem.status(), shown).into_response())
}

/// All that the page shows.
async fn values(page: &Page, signed: &Signed, mac: Mac) -> Result<Value, Problem> {
    let phone: PhoneView = page.ask(signed, Ask::get(&format!("/phones/{mac}"))).await?;
    let mut why: Why = page.ask(signed, Ask::get(&format!("/phones/{mac}/why"))).await?;
    why.requests.reverse();
    why.requests.truncate(REQUESTS);
    let requests: Vec<Value> = why
        .requests
        .iter()
        .map(|request| {
            let told = request.why.to_string();
            let is_good = request.status < 400;
            context! { request => value(request.clone()), told, is_good }
        })
        .collect();
    let journal = format!("/journal?phone={mac}&limit={ENTRIES}");
    let entries: Vec<JournalEntry> = page.ask(signed, Ask::get(&journal)).await?;
    let entries = page.lines(entries.iter().rev());
    let named = page.named(phone.owner.as_ref());
    let given = why.shown.as_ref().map(|shown| page.named(shown.user.as_ref()));
    let proof = why.enrolment.by.map(|by| by.as_str());
    Ok(context! {
        phone => value(phone),
        why => value(why),
        entries => value(entries),
        owner => named,
        requests, given, proof,
    })
}

pub(in crate::http::page) async fn live(
    State(page): State<Page>,
    signed: Signed,
    Named(mac): Named<Mac>,
) -> Result<Response, Problem> {
    let (to, by) = (page.clone(), signed.clone());
    let look = move |_: Vec<Arc<JournalEntry>>| {
        let (page, signed) = (page.clone(), signed.clone());
        async move { parts(&page, &signed, mac).await.unwrap_or_default() }.boxed()
    };
    live::stream(&to, &by, Box::new(look))
}

/// The page's live parts.
async fn parts(page: &Page, signed: &Signed, mac: Mac) -> Result<Vec<live::Part>, Problem> {
    let values = values(page, signed, mac).await?;
    let values = context! { signed => crate::http::page::context(signed), ..values };
    let mut parts = Vec::new();
    for (target, template) in [
        ("answer", "parts/answer.html"),
        ("way", "parts/way.html"),
        ("requests", "parts/requests.html"),
        ("journal", "parts/lines.html"),
    ] {
        parts.push((target, page.part(template, values.clone())?));
    }
    Ok(parts)
}
