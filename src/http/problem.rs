//! What is wrong with a request, as `application/problem+json`; and reading requests so that nothing
//! of them is repeated there but names.

use std::str::FromStr;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::desk;

/// An error as it is answered (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// An error.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    /// A status and a sentence.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    /// What is wrong.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The request is understood, but a value in it cannot be taken.
    pub fn value(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let view = ProblemView {
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, Json(view)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<desk::Error> for Problem {
    fn from(error: desk::Error) -> Self {
        let status = match &error {
            desk::Error::UnknownPhone(_) | desk::Error::UnknownUser(_) => StatusCode::NOT_FOUND,
            desk::Error::Refused(_)
            | desk::Error::ExtensionTaken(_)
            | desk::Error::Importing
            | desk::Error::Overtaken(_)
            | desk::Error::PinKeptElsewhere
            | desk::Error::KeptElsewhere(..) => StatusCode::CONFLICT,
            desk::Error::Reserved(_) | desk::Error::Base(_) | desk::Error::Pin(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            desk::Error::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
            desk::Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        if status.is_server_error() {
            tracing::error!(%error, "a request of an operator failed");
        }
        Self::new(status, error.to_string())
    }
}

/// The body of a request, JSON.
pub struct Input<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        // Asked for, because a form of a foreign web page cannot send it unasked.
        if !kind.is_some_and(|kind| kind.starts_with(b"application/json")) {
            let told = "the request's Content-Type must be application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, told));
        }
        let body = axum::body::Bytes::from_request(request, state).await;
        let body = body.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
        parse(&body).map(Self)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // serde would take a list for a struct, its fields in their order.
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Problem::value("the request: expected a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let message = error.inner().to_string();
        // "invalid type: integer `4711`, expected …" repeats the value, which may be a secret.
        let message = match message.rsplit_once(", expected ") {
            Some((_, expected)) if message.starts_with("invalid") => format!("expected {expected}"),
            _ => message,
        };
        Problem::value(match error.path().to_string().as_str() {
            "." => format!("the request: {message}"),
            path => format!("`{path}` in the request: {message}"),
        })
    })?;
    json.end().map_err(|_| Problem::value("the request: more follows behind the JSON value"))?;
    Ok(parsed)
}

/// What a request's query says.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|refused| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the request: {}", refused.body_text()))
        })
    }
}

/// A value in the request's path.
pub struct Named<T>(pub T);

impl<S: Send + Sync, T: FromStr<Err: std::fmt::Display>> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) =
            text.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
        let value = text.parse::<T>();
        value.map(Self).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the request's path: {error}"))
        })
    }
}
