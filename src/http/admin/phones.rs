//! Phones.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{Input, Named, PageQuery, Params, Problem, RedirectionView, edits, paging};
use crate::desk::{self, Desk, new_secret};
use crate::http::access::By;
use crate::model::{
    AutoLogout, Emergency, Extension, Handset, MOST_HANDSETS, MOST_TAGS, Mac, Phone, PhoneSettings,
    SessionOrigin, SipIdentity, Tags,
};
use crate::provisioning::Provisioning;
use crate::store::Memory;

/// A phone as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneView {
    /// Its MAC address.
    pub mac: Mac,
    /// The vendor, where known.
    pub vendor: Option<String>,
    /// The model, where known.
    pub model: Option<String>,
    /// What people call the place.
    pub label: Option<String>,
    /// The extension that rings the device itself.
    pub desk_extension: Option<Extension>,
    /// Whom it falls back to.
    pub owner: Option<Extension>,
    /// Whether others than the owner may log in.
    pub hot_desk: bool,
    /// What an emergency service is shown.
    pub emergency: Emergency,
    /// The phone's own layer of settings.
    pub settings: PhoneSettings,
    /// The handsets, where it is a DECT base, in the order of their numbers.
    #[serde(default)]
    pub handsets: Vec<HandsetView>,
    /// The operator's words for groups of phones.
    #[serde(default)]
    pub tags: Tags,
    /// When people are logged out there by themselves; as for the whole site where absent.
    #[serde(default)]
    pub logout: Option<AutoLogout>,
    /// When it was added.
    pub added: Timestamp,
    /// Who sits there.
    pub session: Option<SeatedView>,
    /// What the phone has still to be brought to: `resync`, `lamp`, `restart`.
    pub pending: Vec<String>,
    /// What redirection services were told of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirections: Vec<RedirectionView>,
}

/// A handset of a DECT base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandsetView {
    /// The user name with which it registers: the base's MAC address and its number.
    pub identity: String,
    /// Whose it is.
    pub user: Option<Extension>,
    /// The user's name.
    pub name: Option<String>,
    /// What people call it.
    pub label: Option<String>,
}

/// Who sits at a phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatedView {
    /// The extension.
    pub user: Extension,
    /// The name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// How it came about.
    pub origin: SessionOrigin,
}

/// A phone as it is to be. What is absent is taken away, except the secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhoneChange {
    /// The vendor in lower case.
    #[serde(default)]
    pub vendor: Option<String>,
    /// The model.
    #[serde(default)]
    pub model: Option<String>,
    /// What people call the place.
    #[serde(default)]
    pub label: Option<String>,
    /// An extension that rings the device itself.
    #[serde(default)]
    pub desk_extension: Option<Extension>,
    /// Whom it falls back to.
    #[serde(default)]
    pub owner: Option<Extension>,
    /// Whether others than the owner may log in. At a DECT base nobody can, whatever stands here.
    #[serde(default = "yes")]
    pub hot_desk: bool,
    /// What an emergency service is shown.
    #[serde(default)]
    pub emergency: Emergency,
    /// The phone's own layer of settings.
    #[serde(default)]
    pub settings: PhoneSettings,
    /// The handsets of a DECT base, in the order of their numbers.
    #[serde(default)]
    pub handsets: Vec<Handset>,
    /// The operator's words for groups of phones.
    #[serde(default)]
    pub tags: Tags,
    /// When people are logged out there by themselves: `20:00`, `4h`, `20:00 4h`, `never`; absent: as for the whole site.
    #[serde(default)]
    pub logout: Option<AutoLogout>,
    /// Its SIP secret. Absent: the one that it has, or for a new phone one that is made.
    #[serde(default, skip_serializing)]
    pub secret: Option<SecretString>,
}

fn yes() -> bool {
    true
}

/// How long texts may be, in bytes.
const SHORT: usize = 40;
const LONG: usize = 200;

pub(super) async fn list(
    State(desk): State<Desk>,
    OriginalUri(uri): OriginalUri,
    Params(asked): Params<PageQuery<Mac>>,
) -> Response {
    let memory = desk.store().memory();
    let all = memory.phones().map(|phone| phone.mac).collect();
    let (macs, more) = paging::part(all, asked.limit, asked.after.as_ref());
    let pending = pending(&memory);
    let phones = macs.iter().filter_map(|mac| memory.phone(*mac));
    let phones: Vec<PhoneView> = phones.map(|phone| view(&memory, &pending, phone)).collect();
    let next = macs.last().filter(|_| more).map(ToString::to_string);
    paging::answer(&phones, &uri, next.as_deref())
}

pub(super) async fn show(
    State(desk): State<Desk>,
    Named(mac): Named<Mac>,
) -> Result<Response, Problem> {
    answered(StatusCode::OK, shown(&desk, mac)?)
}

pub(super) async fn save(
    State(provisioning): State<Provisioning>,
    By(by): By,
    Named(mac): Named<Mac>,
    headers: HeaderMap,
    Input(change): Input<PhoneChange>,
) -> Result<Response, Problem> {
    let desk = provisioning.desk();
    let _edit = desk.editing().await;
    let old = desk.store().memory().phone(mac).cloned();
    edits::matches(&headers, tag_of(desk, mac).as_deref())?;
    if edits::only_new(&headers)? && old.is_some() {
        let told = format!("phone {mac} is in the inventory already");
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, told));
    }
    check(&change)?;
    let now = Timestamp::now();
    let secret = change.secret.or_else(|| old.as_ref().map(|phone| phone.secret.clone()));
    let mut phone = Phone {
        mac,
        secret: secret.unwrap_or_else(new_secret),
        vendor: change.vendor,
        model: change.model,
        label: change.label,
        desk_extension: change.desk_extension,
        owner: change.owner,
        hot_desk: change.hot_desk,
        emergency: change.emergency,
        settings: change.settings,
        handsets: change.handsets,
        tags: change.tags,
        logout: change.logout,
        added: old.as_ref().map_or(now, |phone| phone.added),
    };
    let is_for_people = provisioning.is_for_people(&phone);
    if is_for_people == Some(true) && !phone.handsets.is_empty() {
        return Err(Problem::value(
            "the handsets: a phone of this model has none; only a DECT base has",
        ));
    }
    if is_for_people == Some(false) && phone.owner.is_some() {
        return Err(desk::Error::Base(mac).into());
    }
    phone.hot_desk &= is_for_people != Some(false) && phone.handsets.is_empty();
    desk.save_phone(phone, now, by).await?;
    let status = if old.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    answered(status, shown(desk, mac)?)
}

pub(super) async fn remove(
    State(desk): State<Desk>,
    By(by): By,
    Named(mac): Named<Mac>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let _edit = desk.editing().await;
    edits::matches(&headers, tag_of(&desk, mac).as_deref())?;
    desk.remove_phone(mac, Timestamp::now(), by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A phone with what stands for it as it is kept.
fn answered(status: StatusCode, view: PhoneView) -> Result<Response, Problem> {
    let tag = edits::header_of(&kept(&view));
    let mut response = (status, Json(view)).into_response();
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// What stands for what an operator edits of a phone, whoever sits there.
fn kept(view: &PhoneView) -> String {
    let (session, pending, redirections) = (None, Vec::new(), Vec::new());
    edits::tag(&PhoneView { session, pending, redirections, ..view.clone() })
}

/// The same of the phone as it is; none where there is none.
fn tag_of(desk: &Desk, mac: Mac) -> Option<String> {
    shown(desk, mac).ok().map(|view| kept(&view))
}

fn shown(desk: &Desk, mac: Mac) -> Result<PhoneView, Problem> {
    let memory = desk.store().memory();
    let phone = memory.phone(mac).ok_or(desk::Error::UnknownPhone(mac))?;
    Ok(view(&memory, &pending(&memory), phone))
}

/// What each phone has still to be brought to.
fn pending(memory: &Memory) -> HashMap<&str, Vec<String>> {
    let mut pending: HashMap<&str, Vec<String>> = HashMap::new();
    for wanted in memory.wanted() {
        let kinds = pending.entry(wanted.target.as_str()).or_default();
        kinds.push(wanted.kind.as_str().to_owned());
    }
    pending
}

fn view(memory: &Memory, pending: &HashMap<&str, Vec<String>>, phone: &Phone) -> PhoneView {
    PhoneView {
        mac: phone.mac,
        vendor: phone.vendor.clone(),
        model: phone.model.clone(),
        label: phone.label.clone(),
        desk_extension: phone.desk_extension.clone(),
        owner: phone.owner.clone(),
        hot_desk: phone.hot_desk,
        emergency: phone.emergency.clone(),
        settings: phone.settings.clone(),
        handsets: phone
            .numbered_handsets()
            .map(|(number, one)| handset(memory, phone, number, one))
            .collect(),
        tags: phone.tags.clone(),
        logout: phone.logout,
        added: phone.added,
        session: memory.session(phone.mac).map(|session| SeatedView {
            user: session.user.clone(),
            name: memory.user(&session.user).map(|user| user.name.clone()).unwrap_or_default(),
            since: session.since,
            origin: session.origin,
        }),
        pending: pending.get(phone.mac.to_string().as_str()).cloned().unwrap_or_default(),
        redirections: memory.redirections_of(phone.mac).iter().map(RedirectionView::from).collect(),
    }
}

fn handset(memory: &Memory, base: &Phone, number: u16, handset: &Handset) -> HandsetView {
    let user = handset.user.as_ref().and_then(|user| memory.user(user));
    HandsetView {
        identity: SipIdentity::of_handset(base.mac, number).to_string(),
        user: handset.user.clone(),
        name: user.map(|user| user.name.clone()),
        label: handset.label.clone(),
    }
}

fn check(change: &PhoneChange) -> Result<(), Problem> {
    let is_vendor = |text: &str| {
        text.len() <= SHORT
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if change.vendor.as_deref().is_some_and(|text| text.is_empty() || !is_vendor(text)) {
        return Err(Problem::value(format!(
            "the vendor: expected 1 to {SHORT} lower-case letters, digits or `-`, as in \"snom\""
        )));
    }
    if change.handsets.len() > usize::from(MOST_HANDSETS) {
        return Err(Problem::value(format!("the handsets: expected at most {MOST_HANDSETS}")));
    }
    if change.tags.len() > MOST_TAGS {
        return Err(Problem::value(format!("the tags: expected at most {MOST_TAGS}")));
    }
    let labels = change.handsets.iter().map(|handset| ("label of a handset", &handset.label, LONG));
    for (what, text, most) in [
        ("model", &change.model, SHORT),
        ("label", &change.label, LONG),
        ("emergency location", &change.emergency.location, LONG),
    ]
    .into_iter()
    .chain(labels)
    {
        if text.as_deref().is_some_and(|text| text.trim().is_empty() || text.len() > most) {
            let told = format!("the {what}: expected a text of 1 to {most} bytes");
            return Err(Problem::value(told));
        }
    }
    let is_secret =
        |text: &str| (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    match &change.secret {
        Some(secret) if !is_secret(secret.expose_secret()) => Err(Problem::value(
            "the secret: expected 8 to 64 visible ASCII characters without spaces",
        )),
        _ => Ok(()),
    }
}
