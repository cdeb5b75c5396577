//! A FreeSWITCH that answers what a test wants it to.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A FreeSWITCH that answers what it is told to, and remembers what it was asked.
pub(super) struct Scripted {
    stream: TcpStream,
    buffer: String,
    pub(super) asked: Vec<String>,
}

impl Scripted {
    pub(super) async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();
        let mut peer = Self { stream, buffer: String::new(), asked: Vec::new() };
        peer.say("Content-Type: auth/request\n\n").await;
        peer
    }

    pub(super) async fn say(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes()).await;
    }

    /// The next command, without its end; `None` when the other side has left.
    async fn command(&mut self) -> Option<String> {
        loop {
            if let Some((command, rest)) = self.buffer.split_once("\n\n") {
                let command = command.to_owned();
                self.buffer = rest.trim_start_matches('\n').to_owned();
                self.asked.push(command.clone());
                return Some(command);
            }
            let mut bytes = [0; 4096];
            let count = timeout(DEADLINE, self.stream.read(&mut bytes)).await.unwrap().unwrap_or(0);
            if count == 0 {
                return None;
            }
            self.buffer.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
    }

    /// Answers until the other side leaves or `enough` says so: commands with `+OK`, questions by `answers`.
    pub(super) async fn serve(
        &mut self,
        answers: impl Fn(&str) -> String,
        enough: impl Fn(&str) -> bool,
    ) {
        while let Some(command) = self.command().await {
            let mut lines = command.lines();
            let first = lines.next().unwrap_or_default();
            if let Some(question) = first.strip_prefix("api ") {
                let answer = answers(question);
                let length = answer.len();
                self.say(&format!(
                    "Content-Type: api/response\nContent-Length: {length}\n\n{answer}"
                ))
                .await;
            } else if let Some(question) = first.strip_prefix("bgapi ") {
                let job =
                    lines.find_map(|line| line.strip_prefix("Job-UUID: ")).unwrap().to_owned();
                let answer = answers(question);
                let event = format!(
                    "Event-Name: BACKGROUND_JOB\nJob-UUID: {job}\nContent-Length: {}\n\n{answer}",
                    answer.len()
                );
                self.say(&format!("Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n")).await;
                self.say(&format!(
                    "Content-Length: {}\nContent-Type: text/event-plain\n\n{event}",
                    event.len()
                ))
                .await;
            } else {
                self.say("Content-Type: command/reply\nReply-Text: +OK\n\n").await;
            }
            if enough(&command) {
                return;
            }
        }
    }

    pub(super) fn sent_a_notify(&self) -> bool {
        self.asked.iter().any(|command| command.starts_with("sendevent"))
    }
}

fn one_registration() -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<profile>\n  <registrations>\n    <registration>\n\
         \x20       <call-id>c1</call-id>\n        <user>{ONE}@hotdesk.test</user>\n    </registration>\n\
         \x20 </registrations>\n</profile>\n"
    )
}

pub(super) fn usual(question: &str) -> String {
    match question {
        "version" => "FreeSWITCH Version 1.11\n".into(),
        "show channels as json" => "{\"row_count\": 0}\n".into(),
        question if question.starts_with("sofia xmlstatus") => one_registration(),
        question if question.starts_with("vm_boxcount") => "0:0:0:0".into(),
        _ => "-ERR no reply\n".into(),
    }
}
