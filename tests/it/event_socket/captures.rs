//! Everything that FreeSWITCH said in the captures is decoded, however it is cut.

use hotdeskd::event_socket::{Kind, Message};

use super::wire::{self, Plain};

#[test]
fn every_conversation_gives_the_same_messages_byte_by_byte_and_in_its_recorded_reads() {
    for conversation in wire::conversations() {
        let (in_reads, error) = wire::decode(conversation.reads());
        assert_eq!(error, None, "{}", conversation.name);
        let whole: Vec<u8> = conversation.reads().flatten().copied().collect();
        let (by_bytes, error) = wire::decode(whole.chunks(1));
        assert_eq!(error, None, "{}", conversation.name);
        assert!(in_reads.len() >= 8, "{}: {} messages", conversation.name, in_reads.len());
        let plain =
            |messages: &[Message]| -> Vec<Plain> { messages.iter().map(Plain::from).collect() };
        assert!(plain(&in_reads) == plain(&by_bytes), "{}", conversation.name);
        let put_together: Vec<u8> =
            in_reads.iter().flat_map(|message| message.as_bytes().to_vec()).collect();
        assert!(put_together == whole, "{}: nothing is lost between messages", conversation.name);
    }
}

#[test]
fn every_message_is_decoded_split_at_every_position() {
    let mut messages = Vec::new();
    for conversation in wire::conversations() {
        messages.extend(wire::decode(conversation.reads()).0);
    }
    assert!(messages.len() > 150, "{} messages", messages.len());
    std::thread::scope(|scope| {
        for start in 0..4 {
            let messages = messages.iter().skip(start).step_by(4);
            scope.spawn(move || messages.for_each(split_everywhere));
        }
    });
}

fn split_everywhere(message: &Message) {
    let (bytes, wanted) = (message.as_bytes(), Plain::from(message));
    for at in 0..=bytes.len() {
        let (first, second) = bytes.split_at(at);
        let (got, error) = wire::decode([first, second]);
        assert_eq!((got.len(), error), (1, None), "split at {at}");
        // Comparing all fields at every position would take minutes; a wrong index shows in its ends.
        assert_eq!(got[0].kind(), message.kind());
        assert!(got[0].as_bytes() == bytes && got[0].body() == message.body());
        assert_eq!(got[0].fields().count(), wanted.fields.len());
        if at % 97 == 0 {
            assert!(Plain::from(&got[0]) == wanted, "split at {at}");
        }
    }
}

#[test]
fn a_message_cut_short_is_no_message() {
    let conversation = wire::conversation("lean");
    let message = wire::decode(conversation.reads()).0.remove(5);
    let bytes = message.as_bytes();
    for at in 1..bytes.len() {
        let (messages, error) = wire::decode([&bytes[..at]]);
        assert!(messages.is_empty());
        assert_eq!(error.as_deref(), Some("the stream ended inside a message"), "cut at {at}");
    }
}

#[test]
fn the_connect_reply_says_who_calls() {
    let (messages, _) = wire::decode(wire::conversation("lean").reads());
    let reply = &messages[0];
    assert_eq!(reply.kind(), Kind::ConnectReply);
    let variable = |name| reply.variable(name).map(|value| value.text().into_owned());
    assert_eq!(variable("sip_auth_username").as_deref(), Some("0004132a0001"));
    assert_eq!(variable("effective_caller_id_name").as_deref(), Some("Ada Lovelace"));
    assert_eq!(variable("socket_path").as_deref(), Some("hotdesk/11"));
    assert_eq!(variable("SIP_auth_username"), None, "the names of variables keep their case");
    assert_eq!(variable("switch_r_sdp").unwrap().lines().next(), Some("v=0"));
    let field = |name| reply.field(name).map(|value| value.text().into_owned());
    assert_eq!(field("control").as_deref(), Some("full"));
    assert_eq!(field("Socket-Mode").as_deref(), Some("async"));
    assert_eq!(field("Reply-Text").as_deref(), Some("+OK\n"));
    assert_eq!(
        field("Channel-Channel-Name").as_deref(),
        Some("sofia/internal/0004132a0001@hotdesk.test")
    );
    assert_eq!(field("FreeSWITCH-IPv6").as_deref(), Some("fd00::2"));
    let replies: Vec<_> =
        messages[1..5].iter().map(|m| m.reply_text().unwrap().into_owned()).collect();
    let wanted = [
        "+OK Events Enabled",
        "+OK no longer listening for events",
        "+OK event listener enabled plain",
        "+OK will linger 5 seconds",
    ];
    assert_eq!(replies, wanted);
}

#[test]
fn replies_and_notices_are_not_decoded() {
    let (messages, _) = wire::decode(wire::conversation("lean").reads());
    let notice = messages.last().unwrap();
    assert_eq!(notice.kind(), Kind::DisconnectNotice);
    assert_eq!(notice.header("Content-Disposition").unwrap().text(), "linger");
    assert_eq!(
        notice.header("Channel-Name").unwrap().raw(),
        b"sofia/internal/0004132a0001@hotdesk.test"
    );
    assert!(notice.field("Channel-Name").is_none(), "a notice is no event");
}

#[test]
fn completions_carry_what_the_caller_pressed() {
    let (messages, _) = wire::decode(wire::conversation("login").reads());
    let complete: Vec<_> = messages
        .iter()
        .filter(|message| message.event_name().as_deref() == Some("CHANNEL_EXECUTE_COMPLETE"))
        .filter(|message| message.field("Application").unwrap().raw() == b"play_and_get_digits")
        .collect();
    assert_eq!(complete.len(), 2);
    assert_eq!(complete[0].variable("hotdesk_extension").unwrap().text(), "1001");
    assert!(
        !format!("{:?}", complete[1]).contains("4321"),
        "a message is not shown with its content"
    );
    assert!(!format!("{:?}", complete[1].variable("hotdesk_pin").unwrap()).contains("4321"));
}

#[test]
fn json_events_are_messages() {
    let (messages, _) = wire::decode(wire::conversation("login_json_events").reads());
    let events: Vec<_> =
        messages.iter().filter(|message| message.kind() == Kind::EventJson).collect();
    assert!(events.len() > 5);
    assert!(
        events
            .iter()
            .all(|event| event.body().starts_with(b"{\"Event-Name\":") && event.is_event())
    );
    assert!(events.iter().all(|event| event.fields().next().is_none()));
}
