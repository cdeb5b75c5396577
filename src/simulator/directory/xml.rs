//! XML as FreeSWITCH keeps it: a tree of elements with attributes; text is of no interest.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// No answer nests deeper.
const MAX_DEPTH: usize = 64;

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The document as the children of a nameless element; `None` when it is not well-formed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    if open.len() > MAX_DEPTH {
                        return None;
                    }
                    open.push(Self::from_start(&start)?);
                }
                Event::Empty(start) => {
                    let element = Self::from_start(&start)?;
                    open.last_mut()?.children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop()?;
                    open.last_mut()?.children.push(element);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let root = open.pop()?;
        (open.is_empty() && !root.children.is_empty()).then_some(root)
    }

    fn from_start(start: &BytesStart<'_>) -> Option<Self> {
        let mut element = Self { name: start.name().as_ref().to_owned(), ..Self::default() };
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::default()).ok()?.into_owned();
            element.attributes.push((attribute.key.as_ref().to_owned(), value));
        }
        Some(element)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(attribute, _)| attribute == name)
            .map(|(_, value)| value.as_str())
    }

    /// Children of that name; `<include>` around them is not there for FreeSWITCH.
    pub(crate) fn children<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(self.children.iter().flat_map(move |child| {
            let inner: Box<dyn Iterator<Item = &'a Self> + 'a> = if child.name == "include" {
                child.children(name)
            } else if child.name == name {
                Box::new(std::iter::once(child))
            } else {
                Box::new(std::iter::empty())
            };
            inner
        }))
    }

    /// The element as FreeSWITCH prints it (`switch_xml_toxml`): two blanks a level.
    pub(crate) fn print(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        out.push_str(&format!("{indent}<{}", self.name));
        for (name, value) in &self.attributes {
            let value = value
                .replace('&', "&amp;")
                .replace('"', "&quot;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            out.push_str(&format!(" {name}=\"{value}\""));
        }
        if self.children.is_empty() {
            out.push_str(&format!("></{}>\n", self.name));
            return;
        }
        out.push_str(">\n");
        for child in &self.children {
            child.print(depth + 1, out);
        }
        out.push_str(&format!("{indent}</{}>\n", self.name));
    }
}

/// `$${name}` in an answer is replaced before the XML is read (FreeSWITCH's preprocessor); `&#36;`
/// protects. `found` is told each name.
pub(crate) fn preprocess(
    text: &str,
    value: impl Fn(&str) -> Option<String>,
    mut found: impl FnMut(&str),
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$${") {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, after)) => {
                found(name);
                out.push_str(&value(name).unwrap_or_default());
                rest = after;
            }
            None => {
                out.push_str("$${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_entities() {
        let root = Element::parse(
            r#"<document><!-- x --><a n="1 &amp; &#36;{x}"/><include><a n="2">t</a></include></document>"#,
        )
        .unwrap();
        let document = root.children("document").next().unwrap();
        let values: Vec<_> = document.children("a").map(|a| a.attribute("n")).collect();
        assert_eq!(values, [Some("1 & ${x}"), Some("2")]);
    }

    #[test]
    fn what_is_not_xml_is_nothing() {
        for text in ["", "hello", "<a>", "<a></b>", "<a b=c/>", "<a b=\"&nope;\"/>"] {
            assert_eq!(Element::parse(text), None, "{text:?}");
        }
        assert_eq!(Element::parse(&"<a>".repeat(100)), None);
    }

    #[test]
    fn double_dollar_is_expanded_and_an_entity_protects() {
        let mut names = Vec::new();
        let text = preprocess("a $${hold_music} &#36;${x}", |_| None, |n| names.push(n.to_owned()));
        assert_eq!(text, "a  &#36;${x}");
        assert_eq!(names, ["hold_music"]);
    }
}
