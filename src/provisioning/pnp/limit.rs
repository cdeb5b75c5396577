//! How often phones are answered: each by itself, and all together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::model::Mac;

/// How often one phone is answered at once; a phone that tries with a new Call-ID each second for 5 seconds is.
const AT_ONCE: u32 = 6;
/// How long each of these weighs: 6 a minute in the long run.
const WEIGHT: Duration = Duration::from_secs(10);
/// So many phones are remembered.
const MOST: usize = 8_192;
/// How often the quiet ones are looked for when there is no room.
const SWEEP: Duration = Duration::from_secs(1);
/// How often what a phone asked is written down at the most.
const NOTED: Duration = Duration::from_secs(60);

/// One rate (GCRA): so many at once, and then one for each weight that is over.
#[derive(Debug, Clone, Copy, Default)]
struct Rate {
    /// When all that was taken will be over.
    quiet: Option<Instant>,
}

impl Rate {
    fn take(&mut self, weight: Duration, at_once: u32, now: Instant) -> bool {
        let quiet = self.quiet.map_or(now, |quiet| quiet.max(now));
        if quiet.duration_since(now) + weight > weight * at_once {
            return false;
        }
        self.quiet = Some(quiet + weight);
        true
    }

    fn is_quiet(self, now: Instant) -> bool {
        self.quiet.is_none_or(|quiet| quiet <= now)
    }
}

/// The limits of one socket.
#[derive(Debug)]
pub(super) struct Limits {
    per_second: u32,
    all: Rate,
    phones: HashMap<(Mac, IpAddr), Rate>,
    noted: HashMap<Mac, Instant>,
    /// When those who are quiet were last looked for. Not at each question, while there is no room.
    swept: Option<Instant>,
}

impl Limits {
    /// So many answers a second for all together, at least 1.
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = per_second.max(1);
        let (phones, noted) = (HashMap::new(), HashMap::new());
        Self { per_second, all: Rate::default(), phones, noted, swept: None }
    }

    /// Whether this phone may be answered now. By MAC address and where it comes from, so that nobody uses
    /// up what another phone may have by saying its name elsewhere.
    pub(super) fn take(&mut self, mac: Mac, from: IpAddr, now: Instant) -> bool {
        self.sweep(now);
        if self.phones.len() >= MOST && !self.phones.contains_key(&(mac, from)) {
            return false;
        }
        let rate = self.phones.entry((mac, from)).or_default();
        rate.take(WEIGHT, AT_ONCE, now)
            && self.all.take(Duration::from_secs(1) / self.per_second, self.per_second, now)
    }

    /// Whether it is written down that this phone asked: what it asked before is worth more than what
    /// anybody says in its name a hundred times.
    pub(super) fn is_noted(&mut self, mac: Mac, now: Instant) -> bool {
        self.sweep(now);
        let last = self.noted.get(&mac);
        if self.noted.len() >= MOST || last.is_some_and(|at| now.duration_since(*at) < NOTED) {
            return false;
        }
        self.noted.insert(mac, now);
        true
    }

    /// Forgets those who are quiet, where there is no room.
    fn sweep(&mut self, now: Instant) {
        let is_full = self.phones.len() >= MOST || self.noted.len() >= MOST;
        let was_just = self.swept.is_some_and(|at| now.duration_since(at) < SWEEP);
        if is_full && !was_just {
            self.phones.retain(|_, rate| !rate.is_quiet(now));
            self.noted.retain(|_, at| now.duration_since(*at) < NOTED);
            self.swept = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(n: u32) -> Mac {
        format!("000413{n:06x}").parse().unwrap()
    }

    #[test]
    fn a_phone_is_answered_six_times_and_then_every_ten_seconds() {
        let (mut limits, start) = (Limits::new(500), Instant::now());
        let here = IpAddr::from([192, 0, 2, 7]);
        let taken = (0..20).filter(|_| limits.take(mac(1), here, start)).count();
        assert_eq!(taken, 6);
        assert!(limits.take(mac(1), IpAddr::from([192, 0, 2, 8]), start), "said elsewhere");
        assert!(limits.take(mac(2), here, start), "another phone there");
        assert!(!limits.take(mac(1), here, start + Duration::from_secs(9)));
        assert!(limits.take(mac(1), here, start + Duration::from_secs(10)));
    }

    #[test]
    fn all_together_are_answered_so_often_a_second() {
        let (mut limits, start) = (Limits::new(100), Instant::now());
        let from = IpAddr::from([192, 0, 2, 7]);
        let taken = (0..1_000).filter(|n| limits.take(mac(*n), from, start)).count();
        assert_eq!(taken, 100);
        let later = start + Duration::from_secs(1);
        let taken = (1_000..2_000).filter(|n| limits.take(mac(*n), from, later)).count();
        assert_eq!(taken, 100);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (mut limits, start) = (Limits::new(u32::MAX), Instant::now());
        let from = IpAddr::from([192, 0, 2, 7]);
        for n in 0..20_000 {
            limits.take(mac(n), from, start);
            limits.is_noted(mac(n), start);
        }
        assert!(limits.phones.len() <= MOST && limits.noted.len() <= MOST);
        let later = start + Duration::from_secs(120);
        assert!(limits.take(mac(30_000), from, later), "those who are quiet make room");
        assert!(limits.is_noted(mac(30_000), later));
        assert!(!limits.is_noted(mac(30_000), later + Duration::from_secs(59)));
        assert!(limits.is_noted(mac(30_000), later + Duration::from_secs(60)));
    }
}
