//! The PIN guard's rules: when wrong PINs lock, for how long, and how long a refusal is held back.
//!
//! Counters are kept for the pair of extension and phone, for the extension, for the phone, and for
//! the whole site. The pair locks first, so that somebody who guesses at one phone shuts out that
//! phone rather than the person; the site never refuses, it slows down and alarms.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Extension, Mac};

/// What a counter counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardKey {
    /// Wrong PINs for this extension at this phone.
    Pair(Extension, Mac),
    /// Wrong PINs for this extension anywhere.
    Extension(Extension),
    /// Wrong PINs at this phone, and extensions that do not exist.
    Phone(Mac),
    /// The same, at all phones together that are not in the inventory: so a refusal there comes at the
    /// time at which it would come at one of ours, and the table stays small.
    Strangers,
    /// All of them.
    Site,
}

/// When a counter locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardLimit {
    /// So many wrong PINs within `window_minutes` lock; at least 1.
    #[serde(deserialize_with = "at_least_one")]
    pub wrong: u32,
    /// How long a wrong PIN counts, in minutes; at least 1.
    #[serde(deserialize_with = "at_least_one")]
    pub window_minutes: u32,
    /// How long the first lock lasts, in minutes; each further one doubles, up to a day.
    #[serde(deserialize_with = "at_least_one")]
    pub lock_minutes: u32,
}

/// A guard cannot be switched off by a zero.
fn at_least_one<'de, D: serde::Deserializer<'de>>(number: D) -> Result<u32, D::Error> {
    match u32::deserialize(number)? {
        0 => Err(serde::de::Error::custom("expected a number of at least 1")),
        number => Ok(number),
    }
}

/// The guard's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardSettings {
    /// For one extension at one phone.
    pub pair: GuardLimit,
    /// For one extension at all phones.
    pub extension: GuardLimit,
    /// For one phone.
    pub phone: GuardLimit,
    /// So many wrong PINs in the whole site within 15 minutes raise the alarm and slow refusals down.
    pub site_alarm: u32,
}

impl Default for GuardSettings {
    fn default() -> Self {
        let limit = |wrong, window_minutes| GuardLimit { wrong, window_minutes, lock_minutes: 15 };
        Self { pair: limit(5, 15), extension: limit(20, 60), phone: limit(10, 15), site_alarm: 50 }
    }
}

impl GuardSettings {
    /// The limit of a key; the site has none.
    pub fn limit(&self, key: &GuardKey) -> Option<GuardLimit> {
        match key {
            GuardKey::Pair(..) => Some(self.pair),
            GuardKey::Extension(_) => Some(self.extension),
            GuardKey::Phone(_) | GuardKey::Strangers => Some(self.phone),
            GuardKey::Site => None,
        }
    }
}

/// One counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    /// Wrong PINs since `since`.
    pub wrong: u32,
    /// When the running window began.
    pub since: Option<Timestamp>,
    /// Until when it is locked.
    pub locked_until: Option<Timestamp>,
    /// How many locks there were in a row, for the doubling.
    pub locks: u32,
}

/// For how long a window of the site's counter lasts.
const SITE_WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// The longest lock.
const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Counter {
    /// Whether it is locked at `now`.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// How many wrong PINs still count at `now`.
    pub fn counting(&self, limit: Option<GuardLimit>, now: Timestamp) -> u32 {
        let window = limit
            .map_or(SITE_WINDOW, |limit| SignedDuration::from_mins(limit.window_minutes.into()));
        match self.since {
            Some(since) if now.duration_since(since) < window => self.wrong,
            _ => 0,
        }
    }

    /// Counts one more wrong PIN at `now`; answers whether that locked it.
    pub fn count(&mut self, limit: Option<GuardLimit>, now: Timestamp) -> bool {
        self.wrong = self.counting(limit, now).saturating_add(1);
        if self.wrong == 1 {
            self.since = Some(now);
        }
        let Some(limit) = limit.filter(|limit| self.wrong >= limit.wrong) else {
            return false;
        };
        // A day without a lock forgives the earlier ones.
        let forgiven = self.locked_until.is_none_or(|until| now.duration_since(until) > DAY);
        let doubled = if forgiven { 0 } else { self.locks.min(16) };
        let minutes = i64::from(limit.lock_minutes).saturating_mul(1 << doubled);
        let lasts = SignedDuration::from_mins(minutes.min(24 * 60));
        self.locked_until = now.checked_add(lasts).ok();
        self.locks = doubled + 1;
        self.wrong = 0;
        self.since = None;
        true
    }

    /// Counts one more at `now` for the delay alone; stays below what locks.
    fn count_without_lock(&mut self, limit: GuardLimit, now: Timestamp) {
        if self.is_locked(now) || self.counting(Some(limit), now) + 1 >= limit.wrong {
            return;
        }
        self.count(Some(limit), now);
    }

    /// Takes back one count at `now`: the PIN was right after all. `locked` is whether this very
    /// attempt had locked it; that lock is lifted, and the counts before it stay.
    pub fn take_back(&mut self, limit: Option<GuardLimit>, locked: bool, now: Timestamp) {
        if locked {
            self.locked_until = None;
            self.locks = self.locks.saturating_sub(1);
            self.wrong = limit.map_or(0, |limit| limit.wrong.saturating_sub(1));
            self.since = Some(now);
        } else {
            self.wrong = self.wrong.saturating_sub(1);
        }
    }

    /// Whether nothing of it matters any longer at `now`, and it can be forgotten.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let old = |at: Option<Timestamp>| at.is_none_or(|at| now.duration_since(at) > DAY);
        old(self.since) && old(self.locked_until)
    }
}

/// The counters that an attempt touches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuardState(pub Vec<(GuardKey, Counter)>);

/// What the guard says of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardVerdict {
    /// Whether the attempt is refused whatever the PIN.
    pub locked: bool,
    /// For how much longer than usual a refusal is held back.
    pub delay: Duration,
    /// What this attempt locks, should the PIN be wrong, and until when.
    pub locks: Vec<(GuardKey, Timestamp)>,
    /// Set at the moment when the site's counter reaches its alarm: how many.
    pub alarm: Option<u32>,
}

impl GuardState {
    /// Counts an attempt *before* its PIN is looked at, so that attempts made at the same time all
    /// count. A right PIN takes the count back ([`Counter::take_back`]). A locked attempt counts only at
    /// the phone and the site, so that their delays grow as they do for an extension that nobody has,
    /// and locks nothing: whoever is locked out can neither lengthen the lock nor shut out others.
    pub fn attempt(&mut self, settings: &GuardSettings, now: Timestamp) -> GuardVerdict {
        let locked = self.0.iter().any(|(_, counter)| counter.is_locked(now));
        let mut verdict =
            GuardVerdict { locked, delay: Duration::ZERO, locks: Vec::new(), alarm: None };
        for (key, counter) in &mut self.0 {
            let limit = settings.limit(key);
            if locked && matches!(key, GuardKey::Phone(_) | GuardKey::Strangers) {
                counter.count_without_lock(settings.phone, now);
            } else if !locked || *key == GuardKey::Site {
                let locks = counter.count(limit, now);
                verdict.locks.extend(
                    counter.locked_until.filter(|_| locks).map(|until| (key.clone(), until)),
                );
            }
            match key {
                GuardKey::Site => {
                    verdict.delay += site_delay(counter.wrong, settings.site_alarm);
                    verdict.alarm = (counter.wrong == settings.site_alarm).then_some(counter.wrong);
                }
                GuardKey::Phone(_) | GuardKey::Strangers => {
                    // A locked counter begins anew, and its phone must not sound faster for that.
                    let most = settings.phone.wrong.saturating_sub(1).min(8);
                    let steps = if counter.is_locked(now) { most } else { counter.wrong.min(most) };
                    verdict.delay += Duration::from_millis(250 * u64::from(steps));
                }
                GuardKey::Pair(..) | GuardKey::Extension(_) => {}
            }
        }
        verdict
    }
}

/// How much longer every refusal of the site takes once `wrong` PINs passed `alarm`: up to 5 s.
pub fn site_delay(wrong: u32, alarm: u32) -> Duration {
    let over = wrong.saturating_sub(alarm);
    Duration::from_millis(u64::from(over).saturating_mul(50).min(5_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn state() -> GuardState {
        let user: Extension = "1001".parse().unwrap();
        let phone: Mac = "0004132a0001".parse().unwrap();
        GuardState(
            [
                GuardKey::Pair(user.clone(), phone),
                GuardKey::Extension(user),
                GuardKey::Phone(phone),
                GuardKey::Site,
            ]
            .into_iter()
            .map(|key| (key, Counter::default()))
            .collect(),
        )
    }

    #[test]
    fn the_fifth_wrong_pin_locks_the_pair_and_only_the_pair() {
        let mut state = state();
        let settings = GuardSettings::default();
        for attempt in 1..=5 {
            let verdict = state.attempt(&settings, at(1));
            assert!(!verdict.locked);
            assert_eq!(verdict.locks.is_empty(), attempt < 5, "attempt {attempt}");
        }
        assert!(state.attempt(&settings, at(1)).locked);
        assert!(!state.0[1].1.is_locked(at(1)) && !state.0[2].1.is_locked(at(1)));
        assert!(!state.attempt(&settings, at(17)).locked);
    }

    #[test]
    fn the_delay_tells_nothing_of_the_extension() {
        let settings = GuardSettings::default();
        let mut known = state();
        let mut unknown = GuardState(known.0.split_off(2));
        let mut known = GuardState([known.0, unknown.0.clone()].concat());
        let strangers = vec![(GuardKey::Strangers, Counter::default()), unknown.0[1].clone()];
        let mut stranger = GuardState(strangers);
        let mut last = Duration::ZERO;
        for attempt in 1..=14 {
            // Its pair is locked from the sixth on, the phone from the eleventh.
            let delay = known.attempt(&settings, at(1)).delay;
            assert_eq!(unknown.attempt(&settings, at(1)).delay, delay, "attempt {attempt}");
            assert_eq!(stranger.attempt(&settings, at(1)).delay, delay, "attempt {attempt}");
            assert!(delay >= last, "attempt {attempt}");
            last = delay;
        }
        // Who is locked out does not lock the phone for others.
        assert!(!known.0[2].1.is_locked(at(1)) && unknown.0[0].1.is_locked(at(1)));
    }

    #[test]
    fn locks_double_up_to_a_day_and_are_forgiven_after_one() {
        let limit = Some(GuardLimit { wrong: 1, window_minutes: 15, lock_minutes: 15 });
        let mut counter = Counter::default();
        let mut now = at(0);
        let mut lengths = Vec::new();
        for _ in 0..9 {
            assert!(counter.count(limit, now));
            let until = counter.locked_until.unwrap();
            lengths.push(until.duration_since(now).as_mins());
            now = until;
        }
        assert_eq!(lengths, [15, 30, 60, 120, 240, 480, 960, 1440, 1440]);
        now = now.checked_add(SignedDuration::from_hours(25)).unwrap();
        assert!(counter.is_stale(now));
        counter.count(limit, now);
        assert_eq!(counter.locked_until.unwrap().duration_since(now).as_mins(), 15);
    }

    #[test]
    fn wrong_pins_stop_counting_after_their_window() {
        let mut state = state();
        for minute in [0, 1, 2, 3, 16, 17, 18, 19] {
            assert!(
                state.attempt(&GuardSettings::default(), at(minute)).locks.is_empty(),
                "{minute}"
            );
        }
    }

    #[test]
    fn a_right_pin_takes_its_own_count_and_its_own_lock_back_and_no_more() {
        let limit = Some(GuardLimit { wrong: 2, window_minutes: 15, lock_minutes: 15 });
        let mut counter = Counter::default();
        counter.count(limit, at(0));
        assert!(counter.count(limit, at(0)));
        counter.take_back(limit, true, at(0));
        assert!(!counter.is_locked(at(0)));
        // The wrong PIN before it still counts: logging in as oneself buys no guesses at others.
        assert_eq!(counter.counting(limit, at(0)), 1);
        assert!(counter.count(limit, at(0)));
    }

    #[test]
    fn the_site_slows_down_and_alarms_once_and_never_refuses() {
        let settings = GuardSettings::default();
        let mut site = GuardState(vec![(GuardKey::Site, Counter::default())]);
        let verdicts: Vec<GuardVerdict> =
            (0..10_000).map(|_| site.attempt(&settings, at(0))).collect();
        assert!(verdicts.iter().all(|v| !v.locked));
        assert_eq!(verdicts.iter().filter(|v| v.alarm.is_some()).count(), 1);
        assert_eq!(verdicts[48].delay, Duration::ZERO);
        assert_eq!(verdicts[9_999].delay, Duration::from_secs(5));
    }
}
