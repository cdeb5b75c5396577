//! The caller's channel while it is walked: its variables, its profile, and how FreeSWITCH expands
//! text with them.
//!
//! After `switch_channel_expand_variables_check` (`switch_channel.c`): `${name}`, `${name:2:3}`,
//! `${name[1]}`, `${function(argument)}`, all nested and all expanded again in what they give.

use std::collections::BTreeMap;

use super::{Memory, Policy};

/// No text grows beyond this while it is expanded, and nothing nests deeper.
const MOST_BYTES: usize = 64 << 10;
const DEEPEST: usize = 20;

/// The fields of a caller profile that a dialplan may name without `${}`.
const PROFILE: [&str; 17] = [
    "dialplan",
    "username",
    "caller_id_name",
    "caller_id_number",
    "orig_caller_id_name",
    "orig_caller_id_number",
    "callee_id_name",
    "callee_id_number",
    "ani",
    "aniii",
    "network_addr",
    "rdnis",
    "destination_number",
    "uuid",
    "source",
    "context",
    "chan_name",
];

/// A channel's variables and profile.
#[derive(Debug, Clone, Default)]
pub(super) struct Channel {
    variables: BTreeMap<String, String>,
    profile: BTreeMap<String, String>,
    exported: Vec<String>,
}

impl Channel {
    pub(super) fn new(variables: &BTreeMap<String, String>) -> Self {
        let mut channel = Self::default();
        channel.set_profile("dialplan", "XML");
        for (name, value) in variables {
            // A caller of `walk` names both alike; FreeSWITCH keeps them apart.
            if PROFILE.contains(&name.as_str()) {
                channel.set_profile(name, value);
            } else {
                channel.set(name, value);
            }
        }
        channel
    }

    /// The channel variable; an empty value removes it, as FreeSWITCH does.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            self.variables.remove(name);
        } else {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
    }

    pub(super) fn export(&mut self, name: &str, value: &str) {
        self.set(name, value);
        if !self.exported.iter().any(|known| known == name) {
            self.exported.push(name.to_owned());
        }
    }

    pub(super) fn set_profile(&mut self, name: &str, value: &str) {
        self.profile.insert(name.to_owned(), value.to_owned());
    }

    /// What a condition's `field` without `$` means.
    pub(super) fn profile(&self, name: &str) -> &str {
        let name = name.to_ascii_lowercase();
        self.profile.get(&name).map_or("", String::as_str)
    }

    /// What `${name}` means: the variable, else the profile's field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let variable = self.variables.get(name).or_else(|| self.profile.get(name));
        variable.map(String::as_str)
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(truth)
    }
}

/// FreeSWITCH's `switch_true`.
pub(super) fn truth(text: &str) -> bool {
    let words = ["yes", "on", "true", "t", "enabled", "active", "allow"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
        || text.parse::<f64>().is_ok_and(|number| number != 0.0)
}

/// Expands text with one channel, and notes what it could not answer.
pub(super) struct Expander<'a> {
    pub(super) channel: &'a Channel,
    pub(super) globals: &'a BTreeMap<String, String>,
    pub(super) policy: &'a Policy<'a>,
    pub(super) memory: &'a mut Memory,
    /// Functions whose answer only a running FreeSWITCH knows; they gave nothing.
    pub(super) unknown: Vec<String>,
}

impl Expander<'_> {
    pub(super) fn expand(&mut self, text: &str) -> String {
        self.expand_at(text, 0)
    }

    fn expand_at(&mut self, text: &str, depth: usize) -> String {
        if depth > DEEPEST || !worth_expanding(text) {
            return text.to_owned();
        }
        let mut out = String::new();
        let mut rest = text;
        // Only what `${` begins is special; behind it one character is taken as it stands.
        while let Some(c) = rest.chars().next() {
            if out.len() > MOST_BYTES {
                break;
            }
            if let Some(behind) = rest.strip_prefix("\\$") {
                let behind = behind.strip_prefix('$').unwrap_or(behind);
                out.push('$');
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix("\\'") {
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix("\\\\") {
                out.push('\\');
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix("$${").or(rest.strip_prefix("${")) {
                let (inside, after) = until_brace(behind);
                let value = self.value(inside, depth);
                out.push_str(&value);
                rest = after;
                if let Some(c) = rest.chars().next().filter(|c| *c != '$') {
                    out.push(c);
                    rest = rest.get(c.len_utf8()..).unwrap_or_default();
                }
            } else {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
        out
    }

    fn value(&mut self, inside: &str, depth: usize) -> String {
        match inside.find([' ', '(']) {
            Some(at) => {
                let (name, behind) = inside.split_at(at);
                let argument = match behind.strip_prefix('(') {
                    Some(behind) => until_parenthesis(behind),
                    None => behind.get(1..).unwrap_or_default(),
                };
                let name = self.expand_at(name.trim_end(), depth + 1);
                let argument = self.expand_at(argument, depth + 1);
                self.function(&name, &argument)
            }
            None => {
                let name = self.expand_at(inside, depth + 1);
                self.variable(&name, depth)
            }
        }
    }

    fn variable(&mut self, inside: &str, depth: usize) -> String {
        let mut parts = inside.split(':');
        let name = parts.next().unwrap_or_default();
        let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok()).unwrap_or(0);
        let (offset, length) = (number(), number());
        let (name, index) = match name.split_once('[') {
            Some((name, index)) if index.contains(']') => {
                (name, index.trim_end_matches(']').parse::<usize>().ok())
            }
            _ => (name, None),
        };
        let found = self.channel.get(name).or_else(|| self.globals.get(name).map(String::as_str));
        let Some(value) = found.and_then(|value| element(value, index)) else {
            return String::new();
        };
        let value = value.to_owned();
        let value = self.expand_at(&value, depth + 1);
        substring(&value, offset, length)
    }

    fn function(&mut self, name: &str, argument: &str) -> String {
        match name {
            "strepoch" if argument.is_empty() => self.policy.now.to_string(),
            "expr" => super::functions::expr(argument),
            "cond" => super::functions::cond(argument),
            "db" | "hash" => self.memory.answer(name, argument),
            _ => {
                if self.unknown.len() < 100 {
                    self.unknown.push(format!("{name}({argument})"));
                }
                String::new()
            }
        }
    }
}

/// FreeSWITCH leaves text alone that holds neither `${` nor one of these escapes.
fn worth_expanding(text: &str) -> bool {
    let escapes = ["\\\\", "\\n", "\\s", "\\t", "\\'"];
    text.contains("${")
        || text.contains("$\\{")
        || escapes.iter().any(|escape| text.contains(escape))
}

fn until_brace(text: &str) -> (&str, &str) {
    nested(text, '{', '}').unwrap_or((text, ""))
}

fn until_parenthesis(text: &str) -> &str {
    nested(text, '(', ')').map_or(text, |(inside, _)| inside)
}

/// What stands before the closing sign that belongs to an opening one already read, and behind it.
fn nested(text: &str, opening: char, closing: char) -> Option<(&str, &str)> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        if c == opening {
            depth += 1;
        } else if c == closing {
            if depth == 0 {
                return Some((text.get(..at)?, text.get(at + c.len_utf8()..)?));
            }
            depth -= 1;
        }
    }
    None
}

/// One value of FreeSWITCH's array form `ARRAY::a|:b`, or the whole.
fn element(value: &str, index: Option<usize>) -> Option<&str> {
    let Some(index) = index else {
        return Some(value);
    };
    match value.strip_prefix("ARRAY::") {
        Some(values) => values.split("|:").nth(index),
        None => (index == 0).then_some(value),
    }
}

/// `offset` from the front, or from the end where negative; then at most `length` where positive.
fn substring(value: &str, offset: i64, length: i64) -> String {
    let count = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
    let start = if offset >= 0 { offset.min(count) } else { (count + offset).max(0) };
    // Past the front FreeSWITCH leaves the value whole.
    let start = usize::try_from(start).unwrap_or(0);
    let tail = value.chars().skip(start);
    match usize::try_from(length) {
        Ok(length) if length > 0 => tail.take(length).collect(),
        _ => tail.collect(),
    }
}
