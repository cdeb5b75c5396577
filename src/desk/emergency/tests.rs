use super::*;
use crate::desk::Settings;
use crate::model::{AwayDestination, Emergency, Handset, LoginMode, Mac, Phone, UserRecord};
use crate::store::{JournalFilter, Store};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn told(call: &str, from: &str, second: i64) -> EmergencyCall {
    EmergencyCall {
        call: call.into(),
        node: "fs1".into(),
        stage: EmergencyStage::Dialled,
        number: "112".into(),
        from: from.into(),
        caller_id: Some("+43123456".into()),
        at: at(second),
        missed: true,
    }
}

async fn office(folder: &tempfile::TempDir) -> Desk {
    let desk = Desk::new(Store::open(folder.path()).await.unwrap(), Settings::default());
    let record = UserRecord {
        extension: "1001".parse().unwrap(),
        name: "Ada".into(),
        hot_desk: true,
        away: AwayDestination::default(),
        groups: Vec::new(),
        teams: Vec::new(),
        params: Default::default(),
        variables: Default::default(),
        keys: Vec::new(),
        settings: Default::default(),
    };
    desk.save_user(record, None, at(0), Actor::Command).await.unwrap();
    let handset = Handset { user: Some("1001".parse().unwrap()), label: Some("Porter".into()) };
    for (mac, label, handsets) in
        [("0004132a0001", "Desk 1", Vec::new()), ("000413900001", "Base", vec![handset])]
    {
        let phone = Phone {
            mac: mac.parse().unwrap(),
            secret: "secret".into(),
            vendor: None,
            model: None,
            label: Some(label.into()),
            desk_extension: None,
            owner: None,
            hot_desk: handsets.is_empty(),
            emergency: Emergency { caller_id: None, location: Some("Vienna, room 1".into()) },
            settings: Default::default(),
            handsets,
            tags: Default::default(),
            logout: None,
            added: at(0),
        };
        desk.save_phone(phone, at(0), Actor::Command).await.unwrap();
    }
    let phone: Mac = "0004132a0001".parse().unwrap();
    let ada: Extension = "1001".parse().unwrap();
    desk.log_in(phone, ada, LoginMode::Only, None, at(100), Actor::Command).await.unwrap();
    desk
}

async fn journal(desk: &Desk) -> Vec<Happening> {
    let what = ["emergency-call", "emergency-unreachable", "emergency-callback"];
    let what = what.iter().map(|kind| kind.parse().unwrap()).collect();
    let filter = JournalFilter { what, limit: 100, ..JournalFilter::default() };
    desk.store().journal(&filter).await.unwrap().into_iter().map(|entry| entry.what).collect()
}

#[tokio::test]
async fn a_call_is_told_once_with_the_desk_its_place_and_who_sits_there() {
    let folder = tempfile::tempdir().unwrap();
    let desk = office(&folder).await;
    let mut happenings = desk.store().happenings();
    assert!(desk.emergency(told("a", "0004132a0001", 200), at(300)).await.unwrap());
    let entry = happenings.recv().await.unwrap();
    assert_eq!((entry.at, &entry.by), (at(200), &Actor::Caller("0004132a0001".parse().unwrap())));
    assert!(!desk.emergency(told("a", "0004132a0001", 200), at(301)).await.unwrap());
    // Across a restart too.
    drop((desk, happenings));
    let desk = Desk::new(Store::open(folder.path()).await.unwrap(), Settings::default());
    assert!(!desk.emergency(told("a", "0004132a0001", 200), at(302)).await.unwrap());
    let phone: Mac = "0004132a0001".parse().unwrap();
    assert_eq!(desk.store().memory().last_emergency(phone), Some(at(200)));
    let [Happening::EmergencyCall { user, desk: label, location, missed, .. }] =
        &journal(&desk).await[..]
    else {
        panic!("{:?}", journal(&desk).await)
    };
    assert_eq!(user.as_ref().unwrap().as_str(), "1001");
    assert_eq!((label.as_deref(), location.as_deref()), (Some("Desk 1"), Some("Vienna, room 1")));
    assert!(missed);
}

#[tokio::test]
async fn who_sat_down_after_the_call_did_not_make_it() {
    let folder = tempfile::tempdir().unwrap();
    let desk = office(&folder).await;
    desk.emergency(told("a", "0004132a0001", 99), at(300)).await.unwrap();
    desk.emergency(told("b", "0004132a0001", 100), at(300)).await.unwrap();
    let users = journal(&desk).await;
    let users: Vec<Option<&str>> =
        users.iter().map(|what| what.user().map(Extension::as_str)).collect();
    assert_eq!(users, [None, Some("1001")]);
}

#[tokio::test]
async fn a_handset_is_its_user_and_a_phone_that_nobody_knows_is_told_too() {
    let folder = tempfile::tempdir().unwrap();
    let desk = office(&folder).await;
    desk.emergency(told("a", "000413900001-1", 200), at(300)).await.unwrap();
    desk.emergency(told("b", "somebody", 200), at(300)).await.unwrap();
    desk.emergency(told("c", "0004132affff", 200), at(300)).await.unwrap();
    let told: Vec<_> = journal(&desk)
        .await
        .into_iter()
        .map(|what| match what {
            Happening::EmergencyCall { phone, from, user, desk, .. } => (
                phone.map(|phone| phone.to_string()),
                from,
                user.map(|user| user.to_string()),
                desk,
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [
            (some("000413900001"), "000413900001-1".into(), some("1001"), some("Porter")),
            (None, "somebody".into(), None, None),
            (some("0004132affff"), "0004132affff".into(), None, None),
        ]
    );
}

#[tokio::test]
async fn that_no_route_took_it_and_that_it_was_called_back_is_told_besides() {
    let folder = tempfile::tempdir().unwrap();
    let desk = office(&folder).await;
    for stage in [EmergencyStage::Dialled, EmergencyStage::Unreachable, EmergencyStage::Callback] {
        let call = EmergencyCall { stage, ..told("a", "0004132a0001", 200) };
        assert!(desk.emergency(call.clone(), at(300)).await.unwrap());
        assert!(!desk.emergency(call, at(300)).await.unwrap());
    }
    let kinds: Vec<_> = journal(&desk).await.iter().map(|what| what.kind().as_str()).collect();
    assert_eq!(kinds, ["emergency-call", "emergency-unreachable", "emergency-callback"]);
    // FreeSWITCH's clock may be ahead.
    desk.emergency(told("z", "0004132a0001", 900), at(300)).await.unwrap();
    let phone: Mac = "0004132a0001".parse().unwrap();
    assert_eq!(desk.store().memory().last_emergency(phone), Some(at(300)));
}
