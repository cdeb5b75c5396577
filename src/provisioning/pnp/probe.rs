//! Whether the group can be joined, and whether somebody else answers there: for `hotdeskd check`.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::interfaces::{self, GROUP, PORT, Present};
use super::message::MOST_BYTES;
use crate::model::Mac;

/// How long others have to answer. They take milliseconds.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How many answers are looked at.
const MOST: usize = 64;

/// What was found at an interface.
#[derive(Debug)]
pub struct Probed {
    /// The interface.
    pub interface: Present,
    /// Whether phones can be heard there.
    pub joined: io::Result<()>,
    /// Who else answers, with what it calls itself (empty where it does not).
    pub others: BTreeMap<IpAddr, String>,
}

/// Joins the group at an interface for a moment, and asks it as a phone would that nobody knows. A daemon
/// that runs is silent.
pub async fn probe(interface: Present) -> Probed {
    let joined = interfaces::join(&interface).map(drop);
    // Who cannot ask hears nobody; why stands in `joined` as well.
    let others = others(&interface).await.unwrap_or_default();
    Probed { interface, joined, others }
}

async fn others(interface: &Present) -> io::Result<BTreeMap<IpAddr, String>> {
    let socket = interfaces::asking(interface)?;
    let here = socket.local_addr()?;
    let id: u64 = rand::random();
    socket.send_to(question(here, id).as_bytes(), (GROUP, PORT)).await?;
    let until = Instant::now() + PATIENCE;
    let mut bytes = [0; MOST_BYTES];
    let mut others = BTreeMap::new();
    for _ in 0..MOST {
        let Ok(read) = timeout_at(until, socket.recv_from(&mut bytes)).await else { break };
        let (length, from) = read?;
        let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
        // A 200 or a NOTIFY of this dialog; each has its Call-ID.
        if text.contains(&format!("{id:016x}@")) {
            let named = ["server:", "user-agent:"].into_iter().find_map(|name| header(&text, name));
            let other: &mut String = others.entry(from.ip()).or_default();
            if other.is_empty() {
                *other = named.unwrap_or_default();
            }
        }
    }
    Ok(others)
}

fn header(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })?;
    Some(value.trim().chars().filter(|c| !c.is_control()).take(60).collect())
}

/// As an old Snom asks, by an address that no maker gives out.
fn question(here: SocketAddr, id: u64) -> String {
    let mac = Mac::PLACEHOLDER;
    format!(
        "SUBSCRIBE sip:MAC%3a{mac}@{GROUP} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {here};branch=z9hG4bK{id:016x};rport\r\n\
         Max-Forwards: 1\r\n\
         From: <sip:MAC%3a{mac}@{GROUP}>;tag={id:016x}\r\n\
         To: <sip:MAC%3a{mac}@{GROUP}>\r\n\
         Call-ID: {id:016x}@{}\r\n\
         CSeq: 1 SUBSCRIBE\r\n\
         Event: ua-profile;profile-type=\"device\";vendor=\"snom\";model=\"snom370\";version=\"8.7.5.35\"\r\n\
         Expires: 0\r\n\
         Accept: application/url\r\n\
         Contact: <sip:{here}>\r\n\
         Content-Length: 0\r\n\r\n",
        here.ip()
    )
}
