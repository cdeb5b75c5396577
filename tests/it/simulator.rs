//! The simulator, seen by a daemon and a directory that are written down here by hand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use hotdeskd::simulator::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::simulator_peer::{DEADLINE, Peer};

fn settings() -> Settings {
    let mut settings = Settings::new("hotdesk.test".parse().unwrap());
    settings.ticks = false;
    settings.seed = Some(1);
    settings
}

async fn start(settings: Settings) -> (FreeSwitch, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (FreeSwitch::start(settings, listener), address)
}

/// A call whose socket reached the test.
async fn call(freeswitch: &FreeSwitch, setup: CallSetup, flags: &str) -> (Call, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("{}/hotdesk/login {flags}", listener.local_addr().unwrap());
    let call = freeswitch.socket_call(&target, setup);
    let (stream, _) = timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();
    (call, Peer::new(stream))
}

const HANDSHAKE: &str = "connect\n\nmyevents\n\nnoevents\n\nevent plain CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE\n\nlinger 5\n\n";

async fn handshake(peer: &mut Peer) -> String {
    peer.send(HANDSHAKE).await;
    let connect = peer.next().await.unwrap().0;
    for _ in 0..4 {
        assert!(peer.next().await.unwrap().0.contains("+OK"));
    }
    connect
}

#[tokio::test]
async fn a_login_as_the_person_hears_it() {
    let (freeswitch, _) = start(settings()).await;
    let mut setup = CallSetup::new("0004132a0001", "*11");
    setup.variables.push(("user_context".into(), "restricted".into()));
    let (mut call, mut peer) = call(&freeswitch, setup, "async full").await;
    let connect = handshake(&mut peer).await;
    for line in [
        "variable_sip_auth_username: 0004132a0001",
        "variable_user_context: restricted",
        "variable_socket_path: hotdesk/login",
        "variable_presence_id: 0004132a0001%40hotdesk.test",
        "Reply-Text: %2BOK%0A",
        "Socket-Mode: async",
        "Control: full",
    ] {
        assert!(connect.contains(&format!("\n{line}")), "{line}");
    }
    peer.execute("answer", "").await;
    peer.event("CHANNEL_EXECUTE_COMPLETE", "Application: answer").await;
    peer.execute(
        "play_and_get_digits",
        "3 6 3 5000 # ivr/extension.wav silence_stream://250 hotdesk_extension \\d+ 3000",
    )
    .await;
    let heard = call.until_keys().await;
    let keys = Heard::Keys { min: 3, max: 6, terminators: "#".into() };
    assert_eq!(heard, [Heard::Answered, Heard::Prompt("ivr/extension.wav".into()), keys]);
    call.press("1001#").await;
    let event = peer.event("CHANNEL_EXECUTE_COMPLETE", "Application: play_and_get_digits").await;
    assert!(event.contains("\nvariable_hotdesk_extension: 1001\n"));
    assert!(event.contains("\nvariable_read_terminator_used: %23\n"));
    peer.execute("hangup", "NORMAL_CLEARING").await;
    assert_eq!(call.outcome().await, Some(Outcome::HungUp { cause: "NORMAL_CLEARING".into() }));
    peer.event("CHANNEL_HANGUP_COMPLETE", "variable_hangup_cause: NORMAL_CLEARING").await;
    assert!(peer.next().await.unwrap().0.contains("Content-Disposition: linger"));
    assert_eq!(peer.ask("exit").await, "+OK bye");
    assert!(peer.until_end().await.last().unwrap().0.contains("Content-Disposition: disconnect"));
    assert_eq!(call.until_end().await, [Heard::HungUp { cause: "NORMAL_CLEARING".into() }]);
    freeswitch.stop().await;
}

/// A directory over HTTP: answers by the value of `user`, and says which requests came.
async fn directory(entries: &[(&str, &str)]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/freeswitch", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let entries: HashMap<String, String> =
        entries.iter().map(|(u, e)| (u.to_string(), e.to_string())).collect();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            let body = loop {
                let count = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..count]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head.to_lowercase().lines().find_map(|l| {
                    l.strip_prefix("content-length: ").map(|n| n.parse::<usize>().unwrap())
                });
                if body.len() >= length.unwrap_or(0) {
                    seen.lock().unwrap().push(text.clone());
                    break body.to_owned();
                }
            };
            let field = |name: &str| {
                body.split('&')
                    .find_map(|f| f.strip_prefix(&format!("{name}=")).map(str::to_owned))
                    .unwrap_or_default()
            };
            let key = if field("user").is_empty() { field("group_name") } else { field("user") };
            let answer = match entries.get(&key) {
                Some(inner) => format!("<document type=\"freeswitch/xml\"><section name=\"directory\"><domain name=\"hotdesk.test\">{inner}</domain></section></document>"),
                None => "<document type=\"freeswitch/xml\"><section name=\"result\"><result status=\"not found\"/></section></document>".to_owned(),
            };
            let reply = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                answer.len()
            );
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

fn user(id: &str, params: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let lines = |tag: &str, lines: &[(&str, &str)]| -> String {
        lines.iter().map(|(n, v)| format!("<{tag} name=\"{n}\" value=\"{v}\"/>")).collect()
    };
    format!(
        "<groups><group name=\"all\"><users><user id=\"{id}\"><params>{}</params><variables>{}</variables></user></users></group></groups>",
        lines("param", params),
        lines("variable", variables)
    )
}

fn phone(user: &str, secret: &str) -> Phone {
    Phone::new(user, secret.to_owned().into())
}

#[tokio::test]
async fn phones_register_and_calls_ring_where_the_person_is() {
    let dial = "{^^:presence_id=1001@hotdesk.test:origination_callee_id_number=1001}${sofia_contact(*/0004132a0001@hotdesk.test)},${sofia_contact(*/0004132a0002@hotdesk.test)}|loopback/0664/default/XML";
    // md5 of 0004132a0002:hotdesk.test:two
    let hash = "8400c87cd51bdca2c9f3de1d5dde06f1";
    let entries = [
        ("0004132a0001", user("0004132a0001", &[("password", "one"), ("mwi-account", "1001@hotdesk.test")], &[("user_context", "hotdesk"), ("bad", "${x}")])),
        ("0004132a0002", user("0004132a0002", &[("a1-hash", hash)], &[])),
        ("1001", user("1001", &[("dial-string", dial), ("vm-password", "4321")], &[])),
        ("1002", user("1002", &[("dial-string", "error/user_not_registered")], &[])),
        ("nopass", user("nopass", &[], &[])),
        ("noempty", user("noempty", &[("password", ""), ("allow-empty-password", "false")], &[])),
        ("forbid", user("forbid", &[("password", "x"), ("sip-forbid-register", "true")], &[])),
        ("sales", "<groups><group name=\"sales\"><users><user id=\"1001\" type=\"pointer\"/><user id=\"1002\" type=\"pointer\"/></users></group></groups>".to_owned()),
    ];
    let entries: Vec<(&str, &str)> = entries.iter().map(|(u, e)| (*u, e.as_str())).collect();
    let (url, asked) = directory(&entries).await;
    let mut settings = settings();
    settings.xml_curl = Some(XmlCurl::new(url));
    let (freeswitch, _) = start(settings).await;

    let row = freeswitch.register(&phone("0004132a0001", "one")).await.unwrap();
    assert_eq!(row.mwi_account.as_deref(), Some("1001@hotdesk.test"));
    assert_eq!(
        freeswitch.register(&phone("0004132a0001", "two")).await,
        Err(AuthError::WrongSecret)
    );
    assert_eq!(
        freeswitch.register(&phone("0004132a0002", "one")).await,
        Err(AuthError::WrongSecret)
    );
    assert!(freeswitch.register(&phone("nopass", "whatever")).await.is_ok());
    assert_eq!(freeswitch.register(&phone("noempty", "")).await, Err(AuthError::NoPassword));
    assert_eq!(freeswitch.register(&phone("forbid", "x")).await, Err(AuthError::Forbidden));
    assert_eq!(freeswitch.register(&phone("1003", "x")).await, Err(AuthError::UnknownUser));
    let mut thief = phone("0004132a0001", "x");
    thief.auth_user = "nopass".into();
    assert_eq!(freeswitch.register(&thief).await, Err(AuthError::OtherUser));

    let setup = freeswitch.authenticate_invite(&phone("0004132a0001", "one"), "*11").await.unwrap();
    assert_eq!((setup.context.as_str(), setup.variables.len()), ("hotdesk", 1));
    assert_eq!(freeswitch.traps(), ["dropped bad"]);

    let ringing = freeswitch.who_rings("1001").await.unwrap();
    assert_eq!(ringing.phones(), ["0004132a0001"]);
    assert_eq!(ringing.first()[0].callee_id_number.as_deref(), Some("1001"));
    assert_eq!(ringing.stages.len(), 2);
    assert_eq!(freeswitch.who_rings("1002").await.unwrap().failure(), Some("user_not_registered"));
    assert_eq!(freeswitch.who_rings("1009").await, Err(DialError::Unknown));
    assert_eq!(freeswitch.group_rings("sales").await.unwrap().phones(), ["0004132a0001"]);
    freeswitch.unregister("0004132a0001");
    let away = freeswitch.who_rings("1001").await.unwrap();
    assert_eq!(
        away.first()[0].target,
        Target::Number { number: "0664".into(), context: "default".into() }
    );

    // The lamp's NOTIFY came from FreeSWITCH, for the person's mailbox.
    let lamp = &freeswitch.notifies()[0];
    assert_eq!((lamp.origin, lamp.call_id.as_str()), (Origin::Registration, row.call_id.as_str()));
    assert!(lamp.body.contains("Message-Account: sip:1001@hotdesk.test"));
    // As captured: form, headers, a connection each.
    let asked = asked.lock().unwrap();
    let (head, body) = asked[0].split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    for header in [
        "user-agent: freeswitch-xml/1.0",
        "accept: */*",
        "content-type: application/x-www-form-urlencoded",
    ] {
        assert!(head.contains(header), "{head}");
    }
    let captured = include_str!("../fixtures/freeswitch/xml_curl/requests.jsonl");
    let captured = captured.lines().find(|l| l.contains("0004132a0001 REGISTER")).unwrap();
    let captured: serde_json::Value = serde_json::from_str(captured).unwrap();
    let names = |body: &str| -> Vec<String> {
        body.split('&').map(|f| f.split('=').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(body), names(captured["body"].as_str().unwrap()));
}

/// FreeSWITCH's own files: the phone with another secret than the endpoint says, and another user.
fn own_files() -> StaticDirectory {
    let phone = user("0004132a0001", &[("password", "static")], &[("user_context", "restricted")]);
    let stock = user("1000", &[("password", "1234")], &[]);
    StaticDirectory::new(move || {
        Some(format!("<domain name=\"hotdesk.test\"><include>{phone}</include>{stock}</domain>"))
    })
}

#[tokio::test]
async fn its_own_files_answer_when_the_endpoint_does_not() {
    let known = user("0004132a0001", &[("password", "one")], &[("user_context", "hotdesk")]);
    let (url, _) = directory(&[("0004132a0001", &known), ("1001", "")]).await;
    let mut settings = settings();
    settings.static_directory = Some(own_files());
    settings.xml_curl = Some(XmlCurl::new(url));
    let (freeswitch, _) = start(settings.clone()).await;
    assert!(freeswitch.authenticate_invite(&phone("0004132a0001", "one"), "999").await.is_ok());
    // Not found: FreeSWITCH looks into its own files while the endpoint lives.
    assert!(freeswitch.register(&phone("1000", "1234")).await.is_ok());
    // An answer with the domain is final, even without the user.
    assert_eq!(freeswitch.register(&phone("1001", "x")).await, Err(AuthError::UnknownUser));

    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    settings.xml_curl =
        Some(XmlCurl::new(format!("http://{}/freeswitch", dead.local_addr().unwrap())));
    drop(dead);
    let (freeswitch, _) = start(settings).await;
    let setup =
        freeswitch.authenticate_invite(&phone("0004132a0001", "static"), "999").await.unwrap();
    assert_eq!(setup.context, "restricted");
    let answers: Vec<_> = freeswitch.questions().iter().map(|q| (q.kind, q.answered)).collect();
    assert_eq!(answers, [("sip_auth INVITE", Answered::Dead)]);
}

#[tokio::test]
async fn a_hung_endpoint_costs_its_time_out_and_no_more() {
    let hung = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings();
    settings.static_directory = Some(own_files());
    let mut binding = XmlCurl::new(format!("http://{}/freeswitch", hung.local_addr().unwrap()));
    binding.timeout = std::time::Duration::from_millis(50);
    binding.credentials = Some(("freeswitch".into(), "secret".to_owned().into()));
    settings.xml_curl = Some(binding);
    let (freeswitch, _) = start(settings).await;
    assert!(freeswitch.register(&phone("0004132a0001", "static")).await.is_ok());
    assert_eq!(freeswitch.questions()[0].answered, Answered::Dead);
}

#[tokio::test]
async fn a_call_ends_by_itself() {
    let mut settings = settings();
    settings.longest_call = std::time::Duration::from_millis(100);
    let (freeswitch, _) = start(settings).await;
    let (mut one, mut peer) = call(&freeswitch, CallSetup::new("1", "2"), "async full").await;
    handshake(&mut peer).await;
    peer.execute("say", "en number iterated 1001").await;
    peer.execute("playback", "file_string://a.wav!tone_stream://%(100,0,440)").await;
    peer.execute("park", "").await;
    let timed_out = "ALLOTTED_TIMEOUT".to_owned();
    assert_eq!(one.outcome().await, Some(Outcome::HungUp { cause: timed_out.clone() }));
    let heard = [
        Heard::Said { kind: "number".into(), method: "iterated".into(), text: "1001".into() },
        Heard::Prompt("a.wav".into()),
        Heard::Tone("%(100,0,440)".into()),
        Heard::HungUp { cause: timed_out },
    ];
    assert_eq!(one.until_end().await, heard);
    // A daemon that never says `connect` holds nobody for ever either.
    let (mut two, _silent) = call(&freeswitch, CallSetup::new("1", "2"), "async full").await;
    assert!(matches!(two.until_end().await.last(), Some(Heard::HungUp { .. })));
}
