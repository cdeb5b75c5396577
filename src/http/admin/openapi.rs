//! The API's description, OpenAPI 3.1: kept by hand in parts, and held by tests against the table of routes and against
//! what is really answered.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

/// What belongs to no kind of thing.
const BASE: &str = include_str!("openapi/base.json");
/// The parts: `paths` and `schemas` each.
const PARTS: [&str; 6] = [
    include_str!("openapi/found.json"),
    include_str!("openapi/phones.json"),
    include_str!("openapi/users.json"),
    include_str!("openapi/sessions.json"),
    include_str!("openapi/others.json"),
    include_str!("openapi/system.json"),
];

/// The document as it is answered.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The document, put together. What cannot be read is missing; a test says so before.
pub fn document() -> Value {
    let mut document: Value = serde_json::from_str(BASE).unwrap_or_default();
    for part in PARTS {
        let mut part: Value = serde_json::from_str(part).unwrap_or_default();
        for (from, to) in [("/paths", "/paths"), ("/schemas", "/components/schemas")] {
            let some = part.pointer_mut(from).map(Value::take);
            let all = document.pointer_mut(to).and_then(Value::as_object_mut);
            if let (Some(Value::Object(some)), Some(all)) = (some, all) {
                all.extend(some);
            }
        }
    }
    document
}

pub(super) async fn show() -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], DOCUMENT.as_str()).into_response()
}
