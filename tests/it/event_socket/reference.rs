//! The decoder against a simple one that was written for nothing but this: it keeps no state, looks at the whole stream
//! each time, and splits text with the standard library only.

use proptest::prelude::*;

use super::wire::{self, Plain};

/// What the reference makes of a stream: messages, then how it ended.
#[derive(Debug, PartialEq)]
enum End {
    Clean,
    Truncated,
    Length,
    Limit,
}

fn lines_of(block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs = Vec::new();
    for line in block.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let parts: Vec<&[u8]> = line.splitn(2, |&byte| byte == b':').collect();
        if let [name, value] = parts[..]
            && !name.is_empty()
        {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            pairs.push((name.to_vec(), value.to_vec()));
        }
    }
    pairs
}

/// The end of the first block: (bytes before its blank line, bytes with it).
fn split_block(stream: &[u8]) -> Option<(usize, usize)> {
    for at in 0..stream.len() {
        if stream[at] != b'\n' {
            continue;
        }
        if stream[at + 1..].starts_with(b"\n") {
            return Some((at, at + 2));
        }
        if stream[at + 1..].starts_with(b"\r\n") {
            return Some((at, at + 3));
        }
    }
    None
}

fn hex(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).map(|digit| digit as u8)
}

fn unescape(value: &[u8]) -> Vec<u8> {
    if value == b"_undef_" {
        return Vec::new();
    }
    let (mut out, mut at) = (Vec::new(), 0);
    while at < value.len() {
        if value[at] == b'%'
            && at + 2 < value.len()
            && let (Some(high), Some(low)) = (hex(value[at + 1]), hex(value[at + 2]))
        {
            out.push(high * 16 + low);
            at += 3;
        } else {
            out.push(value[at]);
            at += 1;
        }
    }
    out
}

fn decode_values(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    pairs.iter().map(|(name, value)| (name.clone(), unescape(value))).collect()
}

fn length(pairs: &[(Vec<u8>, Vec<u8>)]) -> Result<usize, End> {
    let mut said = Vec::new();
    for (name, value) in pairs {
        if name.eq_ignore_ascii_case(b"content-length") {
            let text = std::str::from_utf8(value)
                .map_err(|_| End::Length)?
                .trim_matches([' ', '\t', '\r', '\u{c}']);
            if text.starts_with('+') {
                return Err(End::Length);
            }
            said.push(text.parse::<usize>().map_err(|_| End::Length)?);
        }
    }
    said.dedup();
    match said[..] {
        [] => Ok(0),
        [one] if one > 16 << 20 => Err(End::Limit),
        [one] => Ok(one),
        _ => Err(End::Length),
    }
}

fn reference(mut stream: &[u8]) -> (Vec<Plain>, End) {
    let mut messages = Vec::new();
    loop {
        while let Some(rest) = stream.strip_prefix(b"\n").or(stream.strip_prefix(b"\r\n")) {
            stream = rest;
        }
        if stream.is_empty() {
            return (messages, End::Clean);
        }
        let Some((inside, behind)) = split_block(stream) else {
            return (messages, End::Truncated);
        };
        let pairs = lines_of(&stream[..inside]);
        let is_connect = pairs.first().is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case(b"event-name") && value == b"CHANNEL_DATA"
        });
        let length = match if is_connect { Ok(0) } else { length(&pairs) } {
            Ok(length) => length,
            Err(end) => return (messages, end),
        };
        if stream.len() < behind + length {
            return (messages, End::Truncated);
        }
        let body = &stream[behind..behind + length];
        stream = &stream[behind + length..];
        let kind = pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"));
        let is_plain_event =
            !is_connect && kind.is_some_and(|(_, value)| value.trim_ascii() == b"text/event-plain");
        let mut message = Plain {
            envelope: pairs.clone(),
            fields: Vec::new(),
            body: body.to_vec(),
            event_body: None,
        };
        if is_connect {
            message.envelope = decode_values(&pairs);
            message.fields = message.envelope.clone();
        } else if is_plain_event {
            let padded = [b"\n", body].concat();
            let (inside, behind) = split_block(&padded).unwrap_or((padded.len(), padded.len()));
            let pairs = lines_of(&padded[..inside]);
            let rest = &padded[behind..];
            if !rest.is_empty() {
                let said = pairs
                    .iter()
                    .rev()
                    .find(|(name, _)| name.eq_ignore_ascii_case(b"content-length"));
                let said = said
                    .and_then(|(_, value)| {
                        String::from_utf8_lossy(value)
                            .trim_matches([' ', '\t', '\r', '\u{c}'])
                            .parse()
                            .ok()
                    })
                    .unwrap_or(rest.len());
                message.event_body = Some(rest[..said.min(rest.len())].to_vec());
            }
            message.fields = decode_values(&pairs);
        }
        messages.push(message);
    }
}

/// Holds the decoder against the reference, with the stream cut into pieces of this length.
fn compare(stream: &[u8], piece: usize) -> Result<(), TestCaseError> {
    let (messages, error) = wire::decode(stream.chunks(piece.max(1)));
    let got: Vec<Plain> = messages.iter().map(Plain::from).collect();
    let (wanted, end) = reference(stream);
    prop_assert!(got == wanted, "{} messages, {} wanted", got.len(), wanted.len());
    let said = match error.as_deref() {
        None => End::Clean,
        Some("the stream ended inside a message") => End::Truncated,
        Some("the length of a body cannot be told from its Content-Length") => End::Length,
        Some(_) => End::Limit,
    };
    prop_assert_eq!(said, end);
    Ok(())
}

#[test]
fn the_captures_read_the_same() {
    for conversation in wire::conversations() {
        let whole: Vec<u8> = conversation.reads().flatten().copied().collect();
        assert!(compare(&whole, 1460).is_ok(), "{}", conversation.name);
        assert!(!reference(&whole).0.is_empty());
    }
}

/// Pieces that matter to a decoder, to be put anywhere.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::sample::select(vec![
            "\n",
            "\n\n",
            "\r\n",
            "\r\n\r\n",
            ":",
            ": ",
            "%",
            "%41",
            "%0A",
            "Content-Length: 5\n",
            "content-length: 0\n",
            "Content-Length: x\n",
            "Content-Length: 99999999999\n",
            "Content-Type: text/event-plain\n",
            "Event-Name: CHANNEL_DATA\n",
            "Content-Type: command/reply\nReply-Text: ~x\n\n",
            "_undef_",
            "no colon\n",
            ": no name\n",
            "\r",
            "\0",
            "\u{fffd}",
            "Content-Type: text/disconnect-notice\nContent-Length: 2\n\nab",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 1..6),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutated_captures_read_the_same(
        which in 0usize..10, from in any::<prop::sample::Index>(), piece in 1usize..3000,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..40, fragment()), 1..8),
    ) {
        let conversation = &wire::conversations()[which];
        let whole: Vec<u8> = conversation.reads().flatten().copied().collect();
        let from = from.index(whole.len());
        let mut stream = whole[from..whole.len().min(from + 20_000)].to_vec();
        for (at, removed, put) in changes {
            let at = at.index(stream.len().max(1)).min(stream.len());
            let to = (at + removed).min(stream.len());
            stream.splice(at..to, put);
        }
        compare(&stream, piece)?;
    }

    #[test]
    fn invented_streams_read_the_same(pieces in proptest::collection::vec(fragment(), 0..40), piece in 1usize..50) {
        compare(&pieces.concat(), piece)?;
    }
}
