//! The grammar of header blocks, in nom: bytes in, offsets out.
//!
//! A line without a colon is passed over: FreeSWITCH writes none, but the bytes before an abrupt end can be anything
//! (`kill_listener` writes into the middle of what another thread sends), and one bad line must not cost a call.

use memchr::memchr;
use nom::IResult;
use nom::Parser;
use nom::bytes::complete::take;
use nom::combinator::rest;
use nom::error::{Error, ErrorKind};
use nom::sequence::terminated;

/// Where one header lies in the bytes of its message: name before the colon, value after it, up to the line's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    name: u32,
    colon: u32,
    end: u32,
}

impl Field {
    /// The name, as it came.
    pub(super) fn name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.name as usize..self.colon as usize).unwrap_or_default()
    }

    /// The value, as it came, without the one blank that follows the colon.
    pub(super) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let value = bytes.get(self.colon as usize + 1..self.end as usize).unwrap_or_default();
        value.strip_prefix(b" ").unwrap_or(value)
    }
}

/// One line with its end; the last one may lack it. A carriage return before the line's end belongs to the end.
fn line(input: &[u8]) -> IResult<&[u8], &[u8]> {
    if input.is_empty() {
        return Err(nom::Err::Error(Error::new(input, ErrorKind::Eof)));
    }
    let (content, rest) = match memchr(b'\n', input).and_then(|at| input.split_at_checked(at)) {
        Some((content, end)) => (content, end.get(1..).unwrap_or_default()),
        None => (input, Default::default()),
    };
    Ok((rest, content.strip_suffix(b"\r").unwrap_or(content)))
}

/// `Name: value` of one line, split at the first colon; the name may not be empty.
fn header(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    let colon = |input| match memchr(b':', input).filter(|&at| at > 0) {
        Some(at) => take(at).parse(input),
        None => Err(nom::Err::Error(Error::new(input, ErrorKind::Char))),
    };
    (terminated(colon, take(1usize)), rest).parse(input)
}

/// Indexes the header block that begins at `from`, up to and with its blank line or the end of the bytes. Appends to
/// `index` and gives the offset behind the block.
pub(super) fn block(bytes: &[u8], from: usize, index: &mut Vec<Field>) -> usize {
    let mut input = bytes.get(from..).unwrap_or_default();
    while let Ok((behind, text)) = line(input) {
        let start = bytes.len() - input.len();
        input = behind;
        if text.is_empty() {
            break;
        }
        if let Ok((_, (name, value))) = header(text) {
            let colon = start + name.len();
            index.push(Field {
                name: offset(start),
                colon: offset(colon),
                end: offset(colon + 1 + value.len()),
            });
        }
    }
    bytes.len() - input.len()
}

/// Indexes the event in a `text/event-plain` whose body begins at `from`; gives the range of the event's own body.
///
/// The event's `Content-Length` is the last one (`switch_event_serialize` writes it last; a `sendevent` can bring another
/// before it). If it promises more than there is, the body is what there is.
pub(super) fn event(bytes: &[u8], from: usize, index: &mut Vec<Field>) -> Option<(usize, usize)> {
    let first = index.len();
    let start = block(bytes, from, index);
    let there = bytes.len() - start;
    if there == 0 {
        return None;
    }
    let said = index
        .get(first..)
        .unwrap_or_default()
        .iter()
        .rfind(|field| field.name(bytes).eq_ignore_ascii_case(b"Content-Length"))
        .and_then(|field| number(field.value(bytes)))
        .map_or(there, |said| said.min(there));
    Some((start, start + said))
}

/// A decimal number as headers have it; `None` for anything else, a sign and an overflow included.
pub(super) fn number(value: &[u8]) -> Option<usize> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// An offset as the index keeps it. The codec's limits keep every message far below 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
