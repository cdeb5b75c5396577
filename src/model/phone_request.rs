//! What a phone asked of the phones' listener, and what it shows since.

use std::collections::BTreeMap;
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
    /// Too long, too many, or not a form that is accepted.
    Upload,
    /// The method is not for this file.
    Method,
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
