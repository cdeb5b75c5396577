//! Polycom and Poly phones: SoundPoint, SoundStation, VVX, Edge.
//!
//! What the configuration files say is read anew at every boot, the first file that sets a parameter
//! wins, and overrides made at the phone or in its web page win over all of them. `device.*` lives in
//! flash. A personal file that the server does not have (404) stays as it is in the phone.
//!
//! Not in the facts and chosen here: an override named `divert.dnd.1.enabled` stands for do-not-disturb;
//! the call list is `<callList><call direction="Out" destination="…"/></callList>`; a SoundPoint takes
//! changes with a reboot, a VVX without one unless `device.*` changed.

mod chain;
mod master;
mod personal;
mod show;

use std::collections::BTreeMap;

use super::Error;
use super::http::Session;
use super::settings::{DeviceSettings, version};
use super::software::{Action, Change};
use master::Folders;
use personal::Entry;

/// User and password until the phone is told others.
const FACTORY_LOGIN: &str = "PlcmSpIp";
/// The call list and the directory are no longer.
const MAX_ENTRIES: usize = 999;

/// The software of a Polycom phone with all that is in its flash.
#[derive(Clone)]
pub(super) struct Polycom {
    family: Family,
    /// `0004f2aabbcc`.
    mac: String,
    /// `VVX_500`.
    model: String,
    firmware: String,
    part_number: String,
    /// `device.*`, kept for good.
    device: BTreeMap<String, String>,
    /// What the configuration files said when they could last be read.
    configuration: BTreeMap<String, String>,
    /// Changed at the phone: `-phone.cfg`.
    overrides: BTreeMap<String, String>,
    /// Changed in the web page: `-web.cfg`.
    web: BTreeMap<String, String>,
    /// The phone's own directory.
    directory: Vec<Entry>,
    /// The directory of all phones.
    shared: Vec<Entry>,
    /// Numbers dialled, the latest first.
    calls: Vec<String>,
    /// Where the last boot came from: uploads go there.
    base: Option<String>,
    folders: Folders,
}

/// Phones that behave alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    SoundPoint,
    SoundStation,
    Vvx,
    Edge,
}

impl Family {
    /// By the name before the underscore.
    fn of(model: &str) -> Option<Self> {
        let (family, number) = model.split_once('_')?;
        let named = !number.is_empty() && number.bytes().all(|b| b.is_ascii_alphanumeric());
        match family {
            "SPIP" if named => Some(Self::SoundPoint),
            "SSIP" if named => Some(Self::SoundStation),
            "VVX" if named => Some(Self::Vvx),
            "Edge" if named => Some(Self::Edge),
            _ => None,
        }
    }

    /// As the User-Agent begins.
    fn agent(self) -> &'static str {
        match self {
            Self::SoundPoint => "PolycomSoundPointIP",
            Self::SoundStation => "PolycomSoundStationIP",
            Self::Vvx => "PolycomVVX",
            Self::Edge => "PolyEdge",
        }
    }

    /// Whether the phone uploads its boot log and its call lists, and takes changes while it runs.
    fn is_new(self) -> bool {
        matches!(self, Self::Vvx | Self::Edge)
    }
}

impl Polycom {
    /// A phone that knows nothing.
    pub(super) fn factory(settings: &DeviceSettings) -> Result<Self, Error> {
        let family = Family::of(&settings.model).ok_or(Error::Model)?;
        Ok(Self {
            family,
            mac: settings.mac.to_string(),
            model: settings.model.clone(),
            firmware: settings.firmware.clone(),
            part_number: settings.part_number.clone().unwrap_or_default(),
            device: BTreeMap::new(),
            configuration: BTreeMap::new(),
            overrides: BTreeMap::new(),
            web: BTreeMap::new(),
            directory: Vec::new(),
            shared: Vec::new(),
            calls: Vec::new(),
            base: None,
            folders: Folders::default(),
        })
    }

    /// There is one event only; what follows it has no meaning.
    pub(super) fn heard(&self, event: &str) -> Action {
        if event.split(';').next().map(str::trim) != Some("check-sync") {
            return Action::Ignore;
        }
        match self.parameter("voIpProt.SIP.specialEvent.checkSync.alwaysReboot") {
            Some("1") => Action::Reboot,
            _ => Action::Reload,
        }
    }

    /// A parameter as it is in force; an empty one is none.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let value = if name.starts_with("device.") {
            self.device.get(name)
        } else {
            let layers = [&self.overrides, &self.web, &self.configuration];
            layers.into_iter().find_map(|layer| layer.get(name))
        };
        value.map(String::as_str).filter(|value| !value.is_empty())
    }

    /// What a person does; the phone uploads what changed. False when it does not let the person.
    pub(super) async fn change(&mut self, change: Change, session: &mut Session) -> bool {
        self.present(session, false);
        match change {
            Change::Setting(name, _, value) if name.starts_with("device.") => {
                self.device.insert(name, value);
            }
            Change::Setting(name, _, value) | Change::Overwrite(name, _, value) => {
                self.override_with([(name, value)], session).await;
            }
            Change::Dnd(on) => {
                let value = if on { "1" } else { "0" };
                let change = [("divert.dnd.1.enabled".to_owned(), value.to_owned())];
                self.override_with(change, session).await;
            }
            Change::Forwarding(to) => {
                let enabled = if to.is_some() { "1" } else { "0" };
                let change = [
                    ("divert.fwd.1.enabled".to_owned(), enabled.to_owned()),
                    ("divert.1.contact".to_owned(), to.unwrap_or_default()),
                ];
                self.override_with(change, session).await;
            }
            Change::Dialled(number) => {
                self.calls.insert(0, number);
                self.calls.truncate(MAX_ENTRIES);
                self.upload_calls(session).await;
            }
            Change::Contact(contact) => {
                if self.directory.len() >= MAX_ENTRIES {
                    return false;
                }
                self.directory.push(Entry::of(&contact));
                self.upload_directory(session).await;
            }
        }
        true
    }

    /// Changes at the phone, told to the server at once.
    async fn override_with(
        &mut self,
        changes: impl IntoIterator<Item = (String, String)>,
        session: &mut Session,
    ) {
        self.overrides.extend(changes);
        self.upload_overrides(session).await;
    }

    /// Whether parameters or directory are others.
    pub(super) fn differs(&self, before: &Self) -> bool {
        self.device != before.device
            || self.configuration != before.configuration
            || self.overrides != before.overrides
            || self.web != before.web
            || self.directory != before.directory
            || self.shared != before.shared
            || self.calls != before.calls
    }

    /// `User-Agent` of its requests. While it boots it is the updater that asks, with its own version.
    fn http_agent(&self, updater: bool) -> String {
        /// The updater's version, which is never the application's.
        const UPDATER: &str = "5.0.2.6871";
        let new = version(&self.firmware) >= version("4");
        let firmware = if updater { UPDATER } else { self.firmware.as_str() };
        let serial = match self.parameter("device.prov.tagSerialNo") {
            Some("1") => format!(" (SN:{})", self.mac),
            _ => String::new(),
        };
        let kind = match (new, updater) {
            (false, _) => "",
            (true, true) => " Type/Updater",
            (true, false) => " Type/Application",
        };
        format!("FileTransport {}-{}-UA/{firmware}{serial}{kind}", self.family.agent(), self.model)
    }

    /// `User-Agent` of its SIP messages.
    pub(super) fn sip_agent(&self) -> String {
        format!("{}-{}-UA/{}", self.family.agent(), self.model, self.firmware)
    }
}
