//! Two who change the same thing: `ETag` tells what was read, `If-Match` refuses a change of something else.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::http::problem::Problem;

/// What stands for a thing as it is kept: other whenever a change made it other.
pub(super) fn tag(kept: &impl Serialize) -> String {
    let text = serde_json::to_vec(kept).unwrap_or_default();
    let digest = Sha256::digest(text);
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// The header that tells it.
pub(super) fn header_of(tag: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(tag).ok()
}

/// Refuses a request that rests on something else than there is. `now` is the tag of what there is.
pub(super) fn matches(headers: &HeaderMap, now: Option<&str>) -> Result<(), Problem> {
    let mut given = headers.get_all(header::IF_MATCH).iter().peekable();
    if given.peek().is_none() {
        return Ok(());
    }
    let tags = given.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    if now.is_some_and(|now| tags.map(str::trim).any(|tag| tag == "*" || tag == now)) {
        return Ok(());
    }
    let told = "somebody has changed it since you read it, and nothing was done; read it again, and change that";
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, told))
}

/// Whether a thing is only to be added, never changed (`If-None-Match: *`).
pub(super) fn only_new(headers: &HeaderMap) -> Result<bool, Problem> {
    match headers.get(header::IF_NONE_MATCH) {
        None => Ok(false),
        Some(any) if any == "*" => Ok(true),
        Some(_) => {
            let told = "the request's If-None-Match: expected `*`, for what is only to be added";
            Err(Problem::new(StatusCode::BAD_REQUEST, told))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_rests_on_what_there_is() {
        let now = tag(&"as it is");
        let other = tag(&"as it was");
        assert_ne!(now, other);
        let both = format!("{other}, {now}");
        for (given, there, is_fine) in [
            (None, Some(&now), true),
            (None, None, true),
            (Some(now.as_str()), Some(&now), true),
            (Some("*"), Some(&now), true),
            (Some(&both), Some(&now), true),
            (Some(&other), Some(&now), false),
            (Some(&now), None, false),
            (Some("*"), None, false),
            (Some(""), Some(&now), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(given) = given {
                headers.insert(header::IF_MATCH, HeaderValue::from_str(given).unwrap());
            }
            assert_eq!(matches(&headers, there.map(String::as_str)).is_ok(), is_fine, "{given:?}");
        }
    }
}
