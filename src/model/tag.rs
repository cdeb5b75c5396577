//! Tags: words with which an operator groups phones (`floor-3`, `pilot`).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The tags of a phone, in their order.
pub type Tags = BTreeSet<Tag>;

/// How many tags a phone has at the most.
pub const MOST_TAGS: usize = 32;

/// A word of 1 to 40 letters, digits, `-`, `_`, `.`, `:` or `/`, which begins with a letter or digit. In lower case, so
/// that `Pilot` and `pilot` are the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Box<str>);

/// How many characters a tag has at the most.
const LONGEST: usize = 40;

impl Tag {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tags in a text, with blanks, `,`, `;` or `|` between them.
    ///
    /// # Errors
    /// One of them is no tag, or there are too many.
    pub fn list(text: &str) -> Result<Tags, InvalidTag> {
        let is_between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|');
        let words = text.split(is_between).filter(|word| !word.is_empty());
        let tags = words.map(str::parse).collect::<Result<Tags, _>>()?;
        if tags.len() > MOST_TAGS { Err(InvalidTag) } else { Ok(tags) }
    }

    /// The text of which [`Tag::list`] makes these tags.
    pub fn join(tags: &Tags) -> String {
        tags.iter().map(Self::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl FromStr for Tag {
    type Err = InvalidTag;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.to_lowercase();
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
        let begins = text.starts_with(char::is_alphanumeric);
        // Some letters have no lower case of one character, as `İ`: its dot stands alone and is no letter.
        if begins && text.chars().count() <= LONGEST && text.chars().all(is_part) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidTag)
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Tag {
    type Error = InvalidTag;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0.into()
    }
}

/// The text is no tag, or there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected at most {MOST_TAGS} tags of 1 to {LONGEST} letters, digits, `-`, `_`, `.`, `:` or `/`, each beginning with a letter or digit"
)]
pub struct InvalidTag;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_words_in_lower_case_with_anything_usual_between_them() {
        let tags = Tag::list(" Pilot, floor-3;pilot|Büro\tb:2 ").unwrap();
        assert_eq!(Tag::join(&tags), "b:2 büro floor-3 pilot");
        assert_eq!(Tag::list(&Tag::join(&tags)), Ok(tags));
        assert_eq!(Tag::list(" ,; "), Ok(Tags::new()));
        for text in ["-x", "a=b", "=1", "a'b", &"x".repeat(41), "\u{1b}"] {
            assert_eq!(Tag::list(text), Err(InvalidTag), "{text}");
        }
        let many: Vec<String> = (0..=MOST_TAGS).map(|n| n.to_string()).collect();
        assert_eq!(Tag::list(&many.join(" ")), Err(InvalidTag));
        assert!(Tag::list(&many[1..].join(" ")).is_ok());
    }
}
