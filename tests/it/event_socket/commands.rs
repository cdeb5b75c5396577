//! What we say, byte for byte.

use bytes::BytesMut;
use hotdeskd::event_socket::{
    Api, Argument, ChannelText, ChannelWord, Command, Execute, Password, SendEvent, SettingText,
    Subscription, TextError, Uuid, WireText,
};
use proptest::prelude::*;
use secrecy::SecretString;

use super::wire;

const ID: &str = "d8fd1810-c97e-4742-b18a-ff40de579a30";

fn id() -> Uuid {
    Uuid::parse(ID.as_bytes()).unwrap()
}

fn said(command: Command) -> String {
    let mut out = BytesMut::new();
    command.encode(&mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn the_handshake_is_the_recorded_one() {
    let events = ["CHANNEL_EXECUTE_COMPLETE", "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"];
    let handshake = [
        said(Command::Connect),
        said(Command::MyEvents),
        said(Command::NoEvents),
        said(Command::Subscribe(Subscription::events(&events))),
        said(Command::Linger(5)),
    ];
    assert_eq!(handshake.concat(), wire::conversation("lean").turns[0].data);
}

#[test]
fn an_application_without_argument_is_the_recorded_one() {
    let recorded = &wire::conversation("lean").turns[2].data;
    assert_eq!(&said(Command::Execute(id(), Execute::answer())), recorded);
}

#[test]
fn a_long_argument_travels_as_the_recorded_body() {
    let recorded = wire::conversation("login");
    let recorded =
        recorded.turns.iter().find(|turn| turn.data.contains("hotdesk_extension")).unwrap();
    let (head, argument) = recorded.data.split_once("\n\n").unwrap();
    let uuid = head.split_once("Event-UUID: ").unwrap().1.split_once('\n').unwrap().0;
    let argument: &'static str = argument.trim_end_matches('\n').to_owned().leak();
    let execute = Execute::new("play_and_get_digits").argument(argument);
    assert_eq!(
        said(Command::Execute(Uuid::parse(uuid.as_bytes()).unwrap(), execute)),
        recorded.data
    );
}

#[test]
fn a_short_argument_is_a_header() {
    let prompt = SettingText::parse("ivr/ivr-you_are_now_logged_in.wav").unwrap();
    let wanted = format!(
        "sendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: ivr/ivr-you_are_now_logged_in.wav\n\
         loops: 2\nEvent-UUID: {ID}\n\n"
    );
    let execute = Execute::playback(&prompt).loops(2).without_lock();
    assert_eq!(said(Command::Execute(id(), execute)), wanted);
}

#[test]
fn an_argument_that_a_header_would_spoil_is_a_body_with_its_length_in_bytes() {
    for text in ["Søn", " leading", "trailing ", &"x".repeat(65)] {
        let execute = Execute::set("a", &ChannelText::parse(text).unwrap());
        let wanted = format!(
            "sendmsg\ncall-command: execute\nexecute-app-name: set\nevent-lock: true\nEvent-UUID: {ID}\n\
             content-type: text/plain\ncontent-length: {}\n\na={text}\n\n",
            text.len() + 2
        );
        let got = said(Command::Execute(id(), execute));
        if text == " leading" {
            assert!(
                got.contains("execute-app-arg: a= leading\n"),
                "the blank is inside: a header carries it"
            );
        } else {
            assert_eq!(got, wanted);
        }
    }
}

#[test]
fn the_name_of_the_module_never_stands_in_a_header() {
    // Beside "reload", anywhere in the headers, FreeSWITCH would reload the module instead.
    let argument = Argument::literal("reload mod_").then_literal("event_socket");
    let got = said(Command::Execute(id(), Execute::new("log").argument(argument)));
    let (head, body) = got.split_once("\n\n").unwrap();
    assert!(!head.contains("mod_event_socket") && body.contains("mod_event_socket"));
}

#[test]
fn the_other_commands() {
    let api = Api::new("vm_prefs").argument(
        Argument::literal("default ").then_word(&ChannelWord::parse("1001@hotdesk.test").unwrap()),
    );
    assert_eq!(said(Command::Api(api.clone())), "api vm_prefs default 1001@hotdesk.test\n\n");
    assert_eq!(said(Command::Api(Api::new("status"))), "api status\n\n");
    assert_eq!(
        said(Command::BgApi(id(), api)),
        format!("bgapi vm_prefs default 1001@hotdesk.test\nJob-UUID: {ID}\n\n")
    );
    assert_eq!(said(Command::Exit), "exit\n\n");
    assert_eq!(said(Command::Linger(10)), "linger 10\n\n");
    let subscription = Subscription::events(&["CHANNEL_CREATE", "BACKGROUND_JOB"])
        .custom(&["sofia::register", "sofia::expire"]);
    assert_eq!(
        said(Command::Subscribe(subscription)),
        "event plain CHANNEL_CREATE BACKGROUND_JOB CUSTOM sofia::register sofia::expire\n\n"
    );
    assert_eq!(
        said(Command::Subscribe(Subscription::default().custom(&["a::b"]))),
        "event plain CUSTOM a::b\n\n"
    );
    let transfer = Execute::transfer(
        &ChannelWord::parse("queue-sales").unwrap(),
        &SettingText::parse("default").unwrap(),
    );
    assert!(
        said(Command::Execute(id(), transfer))
            .contains("\nexecute-app-arg: queue-sales XML default\n")
    );
    assert!(
        said(Command::Execute(id(), Execute::hangup("NORMAL_CLEARING")))
            .contains("\nexecute-app-arg: NORMAL_CLEARING\n")
    );
    assert!(
        said(Command::Execute(id(), Execute::unset("pin")))
            .contains("-name: unset\nexecute-app-arg: pin\n")
    );
}

#[test]
fn a_notify_is_the_recorded_one_and_may_have_a_body() {
    let header = |text: &str| WireText::parse(text).unwrap();
    let notify = SendEvent::new("NOTIFY")
        .header("profile", header("internal"))
        .header("event-string", header("check-sync;reboot=false"))
        .header("user", header("0004132a0001"))
        .header("host", header("hotdesk.test"))
        .header("content-type", header("application/simple-message-summary"));
    let recorded = wire::conversation("misc");
    let recorded = recorded.turns.iter().find(|turn| turn.data.starts_with("sendevent")).unwrap();
    assert_eq!(said(Command::SendEvent(notify.clone())), recorded.data);
    let body = "Messages-Waiting: yes\r\nVoice-Message: 2/0 (0/0)\r\n";
    let with_body = said(Command::SendEvent(notify.body(body)));
    assert_eq!(
        with_body,
        format!(
            "{}content-length: {}\n\n{body}\n\n",
            &recorded.data[..recorded.data.len() - 1],
            body.len()
        )
    );
}

#[test]
fn a_password_is_sent_and_never_shown() {
    let password = Password::new(&SecretString::from("ClueCon")).unwrap();
    let command = Command::Auth(password);
    assert!(!format!("{command:?}").contains("ClueCon"));
    assert_eq!(said(command), "auth ClueCon\n\n");
    for bad in ["a\nb", "a\rb", "a\0b", " a"] {
        assert_eq!(Password::new(&SecretString::from(bad)).unwrap_err(), TextError::Password);
    }
}

#[test]
fn what_a_command_says_is_not_in_its_debug_output() {
    let execute = Execute::set("pin", &ChannelText::parse("4321").unwrap());
    assert!(!format!("{execute:?}").contains("4321"));
    let api = Api::new("x").argument(Argument::word(&ChannelWord::parse("4321").unwrap()));
    assert!(!format!("{api:?}").contains("4321"));
}

#[test]
fn multiset_takes_a_delimiter_that_no_value_holds() {
    let text = |text| ChannelText::parse(text).unwrap();
    let execute = Execute::multiset(&[("a", text("x|y")), ("b", text("O'Brien, 1"))]).unwrap();
    assert!(
        said(Command::Execute(id(), execute)).contains("execute-app-arg: ^^~a=x|y~b=O'Brien, 1\n")
    );
    assert_eq!(Execute::multiset(&[("a", text("|~;!#"))]).unwrap_err(), TextError::Delimiter);
    let quotes = Execute::multiset(&[("a", text("O'Brien")), ("b", text("O'Hara"))]);
    assert_eq!(quotes.unwrap_err(), TextError::Character { character: '\'' });
}

#[test]
fn ids_are_read_back_and_nothing_else_is() {
    let uuid = Uuid::random();
    assert_eq!(Uuid::parse(uuid.to_string().as_bytes()), Some(uuid));
    assert_ne!(Uuid::random(), uuid);
    assert_eq!(uuid.to_string().as_bytes()[14], b'4');
    let long = format!("{ID}0");
    for bad in [
        "",
        "d8fd1810",
        &ID[1..],
        &ID.replace('-', "0"),
        &ID.replace('d', "g"),
        &long,
        &ID.replace('8', "-"),
    ] {
        assert_eq!(Uuid::parse(bad.as_bytes()), None, "{bad}");
    }
    assert_eq!(Uuid::parse(ID.to_uppercase().as_bytes()), Some(id()));
}

proptest! {
    /// Whatever text gets through the types, FreeSWITCH reads one command: one block, its body, one empty line.
    #[test]
    fn no_text_makes_a_second_command(text in any::<String>(), name in "[a-z\\n$]{0,5}") {
        if let Ok(text) = ChannelText::parse(&format!("{name}{text}")) {
            let out = said(Command::Execute(id(), Execute::set("v", &text)));
            let (head, rest) = out.split_once("\n\n").unwrap();
            let length: Option<usize> = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|n| n.parse().unwrap());
            match length {
                None => prop_assert_eq!(rest, ""),
                Some(length) => prop_assert_eq!(&rest[length..], "\n\n"),
            }
            prop_assert!(head.lines().skip(1).all(|line| line.contains(": ")));
        }
        if let Ok(value) = WireText::parse(&text) {
            let out = said(Command::SendEvent(SendEvent::new("X").header("a", value)));
            prop_assert_eq!(out.matches('\n').count(), 3);
        }
    }
}
