//! The PIN guard, and what a refusal tells: nothing.

use std::time::Duration;

use futures_util::future::join_all;
use hotdeskd::simulator::{Call, CallSetup, Heard, Phone};
use serde_json::json;

use crate::support::{LOGGED_IN, Office, PHONES, Plan, REFUSED, USERS, heard_times, spoken, until};

const ADA: &str = "1001";
const GRACE: &str = "1002";
const ADAS_PIN: &str = USERS[0].2;
const GRACES_PIN: &str = USERS[1].2;
const WRONG: &str = "5550123";

/// A further phone of the office.
async fn another_phone(office: &Office, number: usize) -> Phone {
    let mac = format!("0004132b{number:04}");
    let secret = "phone-secret-more";
    office.put(&format!("phones/{mac}"), json!({ "secret": secret })).await;
    Phone::new(mac, secret.to_owned().into())
}

/// A call to a login code; of a stranger, as an operator's own dialplan might let it through.
async fn dial(office: &Office, phone: &Phone, extension: &str) -> Call {
    let number = format!("*11{extension}");
    if phone.user.starts_with("00041399") {
        let mut setup = CallSetup::new(&phone.user, &number);
        setup.context = "restricted".into();
        return office.dial_as(setup);
    }
    office.dial(phone, &number).await
}

async fn is_refused(office: &Office, phone: &Phone, extension: &str, pin: &str) -> bool {
    let call = dial(office, phone, extension).await;
    let (heard, _) = Office::answer(call, &[&format!("{pin}#")]).await;
    let (refused, logged_in) = (heard_times(&heard, REFUSED), heard_times(&heard, LOGGED_IN));
    assert_eq!(refused + logged_in, 1, "{heard:?}");
    refused == 1
}

/// Why a login is refused: who tries five times, and then the sixth time with which PIN.
struct Reason {
    name: &'static str,
    phone: Phone,
    guessed: &'static str,
    then: (&'static str, &'static str),
}

/// Five guesses, and the sixth refusal: what is heard from the last digit on, and when.
async fn sixth(office: &Office, reason: &Reason) -> (Vec<Heard>, Duration) {
    for _ in 0..5 {
        let of = format!("journal?phone={}&limit=100", reason.phone.user);
        let refused = async || office.get(&of).await.to_string().matches("pin-refused").count();
        let before = refused().await;
        let mut call = dial(office, &reason.phone, reason.guessed).await;
        call.until_keys().await;
        call.press(&format!("{WRONG}#")).await;
        until("the guess counts", async || refused().await > before).await;
    }
    let call = dial(office, &reason.phone, reason.then.0).await;
    Office::answer(call, &[&format!("{}#", reason.then.1)]).await
}

#[tokio::test]
async fn every_refusal_sounds_the_same_and_comes_at_the_same_time() {
    // refusal_after_ms, and 250 ms for each of the six. A busy machine can only be later, so that one
    // which is earlier is so by design, and one which is later every time too.
    let (step, at) = (Duration::from_millis(250), Duration::from_millis(500 + 6 * 250));
    for round in 1.. {
        let times = times_of_refusals().await;
        println!("{times:?}");
        assert!(times.iter().all(|(_, took)| *took >= at), "{times:?}");
        if times.iter().all(|(_, took)| *took < at + step) {
            break;
        }
        assert!(round < 3, "{times:?}");
    }
}

/// How long each kind of refusal takes, the sixth at its phone; all sound the same.
async fn times_of_refusals() -> Vec<(&'static str, Duration)> {
    let plan = Plan { pin: "guard.site_alarm = 1000", ..Plan::default() };
    let office = Office::with(plan).await;
    office.user("1004", json!({ "name": "Edsger Dijkstra" }), "").await;
    office.user("1005", json!({ "name": "Barbara Liskov", "hot_desk": false }), "6092").await;
    let fixed = another_phone(&office, 5).await;
    let may_not = json!({ "owner": "1003", "hot_desk": false });
    office.put(&format!("phones/{}", fixed.user), may_not).await;
    let stranger = Phone::new("000413990001", "none".to_owned().into());
    // An extension that nobody has, so that nothing but the phone counts.
    let nobody = "4999";
    let reasons = [
        ("wrong PIN", office.phone(0), nobody, (ADA, WRONG)),
        ("unknown extension", office.phone(1), nobody, (nobody, ADAS_PIN)),
        ("locked", office.phone(2), ADA, (ADA, ADAS_PIN)),
        ("no PIN", another_phone(&office, 3).await, nobody, ("1004", WRONG)),
        ("user may not", another_phone(&office, 4).await, nobody, ("1005", "6092")),
        ("phone may not", fixed, nobody, (ADA, ADAS_PIN)),
        ("unknown phone", stranger, nobody, (GRACE, GRACES_PIN)),
    ];
    let reasons = reasons.map(|(name, phone, guessed, then)| Reason { name, phone, guessed, then });
    let all = join_all(reasons.iter().map(|reason| sixth(&office, reason))).await;
    for (reason, (heard, _)) in reasons.iter().zip(&all) {
        assert_eq!(*heard, all[0].0, "{}", reason.name);
        assert_eq!(heard_times(heard, REFUSED), 1, "{}", reason.name);
    }
    reasons.iter().zip(all).map(|(reason, (_, took))| (reason.name, took)).collect()
}

#[tokio::test]
async fn five_wrong_pins_lock_the_extension_at_this_phone_until_it_is_unlocked() {
    let office = Office::open().await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    for _ in 0..4 {
        office.guess(&desk1, ADA, WRONG).await;
    }
    // A right one wipes the slate of this pair.
    office.log_in(&desk1, "*111001", ADAS_PIN).await;
    for _ in 0..5 {
        office.guess(&desk1, ADA, WRONG).await;
    }
    // Locked out, she cannot lock the phone for others, however often she tries.
    for pin in [WRONG, WRONG, ADAS_PIN] {
        office.guess(&desk1, ADA, pin).await;
    }
    assert!(is_refused(&office, &desk1, ADA, ADAS_PIN).await);
    let journal = office.get("journal?limit=100").await.to_string();
    assert_eq!(journal.matches("pin-locked").count(), 1, "{journal}");
    // Others may log in here, and she elsewhere.
    office.log_in(&desk1, "*111002", GRACES_PIN).await;
    office.log_in(&desk2, "*111001", ADAS_PIN).await;
    assert!(is_refused(&office, &desk1, ADA, ADAS_PIN).await);
    let unlocked = office.run(&["users", "unlock", ADA]);
    assert!(unlocked.status.success(), "{unlocked:?}");
    office.log_in(&desk1, "*111001", ADAS_PIN).await;
    let journal = office.get("journal?limit=100").await.to_string();
    assert_eq!(journal.matches("pin-unlocked").count(), 1, "{journal}");
}

#[tokio::test]
async fn ten_wrong_ones_lock_the_phone_whoever_was_meant() {
    let office = Office::open().await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    for extension in [ADA, "4998", "1003", "4999", "4997"] {
        office.guess(&desk1, extension, WRONG).await;
        office.guess(&desk1, extension, WRONG).await;
    }
    assert!(is_refused(&office, &desk1, GRACE, GRACES_PIN).await);
    for extension in [ADA, GRACE] {
        let pin = if extension == ADA { ADAS_PIN } else { GRACES_PIN };
        assert!(!is_refused(&office, &desk2, extension, pin).await, "{extension}");
    }
    assert!(is_refused(&office, &desk1, GRACE, GRACES_PIN).await);
    assert_eq!(office.whose(&desk1).await, None);
}

#[tokio::test]
async fn twenty_wrong_ones_over_several_phones_lock_the_extension_everywhere() {
    let office = Office::open().await;
    let mut phones = Vec::new();
    for number in 0..5 {
        phones.push(another_phone(&office, number).await);
    }
    // Four each, so that neither a pair nor a phone locks.
    let guessers = phones.iter().map(async |phone| {
        for _ in 0..4 {
            office.guess(phone, ADA, WRONG).await;
        }
    });
    join_all(guessers).await;
    let desk1 = office.phone(0);
    assert!(is_refused(&office, &desk1, ADA, ADAS_PIN).await);
    office.log_in(&desk1, "*111002", GRACES_PIN).await;
    assert!(office.run(&["users", "unlock", ADA]).status.success());
    office.log_in(&desk1, "*111001", ADAS_PIN).await;
}

#[tokio::test]
async fn a_lock_survives_the_daemon() {
    let office = Office::open().await;
    let desk1 = office.phone(0);
    for wrong in 1..=5 {
        office.guess(&desk1, ADA, WRONG).await;
        // In the middle too: what counted, counts.
        if wrong % 2 == 0 {
            office.kill();
            office.start().await;
        }
    }
    office.kill();
    office.start().await;
    assert!(is_refused(&office, &desk1, ADA, ADAS_PIN).await);
    office.log_in(&office.phone(1), "*111001", ADAS_PIN).await;
}

#[tokio::test]
async fn logging_in_as_oneself_buys_no_guesses_at_others() {
    let office = Office::open().await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    for _ in 0..5 {
        office.guess(&desk1, ADA, WRONG).await;
        office.log_in(&desk1, "*111002", GRACES_PIN).await;
    }
    assert!(is_refused(&office, &desk1, ADA, ADAS_PIN).await);
    // Nor at the phone: nine more of whatever extension, and oneself in between.
    for extension in ["4991", "4992", "4993", "4994", "4995", "4996", "4997", "4998", "4999"] {
        office.guess(&desk2, extension, WRONG).await;
        office.log_in(&desk2, "*111002", GRACES_PIN).await;
    }
    office.guess(&desk2, "4990", WRONG).await;
    assert!(is_refused(&office, &desk2, GRACE, GRACES_PIN).await);
}

#[tokio::test]
async fn guesses_made_at_the_same_time_all_count() {
    let office = Office::open().await;
    let desk1 = office.phone(0);
    let mut calls = Vec::new();
    for _ in 0..8 {
        let mut call = office.dial(&desk1, "*111001").await;
        call.until_keys().await;
        calls.push(call);
    }
    // The right PIN is the last of them; five are wrong before it.
    for (at, call) in calls.iter().enumerate() {
        let pin = if at == 7 { ADAS_PIN } else { WRONG };
        call.press(&format!("{pin}#")).await;
        let of = format!("journal?phone={}&limit=100", PHONES[0].0);
        // Each is counted before any refusal is spoken.
        until("it counts", async || {
            at == 7 || office.get(&of).await.to_string().matches("pin-refused").count() > at
        })
        .await;
    }
    for mut call in calls {
        let heard = call.until_keys().await;
        assert_eq!(spoken(&heard)[..1], [REFUSED], "{heard:?}");
    }
    assert_eq!(office.sessions().await, []);
}
