//! Desk sessions.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Input, Named, PageQuery, Params, Problem, paging};
use crate::desk::Desk;
use crate::http::access::By;
use crate::model::{Change, EndReason, Extension, LoginMode, Mac, SessionOrigin};

/// A desk session as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Where.
    pub phone: Mac,
    /// What people call the place.
    pub label: Option<String>,
    /// Who.
    pub user: Extension,
    /// The name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// How it came about.
    pub origin: SessionOrigin,
}

/// A login.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// Where.
    pub phone: Mac,
    /// Who.
    pub user: Extension,
    /// What it does to the user's other phones.
    #[serde(default = "only")]
    pub mode: LoginMode,
}

fn only() -> LoginMode {
    LoginMode::Only
}

/// A step of what a login or logout changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    /// Whether the session began or ended.
    pub what: WhatChanged,
    /// Where.
    pub phone: Mac,
    /// Who.
    pub user: Extension,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<EndReason>,
}

/// What became of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhatChanged {
    /// It began.
    Began,
    /// It ended.
    Ended,
}

pub(super) async fn list(
    State(desk): State<Desk>,
    OriginalUri(uri): OriginalUri,
    Params(asked): Params<PageQuery<Mac>>,
) -> Response {
    let memory = desk.store().memory();
    let all = memory.sessions().map(|session| session.phone).collect();
    let (phones, more) = paging::part(all, asked.limit, asked.after.as_ref());
    let sessions = phones.iter().filter_map(|phone| memory.session(*phone));
    let views = sessions.map(|session| SessionView {
        phone: session.phone,
        label: memory.phone(session.phone).and_then(|phone| phone.label.clone()),
        user: session.user.clone(),
        name: memory.user(&session.user).map(|user| user.name.clone()).unwrap_or_default(),
        since: session.since,
        origin: session.origin,
    });
    let views: Vec<SessionView> = views.collect();
    let next = phones.last().filter(|_| more).map(ToString::to_string);
    paging::answer(&views, &uri, next.as_deref())
}

pub(super) async fn log_in(
    State(desk): State<Desk>,
    By(by): By,
    Input(login): Input<LoginRequest>,
) -> Result<Json<Vec<ChangeView>>, Problem> {
    let LoginRequest { phone, user, mode } = login;
    let now = Timestamp::now();
    let changes = desk.log_in(phone, user, mode, None, now, by).await?;
    Ok(views(changes))
}

pub(super) async fn log_out(
    State(desk): State<Desk>,
    By(by): By,
    Named(phone): Named<Mac>,
) -> Result<Json<Vec<ChangeView>>, Problem> {
    let changes = desk.log_out(phone, None, Timestamp::now(), by).await?;
    Ok(views(changes))
}

pub(super) async fn log_out_everywhere(
    State(desk): State<Desk>,
    By(by): By,
    Named(user): Named<Extension>,
) -> Result<Json<Vec<ChangeView>>, Problem> {
    let changes = desk.log_out_everywhere(user, None, Timestamp::now(), by).await?;
    Ok(views(changes))
}

fn views(changes: Vec<Change>) -> Json<Vec<ChangeView>> {
    let views = changes.into_iter().map(|change| match change {
        Change::Began(session) => ChangeView {
            what: WhatChanged::Began,
            phone: session.phone,
            user: session.user,
            reason: None,
        },
        Change::Ended(session, reason) => ChangeView {
            what: WhatChanged::Ended,
            phone: session.phone,
            user: session.user,
            reason: Some(reason),
        },
    });
    Json(views.collect())
}
