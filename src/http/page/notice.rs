//! What a page says above itself after something was done, or was not.

use serde::{Deserialize, Serialize};

/// A message above a page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Notice {
    /// `good` or `bad`.
    tone: &'static str,
    text: String,
}

/// What was done, as the address says it behind a redirect: words of our own only, so that no address makes the page say
/// something else.
const DONE: [(&str, &str); 17] = [
    ("logged-in", "Logged in. The phone is told to show it."),
    ("logged-out", "Logged out. The phone is told to show it."),
    ("nobody", "Nobody sat there; nothing changed."),
    ("resync", "The phone is asked to fetch its configuration."),
    ("restart", "The phone is asked to restart, as soon as it is in no call."),
    ("window", "The window is open: the phone may come once with nothing but its MAC address."),
    ("window-closed", "The window is closed."),
    ("rotated", "Its URL has a new key; the old one is good until the phone has come."),
    ("revoked", "Its key, credentials and SIP secret are worth nothing any more."),
    ("pin", "The PIN is set."),
    ("unlocked", "The locks are lifted."),
    ("away", "Saved where calls go."),
    ("synced", "FreeSWITCH was told what was missing."),
    ("started", "Begun."),
    ("stopped", "It ends after what is being done."),
    ("saved", "Saved."),
    ("walked", "Every phone's emergency calls were walked; nothing was dialled."),
];

/// What a page's address says was done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WasDone {
    done: Option<String>,
}

impl WasDone {
    /// The message of it.
    pub(super) fn notice(&self) -> Option<Notice> {
        Notice::done(self.done.as_deref())
    }
}

impl Notice {
    /// What was done.
    pub(super) fn done(word: Option<&str>) -> Option<Self> {
        let (_, text) = DONE.iter().find(|(known, _)| Some(*known) == word)?;
        Some(Self { tone: "good", text: (*text).to_owned() })
    }

    /// Why it was not.
    pub(super) fn refused(detail: &str) -> Self {
        Self { tone: "bad", text: detail.to_owned() }
    }
}
