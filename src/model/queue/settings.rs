//! The table `[queues]`: what holds for all queues, where a team says nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::model::{Destination, Strategy, Variables};

/// Which module of FreeSWITCH queues callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueModule {
    /// mod_callcenter: agents, strategies, statistics.
    #[default]
    CallCenter,
    /// mod_fifo: first in, first out; everybody rings.
    Fifo,
}

/// The table `[queues]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueSettings {
    /// Which module queues callers.
    pub module: QueueModule,
    /// How agents are chosen.
    pub strategy: Strategy,
    /// What callers hear while they wait.
    pub music: Music,
    /// Seconds that a caller waits at most; 0: for ever.
    pub max_wait: u32,
    /// Seconds that a caller waits at most while nobody is logged in; 0: for ever.
    pub max_wait_with_no_agent: u32,
    /// Where a caller goes who waited too long.
    pub overflow: Destination,
    /// After how many calls in a row that an agent leaves unanswered the agent is `On Break`; 0: never.
    pub max_no_answer: u32,
    /// Seconds of rest after a call.
    pub wrap_up_time: u32,
    /// Seconds until an agent who rejected a call is offered the next.
    pub reject_delay: u32,
    /// The same for an agent whose phone was busy.
    pub busy_delay: u32,
    /// The same for an agent who did not answer.
    pub no_answer_delay: u32,
    /// Further parameters of every queue, by mod_callcenter's names.
    pub params: QueueParams,
    /// What the operator's own `callcenter.conf` has in its `<settings>`: our answer stands before it.
    pub settings: ModuleSettings,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            module: QueueModule::default(),
            strategy: Strategy::default(),
            music: Music::default(),
            max_wait: 0,
            // FreeSWITCH's own 0 is for ever.
            max_wait_with_no_agent: 10,
            overflow: Destination::HangUp,
            max_no_answer: 3,
            wrap_up_time: 10,
            reject_delay: 10,
            busy_delay: 60,
            no_answer_delay: 10,
            params: QueueParams::default(),
            settings: ModuleSettings::default(),
        }
    }
}

/// The module's `<settings>`, by its names. A database's name may hold a password, so no value is ever shown.
#[derive(Clone, Default, Deserialize)]
pub struct ModuleSettings(BTreeMap<String, SecretString>);

impl ModuleSettings {
    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose_secret()))
    }
}

impl PartialEq for ModuleSettings {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ModuleSettings {}

impl fmt::Debug for ModuleSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Serialize for ModuleSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.keys().map(|name| (name, "(hidden)")))
    }
}

/// What is played to those who wait: a file or stream by FreeSWITCH's name for it, at most 255 bytes without `$`, `\`,
/// quotes, `|` and control characters.
///
/// FreeSWITCH expands `${…}` in it when it plays (`switch_channel_expand_variables` in mod_callcenter.c), and it may come
/// from a directory server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Music(Box<str>);

impl Music {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Music {
    fn default() -> Self {
        Self("local_stream://moh".into())
    }
}

impl FromStr for Music {
    type Err = InvalidMusic;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused =
            |c: char| c.is_control() || matches!(c, '$' | '\\' | '\'' | '"' | '|' | '<' | '>');
        if (1..=255).contains(&text.len()) && text.trim() == text && !text.contains(refused) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidMusic)
        }
    }
}

impl TryFrom<String> for Music {
    type Error = InvalidMusic;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Music> for String {
    fn from(music: Music) -> Self {
        music.0.into()
    }
}

/// The text is no sound for those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a sound file or stream, as in \"local_stream://moh\": at most 255 bytes without `$`, `\\`, quotes, `|`, `<` and `>`"
)]
pub struct InvalidMusic;

/// The number that people dial for a queue: 1 to 15 digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QueueNumber(Box<str>);

impl QueueNumber {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for QueueNumber {
    type Err = InvalidQueueNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidQueueNumber)
        }
    }
}

impl TryFrom<String> for QueueNumber {
    type Error = InvalidQueueNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<QueueNumber> for String {
    fn from(number: QueueNumber) -> Self {
        number.0.into()
    }
}

/// The text is no number for a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the number that people dial for the queue: 1 to 15 digits")]
pub struct InvalidQueueNumber;

/// Further parameters of mod_callcenter's `<queue>`, without those that have a setting of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Variables", into = "Variables")]
pub struct QueueParams(Variables);

/// Parameters with a setting of their own, and that setting.
const OWN: [(&str, &str); 4] = [
    ("strategy", "strategy"),
    ("moh-sound", "music"),
    ("max-wait-time", "max_wait"),
    ("max-wait-time-with-no-agent", "max_wait_with_no_agent"),
];

impl QueueParams {
    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }
}

impl TryFrom<Variables> for QueueParams {
    type Error = InvalidQueueParam;

    fn try_from(params: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        for (name, value) in &params {
            if let Some((_, setting)) = OWN.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
                return Err(InvalidQueueParam::HasSetting { name: name.clone(), setting });
            }
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let is_name = (1..=60).contains(&name.len()) && name.bytes().all(plain);
            if !is_name || value.len() > 500 || value.contains(char::is_control) {
                return Err(InvalidQueueParam::Form { name: name.clone() });
            }
        }
        Ok(Self(params))
    }
}

impl From<QueueParams> for Variables {
    fn from(params: QueueParams) -> Self {
        params.0
    }
}

/// A parameter that cannot stand among those of a queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQueueParam {
    /// There is a setting for it.
    #[error("`{name}` has a setting of its own: write it as `{setting}`")]
    HasSetting {
        /// The parameter.
        name: String,
        /// The setting.
        setting: &'static str,
    },
    /// It is none of mod_callcenter's.
    #[error(
        "`{name}` is no parameter of a queue: expected mod_callcenter's name for it, lower-case letters and `-`, and one line of at most 500 bytes"
    )]
    Form {
        /// The parameter.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn music_is_nothing_that_freeswitch_would_run() {
        for text in ["local_stream://moh", "/srv/music/with space.wav", "silence_stream://-1"] {
            assert!(text.parse::<Music>().is_ok(), "{text}");
        }
        for text in ["", " x", "${system(id)}", "$${hold_music}", "a|b", "a\nb", "a'b", "a\\b"] {
            assert!(text.parse::<Music>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_parameter_with_a_setting_of_its_own_is_refused() {
        let params = |name: &str, value: &str| {
            QueueParams::try_from(Variables::from([(name.to_owned(), value.to_owned())]))
        };
        assert!(params("announce-frequency", "30").is_ok());
        for name in ["strategy", "moh-sound", "max-wait-time", "max-wait-time-with-no-agent"] {
            assert!(matches!(params(name, "1"), Err(InvalidQueueParam::HasSetting { .. })));
        }
        for (name, value) in [("", "1"), ("a b", "1"), ("a", "1\n2"), ("a\"/>", "1")] {
            assert!(matches!(params(name, value), Err(InvalidQueueParam::Form { .. })), "{name}");
        }
    }
}
