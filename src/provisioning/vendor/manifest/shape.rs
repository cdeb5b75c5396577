//! `vendor.toml` as it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Cleared, Discovery, Resync, SearchRules};
use crate::model::{PhoneSettings, SettingName, SettingValue};
use crate::provisioning::vendor::escape::Kind;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// What people call the vendor.
    pub(super) title: String,
    /// The first three octets of its MAC addresses.
    #[serde(default)]
    pub(super) ouis: Vec<String>,
    /// Regular expressions with the groups `model`, `version`, `mac`.
    #[serde(default)]
    pub(super) user_agents: Vec<String>,
    /// How a phone that knows nothing finds its server.
    #[serde(default)]
    pub(super) discovery: Option<Discovery>,
    /// How a yes and a no are written in its files.
    #[serde(default = "flags")]
    pub(super) flags: [String; 2],
    /// The events.
    pub(super) resync: Resync,
    /// The layer of settings of the vendor.
    #[serde(default, deserialize_with = "settings")]
    pub(super) settings: PhoneSettings,
    /// The models.
    #[serde(default)]
    pub(super) models: Vec<Model>,
    /// Tables from our values to the vendor's words.
    #[serde(default)]
    pub(super) maps: BTreeMap<String, BTreeMap<String, String>>,
    /// What phones fetch.
    #[serde(default)]
    pub(super) files: Vec<File>,
    /// What phones send.
    #[serde(default)]
    pub(super) uploads: Vec<Upload>,
    /// What there is none of.
    #[serde(default)]
    pub(super) absent: Vec<Absent>,
    /// What means firmware.
    #[serde(default)]
    pub(super) firmware: Vec<Firmware>,
}

/// `[[models]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// A regular expression over the whole name of the model, in any case.
    pub(super) r#match: String,
    /// What it is called in the documentation.
    #[serde(default)]
    pub(super) title: Option<String>,
    /// How many function keys it has.
    #[serde(default)]
    pub(super) keys: u16,
    /// The layer of settings of the model.
    #[serde(default, deserialize_with = "settings")]
    pub(super) settings: PhoneSettings,
    /// What a change of person clears.
    #[serde(default)]
    pub(super) clears: BTreeSet<Cleared>,
    /// What needs a restart.
    #[serde(default)]
    pub(super) reboots: Vec<String>,
    /// Whether people can log in at it.
    #[serde(default = "yes")]
    pub(super) hot_desk: bool,
    /// The model's own events.
    #[serde(default)]
    pub(super) resync: Option<Resync>,
    /// Files that have another template.
    #[serde(default)]
    pub(super) templates: BTreeMap<String, String>,
}

/// `[[files]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// What `hotdeskd phones render` calls it.
    pub(super) name: String,
    /// Regular expressions over the whole path.
    #[serde(default)]
    pub(super) paths: Vec<String>,
    /// How it is escaped.
    pub(super) kind: Kind,
    /// The content type; the kind's own where absent.
    #[serde(default)]
    pub(super) content_type: Option<String>,
    /// The template.
    #[serde(default)]
    pub(super) template: Option<String>,
    /// The template for a bare MAC address.
    #[serde(default)]
    pub(super) bootstrap: Option<String>,
    /// Whether it shows who sits there.
    #[serde(default)]
    pub(super) shows: bool,
    /// Whether it is the same for every phone.
    #[serde(default)]
    pub(super) site: bool,
    /// Whether it is the documents' URL.
    #[serde(default)]
    pub(super) main: bool,
    /// Whether what is sent there is thrown away.
    #[serde(default)]
    pub(super) discards: bool,
    /// Where it belongs to the person.
    #[serde(default)]
    pub(super) personal: Option<Personal>,
    /// Where it is a page of the phone book.
    #[serde(default)]
    pub(super) search: Option<SearchRules>,
}

/// `[files.personal]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Personal {
    /// The template of what is served as long as there is none.
    pub(super) empty: String,
    /// The most bytes that are taken.
    #[serde(default)]
    pub(super) max_bytes: Option<usize>,
    /// How the names of kept settings begin.
    #[serde(default)]
    pub(super) keep: Option<Vec<String>>,
    /// How the names of those begin that are kept until the person leaves.
    #[serde(default)]
    pub(super) until_logout: Vec<String>,
}

/// `[[uploads]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upload {
    /// What it is filed under.
    pub(super) name: String,
    /// Regular expressions over the whole path.
    pub(super) paths: Vec<String>,
    /// The most bytes that are taken.
    #[serde(default)]
    pub(super) max_bytes: Option<usize>,
}

/// `[[absent]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Absent {
    /// Regular expressions over the whole path.
    pub(super) paths: Vec<String>,
}

/// `[[firmware]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Firmware {
    /// Regular expressions over the whole path.
    pub(super) paths: Vec<String>,
    /// Names in the operator's folder, `$group` replaced.
    #[serde(default = "as_asked")]
    pub(super) names: Vec<String>,
}

fn yes() -> bool {
    true
}

fn flags() -> [String; 2] {
    ["1".to_owned(), "0".to_owned()]
}

fn as_asked() -> Vec<String> {
    vec!["$0".to_owned()]
}

/// A layer of settings. TOML makes a table of a name with a dot that is not quoted.
fn settings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PhoneSettings, D::Error> {
    let read = BTreeMap::<SettingName, Quoted>::deserialize(deserializer)?;
    Ok(read.into_iter().map(|(name, Quoted(value))| (name, value)).collect())
}

/// A setting's value, with a word on quotes where it is a table.
struct Quoted(SettingValue);

impl<'de> Deserialize<'de> for Quoted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuotedVisitor).map(Self)
    }
}

/// Reads it.
struct QuotedVisitor;

impl<'de> Visitor<'de> for QuotedVisitor {
    type Value = SettingValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a whole number, true or false")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(SettingValue::Flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(SettingValue::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(SettingValue::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(A::Error::custom(
            "expected text, a whole number, true or false; a name with a dot stands in quotes, as in \
             `\"snom.pnp_config\" = false`",
        ))
    }
}
