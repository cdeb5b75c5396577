//! When a team is there: hours of the week, holidays, in the team's own time zone.
//!
//! What counts is what a clock on the team's wall shows. So a night on which the clock is set needs no rule of its own:
//! an hour that does not exist is never asked for, and one that comes twice is open both times.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// The days as they are written, from Monday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Hours of the week: `mon-fri 08:00-12:00, 13:00-17:30`, `sat,sun 10:00-14:00`, `daily 22:00-06:00`.
///
/// Hours that end before they begin go on into the next day, and belong to the day on which they began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    /// As it was written.
    text: Box<str>,
    /// On which days, from Monday.
    days: [bool; 7],
    /// From and until, in minutes of the day; until is at most 24:00.
    spans: Vec<(u16, u16)>,
}

impl Hours {
    /// Whether they hold at this time of this weekday, for a day that has hours at all; `yesterday` says whether the
    /// day before has.
    fn hold(&self, now: DateTime, today: bool, yesterday: bool) -> bool {
        let minute = minute_of(now);
        let weekday = now.date().weekday();
        let (on, before) = (self.is_on(weekday), self.is_on(weekday.previous()));
        self.spans.iter().any(|&(from, until)| {
            if from < until {
                on && today && (from..until).contains(&minute)
            } else {
                (on && today && minute >= from) || (before && yesterday && minute < until)
            }
        })
    }

    fn is_on(&self, day: Weekday) -> bool {
        self.days.get(index(day)).copied().unwrap_or_default()
    }
}

fn index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()
}

fn minute_of(now: DateTime) -> u16 {
    let minutes = i32::from(now.hour()) * 60 + i32::from(now.minute());
    u16::try_from(minutes).unwrap_or_default()
}

impl FromStr for Hours {
    type Err = InvalidHours;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (days, spans) = text.trim().split_once(char::is_whitespace).ok_or(InvalidHours)?;
        let days = days_of(days).ok_or(InvalidHours)?;
        let spans: Option<Vec<_>> = spans.split(',').map(|span| span_of(span.trim())).collect();
        Ok(Self { text: text.into(), days, spans: spans.ok_or(InvalidHours)? })
    }
}

/// `mon-fri`, `sat,sun`, `daily`.
fn days_of(text: &str) -> Option<[bool; 7]> {
    let text = text.to_ascii_lowercase();
    if text == "daily" {
        return Some([true; 7]);
    }
    let mut days = [false; 7];
    let place = |name: &str| DAYS.iter().position(|day| *day == name);
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        let count = (last + 7 - first) % 7;
        for offset in 0..=count {
            *days.get_mut((first + offset) % 7)? = true;
        }
    }
    Some(days)
}

/// `08:00-17:30`.
fn span_of(text: &str) -> Option<(u16, u16)> {
    let (from, until) = text.split_once('-')?;
    let (from, until) = (minutes_of(from)?, minutes_of(until)?);
    (from < DAY && from != until && until > 0).then_some((from, until))
}

/// `08:00`, and `24:00` for the end of a day.
fn minutes_of(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let is_time = |part: &str, most| {
        (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    if !is_time(hours, 2) || !is_time(minutes, 2) || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= DAY).then_some(all)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Hours {
    type Error = InvalidHours;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.text.into()
    }
}

/// The text is no hours of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected days and hours, as in \"mon-fri 08:00-12:00, 13:00-17:30\", \"sat,sun 10:00-14:00\" or \"daily 22:00-06:00\""
)]
pub struct InvalidHours;

/// A day on which nobody is there: `12-25` in every year, or `2026-04-06`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Holiday {
    /// In this year only.
    year: Option<i16>,
    month: i8,
    day: i8,
}

impl Holiday {
    fn is_on(self, day: Date) -> bool {
        self.year.is_none_or(|year| year == day.year())
            && (self.month, self.day) == (day.month(), day.day())
    }
}

impl FromStr for Holiday {
    type Err = InvalidHoliday;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |part: &str, count| {
            (part.len() == count && part.bytes().all(|b| b.is_ascii_digit())).then_some(())
        };
        let number = |part: &str| digits(part, 2).and_then(|()| part.parse::<i8>().ok());
        let parts: Vec<&str> = text.split('-').collect();
        let (year, month, day) = match parts.as_slice() {
            [month, day] => (None, *month, *day),
            [year, month, day] => {
                let year = digits(year, 4).and_then(|()| year.parse().ok());
                (Some(year.ok_or(InvalidHoliday)?), *month, *day)
            }
            _ => return Err(InvalidHoliday),
        };
        let (month, day) =
            (number(month).ok_or(InvalidHoliday)?, number(day).ok_or(InvalidHoliday)?);
        // In a leap year, so that 02-29 is a day of every year that has it.
        Date::new(year.unwrap_or(2024), month, day).map_err(|_| InvalidHoliday)?;
        Ok(Self { year, month, day })
    }
}

impl fmt::Display for Holiday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(year) = self.year {
            write!(f, "{year:04}-")?;
        }
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl TryFrom<String> for Holiday {
    type Error = InvalidHoliday;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Holiday> for String {
    fn from(holiday: Holiday) -> Self {
        holiday.to_string()
    }
}

/// The text is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a day of every year, as in \"12-25\", or of one year, as in \"2026-04-06\"")]
pub struct InvalidHoliday;

/// A time zone by its IANA name: `Europe/Vienna`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: Box<str>,
    zone: TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), zone: TimeZone::UTC }
    }

    /// The time zone of this machine; UTC where it has none with a name.
    pub fn of_this_machine() -> Self {
        let zone = TimeZone::system();
        match zone.iana_name().map(Box::from) {
            Some(name) => Self { name, zone },
            None => Self::utc(),
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Its rules.
    pub(super) fn time_zone(&self) -> &TimeZone {
        &self.zone
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let zone = TimeZone::get(text).map_err(|_| InvalidZone)?;
        Ok(Self { name: text.into(), zone })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name.into()
    }
}

/// The text names no time zone that this machine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a time zone such as \"Europe/Vienna\" that this machine knows (package tzdata)")]
pub struct InvalidZone;

/// Whether a team is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It is.
    Open,
    /// Not at this hour.
    Closed,
    /// It is a holiday.
    Holiday,
}

/// Whether somebody with these hours (none: always) and holidays is there.
pub fn opening(hours: &[Hours], holidays: &[Holiday], zone: &Zone, now: Timestamp) -> Opening {
    let local = zone.zone.to_datetime(now);
    let today = local.date();
    let is_holiday = |day: Date| holidays.iter().any(|holiday| holiday.is_on(day));
    // The first day that there is has no day before it, and no call either.
    let yesterday = today.yesterday().unwrap_or_else(|_| date(1, 1, 1));
    let (free, was_free) = (is_holiday(today), is_holiday(yesterday));
    let open = match hours {
        [] => !free,
        hours => hours.iter().any(|hours| hours.hold(local, !free, !was_free)),
    };
    match (open, free) {
        (true, _) => Opening::Open,
        (false, true) => Opening::Holiday,
        (false, false) => Opening::Closed,
    }
}

#[cfg(test)]
mod tests;
