//! What phones are told: rendered files, enrolment, requests, logs.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::Outside;
use crate::desk::{self, Desk};
use crate::http::access::{By, Operator};
use crate::http::problem::{Input, Named, Params, Problem};
use crate::model::{Mac, Role};
use crate::provisioning::{Log, Provisioning, RenderError, Rendered, Why};

/// Which file is to be rendered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderQuery {
    /// Its name in the vendor's manifest; absent: the one that shows who sits there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether passwords and keys are in it.
    #[serde(default)]
    pub secrets: bool,
    /// As the phone was given it last, as far as that depends on who sat there then.
    #[serde(default)]
    pub as_given: bool,
}

/// How a phone is to be enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum EnrolRequest {
    /// For so many minutes it may come, once, with nothing but its MAC address; 0 closes the window.
    Window(u32),
    /// Its URL gets a new key; the old one is good for a while.
    Rotate(bool),
    /// Its key, credentials and SIP secret are worth nothing any more, at once.
    Revoke(bool),
    /// Its URL is answered, to be entered by hand.
    ShowUrl(bool),
}

/// How a phone is enrolled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Enrolled {
    /// Its own URL, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Until when the window is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Timestamp>,
}

/// The longest window: a month.
const LONGEST: u32 = 60 * 24 * 31;

pub(super) async fn why(
    State(provisioning): State<Provisioning>,
    State(outside): State<Outside>,
    Named(mac): Named<Mac>,
) -> Result<Json<Why>, Problem> {
    let why = provisioning.why(mac, outside.beside(mac), Timestamp::now()).await;
    let why = why.map_err(|error| Problem::from(desk::Error::from(error)))?;
    Ok(Json(why.ok_or(desk::Error::UnknownPhone(mac))?))
}

pub(super) async fn render(
    State(provisioning): State<Provisioning>,
    operator: Operator,
    Named(mac): Named<Mac>,
    Params(query): Params<RenderQuery>,
) -> Result<Json<Rendered>, Problem> {
    // Who has a phone's secrets is that phone; the route's own role is for the file without them.
    if query.secrets && !operator.may(Role::Admin) {
        let told = "a file with its secrets is for the role admin";
        return Err(Problem::new(StatusCode::FORBIDDEN, told));
    }
    let rendered = match query.as_given {
        true => provisioning.render_as_given(
            mac,
            query.file.as_deref(),
            query.secrets,
            Timestamp::now(),
        ),
        false => provisioning.render(mac, query.file.as_deref(), query.secrets, Timestamp::now()),
    };
    rendered.map(Json).map_err(|error| {
        let status = match &error {
            RenderError::UnknownPhone(_) | RenderError::NoFile(..) => StatusCode::NOT_FOUND,
            RenderError::NoVendor(_) => StatusCode::CONFLICT,
            RenderError::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, error.to_string())
    })
}

pub(super) async fn resync(
    State(desk): State<Desk>,
    By(by): By,
    Named(mac): Named<Mac>,
) -> Result<StatusCode, Problem> {
    desk.resync(mac, Timestamp::now(), by).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn restart(
    State(desk): State<Desk>,
    By(by): By,
    Named(mac): Named<Mac>,
) -> Result<StatusCode, Problem> {
    desk.restart(mac, Timestamp::now(), by).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn enrol(
    State(provisioning): State<Provisioning>,
    By(by): By,
    Named(mac): Named<Mac>,
    Input(request): Input<EnrolRequest>,
) -> Result<Json<Enrolled>, Problem> {
    let (desk, now) = (provisioning.desk(), Timestamp::now());
    match request {
        EnrolRequest::Window(0) => desk.close_window(mac).await?,
        EnrolRequest::Window(minutes) if minutes > LONGEST => {
            return Err(Problem::value(format!("the window: expected at most {LONGEST} minutes")));
        }
        EnrolRequest::Window(minutes) => {
            let until = now.checked_add(SignedDuration::from_mins(minutes.into()));
            let until = until.map_err(|error| Problem::value(error.to_string()))?;
            desk.open_window(mac, until, now, by).await?;
        }
        EnrolRequest::Rotate(_) => desk.rotate_key(mac, now, by).await?,
        EnrolRequest::Revoke(_) => desk.revoke(mac, now, by).await?,
        EnrolRequest::ShowUrl(_) => {}
    }
    let memory = desk.store().memory();
    let enrolment = memory.enrolment(mac).ok_or(desk::Error::UnknownPhone(mac))?;
    let url = format!("{}/p/{}/", provisioning.site().url, enrolment.key.expose_secret());
    let shows = matches!(request, EnrolRequest::ShowUrl(true));
    let window = enrolment.window.filter(|until| now < *until);
    Ok(Json(Enrolled { url: shows.then_some(url), window }))
}

pub(super) async fn logs(
    State(provisioning): State<Provisioning>,
    Named(mac): Named<Mac>,
) -> Result<Json<Vec<Log>>, Problem> {
    provisioning.logs(mac).map(Json).map_err(|error| unreadable(&error))
}

pub(super) async fn log(
    State(provisioning): State<Provisioning>,
    Path((mac, name)): Path<(Mac, String)>,
) -> Result<Response, Problem> {
    let text = provisioning.log(mac, &name).map_err(|error| unreadable(&error))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(([(header::CONTENT_TYPE, "application/json")], Json(text)).into_response())
}

fn unreadable(error: &std::io::Error) -> Problem {
    match error.kind() {
        std::io::ErrorKind::NotFound => Problem::new(StatusCode::NOT_FOUND, "there is no such log"),
        _ => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the logs: {error}")),
    }
}
