//! What can be done to a desk, one function each: log in, log out, restart, unlock, add and remove
//! phones and users, set PINs.
//!
//! The only writer of desk sessions. Calls, http and cli all come here, so that there are no two sets
//! of rules. Each function is one transaction: the sessions, whoever is displaced, what is wanted of
//! the phones, and the journal, or nothing of it.

mod customer_calls;
mod emergency;
mod enrolment;
mod floor;
mod guard;
mod import;
mod inventory;
mod mirror;
mod phone_import;
mod pin_hash;
mod seats;
mod unattended;

use std::sync::Arc;

use jiff::SignedDuration;
use rand::distr::{Alphanumeric, SampleString as _};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard};

pub use crate::model::UserRecord;
pub use customer_calls::CustomerCall;
pub use guard::{Attempt, WhoTries};
pub use inventory::Summary;
pub use mirror::{Conflict, MirrorChange, Mirrored, Refused};
pub use phone_import::{PhoneImport, PhonesImported};
pub use seats::Seated;
pub use unattended::Unattended;

use crate::model::{Extension, GuardSettings, Mac, PinFault, Refusal, UserSource};
use crate::store::{DatabaseError, Store, WriteError};
use customer_calls::TeamsOfPeople;
use pin_hash::PinHasher;

/// How PINs are kept and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinMethod {
    /// The voicemail PIN: the one that the user set by phone, else the initial one that we gave.
    #[default]
    Voicemail,
    /// A hash of our own, for installations whose voicemail keeps its PINs to itself.
    Hash,
    /// The password at the LDAP server, which is asked each time.
    Ldap,
}

/// The desk's settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// How a PIN that is set is kept.
    pub method: PinMethod,
    /// The PIN guard's limits.
    pub guard: GuardSettings,
    /// For how long a phone that is added is answered, once, when it knows nothing but its MAC address.
    pub window: SignedDuration,
}

/// The desk. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    store: Store,
    settings: Settings,
    hasher: PinHasher,
    teams_of_people: TeamsOfPeople,
    /// Held by an import.
    importing: Arc<Mutex<()>>,
    /// Held by whoever compares what there is with what somebody has read, and changes it then.
    editing: Arc<Mutex<()>>,
}

/// Why something was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No phone with this MAC address is in the inventory.
    #[error("there is no phone {0} in the inventory; `hotdeskd phones list` shows those that are")]
    UnknownPhone(Mac),
    /// No user has this extension.
    #[error("there is no user with extension {0}; `hotdeskd users list` shows those that are")]
    UnknownUser(Extension),
    /// A DECT base with somebody who is to sit at it.
    #[error(
        "phone {0} has handsets: nobody can log in at it or own it; whose each handset is stands with the handset"
    )]
    Base(Mac),
    /// The extension is in use already.
    #[error("extension {0} is in use already, by a user or as a phone's desk extension")]
    ExtensionTaken(Extension),
    /// The user is kept by the users file or the directory server.
    #[error("user {0} comes from {place}; change it there", place = match .1 {
        UserSource::Ldap => "the LDAP server",
        UserSource::File | UserSource::Local => "the users file",
    })]
    KeptElsewhere(Extension, UserSource),
    /// A param or variable that only hotdeskd sets.
    #[error("`{0}` cannot be set for a user: hotdeskd sets it itself")]
    Reserved(String),
    /// PINs are kept by the directory server.
    #[error("PINs are passwords at the LDAP server (`pin.method`); set it there")]
    PinKeptElsewhere,
    /// The PIN cannot be accepted.
    #[error(transparent)]
    Pin(#[from] PinFault),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(String),
    /// An import is running.
    #[error("phones are being imported already; try again when that is done")]
    Importing,
    /// What an import rests on has changed since it was thought through.
    #[error("{0} since the import was thought through; nothing was imported, so try again")]
    Overtaken(String),
    /// Too many wait for the store.
    #[error("the store is busy; try again")]
    Busy,
}

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<WriteError<Self>> for Error {
    fn from(error: WriteError<Self>) -> Self {
        match error {
            WriteError::Job(error) => error,
            WriteError::Store(error) => Self::Store(error.to_string()),
            WriteError::Busy => Self::Busy,
        }
    }
}

/// What we know of a user's PIN.
#[derive(Debug, Clone, Default)]
pub struct KnownPin {
    /// The initial PIN of the mailbox.
    pub initial: Option<SecretString>,
    /// The argon2id hash.
    pub hash: Option<SecretString>,
}

impl Desk {
    /// The desk over this store.
    pub fn new(store: Store, settings: Settings) -> Self {
        let (hasher, teams_of_people, importing, editing) = Default::default();
        Self { store, settings, hasher, teams_of_people, importing, editing }
    }

    /// Until this is dropped nobody else changes what an operator edits.
    pub async fn editing(&self) -> MutexGuard<'_, ()> {
        self.editing.lock().await
    }

    /// The store that it works on.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// How many letters and digits a secret of ours has: 142 bits.
const SECRET: usize = 24;

/// A secret that nobody guesses.
pub fn new_secret() -> SecretString {
    SecretString::from(Alphanumeric.sample_string(&mut rand::rng(), SECRET))
}
