//! A time zone as phones understand one: an offset, and when daylight saving time begins and ends.

use jiff::civil::{Weekday, date};
use jiff::tz::{TimeZone as Zone, TimeZoneTransition};
use jiff::{SignedDuration, Timestamp};

use super::context::{Summer, TimeZone, Transition};

/// The zone of this IANA name in the year of `now`; UTC where there is none.
pub(super) fn read(name: &str, now: Timestamp) -> TimeZone {
    let Ok(zone) = Zone::get(name) else {
        return TimeZone { name: "UTC".to_owned(), offset: 0, summer: None };
    };
    let year = now.to_zoned(zone.clone()).year();
    let summer = summer(&zone, year);
    let begin = date(year, 1, 1).to_zoned(zone.clone()).map_or(now, |begin| begin.timestamp());
    let offset = match &summer {
        // South of the equator the year begins in summer.
        Some((_, standard)) => *standard,
        None => zone.to_offset(begin).seconds(),
    };
    TimeZone { name: name.to_owned(), offset, summer: summer.map(|(summer, _)| summer) }
}

/// When it begins and ends this year, with the offset of standard time.
fn summer(zone: &Zone, year: i16) -> Option<(Summer, i32)> {
    let begin = date(year, 1, 1).to_zoned(zone.clone()).ok()?.timestamp();
    let changes: Vec<TimeZoneTransition<'_>> =
        zone.following(begin).take(2).filter(|change| year_of(change, zone) == year).collect();
    let [first, second] = changes.as_slice() else { return None };
    let (start, stop) = match (first.dst().is_dst(), second.dst().is_dst()) {
        (true, false) => (first, second),
        (false, true) => (second, first),
        _ => return None,
    };
    let saving = start.offset().seconds() - stop.offset().seconds();
    let standard = stop.offset().seconds();
    let start = transition(start, standard)?;
    let stop = transition(stop, standard + saving)?;
    Some((Summer { saving, start, stop }, standard))
}

fn year_of(change: &TimeZoneTransition<'_>, zone: &Zone) -> i16 {
    change.timestamp().to_zoned(zone.clone()).year()
}

/// The change as a rule, told in the time that was valid before it, `before` seconds east of Greenwich.
fn transition(change: &TimeZoneTransition<'_>, before: i32) -> Option<Transition> {
    let shifted = change.timestamp().checked_add(SignedDuration::from_secs(before.into())).ok()?;
    let local = shifted.to_zoned(Zone::UTC);
    let day = local.day();
    let is_last = day + 7 > local.days_in_month();
    Some(Transition {
        month: u8::try_from(local.month()).ok()?,
        week: if is_last { 5 } else { u8::try_from((day - 1) / 7 + 1).ok()? },
        weekday: match local.weekday() {
            Weekday::Sunday => 1,
            Weekday::Monday => 2,
            Weekday::Tuesday => 3,
            Weekday::Wednesday => 4,
            Weekday::Thursday => 5,
            Weekday::Friday => 6,
            Weekday::Saturday => 7,
        },
        hour: u8::try_from(local.hour()).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> (i32, Option<(i32, [u8; 4], [u8; 4])>) {
        let zone = read(name, "2026-11-22T00:00:00Z".parse().unwrap());
        let rule = |t: &Transition| [t.month, t.week, t.weekday, t.hour];
        (zone.offset, zone.summer.map(|s| (s.saving, rule(&s.start), rule(&s.stop))))
    }

    #[test]
    fn a_zone_is_an_offset_and_two_rules() {
        assert_eq!(zone("Europe/Vienna"), (3600, Some((3600, [3, 5, 1, 2], [10, 5, 1, 3]))));
        assert_eq!(zone("America/New_York"), (-18000, Some((3600, [3, 2, 1, 2], [11, 1, 1, 2]))));
        assert_eq!(zone("Australia/Sydney"), (36000, Some((3600, [10, 1, 1, 2], [4, 1, 1, 3]))));
        assert_eq!(zone("Asia/Tokyo"), (32400, None));
        assert_eq!(zone("Asia/Kolkata"), (19800, None));
        assert_eq!(zone("No/Where"), (0, None));
    }
}
