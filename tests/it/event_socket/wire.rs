//! The conversations that were recorded with a running FreeSWITCH.

use std::path::Path;

use bytes::BytesMut;
use hotdeskd::event_socket::{Codec, Message};
use tokio_util::codec::Decoder;

/// One conversation: every read and write, in order.
pub(super) struct Conversation {
    pub(super) name: String,
    pub(super) turns: Vec<Turn>,
}

/// One read or write.
#[derive(serde::Deserialize)]
pub(super) struct Turn {
    pub(super) dir: String,
    pub(super) data: String,
}

impl Turn {
    /// Whether FreeSWITCH spoke.
    pub(super) fn is_from_freeswitch(&self) -> bool {
        self.dir == "freeswitch->daemon"
    }
}

impl Conversation {
    /// What FreeSWITCH said, in its recorded reads.
    pub(super) fn reads(&self) -> impl Iterator<Item = &[u8]> {
        self.turns.iter().filter(|turn| turn.is_from_freeswitch()).map(|turn| turn.data.as_bytes())
    }
}

/// Every recorded conversation.
pub(super) fn conversations() -> Vec<Conversation> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/freeswitch/wire");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let conversations: Vec<_> = files
        .iter()
        .map(|path| Conversation {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            turns: std::fs::read_to_string(path)
                .unwrap()
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
        })
        .collect();
    assert_eq!(conversations.len(), 10, "the recorded conversations are there");
    conversations
}

/// The conversation of that name.
pub(super) fn conversation(name: &str) -> Conversation {
    conversations().into_iter().find(|conversation| conversation.name == name).unwrap()
}

/// Decodes what arrives in these pieces; a message or the error that ended it.
pub(super) fn decode<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Message>, Option<String>) {
    let (mut codec, mut buffer, mut messages) = (Codec::default(), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error.to_string())),
            }
        }
    }
    match codec.decode_eof(&mut buffer) {
        Ok(Some(message)) => messages.push(message),
        Ok(None) => {}
        Err(error) => return (messages, Some(error.to_string())),
    }
    (messages, None)
}

/// Everything that can be read from a message, so that two can be compared.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(super) struct Plain {
    pub(super) envelope: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) fields: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    pub(super) event_body: Option<Vec<u8>>,
}

impl From<&Message> for Plain {
    fn from(message: &Message) -> Self {
        let owned = |(name, value): (&[u8], hotdeskd::event_socket::Value<'_>)| {
            (name.to_vec(), value.bytes().into_owned())
        };
        Self {
            envelope: message.headers().map(owned).collect(),
            fields: message.fields().map(owned).collect(),
            body: message.body().to_vec(),
            event_body: message.event_body().map(<[u8]>::to_vec),
        }
    }
}
