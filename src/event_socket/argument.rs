//! The argument of an application or of an `api` command, put together from parts that cannot do harm.

use std::fmt;

use super::text::{ChannelText, ChannelWord, SettingText};

/// An argument. It is built from our own literals, numbers, settings, and outside text that was checked:
///
/// ```
/// use hotdeskd::event_socket::{Argument, ChannelText};
///
/// let name = ChannelText::parse("Acme Ltd / O'Brien & Søn")?;
/// let argument = Argument::literal("effective_caller_id_name=").then_text(&name);
/// assert_eq!(argument.as_str(), "effective_caller_id_name=Acme Ltd / O'Brien & Søn");
/// # Ok::<(), hotdeskd::event_socket::TextError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Argument(String);

impl Argument {
    /// Begins with text of our own.
    pub fn literal(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// Begins with a number.
    pub fn number(number: u64) -> Self {
        Self(number.to_string())
    }

    /// Begins with one word from outside.
    pub fn word(word: &ChannelWord) -> Self {
        Self(word.as_str().to_owned())
    }

    /// Begins with a setting.
    pub fn setting(setting: &SettingText) -> Self {
        Self(setting.as_str().to_owned())
    }

    /// Is a text from outside.
    pub fn text(text: &ChannelText) -> Self {
        Self(text.as_str().to_owned())
    }

    /// Goes on with text of our own.
    pub fn then_literal(self, text: &'static str) -> Self {
        self.then(text)
    }

    /// Goes on with a number.
    pub fn then_number(self, number: u64) -> Self {
        self.then(&number.to_string())
    }

    /// Goes on with one word from outside.
    pub fn then_word(self, word: &ChannelWord) -> Self {
        self.then(word.as_str())
    }

    /// Goes on with a setting.
    pub fn then_setting(self, setting: &SettingText) -> Self {
        self.then(setting.as_str())
    }

    /// Goes on with text from outside. Where the application splits at blanks this has to be the last part; for a list
    /// with a delimiter see [`ChannelText::parse_without`].
    pub fn then_text(self, text: &ChannelText) -> Self {
        self.then(text.as_str())
    }

    /// The argument as FreeSWITCH gets it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends.
    fn then(mut self, text: &str) -> Self {
        self.0.push_str(text);
        self
    }
}

impl From<&'static str> for Argument {
    fn from(text: &'static str) -> Self {
        Self::literal(text)
    }
}

/// Says only how long it is: an argument may hold what no log shall.
impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Argument({} bytes)", self.0.len())
    }
}
