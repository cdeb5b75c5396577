//! How many connections each address has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts the connections of each address. As long as the connections are bounded, so is this.
#[derive(Clone)]
pub(super) struct Crowd {
    /// How many one address may have.
    most: usize,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection that counts; dropped, it counts no more.
pub(super) struct Member {
    crowd: Crowd,
    host: IpAddr,
}

/// The address has as many connections as it may have.
#[derive(Debug)]
pub(super) struct Full;

impl Crowd {
    /// `None` is no limit.
    pub(super) fn new(most: Option<usize>) -> Self {
        // None at all would keep an entry for everybody who tries.
        Self { most: most.map_or(usize::MAX, |most| most.max(1)), counts: Arc::default() }
    }

    /// Counts a connection.
    ///
    /// # Errors
    /// One too many.
    pub(super) fn join(&self, address: IpAddr) -> Result<Member, Full> {
        let host = host(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(host).or_default();
        if *count >= self.most {
            return Err(Full);
        }
        *count += 1;
        Ok(Member { crowd: self.clone(), host })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.host) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.host);
            }
        }
    }
}

/// The host of an address: one machine may have all addresses of its IPv6 /64.
fn host(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_a_v6_network_are_one_host_and_nothing_is_kept() {
        let crowd = Crowd::new(Some(2));
        let join = |address: &str| crowd.join(address.parse().unwrap());
        let members = [join("2001:db8::1").unwrap(), join("2001:db8::2").unwrap()];
        assert!(join("2001:db8::3").is_err());
        let others = [join("2001:db8:0:1::3").unwrap(), join("::ffff:192.0.2.1").unwrap()];
        let v4 = join("192.0.2.1").unwrap();
        assert!(join("192.0.2.1").is_err(), "the mapped address is the same");
        drop((members, others, v4));
        assert!(crowd.counts.lock().unwrap().is_empty());
        let _held = join("2001:db8::3").unwrap();
    }
}
