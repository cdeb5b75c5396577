//! What a phone asked of the phones' listener, and what it shows since.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Extension, Mac, Proof};

/// One request of a phone. Holds no key and no credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneRequest {
    /// When.
    pub at: Timestamp,
    /// Which phone it was about.
    pub phone: Mac,
    /// From where.
    pub from: IpAddr,
    /// `GET`, `HEAD`, `PUT`, `POST`.
    pub method: String,
    /// The path, a key in it replaced by `…`.
    pub path: String,
    /// The User-Agent, at most 200 bytes.
    pub agent: String,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer's body was, in bytes.
    pub bytes: u64,
    /// Why it was answered like that.
    pub why: Told,
}

/// Why a request was answered as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub enum Told {
    /// It got its file.
    File {
        /// The file's name in the vendor's manifest.
        file: String,
        /// By what it was let in.
        by: Proof,
        /// For whom the file was made; nobody where absent.
        user: Option<Extension>,
    },
    /// It has that file already (304).
    Unchanged {
        /// The file.
        file: String,
        /// By what it was let in.
        by: Proof,
        /// For whom the file was made.
        user: Option<Extension>,
    },
    /// It got the file of a bare MAC address in its window: its URL and nothing else.
    Bootstrap,
    /// What it sent was kept.
    Kept {
        /// The file.
        file: String,
        /// Whose it is; the phone's own where absent.
        user: Option<Extension>,
    },
    /// What it sent was thrown away.
    Discarded {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// It asked everybody in its network where its files are (SIP PnP), and was sent this URL.
    Pnp {
        /// The URL: that of all phones of its vendor, without a key.
        url: String,
        /// Whether it said that it took it.
        taken: bool,
    },
    /// It came without credentials and was asked for them (401).
    Challenged,
    /// It was refused.
    Refused {
        /// Why.
        reason: PhoneRefusal,
    },
    /// The file could not be made: the template has a mistake.
    Broken {
        /// Where and what.
        error: String,
    },
}

/// Why a phone was refused. To whom asks, all are the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhoneRefusal {
    /// The MAC address is not in the inventory.
    Unknown,
    /// A bare MAC address, and no window is open for it.
    WindowClosed,
    /// A bare MAC address from a network that is not allowed for enrolment.
    Network,
    /// The credentials are wrong.
    Credentials,
    /// The key, the certificate or the credentials are another phone's.
    OtherPhone,
    /// The User-Agent names another phone than the path.
    Agent,
    /// There is no such file for this vendor and model.
    NoFile,
    /// Nothing is known of the vendor.
    NoVendor,
    /// Too many refusals for its network.
    TooMany,
    /// The method is not for this file.
    Method,
}

impl fmt::Display for PhoneRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the MAC address or the key is not in the inventory",
            Self::WindowClosed => {
                "it came with nothing but its MAC address, and no window is open for it; \
                 `hotdeskd phones enrol` opens one"
            }
            Self::Network => {
                "it came with nothing but its MAC address from a network that is not in \
                 `provisioning.enrolment.networks`"
            }
            Self::Credentials => {
                "its HTTP credentials are wrong; reset it to factory settings and open a window, or \
                 enter its URL by hand (`hotdeskd phones enrol --show-url`)"
            }
            Self::OtherPhone => {
                "its key, certificate or credentials are another phone's than the one in the path; \
                 does it have the settings of another phone?"
            }
            Self::Agent => "it says in its User-Agent that it is another phone than the one in the path",
            Self::NoFile => "there is no such file for its vendor; phones also ask for what is optional",
            Self::NoVendor => {
                "nothing is known of its vendor; set it with `hotdeskd phones add --replace --vendor`"
            }
            Self::TooMany => {
                "there were too many refusals for its network (`provisioning.enrolment.refusals_per_minute`)"
            }
            Self::Method => "this file can be fetched, but not sent",
        })
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let for_whom = |user: &Option<Extension>| match user {
            Some(user) => format!("for {user}"),
            None => "for nobody".to_owned(),
        };
        match self {
            Self::File { file, by, user } => {
                write!(f, "got its file `{file}` {}, by its {}", for_whom(user), by.as_str())
            }
            Self::Unchanged { file, user, .. } => {
                write!(f, "has its file `{file}` {} already", for_whom(user))
            }
            Self::Bootstrap => f.write_str("came through its window, and got its own URL"),
            Self::Kept { file, user: Some(user) } => {
                write!(f, "sent `{file}`, kept as {user}'s own")
            }
            Self::Kept { file, user: None } => write!(f, "sent `{file}`, kept"),
            Self::Discarded { file, reason } => write!(f, "sent `{file}`, thrown away: {reason}"),
            Self::Pnp { url, taken: true } => write!(f, "asked by SIP PnP, got {url}"),
            Self::Pnp { url, taken: false } => {
                write!(f, "asked by SIP PnP, was sent {url}, and did not say that it has it")
            }
            Self::Challenged => f.write_str("came without credentials, and was asked for them"),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
            Self::Broken { error } => write!(f, "its file cannot be made: {error}"),
        }
    }
}

/// What a phone was last given of what depends on people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// When it fetched the file that shows who sits there.
    pub at: Timestamp,
    /// Who sat there; nobody where absent.
    pub user: Option<Extension>,
    /// From which address.
    pub from: IpAddr,
    /// Its model, as it said itself.
    pub model: Option<String>,
    /// Its firmware's version, as it said itself.
    pub version: Option<String>,
    /// For each file that is a person's own: for whom it was last fetched.
    #[serde(default)]
    pub personal: BTreeMap<String, Option<Extension>>,
}
