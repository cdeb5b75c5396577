//! Text that may stand in a command, by where it comes from.
//!
//! FreeSWITCH expands `${...}` in the argument of every application that it executes, and `${system(...)}` runs a program
//! (tried: `facts/freeswitch.md`). It splits arguments at blanks, quotes and delimiters, and headers at line ends. So no
//! outside text gets near a command except through one of these types:
//!
//! | type | for | may hold |
//! | --- | --- | --- |
//! | [`ChannelText`] | a name, the value of a variable | any text without `$`, `\`, control characters and a few openings |
//! | [`ChannelWord`] | a number, an extension, a domain, an id: one word | ASCII letters, digits and `*#+-_.@:/` |
//! | [`SettingText`] | what the operator set: prompts, file names | one printable word without `$`, quotes, `\` |
//! | [`WireText`] | the value of a header of ours | any text without line ends and NUL |
//!
//! Each is checked once, where it comes in; from then on a command cannot be built wrongly.

use std::fmt;

use super::TextError;

/// What replaces a whole command when it stands in its headers beside `reload` or `unload` (`mod_event_socket.c:1737`).
const MODULE: &str = "mod_event_socket";

/// Whether the text could turn a command into a reload of the module that we speak to.
pub(super) fn names_the_module(text: &str) -> bool {
    text.to_ascii_lowercase().contains(MODULE)
}

/// Fails at the first character that `forbidden` names.
fn refuse(text: &str, forbidden: impl Fn(char) -> bool) -> Result<(), TextError> {
    match text.chars().find(|&c| forbidden(c)) {
        Some(character) => Err(TextError::Character { character }),
        None => Ok(()),
    }
}

/// Line and paragraph separators, which some consumers take for line ends, besides the control characters.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Text from outside that may stand in an application's argument: as the value of a variable, or as its last part.
///
/// No `$` (nothing is expanded), no `\` (nothing is escaped), no control character, none of the openings that FreeSWITCH
/// takes for a list (`^^`, `ARRAY::`), at most [`ChannelText::LONGEST`] bytes. A delimiter in use is not a property of
/// the text: [`super::Execute::multiset`] chooses one that no value holds.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelText(Box<str>);

impl ChannelText {
    /// The longest text, in bytes.
    pub const LONGEST: usize = 1024;

    /// Takes the text as it is, or says what stands in the way.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.len() > Self::LONGEST {
            return Err(TextError::TooLong { limit: Self::LONGEST });
        }
        refuse(text, |c| matches!(c, '$' | '\\') || is_control(c))?;
        let opening = text.trim_start();
        for refused in ["^^", "ARRAY::"] {
            if opening.starts_with(refused) {
                return Err(TextError::Opening { opening: refused });
            }
        }
        if names_the_module(text) {
            return Err(TextError::Module);
        }
        Ok(Self(text.into()))
    }

    /// Takes the text as it is if it also holds none of these delimiters, for a list whose delimiter is fixed.
    pub fn parse_without(text: &str, delimiters: &[char]) -> Result<Self, TextError> {
        refuse(text, |c| delimiters.contains(&c))?;
        Self::parse(text)
    }

    /// Keeps of a name what is safe everywhere, in a dial-string too: letters and digits of any script with their marks,
    /// blanks (one at a time, none at the ends) and `.-'`. At most 80 characters; possibly empty. Never fails.
    pub fn reduce(name: &str) -> Self {
        let mut kept = String::new();
        let mut characters = 0;
        for c in name.chars() {
            let c = if c.is_whitespace() { ' ' } else { c };
            let known = c.is_alphanumeric() || matches!(c, '.' | '-' | '\'') || is_mark(c);
            let blank = c == ' ' && !kept.is_empty() && !kept.ends_with(' ');
            if known || blank {
                kept.push(c);
                characters += 1;
            }
            if characters == 80 {
                break;
            }
        }
        // A name cut from "ARRAY::x" is "ARRAYx": the colon is gone, and so is every other opening.
        Self(kept.trim_end().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Combining marks of the blocks that names use; without them a decomposed `é` would lose its accent.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}')
}

/// Text from outside that is one word of an application's argument or of an `api` command: a number, an extension, a
/// domain, a unique id. Not empty; ASCII letters, digits and `*#+-_.@:/`; at most [`ChannelWord::LONGEST`] bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelWord(Box<str>);

impl ChannelWord {
    /// The longest word, in bytes.
    pub const LONGEST: usize = 256;

    /// Takes the word, or says what stands in the way.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > Self::LONGEST {
            return Err(TextError::TooLong { limit: Self::LONGEST });
        }
        refuse(text, |c| {
            !(c.is_ascii_alphanumeric()
                || matches!(c, '*' | '#' | '+' | '-' | '_' | '.' | '@' | ':' | '/'))
        })?;
        if names_the_module(text) {
            return Err(TextError::Module);
        }
        Ok(Self(text.into()))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the operator set and FreeSWITCH shall read as one word: a prompt (`ivr/ivr-please_enter_pin.wav`,
/// `tone_stream://%(200,0,800)`), a context, a queue. Checked when the configuration is read.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct SettingText(Box<str>);

impl SettingText {
    /// The longest setting, in bytes.
    pub const LONGEST: usize = 1024;

    /// Takes the word: not empty, printable, without blanks, `$`, `\`, quotes.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > Self::LONGEST {
            return Err(TextError::TooLong { limit: Self::LONGEST });
        }
        refuse(text, |c| {
            is_control(c) || c.is_whitespace() || matches!(c, '$' | '\\' | '\'' | '"' | '`')
        })?;
        if names_the_module(text) {
            return Err(TextError::Module);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SettingText {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

/// The value of a header that we send: any text on one line. FreeSWITCH would cut leading blanks, and a bare `\r` would
/// swallow the lines behind it (tried), so neither can be in here.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WireText(Box<str>);

impl WireText {
    /// The longest value, in bytes; FreeSWITCH reads headers one byte at a time (695 us for 1,000 bytes).
    pub const LONGEST: usize = 8 * 1024;

    /// Takes the value, or says what stands in the way.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.len() > Self::LONGEST {
            return Err(TextError::TooLong { limit: Self::LONGEST });
        }
        refuse(text, |c| matches!(c, '\r' | '\n' | '\0'))?;
        if text.starts_with([' ', '\t']) {
            return Err(TextError::LeadingBlank);
        }
        if names_the_module(text) {
            return Err(TextError::Module);
        }
        Ok(Self(text.into()))
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ChannelWord> for WireText {
    fn from(word: ChannelWord) -> Self {
        Self(word.0)
    }
}

impl From<SettingText> for WireText {
    fn from(text: SettingText) -> Self {
        Self(text.0)
    }
}

/// What the four types have in common: they are shown as they are.
macro_rules! shown {
    ($($kind:ident),*) => {$(
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($kind), "({:?})"), &*self.0)
            }
        }

        impl std::str::FromStr for $kind {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::parse(text)
            }
        }
    )*};
}

shown!(ChannelText, ChannelWord, SettingText, WireText);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Names that somebody could put into a directory, a database or a display name to harm us.
    const HOSTILE: &[&str] = &[
        "${system(id)}",
        "$${domain}",
        "Sons $100",
        "^^|a=b",
        "  ^^|a=b",
        "ARRAY::a|:b",
        "a\nb",
        "a\r\nb",
        "a\0b",
        "a\\nb",
        "tab\tbed",
        "next\u{85}line",
        "line\u{2028}separator",
        "reload mod_event_socket",
    ];

    #[test]
    fn hostile_names_are_no_channel_text() {
        for name in HOSTILE {
            assert!(ChannelText::parse(name).is_err(), "{name:?} was taken");
        }
    }

    #[test]
    fn names_of_people_are_channel_text_as_they_are() {
        for name in
            ["Acme Ltd / O'Brien & Søn", "Ada Lovelace", "李小龍", "]]>", "Zoë \"Z\" 🙂", ""]
        {
            assert_eq!(ChannelText::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_delimiter_in_use_is_refused() {
        assert!(ChannelText::parse_without("a|b", &['|']).is_err());
        assert!(ChannelText::parse_without("a,b", &['|']).is_ok());
    }

    #[test]
    fn a_reduced_name_keeps_letters_and_loses_syntax() {
        assert_eq!(
            ChannelText::reduce("  Jean-Luc   O'Brien jr. ").as_str(),
            "Jean-Luc O'Brien jr."
        );
        assert_eq!(ChannelText::reduce("Zoe\u{308} 李").as_str(), "Zoe\u{308} 李");
        assert_eq!(ChannelText::reduce("${system(id)}").as_str(), "systemid");
        assert_eq!(ChannelText::reduce("^^|a=b").as_str(), "ab");
        assert_eq!(ChannelText::reduce("🙂]]>\r\n").as_str(), "");
        assert_eq!(ChannelText::reduce(&"x".repeat(500)).as_str().len(), 80);
    }

    #[test]
    fn words_settings_and_headers_refuse_what_would_split_them() {
        for text in ["", "a b", "a$b", "a'b", "a|b", "ä", "a,b", "a\n"] {
            assert!(ChannelWord::parse(text).is_err(), "{text:?} was taken for a word");
        }
        for text in ["1001", "*11", "+4930123", "a-b_c.example.net", "1001@hotdesk.test", "fe80::1"]
        {
            assert!(ChannelWord::parse(text).is_ok(), "{text:?} was refused");
        }
        for text in ["", "a b", "${x}", "a\"b", "a\\b", "a\rb"] {
            assert!(SettingText::parse(text).is_err(), "{text:?} was taken for a setting");
        }
        assert!(SettingText::parse("tone_stream://%(200,0,800)").is_ok());
        for text in ["a\nb", "a\rb", "a\0b", " a", "reload mod_Event_Socket"] {
            assert!(WireText::parse(text).is_err(), "{text:?} was taken for a header");
        }
        assert!(WireText::parse("check-sync;reboot=false").is_ok());
    }

    proptest! {
        #[test]
        fn no_channel_text_holds_what_freeswitch_acts_on(text in any::<String>()) {
            for taken in [ChannelText::parse(&text).ok(), Some(ChannelText::reduce(&text))].into_iter().flatten() {
                prop_assert!(!taken.as_str().contains(['$', '\\', '\r', '\n', '\0']));
                prop_assert!(!taken.as_str().trim_start().starts_with("^^"));
                prop_assert!(!taken.as_str().trim_start().starts_with("ARRAY::"));
            }
            let reduced = ChannelText::reduce(&text);
            let syntax: &[char] = &['{', '}', '[', ']', '<', '>', ',', '|', '^', '=', '"', ':', '(', '%'];
            prop_assert!(!reduced.as_str().contains(syntax));
            prop_assert!(ChannelText::parse(reduced.as_str()).is_ok());
        }
    }
}
