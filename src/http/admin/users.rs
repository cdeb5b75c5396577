//! Users.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{Input, Named, PageQuery, Params, Problem, edits, paging};
use crate::desk::{self, Desk, new_secret};
use crate::http::access::By;
use crate::model::{
    AwayDestination, Extension, FunctionKey, GroupName, Mac, PhoneSettings, Pin, TeamId, User,
    UserRecord, UserSource, Variables,
};
use crate::store::Memory;

/// A user as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// The extension.
    pub extension: Extension,
    /// The name.
    pub name: String,
    /// Whether the user may log in at desk phones.
    pub hot_desk: bool,
    /// Where calls go to while the user is nowhere.
    pub away: AwayDestination,
    /// Call groups.
    pub groups: Vec<GroupName>,
    /// Teams.
    #[serde(default)]
    pub teams: Vec<TeamId>,
    /// Directory params.
    pub params: Variables,
    /// Directory variables.
    pub variables: Variables,
    /// Function keys that follow the user.
    pub keys: Vec<FunctionKey>,
    /// The user's own layer of phone settings.
    pub settings: PhoneSettings,
    /// Where the user comes from.
    pub source: UserSource,
    /// Whether we know a PIN of the user.
    pub has_pin: bool,
    /// Whether the user may register a softphone.
    pub softphone: bool,
    /// Where the user sits, longest first.
    pub phones: Vec<Mac>,
    /// The softphone's new secret, shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub softphone_secret: Option<String>,
}

/// A user as it is to be. What is absent is taken away, except PIN and secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// The name.
    pub name: String,
    /// Whether the user may log in at desk phones.
    #[serde(default = "yes")]
    pub hot_desk: bool,
    /// Where calls go to while the user is nowhere.
    #[serde(default)]
    pub away: AwayDestination,
    /// Call groups.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// Teams.
    #[serde(default)]
    pub teams: Vec<TeamId>,
    /// Directory params.
    #[serde(default)]
    pub params: Variables,
    /// Directory variables.
    #[serde(default)]
    pub variables: Variables,
    /// Function keys that follow the user.
    #[serde(default)]
    pub keys: Vec<FunctionKey>,
    /// The user's own layer of phone settings.
    #[serde(default)]
    pub settings: PhoneSettings,
    /// What becomes of the softphone's secret; absent: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub softphone: Option<SoftphoneChange>,
}

/// What becomes of a softphone's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SoftphoneChange {
    /// A new one is made, and answered once.
    New,
}

/// A PIN to be set. Its `Debug` output tells none.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinRequest {
    /// This one.
    Pin(SecretString),
    /// One that is made, and answered once as `{"pin": "…"}`.
    Random(bool),
}

/// Where calls go to while the user is nowhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwayRequest {
    /// `voicemail`, or a number.
    pub away: AwayDestination,
}

/// A user with the secrets that the user has already. Its `Debug` output tells none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserImport {
    /// The extension.
    pub extension: Extension,
    /// Everything but the secrets; `softphone` is not looked at.
    pub user: UserChange,
    /// The PIN.
    #[serde(default)]
    pub pin: Option<SecretString>,
    /// The softphone's secret.
    #[serde(default)]
    pub sip_secret: Option<SecretString>,
}

fn yes() -> bool {
    true
}

pub(super) async fn list(
    State(desk): State<Desk>,
    OriginalUri(uri): OriginalUri,
    Params(asked): Params<PageQuery<Extension>>,
) -> Response {
    let memory = desk.store().memory();
    let all = memory.users().map(|user| &user.extension).collect();
    let (extensions, more) = paging::part(all, asked.limit, asked.after.as_ref().as_ref());
    let users = extensions.iter().filter_map(|extension| memory.user(extension));
    let users: Vec<UserView> = users.map(|user| view(&memory, user)).collect();
    let next = extensions.last().filter(|_| more).map(ToString::to_string);
    paging::answer(&users, &uri, next.as_deref())
}

pub(super) async fn show(
    State(desk): State<Desk>,
    Named(extension): Named<Extension>,
) -> Result<Response, Problem> {
    answered(StatusCode::OK, shown(&desk, &extension)?)
}

pub(super) async fn save(
    State(desk): State<Desk>,
    By(by): By,
    Named(extension): Named<Extension>,
    headers: HeaderMap,
    Input(change): Input<UserChange>,
) -> Result<Response, Problem> {
    let _edit = desk.editing().await;
    let is_new = desk.store().memory().user(&extension).is_none();
    edits::matches(&headers, tag_of(&desk, &extension).as_deref())?;
    if edits::only_new(&headers)? && !is_new {
        let told = format!("user {extension} is there already");
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, told));
    }
    let secret = change.softphone.map(|SoftphoneChange::New| new_secret());
    let record = record(extension.clone(), change)?;
    desk.save_user(record, secret.clone(), Timestamp::now(), by).await?;
    let mut view = shown(&desk, &extension)?;
    view.softphone_secret = secret.map(|secret| secret.expose_secret().to_owned());
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    answered(status, view)
}

pub(super) async fn import(
    State(desk): State<Desk>,
    By(by): By,
    Input(import): Input<UserImport>,
) -> Result<Response, Problem> {
    let extension = import.extension;
    let record = record(extension.clone(), import.user)?;
    let (pin, secret) = (import.pin, import.sip_secret);
    desk.import_user(record, pin, secret, Timestamp::now(), by).await?;
    Ok((StatusCode::CREATED, Json(shown(&desk, &extension)?)).into_response())
}

fn record(extension: Extension, change: UserChange) -> Result<UserRecord, Problem> {
    if !UserRecord::is_name(&change.name) {
        let most = UserRecord::MAX_NAME;
        return Err(Problem::value(format!("the name: expected a text of 1 to {most} bytes")));
    }
    Ok(UserRecord {
        extension,
        name: change.name,
        hot_desk: change.hot_desk,
        away: change.away,
        groups: change.groups,
        teams: change.teams,
        params: change.params,
        variables: change.variables,
        keys: change.keys,
        settings: change.settings,
    })
}

pub(super) async fn remove(
    State(desk): State<Desk>,
    By(by): By,
    Named(extension): Named<Extension>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let _edit = desk.editing().await;
    edits::matches(&headers, tag_of(&desk, &extension).as_deref())?;
    desk.remove_user(extension, Timestamp::now(), by).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_pin(
    State(desk): State<Desk>,
    By(by): By,
    Named(extension): Named<Extension>,
    Input(request): Input<PinRequest>,
) -> Result<Response, Problem> {
    let (pin, made) = match request {
        PinRequest::Pin(pin) => (pin, false),
        PinRequest::Random(true) => (random_pin(&extension)?, true),
        PinRequest::Random(false) => {
            return Err(Problem::value("`random` in the request: expected true"));
        }
    };
    desk.set_pin(extension, pin.clone(), Timestamp::now(), by).await?;
    if made {
        let answer = serde_json::json!({ "pin": pin.expose_secret() });
        return Ok(Json(answer).into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn set_away(
    State(desk): State<Desk>,
    By(actor): By,
    Named(extension): Named<Extension>,
    Input(AwayRequest { away }): Input<AwayRequest>,
) -> Result<Json<UserView>, Problem> {
    desk.set_away(extension.clone(), away, Timestamp::now(), actor).await?;
    shown(&desk, &extension).map(Json)
}

pub(super) async fn unlock(
    State(desk): State<Desk>,
    By(by): By,
    Named(extension): Named<Extension>,
) -> Result<StatusCode, Problem> {
    desk.unlock(extension, Timestamp::now(), by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Six digits that are not easy to guess. About one of 40,000 drawn is, so a few draws suffice.
fn random_pin(extension: &Extension) -> Result<SecretString, Problem> {
    let drawn = std::iter::repeat_with(|| {
        SecretString::from(format!("{:06}", rand::random_range(0..1_000_000)))
    });
    let mut pins = drawn.take(20).filter_map(|digits| Pin::new(digits, extension).ok());
    let pin = pins.next().map(|pin| pin.secret().clone());
    pin.ok_or_else(|| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "no PIN could be drawn"))
}

/// A user with what stands for that user as kept.
fn answered(status: StatusCode, view: UserView) -> Result<Response, Problem> {
    let tag = edits::header_of(&kept(&view));
    let mut response = (status, Json(view)).into_response();
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// What stands for what an operator edits of a user, wherever that user sits.
fn kept(view: &UserView) -> String {
    let (phones, has_pin, softphone_secret) = (Vec::new(), false, None);
    edits::tag(&UserView { phones, has_pin, softphone_secret, ..view.clone() })
}

/// The same of the user as there is; none where there is none.
fn tag_of(desk: &Desk, extension: &Extension) -> Option<String> {
    shown(desk, extension).ok().map(|view| kept(&view))
}

fn shown(desk: &Desk, extension: &Extension) -> Result<UserView, Problem> {
    let memory = desk.store().memory();
    let user = memory.user(extension).ok_or(desk::Error::UnknownUser(extension.clone()))?;
    Ok(view(&memory, user))
}

fn view(memory: &Memory, user: &User) -> UserView {
    UserView {
        extension: user.extension.clone(),
        name: user.name.clone(),
        hot_desk: user.hot_desk,
        away: user.away.clone(),
        groups: user.groups.clone(),
        teams: user.teams.clone(),
        params: (&user.params).into(),
        variables: (&user.variables).into(),
        keys: user.keys.clone(),
        settings: user.settings.clone(),
        source: user.source,
        has_pin: user.pin.is_some() || user.pin_hash.is_some(),
        softphone: user.sip_secret.is_some(),
        phones: memory.seats(&user.extension).to_vec(),
        softphone_secret: None,
    }
}
