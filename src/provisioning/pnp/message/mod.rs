//! SIP messages as far as SIP PnP needs them: a request and the answer to ours, read; 200 and NOTIFY, written.
//!
//! No IO, no clock. What is read comes from anybody in the network, so everything has a limit, and what is
//! not understood is malformed rather than guessed.

mod parse;
mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(super) use write::{Notify, Ok200, notify, ok};

/// The most bytes of a message. The SUBSCRIBEs that were seen have fewer than 700.
pub(super) const MOST_BYTES: usize = 4_096;

/// The most header lines of a message.
const MOST_HEADERS: usize = 96;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// Somebody asks.
    Request(Request<'a>),
    /// Somebody answers.
    Response(Response),
}

impl<'a> Message<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// It is no SIP message, or one that contradicts itself.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        parse::message(bytes)
    }
}

/// A request that is well-formed: what must be there is there, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// The method, in the case in which it came.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: &'a str,
    /// The topmost Via.
    pub via: Via,
    /// Whose it is.
    pub from: Address,
    /// To whom.
    pub to: Address,
    /// The number of CSeq.
    pub sequence: u32,
    /// All headers.
    pub headers: Headers<'a>,
}

/// What of an answer is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    /// The status, 100 to 699.
    pub status: u16,
    /// The branch of its topmost Via, which is the one that we sent.
    pub branch: Option<String>,
    /// Its Call-ID.
    pub call_id: String,
    /// The method in its CSeq.
    pub method: String,
}

/// Headers in the order in which they came, folded lines joined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Headers<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl Headers<'_> {
    /// The values of all headers of that name, in any case and also by its compact form.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |(found, _): &&(&str, Cow<'_, str>)| found.eq_ignore_ascii_case(name);
        self.0.iter().filter(named).map(|(_, value)| value.as_ref())
    }

    /// The first of them; an empty text where there is none.
    pub(super) fn first(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// The only one.
    fn one(&self, name: &'static str) -> Result<&str, Malformed> {
        let mut values = self.all(name);
        let value = values.next().ok_or(Malformed::Missing(name))?;
        if values.next().is_some() { Err(Malformed::Twice(name)) } else { Ok(value) }
    }
}

/// The topmost Via.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Via {
    /// `SIP/2.0/UDP`.
    pub protocol: String,
    /// The host and the port, where it says one, as they stand there.
    pub sent_by: String,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

impl Via {
    /// The branch; phones from before RFC 3261, and some after it, have none.
    pub(super) fn branch(&self) -> Option<&str> {
        let branch = self.parameters.iter().find(|parameter| parameter.is("branch"))?;
        branch.value.as_deref()
    }
}

/// `name`, or `name=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    /// The name, as it came.
    pub name: String,
    /// The value, without its quotes.
    pub value: Option<String>,
}

impl Parameter {
    /// Whether it is the one of that name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// An address as it stands in From, To and Contact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Address {
    /// The URI.
    pub uri: String,
    /// The parameters of the header, not those of the URI.
    pub parameters: Vec<Parameter>,
}

impl Address {
    /// The tag.
    pub(super) fn tag(&self) -> Option<&str> {
        let tag = self.parameters.iter().find(|parameter| parameter.is("tag"))?;
        tag.value.as_deref()
    }
}

impl Request<'_> {
    /// The Call-ID.
    pub(super) fn call_id(&self) -> &str {
        self.headers.first("Call-ID")
    }

    /// The first Contact, where there is one that can be read.
    pub(super) fn contact(&self) -> Option<Address> {
        parse::first_address(self.headers.first("Contact"))
    }

    /// The name of the event, and its parameters.
    pub(super) fn event(&self) -> Option<(String, Vec<Parameter>)> {
        parse::event(self.headers.first("Event"))
    }
}

/// Why a datagram is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// It is too long.
    #[error("it has more than {MOST_BYTES} bytes")]
    TooLong,
    /// The blank line behind the headers is missing.
    #[error("it breaks off within its headers")]
    Truncated,
    /// The headers are not UTF-8.
    #[error("its headers are not UTF-8")]
    NotUtf8,
    /// The first line is neither a request's nor an answer's.
    #[error("its first line is none of SIP's")]
    StartLine,
    /// A line is no header.
    #[error("a line of it is no header")]
    Line,
    /// There are too many headers.
    #[error("it has more than {MOST_HEADERS} headers")]
    TooManyHeaders,
    /// A header is missing.
    #[error("it has no {0}")]
    Missing(&'static str),
    /// A header that can be there once is there twice.
    #[error("it has more than one {0}")]
    Twice(&'static str),
    /// A header cannot be read.
    #[error("its {0} cannot be read")]
    Header(&'static str),
    /// The body is shorter than it says, or it says two lengths.
    #[error("its Content-Length is not that of its body")]
    Length,
    /// CSeq names another method than the first line.
    #[error("its CSeq is for another method")]
    OtherMethod,
}
