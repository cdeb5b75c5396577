//! All or nothing: kill -9 of the daemon, and a caller who hangs up, at any moment of a login.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hotdeskd::model::Happening;
use hotdeskd::simulator::Heard;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

use crate::support::{
    Kept, LOGGED_IN, Office, PHONES, Plan, UNAVAILABLE, USERS, heard_times, kept, spoken, until,
};

const ADA: &str = "1001";
const GRACE: &str = "1002";
const MOMENTS: usize = 50;
/// What a kill in mid-attempt leaves counted must lock nobody in these tests.
const PATIENT: &str = "guard.pair = { wrong = 999, window_minutes = 15, lock_minutes = 15 }\n\
    guard.phone = { wrong = 999, window_minutes = 15, lock_minutes = 15 }\n\
    guard.extension = { wrong = 999, window_minutes = 15, lock_minutes = 15 }\n\
    guard.site_alarm = 999\n";

fn seats(rows: [(usize, &str); 2]) -> BTreeMap<String, String> {
    rows.into_iter().map(|(at, user)| (PHONES[at].0.to_owned(), user.to_owned())).collect()
}

/// Ada sits at the first and the second phone, Grace at the third.
async fn seat_all(office: &Office) -> BTreeMap<String, String> {
    for (user, phone, mode) in [(ADA, 0, "only"), (ADA, 1, "also"), (GRACE, 2, "only")] {
        let login = json!({ "user": user, "phone": PHONES[phone].0, "mode": mode });
        office.post("sessions", login).await;
    }
    let mut before = seats([(0, ADA), (1, ADA)]);
    before.insert(PHONES[2].0.to_owned(), GRACE.to_owned());
    before
}

/// Grace takes the first phone over from Ada, and leaves the third; gives what she heard until the line
/// was cut.
async fn take_over(office: &Office) -> Vec<Heard> {
    let mut call = office.dial(&office.phone(0), "*111002").await;
    let mut heard = call.until_keys().await;
    call.press(&format!("{}#", USERS[1].2)).await;
    heard.extend(call.until_end().await);
    heard
}

/// The three lines that a take-over writes, or none of them.
fn is_all_or_nothing(kept: &Kept, since: i64) -> bool {
    let new: Vec<&Happening> =
        kept.journal.iter().filter(|entry| entry.id > since).map(|entry| &entry.what).collect();
    match new[..] {
        [] => false,
        [Happening::Logout { .. }, Happening::Logout { .. }, Happening::Login { user, .. }] => {
            assert_eq!(user.as_str(), GRACE);
            true
        }
        _ => panic!("half of a login in the journal: {new:?}"),
    }
}

#[tokio::test]
async fn killed_at_any_moment_of_a_login_the_store_is_before_or_after_it() {
    let seed: u64 = std::env::var("HOTDESKD_SEED")
        .map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("HOTDESKD_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let office = Office::with(Plan { pin: PATIENT, ..Plan::default() }).await;
    let after = seats([(0, GRACE), (1, ADA)]);
    // How long a login takes here, from the first ring on; the first is slower than the others.
    let mut usual = Duration::ZERO;
    for _ in 0..2 {
        seat_all(&office).await;
        let began = Instant::now();
        assert_eq!(heard_times(&take_over(&office).await, LOGGED_IN), 1);
        usual = began.elapsed();
    }
    let (mut befores, mut afters) = (0, 0);
    for moment in 0..MOMENTS {
        let before = seat_all(&office).await;
        let (_, since) = office.happened(0).await;
        let at = usual.mul_f64(random.random_range(0.0..1.5));
        let kill = async {
            tokio::time::sleep(at).await;
            office.kill();
        };
        let (heard, ()) = tokio::join!(cut_off(&office), kill);
        let kept = kept(&office).await;
        let whole = is_all_or_nothing(&kept, since);
        let wanted = if whole { &after } else { &before };
        assert_eq!(kept.sessions, *wanted, "moment {moment}, {at:?} of {usual:?}, seed {seed}");
        // Nobody is told before it is durable.
        assert!(whole || heard_times(&heard, LOGGED_IN) == 0, "moment {moment}, {heard:?}");
        if whole {
            afters += 1
        } else {
            befores += 1
        }
        // The next start works, and FreeSWITCH hears from it what the store says.
        office.start().await;
        let told = office.whose(&office.phone(0)).await;
        assert_eq!(told.as_deref(), wanted.get(PHONES[0].0).map(String::as_str));
    }
    println!("{befores} before, {afters} after, of {usual:?}");
    // With all on one side it would have tested little.
    assert!(befores >= 5 && afters >= 2, "{befores} before, {afters} after");
    assert_eq!(heard_times(&take_over(&office).await, LOGGED_IN), 1);
}

/// [`take_over`] by a caller whose call may be cut off anywhere, or may not come about.
async fn cut_off(office: &Office) -> Vec<Heard> {
    let phone = office.phone(0);
    // What FreeSWITCH knows of the phone from a moment ago, should the daemon be gone by now.
    let Ok(setup) = office.switch.authenticate_invite(&phone, "*111002").await else {
        return Vec::new();
    };
    let mut call = office.dial_as(setup);
    let mut heard = call.until_keys().await;
    if matches!(heard.last(), Some(Heard::Keys { .. })) {
        call.press(&format!("{}#", USERS[1].2)).await;
        let rest = tokio::time::timeout(Duration::from_secs(2), call.until_end()).await;
        heard.extend(rest.unwrap_or_default());
    }
    heard
}

#[tokio::test]
async fn who_is_cut_off_by_the_end_of_the_daemon_hears_that_it_is_not_available() {
    let office = Office::open().await;
    let mut call = office.dial(&office.phone(0), "*11").await;
    call.until_keys().await;
    office.kill();
    call.press("1001#").await;
    let heard = call.until_end().await;
    assert_eq!(spoken(&heard), ["%(200,100,400);loops=3", "NORMAL_TEMPORARY_FAILURE"]);
}

/// Where in a login the caller puts the receiver down.
#[derive(Debug, Clone, Copy)]
enum HangsUp {
    AtOnce,
    AtTheAnswer,
    AtTheExtension,
    InTheExtension,
    AtThePin,
    InThePin,
    AfterThePin,
    BeforeTheRefusal,
    AfterTheLastWord,
}

async fn hang_up(office: &Office, moment: HangsUp) {
    use HangsUp::*;
    let mut call = office.dial(&office.phone(0), "*11").await;
    if matches!(moment, AtOnce) {
        return call.hang_up();
    }
    assert_eq!(call.heard().await, Some(Heard::Answered));
    if matches!(moment, AtTheAnswer) {
        return call.hang_up();
    }
    call.until_keys().await;
    match moment {
        AtTheExtension => return call.hang_up(),
        InTheExtension => {
            call.press("10").await;
            return call.hang_up();
        }
        _ => call.press("1002#").await,
    }
    if matches!(moment, AtThePin) {
        // The question may just be on its way.
        return call.hang_up();
    }
    call.until_keys().await;
    let pin = USERS[1].2;
    match moment {
        InThePin => call.press(&pin[..3]).await,
        AfterThePin => call.press(&format!("{pin}#")).await,
        BeforeTheRefusal => call.press("5550123#").await,
        _ => {
            call.press(&format!("{pin}#")).await;
            let heard = call.heard().await;
            assert_eq!(heard, Some(Heard::Prompt(LOGGED_IN.into())));
        }
    }
    call.hang_up();
}

#[tokio::test]
async fn who_hangs_up_at_any_moment_leaves_nothing_half_way() {
    use HangsUp::*;
    let office = Office::with(Plan { pin: PATIENT, ..Plan::default() }).await;
    let before = seat_all(&office).await;
    let after = seats([(0, GRACE), (1, ADA)]);
    let moments = [
        (AtOnce, false),
        (AtTheAnswer, false),
        (AtTheExtension, false),
        (InTheExtension, false),
        (AtThePin, false),
        (InThePin, false),
        (AfterThePin, true),
        (BeforeTheRefusal, false),
        (AfterTheLastWord, true),
    ];
    for (moment, may_be_after) in moments {
        seat_all(&office).await;
        hang_up(&office, moment).await;
        let gone = async || office.switch.channels().is_empty() && office.open_conversations() == 0;
        until(&format!("{moment:?}: the call is gone on both sides"), gone).await;
        let sessions: BTreeMap<String, String> = office.sessions().await.into_iter().collect();
        let is_after = sessions == after;
        assert!(is_after || sessions == before, "{moment:?}: {sessions:?}");
        assert!(may_be_after || !is_after, "{moment:?}: {sessions:?}");
        assert!(!matches!(moment, AfterTheLastWord) || is_after, "{moment:?}: {sessions:?}");
    }
    // The next caller is none the worse for it.
    seat_all(&office).await;
    assert_eq!(heard_times(&take_over(&office).await, LOGGED_IN), 1);
    assert_eq!(heard_times(&office.converse(&office.phone(1), "*15", &[]).await, UNAVAILABLE), 0);
    office.kill();
    assert_eq!(kept(&office).await.sessions, after);
}
