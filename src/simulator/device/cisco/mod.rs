//! Cisco and Linksys phones: SPA, and the multiplatform phones (MPP).
//!
//! A profile says what changes; what it does not mention stays in flash. Not in the facts and chosen
//! here: as long as `DHCP_Option_To_Use` names options, what DHCP says takes the place of
//! `Profile_Rule`, also at a resync; a profile that changed where to ask is followed at once, as by a
//! restart; the directory is fetched after each resync, as if somebody had opened it.

mod chain;
mod rule;
mod show;

use std::collections::BTreeMap;

use super::Error;
use super::report::Contact;
use super::settings::DeviceSettings;
use super::software::{Action, Change};

/// No phone has more parameters.
const MAX_PARAMETERS: usize = 20_000;
/// The call list and the personal directory are no longer.
const MAX_ENTRIES: usize = 100;

/// The software of a Cisco phone with all that is in its flash.
#[derive(Clone)]
pub(super) struct Cisco {
    family: Family,
    /// `0002fdaabbcc`.
    mac: String,
    /// `SPA504G`, `SPA942`; `8851`.
    model: String,
    firmware: String,
    /// By name.
    parameters: BTreeMap<String, Parameter>,
    /// The directory on the server as it was last read.
    directory: Vec<Contact>,
    /// Entries made at the phone. No profile clears them.
    personal: Vec<Contact>,
    /// Numbers dialled, the latest first. No profile clears them.
    calls: Vec<String>,
}

/// Phones that behave alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// SPA 9xx.
    Linksys,
    /// SPA 3xx and 5xx.
    Spa,
    /// 6800, 7800, 8800.
    Mpp,
}

/// A value in flash.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    value: String,
    /// Whether the person may change it (`ua="rw"`).
    open: bool,
}

impl Cisco {
    /// A phone that knows nothing.
    pub(super) fn factory(settings: &DeviceSettings) -> Result<Self, Error> {
        let model = settings.model.replace('-', "");
        let family = match model.strip_prefix("SPA") {
            Some(number) if number.starts_with('9') => Family::Linksys,
            Some(number) if number.starts_with(['3', '5']) => Family::Spa,
            None if model.len() == 4 && model.bytes().all(|b| b.is_ascii_digit()) => Family::Mpp,
            _ => return Err(Error::Model),
        };
        Ok(Self {
            family,
            mac: settings.mac.to_string(),
            model,
            firmware: settings.firmware.clone(),
            parameters: BTreeMap::new(),
            directory: Vec::new(),
            personal: Vec::new(),
            calls: Vec::new(),
        })
    }

    /// `$PSN`: `504G`, `8851`.
    fn short_name(&self) -> &str {
        self.model.trim_start_matches("SPA")
    }

    /// What its web page says at the front: `SPA504G`, `CP-8851-3PCC`.
    fn product_name(&self) -> String {
        match self.family {
            Family::Mpp => format!("CP-{}-3PCC", self.model),
            Family::Linksys | Family::Spa => self.model.clone(),
        }
    }

    /// What an event makes it do: `resync` fetches, `reboot` restarts an SPA.
    pub(super) fn heard(&self, event: &str) -> Action {
        // The default is not known; the worse one makes a server say it.
        if self.parameter("Auth_Resync-Reboot_1_") != Some("No") {
            return Action::Ignore;
        }
        match (event.split(';').next().map(str::trim), self.family) {
            (Some("resync"), _) | (Some("check-sync"), Family::Mpp) => {
                match self.parameter("Resync_From_SIP") {
                    Some("No") => Action::Ignore,
                    _ => Action::Reload,
                }
            }
            (Some("reboot"), Family::Spa | Family::Linksys) => Action::Reboot,
            (Some("reboot_now" | "restart_now"), Family::Linksys) => Action::Reboot,
            _ => Action::Ignore,
        }
    }

    /// A value that is not empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let value = self.parameters.get(name)?.value.as_str();
        Some(value).filter(|value| !value.is_empty())
    }

    /// False when the profile does not let the person.
    pub(super) fn change(&mut self, change: Change) -> bool {
        match change {
            Change::Setting(name, _, value) | Change::Overwrite(name, _, value) => {
                self.store(&name, value)
            }
            Change::Dnd(on) => self.store("DND_Setting", if on { "Yes" } else { "No" }.to_owned()),
            Change::Forwarding(to) => self.store("Cfwd_All_Dest", to.unwrap_or_default()),
            Change::Dialled(number) => {
                self.calls.insert(0, number);
                self.calls.truncate(MAX_ENTRIES);
                true
            }
            Change::Contact(contact) => {
                let room = self.personal.len() < MAX_ENTRIES;
                if room {
                    self.personal.push(contact);
                }
                room
            }
        }
    }

    /// A person sets a parameter; one that no profile mentioned yet is open.
    fn store(&mut self, name: &str, value: String) -> bool {
        let open = self.parameters.get(name).is_none_or(|parameter| parameter.open);
        if open {
            self.parameters.insert(name.to_owned(), Parameter { value, open });
        }
        open
    }

    /// Whether parameters or directory are others.
    pub(super) fn differs(&self, before: &Self) -> bool {
        self.parameters != before.parameters || self.directory != before.directory
    }
}
