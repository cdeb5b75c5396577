//! The journal.

use axum::Json;
use axum::extract::{Query, State, rejection::QueryRejection};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::desk::Desk;
use crate::model::{Extension, JournalEntry, Mac};
use crate::store::JournalFilter;

/// The most entries in one answer.
const MOST: u32 = 1_000;

/// Which entries are asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalQuery {
    /// Only of this phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Mac>,
    /// Only of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Extension>,
    /// How many, the newest; 1 to 1,000.
    #[serde(default = "some")]
    pub limit: u32,
}

fn some() -> u32 {
    50
}

pub(super) async fn list(
    State(desk): State<Desk>,
    query: Result<Query<JournalQuery>, QueryRejection>,
) -> Result<Json<Vec<JournalEntry>>, Problem> {
    let Query(query) = query.map_err(|refused| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the request: {}", refused.body_text()))
    })?;
    if !(1..=MOST).contains(&query.limit) {
        return Err(Problem::value(format!("`limit` in the request: expected 1 to {MOST}")));
    }
    let filter = JournalFilter { phone: query.phone, user: query.user, limit: query.limit };
    let entries = desk.store().journal(&filter).await.map_err(crate::desk::Error::from)?;
    Ok(Json(entries))
}
