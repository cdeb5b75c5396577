//! Between the server and `ldap3`: what the server sends is looked at before `ldap3` sees it.
//!
//! `ldap3` reads as fast as it can into a queue without a bound, takes messages of any length, and panics where a
//! message is not what the request asked for. So it is given one end of a pair of sockets. At the other end each
//! message must be of a form that belongs to its request, not too long, and there are never more of them on
//! their way than the consumer gave credit for.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

use super::ber::{Element, Parts, header};

/// The longest message: an entry with ten thousands of values.
const LONGEST: usize = 16 << 20;
/// The most requests without an answer.
const REQUESTS: usize = 64;

/// Requests, and the answers that each may have; the first of them ends it.
const ANSWERS: [(u8, &[u8]); 3] =
    [(BIND, &[0x61]), (SEARCH, &[DONE, ENTRY, REFERENCE, INTERMEDIATE]), (EXTENDED, &[0x78])];
const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;
const EXTENDED: u8 = 0x77;
const ENTRY: u8 = 0x64;
const DONE: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const INTERMEDIATE: u8 = 0x79;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BOOLEAN: u8 = 0x01;
const STRING: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;

/// A connection to a server, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Carries messages both ways until one end is gone, or the server sends what it must not. Each message of the
/// server takes one of `credit`.
pub(super) async fn run(
    mut server: Box<dyn Stream>,
    mut ours: UnixStream,
    credit: Arc<Semaphore>,
) -> io::Result<()> {
    let (mut up, mut down) = (BytesMut::new(), BytesMut::with_capacity(1 << 16));
    let mut pending: HashMap<u32, u8> = HashMap::new();
    loop {
        tokio::select! {
            read = ours.read_buf(&mut up) => {
                if read? == 0 {
                    return Ok(());
                }
                let whole = requests(&up, &mut pending)?;
                server.write_all(up.get(..whole).unwrap_or_default()).await?;
                server.flush().await?;
                up.advance(whole);
            }
            read = server.read_buf(&mut down) => {
                if read? == 0 {
                    return Ok(());
                }
                let (whole, messages) = answers(&down, &mut pending)?;
                if messages > 0 {
                    forward(&mut ours, down.get(..whole).unwrap_or_default(), &credit).await?;
                    down.advance(whole);
                }
            }
        }
    }
}

/// Hands whole messages on, as credit allows.
async fn forward(ours: &mut UnixStream, bytes: &[u8], credit: &Semaphore) -> io::Result<()> {
    let (mut sent, mut at) = (0, 0);
    while let Some(length) = message(bytes.get(at..).unwrap_or_default())? {
        match credit.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(_) => {
                // What is there already is what the credit is for.
                ours.write_all(bytes.get(sent..at).unwrap_or_default()).await?;
                sent = at;
                let permit = credit.acquire().await;
                permit.map_err(|_| io::Error::other("nobody reads any more"))?.forget();
            }
        }
        at += length;
    }
    ours.write_all(bytes.get(sent..at).unwrap_or_default()).await
}

/// The length of the message at the beginning, once it is whole.
fn message(bytes: &[u8]) -> io::Result<Option<usize>> {
    match header(bytes) {
        None => Ok(None),
        Some(Ok((SEQUENCE, head, length))) if length <= LONGEST => {
            Ok(Some(head + length).filter(|whole| *whole <= bytes.len()))
        }
        Some(Ok((SEQUENCE, ..))) => Err(refused("a message that is too long")),
        Some(_) => Err(refused("something that is not LDAP")),
    }
}

fn refused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

/// Notes the requests of `ldap3`; answers how many bytes they are.
fn requests(bytes: &[u8], pending: &mut HashMap<u32, u8>) -> io::Result<usize> {
    let mut at = 0;
    while let Some(length) = message(bytes.get(at..).unwrap_or_default())? {
        let end = at + length;
        let mut parts = Parts(bytes.get(at..end).unwrap_or_default());
        let mut parts = parts.next().map_or(Parts(&[]), Element::parts);
        let id = parts.expect(INTEGER).and_then(Element::number);
        if let (Some(id), Some(request)) = (id, parts.next())
            && ANSWERS.iter().any(|(known, _)| *known == request.tag)
        {
            pending.insert(id, request.tag);
        }
        if pending.len() > REQUESTS {
            return Err(io::Error::other("too many requests without an answer"));
        }
        at = end;
    }
    Ok(at)
}

/// Checks what the server sent; answers how many bytes are whole messages, and how many messages they are.
fn answers(bytes: &[u8], pending: &mut HashMap<u32, u8>) -> io::Result<(usize, usize)> {
    let (mut at, mut messages) = (0, 0);
    while let Some(length) = message(bytes.get(at..).unwrap_or_default())? {
        let end = at + length;
        let wrong = || refused("a message of the wrong form");
        let mut whole = Parts(bytes.get(at..end).unwrap_or_default());
        let mut parts = whole.next().ok_or_else(wrong)?.parts();
        let id = parts.expect(INTEGER).and_then(Element::number).ok_or_else(wrong)?;
        let answer = parts.next().ok_or_else(wrong)?;
        if id == 0 {
            return Err(refused("notice that it ends the connection"));
        }
        let request = pending.get(&id).copied();
        let allowed = request
            .and_then(|request| ANSWERS.iter().find(|(known, _)| *known == request))
            .map(|(_, answers)| *answers);
        let allowed = allowed.ok_or_else(|| refused("an answer to nothing that was asked"))?;
        let fits = allowed.contains(&answer.tag) && is_answer(answer) && are_controls(parts);
        if !fits {
            return Err(wrong());
        }
        if allowed.first() == Some(&answer.tag) {
            pending.remove(&id);
        }
        (at, messages) = (end, messages + 1);
    }
    Ok((at, messages))
}

fn is_answer(answer: Element<'_>) -> bool {
    let mut parts = answer.parts();
    match answer.tag {
        ENTRY => {
            let dn = parts.expect(STRING).and_then(Element::text);
            let attributes = parts.expect(SEQUENCE);
            dn.is_some()
                && parts.is_empty()
                && attributes.is_some_and(|all| each(all, is_attribute))
        }
        REFERENCE => each(answer, is_text),
        INTERMEDIATE => {
            parts.expect(0x80).and_then(Element::text).is_some()
                && (parts.is_empty() || parts.expect(0x81).is_some())
                && parts.is_empty()
        }
        _ => is_result(parts),
    }
}

/// An LDAPResult, and what may follow in those of bind and extended.
fn is_result(mut parts: Parts<'_>) -> bool {
    let code = parts.expect(ENUMERATED).and_then(Element::number);
    let dn = parts.expect(STRING).and_then(Element::text);
    let text = parts.expect(STRING).and_then(Element::text);
    if code.is_none() || dn.is_none() || text.is_none() {
        return false;
    }
    while let Some(part) = parts.next() {
        let fits = match part.tag {
            0xa3 => each(part, is_text),
            0x8a => part.text().is_some(),
            0x87 | 0x8b => true,
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    parts.is_empty()
}

fn is_attribute(attribute: Element<'_>) -> bool {
    let mut parts = attribute.parts();
    let name = parts.expect(STRING).and_then(Element::text);
    let values = parts.expect(SET);
    attribute.tag == SEQUENCE
        && name.is_some()
        && values.is_some_and(|values| each(values, |value| value.tag == STRING))
        && parts.is_empty()
}

fn is_text(element: Element<'_>) -> bool {
    element.tag == STRING && element.text().is_some()
}

fn each(all: Element<'_>, fits: impl Fn(Element<'_>) -> bool) -> bool {
    let mut parts = all.parts();
    while let Some(part) = parts.next() {
        if !fits(part) {
            return false;
        }
    }
    parts.is_empty()
}

/// What stands behind an answer: nothing, or controls.
fn are_controls(mut parts: Parts<'_>) -> bool {
    if parts.is_empty() {
        return true;
    }
    let is_control = |control: Element<'_>| {
        let mut parts = control.parts();
        let name = parts.expect(STRING).and_then(Element::text);
        let flag = parts.expect(BOOLEAN);
        parts.expect(STRING);
        control.tag == SEQUENCE
            && name.is_some()
            && flag.is_none_or(|flag| flag.content.len() == 1)
            && parts.is_empty()
    };
    parts.expect(0xa0).is_some_and(|controls| each(controls, is_control)) && parts.is_empty()
}

#[cfg(test)]
mod tests;
