//! The store in memory: what FreeSWITCH's questions are answered from.
//!
//! Changed only by committed writes, in their order.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use crate::model::{
    Attempts, DeskSession, Enrolment, Extension, GroupName, Mac, Made, MadeKind, MirrorState,
    PersonKey, Phone, PhoneContact, PhoneRegistration, Redirection, Shown, SipIdentity,
    TeamSettings, Teams, User, Wanted, WantedKind,
};

/// A step of a write, to be seen in memory once it is durable.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    PhoneSaved(Arc<Phone>),
    PhoneRemoved(Mac),
    UserSaved(Arc<User>),
    UserRemoved(Extension),
    SessionBegan(DeskSession),
    SessionEnded(Mac),
    Wanted(Wanted),
    Attempted(WantedKind, String, Attempts),
    Settled(WantedKind, String),
    Made(Made),
    Unmade(String, MadeKind, String),
    EnrolmentSaved(Arc<Enrolment>),
    Shown(Mac, Shown),
    Contacted(Mac, PhoneContact),
    Registered(Mac, PhoneRegistration),
    PersonalFileKept(Extension, String),
    PersonalFilesMoved(Extension, Extension),
    Redirected(Redirection),
    RedirectionForgotten(Mac, String),
    Mirrored(Arc<MirrorState>),
    TeamsMirrored(Vec<TeamSettings>),
    Served(String, Extension, Timestamp),
    ServedBefore(Timestamp),
    EmergencyCalled(Mac, Timestamp),
    EmergenciesForgotten(Timestamp),
}

/// All phones, users, desk sessions and wanted rows.
#[derive(Debug, Default)]
pub struct Memory {
    phones: HashMap<Mac, Arc<Phone>>,
    users: HashMap<Extension, Arc<User>>,
    sessions: HashMap<Mac, DeskSession>,
    /// Where each user sits, longest first.
    seats: HashMap<Extension, Vec<Mac>>,
    desk_extensions: HashMap<Extension, Mac>,
    /// Whose each handset is.
    handsets: HashMap<Extension, Vec<SipIdentity>>,
    groups: BTreeMap<GroupName, BTreeSet<Extension>>,
    /// The users who come from the directory server.
    people: HashMap<PersonKey, Arc<User>>,
    mirror: Option<Arc<MirrorState>>,
    teams: Arc<Teams>,
    retired: HashSet<String>,
    /// Shared, because whoever compares them with what is looks at all of them again and again.
    wanted: BTreeMap<(WantedKind, String), Arc<Wanted>>,
    /// By node and definition, where it is or was made.
    made: BTreeMap<(MadeKind, String), BTreeMap<String, Option<String>>>,
    provisioning: Provisioned,
    /// What redirection services were told of each phone.
    redirections: BTreeMap<Mac, Vec<Redirection>>,
    /// Who served a caller the last time, and when.
    last_agents: HashMap<String, (Extension, Timestamp)>,
    /// When each phone last made an emergency call.
    emergencies: HashMap<Mac, Timestamp>,
}

impl Memory {
    /// The phone with this MAC address.
    pub fn phone(&self, mac: Mac) -> Option<&Arc<Phone>> {
        self.phones.get(&mac)
    }

    /// All phones, in no order.
    pub fn phones(&self) -> impl Iterator<Item = &Arc<Phone>> {
        self.phones.values()
    }

    /// The user with this extension.
    pub fn user(&self, extension: &Extension) -> Option<&Arc<User>> {
        self.users.get(extension)
    }

    /// All users, in no order.
    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// Who sits at a phone.
    pub fn session(&self, phone: Mac) -> Option<&DeskSession> {
        self.sessions.get(&phone)
    }

    /// All desk sessions, in no order.
    pub fn sessions(&self) -> impl Iterator<Item = &DeskSession> {
        self.sessions.values()
    }

    /// The phones where a user sits, longest first.
    pub fn seats(&self, user: &Extension) -> &[Mac] {
        self.seats.get(user).map_or(&[], Vec::as_slice)
    }

    /// The DECT handsets that are a user's, in the order of their identities.
    pub fn handsets(&self, user: &Extension) -> &[SipIdentity] {
        self.handsets.get(user).map_or(&[], Vec::as_slice)
    }

    /// The phone that an extension rings itself.
    pub fn desk_extension(&self, extension: &Extension) -> Option<Mac> {
        self.desk_extensions.get(extension).copied()
    }

    /// The users in a call group, in the order of their extensions.
    pub fn group(&self, name: &GroupName) -> Option<&BTreeSet<Extension>> {
        self.groups.get(name)
    }

    /// The user whom the directory server knows by this key.
    pub fn person(&self, key: PersonKey) -> Option<&Arc<User>> {
        self.people.get(&key)
    }

    /// All whom the directory server knows, in no order.
    pub fn people(&self) -> impl ExactSizeIterator<Item = (PersonKey, &Extension)> {
        self.people.iter().map(|(key, user)| (*key, &user.extension))
    }

    /// How far the mirror of the directory server has come; `None` before the first time.
    pub fn mirror(&self) -> Option<&Arc<MirrorState>> {
        self.mirror.as_ref()
    }

    /// The teams as the directory server's groups describe them.
    pub fn teams(&self) -> &Arc<Teams> {
        &self.teams
    }

    /// Whether this identity (a MAC address or an extension) was ours once.
    pub fn is_retired(&self, identity: &str) -> bool {
        self.retired.contains(identity)
    }

    /// What is wanted and not yet so, in the order of kind and target.
    pub fn wanted(&self) -> impl Iterator<Item = &Arc<Wanted>> {
        self.wanted.values()
    }

    /// What is wanted of this kind of this target and not yet so.
    pub fn wanted_of(&self, kind: WantedKind, target: &str) -> Option<&Arc<Wanted>> {
        self.wanted.get(&(kind, target.to_owned()))
    }

    /// The names of a kind that are, or were, ours at a FreeSWITCH.
    pub fn made(&self, kind: MadeKind) -> impl Iterator<Item = &str> {
        let names = self.made.keys().filter(move |(known, _)| *known == kind);
        names.map(|(_, name)| name.as_str())
    }

    /// Whether this is ours at a node, and of a queue, with what it was last loaded there.
    pub fn made_at(&self, node: &str, kind: MadeKind, name: &str) -> Option<Option<&str>> {
        let nodes = self.made.get(&(kind, name.to_owned()))?;
        nodes.get(node).map(Option::as_deref)
    }

    /// How a phone is known at the phones' listener.
    pub fn enrolment(&self, phone: Mac) -> Option<&Arc<Enrolment>> {
        self.provisioning.enrolments.get(&phone)
    }

    /// The phone whose URL has, or had lately, this key. Its enrolment says whether the key is good.
    pub fn phone_of_key(&self, key: &str) -> Option<Mac> {
        self.provisioning.keys.get(&key_digest(key)).copied()
    }

    /// What a phone was last given of what depends on people.
    pub fn shown(&self, phone: Mac) -> Option<&Shown> {
        self.provisioning.shown.get(&phone)
    }

    /// What redirection services were told of this phone, which may have left the inventory since.
    pub fn redirections_of(&self, phone: Mac) -> &[Redirection] {
        self.redirections.get(&phone).map_or(&[], Vec::as_slice)
    }

    /// What redirection services were told, in the order of the phones.
    pub fn redirections(&self) -> impl Iterator<Item = &Redirection> {
        self.redirections.values().flatten()
    }

    /// What a phone did at the phones' listener so far.
    pub fn contact(&self, phone: Mac) -> Option<&PhoneContact> {
        self.provisioning.contacts.get(&phone)
    }

    /// Where a phone is registered, or was.
    pub fn registration(&self, phone: Mac) -> Option<&PhoneRegistration> {
        self.provisioning.registrations.get(&phone)
    }

    /// Whether the store has this file of a user's own.
    pub fn has_personal_file(&self, user: &Extension, name: &str) -> bool {
        self.provisioning.personal.get(user).is_some_and(|names| names.contains(name))
    }

    /// Grows when something changes that this phone's own files depend on: the phone, its enrolment, who
    /// sits there.
    pub fn phone_revision(&self, phone: Mac) -> u64 {
        self.provisioning.revisions.get(&phone).copied().unwrap_or_default()
    }

    /// Grows when a user, a desk extension or a mirrored team changes: what phone books and queues depend on.
    pub fn people_revision(&self) -> u64 {
        self.provisioning.people
    }

    /// Who served this caller the last time, and when.
    pub fn last_agent(&self, caller: &str) -> Option<(&Extension, Timestamp)> {
        self.last_agents.get(caller).map(|(agent, at)| (agent, *at))
    }

    /// When a phone last made an emergency call.
    pub fn last_emergency(&self, phone: Mac) -> Option<Timestamp> {
        self.emergencies.get(&phone).copied()
    }

    pub(super) fn retire(&mut self, identity: String) {
        self.retired.insert(identity);
    }

    pub(super) fn apply(&mut self, effect: Effect) {
        self.revise(&effect);
        match effect {
            Effect::PhoneSaved(phone) => self.save_phone(phone),
            Effect::PhoneRemoved(mac) => {
                for kind in WantedKind::ALL {
                    self.wanted.remove(&(kind, mac.to_string()));
                }
                if let Some(phone) = self.phones.remove(&mac) {
                    self.retired.insert(mac.to_string());
                    self.drop_desk_extension(&phone);
                    self.drop_handsets(&phone);
                }
                self.provisioning.forget(mac);
            }
            Effect::UserSaved(user) => {
                self.forget_indexes(&user.extension);
                self.retired.remove(user.extension.as_str());
                if let Some(person) = user.person {
                    self.people.insert(person, user.clone());
                }
                for group in &user.groups {
                    self.groups.entry(group.clone()).or_default().insert(user.extension.clone());
                }
                self.users.insert(user.extension.clone(), user);
            }
            Effect::UserRemoved(extension) => {
                self.forget_indexes(&extension);
                self.retired.insert(extension.to_string());
                self.users.remove(&extension);
                self.provisioning.personal.remove(&extension);
            }
            Effect::SessionBegan(session) => {
                self.end_session(session.phone);
                let seats = self.seats.entry(session.user.clone()).or_default();
                seats.push(session.phone);
                self.sessions.insert(session.phone, session);
            }
            Effect::SessionEnded(phone) => self.end_session(phone),
            Effect::Wanted(wanted) => {
                self.wanted.insert((wanted.kind, wanted.target.clone()), Arc::new(wanted));
            }
            Effect::Attempted(kind, target, attempts) => {
                if let Some(wanted) = self.wanted.get_mut(&(kind, target)) {
                    Arc::make_mut(wanted).attempts = attempts;
                }
            }
            Effect::Settled(kind, target) => {
                self.wanted.remove(&(kind, target));
            }
            Effect::Made(Made { node, kind, name, definition }) => {
                self.made.entry((kind, name)).or_default().insert(node, definition);
            }
            Effect::Unmade(node, kind, name) => {
                let key = (kind, name);
                if let Some(nodes) = self.made.get_mut(&key) {
                    nodes.remove(&node);
                    if nodes.is_empty() {
                        self.made.remove(&key);
                    }
                }
            }
            Effect::EnrolmentSaved(enrolment) => self.provisioning.save(enrolment),
            Effect::Shown(phone, shown) => {
                self.provisioning.shown.insert(phone, shown);
            }
            Effect::Contacted(phone, contact) => {
                self.provisioning.contacts.insert(phone, contact);
            }
            Effect::Registered(phone, registration) => {
                self.provisioning.registrations.insert(phone, registration);
            }
            Effect::PersonalFileKept(user, name) => {
                self.provisioning.personal.entry(user).or_default().insert(name);
            }
            Effect::PersonalFilesMoved(from, to) => {
                if let Some(names) = self.provisioning.personal.remove(&from) {
                    self.provisioning.personal.insert(to, names);
                }
            }
            Effect::Redirected(row) => {
                let rows = self.redirections.entry(row.phone).or_default();
                rows.retain(|other| other.service != row.service);
                rows.push(row);
            }
            Effect::RedirectionForgotten(phone, service) => {
                if let Some(rows) = self.redirections.get_mut(&phone) {
                    rows.retain(|row| row.service != service);
                    if rows.is_empty() {
                        self.redirections.remove(&phone);
                    }
                }
            }
            Effect::Mirrored(state) => self.mirror = Some(state),
            Effect::TeamsMirrored(teams) => {
                self.teams =
                    Arc::new(teams.into_iter().map(|team| (team.id.clone(), team)).collect());
            }
            Effect::EmergencyCalled(phone, at) => {
                let last = self.emergencies.entry(phone).or_insert(at);
                *last = (*last).max(at);
            }
            Effect::EmergenciesForgotten(before) => {
                self.emergencies.retain(|_, at| *at >= before);
            }
            Effect::Served(caller, agent, at) => {
                self.last_agents.insert(caller, (agent, at));
            }
            Effect::ServedBefore(oldest) => self.last_agents.retain(|_, (_, at)| *at >= oldest),
        }
    }

    /// Notes whose files an effect changes, before it is applied.
    fn revise(&mut self, effect: &Effect) {
        match effect {
            Effect::PhoneSaved(phone) => {
                let extension = |phone: &Phone| phone.desk_extension.clone();
                let old = self.phones.get(&phone.mac).and_then(|old| extension(old));
                if old != extension(phone) {
                    self.provisioning.people += 1;
                }
                self.provisioning.revise(phone.mac);
            }
            Effect::PhoneRemoved(mac) | Effect::SessionEnded(mac) => self.provisioning.revise(*mac),
            Effect::SessionBegan(session) => self.provisioning.revise(session.phone),
            // That a phone came, or by when it may come, stands in no file.
            Effect::EnrolmentSaved(enrolment) if !self.provisioning.has_key(enrolment) => {
                self.provisioning.revise(enrolment.phone);
            }
            Effect::EnrolmentSaved(_) => {}
            Effect::UserSaved(user) => {
                self.provisioning.people += 1;
                let seats = self.seats.get(&user.extension).into_iter().flatten().copied();
                let handsets = self.handsets.get(&user.extension).into_iter().flatten();
                for phone in seats.chain(handsets.map(|handset| handset.phone)) {
                    self.provisioning.revise(phone);
                }
            }
            // Queues depend on them as on people.
            Effect::UserRemoved(_) | Effect::TeamsMirrored(_) => self.provisioning.people += 1,
            Effect::Wanted(_)
            | Effect::Attempted(..)
            | Effect::Settled(..)
            | Effect::Made(_)
            | Effect::Unmade(..)
            | Effect::Shown(..)
            | Effect::Contacted(..)
            | Effect::Registered(..)
            | Effect::PersonalFileKept(..)
            | Effect::PersonalFilesMoved(..)
            | Effect::Redirected(_)
            | Effect::RedirectionForgotten(..)
            | Effect::Mirrored(_)
            | Effect::Served(..)
            | Effect::ServedBefore(_)
            | Effect::EmergencyCalled(..)
            | Effect::EmergenciesForgotten(_) => {}
        }
    }

    fn save_phone(&mut self, phone: Arc<Phone>) {
        if let Some(old) = self.phones.get(&phone.mac).cloned() {
            self.drop_desk_extension(&old);
            self.drop_handsets(&old);
        }
        for (number, handset) in phone.numbered_handsets() {
            let Some(user) = &handset.user else { continue };
            let handsets = self.handsets.entry(user.clone()).or_default();
            handsets.push(SipIdentity::of_handset(phone.mac, number));
            handsets.sort();
        }
        self.retired.remove(&phone.mac.to_string());
        if let Some(extension) = &phone.desk_extension {
            self.retired.remove(extension.as_str());
            self.desk_extensions.insert(extension.clone(), phone.mac);
        }
        self.phones.insert(phone.mac, phone);
    }

    fn drop_desk_extension(&mut self, phone: &Phone) {
        if let Some(extension) = &phone.desk_extension {
            self.desk_extensions.remove(extension);
            self.retired.insert(extension.to_string());
        }
    }

    fn drop_handsets(&mut self, base: &Phone) {
        for user in base.handsets.iter().filter_map(|handset| handset.user.as_ref()) {
            if let Some(handsets) = self.handsets.get_mut(user) {
                handsets.retain(|handset| handset.phone != base.mac);
                if handsets.is_empty() {
                    self.handsets.remove(user);
                }
            }
        }
    }

    /// Takes a user as known so far out of what is looked up by something else than the extension.
    fn forget_indexes(&mut self, extension: &Extension) {
        let Some(user) = self.users.get(extension) else { return };
        for group in &user.groups {
            if let Some(members) = self.groups.get_mut(group) {
                members.remove(extension);
                if members.is_empty() {
                    self.groups.remove(group);
                }
            }
        }
        // Who has another number by now is to be found by that.
        if let Some(person) = user.person
            && self.people.get(&person).is_some_and(|now| now.extension == *extension)
        {
            self.people.remove(&person);
        }
    }

    fn end_session(&mut self, phone: Mac) {
        let Some(session) = self.sessions.remove(&phone) else {
            return;
        };
        if let Some(seats) = self.seats.get_mut(&session.user) {
            seats.retain(|mac| *mac != phone);
            if seats.is_empty() {
                self.seats.remove(&session.user);
            }
        }
    }
}

/// What the phones' listener needs to know.
#[derive(Debug, Default)]
struct Provisioned {
    enrolments: HashMap<Mac, Arc<Enrolment>>,
    /// By digest, so that the time of a look-up tells nothing of a key.
    keys: HashMap<[u8; 32], Mac>,
    shown: HashMap<Mac, Shown>,
    contacts: HashMap<Mac, PhoneContact>,
    registrations: HashMap<Mac, PhoneRegistration>,
    personal: HashMap<Extension, BTreeSet<String>>,
    revisions: HashMap<Mac, u64>,
    revision: u64,
    people: u64,
}

impl Provisioned {
    fn revise(&mut self, phone: Mac) {
        self.revision += 1;
        self.revisions.insert(phone, self.revision);
    }

    /// Whether the phone's own URL is the same already.
    fn has_key(&self, enrolment: &Enrolment) -> bool {
        let old = self.enrolments.get(&enrolment.phone);
        old.is_some_and(|old| old.key.expose_secret() == enrolment.key.expose_secret())
    }

    fn save(&mut self, enrolment: Arc<Enrolment>) {
        self.drop_keys(enrolment.phone);
        for digest in digests(&enrolment) {
            self.keys.insert(digest, enrolment.phone);
        }
        self.enrolments.insert(enrolment.phone, enrolment);
    }

    fn forget(&mut self, phone: Mac) {
        self.drop_keys(phone);
        self.enrolments.remove(&phone);
        self.shown.remove(&phone);
        self.contacts.remove(&phone);
        self.registrations.remove(&phone);
        self.revisions.remove(&phone);
    }

    fn drop_keys(&mut self, phone: Mac) {
        if let Some(old) = self.enrolments.get(&phone) {
            for digest in digests(old) {
                self.keys.remove(&digest);
            }
        }
    }
}

fn digests(enrolment: &Enrolment) -> impl Iterator<Item = [u8; 32]> {
    let old = enrolment.old_key.as_ref().map(|(key, _)| key);
    let keys = [Some(&enrolment.key), old].into_iter().flatten();
    keys.map(|key| key_digest(key.expose_secret()))
}

fn key_digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
