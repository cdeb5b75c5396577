//! When people are logged out at a desk by themselves: at a time of the day, after hours without a call, or never.
//!
//! Whether somebody is due follows from when the session began and from now alone. So a daemon that was not there at
//! the moment does it late and once, and no clock that is set, forward or back, makes it happen twice for a session.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::{Bounded, EndReason, Zone};

/// The longest idle time, in minutes: a week.
const MOST_IDLE: u32 = 7 * 24 * 60;

/// When people are logged out at a desk: `20:00`, `4h`, `20:00 4h`, `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AutoLogout {
    /// At this time of each day.
    at: Option<TimeOfDay>,
    /// When there was no call for so many minutes.
    idle: Option<u32>,
}

impl AutoLogout {
    /// Whether that is never.
    pub fn is_never(self) -> bool {
        self == Self::default()
    }

    /// Whether it matters when the last call was.
    pub fn asks_for_calls(self) -> bool {
        self.idle.is_some()
    }

    /// Why somebody is to be logged out now who sits there since `since` and had the last call at `call`, if so.
    pub fn due(
        self,
        since: Timestamp,
        call: Option<Timestamp>,
        zone: &Zone,
        now: Timestamp,
    ) -> Option<EndReason> {
        if self.at.and_then(|at| at.last(zone, now)).is_some_and(|last| since < last) {
            return Some(EndReason::TimeOfDay);
        }
        let active = call.map_or(since, |call| call.max(since));
        let idle = SignedDuration::from_mins(i64::from(self.idle?));
        (now.duration_since(active) >= idle).then_some(EndReason::Idle)
    }
}

impl FromStr for AutoLogout {
    type Err = InvalidAutoLogout;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rule = Self::default();
        let text = text.trim().to_ascii_lowercase();
        if text == "never" {
            return Ok(rule);
        }
        for word in text.split_ascii_whitespace() {
            if word.contains(':') && rule.at.is_none() {
                rule.at = Some(word.parse().map_err(|_| InvalidAutoLogout)?);
            } else if rule.idle.is_none() {
                rule.idle = Some(minutes(word).ok_or(InvalidAutoLogout)?);
            } else {
                return Err(InvalidAutoLogout);
            }
        }
        if rule.is_never() { Err(InvalidAutoLogout) } else { Ok(rule) }
    }
}

/// `4h`, `90m`.
fn minutes(word: &str) -> Option<u32> {
    let (number, unit) = match (word.strip_suffix('h'), word.strip_suffix('m')) {
        (Some(hours), _) => (hours, 60),
        (None, Some(minutes)) => (minutes, 1),
        (None, None) => return None,
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let minutes = number.parse::<u32>().ok()?.checked_mul(unit)?;
    (1..=MOST_IDLE).contains(&minutes).then_some(minutes)
}

impl fmt::Display for AutoLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.map(|at| at.to_string());
        let idle = self.idle.map(|minutes| match minutes % 60 {
            0 => format!("{}h", minutes / 60),
            _ => format!("{minutes}m"),
        });
        let words: Vec<String> = at.into_iter().chain(idle).collect();
        f.write_str(if words.is_empty() { "never" } else { "" })?;
        f.write_str(&words.join(" "))
    }
}

impl TryFrom<String> for AutoLogout {
    type Error = InvalidAutoLogout;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AutoLogout> for String {
    fn from(rule: AutoLogout) -> Self {
        rule.to_string()
    }
}

/// The text does not say when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a time of the day (`20:00`), hours or minutes without a call (`4h`, `90m`, at most 168h), both (`20:00 4h`), or `never`"
)]
pub struct InvalidAutoLogout;

/// A time of the day, to the minute: `20:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(Time);

impl TimeOfDay {
    /// When it last was that time there, now included. A time that a night does not have is as much later as the clock
    /// was set, and of one that comes twice the first counts.
    fn last(self, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(zone.time_zone().clone()).date();
        // A zone that leaves a day out has the one before.
        let days = [Some(today), today.checked_sub(1.day()).ok(), today.checked_sub(2.days()).ok()];
        let times = days.into_iter().flatten().filter_map(|day| {
            let moment = day.to_datetime(self.0).to_zoned(zone.time_zone().clone());
            moment.ok().map(|moment| moment.timestamp())
        });
        times.filter(|time| *time <= now).max()
    }
}

impl FromStr for TimeOfDay {
    type Err = InvalidTimeOfDay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str, least, most| {
            let is_number = (least..=2).contains(&text.len());
            let number = text.parse::<i8>().ok().filter(|number| (0..=most).contains(number));
            number.filter(|_| is_number && text.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let (hour, rest) = text.split_once(':').ok_or(InvalidTimeOfDay)?;
        // A spreadsheet shows seconds.
        let minute = rest.strip_suffix(":00").unwrap_or(rest);
        let (hour, minute) = (number(hour, 1, 23), number(minute, 2, 59));
        let time = hour.zip(minute).and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
        time.map(Self).ok_or(InvalidTimeOfDay)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = InvalidTimeOfDay;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// The text is no time of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a time of the day from \"00:00\" to \"23:59\"")]
pub struct InvalidTimeOfDay;

/// The table `[logout]`: when people are logged out at desks that say nothing of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogoutSettings {
    /// At this time of each day.
    pub at: Option<TimeOfDay>,
    /// Where that time is; this machine's zone where absent.
    pub time_zone: Option<Zone>,
    /// After so many hours without a call; 0: never.
    pub idle_hours: Bounded<0, 168, 0>,
    /// For so many minutes after an emergency call nobody is logged out at its phone.
    pub after_emergency_minutes: Bounded<0, 1440, 60>,
}

impl LogoutSettings {
    /// What holds for a desk that says nothing of its own.
    pub fn rule(&self) -> AutoLogout {
        let idle = self.idle_hours.get() * 60;
        AutoLogout { at: self.at, idle: (idle > 0).then_some(idle) }
    }

    /// Where times of the day are.
    pub fn zone(&self) -> Zone {
        self.time_zone.clone().unwrap_or_else(Zone::of_this_machine)
    }
}

#[cfg(test)]
mod tests;
