//! What can be done for a person.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use minijinja::{Value, context};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{refused, with};
use crate::http::access::Signed;
use crate::http::admin::{Ask, ChangeView, Method, PhonesFound, UserView};
use crate::http::page::{Page, done, encoded};
use crate::http::problem::{Named, Problem};
use crate::model::{Extension, Mac};

/// Where somebody is to log in.
#[derive(Debug, Deserialize)]
pub(in crate::http::page) struct LogIn {
    phone: String,
    #[serde(default)]
    also: Option<String>,
}

pub(in crate::http::page) async fn log_in(
    State(page): State<Page>,
    signed: Signed,
    Named(extension): Named<Extension>,
    Form(form): Form<LogIn>,
) -> Result<Response, Problem> {
    let mode = if form.also.is_some() { "also" } else { "only" };
    let logged_in = async {
        let phone = phone(&page, &signed, form.phone.trim()).await?;
        let body = json!({ "phone": phone, "user": extension, "mode": mode });
        let ask = Ask::new(Method::POST, "/sessions").with(body);
        page.ask::<Vec<ChangeView>>(&signed, ask).await
    };
    match logged_in.await {
        Ok(_) => Ok(done(&format!("/people/{extension}"), "logged-in")),
        Err(problem) => refused(&page, &signed, &extension, problem).await,
    }
}

/// The phone that is meant: by its MAC address, or as the only one with these words.
async fn phone(page: &Page, signed: &Signed, named: &str) -> Result<Mac, Problem> {
    if let Ok(mac) = named.parse() {
        return Ok(mac);
    }
    if named.is_empty() {
        return Err(Problem::value("expected a desk's name or a phone's MAC address"));
    }
    let path = format!("/phones/search?q={}&limit=1000", encoded(named));
    let found: PhonesFound = page.ask(signed, Ask::get(&path)).await?;
    let mut exact = found.phones.iter().filter(|phone| {
        phone.label.as_ref().is_some_and(|label| label.eq_ignore_ascii_case(named))
    });
    match (exact.next(), exact.next(), found.phones.as_slice()) {
        (Some(phone), None, _) | (None, _, [phone]) => Ok(phone.mac),
        (None, _, []) => Err(Problem::value(format!("no phone is called \u{201c}{named}\u{201d}"))),
        _ => Err(Problem::value(format!(
            "{} phones are called something like \u{201c}{named}\u{201d}; give the MAC address",
            found.total
        ))),
    }
}

pub(in crate::http::page) async fn log_out(
    State(page): State<Page>,
    signed: Signed,
    Named(extension): Named<Extension>,
) -> Result<Response, Problem> {
    let path = format!("/users/{extension}/sessions");
    match page.ask::<Vec<ChangeView>>(&signed, Ask::new(Method::DELETE, &path)).await {
        Ok(_) => Ok(done(&format!("/people/{extension}"), "logged-out")),
        Err(problem) => refused(&page, &signed, &extension, problem).await,
    }
}

pub(in crate::http::page) async fn unlock(
    State(page): State<Page>,
    signed: Signed,
    Named(extension): Named<Extension>,
) -> Result<Response, Problem> {
    let path = format!("/users/{extension}/unlock");
    match page.ask::<()>(&signed, Ask::new(Method::POST, &path)).await {
        Ok(()) => Ok(done(&format!("/people/{extension}"), "unlocked")),
        Err(problem) => refused(&page, &signed, &extension, problem).await,
    }
}

/// A PIN; an empty one stands for one that is made.
#[derive(Debug, Deserialize)]
pub(in crate::http::page) struct PinForm {
    #[serde(default)]
    pin: Option<SecretString>,
}

pub(in crate::http::page) async fn set_pin(
    State(page): State<Page>,
    signed: Signed,
    Named(extension): Named<Extension>,
    Form(form): Form<PinForm>,
) -> Result<Response, Problem> {
    let given = form.pin.filter(|pin| !pin.expose_secret().is_empty());
    let body = match &given {
        Some(pin) => json!({ "pin": pin.expose_secret() }),
        None => json!({ "random": true }),
    };
    let path = format!("/users/{extension}/pin");
    let ask = Ask::new(Method::PUT, &path).with(body);
    match page.ask::<Option<serde_json::Value>>(&signed, ask).await {
        // A secret: it stands in this answer and in no address.
        Ok(Some(made)) => {
            let pin = made.get("pin").and_then(serde_json::Value::as_str).unwrap_or_default();
            let made = context! { pin => Value::from(pin) };
            with(&page, &signed, &extension, None, made).await
        }
        Ok(None) => Ok(done(&format!("/people/{extension}"), "pin")),
        Err(problem) => refused(&page, &signed, &extension, problem).await,
    }
}

/// Where calls go to.
#[derive(Debug, Deserialize)]
pub(in crate::http::page) struct AwayForm {
    away: String,
}

pub(in crate::http::page) async fn set_away(
    State(page): State<Page>,
    signed: Signed,
    Named(extension): Named<Extension>,
    Form(form): Form<AwayForm>,
) -> Result<Response, Problem> {
    let path = format!("/users/{extension}/away");
    let away = match form.away.trim() {
        "" => "voicemail",
        other => other,
    };
    let ask = Ask::new(Method::PUT, &path).with(json!({ "away": away }));
    match page.ask::<UserView>(&signed, ask).await {
        Ok(_) => Ok(done(&format!("/people/{extension}"), "away")),
        Err(problem) => refused(&page, &signed, &extension, problem).await,
    }
}
