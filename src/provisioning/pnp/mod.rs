//! SIP PnP: a phone that knows nothing asks everybody in its network where its settings are, and is told.
//!
//! It sends a SUBSCRIBE for the event `ua-profile` to the group 224.0.1.75; whoever feels responsible answers
//! 200 and sends a NOTIFY with a URL. A MAC address is all that the phone says of itself, and anybody can say
//! it; so the URL is the one for phones of its vendor that know nothing (`Provisioning::bootstrap_url`), and
//! who may have what there is decided by the phones' listener: certificate, credentials, or an open window.
//! Whoever is not answered hears nothing at all.
//!
//! | file | what |
//! | --- | --- |
//! | `message` | SIP, read and written; no IO, no clock |
//! | `identity` | who asks, as the request says |
//! | `answer` | what is answered; no IO, no clock |
//! | `retransmission` | open transactions and their timers; `now` is an argument |
//! | `limit` | how often phones are answered |
//! | `responder` | all of that for one socket, without the socket |
//! | `inventory` | which phones are answered |
//! | `interfaces`, `server` | the sockets |
//! | `probe` | what `hotdeskd check` wants to know |

mod answer;
mod identity;
mod interfaces;
mod inventory;
mod limit;
mod message;
mod probe;
mod responder;
mod retransmission;
mod server;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;

use ipnet::IpNet;
use tokio::net::UdpSocket;

pub use interfaces::{GROUP, Interface, PORT, Present, present};
pub use probe::{Probed, probe};
pub use server::serve;

/// How phones that ask are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether the group is joined.
    pub multicast: bool,
    /// At which interfaces; all where it is empty.
    pub interfaces: Vec<Interface>,
    /// From where phones are answered that are not in the inventory.
    pub networks: Vec<IpNet>,
    /// How many are answered a second, at each interface.
    pub per_second: u32,
}

/// A socket for whoever asks us and not everybody.
#[derive(Debug)]
pub struct Direct {
    socket: UdpSocket,
    /// From where anybody is listened to; everywhere where it is empty.
    allow: Vec<IpNet>,
}

impl Direct {
    /// A socket at this address.
    ///
    /// # Errors
    /// The address is not this machine's, or somebody has it.
    pub fn bind(address: SocketAddr, allow: Vec<IpNet>) -> io::Result<Self> {
        Ok(Self { socket: interfaces::bind(address)?, allow })
    }
}
