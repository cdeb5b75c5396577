use super::*;

const PHONE: &str = "0004132a0001";

fn now() -> Timestamp {
    Timestamp::from_second(1_000).unwrap()
}

fn row(kind: WantedKind) -> Wanted {
    Wanted { kind, target: PHONE.into(), value: "v".into(), since: now(), expires: None }
}

fn until(second: i64) -> Wanted {
    let expires = Some(Timestamp::from_second(second).unwrap());
    Wanted { expires, ..row(WantedKind::Restart) }
}

fn ready() -> Facts {
    let user = Some("1001".parse().unwrap());
    Facts { known: true, registered: true, busy: false, user }
}

use WantedKind::{Lamp as L, Restart as R, Resync as S};

#[test]
fn what_a_free_phone_is_told() {
    let ada = || Some(Lamp::Of("1001".parse().unwrap()));
    let nobody = || Facts { user: None, ..ready() };
    for (rows, facts, lamp, reboot) in [
        (vec![S], ready(), None, Some(false)),
        (vec![L], ready(), ada(), None),
        (vec![L], nobody(), Some(Lamp::Dark), None),
        (vec![R], ready(), None, Some(true)),
        (vec![S, L], nobody(), Some(Lamp::Dark), Some(false)),
        (vec![S, R], ready(), None, Some(true)),
        (vec![S, L, R], ready(), ada(), Some(true)),
    ] {
        let rows: Vec<Wanted> = rows.into_iter().map(row).collect();
        let plan = plan(rows.clone(), |_| facts.clone(), now());
        let errand = Errand { phone: PHONE.parse().unwrap(), lamp, reboot, rows };
        assert_eq!(plan.errands, [errand]);
        assert!(plan.dropped.is_empty());
    }
}

#[test]
fn who_waits_and_what_is_given_up() {
    let unregistered = Facts { registered: false, ..ready() };
    let in_call = Facts { busy: true, ..ready() };
    let unknown = Facts { known: false, ..ready() };
    let gone_in_call = Facts { known: false, ..in_call.clone() };
    let table = [
        ("not registered", row(S), &unregistered, Some(Waiting::Unregistered), None),
        ("in a call", row(S), &in_call, Some(Waiting::InCall), None),
        ("in a call, lamp", row(L), &in_call, Some(Waiting::InCall), None),
        ("in a call, restart", until(1_001), &in_call, Some(Waiting::InCall), None),
        ("restart too late", until(1_000), &ready(), None, Some(Dropped::Expired)),
        ("restart too late, in a call", until(999), &in_call, None, Some(Dropped::Expired)),
        ("restart too late, away", until(999), &unregistered, None, Some(Dropped::Expired)),
        ("no longer ours", row(S), &unknown, None, Some(Dropped::NoPhone)),
        ("no longer ours, in a call", row(S), &gone_in_call, None, Some(Dropped::NoPhone)),
    ];
    for (what, row, facts, waits, drops) in table {
        let plan = plan(vec![row.clone()], |_| facts.clone(), now());
        assert!(plan.errands.is_empty(), "{what}");
        let waiting: Vec<_> = waits.map(|why| (row.clone(), why)).into_iter().collect();
        let dropped: Vec<_> = drops.map(|why| (row.clone(), why)).into_iter().collect();
        assert_eq!((plan.waiting, plan.dropped), (waiting, dropped), "{what}");
    }
}

#[test]
fn an_absent_phone_holds_up_nobody() {
    let other = Wanted { target: "0004132a0002".into(), ..row(S) };
    let facts = |phone: Mac| match phone.to_string().as_str() {
        PHONE => Facts { registered: false, ..ready() },
        _ => ready(),
    };
    let plan = plan(vec![row(S), other], facts, now());
    assert_eq!(plan.errands.len(), 1);
    assert_eq!(plan.errands[0].phone.to_string(), "0004132a0002");
}

#[test]
fn a_row_of_something_else_is_left_alone() {
    let queue = Wanted { target: "sales".into(), ..row(S) };
    assert_eq!(plan(vec![queue], |_| ready(), now()), Plan::default());
}

#[test]
fn a_round_takes_no_more_than_its_share_and_begins_behind_the_last() {
    let phone = |at: u8| -> Mac { format!("0004132a00{at:02x}").parse().unwrap() };
    let rows = || {
        let row = |at| Wanted { target: phone(at).to_string(), ..row(S) };
        (1..=6).map(row).collect()
    };
    let taken = |last: Option<u8>, most, registrations: usize| -> Vec<Mac> {
        let errands = plan(rows(), |_| ready(), now()).errands;
        let errands = within_rate(errands, last.map(phone), most, |_| registrations);
        errands.into_iter().map(|errand| errand.phone).collect()
    };
    for (last, most, registrations, wanted) in [
        (None, 3, 1, &[1, 2, 3][..]),
        (Some(3), 4, 1, &[4, 5, 6, 1]),
        (Some(6), 2, 1, &[1, 2]),
        (Some(9), 2, 1, &[1, 2]),
        (None, 5, 2, &[1, 2]),
        (None, 3, 16, &[1]),
        (None, 100, 1, &[1, 2, 3, 4, 5, 6]),
    ] {
        let wanted: Vec<Mac> = wanted.iter().copied().map(phone).collect();
        assert_eq!(taken(last, most, registrations), wanted, "{last:?} {most} {registrations}");
    }
}
