use super::*;
use crate::desk::Settings;
use crate::model::{
    Emergency, EndReason, GroupName, Handset, LoginMode, Mac, Phone, TeamId, Variables,
};
use crate::store::{JournalFilter, Store};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn extension(text: &str) -> Extension {
    text.parse().unwrap()
}

fn key(number: u32) -> PersonKey {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    PersonKey::of(&bytes).unwrap()
}

fn person(number: u32, extension: &str, name: &str) -> Person {
    let record = UserRecord {
        extension: extension.parse().unwrap(),
        name: name.into(),
        hot_desk: true,
        away: Default::default(),
        groups: vec![GroupName::try_from("all".to_owned()).unwrap()],
        teams: vec!["sales".parse::<TeamId>().unwrap()],
        params: Variables::new(),
        variables: [("toll_allow".to_owned(), "local".to_owned())].into(),
        keys: Vec::new(),
        settings: Default::default(),
    };
    let dn = format!("cn={name}").into();
    Person { key: key(number), dn, record, pin: Supplied::NotAsked, sip_secret: Supplied::NotAsked }
}

fn phone(last: u8) -> Phone {
    Phone {
        mac: format!("0004132a00{last:02x}").parse().unwrap(),
        secret: "secret".into(),
        vendor: None,
        model: None,
        label: None,
        desk_extension: None,
        owner: None,
        hot_desk: true,
        emergency: Emergency::default(),
        settings: Default::default(),
        handsets: Vec::new(),
        tags: Default::default(),
        logout: None,
        added: at(0),
    }
}

/// A desk over an empty store.
async fn desk() -> (tempfile::TempDir, Desk) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    (folder, Desk::new(store, Settings::default()))
}

async fn mirror(desk: &Desk, people: Vec<Person>, gone: Vec<PersonKey>) -> Mirrored {
    let change = MirrorChange { people, gone, ..MirrorChange::default() };
    desk.mirror(change, |_, _| {}, at(10), Actor::Daemon).await.unwrap()
}

fn counts(done: &Mirrored) -> (usize, usize, usize, usize) {
    (done.added, done.changed, done.removed, done.conflicts.len())
}

/// Names by extension.
fn names(desk: &Desk) -> Vec<(String, String)> {
    let memory = desk.store().memory();
    let mut names: Vec<_> =
        memory.users().map(|user| (user.extension.to_string(), user.name.clone())).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_changed_extension_follows_the_person_and_all_that_is_hers() {
    let (folder, desk) = desk().await;
    mirror(&desk, vec![person(1, "1001", "Ada"), person(2, "1002", "Grace")], vec![]).await;
    let by = Actor::Daemon;
    let own = Phone { owner: Some(extension("1001")), ..phone(2) };
    let handset = Handset { user: Some(extension("1001")), ..Handset::default() };
    let base = Phone { hot_desk: false, handsets: vec![handset], ..phone(3) };
    for phone in [phone(1), own, base] {
        desk.save_phone(phone, at(1), by.clone()).await.unwrap();
    }
    let ada = extension("1001");
    desk.set_pin(ada.clone(), "4711".into(), at(1), by.clone()).await.unwrap();
    let at_desk = desk.log_in(phone(1).mac, ada.clone(), LoginMode::Also, None, at(2), by.clone());
    at_desk.await.unwrap();
    let kept = desk.store().write(async move |tx: &mut Tx<'_>| {
        tx.keep_personal_file(&ada, "calls.xml", b"x", at(2)).await
    });
    kept.await.unwrap();

    let done = mirror(&desk, vec![person(1, "1007", "Ada L.")], vec![]).await;
    assert_eq!(counts(&done), (0, 1, 0, 0));
    let see = |store: &Store| {
        let (memory, new) = (store.memory(), extension("1007"));
        let ada = memory.user(&new).unwrap();
        assert_eq!(ada.name, "Ada L.");
        assert_eq!(ada.pin.as_ref().unwrap().secret().expose_secret(), "4711");
        assert_eq!(memory.person(key(1)).unwrap().extension, new);
        assert!(memory.user(&extension("1001")).is_none());
        assert!(memory.is_retired("1001") && !memory.is_retired("1007"));
        let mut seats: Vec<Mac> = memory.seats(&new).to_vec();
        seats.sort();
        assert_eq!(seats, [phone(1).mac, phone(2).mac]);
        assert_eq!(memory.session(phone(1).mac).unwrap().since, at(2));
        assert_eq!(memory.phone(phone(2).mac).unwrap().owner.as_ref(), Some(&new));
        assert_eq!(memory.handsets(&new).len(), 1);
        assert!(memory.has_personal_file(&new, "calls.xml"));
        let wanted = memory.wanted_of(WantedKind::Resync, &phone(1).mac.to_string()).unwrap();
        assert_eq!(wanted.value, "1007 since 2");
        assert!(memory.group(&ada.groups[0]).unwrap().contains(&new));
    };
    see(desk.store());
    drop(desk);
    see(&Store::open(folder.path()).await.unwrap());
}

#[tokio::test]
async fn people_who_swap_their_numbers_keep_what_is_theirs() {
    let (_folder, desk) = desk().await;
    let before = [("1001", "Ada"), ("1002", "Grace"), ("1003", "Alan"), ("1004", "Edsger")];
    let people = before.iter().zip(1..).map(|((number, name), key)| person(key, number, name));
    mirror(&desk, people.collect(), vec![]).await;
    for (number, pin) in [("1001", "4711"), ("1002", "4712"), ("1003", "4713")] {
        desk.set_pin(extension(number), pin.into(), at(1), Actor::Daemon).await.unwrap();
    }
    // A ring of three, and one who takes the number of somebody who goes.
    let people = vec![
        person(1, "1002", "Ada"),
        person(2, "1003", "Grace"),
        person(3, "1001", "Alan"),
        person(5, "1004", "Barbara"),
    ];
    let done = mirror(&desk, people, vec![key(4)]).await;
    assert_eq!(counts(&done), (1, 3, 1, 0));
    let told = [("1001", "Alan"), ("1002", "Ada"), ("1003", "Grace"), ("1004", "Barbara")];
    assert_eq!(names(&desk), told.map(|(number, name)| (number.to_owned(), name.to_owned())));
    let pin = |number| {
        let known = desk.known_pin(&extension(number)).unwrap();
        known.initial.unwrap().expose_secret().to_owned()
    };
    assert_eq!([pin("1001"), pin("1002"), pin("1003")], ["4713", "4711", "4712"]);
    for number in ["1001", "1002", "1003"] {
        assert!(!desk.store().memory().is_retired(number));
    }
}

#[tokio::test]
async fn who_disappears_is_logged_out_everywhere_at_once() {
    let (_folder, desk) = desk().await;
    mirror(&desk, vec![person(1, "1001", "Ada"), person(2, "1002", "Grace")], vec![]).await;
    for last in [1, 2] {
        desk.save_phone(phone(last), at(1), Actor::Daemon).await.unwrap();
        let ada = extension("1001");
        let (mac, by) = (phone(last).mac, Actor::Daemon);
        desk.log_in(mac, ada, LoginMode::Also, None, at(2), by).await.unwrap();
    }
    let done = mirror(&desk, vec![], vec![key(1)]).await;
    assert_eq!(counts(&done), (0, 0, 1, 0));
    assert_eq!(names(&desk), [("1002".to_owned(), "Grace".to_owned())]);
    assert_eq!(desk.store().memory().sessions().count(), 0);
    let filter = JournalFilter { limit: 100, ..JournalFilter::default() };
    let journal = desk.store().journal(&filter).await.unwrap();
    let ended = journal.iter().filter(|entry| {
        matches!(&entry.what, Happening::Logout { reason: EndReason::UserRemoved, .. })
    });
    assert_eq!(ended.count(), 2);
}

#[tokio::test]
async fn a_number_has_one_person_and_who_has_it_keeps_it() {
    let (_folder, desk) = desk().await;
    let own = Phone { desk_extension: Some(extension("1050")), ..phone(1) };
    desk.save_phone(own, at(1), Actor::Daemon).await.unwrap();
    let local = person(0, "1060", "Ours").record;
    desk.save_user(local, None, at(1), Actor::Command).await.unwrap();
    mirror(&desk, vec![person(5, "1001", "Ada")], vec![]).await;
    let people = vec![
        person(1, "1001", "Eve"),
        person(2, "1002", "Grace"),
        person(3, "1002", "Mallory"),
        person(4, "1050", "Desk"),
        person(6, "1060", "Local"),
    ];
    let done = mirror(&desk, people, vec![]).await;
    assert_eq!(counts(&done), (1, 0, 0, 4));
    let told = [("1001", "Ada"), ("1002", "Grace"), ("1060", "Ours")];
    assert_eq!(names(&desk), told.map(|(number, name)| (number.to_owned(), name.to_owned())));
    // Who cannot move stays, and so does not make room for others.
    let people = vec![person(5, "1050", "Ada"), person(1, "1001", "Eve")];
    let done = mirror(&desk, people, vec![]).await;
    assert_eq!(counts(&done), (0, 0, 0, 2));
    // Whose entry makes no sense any more stays until somebody else has the number by right.
    let lapsed = |people| MirrorChange { people, lapsed: vec![key(5)], ..MirrorChange::default() };
    let change = lapsed(vec![]);
    let done = desk.mirror(change, |_, _| {}, at(11), Actor::Daemon).await.unwrap();
    assert_eq!(counts(&done), (0, 0, 0, 0));
    let change = lapsed(vec![person(1, "1001", "Eve")]);
    let done = desk.mirror(change, |_, _| {}, at(12), Actor::Daemon).await.unwrap();
    assert_eq!(counts(&done), (1, 0, 1, 0));
    assert_eq!(names(&desk)[0].1, "Eve");
}

#[tokio::test]
async fn many_people_are_one_line_of_the_journal_and_nobody_is_written_twice() {
    let (folder, desk) = desk().await;
    let people = || (0..450).map(|n| person(n, &format!("{}", 2000 + n), "Somebody")).collect();
    let done = mirror(&desk, people(), vec![]).await;
    assert_eq!(counts(&done), (450, 0, 0, 0));
    assert!(people().iter().all(|person: &Person| desk.is_mirrored(person)));
    let other = Person {
        pin: Supplied::Is(Some(Pin::stored("4711".into()))),
        ..person(1, "2001", "Somebody")
    };
    assert!(!desk.is_mirrored(&other));
    assert!(!desk.is_mirrored(&person(1, "2002", "Somebody")));
    let filter = JournalFilter { limit: 100, ..JournalFilter::default() };
    let journal = desk.store().journal(&filter).await.unwrap();
    let lines: Vec<&Happening> = journal.iter().map(|entry| &entry.what).collect();
    assert_eq!(lines, [&Happening::PeopleMirrored { added: 450, changed: 0, removed: 0 }]);
    drop(desk);
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.memory().people().len(), 450);
    let desk = Desk::new(store, Settings::default());
    assert!(people().iter().all(|person: &Person| desk.is_mirrored(person)));
}

#[tokio::test]
async fn how_far_the_mirror_has_come_is_kept_and_disbelief_is_told_once() {
    let (folder, desk) = desk().await;
    let disbelieved = Some(crate::model::Disbelieved { had: 10, found: 1, at: at(1) });
    for second in [1, 2] {
        let state =
            MirrorState { disbelieved, server: "ldap://x".into(), ..MirrorState::default() };
        desk.mirror_state(state, at(second), Actor::Daemon).await.unwrap();
    }
    let filter = JournalFilter { limit: 9, ..JournalFilter::default() };
    assert_eq!(desk.store().journal(&filter).await.unwrap().len(), 1);
    drop(desk);
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.memory().mirror().unwrap().disbelieved, disbelieved);
}
