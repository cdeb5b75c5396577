//! The rendered files: word for word, walked as FreeSWITCH would, and under hostile settings.

mod emergency;
mod queues;
mod service;

use super::*;
use crate::standing::walk::{Call, Daemon, End, Memory, Policy, Step, Walk};

const ROUTES: &str = "numbers = [\"999\", \"112\"]\ntrunk_prefixes = [\"0\", \"9\"]\ncaller_id = \"+43123456\"\n\
    routes = [\"sofia/gateway/trunk/$number\", \"sofia/gateway/backup/00$number\"]\n";

/// An operator's dialplan behind ours.
const OPERATORS: &str = "<context name=\"default\">\
    <extension name=\"emergency\"><condition field=\"destination_number\" expression=\"^0?(999|112|144)$\">\
    <action application=\"bridge\" data=\"sofia/gateway/operators/$1\"/></condition></extension>\
    <extension name=\"local\"><condition field=\"destination_number\" expression=\"^(\\d+)$\">\
    <action application=\"bridge\" data=\"user/$1@example.net\"/></condition></extension></context>";

struct Settings {
    dialplan: DialplanSettings,
    emergency: EmergencySettings,
    hosts: Vec<SocketHost>,
    service: Option<Service>,
}

/// A service number.
struct Service {
    numbers: Vec<ServiceNumber>,
    default_queue: TeamId,
    agent_seconds: Option<u16>,
}

impl Settings {
    fn new(dialplan: &str, emergency: &str) -> Self {
        Self {
            dialplan: toml::from_str(dialplan).unwrap(),
            emergency: toml::from_str(emergency).unwrap(),
            hosts: vec!["127.0.0.1:8084".parse().unwrap()],
            service: None,
        }
    }

    fn files(&self) -> Vec<RenderedFile> {
        let domain = "example.net".parse().unwrap();
        let plan = Plan {
            domain: &domain,
            dialplan: &self.dialplan,
            emergency: &self.emergency,
            hosts: &self.hosts,
            service: self.service.as_ref().map(|service| ServicePlan {
                numbers: &service.numbers,
                default_queue: &service.default_queue,
                agent_seconds: service.agent_seconds,
            }),
            queues: None,
        };
        plan.render().unwrap()
    }

    fn walk(&self) -> Walk {
        walk_of(&self.files())
    }
}

/// Our contexts, an operator's, and `public` with our fragment at its beginning.
fn walk_of(files: &[RenderedFile]) -> Walk {
    let (fragments, contexts): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| file.path.starts_with("public"));
    let mut texts: Vec<&str> = contexts.iter().map(|file| file.text.as_str()).collect();
    texts.push(OPERATORS);
    texts.push("<context name=\"public\">\n");
    texts.extend(fragments.iter().map(|file| file.text.as_str()));
    texts.push(
        "<extension name=\"main\"><condition field=\"destination_number\" expression=\"123456$\">\
         <action application=\"transfer\" data=\"0 XML default\"/></condition></extension></context>",
    );
    Walk::from_texts(texts).unwrap()
}

fn phone() -> Call {
    Call::new(RESTRICTED, "")
        .with("sip_auth_username", "0004132a0001")
        .with("caller_id_number", "1001")
        .with("caller_id_name", "${system(id)}")
}

fn at_hers() -> Call {
    Call { context: HOTDESK.to_owned(), ..phone() }
        .with("hotdesk_user", "1001")
        .with("effective_caller_id_name", "Phone")
}

fn to(call: Call, number: &str) -> Call {
    Call { number: number.to_owned(), ..call }
}

#[test]
fn the_files_are_these_word_for_word() {
    let settings = Settings::new("free_numbers = [\"0\", \"4711\"]\ncodes.who = false", ROUTES);
    let told = |path: &str| match path {
        "dialplan/hotdesk.xml" => include_str!("../../../../tests/fixtures/standing/hotdesk.xml"),
        "dialplan/restricted.xml" => {
            include_str!("../../../../tests/fixtures/standing/restricted.xml")
        }
        "public/00_hotdeskd_emergency_callback.xml" => {
            include_str!("../../../../tests/fixtures/standing/emergency_callback.xml")
        }
        other => panic!("a file that no fixture tells: {other}"),
    };
    let files = settings.files();
    assert_eq!(files.len(), 3);
    for file in files {
        let path = file.path.to_str().unwrap();
        if std::env::var_os("HOTDESKD_WRITE_FIXTURES").is_some() {
            let name = path.rsplit('/').next().unwrap().trim_start_matches("00_hotdeskd_");
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/standing/");
            std::fs::write(format!("{folder}{name}"), &file.text).unwrap();
            continue;
        }
        assert_eq!(file.text, told(path), "{path}");
        assert!(file.text.starts_with(MARKER), "{path}");
    }
}

#[test]
fn codes_ask_the_daemon_and_say_so_when_it_is_gone() {
    let walk = Settings::new("codes.login = \"*9\"", ROUTES).walk();
    let alive = Policy { daemon: Daemon::Alive, ..Policy::daemon_dead() };
    for (number, path, extension) in [
        ("*9", "hotdesk/login", None),
        ("*91001", "hotdesk/login", Some("1001")),
        ("*12", "hotdesk/login-also", None),
        ("*121001", "hotdesk/login-also", Some("1001")),
        ("*13", "hotdesk/logout", None),
        ("*14", "hotdesk/logout-everywhere", None),
        ("*141001", "hotdesk/logout-everywhere", Some("1001")),
        ("*15", "hotdesk/who", None),
        ("*19", "hotdesk/restart-phone", None),
    ] {
        for call in [phone(), at_hers()] {
            let call = to(call, number);
            let story = walk.walk(&call, &alive, &mut Memory::default()).unwrap();
            assert_eq!(story.end, End::InConversation { path: path.to_owned() }, "{story}");
            let dialled = story.value("hotdesk_extension").filter(|value| !value.is_empty());
            assert_eq!(dialled, extension);
            assert_eq!(story.value("park_timeout"), Some("180:NORMAL_CLEARING"));
            assert_eq!(story.value("socket_resume"), Some("true"));
            assert_eq!(story.value("sensitive_dtmf"), Some("true"));
            assert_eq!(story.value("digits_dialed_filter"), Some(".+"));
            let dead = walk.walk(&call, &Policy::daemon_dead(), &mut Memory::default()).unwrap();
            assert!(matches!(dead.steps.last(), Some(Step::Plays { .. })), "{dead}");
            let cause = "NORMAL_TEMPORARY_FAILURE".to_owned();
            assert_eq!(dead.end, End::HungUp { cause });
        }
    }
    for number in ["*11", "*131001", "*91", "*9123456789012", "*9 1001"] {
        let story = walk.walk(&to(phone(), number), &alive, &mut Memory::default()).unwrap();
        assert_eq!(story.end, End::HungUp { cause: "CALL_REJECTED".to_owned() }, "{number}");
    }
}

#[test]
fn several_daemons_are_tried_in_order() {
    let mut settings = Settings::new("", ROUTES);
    settings.hosts = vec!["192.0.2.1:8084".parse().unwrap(), "[fd00::1]:8085".parse().unwrap()];
    let story = settings
        .walk()
        .walk(&to(phone(), "*11"), &Policy::daemon_dead(), &mut Memory::default())
        .unwrap();
    let hosts = "192.0.2.1:8084/hotdesk/login|fd00::1:8085/hotdesk/login".to_owned();
    assert!(story.steps.contains(&Step::Socket { hosts, answered: false }), "{story}");
}

#[test]
fn a_nobodys_phone_reaches_the_free_numbers_as_itself_and_nothing_else() {
    let walk = Settings::new("free_numbers = [\"0\"]", ROUTES).walk();
    let dead = Policy::daemon_dead();
    let story = walk.walk(&to(phone(), "0"), &dead, &mut Memory::default()).unwrap();
    assert_eq!(story.dialled(), ["user/0@example.net"], "{story}");
    assert_eq!(story.value("caller_id_number"), Some("0004132a0001"));
    assert_eq!(story.value("caller_id_name"), Some("0004132a0001"));
    let desk = to(phone(), "0")
        .with("effective_caller_id_number", "212")
        .with("effective_caller_id_name", "Desk 12");
    let story = walk.walk(&desk, &dead, &mut Memory::default()).unwrap();
    assert_eq!(story.value("caller_id_number"), Some("212"));
    assert_eq!(story.value("caller_id_name"), Some("Desk 12"));
    for number in ["1001", "00431234", "4711", "*97"] {
        let story = walk.walk(&to(phone(), number), &dead, &mut Memory::default()).unwrap();
        assert_eq!(story.end, End::HungUp { cause: "CALL_REJECTED".to_owned() }, "{story}");
    }
}

#[test]
fn a_call_from_her_phone_is_hers() {
    let walk = Settings::new("", ROUTES).walk();
    let her = |user: &str| {
        (user == "1001@example.net").then(|| {
            [("effective_caller_id_name", "Ada Lovelace"), ("toll_allow", "domestic")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into()
        })
    };
    let policy = Policy { user: &her, ..Policy::daemon_dead() };
    let story = walk.walk(&to(at_hers(), "1002"), &policy, &mut Memory::default()).unwrap();
    assert_eq!(story.dialled(), ["user/1002@example.net"], "{story}");
    assert_eq!(story.value("caller_id_number"), Some("1001"));
    assert_eq!(story.value("caller_id_name"), Some("Ada Lovelace"));
    assert_eq!(story.value("presence_id"), Some("1001@example.net"));
}

#[test]
fn nothing_that_a_phone_dials_is_expanded() {
    let walk = Settings::new("free_numbers = [\"0\"]", ROUTES).walk();
    for number in [
        "${system(touch x)}",
        "$${x}",
        "1001 XML public",
        "1001|user/2",
        "1001,user/2",
        "{a=b}1001",
        "1001'",
        "999${system(id)}",
        "",
        "١٠٠١",
        &"1".repeat(65),
    ] {
        for call in [phone(), at_hers()] {
            let call = to(call, number);
            let story = walk.walk(&call, &Policy::daemon_dead(), &mut Memory::default()).unwrap();
            assert_eq!(story.end, End::HungUp { cause: "CALL_REJECTED".to_owned() }, "{story}");
            let asked = story.steps.iter().any(|step| matches!(step, Step::Unanswered { .. }));
            assert!(!asked, "{story}");
        }
    }
}

#[test]
fn values_are_escaped_whatever_they_hold() {
    for (text, xml) in [
        ("a&b<c>\"d'", "a&amp;b&lt;c&gt;&quot;d&apos;"),
        ("$${hold_music} ${system(id)}", "&#36;&#36;{hold_music} &#36;{system(id)}"),
        ("]]>", "]]&gt;"),
        ("a\r\nb\u{0}\u{7f}\u{ffff}", "a&#13;&#10;b\u{fffd}\u{7f}\u{fffd}"),
        ("Zoë 😀", "Zoë 😀"),
    ] {
        assert_eq!(crate::model::escape_xml(text), xml);
    }
}
