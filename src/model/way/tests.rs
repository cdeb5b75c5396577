use std::net::{IpAddr, Ipv4Addr};

use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::model::{Attempts, Mac, PhoneRefusal, PhoneRequest, Proof, WantedKind};

fn phone() -> Mac {
    "000413aa0012".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn address() -> IpAddr {
    Ipv4Addr::new(192, 0, 2, 7).into()
}

/// What a phone has done, in seconds; everything that is absent has not happened.
#[derive(Debug, Clone, Default)]
struct Past {
    service: Option<Option<i64>>,
    contact: Option<i64>,
    refusal: Option<(i64, u8)>,
    proven: Option<i64>,
    configured: Option<i64>,
    registered: Option<i64>,
    ended: Option<i64>,
    shown: Option<i64>,
    wanted: Option<(i64, bool)>,
    asked: Option<Option<i64>>,
    window: Option<i64>,
}

/// A reason to be told something else than a file.
fn told(kind: u8) -> Told {
    match kind % 4 {
        0 => Told::Challenged,
        1 => Told::Refused { reason: PhoneRefusal::Credentials },
        2 => Told::Refused { reason: PhoneRefusal::NoVendor },
        _ => Told::Broken { error: "settings.xml:3: nonsense".into() },
    }
}

impl Past {
    fn way(&self, now: i64) -> Way {
        let contact = self.contact.map(|first| PhoneContact {
            first: at(first),
            configured: self.configured.map(at),
            refusal: self.refusal.map(|(second, kind)| (at(second), told(kind))),
        });
        let enrolment = Enrolment {
            phone: phone(),
            key: "key".to_owned().into(),
            old_key: None,
            window: self.window.map(at),
            proven: self.proven.map(|second| (at(second), Proof::Key)),
        };
        let shown = self.shown.map(|second| Shown {
            at: at(second),
            user: None,
            from: address(),
            model: None,
            version: None,
            personal: Default::default(),
        });
        let wanted = self.wanted.map(|(since, given_up)| Wanted {
            kind: WantedKind::Resync,
            target: phone().to_string(),
            value: String::new(),
            since: at(since),
            expires: None,
            attempts: Attempts {
                tries: 4,
                not_shown: given_up.then_some(at(since)),
                ..Attempts::default()
            },
        });
        let registration = self.registered.map(|since| PhoneRegistration {
            first: at(since),
            since: at(since),
            ended: self.ended.map(at),
            node: "fs1".into(),
            address: Some(address()),
            agent: "snomD785/10.1".into(),
            moved: None,
        });
        let facts = WayFacts {
            added: at(0),
            redirection: match self.service {
                None => Redirected::NotUsed,
                Some(None) => Redirected::NotYet,
                Some(Some(second)) => Redirected::Since(at(second)),
            },
            refusal: None,
            contact: contact.as_ref(),
            enrolment: Some(&enrolment),
            shown: shown.as_ref(),
            wanted: wanted.as_ref(),
            registration: registration.as_ref(),
            asked: match self.asked {
                None => Asked::Unknown,
                Some(None) => Asked::Not { since: at(0) },
                Some(Some(second)) => Asked::At(at(second)),
            },
        };
        Way::of(&facts, &WayLimits::default(), at(now))
    }

    /// How far, and why not farther.
    fn stuck(&self, now: i64) -> (Stage, Option<Obstacle>) {
        let way = self.way(now);
        (way.stage, way.stuck.map(|stuck| stuck.why))
    }
}

const DAY: i64 = 86_400;

#[test]
fn a_phone_goes_through_all_stages_each_with_its_time() {
    let mut past = Past::default();
    let mut stages = vec![past.way(10).stage];
    past.service = Some(Some(5));
    stages.push(past.way(10).stage);
    past.contact = Some(6);
    stages.push(past.way(10).stage);
    past.proven = Some(7);
    stages.push(past.way(10).stage);
    past.configured = Some(7);
    past.shown = Some(7);
    stages.push(past.way(10).stage);
    past.registered = Some(9);
    past.wanted = Some((8, false));
    stages.push(past.way(10).stage);
    past.wanted = None;
    past.shown = Some(10);
    let way = past.way(10);
    stages.push(way.stage);
    assert_eq!(stages, Stage::ALL);
    let times: Vec<_> = way.steps.iter().map(|step| step.at.unwrap().as_second()).collect();
    assert_eq!(times, [0, 5, 6, 7, 7, 9, 10]);
    assert_eq!(way.stuck, None);
}

#[test]
fn without_a_service_there_is_no_step_for_it() {
    let stages: Vec<_> = Past::default().way(0).steps.iter().map(|step| step.stage).collect();
    assert!(!stages.contains(&Stage::Redirected));
    assert_eq!(stages.len(), Stage::ALL.len() - 1);
}

#[test]
fn a_phone_that_never_came_is_stuck_after_days() {
    let past = Past { window: Some(9 * DAY), ..Past::default() };
    assert_eq!(past.stuck(3 * DAY - 1), (Stage::Imported, None));
    let never = |redirected, window_open| Some(Obstacle::NeverSeen { redirected, window_open });
    assert_eq!(past.stuck(3 * DAY), (Stage::Imported, never(false, true)));
    assert_eq!(past.stuck(9 * DAY), (Stage::Imported, never(false, false)));
    let unknown = Past { service: Some(None), ..Past::default() };
    assert_eq!(
        unknown.stuck(3 * DAY),
        (Stage::Imported, Some(Obstacle::NotRedirected { refusal: None }))
    );
    let known = Past { service: Some(Some(DAY)), ..Past::default() };
    assert_eq!(known.stuck(4 * DAY - 1), (Stage::Redirected, None));
    assert_eq!(known.stuck(4 * DAY), (Stage::Redirected, never(true, false)));
}

#[test]
fn a_refused_phone_is_stuck_by_the_reason_and_a_broken_template_at_once() {
    let mut past = Past { contact: Some(0), refusal: Some((60, 0)), ..Past::default() };
    assert_eq!(past.stuck(60 + 599), (Stage::FirstContact, None));
    let refused = Obstacle::Refused { told: Told::Challenged };
    assert_eq!(past.stuck(60 + 600), (Stage::FirstContact, Some(refused)));
    past.refusal = Some((60, 3));
    past.proven = Some(60);
    assert_eq!(past.stuck(60).0, Stage::Enrolled);
    assert!(past.stuck(60).1.unwrap().to_string().contains("settings.xml:3"));
}

#[test]
fn a_phone_that_ends_at_its_url_or_without_its_file_is_stuck_there() {
    let mut past = Past { contact: Some(0), ..Past::default() };
    assert_eq!(past.stuck(600), (Stage::FirstContact, Some(Obstacle::NotProven)));
    past.proven = Some(0);
    assert_eq!(past.stuck(600), (Stage::Enrolled, Some(Obstacle::NotFetched)));
}

#[test]
fn whether_freeswitch_asked_tells_a_firewall_from_a_wrong_secret() {
    let mut past =
        Past { contact: Some(0), proven: Some(0), configured: Some(1), ..Past::default() };
    past.shown = Some(1);
    assert_eq!(past.stuck(900), (Stage::Configured, None));
    assert_eq!(past.stuck(901), (Stage::Configured, Some(Obstacle::NotRegistered)));
    past.asked = Some(None);
    assert_eq!(past.stuck(901), (Stage::Configured, Some(Obstacle::NotAsked)));
    past.asked = Some(Some(100));
    assert_eq!(past.stuck(901), (Stage::Configured, Some(Obstacle::NotLetIn)));
    // It asked before the phone had its secret, and not since.
    past.asked = Some(Some(0));
    assert_eq!(past.stuck(901), (Stage::Configured, Some(Obstacle::NotRegistered)));
}

#[test]
fn a_phone_that_was_registered_is_away_and_stuck_a_day_later() {
    let past = Past {
        contact: Some(0),
        proven: Some(0),
        configured: Some(1),
        shown: Some(1),
        registered: Some(2),
        ended: Some(100),
        ..Past::default()
    };
    assert_eq!(past.stuck(100 + DAY - 1), (Stage::Configured, None));
    assert_eq!(past.stuck(100 + DAY), (Stage::Configured, Some(Obstacle::Away)));
}

#[test]
fn a_registered_phone_that_does_not_show_it_is_stuck() {
    let mut past = Past {
        contact: Some(0),
        proven: Some(0),
        configured: Some(1),
        shown: Some(1),
        registered: Some(2),
        wanted: Some((1000, false)),
        ..Past::default()
    };
    assert_eq!(past.stuck(1899), (Stage::Registered, None));
    assert_eq!(past.stuck(1900), (Stage::Registered, Some(Obstacle::NotShown { not_shown: None })));
    past.wanted = Some((1000, true));
    let not_shown = Some(NotShown::Silent { tries: 4, restarted: false });
    assert_eq!(past.stuck(1000), (Stage::Registered, Some(Obstacle::NotShown { not_shown })));
    let by_hand = Past { registered: Some(2), ..Past::default() };
    assert_eq!(by_hand.stuck(602), (Stage::Registered, Some(Obstacle::ConfiguredElsewhere)));
}

#[test]
fn what_was_configured_before_the_key_was_taken_away_counts_no_more() {
    let past = Past { contact: Some(0), proven: Some(50), configured: Some(1), ..Past::default() };
    assert_eq!(past.way(60).stage, Stage::Enrolled);
    let mut contact = PhoneContact { configured: Some(at(1)), ..PhoneContact::new(at(0)) };
    contact.note_configured(at(30), Some(at(0)));
    assert_eq!(contact.configured, Some(at(1)), "the first time counts");
    contact.note_configured(at(60), Some(at(50)));
    assert_eq!(contact.configured, Some(at(60)));
}

#[test]
fn a_refusal_keeps_the_time_at_which_it_began_until_there_is_a_file() {
    let mut contact = PhoneContact::new(at(0));
    let request = |second: i64, why| PhoneRequest {
        at: at(second),
        phone: phone(),
        from: address(),
        method: "GET".into(),
        path: "/provision/x".into(),
        agent: String::new(),
        status: 401,
        bytes: 0,
        why,
    };
    contact.note(&request(1, Told::Challenged));
    contact.note(&request(2, Told::Challenged));
    contact.note(&request(3, Told::Refused { reason: PhoneRefusal::NoFile }));
    assert_eq!(contact.refusal, Some((at(1), Told::Challenged)));
    contact.note(&request(4, Told::Refused { reason: PhoneRefusal::Credentials }));
    assert_eq!(contact.refusal.as_ref().unwrap().0, at(4));
    contact.note(&request(5, Told::Bootstrap));
    assert_eq!(contact.refusal, None);
}

#[test]
fn every_obstacle_says_what_to_do_in_a_sentence() {
    let refused = |told| Obstacle::Refused { told };
    let mut all: Vec<Obstacle> = (0..4).map(|kind| refused(told(kind))).collect();
    for reason in [PhoneRefusal::Network, PhoneRefusal::TooMany, PhoneRefusal::OtherPhone] {
        all.push(refused(Told::Refused { reason }));
    }
    all.extend([
        Obstacle::NotRedirected { refusal: None },
        Obstacle::NotRedirected { refusal: Some("Error:owned_by_other_user".into()) },
        Obstacle::NeverSeen { redirected: true, window_open: true },
        Obstacle::NeverSeen { redirected: false, window_open: false },
        Obstacle::NotProven,
        Obstacle::NotFetched,
        Obstacle::NotAsked,
        Obstacle::NotLetIn,
        Obstacle::NotRegistered,
        Obstacle::Away,
        Obstacle::ConfiguredElsewhere,
        Obstacle::NotShown { not_shown: None },
        Obstacle::NotShown { not_shown: Some(NotShown::Unregistered) },
    ]);
    for why in all {
        let (text, advice) = (why.to_string(), why.advice(phone()));
        assert!(text.starts_with(char::is_lowercase) || text.starts_with("Free"), "{text}");
        assert!(!text.ends_with('.'), "{text}");
        assert!(advice.ends_with(['.', '?', ')']), "{advice}");
        let stuck = Stuck { since: at(0), why };
        let json = serde_json::to_string(&stuck).unwrap();
        assert_eq!(serde_json::from_str::<Stuck>(&json).unwrap(), stuck, "{json}");
    }
}

#[test]
fn a_stage_is_spelled_as_in_json() {
    for stage in Stage::ALL {
        assert_eq!(stage.as_str().parse(), Ok(stage));
        assert_eq!(serde_json::to_value(stage).unwrap(), stage.as_str());
    }
    assert_eq!("done".parse::<Stage>(), Err(UnknownStage));
}

fn pasts() -> impl Strategy<Value = Past> {
    let time = || 0..200_000_i64;
    let first = (
        option::of(option::of(time())),
        option::of(time()),
        option::of((time(), 0..4_u8)),
        option::of(time()),
        option::of(time()),
        option::of(time()),
    );
    let second = (
        option::of(time()),
        option::of(time()),
        option::of((time(), any::<bool>())),
        option::of(option::of(time())),
        option::of(time()),
    );
    (first, second).prop_map(|(first, second)| {
        let (service, contact, refusal, proven, configured, registered) = first;
        let (ended, shown, wanted, asked, window) = second;
        Past {
            service,
            contact,
            refusal,
            proven,
            configured,
            registered,
            ended,
            shown,
            wanted,
            asked,
            window,
        }
    })
}

proptest! {
    /// Whatever happened, in whatever order.
    #[test]
    fn the_stage_is_the_last_step_that_holds_and_only_the_last_of_all_is_never_stuck(
        past in pasts(),
        now in 0..400_000_i64,
    ) {
        let way = past.way(now);
        let stages: Vec<_> = way.steps.iter().map(|step| step.stage).collect();
        prop_assert!(stages.is_sorted() && stages.first() == Some(&Stage::Imported));
        prop_assert!(way.at(way.stage).is_some());
        for step in &way.steps {
            prop_assert!(step.stage <= way.stage || step.at.is_none(), "{way:?}");
        }
        if let Some(stuck) = &way.stuck {
            prop_assert!(way.stage != Stage::Shown);
            prop_assert!(stuck.since <= at(now));
        }
        // Time alone moves nobody on, and frees nobody.
        let later = past.way(now + 1_000_000);
        prop_assert_eq!(later.stage, way.stage);
        prop_assert!(later.stuck.is_some() || way.stage == Stage::Shown, "{:?}", later);
    }

    /// Each further step takes a phone on, or leaves it where it is.
    #[test]
    fn one_thing_more_never_takes_a_phone_back(past in pasts(), which in 0..4_usize) {
        let before = past.way(300_000).stage;
        let mut after = past.clone();
        match which {
            0 => after.contact = after.contact.or(Some(0)),
            1 => after.proven = after.proven.or(Some(0)),
            2 => after.ended = None,
            _ => after.wanted = None,
        }
        prop_assert!(after.way(300_000).stage >= before, "{past:?}");
    }
}
