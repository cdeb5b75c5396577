//! What we say to FreeSWITCH, as small values. How they are written is in `encode`.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::TextError;
use super::argument::Argument;
use super::text::{ChannelText, ChannelWord, SettingText, WireText};
use super::uuid::Uuid;

/// An application to execute on the call of a session.
#[derive(Debug, Clone)]
pub struct Execute {
    pub(super) application: &'static str,
    pub(super) argument: Argument,
    pub(super) loops: u32,
    pub(super) event_lock: bool,
    deadline: Option<Duration>,
}

impl Execute {
    /// An application without argument, once, behind an event-lock: FreeSWITCH finishes it before the next command
    /// (without the lock the next one runs nested inside it).
    pub fn new(application: &'static str) -> Self {
        Self {
            application,
            argument: Argument::default(),
            loops: 1,
            event_lock: true,
            deadline: None,
        }
    }

    /// With this argument.
    pub fn argument(self, argument: impl Into<Argument>) -> Self {
        Self { argument: argument.into(), ..self }
    }

    /// Repeated. FreeSWITCH stops early when a round took under half a second; see [`super::Session::start`].
    pub fn loops(self, loops: u32) -> Self {
        Self { loops: loops.max(1), ..self }
    }

    /// Without the event-lock: the next command may run inside this one.
    pub fn without_lock(self) -> Self {
        Self { event_lock: false, ..self }
    }

    /// With a deadline of its own, counted from the moment it is started; else the session's counts.
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// `answer`.
    pub fn answer() -> Self {
        Self::new("answer")
    }

    /// `hangup` with a cause, FreeSWITCH's name of it.
    pub fn hangup(cause: &'static str) -> Self {
        Self::new("hangup").argument(Argument::literal(cause))
    }

    /// `playback` of a prompt.
    pub fn playback(prompt: &SettingText) -> Self {
        Self::new("playback").argument(Argument::setting(prompt))
    }

    /// `set` of one channel variable.
    pub fn set(variable: &'static str, value: &ChannelText) -> Self {
        Self::new("set").argument(Argument::literal(variable).then_literal("=").then_text(value))
    }

    /// `unset` of one channel variable.
    pub fn unset(variable: &'static str) -> Self {
        Self::new("unset").argument(Argument::literal(variable))
    }

    /// `multiset` of several channel variables in one 20 ms tick, with a delimiter that no value holds. Fails if each of
    /// the delimiters that we know is in some value, or if there are two apostrophes: FreeSWITCH reads a pair of them as
    /// quotes, delimiters in between included (`switch_separate_string`). Then set the variables one by one.
    pub fn multiset(pairs: &[(&'static str, ChannelText)]) -> Result<Self, TextError> {
        let count = |wanted: char| -> usize {
            let values = pairs.iter().map(|(_, value)| value.as_str());
            values.map(|value| value.matches(wanted).count()).sum()
        };
        if count('\'') > 1 {
            return Err(TextError::Character { character: '\'' });
        }
        let delimiter = [("|", '|'), ("~", '~'), (";", ';'), ("!", '!'), ("#", '#')]
            .into_iter()
            .find(|&(_, delimiter)| count(delimiter) == 0)
            .map(|(delimiter, _)| delimiter)
            .ok_or(TextError::Delimiter)?;
        let mut argument = Argument::literal("^^").then_literal(delimiter);
        for (at, (variable, value)) in pairs.iter().enumerate() {
            if at > 0 {
                argument = argument.then_literal(delimiter);
            }
            argument = argument.then_literal(variable).then_literal("=").then_text(value);
        }
        Ok(Self::new("multiset").argument(argument))
    }

    /// `transfer` to an extension of a context in the XML dialplan. The call leaves the socket with it.
    pub fn transfer(extension: &ChannelWord, context: &SettingText) -> Self {
        let argument = Argument::word(extension).then_literal(" XML ").then_setting(context);
        Self::new("transfer").argument(argument)
    }

    /// The application's name.
    pub fn application(&self) -> &'static str {
        self.application
    }

    /// How often it runs.
    pub(super) fn rounds(&self) -> u32 {
        self.loops
    }

    /// Whether it is behind an event-lock.
    pub(super) fn is_locked(&self) -> bool {
        self.event_lock
    }

    /// Its own deadline.
    pub(super) fn own_deadline(&self) -> Option<Duration> {
        self.deadline
    }
}

/// An `api` command: a name and its arguments. FreeSWITCH runs it in the thread of this socket, so nothing else comes
/// meanwhile; what is slow goes through `bgapi`.
#[derive(Debug, Clone)]
pub struct Api {
    pub(super) command: &'static str,
    pub(super) argument: Argument,
}

impl Api {
    /// A command without arguments.
    pub fn new(command: &'static str) -> Self {
        Self { command, argument: Argument::default() }
    }

    /// With these arguments.
    pub fn argument(self, argument: impl Into<Argument>) -> Self {
        Self { argument: argument.into(), ..self }
    }

    /// The command's name.
    pub fn command(&self) -> &'static str {
        self.command
    }
}

/// Events to hear of, in addition to those before.
#[derive(Debug, Clone, Default)]
pub struct Subscription {
    pub(super) events: Vec<&'static str>,
    pub(super) subclasses: Vec<&'static str>,
}

impl Subscription {
    /// Events by their names (`CHANNEL_HANGUP_COMPLETE`).
    pub fn events(events: &[&'static str]) -> Self {
        Self { events: events.to_vec(), subclasses: Vec::new() }
    }

    /// And custom events by their subclasses (`sofia::register`).
    pub fn custom(self, subclasses: &[&'static str]) -> Self {
        Self { subclasses: subclasses.to_vec(), ..self }
    }
}

/// An event for FreeSWITCH to act on or to pass on: `sendevent NOTIFY`, say.
#[derive(Debug, Clone)]
pub struct SendEvent {
    pub(super) name: &'static str,
    pub(super) headers: Vec<(&'static str, WireText)>,
    pub(super) body: String,
}

impl SendEvent {
    /// An event of that name, without headers. `NOTIFY` needs `profile`, `event-string`, `user`, `host` and
    /// `content-type`, else nothing is sent although the reply is `+OK`.
    pub fn new(name: &'static str) -> Self {
        Self { name, headers: Vec::new(), body: String::new() }
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: impl Into<WireText>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a body: any text, line ends included.
    pub fn body(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self }
    }
}

/// Everything that this room ever says.
#[derive(Debug)]
pub enum Command {
    /// `auth` with the password of the event socket.
    Auth(Password),
    /// `connect`: the first word of an outbound session.
    Connect,
    /// `myevents`: this call's events only.
    MyEvents,
    /// `noevents`: none of them; the restriction to this call stays.
    NoEvents,
    /// `event plain ...`: these too.
    Subscribe(Subscription),
    /// `linger N`: stay for that many seconds after the call.
    Linger(u32),
    /// `sendmsg` with `call-command: execute`.
    Execute(Uuid, Execute),
    /// `api`.
    Api(Api),
    /// `bgapi` with our own `Job-UUID`.
    BgApi(Uuid, Api),
    /// `sendevent`.
    SendEvent(SendEvent),
    /// `exit`.
    Exit,
}

/// A password that fits into a header.
pub struct Password(pub(super) SecretString);

impl Password {
    /// Takes the password, or says that it cannot be sent.
    pub fn new(password: &SecretString) -> Result<Self, TextError> {
        refuse_password(password.expose_secret())?;
        Ok(Self(password.clone()))
    }
}

/// FreeSWITCH would cut or misread these; the error does not say which character it was.
fn refuse_password(password: &str) -> Result<(), TextError> {
    if password.contains(['\r', '\n', '\0']) || password.starts_with([' ', '\t']) {
        return Err(TextError::Password);
    }
    Ok(())
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}
