//! What a session knows of its call: which applications run, and how the call stands. No IO, never waits.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::link::{Leave, Watch};
use super::super::message::Message;
use super::super::uuid::Uuid;
use super::super::{Disconnected, ExecuteError};

/// How long FreeSWITCH may take to tell the rest after the hang-up, and we to get the replies that are out.
const GRACE: Duration = Duration::from_secs(2);

/// How an application ended.
pub(in crate::event_socket) type End = Result<Message, ExecuteError>;

/// One application that FreeSWITCH was told to run.
struct Running {
    uuid: Uuid,
    /// Rounds that are still to come.
    rounds: u32,
    locked: bool,
    /// The last round that ended.
    last: Option<Message>,
    end: oneshot::Sender<End>,
}

/// The state of a call.
pub(in crate::event_socket) struct Call {
    /// `Unique-ID` as it stands in the events, once known.
    unique_id: Option<Box<[u8]>>,
    running: Vec<Running>,
    hangup: Option<String>,
    leave: Leave,
    linger: Duration,
}

impl Call {
    pub(in crate::event_socket) fn new(linger: Duration) -> Self {
        Self { unique_id: None, running: Vec::new(), hangup: None, leave: Leave::Stay, linger }
    }

    /// `Hangup-Cause`, once the call is over.
    pub(in crate::event_socket) fn hangup_cause(&self) -> Option<String> {
        self.hangup.clone()
    }

    /// How many applications FreeSWITCH still has.
    pub(in crate::event_socket) fn running(&self) -> usize {
        self.running.len()
    }

    /// Notes an application that is about to be written.
    pub(in crate::event_socket) fn begin(
        &mut self,
        uuid: Uuid,
        rounds: u32,
        locked: bool,
    ) -> oneshot::Receiver<End> {
        let (end, receiver) = oneshot::channel();
        self.running.push(Running { uuid, rounds, locked, last: None, end });
        receiver
    }

    /// The last round of an application that has not had all of them.
    pub(in crate::event_socket) fn last_round(&mut self, uuid: Uuid) -> Option<Message> {
        self.running.iter_mut().find(|running| running.uuid == uuid)?.last.take()
    }

    /// An application has ended, or a round of it. An id that is not ours (that of `socket` itself, of a nested or a
    /// loopback application) means nothing to us.
    fn complete(&mut self, message: Message) {
        let uuid = message.field("Application-UUID").and_then(|id| Uuid::parse(id.raw()));
        let Some(at) =
            uuid.and_then(|uuid| self.running.iter().position(|running| running.uuid == uuid))
        else {
            return;
        };
        self.finish_stopped_loops(at);
        // The position may have moved.
        let Some(at) =
            uuid.and_then(|uuid| self.running.iter().position(|running| running.uuid == uuid))
        else {
            return;
        };
        if let Some(running) = self.running.get_mut(at)
            && running.rounds > 1
        {
            running.rounds -= 1;
            running.last = Some(message);
            return;
        }
        drop(self.running.remove(at).end.send(Ok(message)));
    }

    /// Behind an event-lock applications end one after the other, so a loop that stands before one that has ended was
    /// stopped by FreeSWITCH.
    fn finish_stopped_loops(&mut self, before: usize) {
        if !self.running.get(before).is_some_and(|running| running.locked) {
            return;
        }
        let mut at = 0;
        let mut end = before;
        while at < end {
            let stopped = self
                .running
                .get_mut(at)
                .filter(|running| running.locked)
                .and_then(|running| running.last.take());
            match stopped {
                Some(last) => {
                    drop(self.running.remove(at).end.send(Ok(last)));
                    end -= 1;
                }
                None => at += 1,
            }
        }
    }

    /// The call is over: nothing that was queued will ever end.
    fn hang_up(&mut self, message: &Message) {
        if self.hangup.is_none() {
            let cause = message.field("Hangup-Cause").map(|cause| cause.text().into_owned());
            self.over(&cause.unwrap_or_else(|| "NONE".to_owned()));
        }
    }

    fn over(&mut self, cause: &str) {
        self.hangup = Some(cause.to_owned());
        for running in std::mem::take(&mut self.running) {
            let cause = cause.to_owned();
            drop(running.end.send(Err(ExecuteError::HungUp { cause })));
        }
    }

    /// Whether an event is about this call and not about another leg.
    fn is_own(&self, message: &Message) -> bool {
        match (&self.unique_id, message.field("Unique-ID")) {
            (Some(own), Some(other)) => **own == *other.raw(),
            _ => true,
        }
    }
}

impl Watch for Call {
    fn connected(&mut self, reply: &Message) {
        self.unique_id = reply.field("Unique-ID").map(|id| id.raw().into());
    }

    fn event(&mut self, message: Message) {
        let Some(name) = message.event_name().filter(|_| self.is_own(&message)) else {
            return;
        };
        match &*name {
            "CHANNEL_EXECUTE_COMPLETE" => {
                drop(name);
                self.complete(message);
            }
            "CHANNEL_HANGUP" => {
                self.hang_up(&message);
                if self.leave == Leave::Stay {
                    // Should the rest be lost, we go when FreeSWITCH would.
                    self.leave = Leave::At(Instant::now() + self.linger + GRACE);
                }
            }
            "CHANNEL_HANGUP_COMPLETE" => {
                self.hang_up(&message);
                self.leave = Leave::Done(Instant::now() + GRACE);
            }
            _ => {}
        }
    }

    fn refused(&mut self, uuid: Uuid, reply: &str) {
        if let Some(at) = self.running.iter().position(|running| running.uuid == uuid) {
            let reply = reply.to_owned();
            drop(self.running.remove(at).end.send(Err(ExecuteError::Refused { reply })));
        }
    }

    /// The notice can come before or after `CHANNEL_HANGUP`, and it means the same.
    fn lingers(&mut self) {
        if !matches!(self.leave, Leave::Done(_)) {
            self.leave = Leave::At(Instant::now() + GRACE);
        }
    }

    fn ended(&mut self, why: &Disconnected) {
        for running in std::mem::take(&mut self.running) {
            drop(running.end.send(Err(ExecuteError::Disconnected(why.clone()))));
        }
    }

    fn leave(&self) -> Leave {
        self.leave
    }
}
