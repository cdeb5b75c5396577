//! What is to be done at a service: inventory against what the service holds against what we told it. No IO, no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::client::Holding;
use crate::model::{Mac, Redirection, RedirectionState};

/// What the store knew when a plan was made.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The phones that are to be sent to us by this service, each to its URL.
    pub(super) wanted: BTreeMap<Mac, SecretString>,
    /// The phones of the inventory that are not this service's.
    pub(super) others: BTreeSet<Mac>,
    /// What we told this service.
    pub(super) told: BTreeMap<Mac, Redirection>,
}

/// What the service said.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The phones that it lists as ours.
    pub(super) listed: BTreeSet<Mac>,
    /// Whose each phone is that it was asked for; or why that cannot be said.
    pub(super) asked: BTreeMap<Mac, Result<Holding, String>>,
}

/// What a phone comes to at a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The service does not have it: it is told.
    Register,
    /// The service sends it elsewhere: it is told anew.
    Change,
    /// We told the service of a phone that is no longer in the inventory: it is to forget it.
    Remove,
    /// The service sends it to us.
    Fine,
    /// It is in somebody else's account, who has to give it up.
    Elsewhere,
    /// It is in our account, but not in the inventory, and not by us. Never touched.
    Foreign,
    /// It is in our account, and in the inventory as a phone that is not this service's. Never touched.
    OtherVendor,
    /// The service does not say. Not touched.
    Unknown,
}

impl Step {
    /// Whether something is to be done.
    pub fn is_to_do(self) -> bool {
        matches!(self, Self::Register | Self::Change | Self::Remove)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Register => "register",
            Self::Change => "change",
            Self::Remove => "remove",
            Self::Fine => "fine",
            Self::Elsewhere => "owned by somebody else",
            Self::Foreign => "registered there, but not by us",
            Self::OtherVendor => "registered there, but not of this service's vendor",
            Self::Unknown => "not known",
        })
    }
}

/// One phone of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Which phone.
    pub phone: Mac,
    /// What it comes to.
    pub step: Step,
    /// More of it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The digest by which a URL is known again; the URL holds a key, and stands nowhere.
pub(super) fn digest(url: &SecretString) -> String {
    let digest = Sha256::digest(normal(url.expose_secret()).as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A URL as it is compared: a service may write the braces of `{mac}` as a URL has them.
fn normal(url: &str) -> String {
    let url = url.trim();
    url.replace("%7B", "{").replace("%7b", "{").replace("%7D", "}").replace("%7d", "}")
}

/// What is to be done, phone by phone, in their order.
pub(super) fn plan(known: &Known, held: &Held) -> Vec<Planned> {
    let phones: BTreeSet<Mac> =
        known.wanted.keys().chain(held.asked.keys()).chain(&held.listed).copied().collect();
    let step = |phone| {
        let (step, detail) = one(known, held, phone)?;
        Some(Planned { phone, step, detail })
    };
    phones.into_iter().filter_map(step).collect()
}

/// What one phone comes to; `None` where there is nothing to say of it.
fn one(known: &Known, held: &Held, phone: Mac) -> Option<(Step, Option<String>)> {
    let told = known.told.get(&phone);
    let holding = match held.asked.get(&phone) {
        Some(Ok(holding)) => holding,
        Some(Err(why)) => return Some((Step::Unknown, Some(why.clone()))),
        None if !held.listed.contains(&phone) => return Some((Step::Unknown, None)),
        None if known.others.contains(&phone) => return Some((Step::OtherVendor, None)),
        None => return Some((Step::Foreign, None)),
    };
    let Some(url) = known.wanted.get(&phone) else {
        let Holding::Ours(at) = holding else { return None };
        if known.others.contains(&phone) {
            return Some((Step::OtherVendor, None));
        }
        let ours = match (told, at) {
            (Some(told), Some(at)) => told.told(&digest(at)),
            // A service that does not tell its URLs: ours, if we ever told it.
            (Some(told), None) => told.told(&told.digest),
            (None, _) => false,
        };
        return Some(match ours {
            true => (Step::Remove, None),
            false => (Step::Foreign, at.as_ref().map(host)),
        });
    };
    Some(match holding {
        Holding::Nobodys => (Step::Register, None),
        Holding::Elsewhere => (Step::Elsewhere, None),
        Holding::Ours(Some(at)) if digest(at) == digest(url) => (Step::Fine, None),
        Holding::Ours(Some(at)) => (Step::Change, Some(host(at))),
        Holding::Ours(None) if is_settled(told, &digest(url)) => (Step::Fine, None),
        Holding::Ours(None) => (Step::Change, None),
    })
}

/// Whether we know that the service took this URL, where it does not tell.
fn is_settled(told: Option<&Redirection>, digest: &str) -> bool {
    told.is_some_and(|told| told.state == RedirectionState::Registered && told.digest == digest)
}

/// Where a URL leads, without what may be secret of it.
fn host(url: &SecretString) -> String {
    let host = reqwest::Url::parse(url.expose_secret()).ok();
    let host = host.and_then(|url| url.host_str().map(str::to_owned));
    format!("it sends the phone to {}", host.unwrap_or_else(|| "nowhere".to_owned()))
}

#[cfg(test)]
mod tests;
