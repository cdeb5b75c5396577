//! The mirror of the LDAP server.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Input, Outside, Problem};
use crate::http::access::By;
use crate::people::ldap::{LdapMirror, LdapStatus};

/// How everybody is to be read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// Believe the server however few people it gives.
    #[serde(default)]
    pub accept: bool,
}

fn mirror(outside: Outside) -> Result<LdapMirror, Problem> {
    outside.ldap.ok_or_else(|| {
        let told = "there is no LDAP server in the configuration; `[people.ldap]` names one";
        Problem::new(StatusCode::CONFLICT, told)
    })
}

pub(super) async fn status(State(outside): State<Outside>) -> Result<Json<LdapStatus>, Problem> {
    Ok(Json(mirror(outside)?.status()))
}

/// Begins to read everybody, unless that is being done. How far it is stands in the status.
pub(super) async fn sync(
    State(outside): State<Outside>,
    By(by): By,
    Input(request): Input<SyncRequest>,
) -> Result<(StatusCode, Json<LdapStatus>), Problem> {
    let mirror = mirror(outside)?;
    if mirror.start(request.accept, by) {
        return Ok((StatusCode::ACCEPTED, Json(mirror.status())));
    }
    let told = "all people are being read already; try again when that is done";
    Err(Problem::new(StatusCode::CONFLICT, told))
}
