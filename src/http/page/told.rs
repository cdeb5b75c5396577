//! Journal entries as people read them: sentences in which phones and people are links with their names.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::model::{Actor, JournalEntry};
use crate::store::Memory;

/// An entry of the journal, for a template.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    id: i64,
    at: jiff::Timestamp,
    sentence: Vec<Part>,
    /// Who did it, behind the sentence; empty where the sentence says it.
    by: String,
    /// Who did it.
    actor: String,
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    text: String,
    href: Option<String>,
}

/// What an entry names, and how a page names it.
struct Name {
    id: String,
    text: String,
    href: String,
}

impl Line {
    /// Of an entry.
    pub(super) fn of(entry: &JournalEntry, memory: &Memory) -> Self {
        let what = entry
            .what
            .sentence(&|at| at.to_zoned(TimeZone::system()).strftime("%-d %b %H:%M").to_string());
        let mut names = Vec::new();
        if let Some(mac) = entry.what.phone() {
            let label = memory.phone(mac).and_then(|phone| phone.label.clone());
            let text = label.unwrap_or_else(|| mac.to_string());
            names.push(Name { id: mac.to_string(), text, href: format!("/phones/{mac}") });
        }
        if let Some(user) = entry.what.user() {
            let name = memory.user(user).map(|known| format!("{} ({user})", known.name));
            let text = name.unwrap_or_else(|| user.to_string());
            names.push(Name { id: user.to_string(), text, href: format!("/people/{user}") });
        }
        let by = match &entry.by {
            Actor::Caller(_) | Actor::Outside | Actor::Daemon => String::new(),
            other => format!("by {other}"),
        };
        Self {
            id: entry.id,
            at: entry.at,
            sentence: parts(&upper(&what), &names),
            by,
            actor: entry.by.to_string(),
        }
    }

    /// The sentence without links.
    pub(super) fn plain(&self) -> String {
        self.sentence.iter().map(|part| part.text.as_str()).collect()
    }
}

/// A sentence begins with a capital letter, unless with a number or a MAC address.
fn upper(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first)
            if text.split(' ').next().is_some_and(|word| word.chars().all(char::is_alphabetic)) =>
        {
            first.to_uppercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// Cuts a sentence where it names something, as a whole word.
fn parts(mut text: &str, names: &[Name]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    while !text.is_empty() {
        let word = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        let length = if word == 0 { text.chars().next().map_or(1, char::len_utf8) } else { word };
        let (piece, rest) = text.split_at(length);
        match names.iter().find(|name| name.id == piece) {
            Some(name) => {
                if !plain.is_empty() {
                    parts.push(Part { text: std::mem::take(&mut plain), href: None });
                }
                parts.push(Part { text: name.text.clone(), href: Some(name.href.clone()) });
            }
            None => plain.push_str(piece),
        }
        text = rest;
    }
    if !plain.is_empty() {
        parts.push(Part { text: plain, href: None });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_whom_it_is_about() {
        let name = |id: &str, text: &str, href: &str| Name {
            id: id.into(),
            text: text.into(),
            href: href.into(),
        };
        let names = [
            name("1001", "Ada (1001)", "/people/1001"),
            name("0004132a0001", "Desk 1", "/phones/0004132a0001"),
        ];
        let cut = parts("1001 logged in at 0004132a0001: 10010 – ✓", &names);
        let texts: Vec<&str> = cut.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(texts, ["Ada (1001)", " logged in at ", "Desk 1", ": 10010 – ✓"]);
        assert_eq!(cut[2].href.as_deref(), Some("/phones/0004132a0001"));
        assert_eq!(upper("phone x"), "Phone x");
        assert_eq!(upper("0004132a0001 shows it"), "0004132a0001 shows it");
    }
}
