//! The page: what the API can do, for people with a browser.
//!
//! Each view asks the API in this process, as the person who is signed in, so that there is one way to do a thing, one
//! table of roles and one journal. Templates are HTML that escapes everything; nothing on a page comes from elsewhere, and
//! no script or style stands in it.

mod customers;
mod files;
mod journal;
mod live;
mod notice;
mod now;
mod people;
mod phones;
mod plot;
mod queue_cache;
mod queues;
mod redirection;
mod system;
mod told;
mod views;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use minijinja::{Value, context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::access::{Access, Route, Signed, routes};
use super::admin::{Ask, InProcess};
use super::problem::{Problem, ProblemView};
use crate::model::{Extension, JournalEntry, Role};
use crate::provisioning::Provisioning;
use crate::store::Store;
use queue_cache::QueueCache;
use told::Line;
use views::{Views, value};

/// What the handlers work with.
#[derive(Clone)]
pub struct Page {
    api: InProcess,
    provisioning: Provisioning,
    access: Access,
    views: Arc<Views>,
    queues: Arc<QueueCache>,
}

/// Everything from us, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
/// The longest problem that is turned into a page.
const LONGEST: usize = 64 * 1024;

/// The pages of the operators' listener.
///
/// # Errors
/// A template has a mistake.
pub fn router(
    api: InProcess,
    provisioning: Provisioning,
    access: Access,
) -> Result<Router, minijinja::Error> {
    let views = Arc::new(Views::new(provisioning.site().domain.as_str())?);
    let page = Page { api, provisioning, access, views, queues: Arc::default() };
    let router = routes(table())
        .route("/sign-in", get(sign_in))
        .route("/static/{digest}/{name}", get(files::get))
        .layer(middleware::from_fn_with_state(page.clone(), dress))
        .with_state(page);
    Ok(router)
}

/// All pages and what can be done from them, and who may. What each asks of the API is checked there again.
pub fn table() -> Vec<Route<Page>> {
    use Role::{Admin, Helpdesk, Viewer};
    vec![
        Route::get("/", Viewer, now::show),
        Route::get("/live/now", Viewer, now::live),
        Route::get("/signed-in", Viewer, async || StatusCode::NO_CONTENT),
        Route::get("/find", Viewer, phones::find),
        Route::get("/phones", Viewer, phones::list),
        Route::get("/phones/{mac}", Viewer, phones::show),
        Route::get("/live/phones/{mac}", Viewer, phones::live),
        Route::get("/phones/{mac}/file", Viewer, phones::file),
        Route::get("/queues", Viewer, queues::show),
        Route::get("/live/queues", Viewer, queues::live),
        Route::post("/queues/sync", Admin, queues::sync),
        Route::get("/customers", Viewer, customers::show),
        Route::get("/redirection", Viewer, redirection::show),
        Route::get("/live/redirection", Viewer, redirection::live),
        Route::post("/redirection", Admin, redirection::start),
        Route::get("/journal", Viewer, journal::show),
        Route::get("/journal/export", Viewer, journal::export),
        Route::get("/system", Viewer, system::show),
        Route::post("/system/emergency-test", Helpdesk, system::test_emergency),
        Route::post("/phones/{mac}/log-out", Helpdesk, phones::log_out),
        Route::post("/phones/{mac}/log-in", Helpdesk, phones::log_in),
        Route::post("/phones/{mac}/resync", Helpdesk, phones::resync),
        Route::post("/phones/{mac}/restart", Helpdesk, phones::restart),
        Route::post("/phones/{mac}/enrolment", Admin, phones::enrol),
        Route::get("/people", Viewer, people::list),
        Route::get("/people/{extension}", Viewer, people::show),
        Route::post("/people/{extension}/log-in", Helpdesk, people::log_in),
        Route::post("/people/{extension}/log-out", Helpdesk, people::log_out),
        Route::post("/people/{extension}/pin", Helpdesk, people::set_pin),
        Route::post("/people/{extension}/unlock", Helpdesk, people::unlock),
        Route::post("/people/{extension}/away", Helpdesk, people::set_away),
    ]
}

/// Whom the sign-in is for, and whether the last one failed.
#[derive(serde::Deserialize)]
struct SignIn {
    refused: Option<String>,
    next: Option<String>,
}

async fn sign_in(
    State(page): State<Page>,
    signed: Option<Signed>,
    Query(asked): Query<SignIn>,
) -> Result<Response, Problem> {
    if signed.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let values = context! { refused => asked.refused.is_some(), next => asked.next };
    page.part("sign_in.html", values).map(|text| Html(text).into_response())
}

/// Problems become pages, and every page says what it may load.
async fn dress(
    State(page): State<Page>,
    signed: Option<Signed>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    if is_problem {
        let (mut parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, LONGEST).await.unwrap_or_default();
        let signed = signed.as_ref().map(context);
        let told = serde_json::from_slice::<ProblemView>(&body).ok().and_then(|told| {
            page.part("problem.html", context! { here => "", signed, ..value(told) }).ok()
        });
        let text = told.unwrap_or_else(|| "Something went wrong.".to_owned());
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        parts.headers.insert(header::CONTENT_TYPE, kind);
        parts.headers.remove(header::CONTENT_LENGTH);
        response = Response::from_parts(parts, text.into());
    }
    let policy = HeaderValue::from_static(POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Who is signed in, for a template.
fn context(signed: &Signed) -> Value {
    let Signed { operator, name, role, csrf } = signed;
    context! {
        name => name.as_str(),
        role => role.to_string(),
        csrf => csrf.to_string(),
        helpdesk => operator.may(Role::Helpdesk),
        admin => operator.may(Role::Admin),
    }
}

impl Page {
    /// The store, for what no function of the API tells: that something happened, and what phones and people are called.
    fn store(&self) -> &Store {
        self.provisioning.desk().store()
    }

    /// Asks the API as whoever is signed in.
    async fn ask<T: DeserializeOwned>(&self, signed: &Signed, ask: Ask<'_>) -> Result<T, Problem> {
        let failed = |told: String| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, told);
        let answer = self.api.ask_as(&signed.operator, ask).await;
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
        let signed = context(signed);
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
