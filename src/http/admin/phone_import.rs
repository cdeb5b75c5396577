//! Many phones at once.
//!
//! A request has a phone in each line, JSON. So has the answer: first what would change and what is wrong, then how far
//! the writing is, and at the end what was done.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{Params, Problem};
use crate::desk::{PhoneImport, PhonesImported};
use crate::http::access::By;
use crate::model::Actor;
use crate::provisioning::Provisioning;
use crate::provisioning::inventory::{Changed, Counts, Finding, MOST_PHONES, PhoneRow, Plan};

/// The largest request: as many phones as there may be, with all that may stand in a line.
pub(super) const BODY: usize = 64 << 20;
/// What a request and its answer are.
pub const JSON_LINES: &str = "application/x-ndjson";
/// How many lines of the answer wait for whoever reads it.
const WAITING: usize = 256;

/// How phones are imported.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportQuery {
    /// Say what would change, and change nothing.
    pub dry_run: bool,
    /// Open no window for new phones.
    pub no_window: bool,
}

/// A line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportStep {
    /// Something about a line or a phone.
    Found(Finding),
    /// All lines were looked at.
    Planned(Counts),
    /// So many phones are written of so many; none of them counts yet.
    Written(usize, usize),
    /// It is done.
    Done(PhonesImported),
    /// It was not done; nothing was changed.
    Failed(String),
}

pub(super) async fn import(
    State(provisioning): State<Provisioning>,
    By(by): By,
    Params(query): Params<ImportQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != JSON_LINES) {
        let told = format!("the request's Content-Type must be {JSON_LINES}");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, told));
    }
    let now = Timestamp::now();
    let planner = provisioning.clone();
    // Many lines take their time, and others want to be answered.
    let planned = tokio::task::spawn_blocking(move || {
        let rows = read(&body)?;
        drop(body);
        Ok::<Plan, Problem>(planner.plan_import(rows, now))
    });
    let lost = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the import broke off");
    let plan = planned.await.map_err(lost)??;
    let (steps, answer) = mpsc::channel(WAITING);
    tokio::spawn(run(provisioning, plan, query, steps, now, by));
    let lines = stream::unfold(answer, async |mut answer| {
        let step: ImportStep = answer.recv().await?;
        let mut line = serde_json::to_vec(&step).unwrap_or_default();
        line.push(b'\n');
        Some((Ok::<_, Infallible>(line), answer))
    });
    let kind = HeaderValue::from_static(JSON_LINES);
    Ok(([(header::CONTENT_TYPE, kind)], Body::from_stream(lines)).into_response())
}

/// The phones of a request.
fn read(body: &[u8]) -> Result<Vec<PhoneRow>, Problem> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut rows = Vec::new();
    for (at, line) in lines.enumerate() {
        if at == MOST_PHONES {
            return Err(Problem::value(format!("expected at most {MOST_PHONES} phones")));
        }
        let row = serde_json::from_slice(line);
        rows.push(row.map_err(|error| {
            Problem::value(format!("line {} of the request is no phone: {error}", at + 1))
        })?);
    }
    Ok(rows)
}

/// Tells what was found, and does it. Whoever asked and is gone by the time of writing gets nothing written.
async fn run(
    provisioning: Provisioning,
    plan: Plan,
    query: ImportQuery,
    steps: mpsc::Sender<ImportStep>,
    now: Timestamp,
    by: Actor,
) {
    let Plan { new, changed, findings, counts } = plan;
    for finding in findings {
        if steps.send(ImportStep::Found(finding)).await.is_err() {
            return;
        }
    }
    if steps.send(ImportStep::Planned(counts)).await.is_err() || query.dry_run || counts.wrong > 0 {
        return;
    }
    let changed = changed.into_iter().map(|Changed { old, new }| (old, new)).collect();
    let import = PhoneImport { new, changed, window: !query.no_window };
    let told = |done, all| drop(steps.try_send(ImportStep::Written(done, all)));
    let done = provisioning.desk().import_phones(import, told, now, by).await;
    let last = match done {
        Ok(done) => ImportStep::Done(done),
        Err(error) => ImportStep::Failed(error.to_string()),
    };
    // Who asked may be gone; what was done stays done.
    let _ = steps.send(last).await;
}
