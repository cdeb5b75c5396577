//! Locations: which networks belong to a place, so that a phone that was carried elsewhere is noticed.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A place with networks of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// How the emergency locations of its phones begin (`Vienna, 3rd floor`).
    pub name: String,
    /// From which networks its phones register, as FreeSWITCH sees them.
    #[serde(deserialize_with = "networks")]
    pub networks: Vec<IpNet>,
}

/// All locations that are configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locations(Vec<Location>);

/// Where a phone is, compared with where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// Nothing can be said: its location has no networks, or its address is not known.
    Unknown,
    /// It is where it belongs.
    Home(&'a Location),
    /// It is elsewhere.
    Elsewhere {
        /// Where it belongs.
        home: &'a Location,
        /// The network of another location that it is in, where there is one.
        network: Option<IpNet>,
    },
}

impl Locations {
    /// These, each with a name of its own.
    pub fn new(all: Vec<Location>) -> Self {
        Self(all)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, as they are configured.
    pub fn all(&self) -> &[Location] {
        &self.0
    }

    /// The location to which an emergency location belongs: the longest whose name it begins with. A name ends where a
    /// word does, so that `Building 1` has nothing of `Building 12`.
    pub fn of(&self, emergency: &str) -> Option<&Location> {
        let is_of = |location: &&Location| {
            let rest = emergency.strip_prefix(location.name.as_str());
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        self.0.iter().filter(is_of).max_by_key(|location| location.name.len())
    }

    /// Where a phone with this emergency location is that registers from there.
    pub fn place(&self, emergency: Option<&str>, address: Option<IpAddr>) -> Place<'_> {
        let home = emergency.and_then(|emergency| self.of(emergency));
        let (Some(home), Some(address)) = (home, address) else { return Place::Unknown };
        let address = address.to_canonical();
        let in_there = |net: &&IpNet| net.contains(&address);
        if home.networks.iter().any(|net| in_there(&net)) {
            return Place::Home(home);
        }
        let others = self.0.iter().flat_map(|location| &location.networks);
        let network = others.filter(in_there).max_by_key(|net| net.prefix_len()).copied();
        Place::Elsewhere { home, network }
    }
}

/// Networks, or single addresses; at least one.
fn networks<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let told = "expected networks or IP addresses, as in [\"192.0.2.0/24\", \"198.51.100.7\"]";
    if texts.is_empty() {
        return Err(serde::de::Error::custom(told));
    }
    let net = |text: String| {
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map_err(|_| serde::de::Error::custom(told))
    };
    texts.into_iter().map(net).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locations(all: &[(&str, &[&str])]) -> Locations {
        let location = |(name, networks): &(&str, &[&str])| Location {
            name: (*name).to_owned(),
            networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
        };
        Locations::new(all.iter().map(location).collect())
    }

    #[test]
    fn the_longest_name_that_ends_with_a_word_counts() {
        let all = locations(&[
            ("Building 1", &["192.0.2.0/25"]),
            ("Building 1, floor 3", &["192.0.2.128/25"]),
            ("Building 12", &["198.51.100.0/24"]),
        ]);
        let of = |text: &str| all.of(text).map(|location| location.name.as_str());
        assert_eq!(of("Building 1"), Some("Building 1"));
        assert_eq!(of("Building 1, room 12"), Some("Building 1"));
        assert_eq!(of("Building 1, floor 3, room 312"), Some("Building 1, floor 3"));
        assert_eq!(of("Building 12, room 1"), Some("Building 12"));
        assert_eq!(of("Building 123"), None);
        assert_eq!(of("building 1"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn a_phone_is_at_home_elsewhere_or_nobody_knows() {
        let all = locations(&[
            ("Vienna", &["192.0.2.0/24", "2001:db8:1::/48"]),
            ("Graz", &["198.51.100.0/24"]),
        ]);
        let place = |emergency, address: &str| all.place(emergency, Some(address.parse().unwrap()));
        assert!(matches!(place(Some("Vienna, room 1"), "192.0.2.7"), Place::Home(_)));
        assert!(matches!(place(Some("Vienna"), "::ffff:192.0.2.7"), Place::Home(_)));
        assert!(matches!(place(Some("Vienna"), "2001:db8:1::7"), Place::Home(_)));
        let Place::Elsewhere { home, network } = place(Some("Vienna, room 1"), "198.51.100.9")
        else {
            panic!("it is in Graz");
        };
        assert_eq!(
            (home.name.as_str(), network),
            ("Vienna", Some("198.51.100.0/24".parse().unwrap()))
        );
        let nowhere = place(Some("Graz"), "203.0.113.1");
        assert!(matches!(nowhere, Place::Elsewhere { network: None, .. }), "{nowhere:?}");
        assert_eq!(place(Some("Linz"), "192.0.2.7"), Place::Unknown);
        assert_eq!(place(None, "192.0.2.7"), Place::Unknown);
        assert_eq!(all.place(Some("Vienna"), None), Place::Unknown);
    }
}
