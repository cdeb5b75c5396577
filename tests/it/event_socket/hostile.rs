//! Streams that FreeSWITCH should not send, and those that it really sends and that break clients.

use bytes::BytesMut;
use hotdeskd::event_socket::{Codec, Kind, Limits, WireError};
use proptest::prelude::*;
use tokio_util::codec::Decoder;

use super::wire;

fn one(stream: &str) -> hotdeskd::event_socket::Message {
    let (mut messages, error) = wire::decode([stream.as_bytes()]);
    assert_eq!((messages.len(), error), (1, None));
    messages.remove(0)
}

fn event(inner: &[u8]) -> Vec<u8> {
    let head = format!("Content-Length: {}\nContent-Type: text/event-plain\n\n", inner.len());
    [head.as_bytes(), inner].concat()
}

#[test]
fn a_connect_reply_of_100_kilobytes_is_one_message() {
    let mut reply = String::from("Event-Name: CHANNEL_DATA\n");
    for n in 0..2_000 {
        reply.push_str(&format!("variable_sip_h_X-Header-{n}: {}\n", "v".repeat(30)));
    }
    reply.push_str(
        "Content-Type: command/reply\nReply-Text: %2BOK%0A\nSocket-Mode: async\nControl: full\n\n",
    );
    assert!(reply.len() > 100_000);
    for piece in [1, 7, 1460, 65_536] {
        let (messages, error) = wire::decode(reply.as_bytes().chunks(piece));
        assert_eq!((messages.len(), error), (1, None));
        assert_eq!(messages[0].kind(), Kind::ConnectReply);
        assert_eq!(messages[0].variable("sip_h_X-Header-1999").unwrap().text().len(), 30);
        assert_eq!(messages[0].header("Control").unwrap().text(), "full");
    }
}

#[test]
fn a_header_block_without_end_is_an_error_at_the_limit() {
    let mut codec = Codec::default();
    let mut buffer = BytesMut::from(&b"Content-Type: command/reply\n"[..]);
    let error = loop {
        buffer.extend_from_slice(&[b'x'; 4096]);
        match codec.decode(&mut buffer) {
            Ok(None) => assert!(buffer.len() <= 1 << 20),
            Ok(Some(message)) => panic!("{message:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, WireError::HeadersTooLong { limit: 1_048_576 }));
}

#[test]
fn a_header_block_that_ends_behind_the_limit_is_an_error_too() {
    let mut codec = Codec::new(Limits { headers: 20, body: 10 });
    let mut fits = BytesMut::from(&b"Content-Type: abcd\n\n"[..]);
    assert!(codec.decode(&mut fits).unwrap().is_some());
    let mut long = BytesMut::from(&b"Content-Type: abcde\n\n"[..]);
    assert!(matches!(codec.decode(&mut long), Err(WireError::HeadersTooLong { .. })));
}

#[test]
fn a_wrong_content_length_is_an_error() {
    for length in ["-1", "x", "", "1 2", "0x10", "+5", "99999999999999999999999"] {
        let stream = format!("Content-Type: api/response\nContent-Length: {length}\n\nbody");
        let (messages, error) = wire::decode([stream.as_bytes()]);
        assert!(messages.is_empty());
        assert_eq!(
            error.as_deref(),
            Some("the length of a body cannot be told from its Content-Length"),
            "{length:?}"
        );
    }
    let (_, error) = wire::decode([&b"Content-Length: 3\nContent-Length: 4\n\nbody"[..]]);
    assert!(error.unwrap().contains("cannot be told"));
    let (_, error) = wire::decode([&b"Content-Length: 16777217\n\n"[..]]);
    assert_eq!(error.unwrap(), "a body of 16777217 bytes was announced, 16777216 are allowed");
}

#[test]
fn an_announced_body_is_not_allocated_before_it_comes() {
    let mut codec = Codec::default();
    let mut buffer = BytesMut::from(&b"Content-Length: 16777216\n\n"[..]);
    assert!(codec.decode(&mut buffer).unwrap().is_none());
    assert!(buffer.capacity() < 200_000, "{}", buffer.capacity());
}

#[test]
fn a_line_without_colon_costs_only_itself() {
    let message =
        one("garbage without colon\nContent-Type: command/reply\n: no name\nReply-Text: +OK\n\n");
    assert_eq!(message.kind(), Kind::CommandReply);
    assert_eq!(message.reply_text().unwrap(), "+OK");
    assert_eq!(message.headers().count(), 2);
}

#[test]
fn an_unknown_content_type_is_a_message() {
    let message = one("Content-Type: text/x-unheard-of\nContent-Length: 3\n\nabc");
    assert_eq!((message.kind(), message.body()), (Kind::Other, &b"abc"[..]));
    assert_eq!(one("Content-Type: log/data\nContent-Length: 1\n\nx").kind(), Kind::LogData);
    assert_eq!(one("Nothing: known\n\n").kind(), Kind::Other);
}

#[test]
fn values_are_decoded_where_freeswitch_encodes_and_nowhere_else() {
    let message = one("Content-Type: command/reply\nReply-Text: ~x%41+ _undef_\n\n");
    assert_eq!(message.reply_text().unwrap(), "~x%41+ _undef_");

    let inner = b"Event-Name: X\nvariable_a: %41%20100%25\nvariable_plus: a%2Bb+c\nvariable_bad: 100%\nvariable_zz: %zz%4\n\
        variable_none: _undef_\nvariable_latin: caf%E9\nvariable_utf8: caf%C3%A9\nvariable_evil: a%0AEvil%3A%20yes\n\n";
    let (messages, _) = wire::decode([&event(inner)[..]]);
    let variable = |name| messages[0].variable(name).unwrap().text().into_owned();
    assert_eq!(variable("a"), "A 100%");
    assert_eq!(variable("plus"), "a+b+c");
    assert_eq!(variable("bad"), "100%");
    assert_eq!(variable("zz"), "%zz%4");
    assert_eq!(variable("none"), "");
    assert_eq!(variable("latin"), "caf\u{fffd}");
    assert_eq!(messages[0].variable("latin").unwrap().bytes(), &b"caf\xe9"[..]);
    assert_eq!(variable("utf8"), "café");
    assert_eq!(variable("evil"), "a\nEvil: yes");
    assert!(messages[0].field("Evil").is_none(), "an encoded line end makes no header");
}

#[test]
fn raw_latin_1_in_a_header_kills_nothing() {
    let (messages, error) =
        wire::decode([&b"Content-Type: command/reply\nReply-Text: caf\xe9 \xff\xfe\n\n"[..]]);
    assert_eq!((messages.len(), error), (1, None));
    assert_eq!(messages[0].reply_text().unwrap(), "caf\u{fffd} \u{fffd}\u{fffd}");
}

#[test]
fn duplicate_headers_are_kept_and_the_first_counts() {
    let inner = b"Event-Name: COMMAND\nEvent-Name: CHANNEL_EXECUTE\nX: 1\nx: 2\n\n";
    let (messages, _) = wire::decode([&event(inner)[..]]);
    assert_eq!(messages[0].event_name().unwrap(), "COMMAND");
    assert_eq!(messages[0].fields().filter(|(name, _)| *name == b"Event-Name").count(), 2);
    assert_eq!(
        messages[0].field("x").unwrap().text(),
        "1",
        "a look-up ignores case, so the first is X"
    );
}

#[test]
fn a_body_inside_an_event_may_hold_anything() {
    let body = b"+OK line\n\nContent-Length: 999\n\nstill the same body \xff\n\n";
    let head = format!("Event-Name: BACKGROUND_JOB\nContent-Length: {}\n\n", body.len());
    let stream = [
        &event(&[head.as_bytes(), body].concat())[..],
        b"Content-Type: command/reply\nReply-Text: +OK\n\n",
    ]
    .concat();
    for piece in [1, 13, 10_000] {
        let (messages, error) = wire::decode(stream.chunks(piece));
        assert_eq!((messages.len(), error), (2, None));
        assert_eq!(messages[0].event_body().unwrap(), body);
        assert_eq!(messages[1].kind(), Kind::CommandReply);
    }
}

#[test]
fn a_wrong_length_inside_an_event_reaches_no_further_than_the_event() {
    for (said, wanted) in [("999", "abc"), ("2", "ab"), ("-1", "abc"), ("x", "abc")] {
        let inner = format!("Event-Name: X\nContent-Length: {said}\n\nabc");
        let (messages, error) = wire::decode([&event(inner.as_bytes())[..]]);
        assert_eq!(error, None);
        assert_eq!(messages[0].event_body().unwrap(), wanted.as_bytes(), "{said}");
    }
    let inner = b"Event-Name: X\nContent-Length: 1\nOther: x\nContent-Length: 3\n\nabc";
    let (messages, _) = wire::decode([&event(inner)[..]]);
    assert_eq!(messages[0].event_body().unwrap(), b"abc", "the event's own length is the last one");
    let (messages, _) = wire::decode([&event(b"Event-Name: X\nvariable_a: cut")[..]]);
    assert_eq!(messages[0].variable("a").unwrap().text(), "cut");
    assert_eq!(messages[0].event_body(), None);
}

#[test]
fn a_connect_reply_has_no_body_whatever_the_channel_brought() {
    let stream = "Event-Name: CHANNEL_DATA\nContent-Length: 500\nControl: full\n\nContent-Type: command/reply\nReply-Text: +OK\n\n";
    let (messages, error) = wire::decode([stream.as_bytes()]);
    assert_eq!((messages.len(), error), (2, None));
    assert_eq!(messages[1].kind(), Kind::CommandReply);
}

#[test]
fn blank_lines_between_messages_are_passed_over() {
    let (messages, error) = wire::decode([
        &b"\n\r\n\nContent-Type: auth/request\r\n\r\n\n\nContent-Type: command/reply\n\n\n"[..],
    ]);
    assert_eq!((messages.len(), error), (2, None));
    assert_eq!(messages[0].kind(), Kind::AuthRequest);
}

/// The bytes that `switch_url_encode` leaves alone among ASCII, and all others encoded.
fn encode(value: &[u8]) -> Vec<u8> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.,/()*!'~".contains(&byte);
    value
        .iter()
        .flat_map(
            |&byte| {
                if plain(byte) { vec![byte] } else { format!("%{byte:02X}").into_bytes() }
            },
        )
        .collect()
}

proptest! {
    #[test]
    fn any_event_comes_back_as_it_was_put_in(
        fields in proptest::collection::vec(("[A-Za-z][A-Za-z0-9_-]{0,20}", proptest::collection::vec(any::<u8>(), 0..60)), 1..20),
        body in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..200)),
        piece in 1usize..100,
    ) {
        let mut inner = Vec::new();
        for (name, value) in &fields {
            let value = if value.is_empty() { b"_undef_".to_vec() } else { encode(value) };
            inner.extend([name.as_bytes(), b": ", &value, b"\n"].concat());
        }
        if let Some(body) = &body {
            inner.extend(format!("Content-Length: {}\n\n", body.len()).into_bytes());
            inner.extend(body);
        } else {
            inner.push(b'\n');
        }
        let stream = event(&inner);
        let (messages, error) = wire::decode(stream.chunks(piece));
        prop_assert_eq!(error, None);
        prop_assert_eq!(messages.len(), 1);
        let got: Vec<_> = messages[0].fields().take(fields.len()).map(|(n, v)| (n.to_vec(), v.bytes().into_owned())).collect();
        let wanted: Vec<_> = fields.into_iter().map(|(n, v)| (n.into_bytes(), v)).filter(|(_, v)| v != b"_undef_").collect();
        prop_assert_eq!(got, wanted);
        prop_assert_eq!(messages[0].event_body().map(<[u8]>::to_vec), body);
    }
}
