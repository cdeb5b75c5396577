//! One connection, either way: who waits for which reply.
//!
//! Handles put commands into [`State`] under a lock that nobody holds across an await: place in line and bytes enter
//! together, so the order of replies is the order of the line. A caller who goes away leaves its place in line, and the
//! reply that comes for it is dropped. What is no reply goes to a [`Watch`], which never waits. The task that reads and
//! writes is in `owner`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::command::{Api, Command, Subscription};
use super::message::{Kind, Message};
use super::uuid::Uuid;
use super::{CommandError, Disconnected};

/// How many commands may wait for their replies.
const MOST_REPLIES: usize = 256;
/// How many background jobs may run.
const MOST_JOBS: usize = 64;
/// How many bytes may wait to be written.
const MOST_OUTPUT: usize = 1 << 20;

/// What a waiter gets.
pub(super) type Answer = Result<Message, CommandError>;

/// What the room's two kinds of connection do with what comes unasked. Nothing here may block.
pub(super) trait Watch: Send + 'static {
    /// The reply to `connect`.
    fn connected(&mut self, reply: &Message);
    /// An event, or a message of a kind that nobody asked for.
    fn event(&mut self, message: Message);
    /// An application was refused.
    fn refused(&mut self, uuid: Uuid, reply: &str);
    /// FreeSWITCH says that the call is over and that it lingers.
    fn lingers(&mut self);
    /// The connection is over.
    fn ended(&mut self, why: &Disconnected);
    /// When to say `exit` of our own accord.
    fn leave(&self) -> Leave;
}

/// When a connection says `exit` of its own accord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// Not as long as somebody holds it.
    Stay,
    /// At that time.
    At(Instant),
    /// As soon as every reply is there, and at that time at the latest.
    Done(Instant),
}

/// What kind of reply a command has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    Connect,
    Command,
    Api,
}

/// Who gets a reply.
pub(super) enum To {
    Nobody,
    Waiter(oneshot::Sender<Answer>),
    /// The start of an application: only a refusal is news.
    Execute(Uuid),
    /// The start of a background job: only a refusal is news.
    Job(Uuid),
}

/// What handles and owner share.
pub(super) struct Link<W> {
    state: Mutex<State<W>>,
    /// Wakes the owner.
    wake: Notify,
    /// Tells everybody who watches that something has come.
    changed: Notify,
}

/// The line of replies, the jobs, what is to be written, and how it stands.
pub(super) struct State<W> {
    out: BytesMut,
    line: VecDeque<(Expect, To)>,
    jobs: Vec<(Uuid, oneshot::Sender<Answer>)>,
    hears_jobs: bool,
    leaving: bool,
    ended: Option<Disconnected>,
    pub(super) watch: W,
}

impl<W: Watch> Link<W> {
    pub(super) fn new(watch: W) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                out: BytesMut::new(),
                line: VecDeque::new(),
                jobs: Vec::new(),
                hears_jobs: false,
                leaving: false,
                ended: None,
                watch,
            }),
            wake: Notify::new(),
            changed: Notify::new(),
        })
    }

    /// The state. A panic elsewhere leaves it usable: every change is complete before anything that could panic.
    pub(super) fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a command in line and has it written.
    pub(super) fn send(
        &self,
        command: &Command,
        expect: Expect,
        to: To,
    ) -> Result<(), CommandError> {
        self.state().put(command, expect, to)?;
        self.wake.notify_one();
        Ok(())
    }

    /// Puts a command in line; the receiver gets its reply.
    pub(super) fn ask(
        &self,
        command: &Command,
        expect: Expect,
    ) -> Result<oneshot::Receiver<Answer>, CommandError> {
        let (sender, receiver) = oneshot::channel();
        self.send(command, expect, To::Waiter(sender))?;
        Ok(receiver)
    }

    /// Starts a background job under an id of ours; the receiver gets the event with its output. The first job also
    /// subscribes to the event, in the same write.
    pub(super) fn start_job(&self, api: Api) -> Result<oneshot::Receiver<Answer>, CommandError> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        if let Some(ended) = &state.ended {
            return Err(ended.clone().into());
        }
        state.jobs.retain(|(_, sender)| !sender.is_closed());
        if state.jobs.len() >= MOST_JOBS {
            return Err(CommandError::TooMany);
        }
        if !state.hears_jobs {
            let subscription = Subscription::events(&["BACKGROUND_JOB"]);
            state.put(&Command::Subscribe(subscription), Expect::Command, To::Nobody)?;
            state.hears_jobs = true;
        }
        let uuid = Uuid::random();
        state.put(&Command::BgApi(uuid, api), Expect::Command, To::Job(uuid))?;
        state.jobs.push((uuid, sender));
        drop(state);
        self.wake.notify_one();
        Ok(receiver)
    }

    /// Wakes the owner.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Has the owner say `exit` and close.
    pub(super) fn leave(&self) {
        self.state().leaving = true;
        self.wake.notify_one();
    }

    /// Waits until `look` finds something in the state. Safe to drop.
    pub(super) async fn until<T>(&self, mut look: impl FnMut(&mut State<W>) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that no change falls in between.
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.state()) {
                return found;
            }
            changed.await;
        }
    }

    /// Waits for the end of the connection.
    pub(super) async fn ended(&self) -> Disconnected {
        self.until(|state| state.ended.clone()).await
    }

    /// Waits until a handle has something to be written.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Takes one message in.
    pub(super) fn receive(&self, message: Message) -> Result<(), Disconnected> {
        self.state().receive(message)?;
        self.changed.notify_waiters();
        Ok(())
    }

    /// Tells everybody that it is over.
    pub(super) fn end(&self, why: Disconnected) {
        self.state().end(why);
        self.changed.notify_waiters();
    }
}

impl<W: Watch> State<W> {
    /// Why the connection is over, if it is.
    pub(super) fn why_ended(&self) -> Option<&Disconnected> {
        self.ended.as_ref()
    }

    /// Place in line and bytes, together.
    pub(super) fn put(
        &mut self,
        command: &Command,
        expect: Expect,
        to: To,
    ) -> Result<(), CommandError> {
        if let Some(ended) = &self.ended {
            return Err(ended.clone().into());
        }
        if self.leaving {
            return Err(Disconnected::Left.into());
        }
        if self.line.len() >= MOST_REPLIES || self.out.len() >= MOST_OUTPUT {
            return Err(CommandError::TooMany);
        }
        self.line.push_back((expect, to));
        command.encode(&mut self.out);
        Ok(())
    }

    fn receive(&mut self, message: Message) -> Result<(), Disconnected> {
        match message.kind() {
            Kind::ConnectReply | Kind::CommandReply | Kind::ApiResponse => self.reply(message),
            Kind::DisconnectNotice => {
                let disposition = message.header("Content-Disposition");
                if disposition.is_some_and(|value| value.raw() == b"linger") {
                    self.watch.lingers();
                    return Ok(());
                }
                Err(Disconnected::Notice)
            }
            _ => {
                self.event(message);
                Ok(())
            }
        }
    }

    /// A reply goes to whoever is first in line, if it is of the kind that one waits for.
    fn reply(&mut self, message: Message) -> Result<(), Disconnected> {
        let refusal = match message.kind() {
            Kind::CommandReply => message.reply_text().filter(|text| text.starts_with('-')),
            _ => None,
        };
        let refusal = refusal.map(|text| text.chars().take(200).collect::<String>());
        loop {
            let Some((expect, to)) = self.line.pop_front() else {
                return Err(Disconnected::Unexpected);
            };
            match (expect, message.kind()) {
                (Expect::Connect, Kind::ConnectReply) => {
                    self.watch.connected(&message);
                    self.deliver(to, Ok(message));
                    return Ok(());
                }
                (Expect::Command, Kind::CommandReply) | (Expect::Api, Kind::ApiResponse) => {
                    let answer =
                        refusal.map_or(Ok(message), |reply| Err(CommandError::Refused { reply }));
                    self.deliver(to, answer);
                    return Ok(());
                }
                (Expect::Connect, Kind::CommandReply) => {
                    let reply = refusal.unwrap_or_default();
                    self.deliver(to, Err(CommandError::Refused { reply }));
                    return Ok(());
                }
                (Expect::Api, Kind::CommandReply) => {
                    // Either FreeSWITCH refuses the command (no permission), or it could not take its lock, said
                    // nothing at all (`mod_event_socket.c:1547`), and this is the reply to a later command.
                    let later = self.line.iter().any(|(expect, _)| *expect == Expect::Command);
                    match refusal {
                        Some(reply) if !later => {
                            self.deliver(to, Err(CommandError::Refused { reply }));
                            return Ok(());
                        }
                        None if later => self.deliver(to, Err(CommandError::NoAnswer)),
                        _ => {
                            self.line.push_front((expect, to));
                            return Err(Disconnected::Unexpected);
                        }
                    }
                }
                _ => {
                    self.line.push_front((expect, to));
                    return Err(Disconnected::Unexpected);
                }
            }
        }
    }

    /// Gives an answer to whom it belongs. Who is gone gets nothing.
    fn deliver(&mut self, to: To, answer: Answer) {
        match to {
            To::Nobody => {}
            To::Waiter(sender) => drop(sender.send(answer)),
            To::Execute(uuid) => {
                if let Err(CommandError::Refused { reply }) = answer {
                    self.watch.refused(uuid, &reply);
                }
            }
            To::Job(uuid) => {
                if let Err(error) = answer {
                    self.finish_job(uuid, Err(error));
                }
            }
        }
    }

    /// An event: the end of a job of ours, or news.
    fn event(&mut self, message: Message) {
        let job = (message.event_name().as_deref() == Some("BACKGROUND_JOB"))
            .then(|| message.field("Job-UUID").and_then(|id| Uuid::parse(id.raw())))
            .flatten();
        match job {
            Some(uuid) if self.jobs.iter().any(|(known, _)| *known == uuid) => {
                self.finish_job(uuid, Ok(message))
            }
            _ => self.watch.event(message),
        }
    }

    fn finish_job(&mut self, uuid: Uuid, answer: Answer) {
        if let Some(at) = self.jobs.iter().position(|(known, _)| *known == uuid) {
            drop(self.jobs.swap_remove(at).1.send(answer));
        }
    }

    fn end(&mut self, why: Disconnected) {
        for (_, to) in std::mem::take(&mut self.line) {
            if let To::Waiter(sender) = to {
                drop(sender.send(Err(why.clone().into())));
            }
        }
        for (_, sender) in std::mem::take(&mut self.jobs) {
            drop(sender.send(Err(why.clone().into())));
        }
        self.out = BytesMut::new();
        self.watch.ended(&why);
        self.ended = Some(why);
    }

    /// Takes what is to be written.
    pub(super) fn take_output(&mut self) -> BytesMut {
        std::mem::take(&mut self.out)
    }

    /// Puts `exit` in line, behind which nothing more may come.
    pub(super) fn put_exit(&mut self) {
        self.line.push_back((Expect::Command, To::Nobody));
        Command::Exit.encode(&mut self.out);
        self.leaving = true;
    }

    /// Whether it is time to go; else when it will be.
    pub(super) fn is_time_to_leave(&self, now: Instant) -> Result<(), Option<Instant>> {
        if self.leaving {
            return Ok(());
        }
        match self.watch.leave() {
            Leave::Stay => Err(None),
            Leave::Done(_) if self.line.is_empty() && self.jobs.is_empty() => Ok(()),
            Leave::Done(at) | Leave::At(at) if at > now => Err(Some(at)),
            Leave::Done(_) | Leave::At(_) => Ok(()),
        }
    }
}

/// Holds a connection open; when the last handle is gone, the owner says `exit` and closes.
pub(super) struct Handle<W: Watch>(pub(super) Arc<Link<W>>);

impl<W: Watch> Drop for Handle<W> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Waits for an answer until its deadline. The place in line stays when the deadline passes.
pub(super) async fn answer(receiver: oneshot::Receiver<Answer>, deadline: Duration) -> Answer {
    match tokio::time::timeout(deadline, receiver).await {
        Ok(Ok(answer)) => answer,
        // The sender is dropped only with the whole state.
        Ok(Err(_)) => Err(Disconnected::Closed.into()),
        Err(_) => Err(CommandError::Deadline),
    }
}
