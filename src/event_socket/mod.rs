//! FreeSWITCH's event socket, both ways: the calls that `socket` hands to us, and the connection that we make to it.
//!
//! | file | what |
//! | --- | --- |
//! | `message`, `parse`, `codec` | bytes to messages; no IO, no clock |
//! | `text`, `argument`, `command`, `encode`, `uuid` | messages of ours, safe by type; no IO, no clock |
//! | `wire`, `link`, `owner` | a socket with its decoder; who waits for which reply; the task that owns the socket |
//! | `session`, `server` | outbound: one call; the accept loop |
//! | `client` | inbound: one connection, its events, and the loop that keeps one up |
//!
//! Where a comment says `mod_event_socket.c:1331`, that is FreeSWITCH's source at commit cc93a683; "tried" means on a
//! running one.

mod argument;
mod client;
mod codec;
mod command;
mod encode;
mod link;
mod message;
mod owner;
mod parse;
mod server;
mod session;
mod text;
mod uuid;
mod wire;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

pub use argument::Argument;
pub use client::{Backoff, Client, ClientSettings, Events, EventsError, connect, lasting};
pub use codec::{Codec, Limits, WireError};
pub use command::{Api, Command, Execute, Password, SendEvent, Subscription};
pub use message::{Kind, Message, Value};
pub use server::{ServerSettings, serve};
pub use session::{Execution, Session};
pub use text::{ChannelText, ChannelWord, SettingText, WireText};
pub use uuid::Uuid;

/// Why a connection is over. Everybody who waits on it is told the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disconnected {
    /// FreeSWITCH closed it, or was killed.
    #[error("FreeSWITCH closed the connection")]
    Closed,
    /// FreeSWITCH said goodbye first: the call was over, or it shuts down, or it gave us up as too slow.
    #[error("FreeSWITCH ended the connection with a notice")]
    Notice,
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(std::io::ErrorKind),
    /// What came is no stream of messages.
    #[error("FreeSWITCH sent what is no message: {reason}")]
    Garbled {
        /// What the decoder said.
        reason: String,
    },
    /// A reply came that cannot belong to any command; from here on every reply could be somebody else's.
    #[error("a reply came that nobody had asked for")]
    Unexpected,
    /// FreeSWITCH took nothing of what we wrote for ten seconds.
    #[error("FreeSWITCH does not read")]
    Stalled,
    /// We said `exit`.
    #[error("we closed the connection")]
    Left,
}

/// Why a command has no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// FreeSWITCH refused it.
    #[error("FreeSWITCH refused: {reply}")]
    Refused {
        /// The text of the reply, at most 200 characters.
        reply: String,
    },
    /// The reply did not come in time. It may still take effect.
    #[error("FreeSWITCH did not answer in time")]
    Deadline,
    /// FreeSWITCH passed over the command, as it does when it cannot have its lock.
    #[error("FreeSWITCH gave no answer")]
    NoAnswer,
    /// Too much is under way already; nothing was sent.
    #[error("too many commands are waiting for their replies")]
    TooMany,
    /// There is no connection any more.
    #[error(transparent)]
    Disconnected(#[from] Disconnected),
}

/// Why an application did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The call is over. This is also how the application `hangup` ends.
    #[error("the call was hung up: {cause}")]
    HungUp {
        /// FreeSWITCH's name of the cause, `NORMAL_CLEARING` say.
        cause: String,
    },
    /// FreeSWITCH refused it.
    #[error("FreeSWITCH refused: {reply}")]
    Refused {
        /// The text of the reply, at most 200 characters.
        reply: String,
    },
    /// It did not end in time; it may still run.
    #[error("the application did not end in time")]
    Deadline,
    /// Too much is queued on the call already; nothing was sent.
    #[error("too many applications are queued on the call")]
    TooMany,
    /// There is no connection any more; the call may still be there.
    #[error(transparent)]
    Disconnected(Disconnected),
}

impl From<CommandError> for ExecuteError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused { reply } => Self::Refused { reply },
            CommandError::Deadline | CommandError::NoAnswer => Self::Deadline,
            CommandError::TooMany => Self::TooMany,
            CommandError::Disconnected(why) => Self::Disconnected(why),
        }
    }
}

/// Why a call that FreeSWITCH handed to us was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// `socket` in the dialplan lacks the word `full`.
    #[error("the dialplan's socket action lacks the word \"full\"")]
    NotFull,
    /// `socket` in the dialplan lacks the word `async`.
    #[error("the dialplan's socket action lacks the word \"async\"")]
    NotAsync,
    /// The call has no usable `Unique-ID`.
    #[error("the call has no Unique-ID")]
    NoUniqueId,
    /// The replies did not all come in time.
    #[error("FreeSWITCH did not answer in time")]
    Deadline,
    /// One of the commands was refused.
    #[error(transparent)]
    Command(CommandError),
    /// The connection ended first; with [`Disconnected::Notice`] the caller had hung up before we spoke.
    #[error(transparent)]
    Disconnected(#[from] Disconnected),
}

impl From<CommandError> for HandshakeError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Disconnected(why) => Self::Disconnected(why),
            error => Self::Command(error),
        }
    }
}

/// Why there is no connection to FreeSWITCH.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens there, or the name is not known.
    #[error("cannot connect to FreeSWITCH: {reason}")]
    Connect {
        /// What the system said.
        reason: String,
    },
    /// FreeSWITCH's access list refuses our address (`apply-inbound-acl` in `event_socket.conf.xml`).
    #[error("FreeSWITCH does not allow connections from this address")]
    Rejected,
    /// The password is wrong.
    #[error("FreeSWITCH refuses the password")]
    Password,
    /// The password cannot be sent at all.
    #[error(transparent)]
    Text(#[from] TextError),
    /// What answered is not FreeSWITCH's event socket.
    #[error("what answered is not FreeSWITCH's event socket")]
    NotFreeSwitch,
    /// It took too long.
    #[error("FreeSWITCH did not answer in time")]
    Deadline,
    /// The connection ended first.
    #[error(transparent)]
    Disconnected(#[from] Disconnected),
}

/// What an `api` command answered. Its text can hold a PIN (`vm_prefs`), so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiAnswer(Bytes);

impl ApiAnswer {
    /// The body of an `api/response`.
    fn from_reply(message: Message) -> Self {
        Self(message.as_bytes().slice_ref(message.body()))
    }

    /// The body of the event in a `BACKGROUND_JOB`.
    fn from_job(message: Message) -> Self {
        Self(message.as_bytes().slice_ref(message.event_body().unwrap_or_default()))
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Whether FreeSWITCH's answer says that it went wrong (`-ERR ...`, `-USAGE: ...`). A few commands answer otherwise;
    /// `sofia` says `Invalid Profile [x]`.
    pub fn is_error(&self) -> bool {
        self.0.starts_with(b"-ERR") || self.0.starts_with(b"-USAGE")
    }
}

impl fmt::Debug for ApiAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiAnswer({} bytes)", self.0.len())
    }
}

/// Why a text may not stand in a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A character that FreeSWITCH would act on.
    #[error("the character {character:?} cannot be sent to FreeSWITCH here")]
    Character {
        /// Which.
        character: char,
    },
    /// It begins with what FreeSWITCH takes for a list.
    #[error("a text cannot begin with {opening}")]
    Opening {
        /// With what.
        opening: &'static str,
    },
    /// A blank at the front, which FreeSWITCH would cut.
    #[error("a text cannot begin with a blank here")]
    LeadingBlank,
    /// Nothing, where there has to be something.
    #[error("an empty text cannot stand here")]
    Empty,
    /// Too long.
    #[error("a text here is at most {limit} bytes long")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// It names the module that we speak to; beside `reload` FreeSWITCH would take the command for something else.
    #[error("a text cannot name mod_event_socket here")]
    Module,
    /// Every delimiter that we know is in some value.
    #[error("no delimiter is left for these values")]
    Delimiter,
    /// A password with a line end, NUL, or a blank at the front.
    #[error("the password cannot be sent: it holds a line end or NUL, or begins with a blank")]
    Password,
}
