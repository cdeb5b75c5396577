//! Wrong tries at the sign-in: for one name from one network, for one name from everywhere, for one network.
//!
//! The pair locks first, so that somebody who guesses shuts out himself rather than the person. In memory: a restart
//! forgets it, and how many counters there are is bounded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::http::peer::network_of;
use crate::model::{Counter, GuardLimit};

/// The most counters; one more forgets the one that was touched the longest ago.
const MOST: usize = 4_096;

/// When wrong tries lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInLimits {
    /// For one name from one network.
    pub pair: GuardLimit,
    /// For one name from everywhere.
    pub name: GuardLimit,
    /// For one network: an address, or a /64 of IPv6.
    pub network: GuardLimit,
}

impl Default for SignInLimits {
    fn default() -> Self {
        let limit = |wrong, window_minutes| GuardLimit { wrong, window_minutes, lock_minutes: 15 };
        Self { pair: limit(5, 15), name: limit(20, 60), network: limit(20, 15) }
    }
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pair(String, IpNet),
    Name(String),
    Network(IpNet),
}

/// The counters.
pub(super) struct Guard {
    limits: SignInLimits,
    counters: Mutex<HashMap<Key, (Counter, Timestamp)>>,
}

/// An attempt, counted as wrong until it is known to be right.
pub(super) struct Attempt {
    /// Whether it is refused whatever the password.
    pub(super) locked: bool,
    keys: [Key; 3],
    /// What it locks, should it be wrong.
    locks: Vec<Key>,
    at: Timestamp,
}

/// A lock that an attempt has brought about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lock {
    /// Whether the name is part of it.
    pub(super) of_name: bool,
    /// The network that is part of it.
    pub(super) network: Option<IpNet>,
    pub(super) until: Timestamp,
}

impl Guard {
    pub(super) fn new(limits: SignInLimits) -> Self {
        Self { limits, counters: Mutex::default() }
    }

    /// Counts an attempt before its password is looked at, so that attempts made at the same time all count. A locked
    /// one counts nowhere: whoever is locked out cannot lengthen the lock.
    pub(super) fn attempt(&self, name: &str, from: IpAddr, now: Timestamp) -> Attempt {
        let (name, network) = (name.to_lowercase(), network(from));
        let keys = [Key::Pair(name.clone(), network), Key::Name(name), Key::Network(network)];
        let mut counters = self.lock();
        let is_locked = |key| counters.get(key).is_some_and(|(counter, _)| counter.is_locked(now));
        let locked = keys.iter().any(is_locked);
        let mut locks = Vec::new();
        for key in keys.iter().filter(|_| !locked) {
            make_room(&mut counters, key);
            let (counter, touched) =
                counters.entry(key.clone()).or_insert_with(|| (Counter::default(), now));
            *touched = now;
            if counter.count(Some(self.limit(key)), now) {
                locks.push(key.clone());
            }
        }
        Attempt { locked, keys, locks, at: now }
    }

    /// The password was right: the pair begins anew, and the others forget this attempt.
    pub(super) fn right(&self, attempt: &Attempt) {
        let mut counters = self.lock();
        for key in &attempt.keys {
            if let Key::Pair(..) = key {
                counters.remove(key);
            } else if let Some((counter, _)) = counters.get_mut(key) {
                let locked = attempt.locks.contains(key);
                counter.take_back(Some(self.limit(key)), locked, attempt.at);
            }
        }
    }

    /// Nobody could be asked whether the password is right: the attempt is forgotten.
    pub(super) fn not_asked(&self, attempt: &Attempt) {
        let mut counters = self.lock();
        for key in &attempt.keys {
            if let Some((counter, _)) = counters.get_mut(key) {
                let locked = attempt.locks.contains(key);
                counter.take_back(Some(self.limit(key)), locked, attempt.at);
            }
        }
    }

    /// The password was wrong: what it locked.
    pub(super) fn wrong(&self, attempt: &Attempt) -> Vec<Lock> {
        let counters = self.lock();
        let until = |key| counters.get(key).and_then(|(counter, _)| counter.locked_until);
        let locks = attempt.locks.iter().filter_map(|key| {
            let (of_name, network) = match key {
                Key::Pair(_, network) => (true, Some(*network)),
                Key::Name(_) => (true, None),
                Key::Network(network) => (false, Some(*network)),
            };
            Some(Lock { of_name, network, until: until(key)? })
        });
        locks.collect()
    }

    fn limit(&self, key: &Key) -> GuardLimit {
        match key {
            Key::Pair(..) => self.limits.pair,
            Key::Name(_) => self.limits.name,
            Key::Network(_) => self.limits.network,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Counter, Timestamp)>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(counters: &mut HashMap<Key, (Counter, Timestamp)>, key: &Key) {
    if counters.len() < MOST || counters.contains_key(key) {
        return;
    }
    let oldest = counters.iter().min_by_key(|(_, (_, touched))| *touched);
    if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
        counters.remove(&oldest);
    }
}

/// An address of IPv4, or whoever has an IPv6 /64.
fn network(address: IpAddr) -> IpNet {
    network_of(address, 32, 64)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_guesses_shuts_out_himself_first_and_then_the_name() {
        let (guard, start) = (Guard::new(SignInLimits::default()), Timestamp::UNIX_EPOCH);
        let from = ip("192.0.2.1");
        for at in 0..5 {
            let attempt = guard.attempt("Ada", from, start);
            assert!(!attempt.locked, "{at}");
            assert_eq!(guard.wrong(&attempt).len(), usize::from(at == 4), "{at}");
        }
        // Spelled otherwise it is the same name, and the right password does not help.
        assert!(guard.attempt("ada", from, start).locked);
        assert!(!guard.attempt("grace", from, start).locked);
        // From elsewhere she can sign in.
        let elsewhere = guard.attempt("ada", ip("192.0.2.2"), start);
        assert!(!elsewhere.locked);
        guard.right(&elsewhere);
        let later = start + SignedDuration::from_mins(16);
        assert!(!guard.attempt("ada", from, later).locked);
        // From many places together the name is locked for all.
        let mut locks = Vec::new();
        for at in 0..20 {
            let attempt = guard.attempt("alan", ip(&format!("198.51.100.{at}")), start);
            assert!(!attempt.locked);
            locks = guard.wrong(&attempt);
        }
        assert!(locks[0].of_name && locks[0].network.is_none(), "{locks:?}");
        assert!(guard.attempt("alan", ip("203.0.113.9"), start).locked);
    }

    #[test]
    fn who_tries_many_names_shuts_out_the_network() {
        let (guard, now) = (Guard::new(SignInLimits::default()), Timestamp::UNIX_EPOCH);
        for at in 0..20 {
            let attempt = guard.attempt(&format!("x{at}"), ip("2001:db8::1"), now);
            assert!(!attempt.locked);
            guard.wrong(&attempt);
        }
        assert!(guard.attempt("ada", ip("2001:db8::2"), now).locked);
        assert!(!guard.attempt("ada", ip("2001:db8:0:1::2"), now).locked);
    }

    #[test]
    fn who_knows_the_password_is_not_counted() {
        let (guard, now) = (Guard::new(SignInLimits::default()), Timestamp::UNIX_EPOCH);
        for _ in 0..100 {
            let attempt = guard.attempt("ada", ip("192.0.2.1"), now);
            assert!(!attempt.locked);
            guard.right(&attempt);
        }
    }

    #[test]
    fn there_are_so_many_counters() {
        let (guard, now) = (Guard::new(SignInLimits::default()), Timestamp::UNIX_EPOCH);
        for at in 0..MOST {
            guard.attempt(&format!("x{at}"), IpAddr::V4((at as u32).into()), now);
        }
        assert_eq!(guard.lock().len(), MOST);
    }
}
