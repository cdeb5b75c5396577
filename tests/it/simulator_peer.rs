//! A hand-written other end for the simulator: reads FreeSWITCH's messages, writes whatever it likes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub const DEADLINE: Duration = Duration::from_secs(20);

/// Headers as text, and the body.
pub type Message = (String, String);

/// A socket.
pub struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Cuts the first whole message off.
pub fn cut(buffer: &mut Vec<u8>) -> Option<Message> {
    let end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let length = match head.starts_with("Event-Name") {
        true => 0,
        false => head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .map_or(0, |length| length.parse().unwrap()),
    };
    let body = buffer.get(end + 2..end + 2 + length)?;
    let body = String::from_utf8_lossy(body).into_owned();
    buffer.drain(..end + 2 + length);
    Some((head, body))
}

impl Peer {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub async fn send(&mut self, text: &str) {
        // What was closed on the other side shows at the next read.
        let _ = self.stream.write_all(text.as_bytes()).await;
    }

    /// The next message; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Message> {
        timeout(DEADLINE, async {
            loop {
                if let Some(message) = cut(&mut self.buffer) {
                    return Some(message);
                }
                let mut chunk = [0; 4096];
                match self.stream.read(&mut chunk).await {
                    Ok(count) if count > 0 => self.buffer.extend_from_slice(&chunk[..count]),
                    _ => return None,
                }
            }
        })
        .await
        .expect("a message within the deadline")
    }

    /// Sends a command and gives the text of its reply, or its body when it has one.
    pub async fn ask(&mut self, command: &str) -> String {
        self.send(&format!("{command}\n\n")).await;
        self.reply().await
    }

    /// The next reply.
    pub async fn reply(&mut self) -> String {
        loop {
            let (head, body) = self.next().await.expect("a reply");
            if head.starts_with("Content-Type: api/response") {
                return body;
            }
            if let Some(text) = head.strip_prefix("Content-Type: command/reply\nReply-Text: ") {
                return text.to_owned();
            }
            let between =
                head.contains("text/event") || head.contains("Content-Disposition: linger");
            assert!(between, "a reply, an event or the notice: {head}");
        }
    }

    /// Queues an application with event-lock, without waiting for the reply.
    pub async fn execute(&mut self, application: &str, argument: &str) {
        self.send(&format!(
            "sendmsg\ncall-command: execute\nexecute-app-name: {application}\nevent-lock: true\ncontent-type: text/plain\ncontent-length: {}\n\n{argument}\n",
            argument.len()
        ))
        .await;
    }

    /// Reads on to the event of that name whose body holds `with`.
    pub async fn event(&mut self, name: &str, with: &str) -> String {
        loop {
            let (head, body) = self.next().await.expect("an event");
            let named = body.lines().any(|line| line == format!("Event-Name: {name}"));
            if head.contains("text/event") && named && body.contains(with) {
                return body;
            }
        }
    }

    /// Everything up to the end of the stream.
    pub async fn until_end(&mut self) -> Vec<Message> {
        let mut all = Vec::new();
        while let Some(message) = self.next().await {
            all.push(message);
        }
        all
    }
}
