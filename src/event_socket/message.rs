//! One message of FreeSWITCH: its bytes, and an index of where the headers lie.
//!
//! A message is decoded in two steps. Framing (`codec`) finds its end; [`Message`] then keeps the bytes as they came and
//! three offsets a header. A value becomes text only when somebody asks for it, and is percent-decoded only where
//! FreeSWITCH encodes: in the body of a `text/event-plain` and in the reply to `connect`. Nothing turns `+` into a space,
//! because FreeSWITCH writes a plus as `%2B` and a space as `%20` (`switch_url_encode_opt`, `switch_utils.c:3494`).

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use percent_encoding::percent_decode;

use super::parse::{self, Field};

/// What a message is, by its `Content-Type`; a type that we do not know is [`Kind::Other`], never an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The reply to `connect`: a whole `CHANNEL_DATA` event as a header block, values encoded, without a body.
    ConnectReply,
    /// `command/reply`.
    CommandReply,
    /// `api/response`: the output of an `api` command is the body.
    ApiResponse,
    /// `text/event-plain`: the body holds the event's own headers, and possibly a body of the event's own.
    EventPlain,
    /// `text/event-json`; the body is left alone (it need not be UTF-8).
    EventJson,
    /// `text/event-xml`; the body is left alone.
    EventXml,
    /// `auth/request`: FreeSWITCH asks an inbound client for its password.
    AuthRequest,
    /// `text/rude-rejection`: the access list of FreeSWITCH refuses this address.
    RudeRejection,
    /// `text/disconnect-notice`; `Content-Disposition` is `disconnect` or `linger`.
    DisconnectNotice,
    /// `log/data`.
    LogData,
    /// Any other content type, or none.
    Other,
}

impl Kind {
    /// The kind that a `Content-Type` names.
    fn of_content_type(value: &[u8]) -> Self {
        match value {
            b"command/reply" => Self::CommandReply,
            b"api/response" => Self::ApiResponse,
            b"text/event-plain" => Self::EventPlain,
            b"text/event-json" => Self::EventJson,
            b"text/event-xml" => Self::EventXml,
            b"auth/request" => Self::AuthRequest,
            b"text/rude-rejection" => Self::RudeRejection,
            b"text/disconnect-notice" => Self::DisconnectNotice,
            b"log/data" => Self::LogData,
            _ => Self::Other,
        }
    }
}

/// One value, as it came. Cheap to copy; decoding happens in [`Value::bytes`] and [`Value::text`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    raw: &'a [u8],
    encoded: bool,
}

impl<'a> Value<'a> {
    /// The bytes on the wire.
    pub fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The value's bytes: percent-decoded where FreeSWITCH encodes, where `_undef_` also stands for an empty value.
    ///
    /// FreeSWITCH leaves a literal upper-case `%XX` in a value unencoded, so `%41` and `A` cannot be told apart.
    pub fn bytes(self) -> Cow<'a, [u8]> {
        if !self.encoded {
            return Cow::Borrowed(self.raw);
        }
        if self.raw == b"_undef_" {
            return Cow::Borrowed(&[]);
        }
        percent_decode(self.raw).into()
    }

    /// The value as text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(self) -> Cow<'a, str> {
        match self.bytes() {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }
}

/// Says only how long the value is: a value may be a PIN.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.raw.len())
    }
}

/// One message of FreeSWITCH: the bytes in one piece, and an index of its headers.
///
/// Two sets of headers can be asked for. The *envelope* ([`header`](Self::header)) is the block that framed the message.
/// The *fields* ([`field`](Self::field)) are what an event says: the headers inside the body of a `text/event-plain`, and
/// for the reply to `connect` its envelope. Names that occur twice are kept, in order; a look-up gives the first.
/// Look-ups ignore ASCII case, except for names that begin with `variable_`.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
    kind: Kind,
    /// Envelope first, then the fields of a plain event.
    index: Box<[Field]>,
    envelope: usize,
    /// Where the message's body begins.
    body: usize,
    /// Where the body of the event inside the body lies, if it has one.
    event_body: Option<(usize, usize)>,
}

impl Message {
    /// Puts a framed message together: `bytes` are the header block with its blank line and the body, `envelope` the
    /// index of the block, `body` where the body begins.
    pub(super) fn assemble(bytes: Bytes, envelope: Vec<Field>, body: usize) -> Self {
        let kind = kind_of(&bytes, &envelope);
        let mut index = envelope;
        let count = index.len();
        let mut event_body = None;
        if kind == Kind::EventPlain {
            event_body = parse::event(&bytes, body, &mut index);
        }
        Self { bytes, kind, index: index.into_boxed_slice(), envelope: count, body, event_body }
    }

    /// What the message is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the message is an event in any format.
    pub fn is_event(&self) -> bool {
        matches!(self.kind, Kind::EventPlain | Kind::EventJson | Kind::EventXml)
    }

    /// The first header of that name in the envelope.
    pub fn header(&self, name: &str) -> Option<Value<'_>> {
        self.find(self.envelope_index(), name, self.kind == Kind::ConnectReply)
    }

    /// All headers of the envelope, in order, as (name, value).
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], Value<'_>)> {
        self.pairs(self.envelope_index(), self.kind == Kind::ConnectReply)
    }

    /// The first field of that name of the event, or of the reply to `connect`; `None` in every other kind of message.
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        self.find(self.field_index(), name, true)
    }

    /// All fields of the event or of the reply to `connect`, in order, as (name, value).
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], Value<'_>)> {
        self.pairs(self.field_index(), true)
    }

    /// A channel variable that the event or the reply to `connect` carries; the name without `variable_`, case counts.
    pub fn variable(&self, name: &str) -> Option<Value<'_>> {
        let wanted = name.as_bytes();
        self.fields()
            .find(|(field, _)| field.strip_prefix(VARIABLE) == Some(wanted))
            .map(|(_, value)| value)
    }

    /// `Event-Name` of an event or of the reply to `connect`.
    pub fn event_name(&self) -> Option<Cow<'_, str>> {
        self.field("Event-Name").map(Value::text)
    }

    /// `Reply-Text` of a `command/reply`.
    pub fn reply_text(&self) -> Option<Cow<'_, str>> {
        self.header("Reply-Text").map(Value::text)
    }

    /// The body of the message, raw; empty where there is none.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.body..).unwrap_or_default()
    }

    /// The body of the event that a `text/event-plain` carries (the answer of a background job, say): raw bytes, not
    /// encoded, possibly with blank lines in it.
    pub fn event_body(&self) -> Option<&[u8]> {
        let (from, to) = self.event_body?;
        self.bytes.get(from..to)
    }

    /// The whole message as it came.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The message with bytes of its own if it is small: a message that is kept must not hold the whole read with it.
    pub(super) fn detached(self) -> Self {
        if self.bytes.len() > 4096 {
            return self;
        }
        Self { bytes: Bytes::copy_from_slice(&self.bytes), ..self }
    }

    /// The index of the envelope.
    fn envelope_index(&self) -> &[Field] {
        self.index.get(..self.envelope).unwrap_or_default()
    }

    /// The index of what the message says about an event or channel.
    fn field_index(&self) -> &[Field] {
        match self.kind {
            Kind::ConnectReply => self.envelope_index(),
            Kind::EventPlain => self.index.get(self.envelope..).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The first entry of that name.
    fn find<'a>(&'a self, index: &'a [Field], name: &str, encoded: bool) -> Option<Value<'a>> {
        let wanted = name.as_bytes();
        self.pairs(index, encoded)
            .find(|(field, _)| same_name(field, wanted))
            .map(|(_, value)| value)
    }

    /// Entries of an index as slices of the message.
    fn pairs<'a>(
        &'a self,
        index: &'a [Field],
        encoded: bool,
    ) -> impl Iterator<Item = (&'a [u8], Value<'a>)> {
        index.iter().map(move |field| {
            let raw = field.value(&self.bytes);
            (field.name(&self.bytes), Value { raw, encoded })
        })
    }
}

/// Says kind and sizes only: a message can carry a PIN.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind)
            .field("headers", &self.index.len())
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// What FreeSWITCH puts before the name of a channel variable.
const VARIABLE: &[u8] = b"variable_";

/// Whether two header names are the same: case counts only for channel variables, which FreeSWITCH itself tells apart.
fn same_name(left: &[u8], right: &[u8]) -> bool {
    left == right || (!right.starts_with(VARIABLE) && left.eq_ignore_ascii_case(right))
}

/// The kind of the message that this header block frames.
fn kind_of(block: &[u8], envelope: &[Field]) -> Kind {
    if is_connect_reply(block, envelope) {
        return Kind::ConnectReply;
    }
    envelope
        .iter()
        .find(|field| field.name(block).eq_ignore_ascii_case(b"Content-Type"))
        .map_or(Kind::Other, |field| Kind::of_content_type(field.value(block).trim_ascii()))
}

/// Whether a header block is the reply to `connect`: an event that stands where an envelope should.
///
/// It matters for framing too: this block has no body, whatever headers the channel brought along.
pub(super) fn is_connect_reply(block: &[u8], envelope: &[Field]) -> bool {
    envelope.first().is_some_and(|field| {
        field.name(block).eq_ignore_ascii_case(b"Event-Name")
            && field.value(block) == b"CHANNEL_DATA"
    })
}
