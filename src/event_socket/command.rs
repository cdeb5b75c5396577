//! What we say to FreeSWITCH: small values, and one function that writes them.
//!
//! FreeSWITCH reads a header block one byte at a time and a body in bulk (2,811 us against 36 us for 4,000 bytes), so an
//! argument that is long, or that a header could not carry, travels as a `text/plain` body. Header and body leave in
//! one write: a header whose body is late makes FreeSWITCH spin (`mod_event_socket.c:1331`).

use std::fmt;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use secrecy::{ExposeSecret, SecretString};

use super::TextError;
use super::argument::Argument;
use super::text::{ChannelText, ChannelWord, SettingText, WireText};

/// The longest argument that travels as a header, in bytes.
const LONGEST_HEADER_ARGUMENT: usize = 64;

/// An id that we give to an application or a job, to know its end again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// A new random one (version 4).
    pub fn random() -> Self {
        let mut bytes: [u8; 16] = rand::random();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// Reads the 36 characters of the usual form; `None` for anything else.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != 36 {
            return None;
        }
        let mut bytes = [0; 16];
        let mut digits = text.iter().enumerate().filter_map(|(at, &c)| {
            let dash = matches!(at, 8 | 13 | 18 | 23);
            if dash {
                return (c != b'-').then_some(None);
            }
            Some(char::from(c).to_digit(16))
        });
        for byte in &mut bytes {
            let (high, low) = (digits.next()??, digits.next()??);
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An application to execute on the call of a session.
#[derive(Debug, Clone)]
pub struct Execute {
    application: &'static str,
    argument: Argument,
    loops: u32,
    event_lock: bool,
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
        Self {
            argument: argument.into(),
            ..self
        }
    }

    /// Repeated. FreeSWITCH stops early when a round took under half a second; see [`super::Session::start`].
    pub fn loops(self, loops: u32) -> Self {
        Self {
            loops: loops.max(1),
            ..self
        }
    }

    /// Without the event-lock: the next command may run inside this one.
    pub fn without_lock(self) -> Self {
        Self {
            event_lock: false,
            ..self
        }
    }

    /// With a deadline of its own, counted from the moment it is started; else the session's counts.
    pub fn within(self, deadline: Duration) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
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
        Self::new("set").argument(
            Argument::literal(variable)
                .then_literal("=")
                .then_text(value),
        )
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
            argument = argument
                .then_literal(variable)
                .then_literal("=")
                .then_text(value);
        }
        Ok(Self::new("multiset").argument(argument))
    }

    /// `transfer` to an extension of a context in the XML dialplan. The call leaves the socket with it.
    pub fn transfer(extension: &ChannelWord, context: &SettingText) -> Self {
        let argument = Argument::word(extension)
            .then_literal(" XML ")
            .then_setting(context);
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
    command: &'static str,
    argument: Argument,
}

impl Api {
    /// A command without arguments.
    pub fn new(command: &'static str) -> Self {
        Self {
            command,
            argument: Argument::default(),
        }
    }

    /// With these arguments.
    pub fn argument(self, argument: impl Into<Argument>) -> Self {
        Self {
            argument: argument.into(),
            ..self
        }
    }

    /// The command's name.
    pub fn command(&self) -> &'static str {
        self.command
    }
}

/// Events to hear of, in addition to those before.
#[derive(Debug, Clone, Default)]
pub struct Subscription {
    events: Vec<&'static str>,
    subclasses: Vec<&'static str>,
}

impl Subscription {
    /// Events by their names (`CHANNEL_HANGUP_COMPLETE`).
    pub fn events(events: &[&'static str]) -> Self {
        Self {
            events: events.to_vec(),
            subclasses: Vec::new(),
        }
    }

    /// And custom events by their subclasses (`sofia::register`).
    pub fn custom(self, subclasses: &[&'static str]) -> Self {
        Self {
            subclasses: subclasses.to_vec(),
            ..self
        }
    }
}

/// An event for FreeSWITCH to act on or to pass on: `sendevent NOTIFY`, say.
#[derive(Debug, Clone)]
pub struct SendEvent {
    name: &'static str,
    headers: Vec<(&'static str, WireText)>,
    body: String,
}

impl SendEvent {
    /// An event of that name, without headers. `NOTIFY` needs `profile`, `event-string`, `user`, `host` and
    /// `content-type`, else nothing is sent although the reply is `+OK`.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: impl Into<WireText>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a body: any text, line ends included.
    pub fn body(self, body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
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
pub struct Password(SecretString);

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

impl Command {
    /// Writes the command as FreeSWITCH wants it; the forms are those of the captures.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Auth(password) => line(out, &["auth ", password.0.expose_secret()]),
            Self::Connect => line(out, &["connect"]),
            Self::MyEvents => line(out, &["myevents"]),
            Self::NoEvents => line(out, &["noevents"]),
            Self::Subscribe(subscription) => subscribe(out, subscription),
            Self::Linger(seconds) => line(out, &["linger ", &seconds.to_string()]),
            Self::Execute(uuid, execute) => return self::execute(out, *uuid, execute),
            Self::Api(api) => line(
                out,
                &["api ", api.command, separator(api), api.argument.as_str()],
            ),
            Self::BgApi(job, api) => {
                line(
                    out,
                    &["bgapi ", api.command, separator(api), api.argument.as_str()],
                );
                header(out, "Job-UUID", &job.to_string());
            }
            Self::SendEvent(event) => return send_event(out, event),
            Self::Exit => line(out, &["exit"]),
        }
        out.put_u8(b'\n');
    }
}

/// What stands between an `api` command and its arguments.
fn separator(api: &Api) -> &'static str {
    if api.argument.as_str().is_empty() {
        ""
    } else {
        " "
    }
}

/// `event plain` with names, subclasses last: after `CUSTOM` FreeSWITCH takes every word for a subclass.
fn subscribe(out: &mut BytesMut, subscription: &Subscription) {
    let mut words = vec!["event plain"];
    words.extend(&subscription.events);
    if !subscription.subclasses.is_empty() {
        words.push("CUSTOM");
        words.extend(&subscription.subclasses);
    }
    line(out, &[&words.join(" ")]);
}

/// `sendmsg` for an application.
fn execute(out: &mut BytesMut, uuid: Uuid, execute: &Execute) {
    line(out, &["sendmsg"]);
    header(out, "call-command", "execute");
    header(out, "execute-app-name", execute.application);
    let argument = execute.argument.as_str();
    let in_body = !fits_header(argument);
    if !in_body && !argument.is_empty() {
        header(out, "execute-app-arg", argument);
    }
    if execute.loops > 1 {
        header(out, "loops", &execute.loops.to_string());
    }
    if execute.event_lock {
        header(out, "event-lock", "true");
    }
    header(out, "Event-UUID", &uuid.to_string());
    if in_body {
        header(out, "content-type", "text/plain");
        body(out, argument);
    } else {
        out.put_u8(b'\n');
    }
}

/// `sendevent` with its headers, and its body if it has one.
fn send_event(out: &mut BytesMut, event: &SendEvent) {
    line(out, &["sendevent ", event.name]);
    for (name, value) in &event.headers {
        header(out, name, value.as_str());
    }
    if event.body.is_empty() {
        out.put_u8(b'\n');
    } else {
        body(out, &event.body);
    }
}

/// Whether an argument may travel as a header: short, printable ASCII, no blank where FreeSWITCH trims.
fn fits_header(argument: &str) -> bool {
    argument.len() <= LONGEST_HEADER_ARGUMENT
        && argument.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && argument.trim_ascii().len() == argument.len()
        && !super::text::names_the_module(argument)
}

/// `content-length`, the blank line, the text and an empty command behind it, as in the captures: FreeSWITCH passes over
/// the empty one.
fn body(out: &mut BytesMut, text: &str) {
    header(out, "content-length", &text.len().to_string());
    out.put_u8(b'\n');
    out.put_slice(text.as_bytes());
    out.put_slice(b"\n\n");
}

/// One header line.
fn header(out: &mut BytesMut, name: &str, value: &str) {
    line(out, &[name, ": ", value]);
}

/// One line of several parts. The types let no line end or NUL come here; should a literal of ours hold one, it is left
/// out rather than sent, so that a command can never become two.
fn line(out: &mut BytesMut, parts: &[&str]) {
    for part in parts {
        debug_assert!(
            !part.contains(['\r', '\n', '\0']),
            "a literal with a line end"
        );
        out.extend(
            part.bytes()
                .filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)),
        );
    }
    out.put_u8(b'\n');
}
