//! Would every phone get through to an emergency service? Walked, not dialled.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Outside;
use crate::http::problem::Problem;
use crate::model::EmergencyTest;

/// Who walks every phone's emergency calls through what FreeSWITCH has on its disk.
pub trait EmergencyTester: Send + Sync {
    /// Begins, unless a walk is under way. It takes seconds where there are thousands of phones.
    fn start(&self);

    /// What came of the last walk, and whether one is under way.
    fn status(&self) -> EmergencyTestView;
}

/// A walk, and what came of the last one since the daemon started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyTestView {
    /// Since when one is under way.
    pub running: Option<Timestamp>,
    /// When the last one was done.
    pub finished: Option<Timestamp>,
    /// What it found.
    pub found: Option<EmergencyTest>,
    /// Why it found nothing.
    pub failed: Option<String>,
}

fn tester(outside: Outside) -> Result<Arc<dyn EmergencyTester>, Problem> {
    let told = "no daemon runs; `hotdeskd emergency test` does it without one";
    outside.emergency.ok_or_else(|| Problem::new(StatusCode::SERVICE_UNAVAILABLE, told))
}

pub(super) async fn show(
    State(outside): State<Outside>,
) -> Result<Json<EmergencyTestView>, Problem> {
    Ok(Json(tester(outside)?.status()))
}

/// Begins a walk. How it went stands in the status.
pub(super) async fn start(
    State(outside): State<Outside>,
) -> Result<(StatusCode, Json<EmergencyTestView>), Problem> {
    let tester = tester(outside)?;
    tester.start();
    Ok((StatusCode::ACCEPTED, Json(tester.status())))
}
