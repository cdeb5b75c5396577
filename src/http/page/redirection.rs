//! *Redirection*: what vendors' services were told, what they should be told, and telling them with its progress.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use futures_util::FutureExt as _;
use minijinja::{Value, context};
use serde::Deserialize;
use serde_json::json;

use super::notice::{Notice, WasDone};
use super::views::value;
use super::{Page, done, live};
use crate::http::access::Signed;
use crate::http::admin::{Ask, Method, RedirectionView};
use crate::http::problem::Problem;
use crate::model::JournalEntry;
use crate::provisioning::redirection::{Outcome, RunStatus};

/// How many rows are shown; the command line lists all.
const MOST: usize = 500;

pub(super) async fn show(
    State(page): State<Page>,
    signed: Signed,
    Query(asked): Query<WasDone>,
) -> Result<Response, Problem> {
    with(&page, &signed, asked.notice()).await
}

/// The page with a message.
async fn with(page: &Page, signed: &Signed, notice: Option<Notice>) -> Result<Response, Problem> {
    let mut rows: Vec<RedirectionView> = page.ask(signed, Ask::get("/redirection")).await?;
    let total = rows.len();
    rows.truncate(MOST);
    let values = context! {
        here => "redirection",
        live => "/live/redirection",
        notice => value(notice),
        rows => value(rows),
        total,
        ..run(page, signed).await
    };
    page.html("redirection.html", signed, values)
}

/// What is being done, and what came of the last order; why not, where there is no service.
async fn run(page: &Page, signed: &Signed) -> Value {
    let run = async {
        let status: RunStatus = page.ask(signed, Ask::get("/redirection/run")).await?;
        let last: Vec<Outcome> = page.ask(signed, Ask::get("/redirection/run/last")).await?;
        Ok::<_, Problem>((status, last))
    };
    match run.await {
        Ok((status, last)) => {
            let outcomes: Vec<Value> = last.into_iter().map(outcome).collect();
            context! { services => true, running => value(status.running), outcomes }
        }
        Err(problem) => context! { services => false, trouble => problem.detail() },
    }
}

/// What came of an order at one service. What needs nothing is counted only.
fn outcome(outcome: Outcome) -> Value {
    let fine = outcome.planned.iter().filter(|planned| !planned.step.is_to_do()).count();
    let planned: Vec<Value> = outcome
        .planned
        .iter()
        .filter(|planned| planned.step.is_to_do())
        .take(MOST)
        .map(|planned| {
            context! {
                phone => planned.phone.to_string(),
                step => planned.step.to_string(),
                detail => planned.detail.clone(),
            }
        })
        .collect();
    let failed: Vec<Value> = outcome
        .done
        .iter()
        .filter(|done| done.error.is_some())
        .take(MOST)
        .map(|done| {
            context! {
                phone => done.phone.to_string(), step => done.step.to_string(), error => done.error.clone(),
            }
        })
        .collect();
    context! { fine, planned, failures => failed, ..value(outcome) }
}

pub(super) async fn live(State(page): State<Page>, signed: Signed) -> Result<Response, Problem> {
    let (to, by) = (page.clone(), signed.clone());
    let look = move |_: Vec<Arc<JournalEntry>>| {
        let (page, signed) = (page.clone(), signed.clone());
        async move {
            let part = page.part("parts/redirection_run.html", run(&page, &signed).await);
            part.map(|part| vec![("run", part)]).unwrap_or_default()
        }
        .boxed()
    };
    live::stream(&to, &by, Box::new(look))
}

/// What is to be begun.
#[derive(Debug, Deserialize)]
pub(super) struct Order {
    task: Task,
}

/// The buttons.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Task {
    Plan,
    Apply,
    Stop,
}

pub(super) async fn start(
    State(page): State<Page>,
    signed: Signed,
    Form(order): Form<Order>,
) -> Result<Response, Problem> {
    let path = "/redirection/run";
    let told = match order.task {
        Task::Stop => {
            let stopped = page.ask::<()>(&signed, Ask::new(Method::DELETE, path)).await;
            stopped.map(|()| "stopped")
        }
        Task::Plan | Task::Apply => {
            let task = if matches!(order.task, Task::Plan) { "plan" } else { "apply" };
            let ask = Ask::new(Method::POST, path).with(json!({ "task": task }));
            page.ask::<RunStatus>(&signed, ask).await.map(|_| "started")
        }
    };
    match told {
        Ok(word) => Ok(done("/redirection", word)),
        Err(problem) => with(&page, &signed, Some(Notice::refused(problem.detail()))).await,
    }
}
