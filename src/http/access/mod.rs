//! Who may use the operators' listener, and what for.
//!
//! People sign in with a name and a password and have a cookie from then on, programs have a bearer token, and whoever
//! may use the unix socket may do everything. A route says which role it needs ([`Route`]); handlers are told who asks
//! by [`Operator`], [`Signed`] and [`By`]. Sign-ins, their refusals and locks are in the journal.

mod cookie;
mod guard;
mod headers;
mod operator;
mod origin;
mod password;
mod route;
mod session;
mod sign_in;
mod stream;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use guard::SignInLimits;
pub use operator::{By, CsrfToken, Operator, Signed};
pub use password::{InvalidPasswordDigest, PasswordDigest};
pub use route::{Route, routes};
pub use session::SessionLimits;
pub use stream::StreamPlace;
pub use token::{InvalidTokenDigest, Token, TokenDigest};

use super::problem::Problem;
use crate::model::{Actor, Happening, OperatorName, Role};
use crate::people::ldap::LdapOperators;
use crate::store::{DatabaseError, Store, Tx};
use cookie::CookieJar;
use guard::Guard;
use operator::SignedSession;
use password::Passwords;
use session::{Found, Sessions, Shared};
use stream::Streams;
use token::{Bearer, bearer};

/// How many people may be signing in at a time.
const SIGNING_IN: usize = 32;

/// A person of the configuration.
#[derive(Debug, Clone)]
pub struct ConfiguredUser {
    /// The name.
    pub name: OperatorName,
    /// What this person may do.
    pub role: Role,
    /// The password's hash.
    pub password: PasswordDigest,
}

/// Who may come, and how.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// People.
    pub users: Vec<ConfiguredUser>,
    /// Programs.
    pub tokens: Vec<Token>,
    /// Where else people have passwords.
    pub ldap: Option<LdapOperators>,
    /// How long sessions last.
    pub sessions: SessionLimits,
    /// When wrong tries lock.
    pub guard: SignInLimits,
    /// The origin by which browsers know us (`https://desk.example.net`), where it is not what `Host` says.
    pub url: Option<String>,
    /// Whether browsers come over TLS.
    pub secure: bool,
}

/// Who may use the listener. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

/// What all clones share.
struct Inner {
    settings: AccessSettings,
    sessions: Shared,
    guard: Guard,
    passwords: Passwords,
    /// The hash of a password that nobody has.
    stranger: PasswordDigest,
    /// For those who are signing in.
    places: Semaphore,
    streams: Streams,
    stop: CancellationToken,
    store: Store,
}

/// It cannot be begun.
#[derive(Debug, thiserror::Error)]
#[error("passwords cannot be hashed: {0}")]
pub struct NotBegun(String);

impl Access {
    /// Nobody is signed in yet. What is told goes into the journal of `store`; streams end with `stop`.
    ///
    /// # Errors
    /// Passwords cannot be hashed.
    pub fn new(
        settings: AccessSettings,
        store: Store,
        stop: CancellationToken,
    ) -> Result<Self, NotBegun> {
        let nobodys: SecretString = format!("{:032x}", rand::random::<u128>()).into();
        let stranger = PasswordDigest::of(&nobodys).map_err(|error| NotBegun(error.to_string()))?;
        let sessions = Arc::new(Sessions::new(settings.sessions));
        let inner = Inner {
            sessions,
            guard: Guard::new(settings.guard),
            passwords: Passwords::new(),
            stranger,
            places: Semaphore::new(SIGNING_IN),
            streams: Streams::default(),
            stop,
            store,
            settings,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// How many people are signed in.
    pub fn signed_in(&self) -> usize {
        self.inner.sessions.count()
    }

    /// A place for a stream of this operator's.
    ///
    /// # Errors
    /// There are too many already.
    pub fn stream(&self, operator: &Operator) -> Result<StreamPlace, Problem> {
        self.inner.streams.open(operator, &self.inner.sessions, &self.inner.stop)
    }

    /// `router` behind the sign-in: its requests carry who asks, and those that another site made a browser send are
    /// refused. Requests of nobody go on; routes and extractors refuse them. Adds POST `/sign-in` and `/sign-out`.
    pub fn around(&self, router: Router) -> Router {
        let own: Router = Router::new()
            .route("/sign-in", post(sign_in::sign_in))
            .route("/sign-out", post(sign_in::sign_out))
            .with_state(self.clone());
        router.merge(own).layer(from_fn_with_state(self.clone(), authenticate))
    }

    /// The session of a request's cookie.
    fn session(&self, headers: &HeaderMap) -> Option<Found> {
        self.inner.sessions.find(self.jar().read(headers)?)
    }

    fn jar(&self) -> CookieJar {
        CookieJar { secure: self.inner.settings.secure }
    }

    /// Writes something down. A store that fails keeps nobody out, who may have come to see to it.
    async fn tell(&self, by: Actor, what: Happening) {
        let now = Timestamp::now();
        let written = self
            .inner
            .store
            .write(async move |tx: &mut Tx<'_>| tx.journal(now, by.clone(), what.clone()).await);
        if let Err(error) = written.await {
            let error: crate::store::WriteError<DatabaseError> = error;
            tracing::error!(%error, "a sign-in or sign-out is not in the journal");
        }
    }
}

async fn authenticate(State(access): State<Access>, request: Request, next: Next) -> Response {
    let mut response = match access.identified(request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => refused,
    };
    headers::complete(response.headers_mut());
    response
}

impl Access {
    /// The request with whoever asks in its extensions.
    async fn identified(&self, mut request: Request) -> Result<Request, Response> {
        match bearer(request.headers(), &self.inner.settings.tokens) {
            Bearer::Known(operator) => {
                request.extensions_mut().insert(operator);
                return Ok(request);
            }
            Bearer::Wrong => {
                let told = "expected `Authorization: Bearer` and a token of the configuration (`[[admin.token]]`)";
                let mut response = Problem::new(StatusCode::UNAUTHORIZED, told).into_response();
                let challenge =
                    HeaderValue::from_static("Bearer realm=\"hotdeskd\", error=\"invalid_token\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                return Err(response);
            }
            Bearer::None => {}
        }
        let Some(found) = self.session(request.headers()) else { return Ok(request) };
        let session = SignedSession { id: found.id, csrf: found.csrf };
        if !origin::is_safe(request.method()) && request.uri().path() != "/sign-in" {
            let own = self.inner.settings.url.as_deref();
            origin::same_site(request.headers(), own).map_err(Problem::into_response)?;
            request =
                origin::with_token(request, &session.csrf).await.map_err(Problem::into_response)?;
        }
        let actor = Actor::Operator(found.name);
        let operator = Operator { actor, role: found.role, session: Some(session) };
        request.extensions_mut().insert(operator);
        Ok(request)
    }
}
