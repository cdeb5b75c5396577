//! Each conversation from end to end: the daemon as it is installed, FreeSWITCH and the phones as the
//! simulator plays them. What a flow did is seen from FreeSWITCH's side.

use hotdeskd::simulator::{CallSetup, Heard};
use serde_json::json;

use crate::support::{
    GOODBYE, LOGGED_IN, LOGGED_OUT, Office, PHONES, Plan, REFUSED, UNAVAILABLE, USERS, heard_times,
    spoken,
};

const ADA: &str = "1001";
const GRACE: &str = "1002";

/// A user's PIN, with the key that ends it.
fn pin(extension: &str) -> String {
    format!("{}#", USERS.iter().find(|(known, ..)| *known == extension).unwrap().2)
}

fn at(phone: usize, user: &str) -> (String, String) {
    (PHONES[phone].0.to_owned(), user.to_owned())
}

#[tokio::test]
async fn who_logs_in_here_is_out_everywhere_else() {
    let office = Office::open().await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    for phone in [&desk1, &desk2] {
        office.switch.register(phone).await.unwrap();
    }
    assert_eq!(office.whose(&desk1).await, None);
    let heard = office.converse(&desk1, "*11", &["1001#", &pin(ADA)]).await;
    let said = [
        "ivr/ivr-please_enter_extension_followed_by_pound.wav",
        "ivr/ivr-please_enter_pin_followed_by_pound.wav",
        LOGGED_IN,
        "NORMAL_CLEARING",
    ];
    assert_eq!(spoken(&heard), said);
    assert_eq!(heard[0], Heard::Answered);
    assert_eq!(office.whose(&desk1).await.as_deref(), Some(ADA));
    assert_eq!(office.rings(ADA).await, [PHONES[0].0]);
    // With the extension behind the code only the PIN is asked.
    let heard = office.converse(&desk2, "*111001", &[&pin(ADA)]).await;
    assert_eq!(spoken(&heard), said[1..]);
    assert_eq!(office.whose(&desk1).await, None);
    assert_eq!(office.whose(&desk2).await.as_deref(), Some(ADA));
    assert_eq!(office.rings(ADA).await, [PHONES[1].0]);
}

#[tokio::test]
async fn who_logs_in_here_too_stays_where_they_are_and_a_take_over_ends_only_here() {
    let office = Office::open().await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    for phone in [&desk1, &desk2] {
        office.switch.register(phone).await.unwrap();
    }
    office.log_in(&desk1, "*111001", USERS[0].2).await;
    let heard = office.converse(&desk2, "*12", &["1001#", &pin(ADA)]).await;
    assert_eq!(heard_times(&heard, LOGGED_IN), 1, "{heard:?}");
    assert_eq!(office.rings(ADA).await, [PHONES[0].0, PHONES[1].0]);
    let heard = office.converse(&desk2, "*121002", &[&pin(GRACE)]).await;
    assert_eq!(heard_times(&heard, LOGGED_IN), 1, "{heard:?}");
    assert_eq!(office.sessions().await, [at(0, ADA), at(1, GRACE)]);
    assert_eq!(office.rings(ADA).await, [PHONES[0].0]);
    assert_eq!(office.rings(GRACE).await, [PHONES[1].0]);
}

/// `*13` and `*14` by the setting `pin.logout`: whether each of these asks for the PIN - `*13`, `*14` with
/// one's own extension at one's own phone, `*14` with somebody else's.
async fn logging_out(setting: &'static str, asks: [bool; 3]) {
    let office = Office::with(Plan { pin: setting, ..Plan::default() }).await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    for (at, number) in ["*13", "*141001", "*141001"].into_iter().enumerate() {
        office.log_in(&desk1, "*111001", USERS[0].2).await;
        office.log_in(&desk2, "*111002", USERS[1].2).await;
        let from = if at == 2 { &desk2 } else { &desk1 };
        let right = pin(ADA);
        let keys: &[&str] = if asks[at] { &[&right] } else { &[] };
        let heard = office.converse(from, number, keys).await;
        assert_eq!(heard_times(&heard, LOGGED_OUT), 1, "{setting}, {number}, {at}: {heard:?}");
        assert_eq!(office.whose(&desk1).await, None, "{setting}, {number}, {at}");
        assert_eq!(office.whose(&desk2).await.as_deref(), Some(GRACE), "{setting}, {at}");
    }
    // Nobody there: nothing to ask.
    let heard = office.converse(&desk1, "*13", &[]).await;
    assert_eq!(spoken(&heard), [LOGGED_OUT, "NORMAL_CLEARING"]);
}

#[tokio::test]
async fn logging_out_always_asks_for_the_pin() {
    logging_out("logout = \"always\"", [true, true, true]).await;
}

#[tokio::test]
async fn logging_out_asks_for_the_pin_elsewhere() {
    logging_out("logout = \"elsewhere\"", [false, true, true]).await;
}

#[tokio::test]
async fn logging_out_never_asks_for_the_own_pin() {
    logging_out("logout = \"never\"", [false, false, true]).await;
}

#[tokio::test]
async fn logging_out_everywhere_asks_for_extension_and_pin_from_any_phone() {
    let office = Office::open().await;
    let [desk1, desk2, meeting] = [0, 1, 2].map(|at| office.phone(at));
    office.log_in(&desk1, "*111001", USERS[0].2).await;
    office.log_in(&desk2, "*121001", USERS[0].2).await;
    office.log_in(&meeting, "*111002", USERS[1].2).await;
    // Nobody logs somebody else out with another PIN than theirs.
    let heard = office.converse(&meeting, "*14", &["1001#", &pin(GRACE)]).await;
    assert_eq!(heard_times(&heard, REFUSED), 1, "{heard:?}");
    assert_eq!(office.sessions().await, [at(0, ADA), at(1, ADA), at(2, GRACE)]);
    let heard = office.converse(&meeting, "*14", &["1001#", &pin(ADA)]).await;
    assert_eq!(heard_times(&heard, LOGGED_OUT), 1, "{heard:?}");
    assert_eq!(office.sessions().await, [at(2, GRACE)]);
}

#[tokio::test]
async fn the_phone_says_who_is_there_and_restarts() {
    let office = Office::open().await;
    let desk1 = office.phone(0);
    let heard = office.converse(&desk1, "*15", &[]).await;
    assert_eq!(spoken(&heard), [LOGGED_OUT, "NORMAL_CLEARING"]);
    office.log_in(&desk1, "*111001", USERS[0].2).await;
    let heard = office.converse(&desk1, "*15", &[]).await;
    assert_eq!(spoken(&heard), [ADA, LOGGED_IN, "NORMAL_CLEARING"]);
    let said = Heard::Said { kind: "number".into(), method: "iterated".into(), text: ADA.into() };
    assert!(heard.contains(&said), "{heard:?}");
    let heard = office.converse(&desk1, "*19", &[]).await;
    assert_eq!(spoken(&heard), [GOODBYE, "NORMAL_CLEARING"]);
    let shown = office.get(&format!("phones/{}", desk1.user)).await;
    assert!(shown["pending"].as_array().unwrap().contains(&json!("restart")), "{shown}");
    assert_eq!(office.happened(0).await.0.last().unwrap(), "restart-asked");
}

#[tokio::test]
async fn a_caller_has_three_tries_and_nothing_typed_is_one() {
    let office = Office::open().await;
    let desk1 = office.phone(0);
    let mut call = office.dial(&desk1, "*11").await;
    call.until_keys().await;
    call.wait_out();
    let heard = call.until_keys().await;
    assert_eq!(spoken(&heard)[..1], ["ivr/ivr-that_was_an_invalid_entry.wav"]);
    // An extension of one digit, and letters of the phone's keypad.
    call.press("1#").await;
    let heard = call.until_keys().await;
    assert_eq!(spoken(&heard)[..1], ["ivr/ivr-that_was_an_invalid_entry.wav"]);
    call.press("1001#").await;
    call.until_keys().await;
    call.press("4711#").await;
    let heard = call.until_end().await;
    assert_eq!(spoken(&heard), [REFUSED, GOODBYE, "NORMAL_CLEARING"]);
    assert_eq!(office.sessions().await, []);
    assert_eq!(office.happened(0).await.0.last().unwrap(), "pin-refused");
}

#[tokio::test]
async fn the_pin_that_a_user_set_by_phone_counts_and_the_initial_one_no_longer() {
    let office = Office::open().await;
    let desk1 = office.phone(0);
    office.switch.set_pin(ADA, "6092");
    let heard = office.converse(&desk1, "*111001", &[&pin(ADA)]).await;
    assert_eq!(heard_times(&heard, REFUSED), 1, "{heard:?}");
    office.log_in(&desk1, "*111001", "6092").await;
    // Back to the initial one, as FreeSWITCH does when a mailbox is removed.
    office.switch.set_pin(ADA, "");
    office.log_in(&desk1, "*111001", USERS[0].2).await;
}

#[tokio::test]
async fn with_old_pin_valid_both_pins_count() {
    let office = Office::with(Plan { pin: "old_pin_valid = true", ..Plan::default() }).await;
    let desk1 = office.phone(0);
    office.switch.set_pin(ADA, "6092");
    office.log_in(&desk1, "*111001", USERS[0].2).await;
    office.log_in(&desk1, "*111001", "6092").await;
    let heard = office.converse(&desk1, "*111001", &["6093#"]).await;
    assert_eq!(heard_times(&heard, REFUSED), 1, "{heard:?}");
}

#[tokio::test]
async fn without_a_pin_anywhere_everything_is_refused() {
    let office = Office::open().await;
    let desk1 = office.phone(0);
    office.user("1004", json!({ "name": "Edsger Dijkstra" }), "").await;
    // The last is what FreeSWITCH would ask a mailbox's owner for where there is no PIN.
    let heard = office.converse(&desk1, "*111004", &["4711#", "0000#", "1004#"]).await;
    assert_eq!(heard_times(&heard, REFUSED), 3, "{heard:?}");
    assert_eq!(office.sessions().await, []);
    // A PIN set by phone is one.
    office.switch.set_pin("1004", "6092");
    office.log_in(&desk1, "*111004", "6092").await;
}

#[tokio::test]
async fn with_the_method_hash_freeswitch_is_not_asked() {
    let office = Office::with(Plan { pin: "method = \"hash\"", ..Plan::default() }).await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    office.switch.set_pin(ADA, "6092");
    for typed in ["6092#", "4711#"] {
        let heard = office.converse(&desk1, "*111001", &[typed]).await;
        assert_eq!(heard_times(&heard, REFUSED), 1, "{heard:?}");
    }
    office.log_in(&desk1, "*111001", USERS[0].2).await;
    office.user("1004", json!({ "name": "Edsger Dijkstra" }), "").await;
    let heard = office.converse(&desk2, "*111004", &["4711#"]).await;
    assert_eq!(heard_times(&heard, REFUSED), 1, "{heard:?}");
    let asked = office.switch.api_log();
    assert!(!asked.iter().any(|line| line.contains("vm_prefs")), "{asked:?}");
}

#[tokio::test]
async fn an_owner_falls_back_to_the_desk_and_a_guest_has_it_meanwhile() {
    let office = Office::open().await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    for phone in [&desk1, &desk2] {
        office.switch.register(phone).await.unwrap();
    }
    let owned = json!({ "label": "Desk 1", "owner": ADA });
    office.put(&format!("phones/{}", desk1.user), owned).await;
    assert_eq!(office.whose(&desk1).await.as_deref(), Some(ADA));
    office.log_in(&desk1, "*111002", USERS[1].2).await;
    assert_eq!(office.whose(&desk1).await.as_deref(), Some(GRACE));
    // While a guest sits at the desk the owner is nowhere.
    let ringing = office.switch.who_rings(ADA).await.unwrap();
    assert_eq!(ringing.failure(), Some("user_not_registered"), "{ringing:?}");
    let heard = office.converse(&desk1, "*13", &[&pin(GRACE)]).await;
    assert_eq!(heard_times(&heard, LOGGED_OUT), 1, "{heard:?}");
    assert_eq!(office.whose(&desk1).await.as_deref(), Some(ADA));
    // A login elsewhere ends the fallback until the owner logs out there.
    office.log_in(&desk2, "*111001", USERS[0].2).await;
    assert_eq!(office.whose(&desk1).await, None);
    office.converse(&desk2, "*13", &[&pin(ADA)]).await;
    assert_eq!(office.whose(&desk1).await.as_deref(), Some(ADA));
    assert_eq!(office.whose(&desk2).await, None);
}

#[tokio::test]
async fn a_phone_that_may_not_hot_desk_takes_its_owner_and_nobody_else() {
    let office = Office::open().await;
    let desk1 = office.phone(0);
    let fixed = json!({ "label": "Desk 1", "owner": ADA, "hot_desk": false });
    office.put(&format!("phones/{}", desk1.user), fixed).await;
    let heard = office.converse(&desk1, "*111002", &[&pin(GRACE)]).await;
    assert_eq!(heard_times(&heard, REFUSED), 1, "{heard:?}");
    assert_eq!(office.sessions().await, [at(0, ADA)]);
    office.converse(&desk1, "*13", &[&pin(ADA)]).await;
    assert_eq!(office.sessions().await, []);
    office.log_in(&desk1, "*111001", USERS[0].2).await;
}

#[tokio::test]
async fn a_user_who_may_not_hot_desk_is_refused_everywhere_but_at_home() {
    let office = Office::open().await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    office.log_in(&desk2, "*111001", USERS[0].2).await;
    // Who may no longer is logged out at once.
    office.put("users/1001", json!({ "name": "Ada Lovelace", "hot_desk": false })).await;
    assert_eq!(office.sessions().await, []);
    let heard = office.converse(&desk2, "*111001", &[&pin(ADA)]).await;
    assert_eq!(heard_times(&heard, REFUSED), 1, "{heard:?}");
    office.put(&format!("phones/{}", desk1.user), json!({ "owner": ADA })).await;
    office.log_in(&desk1, "*111001", USERS[0].2).await;
    assert_eq!(office.sessions().await, [at(0, ADA)]);
}

#[tokio::test]
async fn whoever_is_no_phone_of_ours_gets_nowhere() {
    let office = Office::open().await;
    let stranger = "0004132affff";
    for user in [stranger, "1001", ""] {
        for (number, keys) in [
            ("*11", vec!["1001#".to_owned(), pin(ADA)]),
            ("*121001", vec![pin(ADA)]),
            ("*13", vec![]),
            ("*19", vec![]),
        ] {
            let mut setup = CallSetup::new(user, number);
            setup.context = "restricted".into();
            // What a phone says about itself counts for nothing.
            setup.from_user = PHONES[0].0.into();
            setup.caller_number = PHONES[0].0.into();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let (heard, _) = Office::answer(office.dial_as(setup), &keys).await;
            let heard = spoken(&heard);
            assert!(!heard.contains(&LOGGED_IN), "{user} {number}: {heard:?}");
            assert!(number != "*19" || heard.contains(&UNAVAILABLE), "{user}: {heard:?}");
        }
    }
    assert_eq!(office.sessions().await, []);
    let (happened, _) = office.happened(0).await;
    assert!(!happened.contains(&"restart-asked".to_owned()), "{happened:?}");
    // And nobody is logged out from there.
    office.log_in(&office.phone(0), "*111001", USERS[0].2).await;
    let mut setup = CallSetup::new(stranger, "*141001");
    setup.context = "restricted".into();
    let (heard, _) = Office::answer(office.dial_as(setup), &[&pin(ADA)]).await;
    assert_eq!(heard_times(&heard, LOGGED_OUT), 0, "{heard:?}");
    assert_eq!(office.sessions().await, [at(0, ADA)]);
}

#[tokio::test]
async fn an_unknown_extension_is_refused_like_a_wrong_pin() {
    let office = Office::open().await;
    let desk1 = office.phone(0);
    for number in ["*11", "*12", "*14"] {
        let heard = office.converse(&desk1, &format!("{number}4999"), &["4711#"]).await;
        assert_eq!(heard_times(&heard, REFUSED), 1, "{number}: {heard:?}");
    }
    assert_eq!(office.sessions().await, []);
    let journal = office.get("journal?limit=3").await;
    assert!(journal.as_array().unwrap().iter().all(|row| row["user"].is_null()), "{journal}");
}
