//! What a phone understands as "fetch your configuration again": the words of a NOTIFY, by vendor and settings.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event_socket::SettingText;
use crate::model::Phone;

/// How many different texts that cannot be sent are told of; they come from templates, so there are a handful.
const MOST_TOLD: usize = 64;

/// Knows what each phone understands. Asked while no lock of the store is held.
pub trait PhoneEvents: Send + Sync {
    /// The events for this phone.
    fn of(&self, phone: &Phone) -> Events;
}

/// The events for one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// The event that makes it fetch its configuration (`check-sync;reboot=false`, `resync`, `check-sync`).
    pub reload: String,
    /// The event that makes it restart, where there is one.
    pub reboot: Option<String>,
    /// Whether it fetches from us, so that a fetch will confirm.
    pub confirms: bool,
    /// Whether vendor and setting allow a restart when it stays silent.
    pub may_restart: bool,
}

/// For a phone of which nothing is known: what most understand, and nothing that could confirm it.
impl Default for Events {
    fn default() -> Self {
        Self {
            reload: "check-sync;reboot=false".into(),
            reboot: Some("check-sync;reboot=true".into()),
            confirms: false,
            may_restart: false,
        }
    }
}

/// The events of [`Events::default`] for every phone.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckSync;

impl PhoneEvents for CheckSync {
    fn of(&self, _: &Phone) -> Events {
        Events::default()
    }
}

/// [`Events`] that can be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CheckedEvents {
    pub reload: Option<SettingText>,
    pub reboot: Option<SettingText>,
    pub confirms: bool,
    pub may_restart: bool,
}

/// Checks what it is told, and says once what cannot be sent.
pub(super) struct Vocabulary {
    phones: Arc<dyn PhoneEvents>,
    refused: Mutex<BTreeSet<String>>,
}

impl Vocabulary {
    pub(super) fn new(phones: Arc<dyn PhoneEvents>) -> Self {
        Self { phones, refused: Mutex::default() }
    }

    /// The events for this phone. In place of a reload that cannot be sent stands the usual one, so that a mistake in a
    /// template leaves no row behind that nobody could ever settle; a restart that cannot be sent is none.
    pub(super) fn of(&self, phone: &Phone) -> CheckedEvents {
        let Events { reload, reboot, confirms, may_restart } = self.phones.of(phone);
        let usual = || SettingText::parse(&Events::default().reload).ok();
        CheckedEvents {
            reload: self.checked(&reload, phone).or_else(usual),
            reboot: reboot.and_then(|text| self.checked(&text, phone)),
            confirms,
            may_restart,
        }
    }

    /// The text, if it can stand in a header of FreeSWITCH's.
    fn checked(&self, text: &str, phone: &Phone) -> Option<SettingText> {
        let error = match SettingText::parse(text) {
            Ok(text) => return Some(text),
            Err(error) => error,
        };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < MOST_TOLD && refused.insert(text.chars().take(120).collect()) {
            let vendor = phone.vendor.as_deref().unwrap_or("?");
            tracing::warn!(event = ?text, vendor, %error, "an event of this vendor's phones cannot be sent");
        }
        None
    }
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
