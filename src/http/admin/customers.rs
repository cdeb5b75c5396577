//! Who calls from a number.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::Problem;
use crate::customers::{Customers, Looked};

/// Whose number is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookUpQuery {
    /// As FreeSWITCH would have it.
    number: String,
}

pub(super) async fn look_up(
    State(customers): State<Customers>,
    query: Result<Query<LookUpQuery>, QueryRejection>,
) -> Result<Json<Looked>, Problem> {
    let Query(LookUpQuery { number }) = query.map_err(|refused| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the request: {}", refused.body_text()))
    })?;
    Ok(Json(customers.look_up(&number).await))
}
