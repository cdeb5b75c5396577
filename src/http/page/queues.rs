//! *Queues*: what there should be and what there is, at each FreeSWITCH; live.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use futures_util::FutureExt as _;
use minijinja::{Value, context};

use super::notice::{Notice, WasDone};
use super::queue_cache::team;
use super::views::value;
use super::{Page, done, live, plot};
use crate::http::access::Signed;
use crate::http::admin::{Ask, Method, Statistics};
use crate::http::problem::Problem;
use crate::model::{JournalEntry, NodeQueues, Standing};

pub(super) async fn show(
    State(page): State<Page>,
    signed: Signed,
    Query(asked): Query<WasDone>,
) -> Result<Response, Problem> {
    with(&page, &signed, asked.notice()).await
}

/// The page with a message.
async fn with(page: &Page, signed: &Signed, notice: Option<Notice>) -> Result<Response, Problem> {
    let statistics: Statistics = page.ask(signed, Ask::get("/statistics")).await?;
    let values = context! {
        here => "queues",
        live => "/live/queues",
        notice => value(notice),
        waits => plot::waits(&statistics),
        ..nodes(page, signed).await
    };
    page.html("queues.html", signed, values)
}

/// The queues at each node, or why nothing can be said.
async fn nodes(page: &Page, signed: &Signed) -> Value {
    match page.ask::<Vec<NodeQueues>>(signed, Ask::get("/queues")).await {
        Ok(nodes) => {
            let named = |extension: &str| {
                let memory = page.store().memory();
                memory.user(&extension.parse().ok()?).map(|user| user.name.clone())
            };
            let nodes = nodes.iter().map(|one| node(one, &named));
            context! { nodes => nodes.collect::<Vec<_>>() }
        }
        Err(problem) => context! { nodes => Vec::<Value>::new(), trouble => problem.detail() },
    }
}

/// One node, for a template. `named` tells what a person with an extension is called.
fn node(node: &NodeQueues, named: &dyn Fn(&str) -> Option<String>) -> Value {
    let tone = |standing: Standing| match standing {
        Standing::Same => "good",
        Standing::Foreign => "calm",
        Standing::Differs | Standing::Missing | Standing::Surplus => "warn",
    };
    let queues = node.queues.iter().map(|queue| {
        let agents = queue.agents.iter().map(|(status, count)| format!("{count} {status}"));
        context! {
            name => team(&queue.queue),
            standing => queue.standing.to_string(),
            tone => tone(queue.standing),
            callers => queue.callers,
            agents => agents.collect::<Vec<_>>().join(", "),
        }
    });
    let agents = node.agents.iter().map(|agent| {
        context! {
            name => team(&agent.agent),
            person => named(team(&agent.agent)),
            standing => agent.standing.to_string(),
            tone => tone(agent.standing),
            status => agent.status.clone(),
            state => agent.state.clone(),
        }
    });
    let waiting = node.waiting.iter().map(|(step, why)| format!("{step}: {why}"));
    context! {
        name => node.node.clone(),
        trouble => node.trouble.clone(),
        queues => queues.collect::<Vec<_>>(),
        agents => agents.collect::<Vec<_>>(),
        steps => node.steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        waiting => waiting.collect::<Vec<_>>(),
    }
}

pub(super) async fn live(State(page): State<Page>, signed: Signed) -> Result<Response, Problem> {
    let (to, by) = (page.clone(), signed.clone());
    let look = move |_: Vec<Arc<JournalEntry>>| {
        let (page, signed) = (page.clone(), signed.clone());
        async move {
            let part = page.part("parts/nodes.html", nodes(&page, &signed).await);
            part.map(|part| vec![("nodes", part)]).unwrap_or_default()
        }
        .boxed()
    };
    live::stream(&to, &by, Box::new(look))
}

pub(super) async fn sync(State(page): State<Page>, signed: Signed) -> Result<Response, Problem> {
    match page.ask::<Vec<NodeQueues>>(&signed, Ask::new(Method::POST, "/queues/sync")).await {
        Ok(_) => Ok(done("/queues", "synced")),
        Err(problem) => with(&page, &signed, Some(Notice::refused(problem.detail()))).await,
    }
}
