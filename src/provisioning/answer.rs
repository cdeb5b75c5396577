//! A request of a phone, answered.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
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
    given: Option<(Mac, Shown, Option<Arc<Wanted>>)>,
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
        if let Some(name) = self.firmware_at(request.path) {
            return Answer::Firmware(name);
        }
        let agent = self.vendors().read_agent(request.agent);
        let knock = Knock {
            mount: request.mount,
            named: mac_in(request.path, request.query),
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
        if let Some((phone, shown, wanted)) = receipt.given
            && matches!(status, 200 | 304)
        {
            self.recorder().note(Note::Given { phone, shown, wanted });
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
        let handover = self.is_handover(asker.phone);
        let own = self.own_file(asker.vendor, file, user_key.as_ref(), handover).await;
        let made = match own {
            Some(made) => Ok((made, user_key)),
            None => self.made(asker, file, now),
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
        let given = (request.method == Method::Get)
            .then(|| self.shows(request, asker, file, user, now))
            .flatten()
            .map(|shown| (mac, shown, wanted.filter(|_| file.shows)));
        Answer::File(made, Receipt { request: Some(entry(request, mac, why, now)), given })
    }

    /// What the phone shows from now on, if this file changes that.
    fn shows(
        &self,
        request: &Request<'_>,
        asker: &Asker<'_>,
        file: &File,
        user: Option<Extension>,
        now: Timestamp,
    ) -> Option<Shown> {
        if !file.shows && file.personal.is_none() {
            return None;
        }
        let mac = asker.phone.mac;
        let old = self.shown(mac);
        let mut shown = old.unwrap_or(Shown {
            at: now,
            user: None,
            from: request.from,
            model: None,
            version: None,
            personal: Default::default(),
        });
        if file.shows {
            shown.at = now;
            shown.user = user.clone();
            shown.from = request.from;
            if let Some(agent) = asker.agent {
                shown.model = agent.model.clone().or(shown.model);
                shown.version = agent.version.clone().or(shown.version);
            }
        }
        if file.personal.is_some() {
            shown.personal.insert(file.name.clone(), user);
        }
        self.remember_shown(mac, shown.clone());
        Some(shown)
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

    /// The file as it should be now, from the cache or made anew, and who sits there then.
    fn made(
        &self,
        asker: &Asker<'_>,
        file: &File,
        now: Timestamp,
    ) -> Result<(Arc<Made>, Option<Extension>), CannotMake> {
        let firmware = self.firmware_for(asker);
        let handover = self.is_handover(asker.phone);
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
            vendor: asker.vendor,
            model: asker.model(),
        };
        let stage = match (&file.personal, &user) {
            (Some(_), None) => Stage::Empty,
            _ => Stage::Full,
        };
        let (whose, version) =
            self.version(&memory, &subject, file, stage, firmware.as_ref(), handover);
        if let Some(made) = self.cache().get(&whose, &file.name, version) {
            return Ok((made, key));
        }
        let book = self.book(&memory);
        let context = subject.context(self.site(), self.store(), book, firmware, handover, now);
        drop(memory);
        let text = asker.vendor.render(file, stage, &context)?;
        let made = made(text.into(), file, SystemTime::now());
        Ok((self.cache().keep(whose, &file.name, version, made), key))
    }

    /// Whether the phone was last given the file of somebody else, or of nobody.
    fn is_handover(&self, phone: &Phone) -> bool {
        let seated = self.store().memory().session(phone.mac).map(|session| session.user.clone());
        self.shown(phone.mac).is_none_or(|shown| shown.user != seated)
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
            vendor: asker.vendor,
            model: asker.model(),
        };
        let book = minijinja::Value::from(Vec::<minijinja::Value>::new());
        let context = subject.context(self.site(), self.store(), book, None, true, now);
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
        let vendor = self.vendors().of_mac(mac).map(|vendor| vendor.name().to_owned());
        let Some(vendor) = vendor.filter(|_| request.method == Method::Get && self.may_add())
        else {
            return self.challenge(request, None, PhoneRefusal::Unknown, now);
        };
        let model = agent.as_ref().and_then(|agent| agent.model.clone());
        match self.desk().add_unknown(mac, vendor, model, now).await {
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
        let is_news = memory.enrolment(phone).is_none_or(|enrolment| {
            let is_newest = match request.mount {
                Mount::Keyed(key) => enrolment.key.expose_secret() == key,
                Mount::Open => false,
            };
            enrolment.proven.is_none() || (is_newest && enrolment.old_key.is_some())
        });
        if is_news {
            self.recorder().note(Note::Proven { phone, proof, at: now });
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
            PhoneRefusal::NoFile | PhoneRefusal::Method | PhoneRefusal::NoVendor => phone.is_none(),
            PhoneRefusal::WindowClosed | PhoneRefusal::Upload => false,
            PhoneRefusal::Unknown
            | PhoneRefusal::Network
            | PhoneRefusal::Credentials
            | PhoneRefusal::OtherPhone
            | PhoneRefusal::Agent
            | PhoneRefusal::TooMany => true,
        };
        if counts && request.presented != Presented::Stale {
            self.recorder().refused(request.from);
            // What fail2ban reads; not so often that the log is the damage.
            if !request.is_over {
                tracing::info!(address = %request.from, status, "a phone's request was refused");
            }
        }
        if let Some(phone) = phone {
            let why = match (reason, request.presented) {
                (PhoneRefusal::WindowClosed, Presented::Nothing) => Told::Challenged,
                _ => Told::Refused { reason },
            };
            let mut entry = entry(request, phone, why, now);
            entry.status = status;
            self.recorder().note(Note::Asked(entry));
        }
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

/// The most bytes that are kept of a text that a phone chose.
const LONGEST: usize = 200;

fn entry(request: &Request<'_>, phone: Mac, why: Told, now: Timestamp) -> PhoneRequest {
    let door = match request.mount {
        Mount::Open => "/provision/",
        Mount::Keyed(_) => "/p/…/",
    };
    let bounded = |text: &str| text.chars().take(LONGEST).collect::<String>();
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
