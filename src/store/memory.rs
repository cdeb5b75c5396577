//! The store in memory: what FreeSWITCH's questions are answered from.
//!
//! Changed only by committed writes, in their order.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::model::{DeskSession, Extension, GroupName, Mac, Phone, User, Wanted, WantedKind};

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
    Settled(WantedKind, String),
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
    groups: BTreeMap<GroupName, BTreeSet<Extension>>,
    retired: HashSet<String>,
    wanted: BTreeMap<(WantedKind, String), Wanted>,
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

    /// The phone that an extension rings itself.
    pub fn desk_extension(&self, extension: &Extension) -> Option<Mac> {
        self.desk_extensions.get(extension).copied()
    }

    /// The users in a call group, in the order of their extensions.
    pub fn group(&self, name: &GroupName) -> Option<&BTreeSet<Extension>> {
        self.groups.get(name)
    }

    /// Whether this identity (a MAC address or an extension) was ours once.
    pub fn is_retired(&self, identity: &str) -> bool {
        self.retired.contains(identity)
    }

    /// What is wanted and not yet so, in the order of kind and target.
    pub fn wanted(&self) -> impl Iterator<Item = &Wanted> {
        self.wanted.values()
    }

    pub(super) fn retire(&mut self, identity: String) {
        self.retired.insert(identity);
    }

    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::PhoneSaved(phone) => self.save_phone(phone),
            Effect::PhoneRemoved(mac) => {
                if let Some(phone) = self.phones.remove(&mac) {
                    self.retired.insert(mac.to_string());
                    self.drop_desk_extension(&phone);
                }
            }
            Effect::UserSaved(user) => {
                self.leave_groups(&user.extension);
                self.retired.remove(user.extension.as_str());
                for group in &user.groups {
                    self.groups.entry(group.clone()).or_default().insert(user.extension.clone());
                }
                self.users.insert(user.extension.clone(), user);
            }
            Effect::UserRemoved(extension) => {
                self.leave_groups(&extension);
                self.retired.insert(extension.to_string());
                self.users.remove(&extension);
            }
            Effect::SessionBegan(session) => {
                self.end_session(session.phone);
                let seats = self.seats.entry(session.user.clone()).or_default();
                seats.push(session.phone);
                self.sessions.insert(session.phone, session);
            }
            Effect::SessionEnded(phone) => self.end_session(phone),
            Effect::Wanted(wanted) => {
                self.wanted.insert((wanted.kind, wanted.target.clone()), wanted);
            }
            Effect::Settled(kind, target) => {
                self.wanted.remove(&(kind, target));
            }
        }
    }

    fn save_phone(&mut self, phone: Arc<Phone>) {
        if let Some(old) = self.phones.get(&phone.mac).cloned() {
            self.drop_desk_extension(&old);
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

    fn leave_groups(&mut self, extension: &Extension) {
        self.groups.retain(|_, members| {
            members.remove(extension);
            !members.is_empty()
        });
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
