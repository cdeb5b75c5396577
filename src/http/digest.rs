//! HTTP Digest (RFC 7616, and RFC 2617 before it) and Basic, on the server's side.
//!
//! Nonces are stateless: the time, and an HMAC over the time and the URI. One is good for its own URI
//! and for a minute, so a recorded request is worth the same file for a minute and nothing else; nonce
//! counts are not kept. SHA-256 is accepted but not offered: two Digest offers confuse old phones.

mod parameters;

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use md5::Md5;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use parameters::Parameters;

/// The block of HMAC-SHA-256; a shorter key is filled up with zeros, as RFC 2104 says.
const BLOCK: usize = 64;
/// Hex digits of the time at the beginning of a nonce.
const TIME: usize = 16;
/// What is compared where there is no password, so that an unknown user costs the same.
const NOBODY: &str = "there is no such user and no such password";

/// Challenges, and checks what comes back.
pub struct Realm {
    /// What people see when a browser asks, and part of every digest.
    name: String,
    /// Signs nonces.
    key: Hmac<Sha256>,
    /// How long a nonce is good.
    lifetime: Duration,
}

/// The passwords of a user: both are good while they are being changed.
#[derive(Debug, Clone, Default)]
pub struct Passwords {
    /// The one in use; `None` for a user who is not there.
    pub current: Option<SecretString>,
    /// The one before, or the one to come.
    pub other: Option<SecretString>,
}

/// What a request came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// No credentials.
    None,
    /// A user's right password.
    Valid {
        /// The user.
        user: String,
    },
    /// The right password with a nonce that is expired, or was made for another URI: challenge again
    /// with `stale`, and the client tries again by itself.
    Stale,
    /// Anything else.
    Wrong,
}

impl Realm {
    /// A realm whose nonces are signed with `secret` and good for `lifetime`. Of `name`, visible ASCII
    /// and spaces stay, but for `"` and `\`.
    pub fn new<const N: usize>(secret: [u8; N], name: &str, lifetime: Duration) -> Self {
        const { assert!(N <= BLOCK, "a longer key would have to be hashed first") };
        let mut block = [0; BLOCK];
        block.iter_mut().zip(secret).for_each(|(to, from)| *to = from);
        let plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        Self { name: name.chars().filter(plain).collect(), key: Hmac::new(&block.into()), lifetime }
    }

    /// The values of `WWW-Authenticate` for an answer 401, Digest first. `uri` is the request's own;
    /// behind a nested router that is axum's `OriginalUri`.
    pub fn challenge(&self, uri: &Uri, now: Timestamp, stale: bool) -> [HeaderValue; 2] {
        let (name, nonce) = (&self.name, self.nonce(target(uri), now.as_second()));
        let stale = if stale { ", stale=true" } else { "" };
        [
            format!(
                "Digest realm=\"{name}\", qop=\"auth\", nonce=\"{nonce}\", algorithm=MD5{stale}"
            ),
            format!("Basic realm=\"{name}\""),
        ]
        // Never the fallback: realm and nonce are visible ASCII.
        .map(|text| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Basic")))
    }

    /// What the request came with. `password_of` is asked at most once, for a name that may hold
    /// anything; whether it knows the name makes no difference to the work that is done here.
    pub fn check(
        &self,
        headers: &HeaderMap,
        method: &Method,
        uri: &Uri,
        now: Timestamp,
        password_of: impl FnOnce(&str) -> Passwords,
    ) -> Presented {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Presented::None };
        let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
        let (scheme, given) = text.split_once(' ').unwrap_or_default();
        let presented = if scheme.eq_ignore_ascii_case("digest") {
            self.digest(given, method, uri, now, password_of)
        } else if scheme.eq_ignore_ascii_case("basic") {
            basic(given, password_of)
        } else {
            None
        };
        presented.unwrap_or(Presented::Wrong)
    }

    /// `None` is wrong.
    fn digest(
        &self,
        given: &str,
        method: &Method,
        uri: &Uri,
        now: Timestamp,
        password_of: impl FnOnce(&str) -> Passwords,
    ) -> Option<Presented> {
        let given = Parameters::parse(given)?;
        let user = given.get("username")?;
        let (nonce, named) = (given.get("nonce")?, given.get("uri")?);
        let own = named == target(uri) || *named == *uri.to_string();
        if !own || given.get("realm")? != self.name {
            return None;
        }
        let question = Question {
            algorithm: Algorithm::named(given.get("algorithm").unwrap_or("MD5"))?,
            user,
            realm: &self.name,
            method: method.as_str(),
            uri: named,
            nonce,
            count: match given.get("qop") {
                None => None,
                Some("auth") => Some((given.get("nc")?, given.get("cnonce")?)),
                Some(_) => return None,
            },
        };
        let response = given.get("response")?.to_ascii_lowercase();
        let right = password_of(user)
            .is_any(|password| question.answer(password).as_bytes().ct_eq(response.as_bytes()));
        // A nonce from before a restart, or one that a client took along to another URI, is no attack
        // when the password is right: RFC 7616, section 3.3, `stale`.
        Some(match (right, self.is_good(nonce, target(uri), now)) {
            (false, _) => return None,
            (true, true) => Presented::Valid { user: user.to_owned() },
            (true, false) => Presented::Stale,
        })
    }

    /// The nonce of a URI at a second.
    fn nonce(&self, uri: &str, second: i64) -> String {
        let mut key = self.key.clone();
        key.update(&second.to_be_bytes());
        key.update(uri.as_bytes());
        let signature = key.finalize().into_bytes();
        let mut nonce = hex(&second.to_be_bytes());
        nonce.push_str(&hex(signature.get(..16).unwrap_or_default()));
        nonce
    }

    /// Whether a nonce is ours, for this URI, and not expired.
    fn is_good(&self, nonce: &str, uri: &str, now: Timestamp) -> bool {
        let second = nonce.get(..TIME).and_then(|time| i64::from_str_radix(time, 16).ok());
        let Some(second) = second else { return false };
        let ours = bool::from(self.nonce(uri, second).as_bytes().ct_eq(nonce.as_bytes()));
        let age = now.as_second().checked_sub(second).and_then(|age| u64::try_from(age).ok());
        ours && age.is_some_and(|age| age <= self.lifetime.as_secs())
    }
}

impl Passwords {
    /// Whether one of them is right. Both are tried, and something in place of those that are not
    /// there; an empty password is never right.
    fn is_any(&self, is_right: impl Fn(&str) -> Choice) -> bool {
        let mut any = Choice::from(0);
        for password in [&self.current, &self.other] {
            let password = password.as_ref().map(|password| password.expose_secret());
            let there = password.filter(|password| !password.is_empty());
            any |= is_right(there.unwrap_or(NOBODY)) & Choice::from(u8::from(there.is_some()));
        }
        any.into()
    }
}

/// `None` is wrong.
fn basic(given: &str, password_of: impl FnOnce(&str) -> Passwords) -> Option<Presented> {
    let given = String::from_utf8(STANDARD.decode(given.trim()).ok()?).ok()?;
    let (user, given) = given.split_once(':')?;
    // Hashed, because comparing tells the length otherwise.
    let given = Sha256::digest(given);
    let right = password_of(user).is_any(|password| Sha256::digest(password).ct_eq(&given));
    right.then(|| Presented::Valid { user: user.to_owned() })
}

/// Path and query of a request.
fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |target| target.as_str())
}

/// What the client says that it hashed with.
#[derive(Debug, Clone, Copy)]
enum Algorithm {
    /// RFC 2617.
    Md5,
    /// RFC 7616.
    Sha256,
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("MD5") {
            Some(Self::Md5)
        } else {
            name.eq_ignore_ascii_case("SHA-256").then_some(Self::Sha256)
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

/// What a client has to answer, but for the password.
struct Question<'a> {
    algorithm: Algorithm,
    user: &'a str,
    realm: &'a str,
    method: &'a str,
    uri: &'a str,
    nonce: &'a str,
    /// `nc` and `cnonce` of `qop=auth`; the old form (RFC 2069) has neither.
    count: Option<(&'a str, &'a str)>,
}

impl Question<'_> {
    /// The one right `response`: RFC 7616, section 3.4.1.
    fn answer(&self, password: &str) -> String {
        let Self { algorithm, user, realm, method, uri, nonce, count } = self;
        let a1 = algorithm.hash(&format!("{user}:{realm}:{password}"));
        let a2 = algorithm.hash(&format!("{method}:{uri}"));
        algorithm.hash(&match count {
            Some((nc, cnonce)) => format!("{a1}:{nonce}:{nc}:{cnonce}:auth:{a2}"),
            None => format!("{a1}:{nonce}:{a2}"),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
