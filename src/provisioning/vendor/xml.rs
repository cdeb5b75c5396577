//! XML: what we wrote is looked at before a phone sees it, what a phone sent before a person gets it.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::escape::Kind;
use super::manifest::Personal;

/// No file of a phone nests deeper.
const MAX_DEPTH: usize = 32;

/// The most settings that a file of overrides has.
const MAX_ATTRIBUTES: usize = 5_000;

/// Why what a phone sent is not kept. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// It is too long.
    #[error("it is longer than this kind of file may be")]
    TooLong,
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
    /// It is not well-formed, or has a document type.
    #[error("it is no well-formed XML")]
    NotXml,
}

impl Personal {
    /// What is kept of a file that a phone sent: for overrides the settings that are a person's, none
    /// of those that make a phone that phone; else the file as it came.
    ///
    /// # Errors
    /// It is too long, or no XML.
    pub fn accept(&self, kind: Kind, body: &[u8]) -> Result<String, Unacceptable> {
        if body.len() > self.max_bytes {
            return Err(Unacceptable::TooLong);
        }
        let text = str::from_utf8(body).map_err(|_| Unacceptable::Encoding)?;
        if !kind.is_xml() {
            return Ok(text.to_owned());
        }
        match &self.keep {
            Some(keep) => settings(kind, text, &[keep, &self.until_logout]),
            None => read(text, false, |start| attributes(start).map(drop))
                .map(|()| text.to_owned())
                .map_err(|_| Unacceptable::NotXml),
        }
    }

    /// What of a kept file is still the person's when they come to another phone, or come back: all
    /// but what holds for one stay only (forwarding).
    ///
    /// # Errors
    /// It is no XML, which a file that was accepted is not.
    pub fn at_login(&self, kind: Kind, kept: &str) -> Result<String, Unacceptable> {
        match &self.keep {
            Some(keep) if kind.is_xml() => settings(kind, kept, &[keep]),
            _ => Ok(kept.to_owned()),
        }
    }
}

/// The settings of a file of overrides whose names begin in one of these ways, as such a file.
fn settings(kind: Kind, text: &str, keep: &[&Vec<String>]) -> Result<String, Unacceptable> {
    let is_kept =
        |name: &str| keep.iter().copied().flatten().any(|start| name.starts_with(start.as_str()));
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    read(text, false, |start| {
        for (name, value) in attributes(start)? {
            if kept.len() < MAX_ATTRIBUTES && is_name(&name) && is_kept(&name) {
                kept.entry(name).or_insert(value);
            }
        }
        Some(())
    })
    .map_err(|_| Unacceptable::NotXml)?;
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<PHONE_CONFIG>\n  <OVERRIDES",
    );
    for (name, value) in &kept {
        out.push_str(&format!("\n    {name}=\""));
        // Writing to a String does not fail.
        let _ = kind.escape(value, &mut out);
        out.push('"');
    }
    out.push_str("/>\n</PHONE_CONFIG>\n");
    Ok(out)
}

/// Where a document that we wrote is not well-formed: the line, and why.
pub(super) fn fault(text: &str) -> Option<(usize, String)> {
    read(text, true, |start| attributes(start).map(drop)).err().map(|(at, why)| {
        let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        (before.iter().filter(|b| **b == b'\n').count() + 1, why)
    })
}

/// Reads a document to its end; `element` sees each element, `None` from it is a fault there. With
/// `may_be_named` it can have a document type that is a name and nothing else, as Gigaset's phone books do.
fn read(
    text: &str,
    may_be_named: bool,
    mut element: impl FnMut(&BytesStart<'_>) -> Option<()>,
) -> Result<(), (usize, String)> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    let mut roots = 0_usize;
    loop {
        let event = reader.read_event();
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let wrong = |why: &str| Err((at, why.to_owned()));
        let event = match event {
            Ok(event) => event,
            Err(error) => return Err((at, error.to_string())),
        };
        match event {
            Event::Start(start) | Event::Empty(start)
                if depth >= MAX_DEPTH || element(&start).is_none() =>
            {
                return wrong("an attribute is broken or stands twice, or the nesting is too deep");
            }
            Event::Start(_) => {
                roots += usize::from(depth == 0);
                depth += 1;
            }
            Event::Empty(_) => roots += usize::from(depth == 0),
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) if depth == 0 && !text.trim().is_empty() => {
                return wrong("text stands outside the root element");
            }
            Event::GeneralRef(name) => {
                let known = matches!(&*name, "lt" | "gt" | "amp" | "quot" | "apos");
                if !known && !matches!(name.resolve_char_ref(), Ok(Some(_))) {
                    return wrong("an entity is unknown");
                }
            }
            Event::Decl(_) if !text.starts_with("<?xml") => {
                return wrong("the XML declaration does not stand at the very beginning");
            }
            Event::DocType(name) if may_be_named && is_name(name.trim()) => {}
            Event::DocType(_) => return wrong("a document type is not wanted"),
            Event::Eof if depth > 0 => return wrong("an element is not closed"),
            Event::Eof if roots != 1 => return wrong("there is not one root element"),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Whether a setting's name can be an element's or an attribute's.
pub(super) fn is_name(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    first && text.bytes().all(allowed)
}

/// The attributes of an element; `None` where one is broken or stands twice.
fn attributes(start: &BytesStart<'_>) -> Option<Vec<(String, String)>> {
    let read = |attribute: Result<quick_xml::events::attributes::Attribute<'_>, _>| {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::default()).ok()?.into_owned();
        Some((attribute.key.as_ref().to_owned(), value))
    };
    start.attributes().map(read).collect()
}
