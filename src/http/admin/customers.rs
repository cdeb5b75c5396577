//! Who calls from a number.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::Params;
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
    Params(LookUpQuery { number }): Params<LookUpQuery>,
) -> Json<Looked> {
    Json(customers.look_up(&number).await)
}
