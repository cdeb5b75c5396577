//! The settings of the conversations: the tables `[pin]` and `[prompts]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::desk::PinMethod;
use crate::event_socket::SettingText;
use crate::model::GuardSettings;

/// The table `[pin]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PinSettings {
    /// `voicemail`: the voicemail PIN; `hash`: a hash of our own; `ldap`: the password at the LDAP server.
    pub method: PinMethod,
    /// How often a caller may try in one call.
    pub tries: Tries,
    /// When logging out asks for the PIN.
    pub logout: LogoutPin,
    /// Whether the initial PIN still counts beside one that the user set by phone.
    pub old_pin_valid: bool,
    /// The voicemail profile.
    pub voicemail_profile: ProfileName,
    /// How long after the last digit a refusal is spoken, in milliseconds; the PIN has to be checked
    /// within it.
    pub refusal_after_ms: Millis<500, 10_000>,
    /// When wrong PINs lock.
    pub guard: GuardSettings,
}

impl Default for PinSettings {
    fn default() -> Self {
        Self {
            method: PinMethod::default(),
            tries: Tries(3),
            logout: LogoutPin::default(),
            old_pin_valid: false,
            voicemail_profile: ProfileName("default".into()),
            refusal_after_ms: Millis(1_500),
            guard: GuardSettings::default(),
        }
    }
}

/// When logging out asks for the PIN. Logging out somebody else (`*14` with another's extension)
/// always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogoutPin {
    /// Always.
    #[default]
    Always,
    /// Only to log out at other phones than the one in hand.
    Elsewhere,
    /// Never for oneself.
    Never,
}

/// How often a caller may try: 1 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Tries(u8);

impl Tries {
    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Tries {
    type Error = &'static str;

    fn try_from(tries: u8) -> Result<Self, Self::Error> {
        if (1..=9).contains(&tries) {
            Ok(Self(tries))
        } else {
            Err("expected a number of tries from 1 to 9")
        }
    }
}

impl From<Tries> for u8 {
    fn from(tries: Tries) -> Self {
        tries.0
    }
}

/// A time in milliseconds within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Millis<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Millis<MIN, MAX> {
    /// The time.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl<const MIN: u64, const MAX: u64> TryFrom<u64> for Millis<MIN, MAX> {
    type Error = String;

    fn try_from(millis: u64) -> Result<Self, Self::Error> {
        if (MIN..=MAX).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(format!("expected a time from {MIN} to {MAX} milliseconds"))
        }
    }
}

impl<const MIN: u64, const MAX: u64> From<Millis<MIN, MAX>> for u64 {
    fn from(millis: Millis<MIN, MAX>) -> Self {
        millis.0
    }
}

/// A FreeSWITCH profile's name: 1 to 40 letters, digits, `-`, `_` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

impl ProfileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProfileName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=40).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name))
        } else {
            Err("expected a profile's name: 1 to 40 letters, digits, `-`, `_` or `.`")
        }
    }
}

impl From<ProfileName> for String {
    fn from(name: ProfileName) -> Self {
        name.0
    }
}

/// The table `[prompts]`: what callers hear. The defaults are FreeSWITCH's stock files, relative to
/// its `sound_prefix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prompts {
    /// Asks for the extension.
    pub extension: Prompt,
    /// Asks for the PIN.
    pub pin: Prompt,
    /// You are now logged in.
    pub logged_in: Prompt,
    /// You are now logged out.
    pub logged_out: Prompt,
    /// The one refusal: extension or PIN is not right, or something is locked.
    pub refused: Prompt,
    /// Nothing or something else was typed.
    pub invalid: Prompt,
    /// It cannot be done now; the store or FreeSWITCH did not answer.
    pub unavailable: Prompt,
    /// The end of the call.
    pub goodbye: Prompt,
    /// The language in which `*15` says an extension.
    pub language: Language,
    /// How long a caller may think before the first key, in milliseconds.
    pub first_key_ms: Millis<1_000, 60_000>,
    /// How long a caller may think between two keys, in milliseconds.
    pub next_key_ms: Millis<500, 30_000>,
}

impl Default for Prompts {
    #[expect(clippy::expect_used, reason = "the texts stand here, and every test makes them")]
    fn default() -> Self {
        let prompt = |file: &str| Prompt::try_from(file.to_owned()).expect("a stock prompt");
        Self {
            extension: prompt("ivr/ivr-please_enter_extension_followed_by_pound.wav"),
            pin: prompt("ivr/ivr-please_enter_pin_followed_by_pound.wav"),
            logged_in: prompt("ivr/ivr-you_are_now_logged_in.wav"),
            logged_out: prompt("ivr/ivr-you_are_now_logged_out.wav"),
            refused: prompt("ivr/ivr-pin_or_extension_is-invalid.wav"),
            invalid: prompt("ivr/ivr-that_was_an_invalid_entry.wav"),
            unavailable: prompt("tone_stream://%(500,500,480,620);loops=3"),
            goodbye: prompt("voicemail/vm-goodbye.wav"),
            language: Language("en".into()),
            first_key_ms: Millis(8_000),
            next_key_ms: Millis(4_000),
        }
    }
}

/// A sound that FreeSWITCH plays: a file name or a stream such as `tone_stream://%(200,0,500)`.
///
/// At most 200 visible ASCII characters without `$`, `|`, quotes, `\`, `{`, `}`, `[`, `]`, `^` or
/// spaces, because it stands in an application's argument that FreeSWITCH splits and expands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prompt(SettingText);

impl Prompt {
    /// As part of an application's argument.
    pub(super) fn setting(&self) -> &SettingText {
        &self.0
    }
}

impl TryFrom<String> for Prompt {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |b: u8| b.is_ascii_graphic() && !b"$|'\"\\`{}[]^".contains(&b);
        let short = (1..=200).contains(&text.len()) && text.bytes().all(allowed);
        SettingText::parse(&text).ok().filter(|_| short).map(Self).ok_or(
            "expected a sound file or stream of at most 200 visible ASCII characters, without spaces, quotes or any of $|\\{}[]^",
        )
    }
}

impl From<Prompt> for String {
    fn from(prompt: Prompt) -> Self {
        prompt.0.as_str().into()
    }
}

/// A language of FreeSWITCH's `say` modules (`en`, `de`, `pt-BR`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Language {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if (2..=10).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name))
        } else {
            Err("expected a language such as `en` or `pt-BR`")
        }
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}
