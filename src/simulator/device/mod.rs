//! A phone that configures itself: finds its server, fetches its files, becomes what they say.
//!
//! Written from the facts about phones and nothing of `provisioning`, with the traps that are known:
//! what a file does not mention stays as it was, a file that is not well-formed is refused whole, a
//! phone goes where it was told last. Where the facts leave something open, the phone does what makes
//! more work for a server.
//!
//! * [`Device`] - the phone; [`DeviceSettings`] - what it is and what its network tells it;
//! * `web` - its web server; `http`, `digest` - its HTTP client; `xml` - its reader;
//! * `snom`, `polycom`, `yealink`, `cisco`, `grandstream`, `fanvil`, `gigaset` - what differs between
//!   vendors; `software` chooses;
//! * `pnp` - how it asks its network for its server;
//! * `line` - the SIP side: registers with a simulated FreeSWITCH, hears its NOTIFYs.

mod cisco;
mod digest;
mod fanvil;
mod gigaset;
mod grandstream;
mod http;
mod line;
mod pnp;
mod polycom;
mod report;
mod settings;
mod snom;
mod software;
mod web;
mod xml;
mod yealink;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use report::{Boot, Contact, Deed, Display, Fetch, Identity, Key, Problem};
pub use settings::{DeviceCertificate, DeviceSettings, Vendor};

use http::Session;
use line::Line;
use software::{Action, Change, Software, Start};

/// A phone gives up when it was sent from URL to URL so often.
const MAX_HOPS: usize = 8;

/// Why there can be no such phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The vendor makes no such model, as far as the simulator knows.
    #[error("no model of this vendor is called so")]
    Model,
    /// `ca` holds no certificates.
    #[error("the authorities are no certificates in PEM")]
    Authorities,
    /// The device certificate or its key cannot be read.
    #[error("the certificate of the phone or its key cannot be read")]
    Certificate,
    /// No HTTP client could be made.
    #[error("no HTTP client for the phone")]
    Client,
}

/// A simulated phone. Clones are the same phone.
#[derive(Clone)]
pub struct Device {
    inner: Arc<Inner>,
}

/// What all clones of a phone share.
struct Inner {
    settings: DeviceSettings,
    client: reqwest::Client,
    /// A phone does one thing after the other.
    turn: tokio::sync::Mutex<()>,
    software: Mutex<Software>,
    line: Line,
}

impl Device {
    /// A phone as it comes out of its box.
    pub fn new(settings: DeviceSettings) -> Result<Self, Error> {
        let software = Software::factory(&settings)?;
        let client = http::client(&settings)?;
        let inner = Inner {
            settings,
            client,
            turn: tokio::sync::Mutex::default(),
            software: Mutex::new(software),
            line: Line::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Power on: finds its server, fetches, uploads, registers.
    pub async fn boot(&self) -> Boot {
        let _turn = self.inner.turn.lock().await;
        self.start(Start::PowerOn).await
    }

    /// A NOTIFY with this `Event:`. `None` when the phone refuses it (401) or does not know it.
    pub async fn notify(&self, event: &str) -> Option<Boot> {
        let _turn = self.inner.turn.lock().await;
        let action = self.software().heard(event);
        match action {
            Action::Ignore => None,
            Action::Reload => Some(self.start(Start::Reload).await),
            Action::Reboot => Some(self.restart().await),
            Action::Reregister => {
                self.register().await;
                Some(Boot::default())
            }
            Action::ForgetAll => {
                self.reset();
                Some(self.restart().await)
            }
            Action::ForgetContacts => {
                self.software().forget_contacts();
                Some(Boot { changed: true, ..Boot::default() })
            }
        }
    }

    /// What the phone would register with; `None` before a file said it.
    pub fn identity(&self) -> Option<Identity> {
        self.software().identity()
    }

    /// What a person in front of the phone sees.
    pub fn display(&self) -> Display {
        self.software().display()
    }

    /// A setting as the phone has it, under the vendor's name; for Snom with the `idx` of an account,
    /// 0 for settings of the whole phone.
    pub fn setting(&self, name: &str, index: u8) -> Option<String> {
        self.software().setting(name, index)
    }

    /// The settings of the phone, as given.
    pub fn settings(&self) -> &DeviceSettings {
        &self.inner.settings
    }

    /// Somebody turns do-not-disturb on or off.
    pub async fn set_dnd(&self, on: bool) -> Deed {
        self.change(Change::Dnd(on)).await
    }

    /// Somebody forwards all calls, or no longer.
    pub async fn set_forwarding(&self, to: Option<&str>) -> Deed {
        self.change(Change::Forwarding(to.map(str::to_owned))).await
    }

    /// Somebody changes a setting in the phone's menu or web page.
    pub async fn set(&self, name: &str, index: u8, value: &str) -> Deed {
        self.change(Change::Setting(name.to_owned(), index, value.to_owned())).await
    }

    /// Somebody who knows the administrator's password changes a setting, whatever the server says of it. Only a Snom
    /// has one for that here.
    pub async fn set_as_administrator(&self, name: &str, index: u8, value: &str) -> Deed {
        self.change(Change::Overwrite(name.to_owned(), index, value.to_owned())).await
    }

    /// Somebody dials: the number is in the call list from then on.
    pub async fn dial(&self, number: &str) -> Deed {
        self.change(Change::Dialled(number.to_owned())).await
    }

    /// Somebody adds a name to the phone book of the phone.
    pub async fn add_contact(&self, name: &str, number: &str) -> Deed {
        let contact = Contact { name: name.to_owned(), number: number.to_owned() };
        self.change(Change::Contact(contact)).await
    }

    /// Factory reset, as somebody does it with the keys: it does not boot by itself.
    pub async fn forget(&self) {
        let _turn = self.inner.turn.lock().await;
        self.reset();
    }

    /// Flash as it left the factory.
    fn reset(&self) {
        // It could be made once, so it can be made again.
        if let Ok(factory) = Software::factory(&self.inner.settings) {
            *self.software() = factory;
        }
    }

    /// Told to reboot: a phone takes its registration back before it goes.
    async fn restart(&self) -> Boot {
        self.unregister();
        Boot { rebooted: true, ..self.start(Start::PowerOn).await }
    }

    /// One fetch chain on a copy of what is in flash: with the power cut in between, nothing changed.
    async fn start(&self, how: Start) -> Boot {
        let before = self.software().clone();
        let mut software = before.clone();
        let mut session = self.session();
        let ended = software.start(how, &self.inner.settings, &mut session).await;
        let changed = software.differs(&before);
        *self.software() = software;
        if how == Start::PowerOn || ended.rebooted || changed {
            self.register().await;
        }
        Boot { requests: session.requests, from: ended.from, rebooted: ended.rebooted, changed }
    }

    /// Somebody does something; it waits for a boot that is under way.
    async fn change(&self, change: Change) -> Deed {
        let _turn = self.inner.turn.lock().await;
        let mut software = self.software().clone();
        let mut session = self.session();
        let allowed = software.change(change, &mut session).await;
        *self.software() = software;
        Deed { allowed, uploads: session.requests }
    }

    /// The requests of one boot or one deed.
    fn session(&self) -> Session {
        Session::new(self.inner.client.clone(), self.inner.settings.deadline)
    }

    /// The flash; never held over an await.
    fn software(&self) -> MutexGuard<'_, Software> {
        self.inner.software.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
