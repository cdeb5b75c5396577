//! Refusals by network: how many there were, and whether there are too many now.
//!
//! A network is a /24, or a /48 of IPv6: who guesses has all of its addresses. How many networks are
//! remembered is bounded, because somebody may knock from very many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::peer::network_of;

/// So many networks are remembered, at about 100 bytes each.
const MOST: usize = 16_384;
/// How often the quiet ones are looked for when there is no room.
const SWEEP: Duration = Duration::from_secs(1);
/// What a limit is for.
const MINUTE: Duration = Duration::from_secs(60);

/// Allows a number of refusals a minute to each network: so many at once, and then one for each that is
/// long enough ago.
pub struct Limiter {
    /// How long one refusal weighs.
    weight: Duration,
    state: Mutex<State>,
}

/// What is remembered.
struct State {
    networks: HashMap<IpNet, Record>,
    /// Those for whom there was no room, together.
    others: Record,
    /// When the quiet ones were last looked for.
    swept: Option<Instant>,
}

/// One network.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    /// When its refusals will all be long enough ago (GCRA's theoretical arrival time).
    quiet: Option<Instant>,
    /// Refusals since the start, or since the network was last forgotten.
    count: u64,
}

/// Refusals since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusalCounts {
    /// By network, the most first.
    pub networks: Vec<(IpNet, u64)>,
    /// From networks that were forgotten again, or not remembered.
    pub others: u64,
}

impl Limiter {
    /// So many refusals a minute for each network; at least 1.
    pub fn new(per_minute: u32) -> Self {
        let others = Record::default();
        Self {
            weight: MINUTE / per_minute.max(1),
            state: Mutex::new(State { networks: HashMap::new(), others, swept: None }),
        }
    }

    /// Counts a refusal. Whether its network was still within the limit, with this one.
    pub fn note(&self, address: IpAddr) -> bool {
        self.note_at(address, Instant::now())
    }

    /// Whether the network has had all the refusals that it may have, so that its next request need not
    /// be looked at.
    pub fn is_over(&self, address: IpAddr) -> bool {
        self.is_over_at(address, Instant::now())
    }

    /// What was counted so far.
    pub fn counts(&self) -> RefusalCounts {
        let (mut networks, others): (Vec<_>, _) = {
            let state = self.lock();
            let counts = state.networks.iter().map(|(network, record)| (*network, record.count));
            (counts.collect(), state.others.count)
        };
        networks.sort_by_key(|(network, count)| (std::cmp::Reverse(*count), *network));
        RefusalCounts { networks, others }
    }

    fn note_at(&self, address: IpAddr, now: Instant) -> bool {
        let mut state = self.lock();
        let record = state.record(network(address), now);
        record.count = record.count.saturating_add(1);
        let within = !record.is_over(self.weight, now);
        if within {
            record.quiet =
                record.quiet.map_or(now, |quiet| quiet.max(now)).checked_add(self.weight);
        }
        within
    }

    fn is_over_at(&self, address: IpAddr, now: Instant) -> bool {
        let state = self.lock();
        let record = state.networks.get(&network(address));
        let unknown = if state.networks.len() < MOST { Record::default() } else { state.others };
        record.copied().unwrap_or(unknown).is_over(self.weight, now)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A network's record; that of the others where there is no room for one more.
    fn record(&mut self, network: IpNet, now: Instant) -> &mut Record {
        if !self.networks.contains_key(&network) && self.networks.len() >= MOST {
            self.sweep(now);
            if self.networks.len() >= MOST {
                return &mut self.others;
            }
        }
        self.networks.entry(network).or_default()
    }

    /// Forgets the networks that are quiet by now, but not how many refusals they had in all. At most
    /// once a second, because it looks at every one.
    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now.saturating_duration_since(swept) < SWEEP) {
            return;
        }
        self.swept = Some(now);
        let others = &mut self.others.count;
        self.networks.retain(|_, record| {
            let keep = record.quiet.is_some_and(|quiet| quiet > now);
            if !keep {
                *others = others.saturating_add(record.count);
            }
            keep
        });
    }
}

impl Record {
    /// Whether one more would be too many.
    fn is_over(self, weight: Duration, now: Instant) -> bool {
        let owed = self.quiet.map_or(Duration::ZERO, |quiet| quiet.saturating_duration_since(now));
        owed + weight > MINUTE
    }
}

/// The network of an address.
fn network(address: IpAddr) -> IpNet {
    network_of(address, 24, 48)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn so_many_refusals_a_minute_and_then_one_for_each_that_is_long_ago() {
        let (limiter, start) = (Limiter::new(6), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        for at in 0..6 {
            assert!(!limiter.is_over_at(ip("192.0.2.1"), start));
            assert!(limiter.note_at(ip(&format!("192.0.2.{at}")), start));
        }
        for (address, over) in
            [("192.0.2.77", true), ("::ffff:192.0.2.1", true), ("192.0.3.1", false)]
        {
            assert_eq!(limiter.is_over_at(ip(address), start), over, "{address}");
        }
        // Whoever goes on is not locked out the longer for it.
        for _ in 0..100 {
            assert!(!limiter.note_at(ip("192.0.2.1"), after(9)));
        }
        assert!(limiter.note_at(ip("192.0.2.1"), after(10)));
        assert!(limiter.is_over_at(ip("192.0.2.1"), after(19)));
        assert!(!limiter.is_over_at(ip("192.0.2.1"), after(20)));
        let network = "192.0.2.0/24".parse().unwrap();
        let counts = RefusalCounts { networks: vec![(network, 107)], others: 0 };
        assert_eq!(limiter.counts(), counts);
    }

    #[test]
    fn a_v6_site_is_one_network() {
        let (limiter, now) = (Limiter::new(1), Instant::now());
        assert!(limiter.note_at(ip("2001:db8:1:2::3"), now));
        assert!(limiter.is_over_at(ip("2001:db8:1:ffff::9"), now));
        assert!(!limiter.is_over_at(ip("2001:db8:2::3"), now));
        assert_eq!(limiter.counts().networks[0].0.to_string(), "2001:db8:1::/48");
    }

    #[test]
    fn a_scan_fills_no_memory_and_is_limited_as_one() {
        let (limiter, start) = (Limiter::new(10), Instant::now());
        let site = |number: u128| IpAddr::V6((number << 80).into());
        let scan = MOST as u128 + 50_000;
        for number in 0..scan {
            limiter.note_at(site(number), start);
        }
        let counts = limiter.counts();
        assert_eq!(counts.networks.len(), MOST);
        assert_eq!(counts.others, 50_000);
        assert!(limiter.is_over_at(site(scan), start), "those without room share one limit");
        assert!(!limiter.is_over_at(site(1), start), "those with room have their own");
        // A minute later they are forgotten, the sums are not, and there is room again.
        let later = start + MINUTE;
        assert!(limiter.note_at(site(scan), later));
        let counts = limiter.counts();
        assert_eq!(counts.networks, [(network(site(scan)), 1)]);
        assert_eq!(u128::from(counts.others), scan);
    }

    #[test]
    fn no_refusal_is_no_limit() {
        let limiter = Limiter::new(0);
        assert!(limiter.note(ip("192.0.2.1")), "at least one");
        assert!(!limiter.note(ip("192.0.2.1")));
        assert!(limiter.is_over(ip("192.0.2.1")));
        assert_eq!(Limiter::new(5).counts(), RefusalCounts::default());
    }
}
