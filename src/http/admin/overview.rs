//! How it stands now, in one answer: how many desks and phones are how, who sat down lately, what is not shown yet.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::search::seated;
use crate::desk::Desk;
use crate::http::problem::Problem;
use crate::model::{Extension, Mac, NotShown, SessionOrigin, Wanted, WantedKind};
use crate::store::Memory;

/// How many desk sessions, and phones that do not show theirs yet, are told one by one.
const MOST: usize = 50;

/// Whom is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverviewQuery {
    /// Only the desk sessions of this user; the counts are of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Extension>,
}

/// How it stands now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// How many phones are in the inventory.
    pub phones: usize,
    /// How many of them are registered.
    pub registered: usize,
    /// How many users there are.
    pub users: usize,
    /// How many phones somebody sits at.
    pub occupied: usize,
    /// How many users sit somewhere.
    pub seated: usize,
    /// How many phones do not show yet who sits there.
    pub waiting: usize,
    /// The newest desk sessions, newest first.
    pub sessions: Vec<Seat>,
    /// The phones that do not show yet who sits there, longest first.
    pub not_shown: Vec<Waiting>,
}

/// Somebody at a desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
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
    /// Whether the phone shows it.
    pub shown: bool,
}

/// A phone that does not show yet who sits there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which.
    pub phone: Mac,
    /// What people call the place.
    pub label: Option<String>,
    /// Who sits there; nobody where absent.
    pub user: Option<Extension>,
    /// The name.
    pub name: Option<String>,
    /// Since when the change waits.
    pub since: Timestamp,
    /// How often FreeSWITCH took a NOTIFY for it.
    pub tries: u32,
    /// When the last one was.
    pub told: Option<Timestamp>,
    /// Why it is given up on, in words, where it is.
    pub not_shown: Option<String>,
}

pub(super) async fn now(
    State(desk): State<Desk>,
    asked: Result<Query<OverviewQuery>, QueryRejection>,
) -> Result<Json<Overview>, Problem> {
    let Query(OverviewQuery { user }) = asked.map_err(|refused| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the request: {}", refused.body_text()))
    })?;
    // Ten thousand phones take a while, and nobody else is to wait for that.
    let look = move || look(&desk.store().memory(), user.as_ref());
    Ok(Json(tokio::task::spawn_blocking(look).await.unwrap_or_default()))
}

/// How it stands, with the desk sessions of one user or of all.
fn look(memory: &Memory, user: Option<&Extension>) -> Overview {
    let mut overview = Overview { users: memory.users().count(), ..Overview::default() };
    for phone in memory.phones() {
        overview.phones += 1;
        let registration = memory.registration(phone.mac);
        let is_registered = registration.is_some_and(|known| known.registered().is_some());
        overview.registered += usize::from(is_registered);
    }
    let waits = |phone: Mac| memory.wanted_of(WantedKind::Resync, &phone.to_string()).is_some();
    let mut sessions: Vec<_> = memory.sessions().collect();
    overview.occupied = sessions.len();
    let mut users: Vec<&Extension> = sessions.iter().map(|session| &session.user).collect();
    users.sort_unstable();
    users.dedup();
    overview.seated = users.len();
    sessions.retain(|session| user.is_none_or(|user| session.user == *user));
    sessions.sort_by_key(|session| (std::cmp::Reverse(session.since), session.phone));
    let newest = sessions.into_iter().take(MOST).map(|session| Seat {
        phone: session.phone,
        label: memory.phone(session.phone).and_then(|phone| phone.label.clone()),
        user: session.user.clone(),
        name: memory.user(&session.user).map(|user| user.name.clone()).unwrap_or_default(),
        since: session.since,
        origin: session.origin,
        shown: !waits(session.phone),
    });
    overview.sessions = newest.collect();
    let mut waiting: Vec<Waiting> = memory
        .wanted()
        .filter(|wanted| wanted.kind == WantedKind::Resync)
        .filter_map(|wanted| waiting_phone(memory, wanted))
        .collect();
    overview.waiting = waiting.len();
    waiting.sort_by_key(|waiting| (waiting.since, waiting.phone));
    waiting.truncate(MOST);
    overview.not_shown = waiting;
    overview
}

/// `None` where the phone has left the inventory.
fn waiting_phone(memory: &Memory, wanted: &Wanted) -> Option<Waiting> {
    let phone = memory.phone(wanted.target.parse().ok()?)?;
    let session = seated(memory, phone.mac);
    let attempts = wanted.attempts;
    let registered =
        memory.registration(phone.mac).is_some_and(|known| known.registered().is_some());
    let why = match registered {
        true => NotShown::Silent { tries: attempts.tries, restarted: attempts.restarted },
        false => NotShown::Unregistered,
    };
    Some(Waiting {
        phone: phone.mac,
        label: phone.label.clone(),
        user: session.as_ref().map(|session| session.user.clone()),
        name: session.map(|session| session.name),
        since: wanted.since,
        tries: attempts.tries,
        told: attempts.told,
        not_shown: attempts.not_shown.map(|_| why.to_string()),
    })
}
