//! Who is signed in: sessions in memory, each known by a cookie that we have signed.
//!
//! The cookie is 32 random bytes and a MAC over them; here stands only their digest, so that what is in memory opens
//! nothing. A restart ends all sessions.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::operator::CsrfToken;
use crate::model::{OperatorName, Role};

/// The most sessions; one more ends the one that was used the longest ago.
const MOST: usize = 1_000;
/// The most sessions of one operator.
const MOST_OF_ONE: usize = 20;
/// Bytes of a session's secret, and of a MAC.
const BYTES: usize = 32;

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: Duration,
    /// In all.
    pub longest: Duration,
}

/// A session as it is known here: the digest of its secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SessionId([u8; BYTES]);

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId")
    }
}

/// All sessions.
pub(super) struct Sessions {
    limits: SessionLimits,
    /// With what cookies are signed and tokens derived, since this start.
    key: [u8; BYTES],
    open: Mutex<HashMap<SessionId, Session>>,
}

/// A session.
struct Session {
    name: OperatorName,
    role: Role,
    began: Instant,
    used: Instant,
    /// Cancelled when it ends.
    over: CancellationToken,
}

/// A session that a cookie opened.
pub(super) struct Found {
    pub(super) id: SessionId,
    pub(super) name: OperatorName,
    pub(super) role: Role,
    pub(super) csrf: CsrfToken,
}

impl Sessions {
    pub(super) fn new(limits: SessionLimits) -> Self {
        Self { limits, key: rand::random(), open: Mutex::default() }
    }

    /// Opens a session; answers what stands in its cookie.
    pub(super) fn open(&self, name: OperatorName, role: Role) -> String {
        let secret: [u8; BYTES] = rand::random();
        let now = Instant::now();
        let mut open = self.lock();
        open.retain(|_, session| self.until(session) > now || session.end());
        let own = open.values().filter(|session| session.name == name).count();
        if own >= MOST_OF_ONE {
            end_oldest(&mut open, |session| session.name == name);
        }
        if open.len() >= MOST {
            end_oldest(&mut open, |_| true);
        }
        let over = CancellationToken::new();
        open.insert(id(&secret), Session { name, role, began: now, used: now, over });
        let mut cookie = secret.to_vec();
        cookie.extend(self.mac("cookie", &secret));
        URL_SAFE_NO_PAD.encode(cookie)
    }

    /// The session of a cookie; it is used now.
    pub(super) fn find(&self, cookie: &str) -> Option<Found> {
        let secret = self.verified(cookie)?;
        let (id, now) = (id(&secret), Instant::now());
        let mut open = self.lock();
        let session = open.get_mut(&id)?;
        if self.until(session) <= now {
            session.end();
            open.remove(&id);
            return None;
        }
        session.used = now;
        let csrf = CsrfToken(URL_SAFE_NO_PAD.encode(self.mac("csrf", &secret)));
        Some(Found { id, name: session.name.clone(), role: session.role, csrf })
    }

    /// Ends a session.
    pub(super) fn close(&self, id: SessionId) {
        if let Some(session) = self.lock().remove(&id) {
            session.end();
        }
    }

    /// Waits until a session has ended: closed, too long unused, or too old.
    pub(super) async fn ended(&self, id: SessionId) {
        loop {
            let watched = {
                let open = self.lock();
                open.get(&id).map(|session| (self.until(session), session.over.clone()))
            };
            let Some((until, over)) = watched else { return };
            if until <= Instant::now() {
                return self.close(id);
            }
            tokio::select! {
                () = over.cancelled() => return,
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let now = Instant::now();
        self.lock().values().filter(|session| self.until(session) > now).count()
    }

    /// Until when a session lasts, unless it is used again.
    fn until(&self, session: &Session) -> Instant {
        let idle = session.used.checked_add(self.limits.idle).unwrap_or(session.used);
        let longest = session.began.checked_add(self.limits.longest).unwrap_or(session.began);
        idle.min(longest)
    }

    /// The secret of a cookie that is ours.
    fn verified(&self, cookie: &str) -> Option<[u8; BYTES]> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (secret, mac) = bytes.split_at_checked(BYTES)?;
        let secret: [u8; BYTES] = secret.try_into().ok()?;
        bool::from(mac.ct_eq(&self.mac("cookie", &secret))).then_some(secret)
    }

    fn mac(&self, purpose: &str, secret: &[u8]) -> [u8; BYTES] {
        // A key of any length is one, so there is always a MAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return rand::random() };
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(secret);
        mac.finalize().into_bytes().into()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Tells those that wait; answers that it is not to be kept.
    fn end(&self) -> bool {
        self.over.cancel();
        false
    }
}

/// Ends the session that was used the longest ago.
fn end_oldest(open: &mut HashMap<SessionId, Session>, of: impl Fn(&Session) -> bool) {
    let ours = open.iter().filter(|(_, session)| of(session));
    let oldest = ours.min_by_key(|(_, session)| session.used).map(|(id, _)| *id);
    if let Some(session) = oldest.and_then(|id| open.remove(&id)) {
        session.end();
    }
}

fn id(secret: &[u8]) -> SessionId {
    SessionId(Sha256::digest(secret).into())
}

/// Sessions that all clones share.
pub(super) type Shared = Arc<Sessions>;

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> Sessions {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Sessions::new(SessionLimits { idle: minutes(60), longest: minutes(600) })
    }

    fn ada() -> OperatorName {
        "ada".parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_lasts_while_it_is_used_but_not_for_ever() {
        let sessions = sessions();
        let cookie = sessions.open(ada(), Role::Viewer);
        for _ in 0..10 {
            assert_eq!(sessions.find(&cookie).unwrap().role, Role::Viewer);
            tokio::time::advance(Duration::from_secs(59 * 60)).await;
        }
        tokio::time::advance(Duration::from_secs(10 * 60)).await;
        assert!(sessions.find(&cookie).is_none(), "ten hours are over");
        let idle = sessions.open(ada(), Role::Viewer);
        assert!(sessions.find(&idle).is_some());
        tokio::time::advance(Duration::from_secs(60 * 60)).await;
        assert!(sessions.find(&idle).is_none(), "an hour without a request");
        assert_eq!(sessions.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_the_end_hears_of_each_kind_of_it() {
        let sessions = Arc::new(sessions());
        let begin = || {
            let cookie = sessions.open(ada(), Role::Viewer);
            let id = sessions.find(&cookie).unwrap().id;
            let waits = sessions.clone();
            (cookie, id, tokio::spawn(async move { waits.ended(id).await }))
        };
        let (_, closed, told) = begin();
        sessions.close(closed);
        told.await.unwrap();
        let (_, _, told) = begin();
        let before = Instant::now();
        told.await.unwrap();
        assert_eq!(before.elapsed().as_secs(), 60 * 60);
        // Used meanwhile, it goes on.
        let (cookie, _, told) = begin();
        tokio::time::sleep(Duration::from_secs(50 * 60)).await;
        sessions.find(&cookie).unwrap();
        tokio::time::sleep(Duration::from_secs(20 * 60)).await;
        assert!(!told.is_finished());
        told.await.unwrap();
        assert!(sessions.find(&cookie).is_none());
    }

    #[tokio::test]
    async fn only_what_we_have_signed_is_a_cookie_and_only_until_it_is_closed() {
        let (sessions, others) = (sessions(), sessions());
        let cookie = sessions.open(ada(), Role::Admin);
        let found = sessions.find(&cookie).unwrap();
        assert!(others.find(&cookie).is_none(), "another daemon's");
        for at in 0..cookie.len() {
            let mut wrong = cookie.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(sessions.find(&wrong).is_none(), "{at}");
        }
        for wrong in ["", "AAAA", &cookie[..43], &format!("{cookie}AAAA"), "ä"] {
            assert!(sessions.find(wrong).is_none());
        }
        assert!(!format!("{:?}{:?}", found.id, found.csrf).contains(&found.csrf.to_string()));
        sessions.close(found.id);
        assert!(sessions.find(&cookie).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_so_many_sessions_and_the_oldest_goes() {
        let sessions = sessions();
        let first = sessions.open(ada(), Role::Viewer);
        let other = sessions.open("grace".parse().unwrap(), Role::Viewer);
        for _ in 0..MOST_OF_ONE {
            tokio::time::advance(Duration::from_secs(1)).await;
            sessions.open(ada(), Role::Viewer);
        }
        assert!(sessions.find(&first).is_none());
        assert!(sessions.find(&other).is_some());
        for at in 0..MOST {
            tokio::time::advance(Duration::from_millis(1)).await;
            sessions.open(format!("x{at}").parse().unwrap(), Role::Viewer);
        }
        assert_eq!(sessions.count(), MOST);
        assert!(sessions.find(&other).is_none());
    }
}
