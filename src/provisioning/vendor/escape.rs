//! Escaping by the kind of file: whatever people are called, it stays a value.

use std::fmt::{self, Write};

use serde::Deserialize;

/// How a file is written, and thereby how a value stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// XML.
    Xml,
    /// A line for each setting (`key = value`).
    Config,
    /// Cisco's flat XML profile.
    Flat,
    /// Text that nothing needs to be escaped in.
    Text,
}

impl Kind {
    /// Whether the file is XML.
    pub fn is_xml(self) -> bool {
        matches!(self, Self::Xml | Self::Flat)
    }

    /// The content type where the manifest says none. Snom's phones ignore it, others look at the
    /// character set.
    pub(super) fn content_type(self) -> &'static str {
        if self.is_xml() { "text/xml; charset=utf-8" } else { "text/plain; charset=utf-8" }
    }

    /// Writes `text` as a value of a file of this kind.
    pub(super) fn escape(self, text: &str, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::Xml | Self::Flat => escape_xml(text, out),
            Self::Config => escape_line(text, out),
            Self::Text => text.chars().filter(|c| *c != '\0').try_for_each(|c| out.write_char(c)),
        }
    }
}

/// For an element's text and for an attribute. Characters that XML 1.0 has no way to write are
/// dropped; white space is written by its number, because a reader turns it into blanks otherwise.
fn escape_xml(text: &str, out: &mut impl Write) -> fmt::Result {
    // What needs nothing goes out in one piece.
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if !matches!(c, '&' | '<' | '>' | '"' | '\'' | '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}') {
            continue;
        }
        out.write_str(text.get(plain..at).unwrap_or_default())?;
        plain = at + c.len_utf8();
        match c {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            '\'' => out.write_str("&#39;")?,
            '\t' | '\n' | '\r' => write!(out, "&#{};", u32::from(c))?,
            _ => {}
        }
    }
    out.write_str(text.get(plain..).unwrap_or_default())
}

/// For the rest of a line. What could end the line, for whichever reader, becomes a blank.
fn escape_line(text: &str, out: &mut impl Write) -> fmt::Result {
    for c in text.chars() {
        match c {
            '\0' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.write_char(' ')?;
            }
            c => out.write_char(c)?,
        }
    }
    Ok(())
}
