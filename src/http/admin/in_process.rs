//! The API without a socket: for a command when no daemon runs.

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, header};
use serde_json::Value;
use tower::ServiceExt as _;

pub use axum::http::Method;

use super::Outside;
use crate::http::access::Operator;
use crate::provisioning::Provisioning;

/// The longest answer: some hundred thousand phones.
const LONGEST: usize = 256 << 20;

/// A request of the API.
#[derive(Debug)]
pub struct Ask<'a> {
    /// What to do.
    pub method: Method,
    /// With what: the path behind `/api/v1`, and a query.
    pub path: &'a str,
    /// The request's JSON.
    pub body: Option<Value>,
    /// Refuse where there is one already (`If-None-Match: *`).
    pub only_new: bool,
}

impl<'a> Ask<'a> {
    /// A request without a body.
    pub fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, body: None, only_new: false }
    }

    /// A question.
    pub fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path)
    }

    /// The request with this body.
    pub fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// The router of the API, asked in this process. Cheap to clone.
#[derive(Clone)]
pub struct InProcess(Router);

impl InProcess {
    /// The API over this desk and its phones, and what is outside.
    pub fn new(provisioning: Provisioning, outside: Outside) -> Self {
        Self(super::router(provisioning, outside))
    }

    /// Sends bytes of a kind to a path; status and body of the answer, as it comes.
    ///
    /// # Errors
    /// The path is none.
    pub async fn send(
        &self,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<(u16, BodyDataStream), axum::Error> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/api/v1{path}"))
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .map_err(axum::Error::new)?;
        let response = self.0.clone().oneshot(request).await.map_err(axum::Error::new)?;
        Ok((response.status().as_u16(), response.into_body().into_data_stream()))
    }

    /// Status and body of the answer.
    ///
    /// # Errors
    /// The path is none, or the answer is longer than any can be.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<(u16, Vec<u8>), axum::Error> {
        self.ask_as(&Operator::command(), ask).await
    }

    /// The same as an operator: with that role, and that name in the journal.
    ///
    /// # Errors
    /// The path is none, or the answer is longer than any can be.
    pub async fn ask_as(
        &self,
        operator: &Operator,
        ask: Ask<'_>,
    ) -> Result<(u16, Vec<u8>), axum::Error> {
        let mut request = Request::builder().method(ask.method).uri(format!("/api/v1{}", ask.path));
        if ask.only_new {
            request = request.header(header::IF_NONE_MATCH, "*");
        }
        let body = match ask.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.extension(operator.clone()).body(body).map_err(axum::Error::new)?;
        let response = self.0.clone().oneshot(request).await.map_err(axum::Error::new)?;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), LONGEST).await?;
        Ok((status, body.to_vec()))
    }
}
