use jiff::Timestamp;

use super::*;

fn mac(last: u8) -> Mac {
    format!("000413aa00{last:02x}").parse().unwrap()
}

fn url(text: &str) -> SecretString {
    format!("https://prov.example.net/p/{text}/{{mac}}.xml").into()
}

fn told(last: u8, state: RedirectionState, of: &str) -> (Mac, Redirection) {
    let row = Redirection {
        phone: mac(last),
        service: "snom".to_owned(),
        state,
        digest: digest(&url(of)),
        old_digest: None,
        reason: None,
        at: Timestamp::UNIX_EPOCH,
        registered: None,
    };
    (mac(last), row)
}

fn ours(text: &str) -> Result<Holding, String> {
    Ok(Holding::Ours(Some(url(text))))
}

/// One phone: what is wanted, what the service says, what it was told; and the step.
fn step_of(
    wanted: Option<&str>,
    said: Result<Holding, String>,
    told: Option<(RedirectionState, &str)>,
) -> Option<Step> {
    let mut known = Known::default();
    known.wanted.extend(wanted.map(|wanted| (mac(1), url(wanted))));
    known.told.extend(told.map(|(state, of)| self::told(1, state, of)));
    let held = Held { asked: [(mac(1), said)].into(), ..Held::default() };
    plan(&known, &held).first().map(|one| one.step)
}

#[test]
fn each_phone_of_the_inventory_comes_to_its_step() {
    use RedirectionState::{Registered, Registering};
    for (said, told, step) in [
        (Ok(Holding::Nobodys), None, Step::Register),
        // Somebody took it out by hand: it is told again.
        (Ok(Holding::Nobodys), Some((Registered, "new")), Step::Register),
        (Ok(Holding::Nobodys), Some((Registering, "new")), Step::Register),
        (ours("new"), None, Step::Fine),
        (ours("new"), Some((Registering, "new")), Step::Fine),
        (ours("old"), None, Step::Change),
        (ours("old"), Some((Registered, "old")), Step::Change),
        (Ok(Holding::Elsewhere), Some((Registered, "new")), Step::Elsewhere),
        (Err("late".to_owned()), None, Step::Unknown),
        // A service that does not tell its URLs: what we know that it took.
        (Ok(Holding::Ours(None)), Some((Registered, "new")), Step::Fine),
        (Ok(Holding::Ours(None)), Some((Registering, "new")), Step::Change),
        (Ok(Holding::Ours(None)), Some((Registered, "old")), Step::Change),
        (Ok(Holding::Ours(None)), None, Step::Change),
    ] {
        let named = format!("{said:?} {told:?}");
        assert_eq!(step_of(Some("new"), said, told), Some(step), "{named}");
    }
}

#[test]
fn of_phones_that_are_gone_only_those_are_removed_that_we_told_and_nobody_changed() {
    use RedirectionState::{Found, Refused, Registered, Registering, Removing};
    for (said, told, step) in [
        (ours("a"), Some((Registered, "a")), Some(Step::Remove)),
        (ours("a"), Some((Registering, "a")), Some(Step::Remove)),
        (ours("a"), Some((Removing, "a")), Some(Step::Remove)),
        (ours("by-hand"), Some((Registered, "a")), Some(Step::Foreign)),
        (ours("a"), Some((Found, "a")), Some(Step::Foreign)),
        (ours("a"), Some((Refused, "a")), Some(Step::Foreign)),
        (ours("a"), None, Some(Step::Foreign)),
        (Ok(Holding::Ours(None)), Some((Registered, "a")), Some(Step::Remove)),
        (Ok(Holding::Ours(None)), Some((Found, "a")), Some(Step::Foreign)),
        (Ok(Holding::Elsewhere), Some((Registered, "a")), None),
        (Ok(Holding::Nobodys), Some((Registered, "a")), None),
    ] {
        let named = format!("{said:?} {told:?}");
        assert_eq!(step_of(None, said, told), step, "{named}");
    }
}

#[test]
fn what_is_only_listed_is_told_and_never_touched() {
    let known = Known { others: [mac(2)].into(), ..Known::default() };
    let held = Held { listed: [mac(1), mac(2)].into(), ..Held::default() };
    let steps: Vec<_> = plan(&known, &held).iter().map(|one| (one.phone, one.step)).collect();
    assert_eq!(steps, [(mac(1), Step::Foreign), (mac(2), Step::OtherVendor)]);
    assert!(steps.iter().all(|(_, step)| !step.is_to_do()));
}

#[test]
fn a_plan_tells_where_a_phone_is_sent_and_no_more_of_the_url() {
    let mut known = Known::default();
    known.wanted.insert(mac(1), url("new"));
    let old = SecretString::from("https://user:pass@old.example.net/s3cret?key=s3cret");
    let held = Held { asked: [(mac(1), Ok(Holding::Ours(Some(old))))].into(), ..Held::default() };
    let planned = plan(&known, &held);
    assert_eq!(planned[0].detail.as_deref(), Some("it sends the phone to old.example.net"));
}

#[test]
fn braces_are_the_same_however_they_are_written() {
    let written = SecretString::from("https://a/p/k/%7Bmac%7d.xml ");
    assert_eq!(digest(&written), digest(&"https://a/p/k/{mac}.xml".into()));
    assert_ne!(digest(&written), digest(&"https://a/p/k2/{mac}.xml".into()));
}
