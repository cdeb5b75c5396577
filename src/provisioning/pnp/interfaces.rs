//! Where phones ask: the interfaces of this machine.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

/// The group at which phones ask (`sip.mcast.net`), and its port.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 1, 75);
/// The port.
pub const PORT: u16 = 5060;

/// How much the kernel keeps for us while we do something else, in bytes; it may give less.
const BUFFER: usize = 1 << 20;

/// An interface, by its name or by an IPv4 address of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Interface {
    /// `eth0`.
    Name(String),
    /// `192.0.2.5`.
    Address(Ipv4Addr),
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl TryFrom<String> for Interface {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address));
        }
        // As Linux names them; an address of IPv6 is none, because phones ask by IPv4 only.
        let is_name = (1..=15).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic() && !b"/:".contains(&b));
        if is_name {
            Ok(Self::Name(text))
        } else {
            Err(
                "expected an interface by its name or by its IPv4 address, as in \"eth0\" or \"192.0.2.5\"",
            )
        }
    }
}

impl From<Interface> for String {
    fn from(interface: Interface) -> Self {
        interface.to_string()
    }
}

/// An interface that is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Present {
    /// Its name.
    pub name: String,
    /// Its first IPv4 address, or the one that was named.
    pub address: Ipv4Addr,
}

/// The interfaces that are there and are meant: those that are named, else all but loopback. One that has
/// several addresses is there once, or phones would be answered twice.
///
/// # Errors
/// The system does not tell.
pub fn present(wanted: &[Interface]) -> io::Result<Vec<Present>> {
    let mut found: BTreeMap<String, Ipv4Addr> = BTreeMap::new();
    for interface in if_addrs::get_if_addrs()? {
        let IpAddr::V4(address) = interface.ip() else { continue };
        // `eth0:1` is a label of an address of eth0.
        let name = interface.name.split(':').next().unwrap_or_default().to_owned();
        let by_address = wanted.contains(&Interface::Address(address));
        let is_meant = match wanted {
            [] => !address.is_loopback(),
            _ => by_address || wanted.contains(&Interface::Name(name.clone())),
        };
        if is_meant && (by_address || !found.contains_key(&name)) {
            found.insert(name, address);
        }
    }
    Ok(found.into_iter().map(|(name, address)| Present { name, address }).collect())
}

/// The two sockets of an interface: one hears what is said to the group there, the other speaks, and hears
/// what phones answer. It is not at the port 5060 of the address, which is FreeSWITCH's.
///
/// # Errors
/// The group cannot be joined there.
pub(super) fn join(interface: &Present) -> io::Result<(UdpSocket, UdpSocket)> {
    let group = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Others may be members as well, and FreeSWITCH may have the port at an address of its own.
    group.set_reuse_address(true)?;
    // Without this each socket hears what comes in at any interface.
    group.set_multicast_all_v4(false)?;
    group.set_nonblocking(true)?;
    // The kernel gives what it may.
    let _ = group.set_recv_buffer_size(BUFFER);
    group.bind(&SocketAddr::from((GROUP, PORT)).into())?;
    group.join_multicast_v4(&GROUP, &interface.address)?;
    let own = bind(SocketAddr::from((interface.address, 0)))?;
    Ok((UdpSocket::from_std(group.into())?, own))
}

/// A socket that has room for what a thousand phones say at once.
///
/// # Errors
/// The address is not this machine's, or somebody has it.
pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    let _ = socket.set_recv_buffer_size(BUFFER);
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// A socket that can ask the group at an interface.
///
/// # Errors
/// The interface has no multicast.
pub(super) fn asking(interface: &Present) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((interface.address, 0)).into())?;
    socket.set_multicast_if_v4(&interface.address)?;
    // As phones do: it stays in this network.
    socket.set_multicast_ttl_v4(1)?;
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_a_name_or_an_address() {
        let read = |text: &str| Interface::try_from(text.to_owned());
        assert_eq!(read("192.0.2.5"), Ok(Interface::Address([192, 0, 2, 5].into())));
        assert_eq!(read("br-lan.20"), Ok(Interface::Name("br-lan.20".to_owned())));
        for bad in ["", "a b", "../x", "0123456789abcdef", "fd00::1", "192.0.2.0/24"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_taken_only_where_it_is_named() {
        let is_loopback = |present: &Present| present.address.is_loopback();
        assert!(!present(&[]).unwrap().iter().any(is_loopback));
        let named = present(&[Interface::Name("lo".to_owned())]).unwrap();
        assert_eq!(named.len(), 1);
        assert_eq!(present(&[Interface::Address(Ipv4Addr::LOCALHOST)]).unwrap(), named);
        assert_eq!(present(&[Interface::Name("none0".to_owned())]).unwrap(), []);
    }
}
