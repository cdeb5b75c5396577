//! A profile rule: `[--uid a --pwd b]http://…/$MA.xml`, `($PN eq SPA504G) ? url | url`.

use super::super::digest::Credentials;
use super::super::settings::version;
use super::Cisco;

/// What a rule comes to on one phone.
pub(super) struct Target {
    pub(super) url: String,
    pub(super) credentials: Option<Credentials>,
}

impl Cisco {
    /// The first alternative whose condition holds; the condition stands in brackets before a `?`.
    pub(super) fn target(&self, rule: &str) -> Option<Target> {
        let holds = |alternative: &&str| match condition(alternative) {
            Some((condition, _)) => self.holds(condition),
            None => true,
        };
        let chosen = rule.split('|').map(str::trim).find(holds)?;
        let rest = condition(chosen).map_or(chosen, |(_, rest)| rest).trim();
        let (options, url) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let words: Vec<&str> = options.split_whitespace().collect();
        let option = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            words.get(at + 1).map(|word| self.expand(word))
        };
        let credentials = option("--uid")
            .map(|user| Credentials { user, password: option("--pwd").unwrap_or_default().into() });
        let url = self.expand(url.trim());
        // Without a host it is asked of the TFTP server in DHCP, which is not played.
        url.contains("://").then_some(Target { url, credentials })
    }

    /// Macros; the longer ones first.
    fn expand(&self, text: &str) -> String {
        let upper = self.mac.to_uppercase();
        let pairs: Vec<&str> = (0..12).step_by(2).filter_map(|at| upper.get(at..at + 2)).collect();
        text.replace("$MAU", &upper)
            .replace("$MAC", &pairs.join(":"))
            .replace("$MA", &self.mac)
            .replace("$PSN", self.short_name())
            .replace("$PN", &self.product_name())
            .replace("$SWVER", &self.firmware)
            .replace("$SN", "CBT141100HR")
    }

    /// `a eq b`, `ne`; `lt` and `gt` for versions. Anything else does not hold.
    fn holds(&self, condition: &str) -> bool {
        let expanded = self.expand(condition);
        match expanded.split_whitespace().collect::<Vec<_>>().as_slice() {
            [left, "eq", right] => left == right,
            [left, "ne", right] => left != right,
            [left, "lt", right] => version(left) < version(right),
            [left, "gt", right] => version(left) > version(right),
            _ => false,
        }
    }
}

/// The condition of an alternative, and what is behind it.
fn condition(alternative: &str) -> Option<(&str, &str)> {
    let (condition, rest) = alternative.strip_prefix('(')?.split_once(')')?;
    Some((condition, rest.trim_start().strip_prefix('?')?))
}
