//! The simulator's inbound event socket and its API commands, the answers held against the recorded ones.

use std::net::SocketAddr;

use hotdeskd::simulator::*;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::simulator_peer::Peer;

/// The directory that stood behind the recorded answers.
const DIRECTORY: &str = r#"<document type="freeswitch/xml"><section name="directory"><domain name="hotdesk.test"><groups>
<group name="sales"><users><user id="1001" type="pointer"/><user id="1002" type="pointer"/></users></group>
<group name="all"><users>
<user id="0004132a0001"><params><param name="password" value="phone-secret-1"/><param name="vm-enabled" value="false"/><param name="mwi-account" value="1001@hotdesk.test"/></params></user>
<user id="0004132a0002"><params><param name="password" value="phone-secret-2"/><param name="vm-enabled" value="false"/><param name="mwi-account" value="1001@hotdesk.test"/></params></user>
<user id="1001"><params><param name="vm-password" value="4321"/><param name="dial-string" value="{^^:sip_invite_domain=hotdesk.test:presence_id=1001@hotdesk.test}${sofia_contact(*/0004132a0001@hotdesk.test)},${sofia_contact(*/0004132a0002@hotdesk.test)}"/></params>
<variables><variable name="user_context" value="default"/></variables></user>
<user id="1002"><params><param name="vm-password" value="8765"/><param name="dial-string" value="{^^:sip_invite_domain=hotdesk.test:presence_id=1002@hotdesk.test}error/user_not_registered"/></params></user>
</users></group></groups></domain></section></document>"#;

async fn start() -> (FreeSwitch, SocketAddr) {
    let mut settings = Settings::new("hotdesk.test".parse().unwrap());
    settings.ticks = false;
    settings.static_directory = Some(StaticDirectory::new(|| Some(DIRECTORY.to_owned())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (FreeSwitch::start(settings, listener), address)
}

async fn connect(address: SocketAddr) -> Peer {
    let mut peer = Peer::new(TcpStream::connect(address).await.unwrap());
    assert_eq!(peer.next().await.unwrap().0, "Content-Type: auth/request");
    assert_eq!(peer.ask("auth ClueCon").await, "+OK accepted");
    peer
}

fn phone(number: u8) -> Phone {
    let mut phone =
        Phone::new(format!("0004132a000{number}"), format!("phone-secret-{number}").into());
    phone.agent = "snomD735/10.1.159.12 000413AA0001".into();
    phone.port = 6702;
    phone
}

#[tokio::test]
async fn who_may_speak() {
    let (freeswitch, address) = start().await;
    let mut peer = Peer::new(TcpStream::connect(address).await.unwrap());
    peer.next().await;
    assert_eq!(peer.ask("api status").await, "-ERR command not found");
    assert_eq!(peer.ask("auth wrong").await, "-ERR invalid");
    assert!(peer.until_end().await[0].0.contains("text/disconnect-notice"));
    freeswitch.refuse_inbound(true);
    let mut peer = Peer::new(TcpStream::connect(address).await.unwrap());
    let (head, body) = peer.next().await.unwrap();
    assert!(head.contains("text/rude-rejection"));
    assert_eq!(body, "Access Denied, go away.\n");
    assert!(peer.until_end().await.is_empty());
    freeswitch.refuse_inbound(false);
    let mut peer = connect(address).await;
    assert_eq!(peer.ask("exit").await, "+OK bye");
    assert_eq!(peer.until_end().await.len(), 1);
    freeswitch.stop().await;
}

#[tokio::test]
async fn registrations_and_calls_are_told() {
    let (freeswitch, address) = start().await;
    let mut peer = connect(address).await;
    let events = "event plain BACKGROUND_JOB CHANNEL_CREATE CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY CUSTOM sofia::register sofia::unregister";
    assert_eq!(peer.ask(events).await, "+OK event listener enabled plain");
    let row = freeswitch.register(&phone(1)).await.unwrap();
    let event = peer.event("CUSTOM", "Event-Subclass: sofia%3A%3Aregister\n").await;
    assert!(event.contains(&format!("call-id: {}\n", row.call_id.replace('@', "%40"))));
    assert!(event.contains("from-user: 0004132a0001\n"));
    freeswitch.expire("0004132a0001");
    freeswitch.register(&phone(1)).await.unwrap();
    freeswitch.unregister("0004132a0001");
    // `sofia::expire` was not asked for.
    peer.event("CUSTOM", "sofia%3A%3Aregister").await;
    peer.event("CUSTOM", "sofia%3A%3Aunregister").await;
    let mut call =
        freeswitch.socket_call("127.0.0.1:1/x async full", CallSetup::new("0004132a0001", "*11"));
    let unique = format!("Unique-ID: {}\n", call.uuid());
    peer.event("CHANNEL_CREATE", &unique).await;
    assert_eq!(call.outcome().await, Some(Outcome::NotReached));
    peer.event("CHANNEL_HANGUP_COMPLETE", &unique).await;
    peer.event("CHANNEL_DESTROY", &unique).await;
    assert!(freeswitch.channels().is_empty());
    // A job's answer comes later, under the name that the asker gave it.
    let reply = peer.ask("bgapi switchname\nJob-UUID: my-job").await;
    assert_eq!(reply, "+OK Job-UUID: my-job\nJob-UUID: my-job");
    let job = peer.event("BACKGROUND_JOB", "Job-UUID: my-job\n").await;
    assert!(job.ends_with("Content-Length: 7\n\nlab-fs1"), "{job}");
    freeswitch.stop().await;
}

#[tokio::test]
async fn a_notify_needs_all_five_headers_and_finds_the_registration() {
    let (freeswitch, address) = start().await;
    let (one, two) = (
        freeswitch.register(&phone(1)).await.unwrap(),
        freeswitch.register(&phone(2)).await.unwrap(),
    );
    let mut peer = connect(address).await;
    let headers = [
        "profile: internal",
        "event-string: check-sync;reboot=false",
        "user: 0004132a0001",
        "host: hotdesk.test",
        "content-type: application/simple-message-summary",
    ];
    for missing in 0..5 {
        let some: Vec<_> =
            headers.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, h)| *h).collect();
        assert!(
            peer.ask(&format!("sendevent NOTIFY\n{}", some.join("\n"))).await.starts_with("+OK ")
        );
    }
    let sent = || freeswitch.notifies().into_iter().filter(|n| n.origin == Origin::SendEvent);
    assert_eq!(sent().count(), 0);
    let all = headers.join("\n");
    peer.ask(&format!("sendevent NOTIFY\n{all}")).await;
    peer.ask(&format!(
        "sendevent NOTIFY\n{all}\ncall-id: {}\ncontent-length: 2\n\nhi",
        two.call_id
    ))
    .await;
    peer.ask(&format!("sendevent NOTIFY\n{all}\ncall-id: nobody@127.0.0.1")).await;
    let got: Vec<_> = sent().map(|n| (n.call_id, n.event, n.body)).collect();
    let event = "check-sync;reboot=false".to_owned();
    assert_eq!(
        got,
        [(one.call_id, event.clone(), String::new()), (two.call_id, event, "hi".to_owned())]
    );
}

#[tokio::test]
async fn reloadxml_says_ok_in_either_case() {
    let (freeswitch, address) = start().await;
    let mut peer = connect(address).await;
    assert_eq!(peer.ask("api reloadxml").await, "+OK [Success]\n");
    freeswitch.set_reload_answer(BracketAnswer::CannotOpen);
    assert_eq!(peer.ask("api reloadxml").await, "+OK [Cannot Open log directory or XML Root!]\n");
    // What was asked for is on record, for tests that look for digits.
    assert_eq!(freeswitch.api_log(), ["reloadxml", "reloadxml"]);
}

/// Recorded commands whose answer the simulator does not give, with the reason.
const NOT_ANSWERED: [(&str, &str); 5] = [
    ("callcenter_config", "held against the recording in queues/simulated.rs"),
    ("fifo", "mod_fifo is no part of the simulator"),
    ("originate", "nobody uses it"),
    ("hupall", "nobody uses it"),
    ("xml_locate", "the recorded directory was another one"),
];

/// What is of the moment in an answer: Call-IDs, times, counts of `status`.
fn timeless(answer: &str) -> String {
    let mut text = answer.to_owned();
    for (pattern, with) in [
        (r"\d+-\d+@127\.0\.0\.1", "CALL-ID"),
        (r"(?i)exp\([^)]*\) expsecs\(\d+\)", "EXPIRES"),
        (r#""expires":"\d+""#, "EXPIRES"),
        (r",\d{10},", ",EXPIRES,"),
        (r"\d+ (days|hours|minutes|seconds|milliseconds|microseconds|session)", "N $1"),
        (r"peak \d+, last 5min \d+", "PEAK"),
    ] {
        text = regex::Regex::new(pattern).unwrap().replace_all(&text, with).into_owned();
    }
    text
}

#[tokio::test]
async fn recorded_answers_come_out_the_same() {
    let (freeswitch, address) = start().await;
    freeswitch.register(&phone(1)).await.unwrap();
    freeswitch.register(&phone(2)).await.unwrap();
    let mut peer = connect(address).await;
    let text = include_str!("../fixtures/freeswitch/api/answers.jsonl");
    let mut differences = String::new();
    let mut compared = 0;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (command, recorded) = (line["api"].as_str().unwrap(), line["answer"].as_str().unwrap());
        if NOT_ANSWERED.iter().any(|(word, _)| command.starts_with(word)) {
            continue;
        }
        let answer = peer.ask(&format!("api {command}")).await;
        compared += 1;
        if timeless(&answer) != timeless(recorded) {
            differences
                .push_str(&format!("\n{command}\n  recorded {recorded:?}\n  ours     {answer:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(compared > 30, "only {compared} compared");
}
