//! Answers with content: whole, not changed, or a part of it, as RFC 9110 has it.
//!
//! Phones of ten years cope with a length and with nothing else, so there is always one, and never a
//! chunked body. Whoever asks for several ranges at once is given the whole.

mod conditions;
mod file;

use std::time::{Duration, SystemTime};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use sha2::{Digest as _, Sha256};

pub use file::{FileContent, open_inside};

use conditions::{Asked, asked};

/// The year 10000, which no HTTP date can say.
const DATES_END: Duration = Duration::from_secs(253_402_300_800);

/// Content in memory.
#[derive(Debug, Clone)]
pub struct Content {
    /// The content.
    pub bytes: Bytes,
    /// Its type.
    pub content_type: HeaderValue,
    /// Changes with the content.
    pub etag: ETag,
    /// When it changed, where that is known.
    pub modified: Option<SystemTime>,
}

impl Content {
    /// The answer to a GET or HEAD with these headers: 200, 206, 304 or 416.
    pub fn answer(self, method: &Method, headers: &HeaderMap) -> Response {
        let Self { bytes, content_type, etag, modified } = self;
        let about = About { length: bytes.len() as u64, content_type, etag, modified };
        about.answer(method, headers, |start, length| {
            let place = usize::try_from(start).ok().zip(usize::try_from(length).ok());
            let part = place.and_then(|(start, length)| {
                let end = start.checked_add(length)?;
                (end <= bytes.len()).then(|| bytes.slice(start..end))
            });
            Body::from(part.unwrap_or_default())
        })
    }
}

/// A strong entity tag (RFC 9110, section 8.8.3): other bytes, other tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let short = hash.iter().take(16).map(|byte| format!("{byte:02x}"));
        Self(format!("\"{}\"", short.collect::<String>()))
    }

    /// The tag of this hash: letters and digits.
    pub fn of_hash(hash: &str) -> Self {
        let plain: String = hash.chars().filter(char::is_ascii_alphanumeric).collect();
        Self(format!("\"{plain}\""))
    }

    /// The tag with its quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What conditions and ranges are about.
struct About {
    length: u64,
    content_type: HeaderValue,
    etag: ETag,
    modified: Option<SystemTime>,
}

impl About {
    /// `body` makes the body from the first byte and the length.
    fn answer(
        self,
        method: &Method,
        headers: &HeaderMap,
        body: impl FnOnce(u64, u64) -> Body,
    ) -> Response {
        let asked = asked(method, headers, &self);
        let (status, part) = match asked {
            Asked::Whole => (StatusCode::OK, Some((0, self.length))),
            Asked::Part { start, length } => (StatusCode::PARTIAL_CONTENT, Some((start, length))),
            Asked::NotModified => (StatusCode::NOT_MODIFIED, None),
            Asked::Outside => (StatusCode::RANGE_NOT_SATISFIABLE, None),
        };
        let mut response = Response::new(match part {
            Some((start, length)) if method != Method::HEAD => body(start, length),
            _ => Body::empty(),
        });
        *response.status_mut() = status;
        let all = self.length;
        let to = response.headers_mut();
        to.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Ok(etag) = HeaderValue::try_from(self.etag.0) {
            to.insert(header::ETAG, etag);
        }
        if let Some(date) = self.modified.and_then(http_date) {
            to.insert(header::LAST_MODIFIED, date);
        }
        let range = match asked {
            Asked::Part { start, length } => {
                Some(format!("bytes {start}-{}/{all}", (start + length).saturating_sub(1)))
            }
            Asked::Outside => Some(format!("bytes */{all}")),
            Asked::Whole | Asked::NotModified => None,
        };
        if let Some(range) = range.and_then(|range| HeaderValue::try_from(range).ok()) {
            to.insert(header::CONTENT_RANGE, range);
        }
        if let Some((_, length)) = part {
            to.insert(header::CONTENT_TYPE, self.content_type);
            to.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        } else if status == StatusCode::RANGE_NOT_SATISFIABLE {
            to.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        }
        response
    }
}

/// A date as headers write it; none before 1970 and after 9999, where a file's time may well be.
fn http_date(time: SystemTime) -> Option<HeaderValue> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let date = (since < DATES_END).then(|| httpdate::fmt_http_date(time))?;
    HeaderValue::try_from(date).ok()
}

#[cfg(test)]
mod tests;
