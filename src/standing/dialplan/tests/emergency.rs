//! Emergency calls and their call-back, with the daemon dead.

use super::*;
use crate::standing::emergency::{Fault, dial_every_number};
use crate::standing::walk::Dialled;

#[test]
fn every_emergency_number_reaches_its_route_with_the_daemon_dead() {
    let configurations = [
        Settings::new("", ROUTES),
        Settings::new("free_numbers = [\"112\"]\ncontext = \"inside\"", ROUTES),
        Settings::new("codes.login = \"*9\"", "routes = [\"sofia/external/$number@192.0.2.1\"]"),
        Settings::new(
            "",
            "numbers = [\"12\", \"112\"]\ntrunk_prefixes = [\"1\"]\nroutes = [\"sofia/gateway/t/$number\"]",
        ),
        Settings::new(
            "",
            "callback_minutes = 0\ntrunk_prefixes = []\nroutes = [\"sofia/gateway/t/$number\"]",
        ),
        Settings::new("", "numbers = [\"999\", \"112\"]"),
    ];
    for settings in configurations {
        let walk = settings.walk();
        let verdicts =
            dial_every_number(&walk, &settings.emergency, &phone(), &Policy::daemon_dead());
        let ways = settings.emergency.dialled_and_bare().len();
        assert_eq!(verdicts.len(), 2 * ways);
        for verdict in verdicts {
            assert!(verdict.outcome.is_ok(), "{verdict}\n{:?}", verdict.story);
        }
    }
}

#[test]
fn a_planted_socket_before_the_route_is_found() {
    let settings = Settings::new("", ROUTES);
    let plantings: [fn(&str) -> String; 4] = [
        // Before the bridge.
        |text| {
            text.replacen(
            "<action application=\"privacy\"",
            "<action application=\"socket\" data=\"127.0.0.1:8084/x async full\"/><action application=\"privacy\"",
            1,
        )
        },
        // In an extension that goes on.
        |text| {
            text.replacen(
            "<extension name=\"hotdeskd_emergency\">",
            "<extension name=\"log\" continue=\"true\"><condition><action application=\"socket\" \
             data=\"127.0.0.1:8084/x async full\"/></condition></extension><extension name=\"hotdeskd_emergency\">",
            1,
        )
        },
        // Codes before emergency numbers, and a code that takes one.
        |text| {
            text.replacen(
            "<extension name=\"hotdeskd_emergency\">",
            "<extension name=\"a\"><condition field=\"destination_number\" expression=\"^\\d+$\">\
             <action application=\"socket\" data=\"127.0.0.1:8084/x async full\"/></condition></extension>\
             <extension name=\"hotdeskd_emergency\">",
            1,
        )
        },
        // The emergency extension gone.
        |text| text.replacen("(999|112)", "(998|113)", 1),
    ];
    for plant in plantings {
        let mut files = settings.files();
        for file in &mut files {
            let planted = plant(&file.text);
            assert!(planted != file.text || !file.path.starts_with("dialplan"));
            file.text = planted;
        }
        let verdicts = dial_every_number(
            &walk_of(&files),
            &settings.emergency,
            &phone(),
            &Policy::daemon_dead(),
        );
        assert!(verdicts.iter().all(|verdict| verdict.outcome.is_err()), "{verdicts:?}");
    }
}

#[test]
fn a_missing_context_is_found_too() {
    let settings = Settings::new("", ROUTES);
    let walk = Walk::from_texts([OPERATORS]).unwrap();
    for verdict in dial_every_number(&walk, &settings.emergency, &phone(), &Policy::daemon_dead()) {
        assert!(matches!(verdict.outcome, Err(Fault::NoRoute(End::NoContext { .. }))));
    }
}

#[test]
fn routes_are_tried_in_order_and_then_a_tone_says_so() {
    let settings = Settings::new("", ROUTES);
    let nothing = |_: &str| Dialled::Failed("NORMAL_TEMPORARY_FAILURE".to_owned());
    let policy = Policy { dial: &nothing, ..Policy::daemon_dead() };
    for context in [RESTRICTED, HOTDESK] {
        let call = Call { context: context.to_owned(), ..to(at_hers(), "9112") };
        let story = settings.walk().walk(&call, &policy, &mut Memory::default()).unwrap();
        assert_eq!(
            story.dialled(),
            ["sofia/gateway/trunk/112", "sofia/gateway/backup/00112"],
            "{story}"
        );
        let cause = "NETWORK_OUT_OF_ORDER".to_owned();
        assert_eq!(story.end, End::HungUp { cause });
        assert!(matches!(story.steps.last(), Some(Step::Plays { .. })), "{story}");
        let options: Vec<_> = story
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Dials { options, .. } => Some(options.contains("progress_timeout=10")),
                _ => None,
            })
            .collect();
        assert_eq!(options, [true, false], "only the last route may ring for as long as it takes");
    }
}

#[test]
fn an_emergency_call_shows_the_desk_never_the_person() {
    let walk = Settings::new("", ROUTES).walk();
    for (desk, shown) in [
        (Some("+43123456712"), "+43123456712"),
        (None, "+43123456"),
        // What is no number is never shown, whoever put it into the directory.
        (Some("${system(id)}"), "+43123456"),
        (Some("1 2"), "+43123456"),
    ] {
        let mut call = to(at_hers(), "999").with("effective_caller_id_number", "1001");
        if let Some(desk) = desk {
            call = call.with("emergency_caller_id_number", desk);
        }
        let story = walk.walk(&call, &Policy::daemon_dead(), &mut Memory::default()).unwrap();
        assert_eq!(story.value("effective_caller_id_number"), Some(shown), "{story}");
        assert_eq!(story.value("effective_caller_id_name"), Some(shown));
        let answers = story.steps.iter().any(|step| matches!(step, Step::Answers));
        assert!(!answers, "{story}");
        let fires = story.steps.iter().any(|step| match step {
            Step::Fires { event } => {
                event.contains("Event-Subclass=hotdeskd::emergency")
                    && event.contains("Hotdesk-Phone=0004132a0001")
            }
            _ => false,
        });
        assert!(fires, "{story}");
    }
}

#[test]
fn a_call_back_rings_the_phone_that_called_for_an_hour() {
    let walk = Settings::new("", ROUTES).walk();
    let mut memory = Memory::default();
    let at = |now| Policy { now, ..Policy::daemon_dead() };
    let call = to(phone(), "0999").with("emergency_caller_id_number", "+43123456712");
    walk.walk(&call, &at(1_000_000), &mut memory).unwrap();
    // As trunks deliver it.
    for number in ["+43123456712", "0043123456712", "456712", "0123456712"] {
        let story = walk.walk(&Call::new("public", number), &at(1_003_599), &mut memory).unwrap();
        assert_eq!(story.dialled(), ["user/0004132a0001@example.net"], "{story}");
    }
    for (number, now) in [
        ("+43123456712", 1_003_600),
        ("+43123456711", 1_000_001),
        ("56712", 1_000_001),
        ("${system(id)}", 1_000_001),
        ("x/y' or 1=1", 1_000_001),
    ] {
        let story = walk.walk(&Call::new("public", number), &at(now), &mut memory).unwrap();
        assert_eq!(story.dialled(), Vec::<&str>::new(), "{number}: {story}");
    }
}

#[test]
fn a_call_back_rings_the_handset_that_called() {
    let walk = Settings::new("", ROUTES).walk();
    let mut memory = Memory::default();
    let call = to(phone(), "112").with("sip_auth_username", "000413900001-12");
    walk.walk(&call, &Policy::daemon_dead(), &mut memory).unwrap();
    let call = Call::new("public", "+43123456");
    let story = walk.walk(&call, &Policy::daemon_dead(), &mut memory).unwrap();
    assert_eq!(story.dialled(), ["user/000413900001-12@example.net"], "{story}");
}

#[test]
fn a_call_back_that_nobody_takes_goes_the_usual_way() {
    let walk = Settings::new("", ROUTES).walk();
    let mut memory = Memory::default();
    walk.walk(&to(phone(), "112"), &Policy::daemon_dead(), &mut memory).unwrap();
    let desk_silent = |target: &str| match target {
        "user/0004132a0001@example.net" => Dialled::Failed("USER_NOT_REGISTERED".to_owned()),
        _ => Dialled::Answered,
    };
    let policy = Policy { dial: &desk_silent, ..Policy::daemon_dead() };
    let story = walk.walk(&Call::new("public", "+43123456"), &policy, &mut memory).unwrap();
    assert_eq!(story.dialled(), ["user/0004132a0001@example.net", "user/0@example.net"], "{story}");
}
