//! Signing in and out.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::Instant;

use super::guard::Attempt;
use super::{Access, Inner, Signed, origin};
use crate::http::problem::Problem;
use crate::model::{Actor, Happening, OperatorName, Role};

/// When a refusal is told, whatever was wrong: so its time tells nothing of names, passwords and locks.
const REFUSAL: Duration = Duration::from_secs(1);
/// The longest path to go to afterwards.
const LONGEST: usize = 2_000;

/// The form. Its `Debug` output tells no password.
#[derive(Debug, Deserialize)]
pub(super) struct SignIn {
    name: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// From where a request comes; over the unix socket from this machine.
pub(super) struct From(IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
        Ok(Self(address.to_canonical()))
    }
}

pub(super) async fn sign_in(
    State(access): State<Access>,
    From(from): From,
    headers: HeaderMap,
    form: Result<Form<SignIn>, FormRejection>,
) -> Result<Response, Problem> {
    origin::same_site(&headers, access.inner.settings.url.as_deref())?;
    let Form(form) = form.map_err(|refused| {
        let told = "expected a form with `name` and `password`";
        Problem::new(refused.status(), told)
    })?;
    let Ok(place) = access.inner.places.try_acquire() else {
        let told = "too many people sign in at the moment; try again";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, told));
    };
    let begun = Instant::now();
    let next = path(&form.next);
    let known = access.let_in(&form, from).await;
    // Whoever only waits for a refusal keeps nobody out.
    drop(place);
    let Some((name, role)) = known else {
        tokio::time::sleep_until(begun + REFUSAL).await;
        let next =
            next.map(|next| format!("&next={}", utf8_percent_encode(next, NON_ALPHANUMERIC)));
        return Ok(to(&format!("/sign-in?refused=1{}", next.unwrap_or_default()), None));
    };
    // Another session of this browser ends: whoever signs in again wants the one before to be over.
    if let Some(before) = access.session(&headers) {
        access.inner.sessions.close(before.id);
    }
    let cookie = access.inner.sessions.open(name.clone(), role);
    access.tell(Actor::Operator(name), Happening::SignedIn { from }).await;
    Ok(to(next.unwrap_or("/"), access.jar().give(&cookie)))
}

pub(super) async fn sign_out(State(access): State<Access>, signed: Signed) -> Response {
    if let Some(session) = &signed.operator.session {
        access.inner.sessions.close(session.id);
    }
    access.tell(signed.operator.actor, Happening::SignedOut).await;
    to("/sign-in", access.jar().take())
}

/// What became of a name and a password.
enum Checked {
    Right(OperatorName, Role),
    Wrong,
    /// The LDAP server cannot be asked.
    Unknown,
}

impl Access {
    /// Whose name and password these are, unless too many tries were wrong.
    async fn let_in(&self, form: &SignIn, from: IpAddr) -> Option<(OperatorName, Role)> {
        let name = form.name.trim().parse::<OperatorName>().ok();
        let folded = name.as_ref().map(OperatorName::folded).unwrap_or_default();
        // What is no name counts as one, so that a lock says nothing either.
        let attempt = self.inner.guard.attempt(&folded, from, Timestamp::now());
        let checked = match name.filter(|_| !attempt.locked) {
            Some(name) => self.checked(&name, form.password.clone()).await,
            None => Checked::Wrong,
        };
        match checked {
            Checked::Right(name, role) => {
                self.inner.guard.right(&attempt);
                Some((name, role))
            }
            Checked::Wrong => {
                self.refused(&folded, from, &attempt).await;
                None
            }
            Checked::Unknown => {
                self.inner.guard.not_asked(&attempt);
                None
            }
        }
    }

    async fn checked(&self, name: &OperatorName, password: SecretString) -> Checked {
        let Inner { settings, passwords, stranger, .. } = &*self.inner;
        let folded = name.folded();
        let user = settings.users.iter().find(|user| user.name.folded() == folded);
        let is_program = settings.tokens.iter().any(|token| token.name.folded() == folded);
        if let Some(ldap) = settings.ldap.as_ref().filter(|_| user.is_none() && !is_program) {
            return match ldap.sign_in(name, &password).await {
                Ok(Some((name, role))) => Checked::Right(name, role),
                Ok(None) => Checked::Wrong,
                Err(error) => {
                    tracing::warn!(%error, "a sign-in was refused: the LDAP server cannot be asked");
                    Checked::Unknown
                }
            };
        }
        // For a name that nobody has the same is done, and comes to nothing.
        let digest = user.map_or(stranger, |user| &user.password);
        let is_right = passwords.is(password, digest.clone()).await;
        match user.filter(|_| is_right) {
            Some(user) => Checked::Right(user.name.clone(), user.role),
            None => Checked::Wrong,
        }
    }

    /// Writes down that an attempt was wrong, and what it locked.
    async fn refused(&self, folded: &str, from: IpAddr, attempt: &Attempt) {
        if attempt.locked {
            tracing::info!(%from, "a sign-in was refused: too many tries before it were wrong");
            return;
        }
        let users = self.inner.settings.users.iter();
        let name = users.map(|user| &user.name).find(|name| name.folded() == folded).cloned();
        let told = Happening::SignInRefused { name: name.clone(), from };
        self.tell(Actor::Outside, told).await;
        for lock in self.inner.guard.wrong(attempt) {
            let name = name.clone().filter(|_| lock.of_name);
            let told = Happening::SignInLocked { name, network: lock.network, until: lock.until };
            self.tell(Actor::Outside, told).await;
        }
    }
}

/// A path of ours to go to. A browser takes `//host` and `/\host` for another host.
fn path(next: &str) -> Option<&str> {
    let rest = next.strip_prefix('/')?;
    let is_other = rest.starts_with(['/', '\\']) || rest.starts_with("sign-in");
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic()) && next.len() <= LONGEST;
    (is_plain && !is_other).then_some(next)
}

fn to(path: &str, cookie: Option<HeaderValue>) -> Response {
    let to = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_sign_in_nobody_is_sent_elsewhere() {
        for ours in ["/", "/phones?stage=shown&after=%2F", "/people/1001#x"] {
            assert_eq!(path(ours), Some(ours));
        }
        let long = format!("/{}", "x".repeat(LONGEST));
        for other in [
            "",
            "x",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "/a\r\nSet-Cookie: x=y",
            "/a b",
            "/ä",
            "/sign-in?refused=1",
            &long,
        ] {
            assert_eq!(path(other), None, "{other}");
        }
    }
}
