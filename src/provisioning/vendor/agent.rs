//! The User-Agent: what a phone says of itself.

use std::sync::LazyLock;

use regex::Regex;

use super::Vendor;
use crate::model::Mac;

/// The most bytes of a User-Agent that are looked at.
const MAX_BYTES: usize = 512;

/// What a phone says of itself. A hint: anybody can say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The vendor's name.
    pub vendor: String,
    /// The model, as it calls itself, blanks for underscores (`D785`, `VVX 500`).
    pub model: Option<String>,
    /// The version of its firmware.
    pub version: Option<String>,
    /// Its MAC address.
    pub mac: Option<Mac>,
}

impl Vendor {
    /// What the User-Agent says, if it is one of this vendor's.
    pub fn read_agent(&self, agent: &str) -> Option<Agent> {
        let end = (0..=MAX_BYTES.min(agent.len())).rev().find(|at| agent.is_char_boundary(*at))?;
        let agent = agent.get(..end)?;
        let found = self.user_agents().iter().find_map(|pattern| pattern.captures(agent))?;
        let group =
            |name| found.name(name).map(|group| group.as_str()).filter(|text| !text.is_empty());
        let mac = match group("mac") {
            Some(mac) => mac.parse().ok(),
            None => tokens(agent).find(|mac| self.has_oui(*mac)),
        };
        Some(Agent {
            vendor: self.name().to_owned(),
            model: group("model").map(|model| model.replace('_', " ")),
            version: group("version").map(str::to_owned),
            mac,
        })
    }
}

/// The MAC addresses that are whole words of a User-Agent. Looser rules take the `1` of
/// `SPEAr300 SNOM 1.4` for one.
fn tokens(agent: &str) -> impl Iterator<Item = Mac> {
    static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?:^|[ ;(=])([0-9A-Fa-f]{12}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})(?:[ ;)]|$)")
            .ok()
    });
    let found = TOKEN.as_ref().into_iter().flat_map(move |token| token.captures_iter(agent));
    found.filter_map(|found| found.get(1)?.as_str().parse().ok())
}
