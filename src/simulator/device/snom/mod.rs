//! Snom desk phones.
//!
//! What is not mentioned in a file stays as it is: settings, keys and phone book live in flash.
//! Not played: settings as text (before 7.1.8), DECT bases, TR-069.

mod chain;
mod pages;
mod settings;
mod show;

use std::collections::BTreeMap;

use super::Error;
use super::settings::{DeviceSettings, version};
use super::software::{Action, Change};
use settings::{BookEntry, FunctionKey, Setting};

/// Where every phone asks until it is told another server.
const FACTORY_SERVER: &str = "https://secure-provisioning.snom.com";
/// What `provisioning_order` is until it is set.
const FACTORY_ORDER: &str = "redirection:stop pnp:stop dhcp:stop tr69:stop";
/// The call list is no longer.
const MAX_CALLS: usize = 100;
/// The system log is no longer.
const MAX_LOG: usize = 200;

/// The software of a Snom phone with all that is in its flash.
#[derive(Clone)]
pub(super) struct Snom {
    /// `D785`.
    model: String,
    firmware: String,
    /// By name and account; 0 for the whole phone.
    settings: BTreeMap<(String, u8), Setting>,
    /// By `idx`, from 0.
    keys: BTreeMap<u16, FunctionKey>,
    book: Vec<BookEntry>,
    /// Numbers dialled, the latest first. No file clears them.
    calls: Vec<String>,
    /// The system log, the newest last.
    log: Vec<String>,
    /// A setting was read that works only after a reboot, and `auto_reboot_on_setting_change` is on.
    reboot_due: bool,
}

impl Snom {
    /// A phone that knows nothing.
    pub(super) fn factory(settings: &DeviceSettings) -> Result<Self, Error> {
        let model = settings.model.trim_start_matches("snom").to_owned();
        if model.is_empty() || !model.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Error::Model);
        }
        Ok(Self {
            model,
            firmware: settings.firmware.clone(),
            settings: BTreeMap::new(),
            keys: BTreeMap::new(),
            book: Vec::new(),
            calls: Vec::new(),
            log: Vec::new(),
            reboot_due: false,
        })
    }

    /// A line of the system log.
    pub(super) fn note(&mut self, line: String) {
        self.log.push(line);
        let old = self.log.len().saturating_sub(MAX_LOG);
        self.log.drain(..old);
    }

    /// `snomD785`: its DHCP class, its file name, `{phone_type}`.
    fn phone_type(&self) -> String {
        format!("snom{}", self.model)
    }

    /// What `Event: check-sync…` makes it do.
    pub(super) fn heard(&self, event: &str) -> Action {
        let mut words = event.split(';').map(str::trim);
        let reboot = match words.next() {
            Some("check-sync") => words.any(|word| word == "reboot=true"),
            Some("reboot") => true,
            _ => return Action::Ignore,
        };
        // The default is not known; the worse one makes a server say it.
        if self.phone_setting("challenge_checksync") != Some("off") {
            return Action::Ignore;
        }
        let old = version(&self.firmware) < version("8");
        if reboot && old && self.phone_setting("challenge_reboot") != Some("off") {
            return Action::Ignore;
        }
        let action = self
            .phone_setting("checksync_action")
            .filter(|_| version(&self.firmware) >= version("10.1.180"));
        match action {
            Some("reboot") => Action::Reboot,
            Some("factory-reset") => Action::ForgetAll,
            Some("reregister") => Action::Reregister,
            Some("delete-contacts") => Action::ForgetContacts,
            Some("sync") => Action::Reload,
            _ if reboot => Action::Reboot,
            _ => Action::Reload,
        }
    }

    /// `checksync_action` can ask for it.
    pub(super) fn forget_contacts(&mut self) {
        self.book.clear();
    }

    /// False when the setting is read-only.
    pub(super) fn change(&mut self, change: Change) -> bool {
        match change {
            Change::Setting(name, index, value) => self.change_setting(&name, index, value),
            Change::Overwrite(name, index, value) => {
                self.overwrite_setting(&name, index, value);
                true
            }
            Change::Dnd(on) => {
                self.change_setting("dnd_mode", 1, if on { "on" } else { "off" }.to_owned())
            }
            Change::Forwarding(to) => self.forward(to),
            Change::Dialled(number) => {
                self.calls.insert(0, number);
                self.calls.truncate(MAX_CALLS);
                true
            }
            Change::Contact(contact) => {
                let entry = BookEntry { index: None, name: contact.name, number: contact.number };
                let room = self.book.len() < self.book_limit();
                if room {
                    self.book.push(entry);
                }
                room
            }
        }
    }

    /// Firmware from 8 on has `fwd_all_…` for each account, older `redirect_…` for the phone.
    fn forward(&mut self, to: Option<String>) -> bool {
        let old = version(&self.firmware) < version("8");
        let (switch, target, index) = if old {
            ("redirect_event", "redirect_number", 0)
        } else {
            ("fwd_all_enabled", "fwd_all_target", 1)
        };
        let value = match (to.is_some(), old) {
            (true, true) => "all",
            (false, true) => "none",
            (true, false) => "on",
            (false, false) => "off",
        };
        self.change_setting(target, index, to.unwrap_or_default())
            && self.change_setting(switch, index, value.to_owned())
    }

    /// Entries that the phone book has room for.
    fn book_limit(&self) -> usize {
        match self.model.as_str() {
            "300" | "320" | "360" => 100,
            "370" => 250,
            _ => 10_000,
        }
    }

    /// Whether settings, keys or phone book are others.
    pub(super) fn differs(&self, before: &Self) -> bool {
        self.settings != before.settings
            || self.keys != before.keys
            || self.book != before.book
            || self.firmware != before.firmware
    }
}
