//! Having changes told (RFC 4533): what the mirror lacks first, then what happens, as it happens.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::Error;
use super::apply::{Applied, Work};
use super::connection::{Changes, Connection};
use super::gather::{AT_ONCE, Filling, Gathered};
use super::mirror::LdapMirror;
use super::pass::people;
use super::told::{EntryState, Info, Told};
use crate::model::{Actor, MirrorPlace, PersonKey};

/// How often to see, over another connection, whether the server is there at all: silence is no sign of it.
const PROBE: Duration = Duration::from_secs(30);
/// For how long news are gathered that come together, and how many.
const TOGETHER: Duration = Duration::from_millis(20);
const MOST: usize = 500;

/// What was told since the last time that it went into the mirror.
#[derive(Default)]
struct News {
    gathered: Gathered,
    deleted: HashSet<PersonKey>,
    cookie: Option<Vec<u8>>,
    /// Whether those who were not named are gone.
    names_all: bool,
    count: usize,
}

impl LdapMirror {
    pub(super) async fn follow(&self, connection: Connection) -> Result<Infallible, Error> {
        let ldap = &self.access().ldap;
        let kept = self.kept();
        // Somebody who was passed over may have a free number by now, which no change of theirs would tell.
        let cookie = match (kept.place, kept.skipped) {
            (Some(MirrorPlace::Cookie(cookie)), 0) => bytes(&cookie),
            _ => None,
        };
        let mut connection = connection;
        self.read_teams(&mut connection, &mut *self.work().await).await?;
        let mut changes = connection.follow(&people(ldap, self.mapping()), cookie.clone()).await?;
        self.refresh(&mut changes, cookie).await?;
        let mut read_all_at = Instant::now() + 60 * ldap.full_minutes.seconds();
        let mut probe_at = Instant::now() + PROBE;
        loop {
            tokio::select! {
                told = changes.next() => {
                    if self.news(&mut changes, told?).await? {
                        read_all_at = Instant::now();
                    }
                }
                () = sleep_until(probe_at) => {
                    let mut probe = Connection::open(self.access()).await?;
                    probe.root().await?;
                    probe_at = Instant::now() + PROBE;
                    let mut work = self.work().await;
                    self.read_teams(&mut probe, &mut work).await?;
                    let place = self.kept().place;
                    self.keep(&work, place, &changes.server().to_string(), false, Actor::Daemon).await?;
                }
                // A second look at everybody, should something ever have been lost.
                () = sleep_until(read_all_at) => {
                    self.everybody(false, Actor::Daemon).await?;
                    read_all_at = Instant::now() + 60 * ldap.full_minutes.seconds();
                }
            }
        }
    }

    /// What the mirror lacks, or everything where the server does not know what that is.
    async fn refresh(&self, changes: &mut Changes, cookie: Option<Vec<u8>>) -> Result<(), Error> {
        let mut work = self.work().await;
        let mut news = News { names_all: cookie.is_none(), cookie, ..News::default() };
        let all = news.names_all;
        let mut filling = Filling::new(self.desk(), Actor::Daemon);
        let told = self.take_all(changes, &mut news, &mut filling).await;
        filling.end(&mut news.gathered).await?;
        if let Err(error) = told {
            // Who is in the mirror by now stays, and the journal has to know.
            news.gathered.break_off(self.desk()).await?;
            return Err(error);
        }
        let server = changes.server().to_string();
        let cookie = news.cookie.take();
        self.bring(&mut work, news, all).await?;
        self.keep(&work, cookie.as_deref().map(place), &server, all, Actor::Daemon).await?;
        tracing::info!(server, "LDAP: the mirror is as the server is, and follows it");
        Ok(())
    }

    /// All that is told until the refresh is over.
    async fn take_all(
        &self,
        changes: &mut Changes,
        news: &mut News,
        filling: &mut Filling,
    ) -> Result<(), Error> {
        let deadline = self.access().ldap.deadline_seconds.seconds();
        loop {
            let told = timeout(deadline, changes.next()).await;
            let told = told.map_err(|_| Error::Late("telling what changed"))??;
            if self.take(news, told) {
                return Ok(());
            }
            filling.feed(&mut news.gathered).await?;
            if news.gathered.read.is_multiple_of(AT_ONCE) {
                std::thread::yield_now();
            }
            if let Some(running) = &mut self.note().running {
                running.read = news.gathered.read;
            }
        }
    }

    /// Takes what is told into the mirror, with what comes right behind it. Whether somebody who was passed over
    /// may have a free number now.
    async fn news(&self, changes: &mut Changes, told: Told) -> Result<bool, Error> {
        let mut news = News::default();
        self.take(&mut news, told);
        while news.count < MOST {
            match timeout(TOGETHER, changes.next()).await {
                Ok(told) => {
                    self.take(&mut news, told?);
                }
                Err(_) => break,
            }
        }
        let mut work = self.work().await;
        let cookie = news.cookie.take();
        let frees = self.bring(&mut work, news, false).await?;
        let place = cookie.as_deref().map(place).or_else(|| self.kept().place);
        self.keep(&work, place, &changes.server().to_string(), false, Actor::Daemon).await?;
        Ok(frees && work.skips_any())
    }

    /// Notes what is told; whether the refresh is over.
    fn take(&self, news: &mut News, told: Told) -> bool {
        news.count += 1;
        match told {
            Told::Referral => news.gathered.referrals += 1,
            Told::Entry { state, uuid, entry, cookie } => {
                news.cookie = cookie.or(news.cookie.take());
                let key = PersonKey::of(&uuid);
                match (state, key) {
                    (EntryState::Added | EntryState::Modified, _) => {
                        key.map(|key| news.deleted.remove(&key));
                        news.gathered.take(&entry, self.mapping(), self.desk());
                    }
                    (EntryState::Present, Some(key)) => {
                        news.gathered.seen.insert(key);
                    }
                    (EntryState::Deleted, Some(key)) => {
                        news.gathered.forget(key);
                        news.deleted.insert(key);
                    }
                    (EntryState::Present | EntryState::Deleted, None) => {}
                }
            }
            Told::Info(Info::Cookie(cookie)) => news.cookie = Some(cookie),
            Told::Info(Info::Phase { cookie, present, done }) => {
                news.cookie = cookie.or(news.cookie.take());
                news.names_all |= present;
                return done;
            }
            Told::Info(Info::Ids { cookie, deleted, uuids }) => {
                news.cookie = cookie.or(news.cookie.take());
                let keys = uuids.iter().filter_map(|uuid| PersonKey::of(uuid));
                if deleted {
                    news.deleted.extend(keys);
                } else {
                    news.gathered.seen.extend(keys);
                }
            }
        }
        false
    }

    /// Makes the mirror as it was told. Whether a number became free.
    async fn bring(&self, work: &mut Work, news: News, complete: bool) -> Result<bool, Error> {
        let News { gathered, deleted, names_all, .. } = news;
        let had = self.desk().store().memory().people().len();
        let gone = if names_all {
            self.absent(&gathered.seen)
        } else {
            let memory = self.desk().store().memory();
            deleted.into_iter().filter(|key| memory.person(*key).is_some()).collect()
        };
        let found = if complete { gathered.sensible() } else { had.saturating_sub(gone.len()) };
        let frees = !gone.is_empty();
        let applied = Applied { gathered, gone, found, complete, accept: false };
        let done = self.apply(work, applied, Actor::Daemon).await?;
        Ok(frees || done.changed > 0)
    }
}

fn place(cookie: &[u8]) -> MirrorPlace {
    MirrorPlace::Cookie(cookie.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The bytes of hex digits.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    digits?.chunks(2).map(|pair| Some(pair.first()? * 16 + pair.get(1)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_comes_back_as_it_was() {
        let cookie = b"rid=000,csn=20261122\x00\xff";
        let MirrorPlace::Cookie(hex) = place(cookie) else { panic!() };
        assert_eq!(bytes(&hex).unwrap(), cookie);
        assert_eq!(bytes("abc"), None);
        assert_eq!(bytes("zz"), None);
    }
}
