//! The table of decisions, through the socket. The whole of it is in `model::customer_route`; here is what the flow adds.

use super::*;
use hotdeskd::model::{Happening, LookUpFailure, QueueCall, QueueLeft, QueueOutcome};

struct Case {
    what: &'static str,
    look_up: Option<LookUp>,
    otherwise: &'static str,
    at_desks: &'static [&'static str],
    to: &'static str,
    why: &'static str,
}

const ALL: &[&str] = &["1001", "1002", "1003"];
const RECEPTION: &str = "reception@hotdesk_queues";

fn cases() -> Vec<Case> {
    use LookUpFailure::{Busy, Deadline, Error, Resting};
    let case = |what, look_up: LookUp, to, why| Case {
        what,
        look_up: Some(look_up),
        otherwise: "",
        at_desks: ALL,
        to,
        why,
    };
    let of = |team: &str| found(team, "Acme Ltd");
    vec![
        case("by name", of("sales"), "sales@hotdesk_queues", "found"),
        case("by department", of(" 42 "), "sales@hotdesk_queues", "found"),
        case("by another", of("sales & MARKETING"), "sales@hotdesk_queues", "found"),
        case("support", of("support"), "support@hotdesk_queues", "found"),
        Case { look_up: None, ..case("unknown number", LookUp::NoMatch, RECEPTION, "no-match") },
        case("anonymous", LookUp::NotAsked(NotAsked::Anonymous), RECEPTION, "anonymous"),
        case("internal", LookUp::NotAsked(NotAsked::Internal), RECEPTION, "internal"),
        case("no number", LookUp::NotAsked(NotAsked::NotANumber), RECEPTION, "not-a-number"),
        case("no database", LookUp::NotAsked(NotAsked::NoDatabase), RECEPTION, "no-database"),
        case("slow", LookUp::Failed(Deadline), RECEPTION, "no-answer"),
        case("failed", LookUp::Failed(Error), RECEPTION, "no-answer"),
        case("resting", LookUp::Failed(Resting), RECEPTION, "no-answer"),
        case("busy", LookUp::Failed(Busy), RECEPTION, "no-answer"),
        case("ambiguous", LookUp::Ambiguous(vec!["sales".into()]), RECEPTION, "ambiguous"),
        case("unknown team", of("nosuch"), RECEPTION, "unknown-team"),
        case("no queue", of("board"), RECEPTION, "no-queue"),
        case("closed", of("closed"), RECEPTION, "closed"),
        case("holiday", of("holiday"), RECEPTION, "holiday"),
        case("nobody in it", of("empty"), RECEPTION, "nobody"),
        case("does not follow logins", of("lab"), "lab@hotdesk_queues", "found"),
        Case { at_desks: &["1003"], ..case("nobody there", of("sales"), RECEPTION, "nobody") },
        Case { at_desks: &[], ..case("nobody anywhere", of("sales"), RECEPTION, "nobody") },
        Case {
            otherwise: "no_match = \"hangup\"",
            look_up: None,
            ..case("hung up", LookUp::NoMatch, "USER_BUSY", "no-match")
        },
        Case {
            otherwise: "closed = \"+431234567\"",
            ..case("to a number", of("closed"), "+431234567@default", "closed")
        },
        Case {
            otherwise: "nobody = \"queue:support\"",
            ..case("to another queue", of("empty"), "support@hotdesk_queues", "nobody")
        },
        Case {
            otherwise: "nobody = \"queue:closed\"\nclosed = \"queue:empty\"",
            ..case("round in a circle", of("empty"), RECEPTION, "nobody")
        },
        Case {
            otherwise: "ambiguous = \"queue:sales\"",
            ..case(
                "ambiguous has its own",
                LookUp::Ambiguous(vec!["sales".into(), "support".into()]),
                "sales@hotdesk_queues",
                "ambiguous",
            )
        },
    ]
}

#[tokio::test]
async fn each_call_of_the_table_goes_where_it_should_and_says_why() {
    let cases = cases();
    assert!(cases.len() >= 25);
    let mut wrong = String::new();
    for case in &cases {
        let number = "+4315550100";
        let known = match &case.look_up {
            Some(look_up) => Known::default().with(number, look_up.clone()),
            None => Known::default(),
        };
        let (otherwise, at_desks) = (case.otherwise, case.at_desks);
        let counter = Counter::open(Plan { known, otherwise, at_desks, ..Plan::default() }).await;
        let mut call = counter.call(number, "ACME");
        let to = went(&mut call).await;
        let why = call.variable("hotdesk_reason").unwrap_or_default();
        if (to.as_str(), why.as_str()) != (case.to, case.why) {
            wrong += &format!("{}: {to} because {why}\n", case.what);
        }
        let (journal, call) = (journalled(&counter).await, call.uuid().to_owned());
        let Some(Happening::CustomerCalled { call: of, reason, .. }) = journal.last() else {
            panic!("{}: {journal:?}", case.what)
        };
        assert_eq!((of, reason.word()), (&call, case.why), "{}", case.what);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The journal without what there was before the first call, once that has come there.
async fn journalled(counter: &Counter) -> Vec<Happening> {
    for _ in 0..200 {
        let all = counter.journal().await.into_iter().map(|entry| entry.what);
        let all: Vec<_> = all
            .skip_while(|what| {
                !matches!(what, Happening::CustomerCalled { .. } | Happening::CustomerHungUp { .. })
            })
            .collect();
        if !all.is_empty() {
            return all;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Vec::new()
}

#[tokio::test]
async fn the_agent_sees_the_customers_name_and_the_callers_number() {
    let customer = Customer {
        team: "sales".into(),
        name: Some("Acme Ltd / O'Brien & Søn".into()),
        priority: Some(30),
    };
    let known = Known::default().with("+4315550100", LookUp::Found(customer));
    let counter = Counter::open(Plan { known, ..Plan::default() }).await;
    let mut call = counter.call("+4315550100", "ACME 0");
    assert_eq!(went(&mut call).await, "sales@hotdesk_queues");
    for (name, value) in [
        ("effective_caller_id_name", Some("Acme Ltd / O'Brien & Søn")),
        ("effective_caller_id_number", Some("+4315550100")),
        ("cc_base_score", Some("30")),
        ("hotdesk_reason", Some("found")),
        // Nothing was picked up.
        ("playback_ms", None),
    ] {
        assert_eq!(call.variable(name).as_deref(), value, "{name}");
    }
    // Who is no customer shows what the caller says.
    let mut call = counter.call("+4315550199", "Somebody");
    assert_eq!(went(&mut call).await, RECEPTION);
    assert_eq!(call.variable("effective_caller_id_name").as_deref(), Some("Somebody"));
    assert_eq!(call.variable("cc_base_score"), None);
}

#[tokio::test]
async fn a_withheld_number_is_looked_up_nowhere_and_shown_to_nobody() {
    let number = "+4315550100";
    let known = Known::default().with(number, found("sales", "Acme Ltd"));
    let counter = Counter::open(Plan { known, ..Plan::default() }).await;
    let mut setup = CallSetup::from_outside(NUMBER, number, "ACME");
    setup.is_withheld = true;
    let mut call = counter.call_as(setup);
    assert_eq!(went(&mut call).await, RECEPTION);
    assert_eq!(call.variable("hotdesk_reason").as_deref(), Some("anonymous"));
    assert_eq!(call.variable("effective_caller_id_number").as_deref(), Some("anonymous"));
    let journal = journalled(&counter).await;
    let Some(Happening::CustomerCalled { number, name, .. }) = journal.last() else {
        panic!("{journal:?}")
    };
    assert_eq!((number, name.as_deref()), (&None, Some("ACME")));
}

#[tokio::test]
async fn the_journal_keeps_as_much_of_a_number_as_it_is_told() {
    for (numbers, kept) in [
        (JournalNumbers::Whole, Some("+4315550100")),
        (JournalNumbers::Shortened, Some("+4315550***")),
        (JournalNumbers::None, None),
    ] {
        let counter = Counter::open(Plan { journal_numbers: numbers, ..Plan::default() }).await;
        went(&mut counter.call("+4315550100", "ACME")).await;
        let journal = journalled(&counter).await;
        let Some(Happening::CustomerCalled { number, .. }) = journal.last() else {
            panic!("{journal:?}")
        };
        assert_eq!(number.as_deref(), kept);
    }
}

#[tokio::test]
async fn who_served_a_caller_is_rung_first_while_at_a_desk_and_in_the_team() {
    let number = "+4315550100";
    let known = Known::default().with(number, found("sales", "Acme Ltd"));
    let plan = Plan { known, last_agent_days: Some(30), ..Plan::default() };
    let counter = Counter::open(plan).await;
    let now = Timestamp::now();
    let answer = async |agent: &str| {
        let mut call = counter.call(number, "ACME");
        let to = went(&mut call).await;
        let told = QueueCall {
            call: call.uuid().to_owned(),
            team: "sales".parse().unwrap(),
            waited: Some(7),
            outcome: QueueOutcome::Answered(Some(agent.parse().unwrap())),
        };
        let oldest = now - jiff::SignedDuration::from_hours(24 * 30);
        let desk = counter.desk.clone();
        assert!(desk.queue_told(told.clone(), oldest, Timestamp::now()).await.unwrap());
        // The call is over for us: what is told twice is written once.
        assert!(!desk.queue_told(told, oldest, Timestamp::now()).await.unwrap());
        to
    };
    assert_eq!(answer("1001").await, "sales@hotdesk_queues");
    // The same caller, however the number is written.
    assert_eq!(answer("1002").await, "1001-sales@hotdesk_last_agent");
    // Who took the call does not serve this team.
    assert_eq!(answer("1001").await, "sales@hotdesk_queues");
    assert_eq!(answer("1001").await, "1001-sales@hotdesk_last_agent");
    let ada = "1001".parse().unwrap();
    counter.desk.log_out_everywhere(ada, None, now, Actor::Command).await.unwrap();
    let mut call = counter.call(number, "ACME");
    assert_eq!(went(&mut call).await, RECEPTION);
    assert_eq!(call.variable("hotdesk_reason").as_deref(), Some("nobody"));
    // The store has no number of a caller.
    let served = counter.journal().await;
    let served: Vec<_> = served
        .iter()
        .filter_map(|entry| match &entry.what {
            Happening::CustomerServed { agent, waited, .. } => Some((agent.clone(), *waited)),
            _ => None,
        })
        .collect();
    assert_eq!(served.len(), 4, "{served:?}");
    assert_eq!(served[0], (Some("1001".parse().unwrap()), 7));
}

#[tokio::test]
async fn a_call_that_leaves_one_queue_for_another_is_followed() {
    let known = Known::default().with("+4315550100", found("sales", "Acme Ltd"));
    let counter = Counter::open(Plan { known, ..Plan::default() }).await;
    let mut call = counter.call("+4315550100", "ACME");
    went(&mut call).await;
    let told = |team: &str, outcome| QueueCall {
        call: call.uuid().to_owned(),
        team: team.parse().unwrap(),
        waited: Some(60),
        outcome,
    };
    let now = Timestamp::now();
    let tell = async |told| counter.desk.queue_told(told, now, now).await.unwrap();
    assert!(tell(told("sales", QueueOutcome::Left(QueueLeft::TimedOut))).await);
    assert!(tell(told("reception", QueueOutcome::Left(QueueLeft::HungUp))).await);
    assert!(!tell(told("reception", QueueOutcome::Answered(None))).await);
    // Of calls that no customer made nothing is said.
    let strange =
        QueueCall { call: "strange".into(), ..told("sales", QueueOutcome::Answered(None)) };
    assert!(!tell(strange).await);
    let journal = journalled(&counter).await;
    assert_eq!(journal.len(), 3, "{journal:?}");
}
