//! Redirection services: what they were told, and telling them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Input, Outside, PageQuery, Params, Problem, paging};
use crate::desk::Desk;
use crate::http::access::By;
use crate::model::{Mac, Redirection, RedirectionState};
use crate::provisioning::redirection::{NotBegun, Order, Outcome, Redirections, RunStatus};

/// What a service was told of a phone, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectionView {
    /// Which phone.
    pub phone: Mac,
    /// The service's name.
    pub service: String,
    /// How far it is.
    pub state: RedirectionState,
    /// Since when.
    pub at: Timestamp,
    /// When it was first seen that the service sends the phone to us.
    pub registered: Option<Timestamp>,
    /// Why the service refused.
    pub reason: Option<String>,
    /// What people call the place, where the phone is in the inventory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl From<&Redirection> for RedirectionView {
    fn from(row: &Redirection) -> Self {
        Self {
            phone: row.phone,
            service: row.service.clone(),
            state: row.state,
            at: row.at,
            registered: row.registered,
            reason: row.reason.clone(),
            label: None,
        }
    }
}

fn services(outside: Outside) -> Result<Redirections, Problem> {
    outside
        .redirections
        .ok_or_else(|| Problem::new(StatusCode::CONFLICT, NotBegun::NoService.to_string()))
}

/// What the services were told, as it stands in the store.
/// A row's key is the phone and the service, `0004132a0001:snom`.
pub(super) async fn list(
    State(desk): State<Desk>,
    OriginalUri(uri): OriginalUri,
    Params(asked): Params<PageQuery<String>>,
) -> Response {
    let memory = desk.store().memory();
    let key = |row: &Redirection| format!("{}:{}", row.phone, row.service);
    let rows: BTreeMap<String, &Redirection> =
        memory.redirections().map(|row| (key(row), row)).collect();
    let (keys, more) =
        paging::part(rows.keys().collect(), asked.limit, asked.after.as_ref().as_ref());
    let rows = keys.iter().filter_map(|key| rows.get(*key)).map(|row| {
        let label = memory.phone(row.phone).and_then(|phone| phone.label.clone());
        RedirectionView { label, ..(*row).into() }
    });
    let rows: Vec<RedirectionView> = rows.collect();
    let next = keys.last().filter(|_| more).map(|key| key.as_str());
    paging::answer(&rows, &uri, next)
}

pub(super) async fn status(State(outside): State<Outside>) -> Result<Json<RunStatus>, Problem> {
    Ok(Json(services(outside)?.status()))
}

/// Begins something, unless something is being done. How far it is stands in the status.
pub(super) async fn start(
    State(outside): State<Outside>,
    By(by): By,
    Input(order): Input<Order>,
) -> Result<(StatusCode, Json<RunStatus>), Problem> {
    let services = services(outside)?;
    let before = services.status().ended;
    services.start(order, by).map_err(|refused| {
        let status = match refused {
            NotBegun::NoService | NotBegun::Busy => StatusCode::CONFLICT,
            NotBegun::NoSuchService => StatusCode::NOT_FOUND,
            NotBegun::NoPhones | NotBegun::WhichService => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Problem::new(status, refused.to_string())
    })?;
    // Short work may have ended by now.
    Ok((StatusCode::ACCEPTED, Json(RunStatus { ended: before, ..services.status() })))
}

pub(super) async fn stop(State(outside): State<Outside>) -> Result<StatusCode, Problem> {
    services(outside)?.stop();
    Ok(StatusCode::NO_CONTENT)
}

/// What came of it.
pub(super) async fn last(State(outside): State<Outside>) -> Result<Json<Vec<Outcome>>, Problem> {
    Ok(Json(services(outside)?.last()))
}
