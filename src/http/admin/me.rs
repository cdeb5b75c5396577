//! Who asks.

use axum::Json;
use serde::{Deserialize, Serialize};

use crate::http::access::{Operator, Signed};
use crate::model::{OperatorName, Role};

/// Who asks, as it is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MeView {
    /// The name; the unix socket has none.
    pub name: Option<OperatorName>,
    /// What may be done.
    pub role: Role,
    /// For whoever signed in: what unsafe requests send as `X-CSRF-Token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
}

pub(super) async fn show(operator: Operator, signed: Option<Signed>) -> Json<MeView> {
    let csrf = signed.map(|signed| signed.csrf.to_string());
    Json(MeView { name: operator.name().cloned(), role: operator.role, csrf })
}
