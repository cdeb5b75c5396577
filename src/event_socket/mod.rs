//! FreeSWITCH's event socket, both ways: the calls that `socket` hands to us, and the connection that we make to it.
//!
//! | file | what |
//! | --- | --- |
//! | `message`, `parse`, `codec` | bytes to messages; no IO, no clock |
//! | `text`, `argument`, `command` | messages of ours, safe by type; no IO, no clock |
//!
//! Where a comment says `mod_event_socket.c:1331`, that is FreeSWITCH's source at commit cc93a683; "tried" means on a running one.

mod argument;
mod codec;
mod command;
mod message;
mod parse;
mod text;

pub use argument::Argument;
pub use codec::{Codec, Limits, WireError};
pub use command::{Api, Command, Execute, Password, SendEvent, Subscription, Uuid};
pub use message::{Kind, Message, Value};
pub use text::{ChannelText, ChannelWord, SettingText, WireText};

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
