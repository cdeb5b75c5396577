//! What webhooks are to be told, and telling them again.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::Outside;
use crate::desk;
use crate::http::problem::{Input, Params, Problem};
use crate::webhooks::{Webhooks, WebhooksView};

/// Which deliveries are meant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookQuery {
    /// Those of this target; of all, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// What is to be tried again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// All that was given up of this target; of all targets, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Only these, whatever the target.
    #[serde(default)]
    pub ids: Vec<i64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// How many are tried again.
    pub retried: u64,
}

pub(super) async fn list(
    State(outside): State<Outside>,
    Params(query): Params<WebhookQuery>,
) -> Result<Json<WebhooksView>, Problem> {
    let Some(webhooks) = outside.webhooks else { return Ok(Json(WebhooksView::default())) };
    let view = webhooks.view(query.target.as_deref()).await;
    view.map(Json).map_err(|error| Problem::from(desk::Error::from(error)))
}

pub(super) async fn retry(
    State(outside): State<Outside>,
    Input(RetryRequest { target, ids }): Input<RetryRequest>,
) -> Result<Json<Retried>, Problem> {
    let retried = match outside.webhooks {
        Some(webhooks) => again(&webhooks, target, ids).await?,
        None => 0,
    };
    Ok(Json(Retried { retried }))
}

async fn again(
    webhooks: &Webhooks,
    target: Option<String>,
    ids: Vec<i64>,
) -> Result<u64, desk::Error> {
    use crate::store::WriteError;
    webhooks.retry(target, ids).await.map_err(|error| match error {
        WriteError::Job(error) => error.into(),
        WriteError::Store(error) => desk::Error::Store(error.to_string()),
        WriteError::Busy => desk::Error::Busy,
    })
}
