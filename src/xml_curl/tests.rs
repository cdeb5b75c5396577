use jiff::Timestamp;
use serde::Deserialize;

use super::*;
use crate::desk::{Desk, Settings, UserRecord};
use crate::model::*;

#[derive(Deserialize)]
struct Recorded {
    what: String,
    body: String,
}

/// Every request that a running FreeSWITCH made.
fn recorded() -> Vec<Recorded> {
    let lines = include_str!("../../tests/fixtures/freeswitch/xml_curl/requests.jsonl");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_290_000).unwrap()
}

fn record(extension: &str, name: &str) -> UserRecord {
    UserRecord {
        extension: extension.parse().unwrap(),
        name: name.into(),
        hot_desk: true,
        away: AwayDestination::Voicemail,
        groups: vec![GroupName::try_from("sales".to_owned()).unwrap()],
        teams: Vec::new(),
        params: Variables::new(),
        variables: Variables::new(),
        keys: Vec::new(),
        settings: Default::default(),
    }
}

fn phone(mac: &str) -> Phone {
    Phone {
        mac: mac.parse().unwrap(),
        secret: "phone-secret".into(),
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
        added: now(),
    }
}

/// Two phones, Ada with a PIN at the first, Grace without one; `settings` for the domain.
async fn office(folder: &tempfile::TempDir, settings: &DirectorySettings) -> (Desk, Directory) {
    let store = Store::open(folder.path()).await.unwrap();
    let desk = Desk::new(store.clone(), Settings::default());
    desk.save_user(record("1001", "Ada Lovelace"), None, now(), Actor::Command).await.unwrap();
    desk.save_user(
        record("1002", "Grace ${system(id)} $${domain} \"<]]>\u{0}"),
        Some("soft".into()),
        now(),
        Actor::Command,
    )
    .await
    .unwrap();
    desk.set_pin("1001".parse().unwrap(), "4711".into(), now(), Actor::Command).await.unwrap();
    for mac in ["0004132a0001", "0004132a0002"] {
        desk.save_phone(phone(mac), now(), Actor::Command).await.unwrap();
    }
    let (mac, ada) = ("0004132a0001".parse().unwrap(), "1001".parse().unwrap());
    desk.log_in(mac, ada, LoginMode::Only, None, now(), Actor::Command).await.unwrap();
    let rules = DirectoryRules {
        domain: "hotdesk.test".parse().unwrap(),
        context: "default".into(),
        unusable: UnusableHash::new([7; UNUSABLE_HASH_BYTES]),
    };
    let directory = Directory::new(store, rules, vec!["192.0.2.10".parse().unwrap()], settings);
    (desk, directory)
}

fn ask(directory: &Directory, fields: &str) -> String {
    let body =
        format!("section=directory&tag_name=domain&key_name=name&key_value=hotdesk.test&{fields}");
    directory.answer(body.as_bytes())
}

#[tokio::test]
async fn every_recorded_request_has_the_answer_that_its_kind_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (_, directory) = office(&folder, &DirectorySettings::default()).await;
    let mut kinds = [0; 6];
    for request in recorded() {
        let answer = directory.answer(request.body.as_bytes());
        let has = |part: &str| assert!(answer.contains(part), "{}: {answer}", request.what);
        let (kind, ()) = match Question::parse(request.body.as_bytes()) {
            Question::User { id, group, .. } if id == "7777" => (0, {
                assert_eq!((answer.as_str(), group), (NOT_FOUND, None), "{}", request.what);
            }),
            Question::User { id, group, .. } => (1, {
                has(&format!("<user id=\"{id}\">"));
                has("<param name=\"allow-empty-password\" value=\"false\"/>");
                has("name=\"a1-hash\"");
                has(&format!("<group name=\"{}\">", group.as_deref().unwrap_or("hotdeskd")));
                assert!(
                    answer.contains("vm-password") != answer.contains("vm-enabled"),
                    "{answer}"
                );
            }),
            Question::Group { name, .. } if name == "sales" => (2, {
                has("<user id=\"1001\" type=\"pointer\"/><user id=\"1002\" type=\"pointer\"/>");
            }),
            Question::Group { .. } => (2, assert_eq!(answer, NOT_FOUND)),
            Question::Domain { .. } => (3, {
                has("<domain name=\"hotdesk.test\"></domain>");
            }),
            // There is no team here, so every configuration is FreeSWITCH's own.
            Question::Configuration { .. } => {
                (4, assert_eq!(answer, NOT_FOUND, "{}", request.what))
            }
            Question::Other => (5, assert_eq!(answer, NOT_FOUND, "{}", request.what)),
        };
        kinds[kind] += 1;
    }
    assert!(kinds[..5].iter().all(|count| *count > 0), "{kinds:?}");
    assert_eq!(kinds.iter().sum::<i32>(), 44);
}

#[tokio::test]
async fn a_login_changes_the_very_next_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, directory) = office(&folder, &DirectorySettings::default()).await;
    let at = |mac: &str| ask(&directory, &format!("action=sip_auth&user={mac}"));
    assert!(at("0004132a0001").contains("name=\"hotdesk_user\" value=\"1001\""));
    assert!(at("0004132a0002").contains("name=\"user_context\" value=\"restricted\""));
    let (mac, ada) = ("0004132a0002".parse().unwrap(), "1001".parse().unwrap());
    desk.log_in(mac, ada, LoginMode::Only, None, now(), Actor::Command).await.unwrap();
    assert!(at("0004132a0002").contains("name=\"hotdesk_user\" value=\"1001\""));
    assert!(at("0004132a0001").contains("name=\"user_context\" value=\"restricted\""));
    let call = ask(&directory, "action=user_call&user=1001");
    assert!(call.contains("&#36;{sofia_contact(*/0004132a0002@hotdesk.test)}\""), "{call}");
    assert!(!call.contains("0004132a0001"));
}

#[tokio::test]
async fn ours_once_is_nobody_and_never_ours_is_left_to_freeswitch() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, directory) = office(&folder, &DirectorySettings::default()).await;
    desk.remove_phone("0004132a0001".parse().unwrap(), now(), Actor::Command).await.unwrap();
    desk.remove_user("1001".parse().unwrap(), now(), Actor::Command).await.unwrap();
    for gone in ["0004132a0001", "1001", "00:04:13:2A:00:02", "0004132A0002"] {
        let answer = ask(&directory, &format!("user={gone}"));
        assert!(answer.contains("<domain name=\"hotdesk.test\"></domain>"), "{gone}: {answer}");
    }
    for stranger in ["1003", "0004132a0009", "admin", "1002%00", "%F0%9F%98%80", "1002'"] {
        assert_eq!(ask(&directory, &format!("user={stranger}")), NOT_FOUND, "{stranger}");
    }
}

/// A base with a handset of Ada's and one that is nobody's.
async fn with_base(desk: &Desk) -> Phone {
    let base = Phone {
        hot_desk: false,
        label: Some("Ward".into()),
        desk_extension: Some("200".parse().unwrap()),
        emergency: Emergency { caller_id: Some("+431234".parse().unwrap()), location: None },
        handsets: vec![
            Handset { user: Some("1001".parse().unwrap()), label: None },
            Handset { user: None, label: Some("Lobby".into()) },
        ],
        ..phone("0004139000aa")
    };
    desk.save_phone(base.clone(), now(), Actor::Command).await.unwrap();
    base
}

#[tokio::test]
async fn a_handset_is_a_phone_whose_person_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, directory) = office(&folder, &DirectorySettings::default()).await;
    let base = with_base(&desk).await;
    let hers = ask(&directory, "action=sip_auth&user=0004139000aa-1");
    let secret = desk.store().handset_secret(&base, 1);
    let hash = a1_hash("0004139000aa-1", &"hotdesk.test".parse().unwrap(), &secret);
    for part in [
        "<user id=\"0004139000aa-1\">",
        &format!("<param name=\"a1-hash\" value=\"{hash}\"/>"),
        "&#36;{sofia_contact(*/0004139000aa-1@hotdesk.test)}\"",
        "name=\"user_context\" value=\"hotdesk\"",
        "name=\"hotdesk_user\" value=\"1001\"",
        "name=\"mwi-account\" value=\"1001@hotdesk.test\"",
        "name=\"effective_caller_id_name\" value=\"Ada Lovelace\"",
        "name=\"emergency_caller_id_number\" value=\"+431234\"",
    ] {
        assert!(hers.contains(part), "{part} in {hers}");
    }
    let nobodys = ask(&directory, "action=sip_auth&user=0004139000aa-2");
    for part in ["value=\"restricted\"", "value=\"Lobby\"", "value=\"+431234\""] {
        assert!(nobodys.contains(part), "{part} in {nobodys}");
    }
    assert!(!nobodys.contains(&hash), "each handset has a secret of its own");
    // The base itself is known and registers never.
    let denied = ask(&directory, "action=sip_auth&user=0004139000aa");
    assert!(denied.contains("name=\"sip-forbid-register\" value=\"true\""), "{denied}");
    assert!(denied.contains("name=\"a1-hash\""), "{denied}");
    // A call to her rings where she sits and at her handset; one to the base, all handsets.
    let call = ask(&directory, "action=user_call&user=1001");
    let both = "&#36;{sofia_contact(*/0004132a0001@hotdesk.test)},&#36;{sofia_contact(*/0004139000aa-1@hotdesk.test)}\"";
    assert!(call.contains(both), "{call}");
    let all = "&#36;{sofia_contact(*/0004139000aa-1@hotdesk.test)},&#36;{sofia_contact(*/0004139000aa-2@hotdesk.test)}\"";
    assert!(ask(&directory, "action=user_call&user=200").contains(all));
}

#[tokio::test]
async fn a_handset_changes_with_its_base_and_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, directory) = office(&folder, &DirectorySettings::default()).await;
    let base = with_base(&desk).await;
    let at = |id: &str| ask(&directory, &format!("action=sip_auth&user={id}"));
    let before = at("0004139000aa-2");
    let secret = "another-secret".into();
    desk.save_phone(Phone { secret, ..base.clone() }, now(), Actor::Command).await.unwrap();
    assert_ne!(at("0004139000aa-2"), before, "a new secret of the base is one of each handset");
    desk.save_phone(base.clone(), now(), Actor::Command).await.unwrap();
    assert_eq!(at("0004139000aa-2"), before);
    // Who is no more has no handset; the numbers of the others stay.
    desk.remove_user("1001".parse().unwrap(), now(), Actor::Command).await.unwrap();
    assert!(at("0004139000aa-1").contains("value=\"restricted\""));
    assert_eq!(at("0004139000aa-2"), before);
    let nobody = "<domain name=\"hotdesk.test\"></domain>";
    for never in ["0004139000aa-3", "0004139000aa-02", "0004139000AA-2"] {
        assert!(at(never).contains(nobody), "{never}");
    }
    let fewer = Phone { handsets: vec![Handset::default()], ..base };
    desk.save_phone(fewer, now(), Actor::Command).await.unwrap();
    assert!(at("0004139000aa-2").contains(nobody));
    desk.remove_phone("0004139000aa".parse().unwrap(), now(), Actor::Command).await.unwrap();
    for gone in ["0004139000aa", "0004139000aa-1", "0004139000aa-2"] {
        assert!(at(gone).contains(nobody), "{gone}");
    }
    assert_eq!(at("0004139000ab-1"), NOT_FOUND, "never ours");
}

#[tokio::test]
async fn nobody_sits_at_a_base() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, _) = office(&folder, &DirectorySettings::default()).await;
    let base = with_base(&desk).await;
    let owned = Phone { owner: Some("1001".parse().unwrap()), ..base.clone() };
    for refused in [owned, Phone { hot_desk: true, ..base.clone() }] {
        let error = desk.save_phone(refused, now(), Actor::Command).await.unwrap_err();
        assert!(matches!(error, crate::desk::Error::Base(_)), "{error}");
    }
    let handsets = vec![Handset { user: Some("1009".parse().unwrap()), label: None }];
    let stranger = Phone { handsets: handsets.clone(), ..base.clone() };
    let error = desk.save_phone(stranger, now(), Actor::Command).await.unwrap_err();
    assert!(matches!(error, crate::desk::Error::UnknownUser(_)), "{error}");
    let ada = || "1001".parse().unwrap();
    let refused = desk.log_in(base.mac, ada(), LoginMode::Only, None, now(), Actor::Command).await;
    assert!(matches!(refused, Err(crate::desk::Error::Refused(Refusal::PhoneMayNot))));
    // The desk phone where she sits turns out to be a base.
    let desk_phone = phone("0004132a0001");
    assert!(desk.seated(desk_phone.mac).is_some());
    let handsets = vec![Handset::default()];
    let base = Phone { hot_desk: false, handsets, ..desk_phone };
    let mac = base.mac;
    desk.save_phone(base, now(), Actor::Command).await.unwrap();
    assert_eq!(desk.seated(mac), None);
}

#[tokio::test]
async fn another_domain_is_not_ours_and_an_alias_is() {
    let folder = tempfile::tempdir().unwrap();
    let (_, directory) = office(&folder, &DirectorySettings::default()).await;
    let ask = |domain: &str| {
        let body =
            format!("section=directory&tag_name=domain&key_name=name&key_value={domain}&user=1001");
        directory.answer(body.as_bytes())
    };
    assert_eq!(ask("other.test"), NOT_FOUND);
    assert!(ask("192.0.2.10").contains("<domain name=\"192.0.2.10\">"));
    assert!(ask("HOTDESK.test").contains("<domain name=\"hotdesk.test\">"));
}

#[tokio::test]
async fn every_answer_is_valid_xml_and_nothing_in_it_expands() {
    let folder = tempfile::tempdir().unwrap();
    let settings = DirectorySettings {
        params: DomainParams::try_from(Variables::from([(
            "jsonrpc-allowed-methods".into(),
            "${x}\n".into(),
        )]))
        .unwrap(),
        variables: DomainVariables::try_from(Variables::from([(
            "default_gateway".into(),
            "$${y}\u{1f600}".into(),
        )]))
        .unwrap(),
    };
    let (_, directory) = office(&folder, &settings).await;
    for id in ["1001", "1002", "0004132a0001", "0004132a0002"] {
        let answer = ask(&directory, &format!("user={id}"));
        assert!(answer.contains(
            "<params><param name=\"jsonrpc-allowed-methods\" value=\"&#36;{x}&#10;\"/></params>"
        ));
        assert!(!answer.contains('$'), "{answer}");
        let mut reader = quick_xml::Reader::from_str(&answer);
        while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
    }
    let refused = DomainParams::try_from(Variables::from([("Dial-String".into(), "x".into())]));
    assert!(refused.unwrap_err().contains("Dial-String"));
}
