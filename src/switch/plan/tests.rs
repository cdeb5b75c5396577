use std::cell::Cell;

use super::*;

mod confirmation;

const PHONE: &str = "0004132a0001";

/// Enough for all.
const TURN: Turn = Turn { last: None, most: usize::MAX };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn now() -> Timestamp {
    at(1_000)
}

fn row(kind: WantedKind) -> Wanted {
    let attempts = Attempts::default();
    Wanted { kind, target: PHONE.into(), value: "v".into(), since: now(), expires: None, attempts }
}

fn until(second: i64) -> Wanted {
    Wanted { expires: Some(at(second)), ..row(WantedKind::Restart) }
}

fn shared(rows: impl IntoIterator<Item = Wanted>) -> Vec<Arc<Wanted>> {
    rows.into_iter().map(Arc::new).collect()
}

fn text(text: &str) -> SettingText {
    SettingText::parse(text).unwrap()
}

/// What the plan sees, and how often it looked.
struct Seen<F> {
    facts: F,
    events: CheckedEvents,
    looks: Cell<usize>,
    asks: Cell<usize>,
}

impl<F: Fn(Mac) -> Facts> Look for Seen<F> {
    fn facts(&self, phone: Mac) -> Facts {
        self.looks.set(self.looks.get() + 1);
        (self.facts)(phone)
    }

    fn events(&self, _: Mac) -> CheckedEvents {
        self.asks.set(self.asks.get() + 1);
        self.events.clone()
    }
}

/// Phones of which nothing is known but these facts.
fn seen<F: Fn(Mac) -> Facts>(facts: F) -> Seen<F> {
    let events = CheckedEvents {
        reload: Some(text("reload")),
        reboot: Some(text("reboot")),
        confirms: false,
        may_restart: false,
    };
    Seen { facts, events, looks: Cell::new(0), asks: Cell::new(0) }
}

fn ready() -> Facts {
    Facts {
        known: true,
        registered: true,
        anew: None,
        watched: Some(at(0)),
        call: None,
        user: Some("1001".parse().unwrap()),
    }
}

use WantedKind::{Lamp as L, Restart as R, Resync as S};

#[test]
fn what_a_free_phone_is_told() {
    let ada = || Some(Lamp::Of("1001".parse().unwrap()));
    let nobody = || Facts { user: None, ..ready() };
    for (rows, facts, lamp, sync) in [
        (vec![S], ready(), None, Some("reload")),
        (vec![L], ready(), ada(), None),
        (vec![L], nobody(), Some(Lamp::Dark), None),
        (vec![R], ready(), None, Some("reboot")),
        (vec![L, S], nobody(), Some(Lamp::Dark), Some("reload")),
        (vec![S, R], ready(), None, Some("reboot")),
        (vec![L, S, R], ready(), ada(), Some("reboot")),
    ] {
        let rows = shared(rows.into_iter().map(row));
        let plan = plan(rows.clone(), &seen(|_| facts.clone()), TURN, now());
        let (phone, sync) = (PHONE.parse().unwrap(), sync.map(text));
        assert_eq!(plan.errands, [Errand { phone, lamp, sync, rows, tried: None }]);
        assert!(plan.dropped.is_empty());
    }
}

#[test]
fn a_restart_of_a_phone_that_knows_no_restart_is_a_reload() {
    let mut look = seen(|_| ready());
    look.events.reboot = None;
    let plan = plan(shared([row(R)]), &look, TURN, now());
    assert_eq!(plan.errands[0].sync, Some(text("reload")));
    assert_eq!(plan.errands[0].rows, shared([row(R)]));
}

#[test]
fn who_waits_and_what_is_given_up() {
    let unregistered = Facts { registered: false, ..ready() };
    let in_call = Facts { call: Some(at(900)), ..ready() };
    let unknown = Facts { known: false, ..ready() };
    let gone_in_call = Facts { known: false, ..in_call.clone() };
    let calls = || Some(Waiting::InCall { since: at(900) });
    let table = [
        ("not registered", row(S), &unregistered, Some(Waiting::Unregistered), None),
        ("in a call", row(S), &in_call, calls(), None),
        ("in a call, lamp", row(L), &in_call, calls(), None),
        ("in a call, restart", until(1_001), &in_call, calls(), None),
        ("restart too late", until(1_000), &ready(), None, Some(Dropped::Expired)),
        ("restart too late, in a call", until(999), &in_call, None, Some(Dropped::Expired)),
        ("restart too late, away", until(999), &unregistered, None, Some(Dropped::Expired)),
        ("no longer ours", row(S), &unknown, None, Some(Dropped::NoPhone)),
        ("no longer ours, in a call", row(S), &gone_in_call, None, Some(Dropped::NoPhone)),
    ];
    for (what, row, facts, waits, drops) in table {
        let row = Arc::new(row);
        let plan = plan([Arc::clone(&row)], &seen(|_| facts.clone()), TURN, now());
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
    let plan = plan(shared([row(S), other]), &seen(facts), TURN, now());
    assert_eq!(plan.errands.len(), 1);
    assert_eq!(plan.errands[0].phone.to_string(), "0004132a0002");
}

#[test]
fn a_row_of_something_else_is_left_alone() {
    let queue = Wanted { target: "sales".into(), ..row(S) };
    assert_eq!(plan(shared([queue]), &seen(|_| ready()), TURN, now()), Plan::default());
}

#[test]
fn a_round_takes_no_more_than_its_share_and_begins_behind_the_last() {
    let phone = |at: u8| -> Mac { format!("0004132a00{at:02x}").parse().unwrap() };
    let rows = || {
        let row = |at| Wanted { target: phone(at).to_string(), ..row(S) };
        shared((1..=6).map(row))
    };
    let taken = |last: Option<u8>, most, registrations: usize| -> Vec<Mac> {
        let turn = Turn { last: last.map(phone), most };
        let errands = plan(rows(), &seen(|_| ready()), turn, now()).errands;
        let errands = within_rate(errands, most, |_| registrations);
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

#[test]
fn what_it_waits_for_is_a_sentence() {
    let silent = NotShown::Silent { tries: 5, restarted: true };
    for (waiting, sentence) in [
        (Waiting::Unregistered, "it is not registered"),
        (Waiting::InCall { since: at(900) }, "it is in a call since 1970-01-01T00:15:00Z"),
        (Waiting::UnderWay, "it is being told"),
        (
            Waiting::Unconfirmed { tries: 1, next: at(60) },
            "it was told once and has not fetched yet; the next step is at 1970-01-01T00:01:00Z",
        ),
        (
            Waiting::Unconfirmed { tries: 2, next: at(60) },
            "it was told 2 times and has not fetched yet; the next step is at 1970-01-01T00:01:00Z",
        ),
        (
            Waiting::NotShown { reason: silent },
            "it took 4 reload NOTIFYs and a restart and fetched nothing",
        ),
    ] {
        assert_eq!(waiting.to_string(), sentence);
    }
}
