//! Commands of the event socket: `parse_command` of `mod_event_socket.c`.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::oneshot;

use super::super::channel::Message;
use super::super::event::Event;
use super::super::node::Node;
use super::super::packet::{Packet, leading_number};
use super::subscription::Format;
use super::{Kind, Linger, Listener};

/// More tasks than this and `bgapi` is refused.
const MAX_TASKS: usize = 20_000;
/// FreeSWITCH's buffer for a reply, with its final NUL.
const REPLY: usize = 512;

impl Listener {
    /// Carries out a command and gives the whole reply, empty when the command has answered by
    /// itself; `None` closes the connection.
    pub(super) async fn command(&mut self, packet: &Packet) -> Option<String> {
        let line = packet.command().to_owned();
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("exit") || lower.starts_with("...") {
            self.running = false;
            return Some(reply("+OK bye"));
        }
        if let Some(answer) = self.authenticate(&line, &lower) {
            return Some(answer);
        }
        if let Some(answer) = self.anywhere(&line, &lower) {
            return Some(answer);
        }
        if let Kind::Outbound { full, .. } = &self.kind {
            let full = *full;
            if let Some(answer) = self.own_call(packet, &line, &lower).await {
                return answer;
            }
            // Without `full` nothing else exists.
            if !full {
                return Some(not_found());
            }
        } else if lower.starts_with("sendmsg") {
            return Some(self.send_message_to(packet, argument(&line)));
        }
        self.with_control(packet, &line, &lower).await
    }

    /// The inbound socket's first command. `Some` ends the handling.
    fn authenticate(&mut self, line: &str, lower: &str) -> Option<String> {
        let Kind::Inbound { authed } = &mut self.kind else {
            return None;
        };
        if *authed {
            return None;
        }
        if !lower.starts_with("auth ") {
            return Some(reply("-ERR command not found"));
        }
        *authed = argument(line) == self.node.settings.event_socket_password.expose_secret();
        if *authed {
            Some(reply("+OK accepted"))
        } else {
            self.running = false;
            Some(reply("-ERR invalid"))
        }
    }

    /// Commands that no control is needed for.
    fn anywhere(&self, line: &str, lower: &str) -> Option<String> {
        if lower.starts_with("filter") {
            return Some(self.filter(argument(line)));
        }
        if lower.starts_with("divert_events") {
            let on = argument(lower).starts_with("on");
            return Some(reply(if on { "+OK events diverted" } else { "+OK events not diverted" }));
        }
        None
    }

    /// `filter [add] NAME VALUE` and `filter delete NAME [VALUE]`.
    fn filter(&self, words: &str) -> String {
        let mut wishes = self.subscription.wishes();
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        let (name, value) = match verb {
            "add" | "delete" => rest.split_once(' ').unwrap_or((rest, "")),
            name => (name, rest),
        };
        if name.is_empty() {
            return reply("-ERR invalid syntax");
        }
        if verb == "delete" {
            wishes.delete_filter(name, value);
            return reply(&format!("+OK filter deleted. [{name}][{value}]"));
        }
        if value.is_empty() {
            return reply("-ERR invalid syntax");
        }
        wishes.filter(name, value);
        reply(&format!("+OK filter added. [{name}]=[{value}]"))
    }

    /// What an outbound socket may do to its own call. The outer `None`: no such command; the inner:
    /// the connection closes.
    async fn own_call(
        &mut self,
        packet: &Packet,
        line: &str,
        lower: &str,
    ) -> Option<Option<String>> {
        let Kind::Outbound { channel, full, is_async, .. } = &self.kind else {
            return None;
        };
        let (channel, full, is_async) = (Arc::clone(channel), *full, *is_async);
        if lower.starts_with("connect") {
            let text = channel.connect_reply(&self.node, is_async, full);
            if !self.write(&text, "").await {
                return Some(None);
            }
            channel.update(|state| state.connected = true);
            return Some(Some(String::new()));
        }
        if lower.starts_with("getvar") {
            return Some(Some(getvar(channel.value(argument(line)))));
        }
        if lower.starts_with("resume") {
            channel.set("socket_resume", Some("true"));
            return Some(Some(reply("+OK")));
        }
        if lower.starts_with("myevents") {
            return Some(Some(self.my_events(packet, &channel.uuid)));
        }
        if !lower.starts_with("sendmsg") {
            return None;
        }
        let target = argument(line);
        if !target.is_empty() && target != channel.uuid {
            return Some(Some(self.send_message_to(packet, target)));
        }
        let (done, carried_out) = oneshot::channel();
        let message = Message { packet: packet.clone(), done: (!is_async).then_some(done) };
        if !channel.queue(message) {
            return Some(None);
        }
        if !is_async {
            // The answer comes after the application; a call that has gone answers at once.
            let _ = carried_out.await;
        }
        Some(Some(reply("+OK")))
    }

    fn my_events(&self, packet: &Packet, uuid: &str) -> String {
        let mut wishes = self.subscription.wishes();
        if wishes.only.is_some() {
            return reply("-ERR aready enabled.");
        }
        // FreeSWITCH looks for the word anywhere in the packet.
        wishes.format = if packet.block.contains("json") { Format::Json } else { Format::Plain };
        wishes.my_events(uuid);
        reply("+OK Events Enabled")
    }

    /// `sendmsg UUID`.
    fn send_message_to(&self, packet: &Packet, uuid: &str) -> String {
        match self.node.channel(uuid) {
            Some(channel) => {
                let message = Message { packet: packet.clone(), done: None };
                reply(if channel.queue(message) { "+OK" } else { "-ERR memory error" })
            }
            None => reply(&format!("-ERR invalid session id [{uuid}]")),
        }
    }

    /// What needs `full`, or the inbound socket.
    async fn with_control(&mut self, packet: &Packet, line: &str, lower: &str) -> Option<String> {
        let words: Vec<&str> = argument(line).split(' ').filter(|word| !word.is_empty()).collect();
        Some(match lower.split(' ').next().unwrap_or_default() {
            "sendevent" => self.send_event(packet, argument(line)),
            "api" => {
                let owner = self.owner();
                let (command, rest) = split_api(argument(line));
                let mut answer = self.node.api(command, rest, &owner).await;
                if answer.is_empty() {
                    "-ERR no reply\n".clone_into(&mut answer);
                }
                let head =
                    format!("Content-Type: api/response\nContent-Length: {}\n\n", answer.len());
                return self.write(&head, &answer).await.then(String::new);
            }
            "bgapi" => self.background(packet, argument(line)),
            "linger" | "nolinger" => self.set_linger(lower),
            "event" => self.subscribe(&words),
            "nixevent" => {
                self.subscription.wishes().remove(&words);
                reply("+OK events nixed")
            }
            "noevents" => {
                self.subscription.wishes().remove_all();
                reply("+OK no longer listening for events")
            }
            "log" => reply(&format!("+OK log level {} [7]", words.first().unwrap_or(&"debug"))),
            "nolog" => reply("+OK no longer logging"),
            "myevents" => match words.first() {
                Some(uuid) if self.node.channel(uuid).is_some() => self.my_events(packet, uuid),
                _ => reply("-ERR invalid uuid"),
            },
            _ => not_found(),
        })
    }

    fn owner(&self) -> String {
        match &self.kind {
            Kind::Outbound { channel, .. } => channel.uuid.clone(),
            Kind::Inbound { .. } => String::new(),
        }
    }

    fn subscribe(&self, words: &[&str]) -> String {
        let mut wishes = self.subscription.wishes();
        let (format, words) = match words {
            ["plain", rest @ ..] => (Some((Format::Plain, "plain")), rest),
            ["json", rest @ ..] => (Some((Format::Json, "json")), rest),
            rest => (None, rest),
        };
        if !wishes.add(words) {
            return reply("-ERR no keywords supplied");
        }
        let (format, name) = format.unwrap_or((wishes.format, "plain"));
        wishes.format = format;
        reply(&format!("+OK event listener enabled {name}"))
    }

    fn set_linger(&mut self, lower: &str) -> String {
        let Kind::Outbound { linger, .. } = &mut self.kind else {
            return reply("-ERR not controlling a session");
        };
        if lower.starts_with("nolinger") {
            *linger = Linger::No;
            return reply("+OK will not linger");
        }
        let seconds = leading_number(argument(lower));
        if seconds == 0 {
            *linger = Linger::For(None);
            return reply("+OK will linger");
        }
        *linger = Linger::For(Some(Duration::from_secs(seconds as u64)));
        reply(&format!("+OK will linger {seconds} seconds"))
    }

    /// `sendevent NAME`: NOTIFY goes to phones; anything is fired.
    fn send_event(&self, packet: &Packet, name: &str) -> String {
        let uuid = self.node.uuid();
        if name.eq_ignore_ascii_case("NOTIFY") {
            self.node.send_notify(&packet.headers, packet.body.as_deref());
        }
        let mut event = Event::new(vec![("Event-Name".to_owned(), name.to_ascii_uppercase())]);
        event.extend(packet.headers.iter().cloned());
        event.push("Event-UUID", uuid.clone());
        if let Some(body) = &packet.body {
            event = event.with_body(body.clone());
        }
        self.node.fire(event);
        reply(&format!("+OK {uuid}"))
    }

    /// `bgapi`: the answer comes later, as a `BACKGROUND_JOB` event.
    fn background(&self, packet: &Packet, line: &str) -> String {
        if self.node.tasks.len() > MAX_TASKS {
            return reply("-ERR bgapi failed");
        }
        let job = packet.get("Job-UUID").map_or_else(|| self.node.uuid(), str::to_owned);
        let (command, rest) = split_api(line);
        let (command, rest) = (command.to_owned(), rest.to_owned());
        let (node, owner, id) = (Arc::clone(&self.node), self.owner(), job.clone());
        let stop = self.node.stop.clone();
        self.node.tasks.spawn(async move {
            tokio::select! {
                () = run_job(&node, &id, &command, &rest, &owner) => {}
                () = stop.cancelled() => {}
            }
        });
        format!("Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n")
    }
}

async fn run_job(node: &Node, job: &str, command: &str, rest: &str, owner: &str) {
    let mut answer = node.api(command, rest, owner).await;
    if answer.is_empty() {
        "-ERR no reply\n".clone_into(&mut answer);
    }
    let mut event = node.event("BACKGROUND_JOB", ("mod_event_socket.c", "api_exec", 1572));
    event.push("Job-UUID", job);
    if !owner.is_empty() {
        event.push("Job-Owner-UUID", owner);
    }
    event.push("Job-Command", command);
    if !rest.is_empty() {
        event.push("Job-Command-Arg", rest);
    }
    node.fire(event.with_body(answer));
}

/// What follows the first word.
fn argument(line: &str) -> &str {
    line.split_once(' ').map_or("", |(_, rest)| rest.trim())
}

fn split_api(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

/// A command's reply; cut where FreeSWITCH's buffer ends.
fn reply(text: &str) -> String {
    let mut end = text.len().min(REPLY - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    format!("Content-Type: command/reply\nReply-Text: {text}\n\n")
}

fn not_found() -> String {
    reply("-ERR command not found")
}

/// The traps of `getvar`: unset looks like an unknown command; a value that starts with `~` is copied
/// as headers, without an end; newlines split the reply.
fn getvar(value: Option<String>) -> String {
    match value {
        None => not_found(),
        Some(value) => match value.strip_prefix('~') {
            Some(raw) => format!("Content-Type: command/reply\n{raw}"),
            None => reply(&value),
        },
    }
}
