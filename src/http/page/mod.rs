//! The page: what the API can do, for people with a browser.
//!
//! Each view asks the API in this process, as the person who is signed in, so that there is one way to do a thing, one
//! table of roles and one journal. Templates are HTML that escapes everything; nothing on a page comes from elsewhere, and
//! no script or style stands in it.

mod files;
mod live;
mod notice;
mod now;
mod people;
mod phones;
mod queue_cache;
mod signed;
mod told;
mod views;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use minijinja::{Value, context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::admin::{Ask, InProcess};
use super::problem::{Problem, ProblemView};
use crate::model::{Extension, JournalEntry};
use crate::provisioning::Provisioning;
use crate::store::Store;
use queue_cache::QueueCache;
use signed::Signed;
use told::Line;
use views::{Views, value};

/// What the handlers work with.
#[derive(Clone)]
pub struct Page {
    api: InProcess,
    provisioning: Provisioning,
    views: Arc<Views>,
    queues: Arc<QueueCache>,
}

/// Everything from us, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
/// The longest problem that is turned into a page.
const LONGEST: usize = 64 * 1024;

/// The pages of the admin listener.
///
/// # Errors
/// A template has a mistake.
pub fn router(api: InProcess, provisioning: Provisioning) -> Result<Router, minijinja::Error> {
    let views = Arc::new(Views::new(provisioning.site().domain.as_str())?);
    let page = Page { api, provisioning, views, queues: Arc::default() };
    let router = Router::new()
        .route("/", get(now::show))
        .route("/live/now", get(now::live))
        .route("/find", get(phones::find))
        .route("/phones", get(phones::list))
        .route("/phones/{mac}", get(phones::show))
        .route("/live/phones/{mac}", get(phones::live))
        .route("/phones/{mac}/log-out", post(phones::log_out))
        .route("/phones/{mac}/log-in", post(phones::log_in))
        .route("/phones/{mac}/resync", post(phones::resync))
        .route("/phones/{mac}/restart", post(phones::restart))
        .route("/phones/{mac}/enrolment", post(phones::enrol))
        .route("/people", get(people::list))
        .route("/people/{extension}", get(people::show))
        .route("/people/{extension}/log-in", post(people::log_in))
        .route("/people/{extension}/log-out", post(people::log_out))
        .route("/people/{extension}/pin", post(people::set_pin))
        .route("/people/{extension}/unlock", post(people::unlock))
        .route("/people/{extension}/away", post(people::set_away))
        .route("/sign-in", get(sign_in))
        .route("/static/{digest}/{name}", get(files::get))
        .layer(middleware::from_fn_with_state(page.clone(), dress))
        .with_state(page);
    Ok(router)
}

/// Whom the sign-in is for, and whether the last one failed.
#[derive(serde::Deserialize)]
struct SignIn {
    refused: Option<String>,
    next: Option<String>,
}

async fn sign_in(
    State(page): State<Page>,
    axum::extract::Query(asked): axum::extract::Query<SignIn>,
) -> Result<Html<String>, Problem> {
    let values = context! { refused => asked.refused.is_some(), next => asked.next };
    page.part("sign_in.html", values).map(Html)
}

/// Problems become pages, and every page says what it may load.
async fn dress(State(page): State<Page>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    if is_problem {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, LONGEST).await.unwrap_or_default();
        let told = serde_json::from_slice::<ProblemView>(&body);
        let text = told.ok().and_then(|told| page.part("problem.html", value(told)).ok());
        let text = text.unwrap_or_else(|| "Something went wrong.".to_owned());
        response = (parts.status, Html(text)).into_response();
    }
    let policy = HeaderValue::from_static(POLICY);
    response.headers_mut().insert(HeaderName::from_static("content-security-policy"), policy);
    response
}

impl Page {
    /// The store, for what no function of the API tells: that something happened, and what phones and people are called.
    fn store(&self) -> &Store {
        self.provisioning.desk().store()
    }

    /// Asks the API as whoever is signed in.
    async fn ask<T: DeserializeOwned>(&self, signed: &Signed, ask: Ask<'_>) -> Result<T, Problem> {
        let failed = |told: String| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, told);
        let _ = signed;
        let answer = self.api.ask(ask).await;
        let (status, body) = answer.map_err(|error| failed(format!("the API: {error}")))?;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if !status.is_success() {
            let told = serde_json::from_slice::<ProblemView>(&body);
            return Err(Problem::new(status, told.map(|told| told.detail).unwrap_or_default()));
        }
        let body = if body.is_empty() { b"null" } else { &body[..] };
        serde_json::from_slice(body).map_err(|error| failed(format!("the API's answer: {error}")))
    }

    /// A whole page.
    fn html(&self, template: &str, signed: &Signed, values: Value) -> Result<Response, Problem> {
        let signed = signed.context();
        Ok(Html(self.part(template, context! { signed, ..values })?).into_response())
    }

    /// A part of a page.
    fn part(&self, template: &str, values: Value) -> Result<String, Problem> {
        self.views.render(template, values).map_err(|error| {
            tracing::error!(template, %error, "a page cannot be made");
            let told = "this page cannot be made; the daemon's log says why";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, told)
        })
    }

    /// A person's name and extension; absent where there is nobody.
    fn named(&self, user: Option<&Extension>) -> Option<String> {
        let user = user?;
        let memory = self.store().memory();
        let name = memory.user(user).map(|known| format!("{} ({user})", known.name));
        Some(name.unwrap_or_else(|| user.to_string()))
    }

    /// Journal entries as people read them.
    fn lines<'a>(&self, entries: impl Iterator<Item = &'a JournalEntry>) -> Vec<Line> {
        let memory = self.store().memory();
        entries.map(|entry| Line::of(entry, &memory)).collect()
    }
}

/// Words in an address's query.
fn encoded(words: &str) -> String {
    utf8_percent_encode(words, NON_ALPHANUMERIC).to_string()
}

/// Back to a page that says what was done: a browser that loads it again does nothing twice.
fn done(path: &str, word: &str) -> Response {
    let separator = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{separator}done={word}")).into_response()
}
