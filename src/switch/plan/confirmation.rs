//! The way of a row that only the phone's fetch can settle: told again, and again later, then restarted once where that is
//! allowed, then *not shown*; and told from time to time after that.
//!
//! FreeSWITCH never learns what a phone answers to a NOTIFY (`facts/phones.md` G.3), and a phone that answers 401 does so
//! for ever. So the fetch is the only proof, and its absence is the only sign that something is wrong.

use jiff::{SignedDuration, Timestamp};

use super::Waiting;
use crate::model::{Attempts, NotShown};

/// How long each reload has until the next thing is tried.
const RELOADS: [SignedDuration; 4] = [
    SignedDuration::from_secs(30),
    SignedDuration::from_secs(60),
    SignedDuration::from_secs(120),
    SignedDuration::from_secs(240),
];
/// How long a phone that was told to restart has to boot and fetch.
const RESTART: SignedDuration = SignedDuration::from_secs(180);
/// How long a phone may be unregistered before it counts as one that does not show what it should.
const AWAY: SignedDuration = SignedDuration::from_mins(10);
/// How often a phone that stayed silent is told again.
const SILENT: SignedDuration = SignedDuration::from_hours(1);
/// How soon at the earliest it is told again because it registered anew: some begin each REGISTER with a new Call-ID.
const ANEW: SignedDuration = SignedDuration::from_mins(5);

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is told to fetch.
    Reload,
    /// It is told to restart.
    Restart,
    /// It counts as not shown.
    GiveUp(NotShown),
}

/// When the next step is due, where it is not due at once. `anew` is when a registration appeared that was not there
/// before.
pub(in crate::switch) fn due(attempts: &Attempts, anew: Option<Timestamp>) -> Option<Timestamp> {
    let told = attempts.told?;
    let Some(since) = attempts.not_shown else {
        let pause = if attempts.restarted { RESTART } else { pause(attempts.tries) };
        return Some(later(told, pause));
    };
    let last = told.max(since);
    let again = anew.filter(|anew| *anew > last).map(|anew| anew.max(later(told, ANEW)));
    let hourly = later(last, SILENT);
    Some(again.map_or(hourly, |again| again.min(hourly)))
}

/// The next step of a phone that is there, when it is due.
pub(super) fn step(attempts: &Attempts, may_restart: bool) -> Step {
    let in_series = attempts.not_shown.is_none();
    if !in_series || !is_at_end(attempts) {
        Step::Reload
    } else if may_restart && !attempts.restarted {
        Step::Restart
    } else {
        Step::GiveUp(reason(attempts))
    }
}

/// Until when a phone that is not registered may still come; `watched` is since when it would be seen.
pub(super) fn away_until(since: Timestamp, attempts: &Attempts, watched: Timestamp) -> Timestamp {
    later(since.max(watched).max(attempts.told.unwrap_or(since)), AWAY)
}

/// What it waits for, until `next`.
pub(in crate::switch) fn waiting(attempts: &Attempts, next: Timestamp) -> Waiting {
    match attempts.not_shown {
        Some(_) => Waiting::NotShown { reason: reason(attempts) },
        None => Waiting::Unconfirmed { tries: attempts.tries, next },
    }
}

/// The attempts after a NOTIFY of that step. Who was never told because nobody could begins with it.
pub(super) fn told(attempts: &Attempts, restarted: bool, now: Timestamp) -> Attempts {
    Attempts {
        tries: attempts.tries.saturating_add(1),
        told: Some(now),
        restarted: attempts.restarted || restarted,
        not_shown: attempts.not_shown.filter(|_| attempts.told.is_some()),
    }
}

/// The attempts after it was given up.
pub(super) fn given_up(attempts: &Attempts, now: Timestamp) -> Attempts {
    Attempts { not_shown: Some(now), ..*attempts }
}

/// Whether all reloads were sent.
fn is_at_end(attempts: &Attempts) -> bool {
    attempts.restarted || usize::try_from(attempts.tries).is_ok_and(|tries| tries >= RELOADS.len())
}

/// How long to wait after that many reloads.
fn pause(tries: u32) -> SignedDuration {
    let at = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    RELOADS.get(at).or(RELOADS.last()).copied().unwrap_or(RESTART)
}

/// Why it is not shown, as far as the attempts tell.
fn reason(attempts: &Attempts) -> NotShown {
    match attempts.tries {
        0 => NotShown::Unregistered,
        tries => NotShown::Silent { tries, restarted: attempts.restarted },
    }
}

/// So much later; the end of time is late enough.
fn later(at: Timestamp, pause: SignedDuration) -> Timestamp {
    at.checked_add(pause).unwrap_or(Timestamp::MAX)
}
