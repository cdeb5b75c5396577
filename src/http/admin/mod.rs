//! The operators' listener: phones, users, desk sessions and the journal as JSON under `/api/v1`.
//!
//! The command line speaks to it too, over the unix socket when a daemon runs and in process when none
//! does, so that there is one way to do a thing. Errors are `application/problem+json` (RFC 9457) with
//! a sentence. No answer holds a secret, except one that was made on request, once.

mod customers;
mod in_process;
mod journal;
mod ldap;
mod phone_import;
mod phones;
mod problem;
mod provisioning;
mod queues;
mod redirection;
mod sessions;
mod users;
mod ways;
mod webhooks;

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use tokio::net::UnixListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

pub use in_process::{Ask, InProcess, Method};
pub use journal::JournalQuery;
pub use ldap::SyncRequest;
pub use phone_import::{ImportQuery, ImportStep, JSON_LINES};
pub use phones::{HandsetView, PhoneChange, PhoneView, SeatedView};
pub use problem::ProblemView;
pub use provisioning::{EnrolRequest, Enrolled, RenderQuery};
pub use queues::QueueKeeper;
pub use redirection::RedirectionView;
pub use sessions::{ChangeView, LoginRequest, SessionView, WhatChanged};
pub use users::{PinRequest, SoftphoneChange, UserChange, UserImport, UserView};
pub(super) use ways::stages_of;
pub use ways::{PhoneWatch, StagesView, WayQuery};
pub use webhooks::{Retried, RetryRequest, WebhookQuery};

use crate::customers::Customers;
use crate::desk::Desk;
use crate::people::ldap::LdapMirror;
use crate::provisioning::Provisioning;
use crate::provisioning::redirection::Redirections;
use crate::webhooks::Webhooks;
use problem::{Input, Named, Problem};

/// The largest request: a user with many variables.
const BODY: usize = 64 * 1024;
/// How long an answer may take. A busy store and a queue of PIN hashes take seconds.
const ANSWER: Duration = Duration::from_secs(15);
/// How long it may take to look at the lines of an import; writing comes after that.
const IMPORT: Duration = Duration::from_secs(300);

/// What the handlers work with.
#[derive(Clone)]
struct Admin {
    provisioning: Provisioning,
    outside: Outside,
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

/// The router.
pub fn router(provisioning: Provisioning, outside: Outside) -> Router {
    let api: Router<Admin> = Router::new()
        .route("/phones", get(phones::list))
        .route("/phones/{mac}", get(phones::show).put(phones::save).delete(phones::remove))
        .route("/phones/ways", get(ways::list))
        .route("/phones/stages", get(ways::stages))
        .route("/phones/{mac}/way", get(ways::show))
        .route("/phones/{mac}/check", get(ways::check))
        .route("/phones/{mac}/why", get(provisioning::why))
        .route("/phones/{mac}/file", get(provisioning::render))
        .route("/phones/{mac}/resync", post(provisioning::resync))
        .route("/phones/{mac}/restart", post(provisioning::restart))
        .route("/phones/{mac}/enrolment", post(provisioning::enrol))
        .route("/phones/{mac}/logs", get(provisioning::logs))
        .route("/phones/{mac}/logs/{name}", get(provisioning::log))
        .route("/users", get(users::list).post(users::import))
        .route("/users/sync", get(ldap::status).post(ldap::sync))
        .route("/users/{extension}", get(users::show).put(users::save).delete(users::remove))
        .route("/users/{extension}/pin", put(users::set_pin))
        .route("/users/{extension}/unlock", post(users::unlock))
        .route("/users/{extension}/sessions", delete(sessions::log_out_everywhere))
        .route("/sessions", get(sessions::list).post(sessions::log_in))
        .route("/sessions/{mac}", delete(sessions::log_out))
        .route("/redirection", get(redirection::list))
        .route(
            "/redirection/run",
            get(redirection::status).post(redirection::start).delete(redirection::stop),
        )
        .route("/redirection/run/last", get(redirection::last))
        .route("/queues", get(queues::list))
        .route("/queues/sync", post(queues::sync))
        .route("/webhooks", get(webhooks::list))
        .route("/webhooks/retry", post(webhooks::retry))
        .route("/customers/lookup", get(customers::look_up))
        .route("/journal", get(journal::list))
        .layer(timeout(ANSWER));
    let import: Router<Admin> = Router::new()
        .route("/phones/import", post(phone_import::import))
        .layer(DefaultBodyLimit::max(phone_import::BODY))
        .layer(timeout(IMPORT));
    Router::new()
        .nest("/api/v1", api.merge(import))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            let told = "this path is not for this method";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, told)
        })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(CatchPanicLayer::new())
        .with_state(Admin { provisioning, outside })
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
