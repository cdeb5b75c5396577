//! Where a message begins and ends: tokio-util's `Decoder` and `Encoder`, without IO.
//!
//! The decoder remembers how far it has looked, so a message that arrives byte by byte costs no more than one that
//! arrives whole. It owns no buffer and never asks for more than 64 KiB at a time, whatever length a header announces.

use bytes::{Buf, BytesMut};
use memchr::memchr;
use tokio_util::codec::{Decoder, Encoder};

use super::command::Command;
use super::message::{self, Message};
use super::parse::{self, Field};

/// The largest message that is taken, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Header block with its blank line; 1 MiB unless told. The reply to `connect` is one block and can pass 64 KiB.
    pub headers: u32,
    /// Body; 16 MiB unless told, which is FreeSWITCH's own limit.
    pub body: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { headers: 1 << 20, body: 16 << 20 }
    }
}

/// Why a stream of bytes is no stream of messages. The connection has to be closed after any of them.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A header block longer than [`Limits::headers`].
    #[error("a header block is longer than {limit} bytes")]
    HeadersTooLong {
        /// What was allowed.
        limit: u32,
    },
    /// A body longer than [`Limits::body`] was announced.
    #[error("a body of {length} bytes was announced, {limit} are allowed")]
    BodyTooLong {
        /// What was announced.
        length: usize,
        /// What was allowed.
        limit: u32,
    },
    /// A `Content-Length` that is no number, or two that differ: where the next message begins cannot be known.
    #[error("the length of a body cannot be told from its Content-Length")]
    ContentLength,
    /// The stream ended inside a message.
    #[error("the stream ended inside a message")]
    Truncated,
    /// The stream itself failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Takes messages of FreeSWITCH from a buffer, and puts commands into one.
#[derive(Debug, Default)]
pub struct Codec {
    limits: Limits,
    state: State,
}

/// How far the decoder is in the message at the front of the buffer.
#[derive(Debug)]
enum State {
    /// In the header block: the current line begins at `line`; up to `seen` there is no further line end.
    Headers { line: usize, seen: usize },
    /// The block is known, the body not all there.
    Body { envelope: Vec<Field>, start: usize, length: usize },
}

impl Default for State {
    fn default() -> Self {
        Self::Headers { line: 0, seen: 0 }
    }
}

/// How many bytes the decoder asks for at most, whatever a header announces.
const LARGEST_RESERVE: usize = 64 * 1024;

impl Codec {
    /// A codec with limits of one's own.
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: State::default() }
    }

    /// Looks for the blank line. `Ok(Some(n))`: the block is the first `n` bytes.
    fn find_block(&mut self, buffer: &mut BytesMut) -> Result<Option<usize>, WireError> {
        let State::Headers { line, seen } = &mut self.state else {
            return Ok(None);
        };
        let limit = self.limits.headers as usize;
        while let Some(found) = buffer.get(*seen..).and_then(|new| memchr(b'\n', new)) {
            let end = *seen + found;
            let blank = matches!(buffer.get(*line..end), Some(b"" | b"\r"));
            if blank && *line == 0 {
                // A blank line before the message: FreeSWITCH itself takes and sends such freely.
                buffer.advance(end + 1);
                *seen = 0;
                continue;
            }
            if end >= limit {
                break;
            }
            *line = end + 1;
            *seen = end + 1;
            if blank {
                return Ok(Some(end + 1));
            }
        }
        *seen = buffer.len();
        if buffer.len() > limit {
            return Err(WireError::HeadersTooLong { limit: self.limits.headers });
        }
        Ok(None)
    }

    /// The length of the body that a header block announces, in bytes.
    fn body_length(&self, block: &[u8], envelope: &[Field]) -> Result<usize, WireError> {
        if message::is_connect_reply(block, envelope) {
            return Ok(0);
        }
        let mut length = None;
        for field in envelope {
            if !field.name(block).eq_ignore_ascii_case(b"Content-Length") {
                continue;
            }
            let said = parse::number(field.value(block)).ok_or(WireError::ContentLength)?;
            if length.is_some_and(|before| before != said) {
                return Err(WireError::ContentLength);
            }
            length = Some(said);
        }
        let length = length.unwrap_or(0);
        if length > self.limits.body as usize {
            return Err(WireError::BodyTooLong { length, limit: self.limits.body });
        }
        Ok(length)
    }
}

impl Decoder for Codec {
    type Item = Message;
    type Error = WireError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, WireError> {
        if let Some(start) = self.find_block(buffer)? {
            let mut envelope = Vec::new();
            let block = buffer.get(..start).unwrap_or_default();
            parse::block(block, 0, &mut envelope);
            let length = self.body_length(block, &envelope)?;
            self.state = State::Body { envelope, start, length };
        }
        let State::Body { envelope, start, length } = &mut self.state else {
            return Ok(None);
        };
        let total = *start + *length;
        if buffer.len() < total {
            buffer.reserve((total - buffer.len()).min(LARGEST_RESERVE));
            return Ok(None);
        }
        let (envelope, start) = (std::mem::take(envelope), *start);
        self.state = State::default();
        let bytes = buffer.split_to(total).freeze();
        Ok(Some(Message::assemble(bytes, envelope, start)))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, WireError> {
        match self.decode(buffer)? {
            Some(message) => Ok(Some(message)),
            None if buffer.is_empty() => Ok(None),
            None => Err(WireError::Truncated),
        }
    }
}

impl Encoder<&Command> for Codec {
    type Error = WireError;

    fn encode(&mut self, command: &Command, buffer: &mut BytesMut) -> Result<(), WireError> {
        command.encode(buffer);
        Ok(())
    }
}
