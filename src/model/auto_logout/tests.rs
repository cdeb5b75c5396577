use super::*;

fn rule(text: &str) -> AutoLogout {
    text.parse().unwrap()
}

fn vienna() -> Zone {
    "Europe/Vienna".parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Whether somebody who sat down then is due now, by a rule in Vienna.
fn due(text: &str, since: &str, now: &str) -> Option<EndReason> {
    rule(text).due(at(since), None, &vienna(), at(now))
}

#[test]
fn a_rule_is_a_time_hours_both_or_never() {
    for (text, written) in [
        ("20:00", "20:00"),
        ("8:05", "08:05"),
        ("20:00:00", "20:00"),
        (" 4H 20:00 ", "20:00 4h"),
        ("90m", "90m"),
        ("120m", "2h"),
        ("168h", "168h"),
        ("never", "never"),
    ] {
        assert_eq!(rule(text).to_string(), written);
        assert_eq!(rule(written), rule(text));
    }
    for text in [
        "",
        "4",
        "24:00",
        "20:60",
        "20:0",
        "+2:00",
        "0h",
        "169h",
        "-4h",
        "+4h",
        "4h 5h",
        "20:00 21:00",
        "x",
    ] {
        assert!(text.parse::<AutoLogout>().is_err(), "{text}");
    }
}

#[test]
fn who_sat_down_before_the_time_is_due_at_it_and_whenever_later_it_is_looked_at() {
    let evening = Some(EndReason::TimeOfDay);
    // 20:00 in Vienna is 18:00 in summer.
    assert_eq!(due("20:00", "2026-07-01T07:00:00Z", "2026-07-01T17:59:59Z"), None);
    assert_eq!(due("20:00", "2026-07-01T07:00:00Z", "2026-07-01T18:00:00Z"), evening);
    assert_eq!(due("20:00", "2026-07-01T07:00:00Z", "2026-07-03T05:00:00Z"), evening);
    // Who sat down at the time or later stays until the next evening.
    assert_eq!(due("20:00", "2026-07-01T18:00:00Z", "2026-07-02T17:59:59Z"), None);
    assert_eq!(due("20:00", "2026-07-01T18:00:00Z", "2026-07-02T18:00:00Z"), evening);
    assert_eq!(due("never", "2020-01-01T00:00:00Z", "2026-07-02T18:00:00Z"), None);
}

#[test]
fn a_night_on_which_the_clock_is_set_has_the_moment_once() {
    let night = Some(EndReason::TimeOfDay);
    // On 2026-03-29 Vienna goes from 02:00 to 03:00 at 01:00Z: 02:30 is 03:30, 01:30Z.
    assert_eq!(due("02:30", "2026-03-28T20:00:00Z", "2026-03-29T01:29:59Z"), None);
    assert_eq!(due("02:30", "2026-03-28T20:00:00Z", "2026-03-29T01:30:00Z"), night);
    assert_eq!(due("02:30", "2026-03-29T01:30:00Z", "2026-03-29T23:59:59Z"), None);
    // On 2026-10-25 it goes back from 03:00 to 02:00 at 01:00Z: 02:30 is at 00:30Z and again at 01:30Z.
    assert_eq!(due("02:30", "2026-10-24T20:00:00Z", "2026-10-25T00:30:00Z"), night);
    assert_eq!(due("02:30", "2026-10-25T00:40:00Z", "2026-10-25T01:40:00Z"), None);
    assert_eq!(due("02:30", "2026-10-25T00:40:00Z", "2026-10-26T01:30:00Z"), night);
    // The evening is at another hour of the day from then on.
    assert_eq!(due("20:00", "2026-10-25T08:00:00Z", "2026-10-25T18:59:59Z"), None);
    assert_eq!(due("20:00", "2026-10-25T08:00:00Z", "2026-10-25T19:00:00Z"), night);
}

#[test]
fn a_clock_that_goes_back_over_the_moment_makes_nobody_due_who_sat_down_behind_it() {
    // Sat down at 20:01 by a clock that was then set back to 19:30.
    let (since, zone) = (at("2026-07-01T18:01:00Z"), vienna());
    for now in ["2026-07-01T17:30:00Z", "2026-07-01T18:00:30Z", "2026-07-01T18:02:00Z"] {
        assert_eq!(rule("20:00 4h").due(since, None, &zone, at(now)), None, "{now}");
    }
}

#[test]
fn hours_without_a_call_count_from_the_last_one() {
    let (since, zone) = (at("2026-07-01T08:00:00Z"), vienna());
    let idle = |call: Option<&str>, now: &str| rule("4h").due(since, call.map(at), &zone, at(now));
    assert_eq!(idle(None, "2026-07-01T11:59:59Z"), None);
    assert_eq!(idle(None, "2026-07-01T12:00:00Z"), Some(EndReason::Idle));
    // A call of whoever sat there before does not count.
    assert_eq!(idle(Some("2026-07-01T07:00:00Z"), "2026-07-01T12:00:00Z"), Some(EndReason::Idle));
    assert_eq!(idle(Some("2026-07-01T09:00:00Z"), "2026-07-01T12:59:59Z"), None);
    assert_eq!(idle(Some("2026-07-01T09:00:00Z"), "2026-07-01T13:00:00Z"), Some(EndReason::Idle));
    // Both: whichever is first.
    let both = |now: &str| rule("12:00 4h").due(since, None, &zone, at(now));
    assert_eq!(both("2026-07-01T10:00:00Z"), Some(EndReason::TimeOfDay));
}

/// The day before the moment's is asked where today has not had it, also on the other side of the date line.
#[test]
fn the_moment_is_found_in_every_zone() {
    for name in ["Pacific/Kiritimati", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "UTC"]
    {
        let (zone, time): (Zone, TimeOfDay) = (name.parse().unwrap(), "20:00".parse().unwrap());
        let mut now = at("2011-12-28T00:00:00Z");
        let mut before = time.last(&zone, now).unwrap();
        for _ in 0..24 * 8 {
            now += SignedDuration::from_mins(30);
            let last = time.last(&zone, now).unwrap();
            let age = now.duration_since(last);
            assert!(last >= before && age >= SignedDuration::ZERO, "{name} {now}");
            assert!(age <= SignedDuration::from_hours(48), "{name} {now}: {age}");
            before = last;
        }
    }
}
