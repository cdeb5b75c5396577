//! What all answers have in common: whatever is wrong is told as `application/problem+json`.

use std::any::Any;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;

use crate::http::problem::Problem;

/// The largest request: a user with many variables.
const BODY: usize = 64 * 1024;
/// The longest sentence that is told.
const SENTENCE: usize = 4 * 1024;

/// `router`, with its limits and with problems for everything that goes wrong in it.
pub(super) fn complete(router: Router) -> Router {
    router
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            let told = "this path is not for this method";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, told)
        })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_response(explained))
}

/// The panic itself is in the log.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let told = "a mistake of hotdeskd's own, and the log says more; whether the request was done is not known";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, told).into_response()
}

/// An error that a layer or an extractor tells in its own way, as ours are told.
async fn explained(response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind.is_some_and(|kind| !kind.starts_with(b"text/plain")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, SENTENCE).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let told = match (status, text.trim()) {
        (StatusCode::REQUEST_TIMEOUT, _) => {
            "it took too long, and whether it was done is not known; look, and try again"
        }
        (_, "") => status.canonical_reason().unwrap_or("it was not done"),
        (_, text) => text,
    };
    let problem = Problem::new(status, told).into_response();
    let (problem, body) = problem.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(problem.headers);
    Response::from_parts(parts, Body::new(body))
}

#[cfg(test)]
mod tests {
    use axum::extract::Query;
    use axum::http::Request;
    use axum::routing::{get, post};
    use tower::ServiceExt as _;

    use super::*;
    use crate::http::problem::ProblemView;

    #[tokio::test]
    async fn whatever_goes_wrong_is_told_in_the_same_way() {
        #[derive(serde::Deserialize)]
        struct Asked {
            limit: u32,
        }
        let router = Router::new()
            .route("/panic", get(async || -> &'static str { panic!("on purpose") }))
            .route("/query", get(async |Query(asked): Query<Asked>| asked.limit.to_string()))
            .route("/bare", get(async || StatusCode::SERVICE_UNAVAILABLE))
            .route("/slow", get(async || StatusCode::REQUEST_TIMEOUT))
            .route("/body", post(async |body: String| body));
        let router = complete(router);
        for (method, path, body, status, told) in [
            ("GET", "/nowhere", 0, 404, "nothing at this path"),
            ("POST", "/query", 0, 405, "not for this method"),
            ("GET", "/query?limit=x", 0, 400, "invalid digit"),
            ("GET", "/panic", 0, 500, "the log says more"),
            ("GET", "/bare", 0, 503, "Service Unavailable"),
            ("GET", "/slow", 0, 408, "try again"),
            ("POST", "/body", 70_000, 413, "length limit"),
        ] {
            let request = Request::builder().method(method).uri(path);
            let request = request.body(Body::from(vec![b'x'; body])).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
            if status == 405 {
                assert!(response.headers()["allow"].to_str().unwrap().contains("GET"));
            }
            let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
            let problem: ProblemView = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem.status, status, "{path}");
            assert!(problem.detail.contains(told), "{path}: {}", problem.detail);
        }
    }
}
