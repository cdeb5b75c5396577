use super::*;
use crate::model::{Customer, LookUpFailure};

/// A Monday, at ten and at twenty o'clock.
const DAY: &str = "2026-11-23T10:00:00Z";
const EVENING: &str = "2026-11-23T20:00:00Z";
const CHRISTMAS: &str = "2026-12-25T10:00:00Z";

fn id(text: &str) -> TeamId {
    text.parse().unwrap()
}

fn ids(text: &str) -> BTreeSet<TeamId> {
    text.split_whitespace().map(id).collect()
}

fn queue(text: &str) -> Destination {
    Destination::Queue(id(text))
}

/// `reception` is always there; `sales` from eight to half past five; `support` at night; `board` has no queue;
/// `lab` is nobody's affair at the desk.
fn described() -> Teams {
    let team = |name: &str, departments: &[&str], hours: &[&str]| {
        let mut team = TeamSettings::new(id(name));
        team.departments = departments.iter().map(|text| (*text).to_owned()).collect();
        team.hours = hours.iter().map(|text| text.parse().unwrap()).collect();
        team.holidays = vec!["12-25".parse().unwrap()];
        team
    };
    let mut reception = team("reception", &[], &[]);
    reception.holidays.clear();
    let mut board = team("board", &["1"], &[]);
    board.has_queue = false;
    let mut lab = team("lab", &[], &[]);
    lab.follows_login = false;
    let all = [
        reception,
        board,
        lab,
        team("sales", &["42", "Sales & Marketing"], &["mon-fri 08:00-17:30"]),
        team("support", &["Störung"], &["daily 18:00-06:00"]),
    ];
    all.into_iter().map(|team| (team.id.clone(), team)).collect()
}

fn settings(otherwise: &[(&str, &str)]) -> RouteSettings {
    let table = otherwise.iter().map(|(key, to)| format!("{key} = \"{to}\"\n"));
    RouteSettings {
        default_queue: id("reception"),
        otherwise: toml::from_str(&table.collect::<String>()).unwrap(),
        time_zone: Zone::utc(),
    }
}

fn found(team: &str) -> LookUp {
    LookUp::Found(Customer {
        team: team.to_owned(),
        name: Some("Acme Ltd".to_owned()),
        priority: Some(30),
    })
}

struct Case {
    what: &'static str,
    look_up: LookUp,
    staffed: &'static str,
    otherwise: &'static [(&'static str, &'static str)],
    now: &'static str,
    to: &'static str,
    /// The words of all reasons.
    why: &'static str,
}

const ALL: &str = "reception sales support";

fn cases() -> Vec<Case> {
    use LookUpFailure::{Busy, Deadline, Error, Resting};
    let case = |what, look_up, to, why| Case {
        what,
        look_up,
        staffed: ALL,
        otherwise: &[],
        now: DAY,
        to,
        why,
    };
    let failed = LookUp::Failed;
    let not_asked = LookUp::NotAsked;
    vec![
        case("found by name", found("sales"), "queue:sales", "found"),
        case("found by department", found("42"), "queue:sales", "found"),
        case("whatever the case and blanks", found("  SALES & marketing "), "queue:sales", "found"),
        case("beyond ASCII, at its hours", found("STÖRUNG"), "queue:reception", "closed"),
        case("a name in other case", found("Reception"), "queue:reception", "found"),
        case("a team that only stands with its people", found("Garage"), "queue:garage", "found"),
        case("no match", LookUp::NoMatch, "queue:reception", "no-match"),
        case("anonymous", not_asked(NotAsked::Anonymous), "queue:reception", "anonymous"),
        case("one of us", not_asked(NotAsked::Internal), "queue:reception", "internal"),
        case("no number", not_asked(NotAsked::NotANumber), "queue:reception", "not-a-number"),
        case("no database", not_asked(NotAsked::NoDatabase), "queue:reception", "no-database"),
        case("too slow", failed(Deadline), "queue:reception", "no-answer"),
        case("failed", failed(Error), "queue:reception", "no-answer"),
        case("resting", failed(Resting), "queue:reception", "no-answer"),
        case("busy", failed(Busy), "queue:reception", "no-answer"),
        case(
            "ambiguous",
            LookUp::Ambiguous(vec!["sales".into(), "support".into()]),
            "queue:reception",
            "ambiguous",
        ),
        case("unknown team", found("nosuch"), "queue:reception", "unknown-team"),
        case("hostile team", found("${system(id)}"), "queue:reception", "unknown-team"),
        case("empty team", found(" "), "queue:reception", "unknown-team"),
        case("team without a queue", found("1"), "queue:reception", "no-queue"),
        case("logins tell nothing of it", found("lab"), "queue:lab", "found"),
        Case { now: EVENING, ..case("closed", found("sales"), "queue:reception", "closed") },
        Case { now: EVENING, ..case("open at night", found("support"), "queue:support", "found") },
        Case { now: CHRISTMAS, ..case("holiday", found("sales"), "queue:reception", "holiday") },
        Case {
            staffed: "reception",
            ..case("nobody logged in", found("sales"), "queue:reception", "nobody")
        },
        // What the settings say instead.
        Case {
            otherwise: &[("anonymous", "hangup")],
            ..case("anonymous is hung up", not_asked(NotAsked::Anonymous), "hangup", "anonymous")
        },
        Case {
            otherwise: &[("closed", "+431234567")],
            now: EVENING,
            ..case("closed goes to a number", found("sales"), "+431234567", "closed")
        },
        Case {
            otherwise: &[("closed", "queue:support")],
            now: EVENING,
            ..case("closed goes to the night's team", found("sales"), "queue:support", "closed")
        },
        Case {
            otherwise: &[("holiday", "queue:support")],
            now: "2026-12-25T20:00:00Z",
            ..case(
                "on a holiday it has one too",
                found("sales"),
                "queue:reception",
                "holiday holiday",
            )
        },
        Case {
            otherwise: &[("nobody", "queue:support")],
            staffed: "support reception",
            ..case("nobody, and then closed", found("sales"), "queue:reception", "nobody closed")
        },
        Case {
            otherwise: &[("no_match", "queue:board"), ("no_queue", "queue:lab")],
            ..case("on from what has no queue", LookUp::NoMatch, "queue:lab", "no-match no-queue")
        },
        // Never a loop, never silence.
        Case {
            staffed: "",
            ..case("nobody anywhere", found("sales"), "queue:reception", "nobody nobody")
        },
        Case {
            staffed: "",
            ..case("nobody at the default", LookUp::NoMatch, "queue:reception", "no-match nobody")
        },
        Case {
            otherwise: &[("closed", "queue:support"), ("nobody", "queue:sales")],
            staffed: "",
            ..case("round in a circle", found("sales"), "queue:reception", "nobody")
        },
        Case {
            otherwise: &[("closed", "queue:sales"), ("nobody", "queue:support")],
            staffed: "",
            ..case(
                "round in a longer circle",
                LookUp::NoMatch,
                "queue:reception",
                "no-match nobody closed nobody",
            )
        },
    ]
}

#[test]
fn each_call_of_the_table_goes_where_it_should() {
    let cases = cases();
    assert!(cases.len() >= 25);
    let (described, of_people) = (described(), ids("sales garage"));
    let mut wrong = String::new();
    for case in &cases {
        let staffed = ids(&format!("{} garage", case.staffed));
        let teams = TeamsNow { described: &described, of_people: &of_people, staffed: &staffed };
        let caller = CallerId { number: "+4315550100".into(), name: "ACME".into() };
        let (settings, now) = (settings(case.otherwise), case.now.parse().unwrap());
        let decided = decide(&caller, &case.look_up, teams, None, &settings, now);
        let words: Vec<_> =
            [&decided.reason].into_iter().chain(&decided.further).map(Reason::word).collect();
        if decided.to.to_string() != case.to || words.join(" ") != case.why {
            wrong += &format!("{}: {} because {}\n", case.what, decided.to, words.join(" "));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The default queue is one that nobody described and nobody is in, or one that has none.
#[test]
fn a_default_queue_that_is_not_there_is_no_end() {
    let (mut described, nobody) = (described(), BTreeSet::new());
    let staffed = ids("sales");
    let decide_at = |described: &Teams, of_people: &BTreeSet<TeamId>, now: &str| {
        let teams = TeamsNow { described, of_people, staffed: &staffed };
        let caller = CallerId::default();
        decide(&caller, &LookUp::NoMatch, teams, None, &settings(&[]), now.parse().unwrap())
    };
    described.get_mut(&id("reception")).unwrap().has_queue = false;
    let decided = decide_at(&described, &nobody, DAY);
    // The first that can take the call: whether anybody is at the lab's queue no login tells.
    assert_eq!((decided.to, decided.reason), (queue("lab"), Reason::NoMatch));
    assert_eq!(decided.further, [Reason::NoQueue { team: id("reception") }, Reason::LastResort]);
    described.remove(&id("lab"));
    described.remove(&id("reception"));
    assert_eq!(decide_at(&described, &nobody, DAY).to, queue("sales"));
    // Closed, but there: better than nothing.
    assert_eq!(decide_at(&described, &nobody, EVENING).to, queue("sales"));
    assert_eq!(decide_at(&Teams::new(), &ids("garage"), DAY).to, queue("garage"));
    assert_eq!(decide_at(&Teams::new(), &nobody, DAY).to, Destination::HangUp);
}

#[test]
fn the_last_agent_comes_first_only_for_a_queue_that_he_or_she_serves() {
    let (described, of_people, staffed) = (described(), ids("sales"), ids(ALL));
    let teams = TeamsNow { described: &described, of_people: &of_people, staffed: &staffed };
    let settings = settings(&[("anonymous", "hangup")]);
    let decide = |look_up: &LookUp, serves: &str| {
        let last = LastAgent {
            agent: "1001".parse().unwrap(),
            serves: serves.split_whitespace().map(id).collect(),
        };
        let caller = CallerId::default();
        decide(&caller, look_up, teams, Some(&last), &settings, DAY.parse().unwrap()).agent_first
    };
    let ada = Some("1001".parse().unwrap());
    assert_eq!(decide(&found("42"), "support sales"), ada);
    assert_eq!(decide(&found("42"), "support"), None);
    assert_eq!(decide(&found("42"), ""), None);
    assert_eq!(decide(&LookUp::NoMatch, "reception"), ada);
    assert_eq!(decide(&LookUp::NotAsked(NotAsked::Anonymous), "reception"), None);
}

#[test]
fn the_customers_name_is_shown_and_else_the_callers() {
    let (described, nobody, staffed) = (described(), BTreeSet::new(), ids(ALL));
    let teams = TeamsNow { described: &described, of_people: &nobody, staffed: &staffed };
    let caller = CallerId { number: "+4315550100".into(), name: " ACME ".into() };
    let decide = |look_up: &LookUp| {
        decide(&caller, look_up, teams, None, &settings(&[]), DAY.parse().unwrap())
    };
    let decided = decide(&found("sales"));
    assert_eq!(decided.caller_name, "Acme Ltd");
    assert_eq!(decided.caller_number, "+4315550100");
    assert_eq!(decided.priority, Some(30));
    // The name is the customer's, wherever the call goes.
    assert_eq!(decide(&found("nosuch")).caller_name, "Acme Ltd");
    assert_eq!(decide(&LookUp::NoMatch).caller_name, "ACME");
    let nameless = Customer { team: "sales".into(), name: Some("  ".into()), priority: None };
    assert_eq!(decide(&LookUp::Found(nameless)).caller_name, "ACME");
    let grand = Customer { team: "sales".into(), name: None, priority: Some(i64::MAX) };
    assert_eq!(decide(&LookUp::Found(grand)).priority, Some(1_000_000));
}

#[test]
fn a_reason_is_a_sentence_and_can_be_read_again() {
    let all = [
        Reason::Found { team: id("sales") },
        Reason::Ambiguous { teams: vec!["a".into(), "b".into()] },
        Reason::NoAnswer { failure: LookUpFailure::Deadline },
        Reason::UnknownTeam { team: kept("a\r\nb\u{1b}[31m") },
        Reason::LastResort,
    ];
    for reason in all {
        let text = serde_json::to_string(&reason).unwrap();
        assert!(text.contains(&format!("\"why\":\"{}\"", reason.word())), "{text}");
        assert_eq!(serde_json::from_str::<Reason>(&text).unwrap(), reason);
        assert!(!reason.to_string().contains(char::is_control), "{reason}");
    }
    let several = (0..100).map(|n| format!("team-{n}{}", "x".repeat(500))).collect();
    let (described, nobody) = (Teams::new(), BTreeSet::new());
    let teams = TeamsNow { described: &described, of_people: &nobody, staffed: &nobody };
    let (caller, now) = (CallerId::default(), DAY.parse().unwrap());
    let look_up = LookUp::Ambiguous(several);
    let decided = decide(&caller, &look_up, teams, None, &settings(&[]), now);
    assert!(decided.reason.to_string().len() < 600, "{}", decided.reason);
}
