//! A moment as people say it.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, Zoned};

/// A moment: by the calendar and clock of a time zone, everywhere the same, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// `2026-11-22 08:00`, `2026-11-22`.
    Local(DateTime),
    /// `2026-11-22T08:00:00Z`.
    Exact(Timestamp),
    /// `30m`, `8h`, `7d`.
    Ago(SignedDuration),
}

impl When {
    /// Which moment that is. A time that a night does not have is as much later as the clock was set.
    pub(super) fn at(self, now: &Zoned) -> Timestamp {
        match self {
            Self::Local(local) => {
                let zoned = local.to_zoned(now.time_zone().clone());
                zoned.map_or(Timestamp::MIN, |zoned| zoned.timestamp())
            }
            Self::Exact(at) => at,
            Self::Ago(ago) => now.timestamp().checked_sub(ago).unwrap_or(Timestamp::MIN),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(ago) = ago(text) {
            return Ok(Self::Ago(ago));
        }
        // A moment with an offset or `Z` is one for itself; without it the local parsers take it.
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self::Exact(at));
        }
        let day = text.parse::<Date>().map(|day| day.to_datetime(jiff::civil::Time::midnight()));
        let is_day = !text.contains([':', 'T']);
        let local = if is_day { day } else { text.parse() };
        local.map(Self::Local).map_err(|_| {
            "expected a day (2026-11-22), a moment (2026-11-22 08:00), or how long ago (30m, 8h, 7d)"
                .to_owned()
        })
    }
}

/// `30m`, `8h`, `7d`.
fn ago(text: &str) -> Option<SignedDuration> {
    let (number, minutes) = match text.split_at_checked(text.len().checked_sub(1)?)? {
        (number, "m") => (number, 1),
        (number, "h") => (number, 60),
        (number, "d") => (number, 24 * 60),
        _ => return None,
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let minutes = number.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(minutes)?;
    (minutes <= 1_000_000_000).then(|| SignedDuration::from_mins(minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_said_in_several_ways() {
        let now: Zoned = "2026-11-22T10:00:00+01:00[Europe/Vienna]".parse().unwrap();
        let at = |text: &str| text.parse::<When>().unwrap().at(&now).to_string();
        assert_eq!(at("2026-11-22"), "2026-11-21T23:00:00Z");
        assert_eq!(at("2026-07-01 08:00"), "2026-07-01T06:00:00Z");
        assert_eq!(at("2026-11-22T08:00:30"), "2026-11-22T07:00:30Z");
        assert_eq!(at("2026-11-22T08:00:00Z"), "2026-11-22T08:00:00Z");
        assert_eq!(at("8h"), "2026-11-22T01:00:00Z");
        assert_eq!(at("7d"), "2026-11-15T09:00:00Z");
        for text in ["", "h", "-8h", "yesterday", "22.11.2026", "99999999999999999999d", "8 h"] {
            let told = text.parse::<When>().unwrap_err();
            assert!(told.starts_with("expected a day"), "{text}: {told}");
        }
    }
}
