//! The tables `[dialplan]` and `[emergency]` of the configuration.

mod values;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::CallerNumber;
pub use crate::model::Flow;

pub use values::{
    ContextName, DialCode, DialledNumber, InvalidContextName, InvalidDialCode,
    InvalidDialledNumber, InvalidRoute, InvalidServiceNumber, InvalidSocketHost, Route,
    ServiceNumber, SocketHost,
};

/// The table `[dialplan]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DialplanSettings {
    /// The operator's own context, where calls go once it is known whose they are.
    pub context: ContextName,
    /// What a nobody's phone may call besides emergency numbers: reception, helpdesk.
    pub free_numbers: Vec<DialledNumber>,
    /// The dial codes.
    pub codes: Codes,
    /// Where FreeSWITCH finds the daemons, tried in this order; empty: our own listener.
    pub hosts: Vec<SocketHost>,
    /// Seconds after which FreeSWITCH itself hangs up on a dialogue with us, 30 to 3600
    /// (`park_timeout`): the bound for a daemon that accepted a call and then hangs.
    #[serde(deserialize_with = "dialogue_seconds")]
    pub dialogue_seconds: u16,
}

impl Default for DialplanSettings {
    fn default() -> Self {
        Self {
            context: known("default"),
            free_numbers: Vec::new(),
            codes: Codes::default(),
            hosts: Vec::new(),
            dialogue_seconds: 180,
        }
    }
}

impl DialplanSettings {
    /// The hosts for `socket`: those that are set, else `listener`.
    pub fn hosts_or(&self, listener: SocketAddr) -> Vec<SocketHost> {
        if self.hosts.is_empty() { vec![SocketHost::from(listener)] } else { self.hosts.clone() }
    }
}

/// The dial codes; `false` switches one off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedCodes")]
pub struct Codes {
    /// `*11`, `*11<ext>`: log in here, out everywhere else.
    pub login: CodeSetting,
    /// `*12`, `*12<ext>`: log in here too.
    pub login_also: CodeSetting,
    /// `*13`: log this phone out.
    pub logout: CodeSetting,
    /// `*14`, `*14<ext>`: log a user out of all phones.
    pub logout_everywhere: CodeSetting,
    /// `*15`: who is logged in here.
    pub who: CodeSetting,
    /// `*19`: restart this phone.
    pub restart_phone: CodeSetting,
}

impl Default for Codes {
    fn default() -> Self {
        let on = |code| CodeSetting::On(known(code));
        Self {
            login: on("*11"),
            login_also: on("*12"),
            logout: on("*13"),
            logout_everywhere: on("*14"),
            who: on("*15"),
            restart_phone: on("*19"),
        }
    }
}

impl Codes {
    /// Every code that is on, with its flow.
    pub fn enabled(&self) -> impl Iterator<Item = (Flow, &DialCode)> {
        [
            (Flow::Login, &self.login),
            (Flow::LoginAlso, &self.login_also),
            (Flow::Logout, &self.logout),
            (Flow::LogoutEverywhere, &self.logout_everywhere),
            (Flow::Who, &self.who),
            (Flow::RestartPhone, &self.restart_phone),
        ]
        .into_iter()
        .filter_map(|(flow, setting)| match setting {
            CodeSetting::On(code) => Some((flow, code)),
            CodeSetting::Off => None,
        })
    }
}

/// A code that is on, or `false`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CodeText", into = "CodeText")]
pub enum CodeSetting {
    /// This code.
    On(DialCode),
    /// No code for this flow.
    Off,
}

/// What may stand in the file for a [`CodeSetting`].
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a dial code such as \"*11\", or false to switch it off")]
enum CodeText {
    Switch(bool),
    Code(String),
}

impl TryFrom<CodeText> for CodeSetting {
    type Error = InvalidDialCode;

    fn try_from(text: CodeText) -> Result<Self, Self::Error> {
        match text {
            CodeText::Switch(false) => Ok(Self::Off),
            CodeText::Switch(true) => Err(InvalidDialCode),
            CodeText::Code(code) => Ok(Self::On(code.parse()?)),
        }
    }
}

impl From<CodeSetting> for CodeText {
    fn from(setting: CodeSetting) -> Self {
        match setting {
            CodeSetting::On(code) => Self::Code(code.into()),
            CodeSetting::Off => Self::Switch(false),
        }
    }
}

/// The codes each for itself, before they are compared with one another.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct UncheckedCodes {
    login: CodeSetting,
    login_also: CodeSetting,
    logout: CodeSetting,
    logout_everywhere: CodeSetting,
    who: CodeSetting,
    restart_phone: CodeSetting,
}

impl Default for UncheckedCodes {
    fn default() -> Self {
        let codes = Codes::default();
        Self {
            login: codes.login,
            login_also: codes.login_also,
            logout: codes.logout,
            logout_everywhere: codes.logout_everywhere,
            who: codes.who,
            restart_phone: codes.restart_phone,
        }
    }
}

impl TryFrom<UncheckedCodes> for Codes {
    type Error = CodesClash;

    fn try_from(codes: UncheckedCodes) -> Result<Self, Self::Error> {
        let codes = Self {
            login: codes.login,
            login_also: codes.login_also,
            logout: codes.logout,
            logout_everywhere: codes.logout_everywhere,
            who: codes.who,
            restart_phone: codes.restart_phone,
        };
        let enabled: Vec<_> = codes.enabled().collect();
        for (index, (flow, code)) in enabled.iter().enumerate() {
            for (other_flow, other) in enabled.iter().skip(index + 1) {
                // `*1` with an extension behind it would swallow `*11`: 1 and more digits.
                let swallows = |long: &DialCode, short: &DialCode, flow: &Flow| {
                    flow.takes_extension() && long.as_str().starts_with(short.as_str())
                };
                if code == other || swallows(other, code, flow) || swallows(code, other, other_flow)
                {
                    return Err(CodesClash((*code).clone(), (*other).clone()));
                }
            }
        }
        Ok(codes)
    }
}

/// Two codes that a caller could not tell apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the codes {0} and {1} cannot both be dialled: each must differ, and none may begin with a code \
     that takes an extension behind it; change one of them"
)]
pub struct CodesClash(DialCode, DialCode);

/// The table `[standing]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StandingSettings {
    /// The folder of the standing files; `<data>/freeswitch` unless set.
    pub folder: Option<PathBuf>,
    /// The group of FreeSWITCH, by name, which may read them.
    pub group: Option<String>,
    /// For how many minutes changes of desk sessions are gathered before FreeSWITCH reads them.
    pub gather_minutes: u16,
}

impl Default for StandingSettings {
    fn default() -> Self {
        Self { folder: None, group: None, gather_minutes: 5 }
    }
}

/// The table `[emergency]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmergencySettings {
    /// The emergency numbers.
    pub numbers: Vec<DialledNumber>,
    /// What people dial before outside numbers, out of habit before these too (`0999`). Each
    /// number works with and without each of these.
    pub trunk_prefixes: Vec<DialledNumber>,
    /// The ways out, tried in this order. None: the operator's own context gets the call.
    pub routes: Vec<Route>,
    /// The site's own number: what a desk shows that has none of its own.
    pub caller_id: Option<CallerNumber>,
    /// How long a call back to the caller ID rings the phone that made the emergency call, in
    /// minutes, at most a week; 0 switches it off.
    #[serde(deserialize_with = "callback_minutes")]
    pub callback_minutes: u16,
    /// How many of the last digits must agree for a call to count as a call back, 2 to 15. Trunks
    /// deliver one number in many forms (`+4312345`, `004312345`, `012345`), which agree at their
    /// ends; fewer where a trunk delivers fewer.
    #[serde(deserialize_with = "callback_digits")]
    pub callback_digits: u8,
    /// The operator's context where calls from outside arrive.
    pub callback_context: ContextName,
    /// Seconds that a route has to give a sign of life before the next one is tried, 3 to 60; the
    /// last route has as long as it rings.
    #[serde(deserialize_with = "failover_seconds")]
    pub failover_seconds: u8,
}

impl Default for EmergencySettings {
    fn default() -> Self {
        Self {
            numbers: vec![known("999"), known("112")],
            trunk_prefixes: vec![known("0")],
            routes: Vec::new(),
            caller_id: None,
            callback_minutes: 60,
            callback_digits: 6,
            callback_context: known("public"),
            failover_seconds: 10,
        }
    }
}

impl EmergencySettings {
    /// Every way to dial every emergency number, bare and behind each trunk prefix, with the bare
    /// number that goes out. What is itself a number is never taken for a prefix and another.
    pub fn dialled_and_bare(&self) -> Vec<(String, String)> {
        let text = |number: &DialledNumber| number.to_string();
        let mut ways: Vec<(String, String)> =
            self.numbers.iter().map(|number| (text(number), text(number))).collect();
        for prefix in &self.trunk_prefixes {
            for number in &self.numbers {
                let dialled = format!("{prefix}{number}");
                if ways.iter().all(|(known, _)| *known != dialled) {
                    ways.push((dialled, text(number)));
                }
            }
        }
        ways
    }

    /// What the operator should know about these settings, in sentences; empty when all is well.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.numbers.is_empty() {
            warnings.push(
                "emergency.numbers is empty: a phone that is nobody's can call no emergency service"
                    .to_owned(),
            );
        }
        if self.routes.is_empty() {
            warnings.push(
                "emergency.routes is empty: emergency calls are handed to your own dialplan, and \
                 whether a phone that is nobody's gets through is up to it; set routes, such as \
                 [\"sofia/gateway/trunk/$number\"]"
                    .to_owned(),
            );
        }
        if self.caller_id.is_none() {
            warnings.push(
                "emergency.caller_id is not set: a desk without an emergency number of its own shows \
                 none, and cannot be called back; set the site's main number"
                    .to_owned(),
            );
        }
        warnings
    }
}

fn dialogue_seconds<'de, D: serde::Deserializer<'de>>(value: D) -> Result<u16, D::Error> {
    within(u16::deserialize(value)?, 30, 3600, "seconds")
}

fn callback_minutes<'de, D: serde::Deserializer<'de>>(value: D) -> Result<u16, D::Error> {
    within(u16::deserialize(value)?, 0, 10_080, "minutes")
}

fn callback_digits<'de, D: serde::Deserializer<'de>>(value: D) -> Result<u8, D::Error> {
    within(u8::deserialize(value)?, 2, 15, "digits")
}

fn failover_seconds<'de, D: serde::Deserializer<'de>>(value: D) -> Result<u8, D::Error> {
    within(u8::deserialize(value)?, 3, 60, "seconds")
}

fn within<T, E>(value: T, least: T, most: T, unit: &str) -> Result<T, E>
where
    T: PartialOrd + std::fmt::Display,
    E: serde::de::Error,
{
    if value >= least && value <= most {
        Ok(value)
    } else {
        Err(E::custom(format!("expected {least} to {most} {unit}, found {value}")))
    }
}

/// A default of ours, which parses; a test reads every one.
#[allow(clippy::expect_used, reason = "only literals of this file come here, each under test")]
fn known<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("a default of ours parses")
}
