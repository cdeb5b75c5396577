use super::*;

fn at(hours: &[&str], holidays: &[&str], zone: &str, now: &str) -> Opening {
    let hours: Vec<Hours> = hours.iter().map(|text| text.parse().unwrap()).collect();
    let holidays: Vec<Holiday> = holidays.iter().map(|text| text.parse().unwrap()).collect();
    opening(&hours, &holidays, &zone.parse().unwrap(), now.parse().unwrap())
}

#[test]
fn a_team_is_there_in_its_hours_by_its_own_clock() {
    use Opening::{Closed, Holiday, Open};
    let office = ["mon-fri 08:00-12:00, 13:00-17:30", "sat 09:00-12:00"];
    // 2026-11-23 is a Monday. Vienna is an hour ahead of UTC in winter.
    for (now, is) in [
        ("2026-11-23T06:59:59Z", Closed),
        ("2026-11-23T07:00:00Z", Open),
        ("2026-11-23T10:59:59Z", Open),
        ("2026-11-23T11:00:00Z", Closed),
        ("2026-11-23T12:00:00Z", Open),
        ("2026-11-23T16:29:59Z", Open),
        ("2026-11-23T16:30:00Z", Closed),
        ("2026-11-28T08:30:00Z", Open),
        ("2026-11-28T12:30:00Z", Closed),
        ("2026-11-29T08:30:00Z", Closed),
        ("2026-12-25T09:00:00Z", Holiday),
        ("2027-12-24T09:00:00Z", Open),
        ("2026-04-06T08:00:00Z", Holiday),
        ("2027-04-06T08:00:00Z", Open),
    ] {
        let is_now = at(&office, &["12-25", "2026-04-06"], "Europe/Vienna", now);
        assert_eq!(is_now, is, "{now}");
    }
    // The same moment by another clock.
    assert_eq!(at(&office, &[], "America/New_York", "2026-11-23T12:59:00Z"), Closed);
    assert_eq!(at(&office, &[], "America/New_York", "2026-11-23T13:00:00Z"), Open);
}

#[test]
fn without_hours_a_team_is_always_there_but_on_holidays() {
    assert_eq!(at(&[], &[], "UTC", "2026-11-22T03:00:00Z"), Opening::Open);
    assert_eq!(at(&[], &["11-22"], "UTC", "2026-11-22T03:00:00Z"), Opening::Holiday);
}

#[test]
fn a_night_belongs_to_the_day_on_which_it_began() {
    use Opening::{Closed, Holiday, Open};
    let night = ["fri 22:00-02:00"];
    for (now, is) in [
        ("2026-11-27T21:59:00Z", Closed),
        ("2026-11-27T22:00:00Z", Open),
        ("2026-11-28T01:59:00Z", Open),
        ("2026-11-28T02:00:00Z", Closed),
        ("2026-11-28T22:30:00Z", Closed),
        ("2026-11-27T01:00:00Z", Closed),
    ] {
        assert_eq!(at(&night, &[], "UTC", now), is, "{now}");
    }
    // Friday is the holiday: so is its night; the night of Thursday is not.
    assert_eq!(at(&night, &["11-27"], "UTC", "2026-11-28T01:00:00Z"), Closed);
    assert_eq!(at(&night, &["11-27"], "UTC", "2026-11-27T23:00:00Z"), Holiday);
    let daily = ["daily 22:00-06:00"];
    assert_eq!(at(&daily, &["11-27"], "UTC", "2026-11-27T05:00:00Z"), Open);
    // The week ends where it begins.
    assert_eq!(at(&["sun 23:00-01:00"], &[], "UTC", "2026-11-30T00:30:00Z"), Open);
    assert_eq!(at(&["daily 00:00-24:00"], &[], "UTC", "2026-11-30T23:59:59Z"), Open);
    assert_eq!(at(&["sat-mon 08:00-09:00"], &[], "UTC", "2026-11-29T08:00:00Z"), Open);
    assert_eq!(at(&["sat-mon 08:00-09:00"], &[], "UTC", "2026-12-01T08:00:00Z"), Closed);
}

#[test]
fn a_night_on_which_the_clock_is_set_has_the_hours_that_the_clock_shows() {
    use Opening::{Closed, Open};
    // On 2026-03-29 Vienna's clocks go from 02:00 to 03:00 at 01:00 UTC.
    for (now, is) in [("00:59:59Z", Closed), ("01:00:00Z", Open), ("01:59:59Z", Open)] {
        let now = format!("2026-03-29T{now}");
        assert_eq!(at(&["sun 02:30-04:00"], &[], "Europe/Vienna", &now), is, "{now}");
    }
    // On 2026-10-25 the hour from 02:00 to 03:00 comes twice.
    for now in ["2026-10-25T00:45:00Z", "2026-10-25T01:45:00Z"] {
        assert_eq!(at(&["sun 02:30-03:00"], &[], "Europe/Vienna", now), Open, "{now}");
    }
    // A span within the hour that is not there: never.
    let gap = ["sun 02:00-03:00"];
    assert_eq!(at(&gap, &[], "Europe/Vienna", "2026-03-29T00:59:59Z"), Closed);
    assert_eq!(at(&gap, &[], "Europe/Vienna", "2026-03-29T01:00:00Z"), Closed);
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "mon",
        "mon-fri",
        "08:00-17:00",
        "mon 8-17",
        "mon 08:00",
        "mon 08:00-08:00",
        "mon 24:00-25:00",
        "mon 24:00-02:00",
        "mon 08:60-09:00",
        "mon 08:00-00:00",
        "tag 08:00-09:00",
        "mon-fri-sat 08:00-09:00",
        "mon, tue 08:00-09:00",
        "mon 08:00-09:00,",
        "mon 008:00-09:00",
        "mon 08:0-09:00",
    ] {
        assert!(text.parse::<Hours>().is_err(), "{text:?}");
    }
    for text in ["", "12", "13-01", "02-30", "2026-02-29", "26-04-06", "12-5", "2026-4-6", "+1-01"]
    {
        assert!(text.parse::<Holiday>().is_err(), "{text:?}");
    }
    for text in ["12-25", "02-29", "2024-02-29"] {
        assert_eq!(text.parse::<Holiday>().unwrap().to_string(), text);
    }
    assert!("Europe/Wien".parse::<Zone>().is_err());
    assert!("".parse::<Zone>().is_err());
    assert_eq!("Europe/Vienna".parse::<Zone>().unwrap().to_string(), "Europe/Vienna");
    assert_eq!("MON,wed 8:00-9:30".parse::<Hours>().unwrap().to_string(), "MON,wed 8:00-9:30");
}
