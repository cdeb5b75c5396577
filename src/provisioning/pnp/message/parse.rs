//! The grammar of SIP (RFC 3261, section 25) in nom, as far as it is needed.

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, digit1, none_of};
use nom::combinator::{all_consuming, eof, map, opt, peek, recognize, rest, value};
use nom::multi::{fold_many0, many0};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::{
    Address, Headers, MOST_BYTES, MOST_HEADERS, Malformed, Message, Parameter, Request, Response,
    Via,
};

/// The one-letter forms of header names.
const COMPACT: [(&str, &str); 12] = [
    ("i", "Call-ID"),
    ("m", "Contact"),
    ("e", "Content-Encoding"),
    ("l", "Content-Length"),
    ("c", "Content-Type"),
    ("o", "Event"),
    ("f", "From"),
    ("k", "Supported"),
    ("s", "Subject"),
    ("t", "To"),
    ("u", "Allow-Events"),
    ("v", "Via"),
];

/// The first line of a message.
enum Start<'a> {
    Request { method: &'a str, uri: &'a str },
    Response { status: u16 },
}

/// A whole datagram.
pub(super) fn message(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    if bytes.len() > MOST_BYTES {
        return Err(Malformed::TooLong);
    }
    // Blank lines before a message are allowed; phones send them to keep a NAT open.
    let begin = bytes.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(bytes.len());
    let bytes = bytes.get(begin..).unwrap_or_default();
    let (head, body) = split(bytes).ok_or(Malformed::Truncated)?;
    let head = std::str::from_utf8(head).map_err(|_| Malformed::NotUtf8)?;
    let (first, lines) = head.split_once('\n').ok_or(Malformed::Truncated)?;
    let first = first.strip_suffix('\r').unwrap_or(first);
    let (_, start) = all_consuming(start_line).parse(first).map_err(|_| Malformed::StartLine)?;
    let headers = headers(lines)?;
    length(&headers, body.len())?;
    let via = headers.all("Via").next().ok_or(Malformed::Missing("Via"))?;
    let via = via_first(via)?;
    let (sequence, method) = sequence(headers.one("CSeq")?)?;
    let call_id = headers.one("Call-ID")?;
    if call_id.is_empty() || call_id.contains([' ', '\t']) {
        return Err(Malformed::Header("Call-ID"));
    }
    let from = whole_address("From", &headers)?;
    let to = whole_address("To", &headers)?;
    match start {
        Start::Request { method: asked, uri } => {
            if method != asked {
                return Err(Malformed::OtherMethod);
            }
            Ok(Message::Request(Request { method: asked, uri, via, from, to, sequence, headers }))
        }
        Start::Response { status } => Ok(Message::Response(Response {
            status,
            branch: via.branch().map(str::to_owned),
            call_id: call_id.to_owned(),
            method,
        })),
    }
}

/// The headers with the end of their last line, and the body.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = 0;
    loop {
        let end = from + memchr::memchr(b'\n', bytes.get(from..)?)?;
        let behind = bytes.get(end + 1..)?;
        let blank = behind.strip_prefix(b"\r\n").or_else(|| behind.strip_prefix(b"\n"));
        if let Some(body) = blank {
            return Some((bytes.get(..=end)?, body));
        }
        from = end + 1;
    }
}

fn start_line(input: &str) -> IResult<&str, Start<'_>> {
    let version = || tag_no_case("SIP/2.0");
    let status = map(
        (version(), char(' '), take_while_m_n(3, 3, |c: char| c.is_ascii_digit()), char(' '), rest),
        |(_, _, status, _, _): (_, _, &str, _, _)| Start::Response {
            status: status.parse().unwrap_or_default(),
        },
    );
    let request = map(
        (token, char(' '), take_while1(is_in_uri), char(' '), version()),
        |(method, _, uri, _, _)| Start::Request { method, uri },
    );
    alt((status, request)).parse(input)
}

/// The lines of headers, folded ones joined.
fn headers(lines: &str) -> Result<Headers<'_>, Malformed> {
    let mut headers: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for line in lines.split_terminator('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.contains('\r') {
            return Err(Malformed::Line);
        }
        if line.starts_with(is_blank) {
            let (_, value) = headers.last_mut().ok_or(Malformed::Line)?;
            let value = value.to_mut();
            if !value.is_empty() {
                value.push(' ');
            }
            value.push_str(line.trim_matches(is_blank));
            continue;
        }
        if headers.len() >= MOST_HEADERS {
            return Err(Malformed::TooManyHeaders);
        }
        let (_, (name, _, _, value)) =
            (token, blanks, char(':'), rest).parse(line).map_err(|_| failed())?;
        let long = COMPACT.iter().find(|(compact, _)| compact.eq_ignore_ascii_case(name));
        headers.push((
            long.map_or(name, |(_, long)| long),
            Cow::Borrowed(value.trim_matches(is_blank)),
        ));
    }
    Ok(Headers(headers))
}

fn failed() -> Malformed {
    Malformed::Line
}

/// Whether the body is as long as the headers say. A datagram may have more; what is more is nobody's.
fn length(headers: &Headers<'_>, there: usize) -> Result<(), Malformed> {
    let mut said = None;
    for value in headers.all("Content-Length") {
        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        let length = value.parse::<usize>().ok().filter(|_| digits).ok_or(Malformed::Length)?;
        if said.is_some_and(|said| said != length) || length > there {
            return Err(Malformed::Length);
        }
        said = Some(length);
    }
    Ok(())
}

/// The first of a header's Vias; further ones may follow behind a comma.
fn via_first(value: &str) -> Result<Via, Malformed> {
    let slash = || (blanks, char('/'), blanks);
    let host = alt((
        recognize((
            char('['),
            take_while1(|c: char| c.is_ascii_hexdigit() || ":.".contains(c)),
            char(']'),
        )),
        take_while1(|c: char| c.is_ascii_alphanumeric() || "-._".contains(c)),
    ));
    let port = opt(preceded((blanks, char(':'), blanks), digit1));
    let via = (
        (tag_no_case("SIP"), slash(), tag("2.0"), slash(), token, blank1),
        (host, port),
        parameters,
        (blanks, alt((eof, peek(tag(","))))),
    );
    let mut via = map(via, |((_, _, _, _, transport, _), (host, port), parameters, _)| Via {
        protocol: format!("SIP/2.0/{transport}"),
        sent_by: match port {
            Some(port) => format!("{host}:{port}"),
            None => String::from(host),
        },
        parameters,
    });
    let (_, via) = via.parse(value).map_err(|_| Malformed::Header("Via"))?;
    Ok(via)
}

/// CSeq: a number below 2^31 and a method.
fn sequence(value: &str) -> Result<(u32, String), Malformed> {
    let failed = Malformed::Header("CSeq");
    let (_, (number, _, method)) =
        all_consuming((digit1::<_, ()>, blank1, token_of)).parse(value).map_err(|_| failed)?;
    let number = number.parse::<u32>().ok().filter(|number| *number < 1 << 31).ok_or(failed)?;
    Ok((number, method.to_owned()))
}

/// The address of a header that has one and no more.
fn whole_address(name: &'static str, headers: &Headers<'_>) -> Result<Address, Malformed> {
    let value = headers.one(name)?;
    let read = all_consuming((address, blanks)).parse(value);
    read.map(|(_, (address, _))| address).map_err(|_| Malformed::Header(name))
}

/// The first address of a list.
pub(super) fn first_address(value: &str) -> Option<Address> {
    let read = (address, blanks, alt((eof, peek(tag(","))))).parse(value);
    read.ok().map(|(_, (address, _, _))| address)
}

/// The name of an event, and its parameters.
pub(super) fn event(value: &str) -> Option<(String, Vec<Parameter>)> {
    let read = all_consuming((token, parameters, blanks)).parse(value);
    read.ok().map(|(_, (name, parameters, _))| (name.to_owned(), parameters))
}

/// `"Name" <uri>;parameters`, or `uri;parameters`, where all that follows the URI is the header's.
fn address(input: &str) -> IResult<&str, Address> {
    let name =
        alt((value((), quoted), value((), take_while(|c: char| is_in_token(c) || is_blank(c)))));
    let named = delimited((name, blanks, char('<')), take_while1(is_in_uri), char('>'));
    let bare = take_while1(|c: char| is_in_uri(c) && !";,?".contains(c));
    let (input, uri) = alt((named, bare)).parse(input)?;
    let (input, parameters) = parameters(input)?;
    let uri: &str = uri;
    // Every scheme has a colon; without one it is no URI.
    if !uri.contains(':') {
        let error = nom::error::Error::new(input, nom::error::ErrorKind::Char);
        return Err(nom::Err::Error(error));
    }
    Ok((input, Address { uri: uri.to_owned(), parameters }))
}

fn parameters(input: &str) -> IResult<&str, Vec<Parameter>> {
    let plain =
        map(take_while1(|c: char| is_in_token(c) || "[]:@/?()&=".contains(c)), str::to_owned);
    let text = preceded((blanks, char('='), blanks), alt((quoted, plain)));
    let parameter = preceded((blanks, char(';'), blanks), (token, opt(text)));
    let parameter = map(parameter, |(name, value)| Parameter { name: name.to_owned(), value });
    many0(parameter).parse(input)
}

/// A text in quotes, without them and without the backslashes.
fn quoted(input: &str) -> IResult<&str, String> {
    let escaped = preceded(char('\\'), nom::character::complete::anychar);
    let letters =
        fold_many0(alt((none_of("\"\\"), escaped)), String::new, |mut text: String, c: char| {
            text.push(c);
            text
        });
    delimited(char('"'), letters, char('"')).parse(input)
}

fn token(input: &str) -> IResult<&str, &str> {
    take_while1(is_in_token).parse(input)
}

/// As [`token`], for whoever does not ask for nom's errors.
fn token_of(input: &str) -> IResult<&str, &str, ()> {
    take_while1(is_in_token).parse(input)
}

fn blanks<'a, E: nom::error::ParseError<&'a str>>(input: &'a str) -> IResult<&'a str, &'a str, E> {
    take_while(is_blank).parse(input)
}

fn blank1<'a, E: nom::error::ParseError<&'a str>>(input: &'a str) -> IResult<&'a str, &'a str, E> {
    take_while1(is_blank).parse(input)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c)
}

/// What can stand in a URI, and never ends one.
fn is_in_uri(c: char) -> bool {
    c.is_ascii_graphic() && !"<>\"".contains(c)
}
