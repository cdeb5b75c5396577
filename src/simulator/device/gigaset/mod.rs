//! Gigaset's DECT bases: N510 and N720, and N530 to N870 ("Nx70").
//!
//! What a file does not mention stays in flash. Not in the facts and chosen here: what DHCP says (options
//! 114 and 66) comes before the server in flash at every start and at every check-sync, and when it gives
//! no file the one in flash is asked; a file that names another server is followed at once; only the first
//! handset registers.

mod chain;
mod file;
mod show;

use std::collections::BTreeMap;

use super::Error;
use super::report::Contact;
use super::settings::DeviceSettings;
use super::software::{Action, Change};

/// The call list is no longer.
const MAX_CALLS: usize = 20;

/// The software of a base with all that is in its flash.
#[derive(Clone)]
pub(super) struct Gigaset {
    family: Family,
    /// `7C2F80AABBCC`.
    mac: String,
    firmware: String,
    /// By name; `[0]` and `[%]` at its end are left out.
    values: BTreeMap<String, String>,
    /// Numbers of the handsets of an Nx70.
    handsets: Vec<String>,
    book: Vec<Contact>,
    /// Numbers dialled at the first handset, the latest first.
    calls: Vec<String>,
}

/// Bases that read the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    N510,
    N720,
    Nx70,
}

impl Gigaset {
    /// A base that knows nothing.
    pub(super) fn factory(settings: &DeviceSettings) -> Result<Self, Error> {
        let family = match settings.model.as_str() {
            "N510" => Family::N510,
            "N720" => Family::N720,
            "N530" | "N610" | "N670" | "N770" | "N870" => Family::Nx70,
            _ => return Err(Error::Model),
        };
        Ok(Self {
            family,
            mac: settings.mac.to_string().to_uppercase(),
            firmware: settings.firmware.clone(),
            values: BTreeMap::new(),
            handsets: Vec::new(),
            book: Vec::new(),
            calls: Vec::new(),
        })
    }

    /// A check-sync reaches a registered handset. It restarts newer bases where that is switched on, and
    /// no other.
    pub(super) fn heard(&self, event: &str) -> Action {
        let mut words = event.split(';').map(str::trim);
        if words.next() != Some("check-sync") || self.identity().is_none() {
            return Action::Ignore;
        }
        let allowed = self.value("SystemSettings.global.CheckSyncRebootEnabled") == Some("1");
        if allowed && words.any(|word| word == "reboot=true") {
            Action::Reboot
        } else {
            Action::Reload
        }
    }

    /// A value that is not empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A base has nobody in front of it; at a handset somebody dials.
    pub(super) fn change(&mut self, change: Change) -> bool {
        let Change::Dialled(number) = change else {
            return false;
        };
        self.calls.insert(0, number);
        self.calls.truncate(MAX_CALLS);
        true
    }

    /// Whether settings, handsets or phone book are others.
    pub(super) fn differs(&self, before: &Self) -> bool {
        self.values != before.values || self.handsets != before.handsets || self.book != before.book
    }
}
