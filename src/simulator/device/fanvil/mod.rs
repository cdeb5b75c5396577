//! Fanvil desk phones.
//!
//! A file whose version is not higher than the running one is ignored; what is not mentioned stays as it
//! is. Older models read `<VOIP_CONFIG_FILE>`, newer ones `<sysConf>`.
//!
//! Not in the facts and chosen here: no model reads the other's form; a phone that is sent to another server
//! starts anew; a phone asks for the file of its model before its own, unless told not to.

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

/// The software of a Fanvil phone with all that is in its flash.
#[derive(Clone)]
pub(super) struct Fanvil {
    /// `0c383eaabbcc`.
    mac: String,
    /// `X4U`.
    model: String,
    firmware: String,
    /// By the way to them: `sip.line.1.PhoneNumber`; on older models `SIP1.Phone_Number`.
    settings: BTreeMap<String, String>,
    /// The version of the file that was read last.
    running: Vec<u32>,
    /// The remote phone book.
    book: Vec<Contact>,
    /// What somebody added at the phone.
    own_book: Vec<Contact>,
    /// Numbers dialled, the latest first.
    calls: Vec<String>,
}

impl Fanvil {
    /// A phone that knows nothing.
    pub(super) fn factory(settings: &DeviceSettings) -> Result<Self, Error> {
        let model = settings.model.clone();
        let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-');
        if !model.starts_with(['X', 'V', 'C']) || !model.bytes().all(named) {
            return Err(Error::Model);
        }
        Ok(Self {
            mac: settings.mac.to_string(),
            model,
            firmware: settings.firmware.clone(),
            settings: BTreeMap::new(),
            running: Vec::new(),
            book: Vec::new(),
            own_book: Vec::new(),
            calls: Vec::new(),
        })
    }

    /// Whether the phone reads `<sysConf>`.
    fn is_new(&self) -> bool {
        let name = self.model.split([' ', '-']).next().unwrap_or_default();
        name.starts_with('V')
            || name.starts_with("X7")
            || name.starts_with("X210")
            || name.ends_with('U')
    }

    /// `check-sync` fetches; that `reboot=true` as the whole event restarts was seen in one place only.
    pub(super) fn heard(&self, event: &str) -> Action {
        match event.trim() {
            "reboot=true" => Action::Reboot,
            event if event.split(';').next() == Some("check-sync") => Action::Reload,
            _ => Action::Ignore,
        }
    }

    /// A setting that has a value, by the way to it.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The setting of newer models, or the one of older ones.
    fn either(&self, new: &str, old: &str) -> Option<&str> {
        self.setting(if self.is_new() { new } else { old })
    }

    /// Keeps a value.
    fn store(&mut self, name: &str, value: &str) {
        if self.settings.len() < MAX_SETTINGS {
            self.settings.insert(name.to_owned(), value.to_owned());
        }
    }

    /// What a person does.
    pub(super) fn change(&mut self, change: Change) -> bool {
        let [dnd, forwards, target] = if self.is_new() {
            ["call.port.1.DNDMode", "sip.line.1.AlwaysFWD", "sip.line.1.AlwaysFWDNum"]
        } else {
            ["TELE_CONFIG_MODULE.DND_Mode", "SIP1.Always_FWD", "SIP1.Always_FWD_Num"]
        };
        match change {
            Change::Setting(name, _, value) | Change::Overwrite(name, _, value) => {
                self.store(&name, &value)
            }
            Change::Dnd(on) => self.store(dnd, if on { "1" } else { "0" }),
            Change::Forwarding(to) => {
                self.store(forwards, if to.is_some() { "1" } else { "0" });
                self.store(target, &to.unwrap_or_default());
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
        self.settings != before.settings || self.book != before.book
    }

    /// `User-Agent` of its requests.
    fn http_agent(&self) -> String {
        format!("{} {}", self.sip_agent(), self.mac)
    }

    /// `User-Agent` of its SIP messages.
    pub(super) fn sip_agent(&self) -> String {
        format!("Fanvil {} {}", self.model, self.firmware)
    }
}
