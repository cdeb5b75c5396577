//! Yealink desk phones.
//!
//! A file begins with its version line, or it is none; one that is as it was the last time (MD5) does
//! nothing. What is not mentioned stays as it is, and so does what is mentioned without a value:
//! `%NULL%` takes a value away. Since version 81 the names of what belongs to the device begin with
//! `static.`, and the phone asks for its boot file first.
//!
//! Not in the facts and chosen here: a new server counts from the next time on; what somebody adds to
//! the phone book stays in the phone; of `auto_provision.repeat` only that a phone comes back after a
//! minute is played, and without the minute.

mod chain;
mod show;

use std::collections::BTreeMap;

use super::Error;
use super::report::Contact;
use super::settings::DeviceSettings;
use super::software::{Action, Change};

/// The call list and the phone book are no longer.
const MAX_ENTRIES: usize = 1000;
/// No file sets more parameters.
const MAX_PARAMETERS: usize = 20_000;
/// What every file begins with.
const HEADER: &str = "#!version:1.0.0.1";

/// The software of a Yealink phone with all that is in its flash.
#[derive(Clone)]
pub(super) struct Yealink {
    /// `805ec0aabbcc`.
    mac: String,
    /// `T54W`.
    model: String,
    /// `96.86.0.100`: the first number is the model's, the second the generation's.
    firmware: String,
    parameters: BTreeMap<String, String>,
    /// MD5 of the files as they were read last, by name.
    read: BTreeMap<String, [u8; 16]>,
    /// The remote phone book.
    book: Vec<Contact>,
    /// What somebody added at the phone.
    own_book: Vec<Contact>,
    /// Numbers dialled, the latest first.
    calls: Vec<String>,
}

impl Yealink {
    /// A phone that knows nothing.
    pub(super) fn factory(settings: &DeviceSettings) -> Result<Self, Error> {
        let model = settings.model.clone();
        let named = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if model.is_empty() || !model.bytes().all(named) {
            return Err(Error::Model);
        }
        Ok(Self {
            mac: settings.mac.to_string(),
            model,
            firmware: settings.firmware.clone(),
            parameters: BTreeMap::new(),
            read: BTreeMap::new(),
            book: Vec::new(),
            own_book: Vec::new(),
            calls: Vec::new(),
        })
    }

    /// The number of the firmware's generation: 72, 81, 86.
    fn generation(&self) -> u32 {
        self.firmware.split('.').nth(1).and_then(|part| part.parse().ok()).unwrap_or_default()
    }

    /// `sip.notify_reboot_enable`: 0 restarts if the event says so, 1 (as it left the factory) always, 2
    /// never hears.
    pub(super) fn heard(&self, event: &str) -> Action {
        let mut words = event.split(';').map(str::trim);
        if words.next() != Some("check-sync") {
            return Action::Ignore;
        }
        match self.parameter("sip.notify_reboot_enable") {
            Some("2") => Action::Ignore,
            Some("0") if !words.any(|word| word == "reboot=true") => Action::Reload,
            _ => Action::Reboot,
        }
    }

    /// A parameter that has a value.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// A parameter of the device: with `static.` before it since version 81, and without before.
    fn of_device(&self, name: &str) -> Option<&str> {
        if self.generation() >= 81 {
            self.parameter(&format!("static.{name}"))
        } else {
            self.parameter(name)
        }
    }

    /// What a person does.
    pub(super) fn change(&mut self, change: Change) -> bool {
        match change {
            Change::Setting(name, _, value) | Change::Overwrite(name, _, value) => {
                self.store(name, value)
            }
            Change::Dnd(on) => {
                self.store("features.dnd.enable".into(), if on { "1" } else { "0" }.into());
            }
            Change::Forwarding(to) => {
                let enabled = if to.is_some() { "1" } else { "0" };
                self.store("forward.always.enable".into(), enabled.into());
                self.store("forward.always.target".into(), to.unwrap_or_default());
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

    /// A value as somebody sets it.
    fn store(&mut self, name: String, value: String) {
        if value.is_empty() {
            self.parameters.remove(&name);
        } else if self.parameters.len() < MAX_PARAMETERS {
            self.parameters.insert(name, value);
        }
    }

    /// Whether parameters or phone book are others.
    pub(super) fn differs(&self, before: &Self) -> bool {
        self.parameters != before.parameters || self.book != before.book
    }

    /// `User-Agent` of its requests: the MAC address with colons, newer Android phones without.
    fn http_agent(&self) -> String {
        let pairs: Vec<&str> =
            (0..self.mac.len()).step_by(2).filter_map(|at| self.mac.get(at..at + 2)).collect();
        let mac = pairs.join(":");
        format!("{} {mac}", self.sip_agent())
    }

    /// `User-Agent` of its SIP messages.
    pub(super) fn sip_agent(&self) -> String {
        format!("Yealink SIP-{} {}", self.model, self.firmware)
    }
}
