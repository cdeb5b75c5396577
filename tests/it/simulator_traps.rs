//! What is surprising about FreeSWITCH's event socket, and so about the simulator's: each of these was
//! tried on a running FreeSWITCH (`facts/event_socket.md`, 2).

use hotdeskd::simulator::*;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::simulator_peer::{DEADLINE, Peer};

async fn start() -> FreeSwitch {
    let mut settings = Settings::new("hotdesk.test".parse().unwrap());
    settings.ticks = false;
    FreeSwitch::start(settings, TcpListener::bind("127.0.0.1:0").await.unwrap())
}

async fn dial(freeswitch: &FreeSwitch, setup: CallSetup, flags: &str) -> (Call, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("{}/hotdesk/login {flags}", listener.local_addr().unwrap());
    let call = freeswitch.socket_call(&target, setup);
    let (stream, _) = timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();
    (call, Peer::new(stream))
}

async fn connected(freeswitch: &FreeSwitch, flags: &str) -> (Call, Peer) {
    let (call, mut peer) = dial(freeswitch, CallSetup::new("0004132a0001", "*11"), flags).await;
    peer.send("connect\n\n").await;
    assert!(peer.next().await.unwrap().0.starts_with("Event-Name: CHANNEL_DATA\n"));
    (call, peer)
}

/// The lean handshake: only the own call's completions and hang-up.
async fn subscribed(freeswitch: &FreeSwitch) -> (Call, Peer) {
    let (call, mut peer) = connected(freeswitch, "async full").await;
    for command in [
        "myevents",
        "noevents",
        "event plain CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE",
        "linger 5",
    ] {
        assert!(peer.ask(command).await.starts_with("+OK"), "{command}");
    }
    (call, peer)
}

fn hung_up(cause: &str) -> Option<Outcome> {
    Some(Outcome::HungUp { cause: cause.into() })
}

const COMPLETE: &str = "CHANNEL_EXECUTE_COMPLETE";

#[tokio::test]
async fn an_unknown_application_ends_the_call_without_a_completion() {
    let freeswitch = start().await;
    let (mut call, mut peer) = subscribed(&freeswitch).await;
    peer.execute("nosuchapp", "x").await;
    assert_eq!(peer.reply().await, "+OK");
    assert_eq!(call.outcome().await, hung_up("DESTINATION_OUT_OF_ORDER"));
    peer.event("CHANNEL_HANGUP", "Hangup-Cause: DESTINATION_OUT_OF_ORDER").await;
    // The only completion is that of the `socket` application itself, with a UUID that nobody sent.
    let event = peer.event(COMPLETE, "").await;
    assert!(event.contains("Application: socket\n"));
    peer.event("CHANNEL_HANGUP_COMPLETE", "").await;
    // After the hang-up everything is still +OK, and nothing comes of it.
    peer.execute("playback", "x.wav").await;
    assert_eq!(peer.reply().await, "+OK");
    assert_eq!(peer.ask("exit").await, "+OK bye");
    assert!(peer.until_end().await.iter().all(|(head, _)| !head.contains("text/event")));
}

#[tokio::test]
async fn the_queue_holds_256_and_the_next_command_closes_the_socket() {
    let freeswitch = start().await;
    let (mut call, mut peer) = subscribed(&freeswitch).await;
    peer.execute("park", "").await;
    assert_eq!(peer.reply().await, "+OK");
    // `park` has begun: the queue is empty again.
    while call.variable("current_application").as_deref() != Some("park") {
        tokio::task::yield_now().await;
    }
    for number in 0..256 {
        peer.execute("set", &format!("a={number}")).await;
        assert_eq!(peer.reply().await, "+OK");
    }
    peer.execute("set", "a=257").await;
    let rest = peer.until_end().await;
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert!(rest[0].0.contains("text/disconnect-notice"));
    call.hang_up();
    assert_eq!(call.outcome().await, hung_up("ORIGINATOR_CANCEL"));
}

#[tokio::test]
async fn without_full_most_commands_do_not_exist() {
    let freeswitch = start().await;
    let (_call, mut peer) = connected(&freeswitch, "async").await;
    for command in [
        "linger 5",
        "nolinger",
        "event plain ALL",
        "noevents",
        "api status",
        "bgapi status",
        "sendevent X",
        "log 7",
    ] {
        assert_eq!(peer.ask(command).await, "-ERR command not found", "{command}");
    }
    for command in ["myevents", "filter Event-Name DTMF", "divert_events on", "resume"] {
        assert!(peer.ask(command).await.starts_with("+OK"), "{command}");
    }
    peer.execute("hangup", "USER_BUSY").await;
    assert_eq!(peer.reply().await, "+OK");
    assert!(peer.until_end().await.last().unwrap().0.contains("Content-Disposition: disconnect"));
}

#[tokio::test]
async fn the_reply_to_a_first_command_that_is_not_connect_is_thrown_away() {
    let freeswitch = start().await;
    let (_call, mut peer) = dial(&freeswitch, CallSetup::new("1", "2"), "async full").await;
    peer.send("myevents\n\nlinger 5\n\n").await;
    assert_eq!(peer.reply().await, "+OK will linger 5 seconds");
}

#[tokio::test]
async fn getvar_cannot_be_trusted() {
    let freeswitch = start().await;
    let mut setup = CallSetup::new("1", "2");
    setup.variables.push(("tilde".into(), "~Content-Type: command/reply\nEvil: yes".into()));
    setup.variables.push(("long".into(), "x".repeat(1000)));
    let (_call, mut peer) = dial(&freeswitch, setup, "async full").await;
    peer.send("connect\n\n").await;
    peer.next().await;
    assert_eq!(peer.ask("getvar nosuchvar").await, "-ERR command not found");
    assert_eq!(peer.ask("getvar destination_number").await, "2");
    assert_eq!(peer.ask("getvar long").await.len(), 511);
    // The value becomes headers, and no empty line ends them: the next reply is swallowed.
    peer.send("getvar tilde\n\ngetvar destination_number\n\n").await;
    let (head, _) = peer.next().await.unwrap();
    assert!(
        head.starts_with("Content-Type: command/reply\nContent-Type: command/reply\nEvil: yes"),
        "{head}"
    );
    assert!(head.ends_with("Reply-Text: 2"), "{head}");
}

#[tokio::test]
async fn events_without_myevents_are_those_of_every_call() {
    let freeswitch = start().await;
    let (_one, mut first) = connected(&freeswitch, "async full").await;
    assert!(first.ask("event plain CHANNEL_EXECUTE_COMPLETE").await.starts_with("+OK"));
    let (two, mut own) = subscribed(&freeswitch).await;
    let (three, mut third) = subscribed(&freeswitch).await;
    third.execute("set", "x=3").await;
    own.execute("set", "x=2").await;
    for call in [&three, &two] {
        first.event(COMPLETE, &format!("\nUnique-ID: {}\n", call.uuid())).await;
    }
    // The second call's socket hears of its own call alone.
    let event = own.event(COMPLETE, "").await;
    assert!(event.contains("variable_x: 2"), "{event}");
}

#[tokio::test]
async fn a_half_sent_command_holds_events_back() {
    let freeswitch = start().await;
    let (call, mut peer) = subscribed(&freeswitch).await;
    let set = "sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=b\n\n";
    peer.send(&format!("{set}api swi")).await;
    assert_eq!(peer.reply().await, "+OK");
    while call.variable("current_loop").is_some() || call.variable("a").is_none() {
        tokio::task::yield_now().await;
    }
    peer.send("tchname\n\n").await;
    let (head, body) = peer.next().await.unwrap();
    assert!(head.starts_with("Content-Type: api/response"), "{head}");
    assert_eq!(body, "lab-fs1");
    peer.event(COMPLETE, "variable_a: b").await;
}

#[tokio::test]
async fn text_that_is_executed_is_expanded() {
    let freeswitch = start().await;
    let (call, mut peer) = subscribed(&freeswitch).await;
    peer.execute("set", "name=Sons ${system(touch x)}").await;
    peer.event(COMPLETE, "Application-Data: name%3DSons%20\n").await;
    peer.execute("multiset", "^^|a=1|b=${caller_id_number}|c=x y").await;
    peer.event(COMPLETE, "").await;
    assert_eq!(freeswitch.would_have_run(), ["${system(touch x)}"]);
    let variables = ["a", "b", "c", "name"].map(|name| call.variable(name).unwrap_or_default());
    assert_eq!(variables, ["1", "0004132a0001", "x y", "Sons "]);
    peer.execute("multiunset", "a b").await;
    peer.event(COMPLETE, "").await;
    assert_eq!((call.variable("a"), call.variable("c")), (None, Some("x y".into())));
}

#[tokio::test]
async fn digits_too_few_stay_in_the_variable_and_old_ones_too() {
    let freeswitch = start().await;
    let (mut call, mut peer) = subscribed(&freeswitch).await;
    let ask = "4 8 2 5000 # pin.wav invalid.wav pin ^[0-9]+$ 3000";
    peer.execute("play_and_get_digits", ask).await;
    call.until_keys().await;
    call.press("12#").await;
    let heard = call.until_keys().await;
    assert_eq!(heard[..2], [Heard::Prompt("invalid.wav".into()), Heard::Prompt("pin.wav".into())]);
    call.wait_out();
    let event = peer.event(COMPLETE, "Application: play_and_get_digits").await;
    assert!(event.contains("\nvariable_pin: 12\n"), "too few, and nothing the second time");
    assert!(event.contains("\nvariable_read_result: failure\n"));
    // What the pattern refuses is in another variable.
    peer.execute("play_and_get_digits", "1 8 1 5000 # pin.wav invalid.wav pin ^[0-9]+$ 3000").await;
    call.until_keys().await;
    call.press("1*2#").await;
    let event = peer.event(COMPLETE, "Application: play_and_get_digits").await;
    assert!(event.contains("\nvariable_pin_invalid: 1*2\n"));
    assert!(!event.contains("\nvariable_pin: "));
    // Nobody asked for DTMF events.
    peer.execute("hangup", "").await;
    peer.event("CHANNEL_HANGUP_COMPLETE", "variable_digits_dialed: 12%231*2%23").await;
}

#[tokio::test]
async fn the_dialplan_goes_on_when_the_daemon_is_gone() {
    let freeswitch = start().await;
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("{}/hotdesk/login async full", refused.local_addr().unwrap());
    drop(refused);
    let setup = CallSetup::new("1", "*11")
        .then("playback", "gone.wav")
        .then("hangup", "NORMAL_TEMPORARY_FAILURE");
    let mut call = freeswitch.socket_call(&target, setup.clone());
    assert_eq!(call.outcome().await, Some(Outcome::NotReached));
    let gone = [
        Heard::Prompt("gone.wav".into()),
        Heard::HungUp { cause: "NORMAL_TEMPORARY_FAILURE".into() },
    ];
    assert_eq!(call.until_end().await, gone);

    let (mut call, mut peer) = dial(&freeswitch, setup, "async full").await;
    peer.send("connect\n\n").await;
    peer.next().await;
    drop(peer);
    assert_eq!(call.outcome().await, Some(Outcome::SocketClosed));
    assert_eq!(call.until_end().await, gone);
}

#[tokio::test]
async fn with_resume_a_running_application_is_cut_when_the_daemon_goes() {
    let freeswitch = start().await;
    let (mut call, mut peer) = subscribed(&freeswitch).await;
    assert_eq!(peer.ask("resume").await, "+OK");
    peer.execute("park", "").await;
    assert_eq!(peer.reply().await, "+OK");
    drop(peer);
    assert_eq!(call.outcome().await, Some(Outcome::SocketClosed));
}

#[tokio::test]
async fn a_transferred_call_no_longer_needs_the_socket() {
    let freeswitch = start().await;
    let (mut call, mut peer) = subscribed(&freeswitch).await;
    peer.execute("transfer", "queue-sales XML default").await;
    let transferred = Outcome::Transferred {
        extension: "queue-sales".into(),
        dialplan: "XML".into(),
        context: "default".into(),
    };
    assert_eq!(call.outcome().await, Some(transferred));
    drop(peer);
    let there = Heard::Transferred { extension: "queue-sales".into(), context: "default".into() };
    assert_eq!(call.heard().await, Some(there));
    assert_eq!(freeswitch.channels().len(), 1);
    call.hang_up();
    assert_eq!(call.heard().await, Some(Heard::HungUp { cause: "ORIGINATOR_CANCEL".into() }));
}

#[tokio::test]
async fn lingering_ends_with_a_second_notice() {
    let freeswitch = start().await;
    let (call, mut peer) = connected(&freeswitch, "async full").await;
    assert_eq!(peer.ask("linger 1").await, "+OK will linger 1 seconds");
    call.hang_up();
    let all = peer.until_end().await;
    let notices: Vec<_> =
        all.iter().filter(|(head, _)| head.contains("disconnect-notice")).collect();
    assert!(notices[0].0.contains("Content-Disposition: linger"));
    assert!(notices[0].0.contains("Linger-Time: 1"));
    assert!(notices[1].0.contains("Content-Disposition: disconnect"));
}

#[tokio::test]
async fn without_event_lock_a_command_runs_inside_the_one_before() {
    let freeswitch = start().await;
    let (call, mut peer) = subscribed(&freeswitch).await;
    peer.send("sendmsg\ncall-command: execute\nexecute-app-name: park\n\n").await;
    peer.send("sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=b\n\n")
        .await;
    let event = peer.event(COMPLETE, "").await;
    assert!(event.contains("Application: set\n"), "the inner one is complete first");
    assert!(peer.ask(&format!("api uuid_break {}", call.uuid())).await.starts_with("+OK"));
    peer.event(COMPLETE, "Application: park").await;
    assert!(peer.ask(&format!("api uuid_kill {}", call.uuid())).await.starts_with("+OK"));
    peer.event("CHANNEL_HANGUP_COMPLETE", "Hangup-Cause: NORMAL_CLEARING").await;
}

#[tokio::test]
async fn in_sync_mode_the_answer_comes_after_the_application() {
    let freeswitch = start().await;
    let (mut call, mut peer) = connected(&freeswitch, "full").await;
    peer.ask("myevents").await;
    peer.execute("set", "a=b").await;
    let (head, _) = peer.next().await.unwrap();
    assert!(head.contains("+OK"), "the reply first: {head}");
    assert_eq!(call.variable("a").as_deref(), Some("b"));
    peer.event(COMPLETE, "Application: set").await;
    // The call's own thread reads: a hang-up is heard of as the end, without its events.
    peer.execute("hangup", "").await;
    assert_eq!(call.outcome().await, hung_up("NORMAL_CLEARING"));
    let rest = peer.until_end().await;
    assert!(rest.iter().all(|(_, body)| !body.contains("CHANNEL_HANGUP")), "{rest:?}");
}

#[tokio::test]
async fn a_call_that_has_gone_before_the_socket_gets_the_notice_instead_of_an_answer() {
    let freeswitch = start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("{}/x async full", listener.local_addr().unwrap());
    let mut call = freeswitch.socket_call(&target, CallSetup::new("1", "2"));
    call.hang_up();
    let (stream, _) = timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();
    let mut peer = Peer::new(stream);
    peer.send("connect\n\n").await;
    assert!(peer.next().await.unwrap().0.starts_with("Content-Type: text/disconnect-notice"));
    assert_eq!(call.outcome().await, hung_up("ORIGINATOR_CANCEL"));
}

#[tokio::test]
async fn whatever_a_daemon_sends_the_call_ends_and_the_node_lives() {
    let freeswitch = start().await;
    for bytes in [
        "\0\0\0\n\n",
        "sendmsg\ncall-command\n\n",
        "sendmsg\ncontent-length: 99999999999999\n\n",
        "sendmsg\ncontent-length: -1\n\nx",
        "connect\n\nsendmsg\ncall-command: execute\nexecute-app-name: play_and_get_digits\nexecute-app-arg: 9 1 0 x\n\n",
        "connect\n\nsendmsg\ncall-command: execute\nexecute-app-name: play_and_get_digits\nexecute-app-arg: 0 99999999999 999999 1 # a b c [ 1\n\n",
        "connect\n\nsendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: ${${${${${a}}}}}\n\n",
        "connect\n\nsendmsg nosuch\ncall-command: hangup\n\nfilter\n\nfilter a /[/\n\nevent\n\nlinger x\n\n",
        "connect\n\nsendmsg\ncall-command: execute\nexecute-app-name: transfer\n\n",
    ] {
        let (mut call, mut peer) = dial(&freeswitch, CallSetup::new("1", "2"), "async full").await;
        peer.send(bytes).await;
        drop(peer);
        let outcome = call.outcome().await;
        assert!(outcome.is_some(), "{bytes:?}");
        assert!(matches!(call.until_end().await.last(), Some(Heard::HungUp { .. })), "{bytes:?}");
    }
    assert_eq!(freeswitch.api("switchname").await, "lab-fs1");
    freeswitch.stop().await;
}
