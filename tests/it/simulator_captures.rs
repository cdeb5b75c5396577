//! The simulator held against recordings of a running FreeSWITCH: the recorded daemon's bytes are played
//! at it, and what it says must be what FreeSWITCH said - kinds, order, header names, values.

use std::collections::BTreeSet;
use std::time::Duration;

use hotdeskd::simulator::*;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::simulator_peer::{DEADLINE, Message, Peer, cut};

/// Headers whose values are of the moment: times, identities, ports, lengths of lines of source.
const OF_THE_MOMENT: [&str; 34] = [
    "Core-UUID",
    "Unique-ID",
    "Channel-Call-UUID",
    "Application-UUID",
    "Controlled-Session-UUID",
    "Job-UUID",
    "uuid",
    "call_uuid",
    "Event-Date-Local",
    "Event-Date-GMT",
    "Event-Date-Timestamp",
    "Event-Sequence",
    "Event-Calling-Line-Number",
    "Content-Length",
    "session_id",
    "sip_call_id",
    "sip_full_via",
    "sip_to_tag",
    "sip_full_to",
    "sip_invite_stamp",
    "local_media_port",
    "rtp_use_ssrc",
    "rtp_local_sdp_str",
    "switch_r_sdp",
    "Channel-Created-Time",
    "Profile-Created-Time",
    "Channel-Answered-Time",
    "Channel-Progress-Media-Time",
    "Channel-Hangup-Time",
    "remote_media_port",
    "transfer_history",
    "transfer_source",
    "Transfer-Source",
    "rtp_audio_in_skip_packet_count",
];

/// The differences that remain: the conversation, what the simulator says, and why. Each must be met.
///
/// Beside them: `CHANNEL_PARK` is left out, because `myevents` comes before or after it in FreeSWITCH too
/// (the recordings have both); behind the connect reply variables are compared as a set, because
/// FreeSWITCH adds some anew at moments of its own; what is [`OF_THE_MOMENT`] must only be there.
const REMAINING: [(&str, &str, &str); 2] = [
    (
        "misc",
        "-ERR callcenter_config Command not found!",
        "mod_callcenter is not loaded in this one",
    ),
    (
        "misc",
        "row_count",
        "`show channels` lagged behind the call when it was recorded; the simulator's table does not",
    ),
];

/// The phone's ACK comes before (`badpin`) or after (the others) the end of `answer`.
const WITH_THE_ACK: [&str; 2] = ["variable_sip_to_tag", "variable_sip_cseq"];

/// No dialplan stands before the simulator's socket: what its conditions leave behind is not there.
const OF_THE_DIALPLAN: &str = "variable_DP_MATCH";

/// One line of a recording.
enum Line {
    Daemon(String),
    FreeSwitch(Message),
}

fn recording(name: &str) -> Vec<Line> {
    let path =
        format!("{}/tests/fixtures/freeswitch/wire/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = Vec::new();
    let mut buffer = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let data = line["data"].as_str().unwrap();
        if line["dir"] == "daemon->freeswitch" {
            lines.push(Line::Daemon(data.to_owned()));
            continue;
        }
        buffer.extend_from_slice(data.as_bytes());
        while let Some(message) = cut(&mut buffer) {
            lines.push(Line::FreeSwitch(message));
        }
    }
    lines
}

/// Headers of a message: of the event when it is one.
fn headers(message: &Message) -> Vec<(String, String)> {
    let (head, body) = message;
    if head.contains("text/event-json") {
        // The colon as in the plain form, where the port of the socket is looked for.
        let object: serde_json::Map<String, Value> = serde_json::from_str(body).unwrap();
        let encoded =
            |value: &Value| value.as_str().unwrap().replace('%', "%25").replace(':', "%3A");
        return object.iter().map(|(name, value)| (name.clone(), encoded(value))).collect();
    }
    let text = if head.contains("text/event-plain") { body } else { head };
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
}

fn is_of_the_moment(name: &str) -> bool {
    let bare = ["variable_", "Caller-", "Channel-"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let ends = ["sec", "duration", "_stamp", "epoch"].iter().any(|end| bare.ends_with(end));
    ends || bare.starts_with("rtp_audio_out_")
        || OF_THE_MOMENT.contains(&bare)
        || OF_THE_MOMENT.contains(&name)
}

/// What can be compared of a message: its kind, then its headers in order, then its variables as a set.
fn comparable(message: &Message, port: u16) -> (Vec<String>, BTreeSet<String>) {
    let mut lines = Vec::new();
    let mut variables = BTreeSet::new();
    let headers = headers(message);
    let answers = value(&headers, "Application") == "answer";
    let connects = value(&headers, "Event-Name") == "CHANNEL_DATA";
    for (name, value) in headers {
        let value = match name.as_str() {
            name if is_of_the_moment(name) => "?".to_owned(),
            "Reply-Text" if value.starts_with("+OK Job-UUID") => "+OK Job-UUID: ?".to_owned(),
            _ => value.replace(&format!("127.0.0.1%3A{port}/"), "127.0.0.1%3A8084/"),
        };
        let line = format!("{name}: {value}");
        if name == OF_THE_DIALPLAN || answers && WITH_THE_ACK.contains(&name.as_str()) {
            continue;
        }
        if name.starts_with("variable_") && !connects {
            variables.insert(line);
        } else {
            lines.push(line);
        }
    }
    if message.0.contains("api/response") {
        let digits = regex::Regex::new(r"\d+").unwrap();
        match message.1.starts_with("UP ") {
            true => lines.push(digits.replace_all(&message.1, "?").into_owned()),
            false => lines.push(message.1.clone()),
        }
    } else if message.0.contains("disconnect-notice") {
        lines.push(message.1.clone());
    }
    (lines, variables)
}

/// The call that was recorded: its values, as the connect reply has them.
fn setup(connect: &[(String, String)]) -> CallSetup {
    let decoded = |name: &str| {
        percent_encoding::percent_decode_str(value(connect, name))
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    let mut setup =
        CallSetup::new(decoded("Caller-Username"), decoded("Caller-Destination-Number"));
    setup.context = decoded("Caller-Context");
    setup.agent = decoded("variable_sip_user_agent");
    setup.port = decoded("variable_sip_network_port").parse().unwrap();
    let names: Vec<&str> =
        connect.iter().filter_map(|(n, _)| n.strip_prefix("variable_")).collect();
    let at = |name: &str| names.iter().position(|n| *n == name).unwrap();
    for name in &names[at("requested_domain_name") + 1..at("user_name")] {
        setup.variables.push(((*name).to_owned(), decoded(&format!("variable_{name}"))));
    }
    if names.contains(&"mwi-account") {
        setup.params.push(("mwi-account".into(), decoded("variable_mwi-account")));
    }
    setup
}

const DIRECTORY: &str = r#"<domain name="hotdesk.test"><groups><group name="all"><users>
<user id="1001"><params><param name="vm-password" value="4321"/></params><variables><variable name="user_context" value="default"/></variables></user>
</users></group></groups></domain>"#;

async fn freeswitch() -> FreeSwitch {
    let mut settings = Settings::new("hotdesk.test".parse().unwrap());
    settings.static_directory = Some(StaticDirectory::new(|| Some(DIRECTORY.to_owned())));
    settings.prompt_time = Duration::from_millis(20);
    settings.longest_sleep = Duration::from_millis(40);
    FreeSwitch::start(settings, TcpListener::bind("127.0.0.1:0").await.unwrap())
}

fn is_park(message: &Message) -> bool {
    message.1.starts_with("Event-Name: CHANNEL_PARK\n")
}

/// Keys typed, one group for each time that the line waits for them.
fn keys(lines: &[Line]) -> Vec<String> {
    let mut groups = vec![String::new()];
    for line in lines {
        let Line::FreeSwitch(message) = line else { continue };
        let headers = headers(message);
        match value(&headers, "Event-Name") {
            "DTMF" => groups
                .last_mut()
                .unwrap()
                .push_str(&value(&headers, "DTMF-Digit").replace("%23", "#")),
            "CHANNEL_EXECUTE_COMPLETE" if !groups.last().unwrap().is_empty() => {
                groups.push(String::new())
            }
            _ => {}
        }
    }
    groups
}

/// Plays one recording; the person types when asked, as `uuid_recv_dtmf` did in the recording.
async fn play(name: &str) -> Vec<String> {
    let lines = recording(name);
    let first = lines.iter().find_map(|line| match line {
        Line::FreeSwitch(message) => Some(headers(message)),
        Line::Daemon(_) => None,
    });
    let connect = first.unwrap();
    let freeswitch = freeswitch().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let data = value(&connect, "variable_current_application_data");
    let data = percent_encoding::percent_decode_str(data).decode_utf8().unwrap();
    let mut call =
        freeswitch.socket_call(&data.replace("8084", &port.to_string()), setup(&connect));
    let (stream, _) = timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();
    let mut peer = Peer::new(stream);
    let (groups, uuid, console) = (keys(&lines), call.uuid().to_owned(), freeswitch.clone());
    let person = tokio::spawn(async move {
        for group in groups.into_iter().filter(|group| !group.is_empty()) {
            assert!(matches!(call.until_keys().await.last(), Some(Heard::Keys { .. })));
            console.api(&format!("uuid_recv_dtmf {uuid} {group}")).await;
        }
        call.until_end().await;
    });
    let mut differences = Vec::new();
    for line in &lines {
        let recorded = match line {
            // What the operator's dialplan does with the call is not the simulator's.
            Line::FreeSwitch((_, body))
                if name == "transfer" && body.contains("\nApplication-UUID: 5f6cd919") =>
            {
                break;
            }
            Line::Daemon(bytes) => {
                peer.send(bytes).await;
                continue;
            }
            Line::FreeSwitch(message) if is_park(message) => continue,
            Line::FreeSwitch(message) => message,
        };
        let ours = loop {
            let message = peer
                .next()
                .await
                .unwrap_or_else(|| panic!("{name}: the stream ended before {recorded:?}"));
            if !is_park(&message) {
                break message;
            }
        };
        differences.extend(compare(name, &comparable(recorded, 8084), &comparable(&ours, port)));
    }
    drop(peer);
    freeswitch.stop().await;
    timeout(DEADLINE, person).await.unwrap().unwrap();
    differences
}

fn compare(
    name: &str,
    recorded: &(Vec<String>, BTreeSet<String>),
    ours: &(Vec<String>, BTreeSet<String>),
) -> Option<String> {
    let missing: Vec<_> = recorded.1.difference(&ours.1).collect();
    let added: Vec<_> = ours.1.difference(&recorded.1).collect();
    let same = recorded.0 == ours.0 && missing.is_empty() && added.is_empty();
    let only = |a: &[String], b: &[String]| -> Vec<String> {
        a.iter().filter(|line| !b.contains(line)).cloned().collect()
    };
    (!same).then(|| {
        format!(
            "{name}: {}\n  recorded {:?}\n  ours     {:?}\n  variables recorded {missing:?}\n  ours     {added:?}",
            recorded.0.first().map_or("", String::as_str),
            only(&recorded.0, &ours.0),
            only(&ours.0, &recorded.0),
        )
    })
}

#[tokio::test]
async fn recorded_conversations_come_out_the_same() {
    let mut differences = Vec::new();
    for name in [
        "login",
        "badpin",
        "lean",
        "hangup_mid",
        "misc",
        "sync",
        "idle",
        "transfer",
        "login_json_events",
    ] {
        differences.extend(play(name).await);
    }
    let explains = |difference: &String, (name, ours, _): &(&str, &str, &str)| {
        difference.starts_with(&format!("{name}: ")) && difference.contains(ours)
    };
    for remaining in &REMAINING {
        assert!(
            differences.iter().any(|difference| explains(difference, remaining)),
            "{remaining:?} is no more"
        );
    }
    differences
        .retain(|difference| !REMAINING.iter().any(|remaining| explains(difference, remaining)));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
