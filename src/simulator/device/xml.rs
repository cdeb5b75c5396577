//! XML as phones read it: elements, attributes and text; what is not well-formed is refused whole.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// No file nests deeper.
const MAX_DEPTH: usize = 64;
/// No file has more elements.
const MAX_ELEMENTS: usize = 100_000;

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// The text of the element itself, without that of its children.
    pub(super) text: String,
}

impl Element {
    /// The root of a document; `None` when it is not well-formed.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader::from_str(text);
        let mut tree = Tree::default();
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => tree.open(&start)?,
                Event::Empty(start) => {
                    tree.open(&start)?;
                    tree.close()?;
                }
                Event::End(_) => tree.close()?,
                Event::Text(text) if text.contains("]]>") => return None,
                Event::Text(text) => tree.text(&text.xml10_content())?,
                Event::CData(text) => tree.text(&text.xml10_content())?,
                Event::GeneralRef(reference) => tree.reference(&reference)?,
                Event::Eof => return tree.finish(),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            }
        }
    }

    /// The first value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    /// The trimmed text of the first child of that name; `None` where it is absent or empty.
    pub(super) fn child_text(&self, name: &str) -> Option<&str> {
        let child = self.children.iter().find(|child| child.name == name)?;
        Some(child.text.trim()).filter(|text| !text.is_empty())
    }

    /// Attributes of this element and all below it, in the order of the file.
    pub(super) fn all_attributes(&self) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        let mut waiting = vec![self];
        while let Some(element) = waiting.pop() {
            found.extend(element.attributes.iter().map(|(n, v)| (n.as_str(), v.as_str())));
            waiting.extend(element.children.iter().rev());
        }
        found
    }

    /// This element and all below it, in the order of the file.
    pub(super) fn walk(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        let mut waiting = vec![self];
        while let Some(element) = waiting.pop() {
            found.push(element);
            waiting.extend(element.children.iter().rev());
        }
        found
    }
}

/// A document that is being read.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    /// A start tag; `None` for a second root, too much, or an attribute that is not well-formed.
    fn open(&mut self, start: &BytesStart<'_>) -> Option<()> {
        self.elements += 1;
        let second_root = self.open.is_empty() && self.root.is_some();
        if second_root || self.open.len() >= MAX_DEPTH || self.elements > MAX_ELEMENTS {
            return None;
        }
        let mut element = Element { name: start.name().as_ref().to_owned(), ..Element::default() };
        for attribute in start.attributes() {
            // A name that stands twice is an error here too.
            let attribute = attribute.ok()?;
            if attribute.value.contains('<') {
                return None;
            }
            let value = attribute.normalized_value(XmlVersion::default()).ok()?.into_owned();
            if !value.chars().all(is_allowed) {
                return None;
            }
            element.attributes.push((attribute.key.as_ref().to_owned(), value));
        }
        self.open.push(element);
        Some(())
    }

    /// An end tag; the reader has compared the names.
    fn close(&mut self) -> Option<()> {
        let element = self.open.pop()?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Some(())
    }

    /// Text in an element; `None` for text that may not stand there.
    fn text(&mut self, text: &str) -> Option<()> {
        match self.open.last_mut() {
            Some(element) if text.chars().all(is_allowed) => element.text.push_str(text),
            // Outside the root there may be blanks only.
            None if text.chars().all(char::is_whitespace) => {}
            _ => return None,
        }
        Some(())
    }

    /// A character or one of the five entities that need no declaration.
    ///
    /// A character above 255 by its number needs `e="2"` in one of the elements around it (Snom).
    fn reference(&mut self, reference: &BytesRef<'_>) -> Option<()> {
        let character = match reference.resolve_char_ref().ok()? {
            Some(character) if u32::from(character) > 255 && !self.has_high_references() => '?',
            Some(character) => character,
            None => resolve_predefined_entity(reference)?.chars().next()?,
        };
        self.open.last()?;
        self.text(character.encode_utf8(&mut [0; 4]))
    }

    /// Whether an element around has `e="2"`.
    fn has_high_references(&self) -> bool {
        self.open.iter().any(|element| element.attribute("e") == Some("2"))
    }

    /// The root, when everything is closed.
    fn finish(self) -> Option<Element> {
        if self.open.is_empty() { self.root } else { None }
    }
}

/// Whether XML 1.0 allows the character.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// Text as it stands in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let allowed: String = text.chars().filter(|c| is_allowed(*c) && *c >= ' ').collect();
    quick_xml::escape::escape(allowed.as_str()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_entities_and_attributes_are_read() {
        let root = Element::parse(
            b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<a x=' ' y='1 &amp; 2'>A &lt;<![CDATA[<b>]]>&#66;<c>t</c></a>\n",
        )
        .unwrap();
        assert_eq!(root.text, "A <<b>B");
        assert_eq!(root.attribute("x"), Some(" "));
        assert_eq!(root.attribute("y"), Some("1 & 2"));
        assert_eq!(root.child_text("c"), Some("t"));
    }

    #[test]
    fn a_character_above_255_by_number_needs_e_2() {
        let text = |xml: &str| Element::parse(xml.as_bytes()).unwrap().children[0].text.clone();
        assert_eq!(text("<s><a>&#8364;&#228;</a></s>"), "?ä");
        assert_eq!(text("<s e='2'><a>&#8364;&#228;</a></s>"), "€ä");
        assert_eq!(text("<s><a>€</a></s>"), "€");
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in [
            "",
            "hello",
            "<a>",
            "<a></b>",
            "<a b=c/>",
            "<a b='1' b='2'/>",
            "<a b='<'/>",
            "<a>&nope;</a>",
            "<a>]]></a>",
            "<a>&#1;</a>",
            "<a>\u{1}</a>",
            "<a b='&#2;'/>",
            "<a/><b/>",
            "<a/>x",
            "x<a/>",
            "&#65;<a/>",
        ] {
            assert_eq!(Element::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(Element::parse(b"<a>\xff</a>"), None);
        assert_eq!(Element::parse("<a>".repeat(100).as_bytes()), None);
    }
}
