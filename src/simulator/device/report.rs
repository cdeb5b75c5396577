//! What came of a boot, and what a phone shows.

use secrecy::SecretString;

/// What came of a boot or of a resync.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// Every request in order, those included that were refused.
    pub requests: Vec<Fetch>,
    /// The URL of the server that the phone ended at; empty when none gave it a file.
    pub from: String,
    /// Whether the phone started anew: because it was told to, or because of what it read.
    pub rebooted: bool,
    /// Whether its settings, keys or phone book are others now.
    pub changed: bool,
}

impl Boot {
    /// Method and path of every request, without scheme and host: `GET /p/key/0004f2aabbcc.cfg`.
    pub fn paths(&self) -> Vec<String> {
        let path = |url: &str| {
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/").to_owned()
        };
        self.requests.iter().map(|fetch| format!("{} {}", fetch.method, path(&fetch.url))).collect()
    }
}

/// One HTTP request of a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// `GET`, `HEAD`, `PUT`.
    pub method: &'static str,
    /// The whole URL, the phone's key in it as it is.
    pub url: String,
    /// What the server said; 0 when it said nothing.
    pub status: u16,
    /// Size of the body of the answer, or of what was sent by PUT.
    pub bytes: usize,
    /// Why the phone could do nothing with the answer, whatever its status.
    pub problem: Option<Problem>,
}

/// Why a phone can do nothing with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The URL is none, or no server that a simulated phone would ask.
    NotAsked,
    /// No connection, a failed TLS handshake, or a connection that broke.
    NoAnswer,
    /// The answer was not complete within the deadline.
    TooLate,
    /// A body without `Content-Length`: old phones cannot read chunks.
    NoLength,
    /// More than a phone has room for.
    TooLarge,
    /// Not the file that it should be: no XML, or another kind.
    Unreadable,
}

/// What a phone registers with.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The user of its address of record.
    pub user: String,
    /// The user that it authenticates as.
    pub auth_user: String,
    /// Its SIP secret.
    pub secret: SecretString,
    /// The SIP domain.
    pub domain: String,
    /// Where it sends its REGISTER, as the file says it (`pbx.example.net:5060;transport=tcp`).
    pub registrar: String,
    /// Seconds for which it registers.
    pub expires: u32,
}

/// What a person in front of the phone sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Display {
    /// Beside the line key.
    pub label: Option<String>,
    /// On the idle display.
    pub idle: Option<String>,
    /// Keys in the order of their positions.
    pub keys: Vec<Key>,
    /// What the mailbox key dials.
    pub mailbox: Option<String>,
    /// Whether do-not-disturb is on.
    pub dnd: bool,
    /// Where all calls are forwarded to.
    pub forwarding: Option<String>,
    /// Numbers dialled, the latest first.
    pub calls: Vec<String>,
    /// What the redial key dials.
    pub redial: Option<String>,
    /// Names and numbers, in the order in which the phone holds them.
    pub phone_book: Vec<Contact>,
    /// The vendor's word for the language.
    pub language: Option<String>,
    /// The vendor's word for the time zone; Polycom: seconds.
    pub time_zone: Option<String>,
    /// The NTP server.
    pub ntp: Option<String>,
}

/// A key of the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// From 1, also where the vendor counts from 0.
    pub position: u16,
    /// The vendor's word: `line`, `blf`, `speed`, `softkey`, …
    pub kind: String,
    /// What stands behind the kind.
    pub value: String,
    /// What is written beside the key.
    pub label: String,
}

/// An entry of the phone book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The name as it is shown.
    pub name: String,
    /// The number.
    pub number: String,
}

/// What came of something that a person did at the phone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deed {
    /// Whether the phone let the person do it.
    pub allowed: bool,
    /// What the phone uploaded because of it.
    pub uploads: Vec<Fetch>,
}
