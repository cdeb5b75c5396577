//! The way of a row that only a fetch can settle.

use super::*;

/// One phone that fetches from us, and the one row that waits for it.
struct Story {
    facts: Facts,
    may_restart: bool,
    reboot: Option<&'static str>,
    row: Arc<Wanted>,
}

/// What happened, and when: seconds since the row was wanted.
type Happened = (i64, String);

impl Story {
    fn new() -> Self {
        let row = Arc::new(row(S));
        Self { facts: ready(), may_restart: true, reboot: Some("reboot"), row }
    }

    fn plan(&self, now: Timestamp) -> Plan {
        let mut look = seen(|_| self.facts.clone());
        look.events.confirms = true;
        look.events.may_restart = self.may_restart;
        look.events.reboot = self.reboot.map(text);
        plan([Arc::clone(&self.row)], &look, TURN, now)
    }

    /// What is done at one moment.
    fn moment(&mut self, now: Timestamp) -> Vec<String> {
        let plan = self.plan(now);
        let mut done = Vec::new();
        assert!(plan.dropped.is_empty());
        for errand in plan.errands {
            assert_eq!(errand.rows, [], "only a fetch settles it");
            let (row, attempts) = errand.tried.unwrap();
            assert_eq!(row, self.row);
            done.push(errand.sync.unwrap().as_str().to_owned());
            Arc::make_mut(&mut self.row).attempts = attempts;
        }
        for one in plan.given_up {
            done.push(one.reason.to_string());
            Arc::make_mut(&mut self.row).attempts = one.attempts;
        }
        done
    }

    /// Second by second, to the one given; what is done must have been announced, or nobody would have woken for it.
    fn run(&mut self, seconds: std::ops::RangeInclusive<i64>) -> Vec<Happened> {
        let mut all = Vec::new();
        let mut next = None;
        let begin = *seconds.start();
        for second in seconds {
            let done = self.moment(at(1_000 + second));
            if !done.is_empty() && second > begin {
                assert_eq!(next, Some(at(1_000 + second)), "{done:?}");
            }
            next = self.plan(at(1_000 + second)).next;
            all.extend(done.into_iter().map(|what| (second, what)));
        }
        all
    }

    fn waits(&self, second: i64) -> Waiting {
        self.plan(at(1_000 + second)).waiting[0].1
    }
}

fn story(all: &[(i64, &str)]) -> Vec<Happened> {
    all.iter().map(|(second, what)| (*second, (*what).to_owned())).collect()
}

#[test]
fn a_silent_phone_is_told_again_and_again_then_restarted_once_then_not_shown() {
    let mut phone = Story::new();
    let end = "it took 4 reload NOTIFYs and a restart and fetched nothing";
    assert_eq!(
        phone.run(0..=900),
        story(&[
            (0, "reload"),
            (30, "reload"),
            (90, "reload"),
            (210, "reload"),
            (450, "reboot"),
            (630, end),
        ])
    );
    // Once in an hour after that, and no further restart, and nothing further in the journal.
    assert_eq!(
        phone.run(901..=12_000),
        story(&[(630 + 3_600, "reload"), (630 + 7_200, "reload"), (630 + 10_800, "reload")])
    );
    let reason = NotShown::Silent { tries: 8, restarted: true };
    assert_eq!(phone.waits(12_000), Waiting::NotShown { reason });
}

#[test]
fn each_step_says_what_it_waits_for() {
    let mut phone = Story::new();
    for (second, tries, next) in
        [(0, 1, 30), (30, 2, 90), (90, 3, 210), (210, 4, 450), (450, 5, 630)]
    {
        phone.moment(at(1_000 + second));
        let next = at(1_000 + next);
        assert_eq!(phone.waits(second), Waiting::Unconfirmed { tries, next });
    }
    phone.moment(at(1_630));
    let reason = NotShown::Silent { tries: 5, restarted: true };
    assert_eq!(phone.waits(630), Waiting::NotShown { reason });
}

#[test]
fn no_phone_restarts_that_may_not_or_cannot() {
    for (may_restart, reboot) in [(false, Some("reboot")), (true, None), (false, None)] {
        let mut phone = Story { may_restart, reboot, ..Story::new() };
        let all = phone.run(0..=3_000);
        assert_eq!(all.len(), 5, "{all:?}");
        assert!(all[..4].iter().all(|(_, what)| what == "reload"));
        let end = "it took 4 reload NOTIFYs and fetched nothing".to_owned();
        assert_eq!(all[4], (450, end));
    }
}

#[test]
fn whoever_fetches_from_somebody_else_is_told_once_and_done() {
    let row = Arc::new(row(S));
    let plan = plan([Arc::clone(&row)], &seen(|_| ready()), TURN, now());
    assert_eq!(plan.errands[0].rows, [row]);
    assert_eq!(plan.errands[0].tried, None);
}

#[test]
fn a_phone_in_a_call_is_told_after_it_and_restarted_after_it() {
    let mut phone = Story::new();
    let call = Some(at(990));
    phone.facts.call = call;
    assert_eq!(phone.run(0..=100), []);
    assert_eq!(phone.waits(100), Waiting::InCall { since: at(990) });
    phone.facts.call = None;
    assert_eq!(phone.run(101..=101), story(&[(101, "reload")]));
    phone.run(102..=550);
    assert_eq!(phone.row.attempts.tries, 4);
    phone.facts.call = call;
    assert_eq!(phone.run(551..=2_000), [], "due for a restart, in a call");
    phone.facts.call = None;
    assert_eq!(phone.run(2_001..=2_001), story(&[(2_001, "reboot")]));
}

#[test]
fn a_phone_that_never_came_is_not_shown_after_ten_minutes_and_begins_when_it_comes() {
    let mut phone = Story::new();
    phone.facts.registered = false;
    assert_eq!(phone.waits(599), Waiting::Unregistered);
    assert_eq!(phone.run(0..=90_000), story(&[(600, "it is not registered")]));
    assert_eq!(phone.waits(90_000), Waiting::NotShown { reason: NotShown::Unregistered });
    phone.facts.registered = true;
    let all = phone.run(90_001..=90_800);
    assert_eq!(all.first(), Some(&(90_001, "reload".to_owned())));
    assert_eq!(all.len(), 6, "{all:?}: the whole way, from its beginning");
}

#[test]
fn nobody_is_called_absent_whom_nobody_could_have_seen() {
    let mut phone = Story::new();
    phone.facts = Facts { registered: false, watched: None, ..ready() };
    assert_eq!(phone.run(0..=5_000), [], "no node is connected");
    phone.facts.watched = Some(at(6_000));
    assert_eq!(phone.run(5_001..=7_000), story(&[(5_600, "it is not registered")]));
}

#[test]
fn a_phone_that_fetches_from_somebody_else_is_never_called_not_shown() {
    let facts = || Facts { registered: false, ..ready() };
    let plan = plan(shared([row(S)]), &seen(|_| facts()), TURN, at(90_000));
    assert_eq!((plan.given_up, plan.next), (Vec::new(), None));
    assert_eq!(plan.waiting[0].1, Waiting::Unregistered);
}

#[test]
fn a_silent_phone_that_registers_anew_is_told_at_once_but_not_all_the_time() {
    let mut phone = Story::new();
    phone.run(0..=1_000);
    phone.facts.anew = Some(at(1_000 + 620));
    assert_eq!(phone.run(1_001..=1_100), [], "it was there when it was given up");
    phone.facts.anew = Some(at(1_000 + 1_150));
    assert_eq!(phone.plan(at(2_150)).errands.len(), 1);
    assert_eq!(phone.moment(at(2_150)), ["reload"]);
    // Some phones begin each REGISTER anew.
    let mut told = Vec::new();
    for second in 1_151..=2_150 {
        if second % 60 == 0 {
            phone.facts.anew = Some(at(1_000 + second));
        }
        let done = phone.moment(at(1_000 + second));
        told.extend(done.iter().map(|_| second));
    }
    assert_eq!(told, [1_450, 1_750, 2_050]);
}

#[test]
fn a_newer_row_begins_at_step_one() {
    let mut phone = Story::new();
    phone.run(0..=1_000);
    // The store puts a new row in place of the old one, without attempts.
    phone.row = Arc::new(Wanted { since: at(2_100), value: "other".into(), ..row(S) });
    assert_eq!(phone.run(1_101..=1_131), story(&[(1_101, "reload"), (1_131, "reload")]));
}

#[test]
fn a_restart_that_was_asked_for_is_a_try_and_not_the_one_of_our_own() {
    let mut look = seen(|_| ready());
    look.events.confirms = true;
    look.events.may_restart = true;
    let attempts = Attempts { tries: 2, told: Some(at(990)), ..Attempts::default() };
    let resync = Arc::new(Wanted { attempts, ..row(S) });
    let restart = Arc::new(row(R));
    let plan = plan([Arc::clone(&resync), Arc::clone(&restart)], &look, TURN, now());
    let [errand] = &plan.errands[..] else { panic!("{plan:?}") };
    assert_eq!(errand.sync, Some(text("reboot")));
    assert_eq!(errand.rows, [restart]);
    let attempts = Attempts { tries: 3, told: Some(now()), ..attempts };
    assert_eq!(errand.tried, Some((resync, attempts)));
}

#[test]
fn a_lamp_does_not_wait_for_a_fetch_nor_hasten_it() {
    let mut look = seen(|_| ready());
    look.events.confirms = true;
    let attempts = Attempts { tries: 2, told: Some(at(990)), ..Attempts::default() };
    let (resync, lamp) = (Arc::new(Wanted { attempts, ..row(S) }), Arc::new(row(L)));
    let plan = plan([Arc::clone(&resync), Arc::clone(&lamp)], &look, TURN, now());
    let [errand] = &plan.errands[..] else { panic!("{plan:?}") };
    assert_eq!((&errand.sync, &errand.tried), (&None, &None));
    assert_eq!(errand.rows, [lamp]);
    let next = at(990 + 60);
    assert!(plan.waiting.contains(&(resync, Waiting::Unconfirmed { tries: 2, next })));
}

/// 10,000 phones, each with one row.
fn thousands(attempts: Attempts) -> Vec<Arc<Wanted>> {
    let row = |at: u32| Wanted { target: format!("0004132{at:05x}"), attempts, ..row(S) };
    shared((0..10_000).map(row))
}

#[test]
fn thousands_that_wait_cost_no_look_and_one_wake_up() {
    let mut look = seen(|_| ready());
    look.events.confirms = true;
    let told = Attempts { tries: 1, told: Some(at(990)), ..Attempts::default() };
    let plan = plan(thousands(told), &look, TURN, now());
    assert_eq!((look.looks.get(), look.asks.get()), (0, 0));
    assert_eq!((plan.errands.len(), plan.given_up.len(), plan.waiting.len()), (0, 0, 10_000));
    assert_eq!(plan.next, Some(at(990 + 30)));
}

#[test]
fn thousands_that_are_due_at_once_go_out_a_few_at_a_time() {
    let mut look = seen(|_| ready());
    look.events.confirms = true;
    let mut rows = thousands(Attempts::default());
    let mut last = None;
    let mut told = 0;
    for second in 0..25 {
        (look.looks, look.asks) = (Cell::new(0), Cell::new(0));
        let turn = Turn { last, most: 20 };
        let plan = plan(rows.clone(), &look, turn, at(1_000 + second));
        assert_eq!((look.looks.get(), look.asks.get()), (20, 20));
        assert_eq!(plan.waiting.len(), 10_000);
        let errands = within_rate(plan.errands, 20, |_| 1);
        assert_eq!(errands.len(), 20);
        last = errands.last().map(|errand| errand.phone);
        for (row, attempts) in errands.into_iter().filter_map(|errand| errand.tried) {
            let row = rows.iter_mut().find(|known| known.target == row.target).unwrap();
            assert_eq!(row.attempts.tries, 0, "nobody twice");
            Arc::make_mut(row).attempts = attempts;
            told += 1;
        }
    }
    assert_eq!(told, 500);
}

#[test]
fn thousands_that_never_came_are_given_up_a_few_at_a_time() {
    let mut look = seen(|_| Facts { registered: false, ..ready() });
    look.events.confirms = true;
    let now = at(5_000);
    let plan = plan(thousands(Attempts::default()), &look, TURN, now);
    assert_eq!(plan.given_up.len(), MOST_GIVEN_UP);
    assert_eq!(plan.waiting.len(), 10_000);
    assert_eq!(plan.next, Some(now), "and the others right after them");
}
