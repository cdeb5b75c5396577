//! What can be done at a phone.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;
use serde_json::json;

use super::one::{refused, with};
use crate::http::access::Signed;
use crate::http::admin::{Ask, ChangeView, Enrolled, Method};
use crate::http::page::views::value;
use crate::http::page::{Page, done};
use crate::http::problem::{Named, Problem};
use crate::model::Mac;

/// Who is to log in.
#[derive(Debug, Deserialize)]
pub(in crate::http::page) struct LogIn {
    user: String,
    #[serde(default)]
    also: Option<String>,
}

pub(in crate::http::page) async fn log_in(
    State(page): State<Page>,
    signed: Signed,
    Named(mac): Named<Mac>,
    Form(form): Form<LogIn>,
) -> Result<Response, Problem> {
    let mode = if form.also.is_some() { "also" } else { "only" };
    let body = json!({ "phone": mac, "user": form.user.trim(), "mode": mode });
    let ask = Ask::new(Method::POST, "/sessions").with(body);
    match page.ask::<Vec<ChangeView>>(&signed, ask).await {
        Ok(_) => Ok(done(&format!("/phones/{mac}"), "logged-in")),
        Err(problem) => refused(&page, &signed, mac, problem).await,
    }
}

pub(in crate::http::page) async fn log_out(
    State(page): State<Page>,
    signed: Signed,
    Named(mac): Named<Mac>,
) -> Result<Response, Problem> {
    let path = format!("/sessions/{mac}");
    match page.ask::<Vec<ChangeView>>(&signed, Ask::new(Method::DELETE, &path)).await {
        Ok(changes) if changes.is_empty() => Ok(done(&format!("/phones/{mac}"), "nobody")),
        Ok(_) => Ok(done(&format!("/phones/{mac}"), "logged-out")),
        Err(problem) => refused(&page, &signed, mac, problem).await,
    }
}

pub(in crate::http::page) async fn resync(
    State(page): State<Page>,
    signed: Signed,
    Named(mac): Named<Mac>,
) -> Result<Response, Problem> {
    tell(&page, &signed, mac, "resync").await
}

pub(in crate::http::page) async fn restart(
    State(page): State<Page>,
    signed: Signed,
    Named(mac): Named<Mac>,
) -> Result<Response, Problem> {
    tell(&page, &signed, mac, "restart").await
}

/// `what` is a path of the API and a word of the notices.
async fn tell(page: &Page, signed: &Signed, mac: Mac, what: &str) -> Result<Response, Problem> {
    let path = format!("/phones/{mac}/{what}");
    match page.ask::<()>(signed, Ask::new(Method::POST, &path)).await {
        Ok(()) => Ok(done(&format!("/phones/{mac}"), what)),
        Err(problem) => refused(page, signed, mac, problem).await,
    }
}

/// How a phone is to be enrolled.
#[derive(Debug, Deserialize)]
pub(in crate::http::page) struct Enrol {
    what: What,
    #[serde(default)]
    minutes: Option<u32>,
}

/// The buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Window,
    Close,
    Rotate,
    Revoke,
    Url,
}

pub(in crate::http::page) async fn enrol(
    State(page): State<Page>,
    signed: Signed,
    Named(mac): Named<Mac>,
    Form(form): Form<Enrol>,
) -> Result<Response, Problem> {
    let (body, word) = match form.what {
        What::Window => (json!({ "window": form.minutes.unwrap_or(60).max(1) }), "window"),
        What::Close => (json!({ "window": 0 }), "window-closed"),
        What::Rotate => (json!({ "rotate": true }), "rotated"),
        What::Revoke => (json!({ "revoke": true }), "revoked"),
        What::Url => (json!({ "show-url": true }), ""),
    };
    let path = format!("/phones/{mac}/enrolment");
    let ask = Ask::new(Method::POST, &path).with(body);
    match page.ask::<Enrolled>(&signed, ask).await {
        // A secret: it stands in this answer and in no address.
        Ok(enrolled) if form.what == What::Url => {
            let made = context! { url => value(enrolled.url) };
            with(&page, &signed, mac, None, made).await
        }
        Ok(_) => Ok(done(&format!("/phones/{mac}"), word)),
        Err(problem) => refused(&page, &signed, mac, problem).await,
    }
}
