//! The operators' listener: phones, users, desk sessions and the journal as JSON under `/api/v1`.
//!
//! The command line speaks to it too, over the unix socket when a daemon runs and in process when none
//! does, so that there is one way to do a thing. Errors are `application/problem+json` (RFC 9457) with
//! a sentence. No answer holds a secret, except one that was made on request, once.

mod answers;
mod customers;
mod edits;
mod emergency;
mod events;
mod idempotency;
mod in_process;
mod journal;
mod ldap;
mod me;
pub mod openapi;
mod overview;
mod paging;
mod phone_import;
mod phones;
mod provisioning;
mod queues;
mod redirection;
mod search;
mod sessions;
mod statistics;
mod system;
mod users;
mod ways;
mod webhooks;

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_request};
use tokio::net::UnixListener;
use tower_http::timeout::TimeoutLayer;

pub use emergency::{EmergencyTestView, EmergencyTester};
pub use events::EventsQuery;
pub use in_process::{Ask, InProcess, Method};
pub use journal::{JournalQuery, Kinds, MOST_ENTRIES};
pub use ldap::SyncRequest;
pub use me::MeView;
pub use overview::{Overview, OverviewQuery, Seat, Waiting};
pub use paging::{Limit, MOST_ROWS, PageQuery};
pub use phone_import::{ImportQuery, ImportStep, JSON_LINES};
pub use phones::{HandsetView, PhoneChange, PhoneView, SeatedView};
pub use provisioning::{EnrolRequest, Enrolled, RenderQuery};
pub use queues::QueueKeeper;
pub use redirection::RedirectionView;
pub use search::{PhoneRow, PhoneSearch, PhonesFound, UserRow, UserSearch, UsersFound};
pub use sessions::{ChangeView, LoginRequest, SessionView, WhatChanged};
pub use statistics::{Hour, Statistics, WAIT_LIMITS, Waits};
pub use system::{ConfigurationView, SystemReport, SystemView};
pub use users::{AwayRequest, PinRequest, SoftphoneChange, UserChange, UserImport, UserView};
pub(super) use ways::stages_of;
pub use ways::{PhoneWatch, StagesView, WayQuery};
pub use webhooks::{Retried, RetryRequest, WebhookQuery};

use super::access::{Access, Operator, Route, routes};
use super::problem::{Input, Named, Params, Problem};
use crate::customers::Customers;
use crate::desk::Desk;
use crate::model::Role;
use crate::people::ldap::LdapMirror;
use crate::provisioning::Provisioning;
use crate::provisioning::redirection::Redirections;
use crate::webhooks::Webhooks;
use statistics::Counts;

/// How long an answer may take. A busy store and a queue of PIN hashes take seconds.
const ANSWER: Duration = Duration::from_secs(15);
/// How long it may take to look at the lines of an import; writing comes after that.
const IMPORT: Duration = Duration::from_secs(300);

/// What the handlers work with.
#[derive(Clone)]
pub struct Admin {
    provisioning: Provisioning,
    outside: Outside,
    /// Who counts streams, and ends them; absent where nobody opens one.
    access: Option<Access>,
    /// The statistics so far.
    counts: Counts,
}

impl Admin {
    /// Over this desk and its phones, and what is outside.
    fn new(provisioning: Provisioning, outside: Outside, access: Option<Access>) -> Self {
        Self { provisioning, outside, access, counts: Counts::default() }
    }
}

/// What an office may have beside the desk, where it does.
#[derive(Clone, Default)]
pub struct Outside {
    /// The customers' database.
    pub customers: Customers,
    /// The mirror of the LDAP server.
    pub ldap: Option<LdapMirror>,
    /// Who keeps the queues.
    pub queues: Option<Arc<dyn QueueKeeper>>,
    /// The vendors' redirection services.
    pub redirections: Option<Redirections>,
    /// Who knows what FreeSWITCH knows of phones.
    pub phones: Option<Arc<dyn PhoneWatch>>,
    /// Other systems that are told of what happens.
    pub webhooks: Option<Webhooks>,
    /// Who walks emergency calls.
    pub emergency: Option<Arc<dyn EmergencyTester>>,
    /// Who knows how the daemon is.
    pub system: Option<Arc<dyn SystemReport>>,
}

impl FromRef<Admin> for Counts {
    fn from_ref(admin: &Admin) -> Self {
        admin.counts.clone()
    }
}

impl FromRef<Admin> for Customers {
    fn from_ref(admin: &Admin) -> Self {
        admin.outside.customers.clone()
    }
}

impl FromRef<Admin> for Outside {
    fn from_ref(admin: &Admin) -> Self {
        admin.outside.clone()
    }
}

impl FromRef<Admin> for Option<Access> {
    fn from_ref(admin: &Admin) -> Self {
        admin.access.clone()
    }
}

impl FromRef<Admin> for Desk {
    fn from_ref(admin: &Admin) -> Self {
        admin.provisioning.desk().clone()
    }
}

impl FromRef<Admin> for Provisioning {
    fn from_ref(admin: &Admin) -> Self {
        admin.provisioning.clone()
    }
}

/// Where the API is.
pub const BASE: &str = "/api/v1";

/// All that the API has, below [`BASE`], and who may use it: the one table.
pub fn table() -> Vec<Route<Admin>> {
    use Role::{Admin, Helpdesk, Viewer};
    vec![
        Route::get("/me", Viewer, me::show),
        Route::get("/phones", Viewer, phones::list),
        Route::get("/overview", Viewer, overview::now),
        Route::get("/statistics", Viewer, statistics::week),
        Route::get("/system", Viewer, system::show),
        Route::get("/system/configuration", Admin, system::configuration),
        Route::get("/phones/search", Viewer, search::phones),
        Route::get("/phones/{mac}", Viewer, phones::show),
        Route::put("/phones/{mac}", Admin, phones::save),
        Route::delete("/phones/{mac}", Admin, phones::remove),
        Route::post("/phones/import", Admin, phone_import::import).map(|import| {
            let large = DefaultBodyLimit::max(phone_import::BODY);
            import.layer::<_, Infallible>(large).layer(timeout(IMPORT))
        }),
        Route::get("/phones/ways", Viewer, ways::list),
        Route::get("/phones/stages", Viewer, ways::stages),
        Route::get("/phones/{mac}/way", Viewer, ways::show),
        Route::get("/phones/{mac}/check", Helpdesk, ways::check),
        Route::get("/phones/{mac}/why", Viewer, provisioning::why),
        Route::get("/phones/{mac}/file", Viewer, provisioning::render),
        Route::post("/phones/{mac}/resync", Helpdesk, provisioning::resync),
        Route::post("/phones/{mac}/restart", Helpdesk, provisioning::restart),
        Route::post("/phones/{mac}/enrolment", Admin, provisioning::enrol),
        Route::get("/phones/{mac}/logs", Helpdesk, provisioning::logs),
        Route::get("/phones/{mac}/logs/{name}", Helpdesk, provisioning::log),
        Route::get("/users", Viewer, users::list),
        Route::post("/users", Admin, users::import),
        Route::get("/users/search", Viewer, search::users),
        Route::get("/users/sync", Viewer, ldap::status),
        Route::post("/users/sync", Admin, ldap::sync),
        Route::get("/users/{extension}", Viewer, users::show),
        Route::put("/users/{extension}", Admin, users::save),
        Route::delete("/users/{extension}", Admin, users::remove),
        Route::put("/users/{extension}/pin", Helpdesk, users::set_pin),
        Route::put("/users/{extension}/away", Helpdesk, users::set_away),
        Route::post("/users/{extension}/unlock", Helpdesk, users::unlock),
        Route::delete("/users/{extension}/sessions", Helpdesk, sessions::log_out_everywhere),
        Route::get("/sessions", Viewer, sessions::list),
        Route::post("/sessions", Helpdesk, sessions::log_in),
        Route::delete("/sessions/{mac}", Helpdesk, sessions::log_out),
        Route::get("/redirection", Viewer, redirection::list),
        Route::get("/redirection/run", Viewer, redirection::status),
        Route::post("/redirection/run", Admin, redirection::start),
        Route::delete("/redirection/run", Admin, redirection::stop),
        Route::get("/redirection/run/last", Viewer, redirection::last),
        Route::get("/queues", Viewer, queues::list),
        Route::post("/queues/sync", Admin, queues::sync),
        Route::get("/webhooks", Viewer, webhooks::list),
        Route::post("/webhooks/retry", Admin, webhooks::retry),
        Route::get("/emergency/test", Viewer, emergency::show),
        Route::post("/emergency/test", Helpdesk, emergency::start),
        Route::get("/customers/lookup", Helpdesk, customers::look_up),
        Route::get("/journal", Viewer, journal::list),
        Route::get("/events", Viewer, events::stream),
        Route::get("/openapi.json", Viewer, openapi::show),
    ]
}

/// The API below [`BASE`], for requests that say who asks.
fn api(admin: Admin) -> Router {
    let (import, table): (Vec<_>, Vec<_>) =
        table().into_iter().partition(|route| route.path() == "/phones/import");
    let once = from_fn_with_state(idempotency::Answers::default(), idempotency::once);
    let api = routes(table).layer(timeout(ANSWER)).layer(once).merge(routes(import));
    Router::new().nest(BASE, api).with_state(admin)
}

/// The router of commands that have the store for themselves: whoever may run them may do everything.
pub fn router(provisioning: Provisioning, outside: Outside) -> Router {
    for_everything(Admin::new(provisioning, outside, None))
}

/// The router of the unix socket: whoever may use it may do everything.
pub fn socket(provisioning: Provisioning, outside: Outside, access: &Access) -> Router {
    for_everything(Admin::new(provisioning, outside, Some(access.clone())))
}

fn for_everything(admin: Admin) -> Router {
    // Unless the request says already who asks, see `InProcess::ask_as`.
    let ours = map_request(async |mut request: Request| {
        request.extensions_mut().get_or_insert_with(Operator::command);
        request
    });
    answers::complete(api(admin)).layer(ours)
}

/// The router of the operators' listener: the API and what is `beside` it, behind the sign-in.
pub fn listener(
    provisioning: Provisioning,
    outside: Outside,
    access: &Access,
    beside: Vec<Router>,
) -> Router {
    let api = api(Admin::new(provisioning, outside, Some(access.clone())));
    let all = beside.into_iter().fold(api, Router::merge);
    answers::complete(access.around(all))
}

fn timeout(time: Duration) -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, time)
}

/// Listens on a unix socket that only its owner may use, in place of one that is there already: take
/// the data folder's lock first.
///
/// # Errors
/// The folder is not there or not ours, or the path is longer than the 107 bytes that a socket's
/// address may have.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    // Bound under another name and moved, so that it is never there with the wrong mode.
    let fresh = path.with_extension("new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&fresh, path)?;
    Ok(listener)
}
