//! A socket with the decoder in front of it. While nothing is there to read, no memory is held for reading.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio_util::codec::Decoder;

use super::codec::{Codec, Limits};
use super::message::Message;
use super::{Disconnected, WireError};

/// How many bytes are read at once.
const READ: usize = 8 * 1024;

/// A socket, its decoder, and what was read and not yet decoded.
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    codec: Codec,
    buffer: BytesMut,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, limits: Limits) -> Self {
        Self { stream, codec: Codec::new(limits), buffer: BytesMut::new() }
    }

    /// Reads what is there, at most [`READ`] bytes and what the decoder still needs. The end of the stream is an error.
    pub(super) fn read_some(&mut self) -> Result<(), Disconnected> {
        self.buffer.reserve(READ);
        let read = self.stream.try_read_buf(&mut self.buffer);
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        match read {
            Ok(0) => Err(Disconnected::Closed),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(Disconnected::Io(error.kind())),
        }
    }

    /// The next message that is whole.
    pub(super) fn take(&mut self) -> Result<Option<Message>, Disconnected> {
        let taken = self.codec.decode(&mut self.buffer).map_err(|error| match error {
            WireError::Io(error) => Disconnected::Io(error.kind()),
            error => Disconnected::Garbled { reason: error.to_string() },
        })?;
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        Ok(taken)
    }

    /// Waits for the next message. Safe to drop.
    pub(super) async fn next(&mut self) -> Result<Message, Disconnected> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(message);
            }
            let readable = self.stream.readable().await;
            readable.map_err(|error| Disconnected::Io(error.kind()))?;
            self.read_some()?;
        }
    }
}

/// No waiting to fill packets; and a peer whose host is gone is noticed after about a minute.
pub(super) fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
