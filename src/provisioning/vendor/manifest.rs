//! `vendor.toml`: what a vendor's phones ask for, how they say who they are, and what they can.
//!
//! Reads the file into [`Manifest`], every pattern compiled and every name checked; a mistake is
//! told with its line and key.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;

use super::escape::Kind;
use super::fault::TemplateFault;
use super::folder::{Folder, MANIFEST, Source};
use super::pattern::Pattern;
use crate::model::{PhoneSettings, TomlText};

mod check;
mod discovery;
mod shape;

pub use discovery::{Class, DhcpOption, Discovery, OptionValue, Ouis};

/// The sentence that tells where a correct manifest can be seen.
const HELP: &str = "`hotdeskd` ships `templates/snom/vendor.toml` as an example.";

/// What a change of person clears on a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cleared {
    /// Do-not-disturb goes off.
    Dnd,
    /// Forwarding goes off.
    Forwarding,
    /// Missed, received and dialled calls.
    CallLists,
    /// What the redial key dials.
    Redial,
    /// The entries that somebody made at the phone.
    Contacts,
    /// The person's own settings: ring tone, background, brightness.
    Preferences,
}

impl Cleared {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dnd => "dnd",
            Self::Forwarding => "forwarding",
            Self::CallLists => "call lists",
            Self::Redial => "redial",
            Self::Contacts => "contacts",
            Self::Preferences => "preferences",
        }
    }
}

/// The events that make a phone fetch its files again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resync {
    /// The value of `Event` that makes it fetch, without a restart where it can.
    pub reload: String,
    /// The value that makes it restart; absent where the vendor has none.
    #[serde(default)]
    pub reboot: Option<String>,
    /// Whether a phone that does not come for its files may be restarted.
    #[serde(default)]
    pub restart_silent: bool,
}

/// A model, or a family of models.
#[derive(Debug, Clone)]
pub struct Model {
    /// What it is called in the documentation.
    pub title: String,
    /// Which names of models it is for; `None` only in the one that is taken when no other fits.
    pattern: Option<Regex>,
    /// How many function keys it has, without expansion modules.
    pub keys: u16,
    /// The layer of settings of this model.
    pub settings: PhoneSettings,
    /// What a change of person clears.
    pub clears: BTreeSet<Cleared>,
    /// What needs a restart of the phone to be seen, in words.
    pub reboots: Vec<String>,
    /// Whether people can log in at it; not at a DECT base.
    pub hot_desk: bool,
    /// The events of this model where they are not the vendor's.
    pub resync: Option<Resync>,
    /// Files that have another template on this model: name of the file to template.
    pub templates: BTreeMap<String, String>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            title: String::new(),
            pattern: None,
            keys: 0,
            settings: PhoneSettings::new(),
            clears: BTreeSet::new(),
            reboots: Vec::new(),
            hot_desk: true,
            resync: None,
            templates: BTreeMap::new(),
        }
    }
}

/// A file that phones fetch.
#[derive(Debug, Clone)]
pub struct File {
    /// What `hotdeskd phones render` calls it.
    pub name: String,
    /// Over the path.
    pub(super) paths: Vec<Pattern>,
    /// How it is escaped.
    pub kind: Kind,
    /// The content type that it is served with.
    pub content_type: String,
    /// The template of the whole file.
    pub(super) template: Option<String>,
    /// The template for a bare MAC address in its enrolment window; without one there is nothing.
    pub(super) bootstrap: Option<String>,
    /// Whether a phone that fetches it shows who sits there.
    pub shows: bool,
    /// Whether it is the same for every phone.
    pub site: bool,
    /// Whether it is what `/provision/index.php?mac=…` means.
    pub main: bool,
    /// Whether what the phone sends there is accepted and thrown away.
    pub discards: bool,
    /// Where it belongs to the person and comes from the phone.
    pub personal: Option<Personal>,
    /// Where it is a page of what a phone finds in the phone book.
    pub search: Option<SearchRules>,
}

impl File {
    /// Whether there is an answer to a bare MAC address in its enrolment window.
    pub fn has_bootstrap(&self) -> bool {
        self.bootstrap.is_some()
    }
}

/// How a phone asks the phone book.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRules {
    /// The name of the query's parameter that says what to search for.
    pub text: String,
    /// The name of the one that says which page, from 1.
    pub page: String,
    /// How many entries a page has.
    pub size: usize,
}

/// A file that a phone sends and that belongs to the person who sits there.
#[derive(Debug, Clone)]
pub struct Personal {
    /// The template of what is served as long as the person has none.
    pub(super) empty: String,
    /// The most bytes that are taken.
    pub max_bytes: usize,
    /// Which settings are kept, by how their names begin; all where absent.
    pub keep: Option<Vec<String>>,
    /// Which settings are kept as well, but not over a change of person ([`Personal::at_login`]).
    pub until_logout: Vec<String>,
}

/// What a phone sends that belongs to the phone: a log.
#[derive(Debug, Clone)]
pub struct Upload {
    /// What it is filed under.
    pub name: String,
    /// Over the path.
    pub(super) paths: Vec<Pattern>,
    /// The most bytes that are taken.
    pub max_bytes: usize,
}

/// Paths that mean firmware.
#[derive(Debug, Clone)]
pub(super) struct FirmwarePattern {
    /// Over the path; the groups `model` and `version` say what a file of the operator's is for.
    pub(super) path: Pattern,
    /// Under which names the file may stand in the operator's folder, `$group` replaced.
    pub(super) names: Vec<String>,
}

/// A checked `vendor.toml`.
#[derive(Debug)]
pub(super) struct Manifest {
    /// What people call the vendor.
    pub(super) title: String,
    /// The first three octets of its MAC addresses.
    pub(super) ouis: Vec<[u8; 3]>,
    /// Over the User-Agent, the most particular first.
    pub(super) user_agents: Vec<Regex>,
    /// How a phone that knows nothing finds its server.
    pub(super) discovery: Option<Discovery>,
    /// How a yes and a no are written.
    pub(super) flags: [String; 2],
    /// The events.
    pub(super) resync: Resync,
    /// The layer of settings of the vendor.
    pub(super) settings: PhoneSettings,
    /// The models, the first that fits counts; the last fits all.
    pub(super) models: Vec<Model>,
    /// Our values to the vendor's words.
    pub(super) maps: BTreeMap<String, BTreeMap<String, String>>,
    /// What phones fetch.
    pub(super) files: Vec<File>,
    /// What phones send.
    pub(super) uploads: Vec<Upload>,
    /// What phones ask for as a matter of course, and what there is none of.
    pub(super) absent: Vec<Pattern>,
    /// What means firmware.
    pub(super) firmware: Vec<FirmwarePattern>,
}

impl Manifest {
    /// Reads the manifest of a folder.
    pub(super) fn read(vendor: &str, folder: &Folder) -> Result<Self, TemplateFault> {
        let Some(Source { path, text }) = folder.get(MANIFEST) else {
            let problem = format!("found no `{MANIFEST}` in the folder of `{vendor}`");
            let advice = format!("Add one. {HELP}");
            return Err(TemplateFault::of_file(vendor, MANIFEST.as_ref(), problem, &advice));
        };
        TomlText::read(path, text.as_bytes(), HELP)
            .and_then(|text| check::Checker { text: &text, folder }.manifest(text.parse()?))
            .map_err(|fault| TemplateFault::of_manifest(vendor, fault))
    }
}

impl Model {
    /// Whether the manifest has it.
    pub fn is_known(&self) -> bool {
        self.pattern.is_some()
    }

    /// Whether this is the model of that name.
    pub(super) fn fits(&self, name: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(name))
    }
}
