use jiff::Timestamp;

use super::*;
use crate::model::{Emergency, Handset, Pin, UserSource};

fn rules() -> DirectoryRules {
    DirectoryRules {
        domain: "hotdesk.test".parse().unwrap(),
        context: "default".into(),
        unusable: UnusableHash::new([0xab; UNUSABLE_HASH_BYTES]),
    }
}

fn phone() -> Phone {
    Phone {
        mac: "0004132a0001".parse().unwrap(),
        secret: "phone-secret-1".into(),
        vendor: None,
        model: None,
        label: Some("Desk 1".into()),
        desk_extension: None,
        owner: None,
        hot_desk: true,
        emergency: Emergency {
            caller_id: Some("+431234".parse().unwrap()),
            location: Some("Room ${x} 3".into()),
        },
        settings: Default::default(),
        handsets: Vec::new(),
        tags: Default::default(),
        logout: None,
        added: Timestamp::UNIX_EPOCH,
    }
}

fn user(name: &str) -> User {
    User {
        extension: "1001".parse().unwrap(),
        name: name.into(),
        pin: Some(Pin::stored("4711".into())),
        pin_hash: None,
        sip_secret: None,
        hot_desk: true,
        away: Default::default(),
        groups: Vec::new(),
        teams: Vec::new(),
        params: [("vm-email", "ada@x"), ("Password", ""), ("A1-hash", "x")]
            .map(|(n, v)| (n.into(), v.into()))
            .into(),
        variables: [
            ("toll_allow", "local"),
            ("emergency_caller_id_number", "666"),
            ("user_context", "root"),
        ]
        .map(|(n, v)| (n.into(), v.into()))
        .into(),
        keys: Vec::new(),
        settings: Default::default(),
        source: UserSource::Local,
        person: None,
    }
}

#[test]
fn a_phone_is_nobodys_or_somebodys() {
    let free = DirectoryEntry::phone(&rules(), &phone(), None).xml();
    assert!(free.contains(r#"<param name="a1-hash" value="e9cf21"#));
    assert!(free.contains(r#"<variable name="user_context" value="restricted"/>"#));
    assert!(free.contains(r#"<variable name="emergency_caller_id_number" value="+431234"/>"#));
    assert!(free.contains(r#"<variable name="emergency_location" value="Room x 3"/>"#));
    assert!(!free.contains("phone-secret-1") && !free.contains("mwi-account"));
    let hers = DirectoryEntry::phone(&rules(), &phone(), Some(&user("Ada Lovelace"))).xml();
    for part in [
        r#"<variable name="user_context" value="hotdesk"/>"#,
        r#"<variable name="hotdesk_user" value="1001"/>"#,
        r#"<variable name="effective_caller_id_name" value="Ada Lovelace"/>"#,
        r#"<param name="mwi-account" value="1001@hotdesk.test"/>"#,
        r#"<variable name="emergency_caller_id_number" value="+431234"/>"#,
    ] {
        assert!(hers.contains(part), "{part} in {hers}");
    }
}

#[test]
fn the_hash_is_what_a_phone_computes() {
    let domain = "hotdesk.test".parse().unwrap();
    // printf '0004132a0001:hotdesk.test:phone-secret-1' | md5sum
    assert_eq!(
        a1_hash("0004132a0001", &domain, &"phone-secret-1".into()),
        "e9cf21c688a68014e0608273226141ea"
    );
}

#[test]
fn nobody_without_a_secret_and_no_mailbox_without_a_pin() {
    let mut someone = user("Ada");
    someone.pin = None;
    let xml = DirectoryEntry::user(&rules(), &someone, &[], &[]).xml();
    assert!(xml.contains(r#"name="sip-forbid-register" value="true""#));
    assert!(xml.contains(r#"name="a1-hash" value="abababababababababababababababab""#));
    assert!(xml.contains(r#"name="allow-empty-password" value="false""#));
    assert!(xml.contains(r#"name="vm-enabled" value="false""#));
    assert_eq!(xml.matches("a1-hash").count() + xml.matches("A1-hash").count(), 1);
    assert!(!xml.contains("Password\""));
}

#[test]
fn a_user_cannot_take_over_what_belongs_to_the_desk() {
    let entry = DirectoryEntry::user(&rules(), &user("Ada"), &[], &[]);
    assert_eq!(entry.variable_value("emergency_caller_id_number"), None);
    assert_eq!(entry.variable_value("user_context"), Some("default"));
    assert_eq!(entry.variable_value("toll_allow"), Some("local"));
}

#[test]
fn every_entry_of_a_base_and_its_handsets_has_a_secret_and_no_mailbox() {
    let base = Phone {
        hot_desk: false,
        handsets: vec![Handset { user: None, label: Some("Lobby".into()) }; 2],
        ..phone()
    };
    let (secret, ada) = ("handset-secret".into(), user("Ada"));
    let own = DirectoryEntry::phone(&rules(), &base, None);
    let all = [
        (DirectoryEntry::handset(&rules(), &base, 1, &secret, Some(&ada)), false),
        (DirectoryEntry::handset(&rules(), &base, 2, &secret, None), false),
        (own, true),
        (DirectoryEntry::desk_extension(&rules(), &"200".parse().unwrap(), &base), true),
    ];
    for (entry, denied) in all {
        let xml = entry.xml();
        assert_eq!(xml.matches("name=\"a1-hash\" value=\"").count(), 1, "{xml}");
        assert!(!xml.contains("name=\"a1-hash\" value=\"\""), "{xml}");
        assert!(xml.contains(r#"name="vm-enabled" value="false""#), "{xml}");
        assert_eq!(xml.contains("sip-forbid-register"), denied, "{xml}");
        assert_eq!(xml.contains("abababab"), denied, "{xml}");
        assert!(!xml.contains("handset-secret") && !xml.contains("phone-secret"), "{xml}");
    }
}

#[test]
fn any_name_gives_valid_xml_that_freeswitch_does_not_expand() {
    for name in [
        "${system(id)}",
        "$${domain}",
        "^^|a=b",
        "]]>",
        "\"'<&>",
        "a\r\nb\u{0}\u{b}",
        "😀 名前",
        "\u{ffff}",
        "X-Pre-Process",
    ] {
        let mut someone = user(name);
        someone.variables = [("note".into(), name.into())].into();
        let handset = Handset { user: None, label: Some(name.into()) };
        let base = Phone { handsets: vec![handset; 2], ..phone() };
        let secret = "handset-secret".into();
        let of = |user| DirectoryEntry::handset(&rules(), &base, 2, &secret, user).xml();
        let handsets = [SipIdentity::of_handset(base.mac, 1)];
        let hers = DirectoryEntry::user(&rules(), &someone, &[phone().mac], &handsets).xml();
        for xml in [hers, of(None), of(Some(&someone))] {
            let plain = xml.replace("&#36;{sofia_contact", "");
            assert!(!plain.contains('$'), "{xml}");
            assert!(!xml.to_ascii_lowercase().contains("x-pre-process"), "{xml}");
            let mut reader = quick_xml::Reader::from_str(&xml);
            while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
        }
    }
}
