//! Somebody else at FreeSWITCH's event socket, who sees the events of every call.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Keeps every event, in its plain form.
pub struct Observer {
    events: Arc<Mutex<Vec<String>>>,
}

impl Observer {
    pub async fn start(freeswitch: SocketAddr, password: &str, events: &str) -> Self {
        let mut stream = BufReader::new(TcpStream::connect(freeswitch).await.unwrap());
        let commands = format!("auth {password}\n\nevent plain {events}\n\n");
        stream.write_all(commands.as_bytes()).await.unwrap();
        // The greeting, and the answers to both.
        for _ in 0..3 {
            message(&mut stream).await.unwrap();
        }
        let kept: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&kept);
        tokio::spawn(async move {
            while let Some(event) = message(&mut stream).await {
                seen.lock().unwrap().push(event);
            }
        });
        Self { events: kept }
    }

    pub fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }
}

/// The value of a header of an event.
pub fn header<'a>(event: &'a str, name: &str) -> Option<&'a str> {
    event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The body of the next message, or its head where it has none.
async fn message(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().ok()?;
        }
        if line == "\n" {
            break;
        }
        head.push_str(&line);
    }
    if length == 0 {
        return Some(head);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    String::from_utf8(body).ok()
}
