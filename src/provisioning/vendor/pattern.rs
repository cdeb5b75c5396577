//! Regular expressions of a manifest, and what MAC addresses look like in paths.

use std::sync::LazyLock;

use regex::{Captures, Regex, RegexBuilder};

use crate::model::Mac;

/// The most memory that a compiled pattern takes, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// What `{mac}` stands for: any common spelling, but one separator all through, so that no part
/// number is taken for a MAC address.
const MAC: &str = "(?:[0-9A-Fa-f]{12}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\
                   |[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(?:\\.[0-9A-Fa-f]{4}){2})";

/// A pattern over a whole path.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles it, anchored at both ends, with `{mac}` as the group `mac`.
    pub(super) fn over_path(text: &str) -> Result<Self, regex::Error> {
        let text = text.replace("{mac}", &format!("(?P<mac>{MAC})"));
        compile(&format!("^(?:{text})$")).map(Self)
    }

    /// The groups, where the path fits and what stands at `mac` can be a device's address.
    pub(super) fn captures<'p>(&self, path: &'p str) -> Option<Captures<'p>> {
        let found = self.0.captures(path)?;
        let mac = found.name("mac");
        mac.is_none_or(|mac| mac.as_str().parse::<Mac>().is_ok()).then_some(found)
    }
}

/// Compiles a manifest's pattern, bounded.
pub(super) fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(MAX_COMPILED).build()
}

/// The first MAC address in `text` that stands for itself: no digit or letter of a longer number
/// beside it. `cfg` and `spa` before it are Grandstream's and Cisco's way to name a phone's file;
/// `y0000000000NN` is the name of a Yealink model's common file, and no MAC address.
pub(super) fn mac_in_segment(text: &str) -> Option<Mac> {
    static CANDIDATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let pattern = format!("(?i)(?:^|^cfg|^spa|[^0-9a-z])(?:sep|mac)?({MAC})(?:[^0-9a-z]|$)");
        Regex::new(&pattern).ok()
    });
    let candidate = CANDIDATE.as_ref()?;
    let mut from = 0;
    while let Some(found) = candidate.captures_at(text, from) {
        let mac = found.get(1)?;
        if let Ok(mac) = mac.as_str().parse() {
            return Some(mac);
        }
        from = mac.end();
    }
    None
}
