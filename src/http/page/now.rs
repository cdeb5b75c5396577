//! *Now*: who sits where, what is not shown yet, the queues, what happened last; live.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use futures_util::FutureExt as _;
use minijinja::{Value, context};

use super::told::Line;
use super::views::value;
use super::{Page, live, plot};
use crate::http::access::Signed;
use crate::http::admin::{Ask, Overview, StagesView, Statistics};
use crate::http::problem::Problem;
use crate::model::{JournalEntry, NodeQueues};

/// How many entries of the journal are shown.
const ENTRIES: usize = 12;

pub(super) async fn show(State(page): State<Page>, signed: Signed) -> Result<Response, Problem> {
    let values = values(&page, &signed).await?;
    let statistics: Statistics = page.ask(&signed, Ask::get("/statistics")).await?;
    let stages: StagesView = page.ask(&signed, Ask::get("/phones/stages")).await?;
    let (week, stages) = (plot::week(&statistics), plot::stages(stages.stages.into_iter()));
    let values = context! { here => "now", live => "/live/now", week, stages, ..values };
    page.html("now.html", &signed, values)
}

/// All that the page shows.
async fn values(page: &Page, signed: &Signed) -> Result<Value, Problem> {
    let now: Overview = page.ask(signed, Ask::get("/overview")).await?;
    let entries: Vec<JournalEntry> =
        page.ask(signed, Ask::get(&format!("/journal?limit={ENTRIES}"))).await?;
    let entries = page.lines(entries.iter().rev());
    let queues = page.queues.now(page.ask::<Vec<NodeQueues>>(signed, Ask::get("/queues"))).await;
    Ok(context! { now => value(now), entries => value(entries), ..value(queues) })
}

pub(super) async fn live(State(page): State<Page>, signed: Signed) -> Result<Response, Problem> {
    let (to, by) = (page.clone(), signed.clone());
    let look = move |heard: Vec<Arc<JournalEntry>>| {
        let (page, signed) = (page.clone(), signed.clone());
        async move { parts(&page, &signed, &heard).await.unwrap_or_default() }.boxed()
    };
    live::stream(&to, &by, Box::new(look))
}

/// The page's live parts.
async fn parts(
    page: &Page,
    signed: &Signed,
    heard: &[Arc<JournalEntry>],
) -> Result<Vec<live::Part>, Problem> {
    let values = values(page, signed).await?;
    let mut parts = Vec::new();
    for (target, template) in [
        ("tiles", "parts/tiles.html"),
        ("desks", "parts/desks.html"),
        ("waiting", "parts/waiting.html"),
        ("queues", "parts/queues.html"),
        ("journal", "parts/lines.html"),
    ] {
        parts.push((target, page.part(template, values.clone())?));
    }
    // What a screen reader says: the last thing only, or a busy morning would never be silent.
    if let Some(entry) = heard.last() {
        let said = Line::of(entry, &page.store().memory()).plain();
        parts.push(("said", page.part("parts/said.html", context! { said })?));
    }
    Ok(parts)
}
