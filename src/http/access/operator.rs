//! Who asks, as handlers see it.

use std::convert::Infallible;
use std::fmt;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::session::SessionId;
use crate::http::problem::Problem;
use crate::model::{Actor, OperatorName, Role};

/// Who asks: a person who signed in, a program with a token, or whoever may use the unix socket.
#[derive(Debug, Clone)]
pub struct Operator {
    /// As the journal names it.
    pub actor: Actor,
    /// What it may do.
    pub role: Role,
    /// The session, where a cookie told it.
    pub(super) session: Option<SignedSession>,
}

/// What a request knows of its session.
#[derive(Debug, Clone)]
pub(super) struct SignedSession {
    pub(super) id: SessionId,
    pub(super) csrf: CsrfToken,
}

impl Operator {
    /// Whoever may use the unix socket: the file's mode says who, and that is everything.
    pub fn command() -> Self {
        Self { actor: Actor::Command, role: Role::Admin, session: None }
    }

    /// Whether this role's work may be done.
    pub fn may(&self, role: Role) -> bool {
        role <= self.role
    }

    /// The name; the unix socket has none.
    pub fn name(&self) -> Option<&OperatorName> {
        match &self.actor {
            Actor::Operator(name) => Some(name),
            Actor::Command | Actor::Caller(_) | Actor::Outside | Actor::Daemon => None,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| sign_in_first(parts))
    }
}

/// Whose name stands in the journal for what a request does.
#[derive(Debug, Clone)]
pub struct By(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let operator = <Operator as FromRequestParts<S>>::from_request_parts(parts, state);
        operator.await.map(|operator| Self(operator.actor))
    }
}

/// Somebody who signed in by a browser.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The same as an operator.
    pub operator: Operator,
    /// The name.
    pub name: OperatorName,
    /// What this person may do.
    pub role: Role,
    /// What each unsafe request has to bring along.
    pub csrf: CsrfToken,
}

impl Signed {
    fn of(operator: &Operator) -> Option<Self> {
        Some(Self {
            name: operator.name()?.clone(),
            role: operator.role,
            csrf: operator.session.as_ref()?.csrf.clone(),
            operator: operator.clone(),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get().and_then(Self::of).ok_or_else(|| sign_in_first(parts))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Signed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().and_then(Self::of))
    }
}

/// A session's token against requests that another site makes a browser send. Its `Debug` output tells none.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct CsrfToken(pub(super) String);

impl fmt::Display for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken")
    }
}

/// What stands for itself in the value of a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// The answer to a request of nobody: a browser is sent to the sign-in, everything else is told.
pub(super) fn sign_in_first(parts: &Parts) -> Response {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    refusal(&parts.method, &parts.headers, uri)
}

fn refusal(method: &Method, headers: &HeaderMap, uri: &Uri) -> Response {
    let problem = || {
        let told = "sign in first: send a token as `Authorization: Bearer …`, or use the page";
        Problem::new(StatusCode::UNAUTHORIZED, told).into_response()
    };
    if uri.path().starts_with("/api/") {
        let mut response = problem();
        let challenge = HeaderValue::from_static("Bearer realm=\"hotdeskd\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return response;
    }
    if headers.contains_key("hx-request") {
        let mut response = problem();
        response.headers_mut().insert("hx-redirect", HeaderValue::from_static("/sign-in"));
        return response;
    }
    if *method != Method::GET && *method != Method::HEAD {
        return problem();
    }
    let next = uri.path_and_query().map_or("/", |next| next.as_str());
    let to = format!("/sign-in?next={}", utf8_percent_encode(next, PLAIN));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}
