//! What a phone should know: vendors as folders of templates, settings in layers, who may have a file.
//!
//! | file | what |
//! | --- | --- |
//! | `admission` | who may have a file; no IO, no clock |
//! | `answer` | a request, from the door to the file or the refusal |
//! | `vendor` | a vendor's manifest and templates: which path means which file, and how it is written |
//! | `settings` | the table `[provisioning]` |
//! | `layers`, `compose`, `context` | what a file says: settings in layers, and the value that templates render from |
//! | `cache` | files that were made, as long as nothing changed |
//! | `record` | what phones asked and were given, written down off the requests' path |
//! | `redirection` | vendors' services that send factory-new phones to us |
//! | `keep`, `logs` | what phones send back |
//! | `dhcp` | what a DHCP server is told of phones |
//! | `pnp` | phones that ask everybody in their network where their files are (SIP PnP) |
//! | `render`, `why`, `way` | what an operator sees of it |
//! | `stuck` | phones that do not go on, told once each |
//! | `check` | what a phone says of itself |
//! | `phone_book`, `search` | contacts, and what a phone asks of them |
//! | `inventory` | phones from a table, and back |
//! | `time_zone`, `texts` | daylight saving time, words on keys |
//!
//! A file is made from the store's memory as it is at one moment. What was wanted of the phone at that
//! moment is confirmed when the phone has fetched the file that shows who sits there: that is the only
//! proof that a NOTIFY worked.

mod admission;
mod answer;
mod cache;
mod check;
mod compose;
pub mod context;
pub mod dhcp;
mod firmware;
pub mod inventory;
mod keep;
mod layers;
mod logs;
pub mod phone_book;
pub mod pnp;
mod record;
pub mod redirection;
mod render;
mod search;
pub mod settings;
mod stuck;
mod texts;
mod time_zone;
pub mod vendor;
mod way;
mod why;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use admission::{Mount, Presented};
pub use answer::{Answer, Method, Receipt, Request, Upload};
pub use cache::Made;
pub use check::{CheckLine, Difference, PhoneCheck, Verdict};
pub use compose::Site;
pub use keep::{Kept, NotReceived};
pub use layers::Explained;
pub use logs::Log;
pub use render::{RenderError, Rendered};
pub use vendor::Layer;
pub use way::{Beside, StuckView, WayView};
pub use why::{EnrolmentView, Why};

use crate::desk::Desk;
use crate::model::{Actor, Extension, Happening, Mac, Phone, Shown};
use crate::store::{DatabaseError, Memory, Store, Tx};
use cache::Cache;
use context::Contact;
use logs::Logs;
use record::{Note, Recorder};
use search::Book;
use vendor::{Agent, TemplateFault, Vendor, Vendors};

/// How often templates, contacts and firmware are looked at for a change.
const LOOK: Duration = Duration::from_secs(5);

/// How many User-Agents are remembered, and how long they are at the most, in bytes.
const AGENTS: usize = 4_096;
const LONGEST_AGENT: usize = 256;

/// How many phones may be added because they came by themselves, in an hour.
const ADDED_AN_HOUR: usize = 500;

/// The room. Cheap to clone.
#[derive(Clone)]
pub struct Provisioning {
    inner: Arc<Inner>,
}

struct Inner {
    desk: Desk,
    site: Site,
    vendors: RwLock<Arc<Vendors>>,
    contacts: RwLock<Contacts>,
    firmware: RwLock<Arc<BTreeSet<String>>>,
    book: Mutex<Option<(u64, u64, Arc<Book>)>>,
    cache: Cache,
    recorder: Recorder,
    far: Mutex<Option<mpsc::Receiver<Note>>>,
    /// Ahead of the store's memory by what is still in the queue.
    shown: Mutex<HashMap<Mac, Shown>>,
    logs: Logs,
    /// What User-Agents were found to say: a phone says the same with each of its files.
    agents: Mutex<HashMap<String, Option<Agent>>>,
    added: Mutex<(Option<Timestamp>, usize)>,
}

/// What makes a phone fetch its files again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResyncEvents {
    /// The value of `Event` that does it.
    pub reload: String,
    /// The value that restarts the phone, where the vendor has one.
    pub reboot: Option<String>,
    /// Whether its fetch confirms it: the phone is enrolled here.
    pub confirms: bool,
    /// Whether it may be restarted when it stays silent.
    pub may_restart: bool,
}

/// The contacts file as it was read last.
#[derive(Default)]
struct Contacts {
    list: Arc<Vec<Contact>>,
    modified: Option<std::time::SystemTime>,
    revision: u64,
}

/// Why a file cannot be made.
#[derive(Debug, thiserror::Error)]
enum CannotMake {
    /// The template has a mistake.
    #[error(transparent)]
    Template(#[from] TemplateFault),
    /// The phone was removed in this moment.
    #[error("the phone is no longer in the inventory")]
    Gone,
}

impl Provisioning {
    /// The room over this desk; `data` is the data folder. Nothing is written down before
    /// [`Provisioning::run`].
    pub fn new(desk: Desk, site: Site, data: PathBuf) -> Self {
        let (recorder, far) = Recorder::new();
        let vendors = Vendors::load(site.settings.templates.as_deref());
        let inner = Inner {
            desk,
            site,
            vendors: RwLock::new(Arc::new(vendors)),
            contacts: RwLock::default(),
            firmware: RwLock::default(),
            book: Mutex::default(),
            cache: Cache::default(),
            recorder,
            far: Mutex::new(Some(far)),
            shown: Mutex::default(),
            logs: Logs::new(data.join("phone-logs")),
            agents: Mutex::default(),
            added: Mutex::default(),
        };
        let provisioning = Self { inner: Arc::new(inner) };
        provisioning.look_at_contacts();
        provisioning.look_at_firmware();
        provisioning
    }

    /// Writes down what phones ask, and looks for changed templates and contacts, until `shutdown`. Once
    /// is enough.
    pub async fn run(&self, shutdown: CancellationToken) {
        let far = self.inner.far.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(far) = far else { return };
        if let Err(error) = self.desk().enrol_all().await {
            tracing::error!(%error, "phones from before there were enrolments have none yet");
        }
        self.tell_faults(&[]).await;
        let recording =
            record::keep(self.recorder().clone(), far, self.desk().clone(), shutdown.clone());
        tokio::join!(recording, self.look(shutdown.clone()), self.forget(shutdown));
    }

    /// Looks for changed templates and contacts.
    async fn look(&self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let this = self.clone();
            // The disk may be slow, and answers must not wait for it.
            let looked = tokio::task::spawn_blocking(move || {
                this.look_at_contacts();
                this.look_at_firmware();
                this.look_at_templates()
            });
            if let Ok(Some(before)) = looked.await {
                self.tell_faults(&before).await;
            }
        }
    }

    /// Forgets what is kept here of phones that are removed.
    async fn forget(&self, shutdown: CancellationToken) {
        let mut happenings = self.store().happenings();
        while let Some(happened) = shutdown.run_until_cancelled(happenings.recv()).await {
            match happened {
                Ok(entry) => {
                    if let Happening::PhoneRemoved { phone } = entry.what {
                        self.inner
                            .shown
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .remove(&phone);
                        self.inner.logs.forget(phone);
                    }
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    /// What a User-Agent says.
    fn read_agent(&self, text: &str) -> Option<Agent> {
        if text.len() > LONGEST_AGENT {
            return self.vendors().read_agent(text);
        }
        let agents = || self.inner.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = agents().get(text) {
            return known.clone();
        }
        let agent = self.vendors().read_agent(text);
        let mut agents = agents();
        if agents.len() >= AGENTS {
            agents.clear();
        }
        agents.insert(text.to_owned(), agent.clone());
        agent
    }

    /// The templates anew where their files changed; answers the faults from before.
    fn look_at_templates(&self) -> Option<Vec<TemplateFault>> {
        let old = self.vendors();
        let new = old.reload()?;
        let before = old.faults().to_vec();
        *self.inner.vendors.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        self.inner.agents.lock().unwrap_or_else(PoisonError::into_inner).clear();
        tracing::info!("the templates were read anew");
        Some(before)
    }

    /// Tells the log and the journal of mistakes that were not there before.
    async fn tell_faults(&self, before: &[TemplateFault]) {
        let faults = self.vendors().faults().to_vec();
        let new: Vec<TemplateFault> =
            faults.into_iter().filter(|fault| !before.contains(fault)).collect();
        if new.is_empty() {
            return;
        }
        new.iter().for_each(|fault| tracing::error!(vendor = fault.vendor, "{fault}"));
        let now = Timestamp::now();
        let written = self.store().write(async move |tx: &mut Tx<'_>| {
            for fault in &new {
                let (vendor, error) = (fault.vendor.clone(), fault.to_string());
                let what = Happening::TemplateBroken { vendor, error };
                tx.journal(now, Actor::Daemon, what).await?;
            }
            Ok::<(), DatabaseError>(())
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "cannot write down mistakes in templates");
        }
    }

    /// Reads the contacts file where it changed. One that cannot be read leaves the contacts as they were.
    fn look_at_contacts(&self) {
        let Some(path) = &self.site().settings.contacts else { return };
        let modified = std::fs::metadata(path).and_then(|file| file.modified()).ok();
        {
            let contacts = self.inner.contacts.read().unwrap_or_else(PoisonError::into_inner);
            if contacts.modified == modified && contacts.revision > 0 {
                return;
            }
        }
        let read = phone_book::read(path);
        let mut contacts = self.inner.contacts.write().unwrap_or_else(PoisonError::into_inner);
        contacts.modified = modified;
        contacts.revision += 1;
        match read {
            Ok(list) => contacts.list = Arc::new(list),
            Err(error) => {
                tracing::error!(
                    "the contacts file {}: {error}; the contacts stay as they were",
                    path.display()
                );
            }
        }
    }

    /// The phone book, made once for all phones.
    fn book(&self, memory: &Memory) -> Arc<Book> {
        let (list, contacts) = {
            let contacts = self.inner.contacts.read().unwrap_or_else(PoisonError::into_inner);
            (Arc::clone(&contacts.list), contacts.revision)
        };
        let people = memory.people_revision();
        let mut kept = self.inner.book.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of_people, of_contacts, book))
                if (*of_people, *of_contacts) == (people, contacts) =>
            {
                Arc::clone(book)
            }
            _ => {
                let book = Arc::new(Book::new(phone_book::book(memory, &list)));
                *kept = Some((people, contacts, Arc::clone(&book)));
                book
            }
        }
    }

    fn contacts_revision(&self) -> u64 {
        self.inner.contacts.read().unwrap_or_else(PoisonError::into_inner).revision
    }

    /// The vendor of a phone: as the inventory has it, else by its MAC address, else as it says itself.
    fn vendor_of(&self, phone: &Phone, agent: Option<&Agent>) -> Option<Arc<Vendor>> {
        let vendors = self.vendors();
        if let Some(name) = &phone.vendor {
            return vendors.get(name).cloned();
        }
        let by_agent = || vendors.get(&agent?.vendor);
        vendors.of_mac(phone.mac).or_else(by_agent).cloned()
    }

    /// The vendors as they are now.
    pub fn vendors(&self) -> Arc<Vendors> {
        Arc::clone(&self.inner.vendors.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The URL that phones of a vendor are given who know nothing yet, by SIP PnP and by DHCP; `None` where
    /// nothing is known of how they ask. Never one with a key: whoever says a MAC address gets it, and the
    /// listener behind it decides.
    pub fn bootstrap_url(&self, vendor: &Vendor) -> Option<String> {
        vendor.discovery().map(|discovery| discovery.url(&self.site().url))
    }

    /// Whether people can log in at phones of this model; `None` where the model is not known. Not at a DECT base.
    pub fn is_for_people(&self, phone: &Phone) -> Option<bool> {
        let vendor = self.vendor_of(phone, None)?;
        let said = self.shown(phone.mac).and_then(|shown| shown.model);
        let model = vendor.model(phone.model.as_deref().or(said.as_deref()));
        model.is_known().then_some(model.hot_desk)
    }

    /// What makes this phone fetch its files again; `None` where nothing is known of its vendor.
    pub fn resync_events(&self, phone: &Phone) -> Option<ResyncEvents> {
        let vendor = self.vendor_of(phone, None)?;
        let said = self.shown(phone.mac).and_then(|shown| shown.model);
        let resync = vendor.resync(phone.model.as_deref().or(said.as_deref()));
        let memory = self.store().memory();
        let enrolment = memory.enrolment(phone.mac);
        Some(ResyncEvents {
            reload: resync.reload.clone(),
            reboot: resync.reboot.clone(),
            // What it was shown is known a moment before its proof is written down.
            confirms: self.shown(phone.mac).is_some()
                || enrolment.is_some_and(|enrolment| enrolment.proven.is_some()),
            may_restart: resync.restart_silent && self.site().settings.restart_silent,
        })
    }

    /// The passwords with which a phone may authenticate now: the newest, and during a rotation the one
    /// before. None for whatever is no phone of ours, which takes as long.
    pub fn http_passwords(&self, user: &str, now: Timestamp) -> Vec<SecretString> {
        let mac = user.parse::<Mac>().ok();
        let enrolment = mac.and_then(|mac| {
            let memory = self.store().memory();
            memory.phone(mac)?;
            memory.enrolment(mac).cloned()
        });
        let enrolment = enrolment.as_deref();
        let old = enrolment.and_then(|enrolment| enrolment.old_key.as_ref());
        let old = old.filter(|(_, until)| now < *until).map(|(key, _)| key);
        let (mac, nothing) = (mac.unwrap_or(Mac::PLACEHOLDER), SecretString::from("no key"));
        let passwords = [enrolment.map(|enrolment| &enrolment.key), old].map(|key| {
            let password = compose::http_password(self.store(), mac, key.unwrap_or(&nothing));
            key.map(|_| SecretString::from(password))
        });
        passwords.into_iter().flatten().collect()
    }

    /// What a phone shows.
    fn shown(&self, phone: Mac) -> Option<Shown> {
        let shown = self.inner.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shown.get(&phone).cloned();
        drop(shown);
        known.or_else(|| self.store().memory().shown(phone).cloned())
    }

    /// Whose a personal file is that a phone sends: of the person for whom it last fetched that file.
    fn holder(&self, phone: Mac, file: &str) -> Option<Extension> {
        self.shown(phone)?.personal.get(file).cloned().flatten()
    }

    /// Whether one more phone may be added that came by itself.
    fn may_add(&self) -> bool {
        let now = Timestamp::now();
        let mut added = self.inner.added.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = *added;
        let is_over = since.is_none_or(|since| now.duration_since(since).as_hours() >= 1);
        *added = if is_over { (Some(now), 1) } else { (since, count + 1) };
        added.1 <= ADDED_AN_HOUR
    }

    /// What phones did that is not written down, because the store was slower than they.
    pub fn notes_lost(&self) -> u64 {
        self.recorder().lost()
    }

    /// The desk that it works for.
    pub fn desk(&self) -> &Desk {
        &self.inner.desk
    }

    /// What all phones have in common.
    pub fn site(&self) -> &Site {
        &self.inner.site
    }

    fn store(&self) -> &Store {
        self.inner.desk.store()
    }

    fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    fn recorder(&self) -> &Recorder {
        &self.inner.recorder
    }
}
