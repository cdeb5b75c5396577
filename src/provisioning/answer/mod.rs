//! A request of a phone, answered.

mod file;
mod refusal;
mod window;

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;

use super::Provisioning;
use super::admission::{Admitted, Knock, Mount, Presented};
use super::cache::Made;
use super::record::Note;
use super::vendor::{Agent, File, Route, Vendor, mac_in};
use crate::model::{Extension, Mac, Phone, PhoneRefusal, PhoneRequest, Proof, Told};
use file::{Given, personal_name};

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
        let agent = self.read_agent(request.agent);
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

/// The most bytes that a phone may send of what is thrown away.
const DISCARDED: usize = 256 << 10;

/// From how many letters and digits in a row a text could be a key (26) or a password (32).
const KEY_LIKE: usize = 20;

/// The most bytes that are kept of a text that a phone chose.
const LONGEST: usize = 200;

/// A text without what could be a key or a password that was written into the wrong place: so many
/// letters and digits in a row. A MAC address has twelve.
pub(super) fn without_keys(text: &str) -> String {
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
