//! The queues: how they stand at each FreeSWITCH, and bringing them there now.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures_util::future::BoxFuture;

use super::Outside;
use crate::http::problem::Problem;
use crate::model::NodeQueues;

/// Who keeps the queues. Only a running daemon does: it has the connections.
pub trait QueueKeeper: Send + Sync {
    /// How they stand, node by node, and what is to be done. Nothing is changed.
    fn list(&self) -> BoxFuture<'_, Vec<NodeQueues>>;

    /// Does now what is to be done; tells what that was.
    fn sync(&self) -> BoxFuture<'_, Vec<NodeQueues>>;
}

pub(super) async fn list(State(outside): State<Outside>) -> Result<Json<Vec<NodeQueues>>, Problem> {
    Ok(Json(keeper(outside)?.list().await))
}

pub(super) async fn sync(State(outside): State<Outside>) -> Result<Json<Vec<NodeQueues>>, Problem> {
    Ok(Json(keeper(outside)?.sync().await))
}

fn keeper(outside: Outside) -> Result<Arc<dyn QueueKeeper>, Problem> {
    let told = "no daemon runs, and the queues are kept by it: start `hotdeskd serve`";
    outside.queues.ok_or_else(|| Problem::new(StatusCode::SERVICE_UNAVAILABLE, told))
}
