//! FreeSWITCH's listener: `POST /freeswitch`, the questions of mod_xml_curl.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use tower_http::timeout::TimeoutLayer;

use super::auth::Credentials;
use crate::xml_curl::Directory;

/// The largest question: a dialplan's is about 6 KB.
const BODY: usize = 256 * 1024;
/// FreeSWITCH gives up after a second or two.
const ANSWER: Duration = Duration::from_secs(5);

/// What the listener answers.
#[derive(Clone)]
struct Switch {
    directory: Directory,
    credentials: Credentials,
}

/// The router. Everything needs the credentials; everybody without them gets the same 401.
pub fn router(directory: Directory, credentials: Credentials) -> Router {
    let switch = Switch { directory, credentials };
    Router::new()
        .route("/freeswitch", post(answer))
        .layer(middleware::from_fn_with_state(switch.clone(), authenticate))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER))
        .with_state(switch)
}

async fn authenticate(State(switch): State<Switch>, request: Request, next: Next) -> Response {
    if switch.credentials.are_in(request.headers()) {
        return next.run(request).await;
    }
    let challenge = HeaderValue::from_static("Basic realm=\"hotdeskd\"");
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}

/// Always 200: any other status is an error in FreeSWITCH's log, and says no more than *not found*.
async fn answer(State(switch): State<Switch>, body: Bytes) -> Response {
    let xml = switch.directory.answer(&body);
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"))], xml)
        .into_response()
}
