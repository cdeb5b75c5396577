//! A file for a phone that proved to be that phone, and what it shows with it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Answer, Asker, Method, Receipt, Request, entry};
use crate::model::{Extension, Mac, Phone, Shown, Told, Wanted, WantedKind};
use crate::provisioning::cache::{Made, Version, Whose};
use crate::provisioning::compose::{Subject, seated};
use crate::provisioning::context::Firmware;
use crate::provisioning::record::Note;
use crate::provisioning::vendor::{Agent, File, Stage, Vendor};
use crate::provisioning::{CannotMake, Provisioning};
use crate::store::Memory;

/// What a phone shows once it has a file.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) phone: Mac,
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

impl Provisioning {
    /// A file for a phone that proved to be that phone.
    pub(super) async fn file(
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
    pub(super) fn remember(&self, given: Given) {
        let phone = given.phone;
        let mut all = self.inner.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let before =
            all.get(&phone).cloned().or_else(|| self.store().memory().shown(phone).cloned());
        let is_configured = given.shows;
        let (shown, wanted) = given.shown(before);
        all.insert(phone, shown.clone());
        self.recorder().note(Note::Given { phone, shown, is_configured, wanted });
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
        let same = match &whose {
            Whose::All { .. } => asker.vendor.render_same(file, stage, &context),
            Whose::Phone(_) => None,
        };
        let is_kept = file.search.is_none() && (same.is_some() || matches!(whose, Whose::Phone(_)));
        let text = match same {
            Some(text) => text,
            None => asker.vendor.render(file, stage, &context)?,
        };
        let made = made(text.into(), file, SystemTime::now());
        if !is_kept {
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
        (subject.model, handover && vendor.names_handover()).hash(&mut site);
        firmware.map(|firmware| &firmware.url).hash(&mut site);
        let phone = memory.phone_revision(mac);
        (Whose::Phone(mac), Version { phone, people, site: site.finish() })
    }
}

/// How a person's own file is called in the store.
pub(super) fn personal_name(vendor: &Vendor, file: &File) -> String {
    format!("{}/{}", vendor.name(), file.name)
}

/// Bytes as a file.
pub(super) fn made(bytes: bytes::Bytes, file: &File, modified: SystemTime) -> Made {
    let digest = Sha256::digest(&bytes);
    let hash: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let content_type = file.content_type.clone();
    Made { bytes, content_type, hash, modified }
}
