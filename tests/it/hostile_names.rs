//! Names that are not what they seem: everywhere that text of people reaches FreeSWITCH.

use hotdeskd::simulator::{Heard, Target};
use hotdeskd::standing::directory::Directory;
use hotdeskd::standing::disk::Folder;
use hotdeskd::standing::walk::{Daemon, End, Policy, Walk};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::json;

use crate::support::{LOGGED_IN, Office, PHONES, Plan, USERS, heard_times};

/// What FreeSWITCH would expand, split, or take for markup.
const NAMES: [&str; 18] = [
    "${system(id)}",
    "$${domain}",
    "$${system(id)}",
    "${expand(api system id)}",
    "^^|a=b",
    "^^:sip_auth_username=0004132a0002:x",
    "]]>",
    "<!-- <X-PRE-PROCESS cmd=\"exec\" data=\"id\"/> -->",
    "\"/></params></user><user id=\"9999\"><params><param name=\"password\" value=\"x\"/>",
    "it's \"quoted\" \\ back",
    "a\nb\r\nContent-Length: 0\r\n\r\nsendmsg",
    "a,[leg=1]b|c{d=e}f",
    "sofia/gateway/trunk/0900123456",
    "{origination_caller_id_number=112}error/x",
    "\u{202e}drow 🦀 Zoë Ünïcødé",
    "&#36;{system(id)} &amp;lt;",
    "%24%7Bsystem(id)%7D",
    "tab\tand\u{0}nul\u{1b}[31m",
];

/// Every element ends, every reference can be read, and no line would be the preprocessor's.
fn assert_well_formed(xml: &str) {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(Event::Start(element) | Event::Empty(element)) => {
                for attribute in element.attributes() {
                    let attribute = attribute.unwrap_or_else(|error| panic!("{error}: {xml}"));
                    let value = quick_xml::escape::unescape(attribute.value.as_ref());
                    assert!(value.is_ok(), "{value:?}: {xml}");
                }
            }
            Ok(_) => {}
            Err(error) => panic!("{error}: {xml}"),
        }
    }
    // FreeSWITCH's preprocessor looks at the text itself, wherever it stands.
    assert!(!xml.contains("$${"), "{xml}");
    assert!(!xml.to_ascii_lowercase().contains("x-pre-process"), "{xml}");
}

#[tokio::test]
async fn names_are_only_ever_names() {
    let office = Office::with(Plan { recorded: true, ..Plan::default() }).await;
    assert!(office.run(&["freeswitch", "install"]).status.success());
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    for phone in [&desk1, &desk2] {
        office.switch.register(phone).await.unwrap();
    }
    let pin = format!("{}#", USERS[0].2);
    for name in NAMES {
        let own = json!({ "note": name });
        let user = json!({ "name": name, "groups": ["sales"], "variables": own, "params": own });
        office.put("users/1001", user).await;
        let emergency = json!({ "caller_id": "+4312345", "location": name });
        let phone = json!({ "label": name, "emergency": emergency, "desk_extension": "2001" });
        office.put(&format!("phones/{}", desk1.user), phone).await;
        // As nobody's, the phone's own name is what FreeSWITCH is told; then hers.
        office.switch.register(&desk1).await.unwrap();
        office.switch.authenticate_invite(&desk1, "0").await.unwrap();
        let heard = office.converse(&desk1, "*11", &["1001#", &pin]).await;
        assert_eq!(heard_times(&heard, LOGGED_IN), 1, "{name:?}: {heard:?}");
        assert_eq!(office.whose(&desk1).await.as_deref(), Some("1001"), "{name:?}");
        let heard = office.converse(&desk1, "*15", &[]).await;
        assert!(heard.iter().any(|heard| matches!(heard, Heard::Said { .. })), "{name:?}");
        // A call to her, to her group and to her desk rings this phone and nothing else.
        for (what, ringing) in [
            ("1001", office.switch.who_rings("1001").await.unwrap()),
            ("2001", office.switch.who_rings("2001").await.unwrap()),
            ("sales", office.switch.group_rings("sales").await.unwrap()),
        ] {
            assert_eq!(ringing.phones(), [PHONES[0].0], "{name:?}, {what}: {ringing:?}");
            for leg in ringing.stages.iter().flatten() {
                let is_phone = matches!(leg.target, Target::Phone { .. });
                let failed = matches!(leg.target, Target::Failed(_));
                assert!(is_phone || failed, "{name:?}, {what}: {leg:?}");
                let known = |name: &str| {
                    ["sip_invite_domain", "presence_id"].contains(&name)
                        || name.starts_with("origination_callee_id_")
                };
                let strange = leg.variables.iter().find(|(name, _)| !known(name));
                assert_eq!(strange, None, "{name:?}, {what}: {leg:?}");
            }
        }
        let heard = office.converse(&desk1, "*13", &[&pin]).await;
        assert!(!heard.is_empty());
    }
    assert_eq!(office.switch.would_have_run(), Vec::<String>::new());
    // FreeSWITCH itself drops a variable whose value looks like one.
    let traps = office.switch.traps();
    assert!(traps.iter().all(|trap| trap == "dropped note"), "{traps:?}");
    let answers = office.answers();
    assert!(answers.len() > NAMES.len() * 5);
    for answer in &answers {
        assert_well_formed(answer);
        assert!(!answer.contains("id=\"9999\""), "{answer}");
    }
}

#[tokio::test]
async fn the_standing_files_stay_files_of_ours() {
    let office = Office::open().await;
    for (at, name) in NAMES.iter().enumerate() {
        let (extension, mac) = (format!("30{at:02}"), format!("0004132c00{at:02}"));
        office.user(&extension, json!({ "name": name }), "6092718354").await;
        let emergency = json!({ "caller_id": "+4312345", "location": name });
        let phone = json!({ "label": name, "emergency": emergency, "secret": "a-phone-secret" });
        office.put(&format!("phones/{mac}"), phone).await;
        // Half of them somebody's.
        if at % 2 == 0 {
            office.post("sessions", json!({ "user": extension, "phone": mac })).await;
        }
    }
    let installed = office.run(&["freeswitch", "install"]);
    assert!(installed.status.success(), "{installed:?}");
    let standing = &office.config.standing.folder;
    let directory = Directory::read(&Folder::new(standing.join("directory"), None)).unwrap();
    for file in std::fs::read_dir(standing.join("directory")).unwrap() {
        assert_well_formed(&std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    let walk = Walk::load(&standing.join("dialplan")).unwrap();
    for (at, name) in NAMES.iter().enumerate() {
        let mac = format!("0004132c00{at:02}");
        let entry = directory.find(&mac).unwrap();
        let context = if at % 2 == 0 { "hotdesk" } else { "restricted" };
        assert_eq!(entry.variables["user_context"], context, "{name:?}");
        assert!(directory.find(&format!("30{at:02}")).is_some(), "{name:?}");
        // With the daemon dead an emergency call goes its way, whatever the desk is called.
        let call = directory.call_from(&mac, "999").unwrap();
        let mut memory = hotdeskd::standing::walk::Memory::default();
        let story = walk.walk(&call, &Policy::daemon_dead(), &mut memory).unwrap();
        let connected = End::Connected { target: "sofia/gateway/trunk/999".into() };
        assert_eq!(story.end, connected, "{name:?}: {story}");
        assert_eq!(story.value("effective_caller_id_number"), Some("+4312345"));
    }
    assert_eq!(directory.find("9999"), None);
    // FreeSWITCH reads them, and what it finds there is no more than a name either.
    office.kill();
    office.switch.api("reloadxml").await;
    for at in 0..NAMES.len() {
        let phone = hotdeskd::simulator::Phone::new(
            format!("0004132c00{at:02}"),
            "a-phone-secret".to_owned().into(),
        );
        office.switch.register(&phone).await.unwrap();
        let setup = office.switch.authenticate_invite(&phone, "1001").await.unwrap();
        let _ = office.walk(&setup, Daemon::Dead);
        let ringing = office.switch.who_rings(&format!("30{at:02}")).await.unwrap();
        assert_eq!(ringing.phones().len(), usize::from(at % 2 == 0), "{ringing:?}");
    }
    assert_eq!(office.switch.would_have_run(), Vec::<String>::new());
    assert_eq!(office.switch.traps(), Vec::<String>::new());
}
