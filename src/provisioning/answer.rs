//! A request of a phone, answered.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::admission::{Admitted, Knock, Mount, Presented, TurnedAway};
use super::cache::{Made, Version, Whose};
use super::compose::{Subject, seated};
use super::context::Firmware;
use super::record::Note;
use super::vendor::{Agent, File, Route, Stage, Vendor, mac_in};
use super::{CannotMake, Provisioning};
use crate::model::{
    Extension, Mac, Phone, PhoneRefusal, PhoneRequest, Proof, Shown, Told, Wanted, WantedKind,
};
use crate::store::Memory;

/// What a phone does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It fetches.
    Get,
    /// It asks whether and how long.
    Head,
    /// It sends.
    Put,
}

impl Method {
    /// The method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
        }
    }
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// By which door it came.
    pub mount: Mount<'a>,
    /// The path behind the door, decoded.
    pub path: &'a str,
    /// The query, decoded.
    pub query: &'a [(String, String)],
    /// From where.
    pub from: IpAddr,
    /// The User-Agent; empty where there is none.
    pub agent: &'a str,
    /// The MAC address in a client certificate that was verified.
    pub certificate: Option<Mac>,
    /// What the HTTP credentials said.
    pub presented: Presented,
    /// Whether its network had too many refusals lately.
    pub is_over: bool,
}

/// The answer.
#[derive(Debug)]
pub enum Answer {
    /// This file; note with [`Provisioning::served`] what became of it.
    File(Arc<Made>, Receipt),
    /// The firmware file of this name, for anybody.
    Firmware(String),
    /// What comes in the body is to be given to [`Provisioning::keep`].
    Upload(Upload),
    /// 401.
    Challenge {
        /// Whether the credentials were right but for the age of the nonce.
        stale: bool,
        /// Whether it counts against whoever asked from there.
        counts: bool,
    },
    /// 404.
    NotFound {
        /// Whether it counts against whoever asked from there.
        counts: bool,
    },
    /// The file cannot be made now (503); the phone keeps what it has.
    Broken,
}

/// What has to be written down about a file once it is known how it was served.
#[derive(Debug)]
pub struct Receipt {
    request: Option<PhoneRequest>,
    given: Option<Given>,
}

/// What a phone shows once it has a file.
#[derive(Debug)]
struct Given {
    phone: Mac,
    /// For whom the file is.
    user: Option<Extension>,
    at: Timestamp,
    from: IpAddr,
    agent: Option<Agent>,
    /// Whether it is the file that shows who sits there.
    shows: bool,
    /// The file's name, where it is a person's own.
    personal: Option<String>,
    /// What was wanted of the phone when the file was made.
    wanted: Option<Arc<Wanted>>,
}

impl Given {
    /// What the phone shows with this file, which before showed that.
    fn shown(self, before: Option<Shown>) -> (Shown, Option<Arc<Wanted>>) {
        let mut shown = before.unwrap_or(Shown {
            at: self.at,
            user: None,
            from: self.from,
            model: None,
            version: None,
            personal: Default::default(),
        });
        if self.shows {
            (shown.at, shown.user, shown.from) = (self.at, self.user.clone(), self.from);
            if let Some(agent) = self.agent {
                shown.model = agent.model.or(shown.model);
                shown.version = agent.version.or(shown.version);
            }
        }
        if let Some(name) = self.personal {
            shown.personal.insert(name, self.user);
        }
        (shown, self.wanted)
    }
}

/// Somebody's right to send something.
#[derive(Debug)]
pub struct Upload {
    /// The most bytes that are taken.
    pub most: usize,
    pub(super) phone: Mac,
    pub(super) name: String,
    pub(super) keeping: Keeping,
    pub(super) request: PhoneRequest,
}

/// What becomes of what is sent.
#[derive(Debug)]
pub(super) enum Keeping {
    /// It is a log of the phone.
    Log,
    /// It is this person's own file.
    Personal { user: Extension, file: Box<File> },
    /// It is thrown away, and why.
    Discard(&'static str),
}

impl Provisioning {
    /// Answers a request.
    pub async fn answer(&self, request: &Request<'_>, now: Timestamp) -> Answer {
        if request.method != Method::Put
            && let Some(name) = self.firmware_at(request.path)
        {
            return Answer::Firmware(name);
        }
        let agent = self.vendors().read_agent(request.agent);
        let knock = Knock {
            mount: request.mount,
            named: mac_in(request.path, request.query)
                .or_else(|| self.named_by_agent(request, agent.as_ref())),
            agent: agent.as_ref().and_then(|agent| agent.mac),
            certificate: request.certificate,
            presented: request.presented,
            from: request.from,
            is_over: request.is_over,
        };
        let settings = &self.site().settings.enrolment;
        let admitted = knock.admit(&self.store().memory(), settings, now);
        match admitted {
            Ok(Admitted::Phone(phone, proof)) => {
                self.proven(request, phone, proof, agent, now).await
            }
            Ok(Admitted::Window(phone)) => self.bootstrap(request, phone, agent, now).await,
            Ok(Admitted::Unknown(phone)) => self.unknown(request, phone, agent, now).await,
            Err(turned_away) => self.turn_away(request, turned_away, now),
        }
    }

    /// What a phone asks for that knows nothing yet may name no phone (Cisco's `spa504G.cfg`); then its
    /// User-Agent does, which is no more of a proof than a path is.
    fn named_by_agent(&self, request: &Request<'_>, agent: Option<&Agent>) -> Option<Mac> {
        let agent = agent?;
        let vendors = self.vendors();
        match vendors.get(&agent.vendor)?.route(request.path, request.query)? {
            Route::File { file, .. } if file.has_bootstrap() => agent.mac,
            _ => None,
        }
    }

    /// Writes down how a file was served: whole or in part (200, 206), or not because the phone has it
    /// already (304), or not at all (HEAD).
    pub fn served(&self, receipt: Receipt, status: u16, bytes: u64) {
        let unchanged = status == 304;
        if let Some(mut request) = receipt.request {
            (request.status, request.bytes) = (status, bytes);
            if let (true, Told::File { file, by, user }) = (unchanged, &request.why) {
                let (file, by, user) = (file.clone(), *by, user.clone());
                request.why = Told::Unchanged { file, by, user };
            }
            self.recorder().note(Note::Asked(request));
        }
        // Who was given a part of it, or none, shows what it showed.
        if let Some(given) = receipt.given
            && matches!(status, 200 | 304)
        {
            self.remember(given);
        }
    }

    async fn proven(
        &self,
        request: &Request<'_>,
        mac: Mac,
        proof: Proof,
        agent: Option<Agent>,
        now: Timestamp,
    ) -> Answer {
        let memory_phone = self.store().memory().phone(mac).cloned();
        let Some(phone) = memory_phone else {
            return self.refuse(request, None, PhoneRefusal::Unknown, now);
        };
        self.note_proof(request, mac, proof, now);
        let Some(vendor) = self.vendor_of(&phone, agent.as_ref()) else {
            return self.refuse(request, Some(mac), PhoneRefusal::NoVendor, now);
        };
        let Some(route) = vendor.route(request.path, request.query) else {
            return self.refuse(request, Some(mac), PhoneRefusal::NoFile, now);
        };
        match (request.method, route) {
            (Method::Get | Method::Head, Route::File { file, .. }) => {
                let asker = Asker { phone: &phone, vendor: &vendor, agent: agent.as_ref(), proof };
                self.file(request, &asker, file, now).await
            }
            (Method::Put, Route::File { file, .. }) => {
                let name = personal_name(&vendor, file);
                match &file.personal {
                    Some(personal) => {
                        let keeping = match self.holder(mac, &file.name) {
                            Some(user) => Keeping::Personal { user, file: Box::new(file.clone()) },
                            None => Keeping::Discard("nobody sat there"),
                        };
                        self.upload(request, mac, name, personal.max_bytes, keeping, now)
                    }
                    None if file.discards => {
                        let keeping = Keeping::Discard("we set what stands in it");
                        self.upload(request, mac, name, DISCARDED, keeping, now)
                    }
                    None => self.refuse(request, Some(mac), PhoneRefusal::Method, now),
                }
            }
            (Method::Put, Route::Upload { upload, .. }) => {
                let (name, most) = (upload.name.clone(), upload.max_bytes);
                self.upload(request, mac, name, most, Keeping::Log, now)
            }
            (Method::Get | Method::Head, Route::Upload { .. })
            | (_, Route::Firmware { .. } | Route::Absent) => {
                self.refuse(request, Some(mac), PhoneRefusal::NoFile, now)
            }
        }
    }

    fn upload(
        &self,
        request: &Request<'_>,
        phone: Mac,
        name: String,
        most: usize,
        keeping: Keeping,
        now: Timestamp,
    ) -> Answer {
        let why = Told::Kept { file: name.clone(), user: None };
        let request = entry(request, phone, why, now);
        Answer::Upload(Upload { most, phone, name, keeping, request })
    }

    /// A file for a phone that proved to be that phone.
    async fn file(
        &self,
        request: &Request<'_>,
        asker: &Asker<'_>,
        file: &File,
        now: Timestamp,
    ) -> Answer {
        let mac = asker.phone.mac;
        let target = mac.to_string();
        let (user, wanted) = {
            let memory = self.store().memory();
            let user = seated(&memory, asker.phone);
            (user, memory.wanted_of(WantedKind::Resync, &target).cloned())
        };
        let user_key = user.as_ref().map(|user| user.extension.clone());
        let handover = self.is_handover(asker.phone, file);
        let own = self.own_file(asker.vendor, file, user_key.as_ref(), handover).await;
        let made = match own {
            Some(made) => Ok((made, user_key)),
            None => self.made(asker, file, request.query, now),
        };
        let (made, user) = match made {
            Ok(made) => made,
            Err(error) => {
                tracing::error!(phone = %mac, file = file.name, %error, "a phone's file cannot be made");
                let why = Told::Broken { error: error.to_string() };
                let mut broken = entry(request, mac, why, now);
                broken.status = 503;
                self.recorder().note(Note::Asked(broken));
                return Answer::Broken;
            }
        };
        let why = Told::File { file: file.name.clone(), by: asker.proof, user: user.clone() };
        let is_given = request.method == Method::Get && (file.shows || file.personal.is_some());
        let given = is_given.then(|| Given {
            phone: mac,
            user,
            at: now,
            from: request.from,
            agent: asker.agent.cloned(),
            shows: file.shows,
            personal: file.personal.is_some().then(|| file.name.clone()),
            wanted: wanted.filter(|_| file.shows),
        });
        Answer::File(made, Receipt { request: Some(entry(request, mac, why, now)), given })
    }

    /// What the phone shows from now on. All under one lock, because phones fetch several files at once.
    fn remember(&self, given: Given) {
        let phone = given.phone;
        let mut all = self.inner.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let before =
            all.get(&phone).cloned().or_else(|| self.store().memory().shown(phone).cloned());
        let (shown, wanted) = given.shown(before);
        all.insert(phone, shown.clone());
        self.recorder().note(Note::Given { phone, shown, wanted });
    }

    /// The file that this person's phone sent back, if there is one.
    async fn own_file(
        &self,
        vendor: &Vendor,
        file: &File,
        user: Option<&Extension>,
        handover: bool,
    ) -> Option<Arc<Made>> {
        let personal = file.personal.as_ref()?;
        let (user, name) = (user?, personal_name(vendor, file));
        if !self.store().memory().has_personal_file(user, &name) {
            return None;
        }
        match self.store().personal_file(user, &name).await {
            Ok(content) => {
                let mut content = content?;
                if handover {
                    // Forwarding ends with the session that set it.
                    let kept = String::from_utf8_lossy(&content);
                    content = personal.at_login(file.kind, &kept).ok()?.into_bytes();
                }
                let made = made(content.into(), file, SystemTime::now());
                Some(Arc::new(made))
            }
            Err(error) => {
                tracing::warn!(%user, name, %error, "a person's own file cannot be read");
                None
            }
        }
    }

    /// The file as it should be now, from the cache or made anew, and who sits there then. What a phone finds in
    /// the phone book is always made anew: there are as many such files as there are words.
    fn made(
        &self,
        asker: &Asker<'_>,
        file: &File,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Result<(Arc<Made>, Option<Extension>), CannotMake> {
        let firmware = self.firmware_for(asker);
        let handover = self.is_handover(asker.phone, file);
        let memory = self.store().memory();
        let user = seated(&memory, asker.phone);
        let key = user.as_ref().map(|user| user.extension.clone());
        let Some(enrolment) = memory.enrolment(asker.phone.mac) else {
            return Err(CannotMake::Gone);
        };
        let subject = Subject {
            phone: asker.phone,
            enrolment,
            user: user.as_deref(),
            memory: &memory,
            vendor: asker.vendor,
            model: asker.model(),
        };
        let stage = match (&file.personal, &user) {
            (Some(_), None) => Stage::Empty,
            _ => Stage::Full,
        };
        let (whose, version) =
            self.version(&memory, &subject, file, stage, firmware.as_ref(), handover);
        let kept = || self.cache().get(&whose, &file.name, version);
        if let Some(made) = file.search.is_none().then(kept).flatten() {
            return Ok((made, key));
        }
        let book = self.book(&memory);
        let (site, store) = (self.site(), self.store());
        let mut context = subject.context(site, store, book.all(), firmware, handover, now);
        context.revision = self.cache().revision(asker.phone.mac, context.revision);
        drop(memory);
        context.revision = self.cache().revision(asker.phone.mac, context.revision);
        if let Some(rules) = &file.search {
            context.search_in(&book, rules, query);
        }
        let text = asker.vendor.render(file, stage, &context)?;
        let made = made(text.into(), file, SystemTime::now());
        if file.search.is_some() {
            return Ok((Arc::new(made), key));
        }
        Ok((self.cache().keep(whose, &file.name, version, made), key))
    }

    /// Whether the phone was last given the file of somebody else, or of nobody. Each file that is a
    /// person's own changes hands by itself: phones fetch one after the other.
    fn is_handover(&self, phone: &Phone, file: &File) -> bool {
        let seated = self.store().memory().session(phone.mac).map(|session| session.user.clone());
        let Some(shown) = self.shown(phone.mac) else { return true };
        match &file.personal {
            Some(_) => shown.personal.get(&file.name) != Some(&seated),
            None => shown.user != seated,
        }
    }

    /// Whose the file is and what it is made from: for one that says the same to all phones, the people
    /// and the templates alone.
    fn version(
        &self,
        memory: &Memory,
        subject: &Subject<'_>,
        file: &File,
        stage: Stage,
        firmware: Option<&Firmware>,
        handover: bool,
    ) -> (Whose, Version) {
        let (vendor, mac) = (subject.vendor, subject.phone.mac);
        let people = memory.people_revision() + (self.contacts_revision() << 32);
        let mut site = DefaultHasher::new();
        vendor.fingerprint().hash(&mut site);
        if let Some(template) = vendor.same_for_all(file, stage, subject.model) {
            let contacts = subject.layers(self.site()).text("contacts_max");
            let (vendor, template) = (vendor.name().to_owned(), template.to_owned());
            let whose = Whose::All { vendor, template, contacts };
            return (whose, Version { phone: 0, people, site: site.finish() });
        }
        (subject.model, handover).hash(&mut site);
        firmware.map(|firmware| &firmware.url).hash(&mut site);
        let phone = memory.phone_revision(mac);
        (Whose::Phone(mac), Version { phone, people, site: site.finish() })
    }

    /// A bare MAC address in its window: its own URL, once.
    async fn bootstrap(
        &self,
        request: &Request<'_>,
        mac: Mac,
        agent: Option<Agent>,
        now: Timestamp,
    ) -> Answer {
        let phone = self.store().memory().phone(mac).cloned();
        let Some(phone) = phone else {
            return self.challenge(request, None, PhoneRefusal::Unknown, now);
        };
        let Some(vendor) = self.vendor_of(&phone, agent.as_ref()) else {
            return self.challenge(request, Some(mac), PhoneRefusal::NoVendor, now);
        };
        let file = match vendor.route(request.path, request.query) {
            Some(Route::File { file, .. })
                if file.has_bootstrap() && request.method == Method::Get =>
            {
                file
            }
            // Neither what has no secrets nor what is only looked at uses the window up.
            _ => return self.challenge(request, Some(mac), PhoneRefusal::NoFile, now),
        };
        let asker =
            Asker { phone: &phone, vendor: &vendor, agent: agent.as_ref(), proof: Proof::Key };
        let text = match self.bootstrap_text(&asker, file, now) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(phone = %mac, file = file.name, %error, "a phone's file cannot be made");
                return Answer::Broken;
            }
        };
        match self.desk().use_window(mac, now).await {
            Ok(true) => {}
            Ok(false) => {
                return self.challenge(request, Some(mac), PhoneRefusal::WindowClosed, now);
            }
            Err(error) => {
                tracing::error!(phone = %mac, %error, "a window cannot be closed, so it is not used");
                return Answer::Broken;
            }
        }
        let made = Arc::new(made(text.into(), file, SystemTime::now()));
        let request = entry(request, mac, Told::Bootstrap, now);
        Answer::File(made, Receipt { request: Some(request), given: None })
    }

    fn bootstrap_text(
        &self,
        asker: &Asker<'_>,
        file: &File,
        now: Timestamp,
    ) -> Result<String, CannotMake> {
        let memory = self.store().memory();
        let Some(enrolment) = memory.enrolment(asker.phone.mac).cloned() else {
            return Err(CannotMake::Gone);
        };
        let subject = Subject {
            phone: asker.phone,
            enrolment: &enrolment,
            user: None,
            memory: &memory,
            vendor: asker.vendor,
            model: asker.model(),
        };
        let book = minijinja::Value::from(Vec::<minijinja::Value>::new());
        let (site, store) = (self.site(), self.store());
        let mut context = subject.context(site, store, book, None, true, now);
        context.revision = self.cache().revision(asker.phone.mac, context.revision);
        drop(memory);
        Ok(asker.vendor.render(file, Stage::Bootstrap, &context)?)
    }

    /// A phone that is not in the inventory, from a network whose phones are added.
    async fn unknown(
        &self,
        request: &Request<'_>,
        mac: Mac,
        agent: Option<Agent>,
        now: Timestamp,
    ) -> Answer {
        // Only what a phone of a vendor that we know could be, and never more than a site can have.
        let vendor = self.vendors().of_mac(mac).cloned();
        let Some(vendor) = vendor.filter(|_| request.method == Method::Get && self.may_add())
        else {
            return self.challenge(request, None, PhoneRefusal::Unknown, now);
        };
        let model = agent.as_ref().and_then(|agent| agent.model.clone());
        let hot_desk = vendor.model(model.as_deref()).hot_desk;
        let vendor = vendor.name().to_owned();
        match self.desk().add_unknown(mac, vendor, model, hot_desk, now).await {
            Ok(()) => self.bootstrap(request, mac, agent, now).await,
            Err(error) => {
                tracing::error!(phone = %mac, %error, "an unknown phone cannot be added");
                self.challenge(request, None, PhoneRefusal::Unknown, now)
            }
        }
    }

    /// Whoever came with proof for the first time, or with the new key of a rotation.
    fn note_proof(&self, request: &Request<'_>, phone: Mac, proof: Proof, now: Timestamp) {
        use secrecy::ExposeSecret as _;
        let memory = self.store().memory();
        let key = match request.mount {
            Mount::Keyed(key) => Some(key),
            Mount::Open => None,
        };
        let is_news = memory.enrolment(phone).is_none_or(|enrolment| {
            let is_newest = key == Some(enrolment.key.expose_secret());
            enrolment.proven.is_none() || (is_newest && enrolment.old_key.is_some())
        });
        if is_news {
            let key = key.map(SecretString::from);
            self.recorder().note(Note::Proven { phone, proof, key, at: now });
        }
    }

    fn turn_away(&self, request: &Request<'_>, away: TurnedAway, now: Timestamp) -> Answer {
        if !away.challenge {
            return self.refuse(request, away.phone, away.why, now);
        }
        match self.challenge(request, away.phone, away.why, now) {
            Answer::Challenge { counts, .. } => Answer::Challenge { stale: away.stale, counts },
            other => other,
        }
    }

    fn challenge(
        &self,
        request: &Request<'_>,
        phone: Option<Mac>,
        why: PhoneRefusal,
        now: Timestamp,
    ) -> Answer {
        let counts = self.note_refusal(request, phone, why, 401, now);
        Answer::Challenge { stale: false, counts }
    }

    fn refuse(
        &self,
        request: &Request<'_>,
        phone: Option<Mac>,
        why: PhoneRefusal,
        now: Timestamp,
    ) -> Answer {
        let counts = self.note_refusal(request, phone, why, 404, now);
        Answer::NotFound { counts }
    }

    /// What came by no door, or by a method that is not for phones, was refused.
    pub fn refused(&self, request: &Request<'_>, now: Timestamp) {
        self.note_refusal(request, None, PhoneRefusal::Unknown, 404, now);
    }

    /// For a phone of the inventory the reason is written down. Answers whether it counts against whoever
    /// asked from there: an optional file that is not there does not, and neither does a phone of ours
    /// that comes without credentials first, as all do.
    fn note_refusal(
        &self,
        request: &Request<'_>,
        phone: Option<Mac>,
        reason: PhoneRefusal,
        status: u16,
        now: Timestamp,
    ) -> bool {
        let counts = match reason {
            // What phones ask for as a matter of course.
            PhoneRefusal::NoFile
            | PhoneRefusal::Method
            | PhoneRefusal::NoVendor
            | PhoneRefusal::WindowClosed
            | PhoneRefusal::Upload => false,
            PhoneRefusal::Unknown
            | PhoneRefusal::Network
            | PhoneRefusal::Credentials
            | PhoneRefusal::OtherPhone
            | PhoneRefusal::Agent
            | PhoneRefusal::TooMany => true,
        };
        // A nonce that is too old is no guess: the password was right.
        let counts = counts && request.presented != Presented::Stale;
        if counts {
            self.recorder().refused(request.from);
        }
        let why = match (reason, request.presented) {
            (PhoneRefusal::WindowClosed, Presented::Nothing) => Told::Challenged,
            _ => Told::Refused { reason },
        };
        // Made of strangers' requests too, so that they take as long; they are not written down.
        let mut entry = entry(request, phone.unwrap_or(Mac::PLACEHOLDER), why, now);
        entry.status = status;
        self.recorder().note(Note::Refused {
            request: entry,
            is_ours: phone.is_some(),
            is_logged: counts && !request.is_over,
        });
        counts
    }
}

/// A phone that proved to be that phone, with what else is known of it.
pub(super) struct Asker<'a> {
    pub phone: &'a Phone,
    pub vendor: &'a Arc<Vendor>,
    pub agent: Option<&'a Agent>,
    pub proof: Proof,
}

impl Asker<'_> {
    /// The model: as the inventory has it, else as the phone says.
    pub(super) fn model(&self) -> Option<&str> {
        let said = || self.agent.and_then(|agent| agent.model.as_deref());
        self.phone.model.as_deref().or_else(said)
    }
}

/// How a person's own file is called in the store.
fn personal_name(vendor: &Vendor, file: &File) -> String {
    format!("{}/{}", vendor.name(), file.name)
}

fn made(bytes: bytes::Bytes, file: &File, modified: SystemTime) -> Made {
    let digest = Sha256::digest(&bytes);
    let hash: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let content_type = file.content_type.clone();
    Made { bytes, content_type, hash, modified }
}

/// The most bytes that a phone may send of what is thrown away.
const DISCARDED: usize = 256 << 10;

/// From how many letters and digits in a row a text could be a key (26) or a password (32).
const KEY_LIKE: usize = 20;

/// The most bytes that are kept of a text that a phone chose.
const LONGEST: usize = 200;

/// A text without what could be a key or a password that was written into the wrong place: so many
/// letters and digits in a row. A MAC address has twelve.
fn without_keys(text: &str) -> String {
    let mut kept = String::new();
    for part in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if word.len() < KEY_LIKE {
            kept.push_str(part);
        } else {
            kept.push('…');
            kept.push_str(part.get(word.len()..).unwrap_or_default());
        }
    }
    kept
}

fn entry(request: &Request<'_>, phone: Mac, why: Told, now: Timestamp) -> PhoneRequest {
    let door = match request.mount {
        Mount::Open => "/provision/",
        Mount::Keyed(_) => "/p/…/",
    };
    let bounded = |text: &str| without_keys(text).chars().take(LONGEST).collect::<String>();
    PhoneRequest {
        at: now,
        phone,
        from: request.from,
        method: request.method.as_str().to_owned(),
        path: format!("{door}{}", bounded(request.path)),
        agent: bounded(request.agent),
        status: 200,
        bytes: 0,
        why,
    }
}
