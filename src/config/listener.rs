//! Where to listen, and for whom.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Where to listen, and who may connect.
///
/// In the file an address (`"127.0.0.1:8084"`), or a table `{ address, allow }`. Without `allow` only
/// this machine may connect, so an address that others reach has to have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// The address.
    pub address: SocketAddr,
    /// The networks from which connections are accepted.
    #[serde(serialize_with = "as_texts")]
    pub allow: Vec<IpNet>,
}

impl Listener {
    /// On a port of this machine, for this machine.
    pub fn loopback(port: u16) -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            allow: this_machine(),
        }
    }
}

/// Where to listen for everybody, or not at all.
///
/// In the file as a [`Listener`], but without `allow` it is open; `false` switches it off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenListener(
    /// The listener, its `allow` empty where it is open; `None` where it is off.
    pub Option<Listener>,
);

impl OpenListener {
    /// On a port of every address of this machine (IPv4), for everybody.
    pub fn everywhere(port: u16) -> Self {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        Self(Some(Listener { address, allow: Vec::new() }))
    }
}

impl Serialize for OpenListener {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => serializer.serialize_bool(false),
            // An empty `allow` cannot stand in a file.
            Some(listener) if listener.allow.is_empty() => {
                serializer.collect_str(&listener.address)
            }
            Some(listener) => listener.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for OpenListener {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OpenListenerVisitor)
    }
}

/// What may stand in the file for an [`OpenListener`].
struct OpenListenerVisitor;

impl<'de> Visitor<'de> for OpenListenerVisitor {
    type Value = OpenListener;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an address such as \"0.0.0.0:8085\", a table such as \
             { address = \"0.0.0.0:8085\", allow = [\"192.0.2.0/24\"] }, or false for none",
        )
    }

    fn visit_bool<E: serde::de::Error>(self, on: bool) -> Result<OpenListener, E> {
        if on {
            return Err(E::invalid_value(serde::de::Unexpected::Bool(on), &self));
        }
        Ok(OpenListener(None))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OpenListener, E> {
        let Address(address) = text.parse().map_err(E::custom)?;
        Ok(OpenListener(Some(Listener { address, allow: Vec::new() })))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OpenListener, A::Error> {
        let ListenerTable { address, allow } =
            ListenerTable::deserialize(MapAccessDeserializer::new(map))?;
        let allow = allow.map(allowed).transpose().map_err(A::Error::custom)?.unwrap_or_default();
        Ok(OpenListener(Some(Listener { address: address.0, allow })))
    }
}

/// Where to listen, or not at all.
///
/// In the file as a [`Listener`]; `false` switches it off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalListener(
    /// The listener; `None` where it is off.
    pub Option<Listener>,
);

impl Serialize for OptionalListener {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => serializer.serialize_bool(false),
            Some(listener) => listener.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for OptionalListener {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OptionalListenerVisitor)
    }
}

/// What may stand in the file for an [`OptionalListener`].
struct OptionalListenerVisitor;

impl<'de> Visitor<'de> for OptionalListenerVisitor {
    type Value = OptionalListener;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an address such as \"127.0.0.1:8090\", a table such as \
             { address = \"192.0.2.1:8090\", allow = [\"192.0.2.0/24\"] }, or false for none",
        )
    }

    fn visit_bool<E: serde::de::Error>(self, on: bool) -> Result<OptionalListener, E> {
        if on {
            return Err(E::invalid_value(serde::de::Unexpected::Bool(on), &self));
        }
        Ok(OptionalListener(None))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OptionalListener, E> {
        ListenerVisitor.visit_str(text).map(|listener| OptionalListener(Some(listener)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OptionalListener, A::Error> {
        ListenerVisitor.visit_map(map).map(|listener| OptionalListener(Some(listener)))
    }
}

fn this_machine() -> Vec<IpNet> {
    vec![
        IpNet::new_assert(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
        IpNet::new_assert(Ipv6Addr::LOCALHOST.into(), 128),
    ]
}

impl<'de> Deserialize<'de> for Listener {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListenerVisitor)
    }
}

/// What may stand in the file for a [`Listener`].
struct ListenerVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListenerTable {
    address: Address,
    allow: Option<Vec<Net>>,
}

impl<'de> Visitor<'de> for ListenerVisitor {
    type Value = Listener;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an address such as \"127.0.0.1:8084\", or a table such as \
             { address = \"192.0.2.1:8084\", allow = [\"192.0.2.0/24\"] }",
        )
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Listener, E> {
        listener(text.parse().map_err(E::custom)?, None).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Listener, A::Error> {
        let table = ListenerTable::deserialize(MapAccessDeserializer::new(map))?;
        listener(table.address, table.allow).map_err(A::Error::custom)
    }
}

fn listener(Address(address): Address, allow: Option<Vec<Net>>) -> Result<Listener, String> {
    let allow = match allow {
        Some(nets) => allowed(nets)?,
        None if address.ip().is_loopback() => this_machine(),
        None => {
            return Err(format!(
                "expected also who may connect, because others reach this address: \
                 {{ address = \"{address}\", allow = [\"192.0.2.0/24\"] }}"
            ));
        }
    };
    Ok(Listener { address, allow })
}

fn allowed(nets: Vec<Net>) -> Result<Vec<IpNet>, String> {
    if nets.is_empty() {
        return Err("expected at least one network in `allow`".to_owned());
    }
    Ok(nets.into_iter().map(|Net(net)| net).collect())
}

/// Networks as they stand in the file.
pub(super) fn as_texts<S: serde::Serializer>(
    nets: &[IpNet],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(nets.iter().map(ToString::to_string))
}

/// An IP address and a port.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Address(SocketAddr);

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| {
            "expected an IP address and a port to listen on, as in \"127.0.0.1:8084\" or \"[::1]:8084\""
        })
    }
}

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Networks, or single addresses; none is none.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let nets = Vec::<Net>::deserialize(deserializer)?;
    Ok(nets.into_iter().map(|Net(net)| net).collect())
}

/// A network, or one address.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Net(IpNet);

impl TryFrom<String> for Net {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(Self).map_err(
            |_| "expected a network or an IP address, as in \"192.0.2.0/24\" or \"192.0.2.10\"",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Listen {
        phones: OpenListener,
    }

    fn read(value: &str) -> Result<Listen, String> {
        toml::from_str(&format!("phones = {value}")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_listener_is_open_unless_it_says_for_whom() {
        for (value, address, allow) in [
            ("\"0.0.0.0:8085\"", "0.0.0.0:8085", &[][..]),
            ("\"[::]:8085\"", "[::]:8085", &[]),
            ("\"192.0.2.1:8085\"", "192.0.2.1:8085", &[]),
            ("{ address = \"0.0.0.0:8085\" }", "0.0.0.0:8085", &[]),
            (
                "{ address = \"0.0.0.0:8085\", allow = [\"192.0.2.0/24\", \"198.51.100.1\"] }",
                "0.0.0.0:8085",
                &["192.0.2.0/24", "198.51.100.1/32"],
            ),
        ] {
            let listen = read(value).unwrap();
            let listener = listen.phones.0.clone().unwrap();
            assert_eq!(listener.address.to_string(), address);
            let shown: Vec<_> = listener.allow.iter().map(ToString::to_string).collect();
            assert_eq!(shown, allow, "{value}");
            // What `config show` prints is the same listener.
            let shown = toml::to_string(&listen).unwrap();
            assert_eq!(toml::from_str::<Listen>(&shown).unwrap(), listen, "{shown}");
        }
        assert_eq!(read("\"0.0.0.0:8085\"").unwrap().phones, OpenListener::everywhere(8085));
        let off = read("false").unwrap();
        assert_eq!(off.phones, OpenListener(None));
        assert_eq!(toml::to_string(&off).unwrap(), "phones = false\n");
    }

    #[test]
    fn what_is_no_listener_is_told_how_one_is_written() {
        for (value, told) in [
            ("true", "or false for none"),
            ("8085", "an address such as \"0.0.0.0:8085\""),
            ("\"8085\"", "an IP address and a port"),
            ("{ address = \"0.0.0.0:8085\", allow = [] }", "at least one network"),
            ("{ address = \"0.0.0.0:8085\", allows = [] }", "unknown field"),
            ("{ allow = [\"192.0.2.0/24\"] }", "missing field `address`"),
        ] {
            let error = read(value).unwrap_err();
            assert!(error.contains(told), "{value}: {error}");
        }
    }
}
