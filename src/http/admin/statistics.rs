//! The last week in numbers, out of the journal: logins and occupied desks by the hour, how long callers waited.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::desk::{self, Desk};
use crate::http::problem::Problem;
use crate::model::{Happening, HappeningKind, JournalEntry};
use crate::store::JournalFilter;

/// How many hours are told.
const HOURS: i64 = 7 * 24;
/// How many entries of the journal are read at a time.
const CHUNK: u32 = 1_000;
/// How many are read for one answer at most; the rest is read for the next.
const MOST: u32 = 200_000;
/// Up to how many seconds callers waited, for each count of [`Waits`]; the last one is for all above.
pub const WAIT_LIMITS: [u32; 6] = [10, 30, 60, 120, 300, 600];
/// What is counted.
const COUNTED: [&str; 5] =
    ["login", "owner-returned", "logout", "customer-served", "customer-left"];

/// The last week.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// The hours, oldest first; the last one is the running one.
    pub hours: Vec<Hour>,
    /// How many customers waited up to 10, 30, 60, 120, 300, 600 seconds, and longer, until an agent took the call.
    pub served: Waits,
    /// The same of those whom nobody took.
    pub left: Waits,
}

/// How many waited how long.
pub type Waits = [u32; WAIT_LIMITS.len() + 1];

/// An hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// When it began.
    pub at: Timestamp,
    /// How many people logged in.
    pub logins: u32,
    /// How many desks somebody sat at when it ended.
    pub occupied: u32,
}

/// What was counted so far: each entry is read once. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Counts(Arc<Mutex<Counted>>);

/// The counts.
#[derive(Debug, Clone, Default)]
struct Counted {
    /// The last entry that is in.
    last: i64,
    hours: Vec<Counter>,
}

/// The counts of an hour.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    /// The hour's number since 1970.
    hour: i64,
    logins: u32,
    began: u32,
    ended: u32,
    served: Waits,
    left: Waits,
}

/// An hour's number since 1970.
fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

impl Counted {
    /// Counts an entry in.
    fn add(&mut self, entry: &JournalEntry) {
        self.last = entry.id;
        let hour = hour_of(entry.at);
        let place = match self.hours.binary_search_by_key(&hour, |counter| counter.hour) {
            Ok(place) => place,
            Err(place) => {
                self.hours.insert(place, Counter { hour, ..Counter::default() });
                place
            }
        };
        let Some(counter) = self.hours.get_mut(place) else { return };
        match &entry.what {
            Happening::Login { .. } => {
                counter.logins += 1;
                counter.began += 1;
            }
            Happening::OwnerReturned { .. } => counter.began += 1,
            Happening::Logout { .. } => counter.ended += 1,
            Happening::CustomerServed { waited, .. } => count(&mut counter.served, *waited),
            Happening::CustomerLeft { waited, .. } => count(&mut counter.left, *waited),
            _ => {}
        }
    }

    /// The week that ends at `now`, at which so many desks are occupied.
    fn week(&self, occupied: usize, now: Timestamp) -> Statistics {
        let (mut statistics, this) = (Statistics::default(), hour_of(now));
        let mut occupied = i64::try_from(occupied).unwrap_or_default();
        for hour in (this - HOURS + 1..=this).rev() {
            let known = self.hours.binary_search_by_key(&hour, |counter| counter.hour).ok();
            let counter =
                known.and_then(|place| self.hours.get(place)).copied().unwrap_or_default();
            let at = Timestamp::from_second(hour * 3_600).unwrap_or_default();
            let seats = u32::try_from(occupied.max(0)).unwrap_or_default();
            statistics.hours.push(Hour { at, logins: counter.logins, occupied: seats });
            // At the end of the hour before, those who came were not there yet and those who went still were.
            occupied += i64::from(counter.ended) - i64::from(counter.began);
            for (sum, count) in statistics.served.iter_mut().zip(counter.served) {
                *sum += count;
            }
            for (sum, count) in statistics.left.iter_mut().zip(counter.left) {
                *sum += count;
            }
        }
        statistics.hours.reverse();
        statistics
    }
}

/// Counts somebody who waited so many seconds.
fn count(waits: &mut Waits, waited: u32) {
    let place = WAIT_LIMITS.iter().position(|limit| waited <= *limit).unwrap_or(WAIT_LIMITS.len());
    if let Some(count) = waits.get_mut(place) {
        *count += 1;
    }
}

pub(super) async fn week(
    State(desk): State<Desk>,
    State(counts): State<Counts>,
) -> Result<Json<Statistics>, Problem> {
    let now = Timestamp::now();
    let since = now - SignedDuration::from_hours(HOURS);
    let lock = || counts.0.lock().unwrap_or_else(PoisonError::into_inner);
    let what = HappeningKind::all().filter(|kind| COUNTED.contains(&kind.as_str())).collect();
    let mut filter = JournalFilter { since: Some(since), what, limit: CHUNK, ..Default::default() };
    for _ in 0..MOST / CHUNK {
        filter.after = Some(lock().last.max(since.as_microsecond()));
        let entries = desk.store().journal(&filter).await.map_err(desk::Error::from)?;
        let mut counted = lock();
        for entry in &entries {
            // Somebody else may have read it meanwhile.
            if entry.id > counted.last {
                counted.add(entry);
            }
        }
        if entries.len() < CHUNK as usize {
            break;
        }
    }
    let occupied = desk.store().memory().sessions().count();
    let mut counted = lock();
    let oldest = hour_of(since) - 1;
    counted.hours.retain(|counter| counter.hour >= oldest);
    Ok(Json(counted.week(occupied, now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, EndReason, LoginMode};

    fn entry(id: i64, at: i64, what: Happening) -> JournalEntry {
        let at = Timestamp::from_second(at).unwrap();
        JournalEntry { id, at, by: Actor::Daemon, what }
    }

    #[test]
    fn hours_count_logins_and_desks_are_reckoned_back_from_now() {
        let (phone, user) =
            ("0004132a0001".parse().unwrap(), "1001".parse::<crate::model::Extension>().unwrap());
        let begin = 500_000 * 3_600;
        let login = || Happening::Login { phone, user: user.clone(), mode: LoginMode::Only };
        let logout = Happening::Logout { phone, user: user.clone(), reason: EndReason::LoggedOut };
        let served = |waited| Happening::CustomerServed {
            call: "u".into(),
            team: "sales".parse().unwrap(),
            waited,
            agent: None,
        };
        let mut counted = Counted::default();
        for (id, at, what) in [
            (1, begin + 10, login()),
            (2, begin + 3_610, login()),
            (3, begin + 3_620, logout),
            (4, begin + 3_630, served(10)),
            (5, begin + 3_640, served(11)),
            (6, begin + 3_650, served(9_999)),
        ] {
            counted.add(&entry(id, at, what));
        }
        // Three desks are occupied now, one hour later; two more sat down than went.
        let week = counted.week(3, Timestamp::from_second(begin + 7_300).unwrap());
        assert_eq!(week.hours.len(), 168);
        let last: Vec<_> =
            week.hours.iter().rev().take(4).map(|hour| (hour.logins, hour.occupied)).collect();
        assert_eq!(last, [(0, 3), (1, 3), (1, 3), (0, 2)]);
        assert_eq!(week.served, [1, 1, 0, 0, 0, 0, 1]);
        assert_eq!(counted.last, 6);
    }
}
