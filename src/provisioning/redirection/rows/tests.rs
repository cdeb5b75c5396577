use secrecy::SecretString;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn mac() -> Mac {
    "000413aa0001".parse().unwrap()
}

fn url(text: &str) -> SecretString {
    format!("https://prov.example.net/p/{text}/{{mac}}.xml").into()
}

fn row(state: RedirectionState, of: &str) -> Redirection {
    Redirection {
        phone: mac(),
        service: "snom".to_owned(),
        state,
        digest: digest(&url(of)),
        old_digest: None,
        reason: None,
        at: at(1),
        registered: (state == RedirectionState::Registered).then(|| at(1)),
    }
}

/// What is written of one phone, by what is wanted of it, what the service said, and what it was told.
fn written(wanted: Option<&str>, said: Holding, told: Option<Redirection>) -> Vec<Row> {
    let mut known = Known::default();
    known.wanted.extend(wanted.map(|wanted| (mac(), url(wanted))));
    known.told.extend(told.map(|told| (mac(), told)));
    let held = Held { asked: [(mac(), Ok(said))].into(), ..Held::default() };
    let planned = super::super::plan::plan(&known, &held);
    found("snom", &known, &held, &planned, at(9))
}

fn ours(text: &str) -> Holding {
    Holding::Ours(Some(url(text)))
}

#[test]
fn an_interrupted_registration_that_the_service_took_is_ours() {
    let before = row(RedirectionState::Registering, "a");
    let rows = written(Some("a"), ours("a"), Some(before.clone()));
    let now = Redirection {
        state: RedirectionState::Registered,
        at: at(9),
        registered: Some(at(9)),
        ..before
    };
    assert_eq!(rows, [Row::Save(now.clone())]);
    // And nothing more is written of it.
    assert_eq!(written(Some("a"), ours("a"), Some(now)), []);
}

#[test]
fn what_somebody_else_told_is_found_and_stays_somebody_elses() {
    for told in [
        None,
        Some(row(RedirectionState::Refused, "a")),
        Some(row(RedirectionState::Registering, "b")),
    ] {
        let rows = written(Some("a"), ours("a"), told);
        let [Row::Save(found)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((found.state, found.registered), (RedirectionState::Found, Some(at(9))));
        assert_eq!(written(Some("a"), ours("a"), Some(found.clone())), []);
        assert!(!found.told(&digest(&url("a"))));
    }
}

#[test]
fn what_the_service_has_forgotten_is_forgotten() {
    let told = || Some(row(RedirectionState::Removing, "a"));
    let forget = [Row::Forget(mac(), "snom".to_owned())];
    assert_eq!(written(None, Holding::Nobodys, told()), forget);
    assert_eq!(written(None, Holding::Elsewhere, told()), forget);
    assert_eq!(written(None, ours("a"), Some(row(RedirectionState::Found, "a"))), forget);
    // Somebody sends it elsewhere now: not ours to remove, but not forgotten either.
    assert_eq!(written(None, ours("b"), told()), []);
}

#[test]
fn a_phone_of_somebody_elses_is_noted_once() {
    let rows = written(Some("a"), Holding::Elsewhere, Some(row(RedirectionState::Registered, "a")));
    let [Row::Save(refused)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((refused.state, refused.registered), (RedirectionState::Refused, None));
    assert_eq!(refused.reason.as_deref(), Some("owned by somebody else"));
    assert_eq!(written(Some("a"), Holding::Elsewhere, Some(refused.clone())), []);
}

#[test]
fn while_a_change_is_not_certain_both_urls_are_ours() {
    let before = row(RedirectionState::Registered, "a");
    let old = super::ours(Some(&before), Some(&Ok(ours("a"))));
    let changing = registering("snom", mac(), &digest(&url("b")), Some(&before), old, at(5));
    assert!(changing.told(&digest(&url("a"))) && changing.told(&digest(&url("b"))));
    assert_eq!(changing.registered, Some(at(1)));
    let done = registered(changing.clone(), at(6));
    assert!(!done.told(&digest(&url("a"))) && done.told(&digest(&url("b"))));
    // Refused: the service has the old one still.
    let refused_now = refused(changing.clone(), Some(&before), &Refusal::MalformedUrl, at(6));
    assert!(refused_now.told(&digest(&url("a"))) && refused_now.reason.is_some());
    let taken = refused(changing, Some(&before), &Refusal::Elsewhere, at(6));
    assert_eq!((taken.state, taken.registered), (RedirectionState::Refused, None));
    // What stood there from somebody else was never ours.
    let foreign = super::ours(Some(&before), Some(&Ok(ours("c"))));
    assert_eq!(foreign, None);
}
