//! Grandstream desk phones.
//!
//! A file for another MAC address is refused, one that is as it was the last time does nothing, and what is
//! not mentioned stays as it is. Settings have numbers (`P47`); newer models know names besides, in files
//! that say so.
//!
//! Not in the facts and chosen here: a phone that is sent to another server starts anew; do-not-disturb and
//! forwarding are the phone's own and no file ends them; the phone book is `phonebook.xml` at its path.

mod chain;
mod show;

use std::collections::BTreeMap;

use super::Error;
use super::report::Contact;
use super::settings::DeviceSettings;
use super::software::{Action, Change};

/// The call list and the phone book are no longer.
const MAX_ENTRIES: usize = 1000;
/// No file sets more.
const MAX_SETTINGS: usize = 20_000;

/// The software of a Grandstream phone with all that is in its flash.
#[derive(Clone)]
pub(super) struct Grandstream {
    /// `000b82aabbcc`.
    mac: String,
    /// `GXP2135`.
    model: String,
    firmware: String,
    /// By number, where there is one; by name else.
    settings: BTreeMap<String, String>,
    /// MD5 of the file that was read last.
    read: Option<[u8; 16]>,
    /// What was downloaded.
    book: Vec<Contact>,
    /// What somebody added at the phone.
    own_book: Vec<Contact>,
    /// Numbers dialled, the latest first.
    calls: Vec<String>,
    dnd: bool,
    forwarding: Option<String>,
}

/// Numbers of settings, and the names that newer models have for them; words in place of numbers besides.
const NAMES: [(&str, &str); 23] = [
    ("P212", "provisioning.config.protocol"),
    ("P237", "provisioning.config.serverPath"),
    ("P1360", "provisioning.config.username"),
    ("P1361", "provisioning.config.password"),
    ("P145", "provisioning.override.dhcp.allowCommonOptions"),
    ("P1414", "provisioning.3cxAutoProvision"),
    ("P271", "account.1.enable"),
    ("P270", "account.1.name"),
    ("P47", "account.1.sip.server.1.address"),
    ("P48", "account.1.sip.outboundProxy.1.address"),
    ("P35", "account.1.sip.userid"),
    ("P36", "account.1.sip.subscriber.userid"),
    ("P34", "account.1.sip.subscriber.password"),
    ("P3", "account.1.sip.subscriber.name"),
    ("P33", "account.1.sip.voicemail.number"),
    ("P32", "account.1.sip.registerExpiration"),
    ("P130", "account.1.sip.transport"),
    ("P191", "account.1.featureCodes.callFeatures"),
    ("P330", "phonebook.download.mode"),
    ("P331", "phonebook.download.server"),
    ("P333", "phonebook.download.removeEditedEntries"),
    ("P1362", "language.gui"),
    ("P30", "dateTime.ntp.server.1"),
];

impl Grandstream {
    /// A phone that knows nothing.
    pub(super) fn factory(settings: &DeviceSettings) -> Result<Self, Error> {
        let model = settings.model.clone();
        if !model.starts_with('G') || !model.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Error::Model);
        }
        Ok(Self {
            mac: settings.mac.to_string(),
            model,
            firmware: settings.firmware.clone(),
            settings: BTreeMap::new(),
            read: None,
            book: Vec::new(),
            own_book: Vec::new(),
            calls: Vec::new(),
            dnd: false,
            forwarding: None,
        })
    }

    /// Whether settings can have names.
    fn knows_names(&self) -> bool {
        self.model.starts_with("GRP")
            || matches!(
                self.model.as_str(),
                "GXP2130" | "GXP2135" | "GXP2140" | "GXP2160" | "GXP2170"
            )
    }

    /// `resync` fetches, `check-sync;reboot=true` restarts. It asks for the account's password first, until
    /// it is told not to, and nobody who sends the NOTIFY has it.
    pub(super) fn heard(&self, event: &str) -> Action {
        let open = self.setting("P4428") == Some("1")
            || self.setting("sip.notify.challenge") == Some("No");
        let mut words = event.split(';').map(str::trim);
        match (words.next(), words.any(|word| word == "reboot=true")) {
            _ if !open => Action::Ignore,
            (Some("resync"), _) => Action::Reload,
            (Some("check-sync"), true) => Action::Reboot,
            _ => Action::Ignore,
        }
    }

    /// A setting that has a value, by its number or its name.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        let name = NAMES.iter().find(|(_, is)| *is == name).map_or(name, |(number, _)| number);
        self.settings.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a setting is on; as it left the factory where no file said.
    fn is_on(&self, name: &str, factory: bool) -> bool {
        self.setting(name).map_or(factory, |value| !matches!(value, "0" | "No" | "Disabled"))
    }

    /// Keeps a value; false when the phone knows no such setting.
    fn store(&mut self, name: &str, value: &str) {
        let name = NAMES.iter().find(|(_, is)| *is == name).map_or(name, |(number, _)| number);
        if self.settings.len() < MAX_SETTINGS {
            self.settings.insert(name.to_owned(), value.to_owned());
        }
    }

    /// What a person does; false when the phone does not let the person.
    pub(super) fn change(&mut self, change: Change) -> bool {
        match change {
            Change::Setting(name, _, value) | Change::Overwrite(name, _, value) => {
                self.store(&name, &value)
            }
            Change::Dnd(on) => {
                if self.setting("P1340") == Some("1") || !self.is_on("call.dnd.enable", true) {
                    return false;
                }
                self.dnd = on;
            }
            Change::Forwarding(to) => {
                if !self.is_on("P191", true) {
                    return false;
                }
                self.forwarding = to;
            }
            Change::Dialled(number) => {
                self.calls.insert(0, number);
                self.calls.truncate(MAX_ENTRIES);
            }
            Change::Contact(contact) => {
                if self.own_book.len() >= MAX_ENTRIES {
                    return false;
                }
                self.own_book.push(contact);
            }
        }
        true
    }

    /// Whether settings or phone book are others.
    pub(super) fn differs(&self, before: &Self) -> bool {
        self.settings != before.settings
            || self.book != before.book
            || self.own_book != before.own_book
    }

    /// `User-Agent` of its requests.
    fn http_agent(&self) -> String {
        format!("Grandstream Model HW {} SW {} DevId {}", self.model, self.firmware, self.mac)
    }

    /// `User-Agent` of its SIP messages.
    pub(super) fn sip_agent(&self) -> String {
        format!("Grandstream {} {}", self.model, self.firmware)
    }
}
