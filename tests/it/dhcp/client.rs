//! A DHCP client, as far as a DISCOVER and its OFFER.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use hotdeskd::model::Mac;
use socket2::{Domain, Socket, Type};

use crate::support::network::NEAR;

/// How long a server may take to come up and answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The options of an OFFER.
#[derive(Debug, Default)]
pub struct Offer(BTreeMap<u8, Vec<u8>>);

impl Offer {
    /// An option as a text, without the NUL that dnsmasq puts behind it.
    pub fn text(&self, code: u8) -> Option<String> {
        let bytes = self.0.get(&code)?;
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// What is inside of option 43.
    pub fn inside(&self) -> Self {
        Self(options(self.0.get(&43).map(Vec::as_slice).unwrap_or_default()))
    }
}

/// What a device with this MAC address and vendor class is offered.
pub fn discover(mac: &str, class: Option<&[u8]>) -> Offer {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_broadcast(true).unwrap();
    socket.bind_device(Some(NEAR.as_bytes())).unwrap();
    socket.bind(&SocketAddr::from(([0, 0, 0, 0], 68)).into()).unwrap();
    let socket: UdpSocket = socket.into();
    socket.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    let id: [u8; 4] = rand::random();
    let asked = question(mac, class, id);
    let until = Instant::now() + PATIENCE;
    let mut bytes = [0; 1_500];
    while Instant::now() < until {
        socket.send_to(&asked, "255.255.255.255:67").unwrap();
        while let Ok(length) = socket.recv(&mut bytes) {
            let read = &bytes[..length];
            // An answer, to us, with the four bytes that say that it is DHCP.
            if read[0] == 2 && read[4..8] == id && read[236..240] == [99, 130, 83, 99] {
                let offer = options(&read[240..]);
                assert_eq!(offer[&53], [2], "an OFFER");
                return Offer(offer);
            }
        }
    }
    panic!("nobody answered {mac}");
}

fn question(mac: &str, class: Option<&[u8]>, id: [u8; 4]) -> Vec<u8> {
    let mac: Mac = mac.parse().unwrap();
    let digits = mac.to_string();
    let octets = (0..6).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap());
    let mut bytes = vec![1, 1, 6, 0];
    bytes.extend(id);
    // To everybody, because it has no address yet.
    bytes.extend([0, 0, 0x80, 0]);
    bytes.extend([0; 16]);
    bytes.extend(octets);
    bytes.resize(236, 0);
    bytes.extend([99, 130, 83, 99, 53, 1, 1]);
    bytes.extend([55, 7, 1, 3, 43, 66, 67, 114, 160]);
    if let Some(class) = class {
        bytes.extend([60, class.len() as u8]);
        bytes.extend(class);
    }
    bytes.push(255);
    bytes.resize(bytes.len().max(300), 0);
    bytes
}

fn options(mut bytes: &[u8]) -> BTreeMap<u8, Vec<u8>> {
    let mut options: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    while let [code, rest @ ..] = bytes {
        match (code, rest) {
            (0, _) => bytes = rest,
            (255, _) => break,
            (code, [length, rest @ ..]) => {
                let (value, behind) = rest.split_at(usize::from(*length));
                options.entry(*code).or_default().extend(value);
                bytes = behind;
            }
            _ => panic!("an option without a length"),
        }
    }
    options
}
