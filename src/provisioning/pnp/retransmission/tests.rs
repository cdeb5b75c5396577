use super::*;

fn key(call_id: &str) -> Key {
    Key {
        from: "192.0.2.30:2048".parse().unwrap(),
        uri: "sip:MAC%3a000413AABB01@intern.example.net".to_owned(),
        call_id: call_id.to_owned(),
        tag: "abc".to_owned(),
        sequence: 1,
        branch: String::new(),
    }
}

fn begin(transactions: &mut Transactions<u32>, n: u32, now: Instant) {
    let outgoing = Outgoing {
        branch: format!("z9hG4bK{n}"),
        bytes: format!("NOTIFY {n}").into_bytes().into(),
        to: "192.0.2.30:5060".parse().unwrap(),
        about: n,
    };
    let ok = format!("200 {n}").into_bytes().into();
    transactions.begin(key(&n.to_string()), ok, outgoing, now);
}

/// All that is due up to `until`, with the milliseconds since `start`.
fn run(
    transactions: &mut Transactions<u32>,
    start: Instant,
    until: Duration,
) -> Vec<(u128, String)> {
    let mut done = Vec::new();
    while let Some(at) = transactions.next().filter(|at| *at <= start + until) {
        while let Some(due) = transactions.due(at) {
            let what = match due {
                Due::Send(bytes, _) => String::from_utf8_lossy(&bytes).into_owned(),
                Due::GivenUp(about) => format!("given up {about}"),
            };
            done.push(((at - start).as_millis(), what));
        }
    }
    done
}

fn text(bytes: Option<Arc<[u8]>>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn a_notify_goes_out_again_after_half_one_and_two_seconds_and_is_given_up() {
    let (mut transactions, start) = (Transactions::new(Timers::default(), 10), Instant::now());
    begin(&mut transactions, 1, start);
    let done = run(&mut transactions, start, Duration::from_secs(60));
    let wanted =
        [(500, "NOTIFY 1"), (1_500, "NOTIFY 1"), (3_500, "NOTIFY 1"), (7_500, "given up 1")];
    assert_eq!(done, wanted.map(|(at, what)| (at, what.to_owned())));
    assert_eq!((transactions.len(), transactions.next()), (0, None), "nothing stays behind");
    assert!(transactions.by_key.is_empty() && transactions.by_branch.is_empty());
}

#[test]
fn with_the_timers_of_rfc_3261_it_goes_on_every_four_seconds_for_32() {
    let timers = Timers { f: Duration::from_secs(32), ..Timers::default() };
    let (mut transactions, start) = (Transactions::new(timers, 10), Instant::now());
    begin(&mut transactions, 1, start);
    let done = run(&mut transactions, start, Duration::from_secs(60));
    let at: Vec<u128> = done.iter().map(|(at, _)| *at).collect();
    assert_eq!(
        at,
        [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500, 32_000]
    );
}

#[test]
fn an_answer_ends_it_and_the_request_still_gets_the_same_200() {
    let (mut transactions, start) = (Transactions::new(Timers::default(), 10), Instant::now());
    begin(&mut transactions, 1, start);
    assert_eq!(run(&mut transactions, start, Duration::from_millis(600)).len(), 1);
    assert_eq!(transactions.answered("z9hG4bK2", 200), None, "another's branch ends nothing");
    assert_eq!(transactions.answered("z9hG4bK1", 200), Some(1));
    assert_eq!(transactions.answered("z9hG4bK1", 200), None, "once");
    assert_eq!(text(transactions.again(&key("1"))).as_deref(), Some("200 1"));
    assert_eq!(transactions.again(&key("2")), None);
    assert_eq!(run(&mut transactions, start, Duration::from_secs(31)), []);
    assert!(transactions.again(&key("1")).is_some());
    run(&mut transactions, start, Duration::from_secs(32));
    assert_eq!((transactions.again(&key("1")), transactions.len()), (None, 0));
}

#[test]
fn a_provisional_answer_ends_nothing_and_slows_down() {
    let (mut transactions, start) = (Transactions::new(Timers::default(), 10), Instant::now());
    begin(&mut transactions, 1, start);
    assert_eq!(transactions.answered("z9hG4bK1", 100), None);
    let done = run(&mut transactions, start, Duration::from_secs(60));
    let at: Vec<u128> = done.iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [500, 4_500, 7_500]);
}

#[test]
fn when_all_places_are_taken_those_that_are_done_make_room_and_others_do_not() {
    let (mut transactions, start) = (Transactions::new(Timers::default(), 3), Instant::now());
    for n in 1..=3 {
        assert!(transactions.make_room());
        begin(&mut transactions, n, start);
    }
    assert!(!transactions.make_room(), "each still waits for its phone");
    transactions.answered("z9hG4bK2", 200);
    assert!(transactions.make_room());
    begin(&mut transactions, 4, start);
    assert_eq!(transactions.len(), 3);
    assert_eq!(transactions.again(&key("2")), None);
    assert!(transactions.again(&key("1")).is_some() && transactions.again(&key("4")).is_some());
    assert_eq!(run(&mut transactions, start, Duration::from_secs(60)).len(), 3 * 4);
}

#[test]
fn a_late_look_at_the_clock_loses_nobody() {
    let (mut transactions, start) = (Transactions::new(Timers::default(), 10), Instant::now());
    begin(&mut transactions, 1, start);
    begin(&mut transactions, 2, start);
    let late = start + Duration::from_secs(100);
    let mut given_up = Vec::new();
    while let Some(due) = transactions.due(late) {
        given_up.push(due);
    }
    assert_eq!(given_up, [Due::GivenUp(1), Due::GivenUp(2)]);
    assert_eq!(transactions.len(), 0);
}
