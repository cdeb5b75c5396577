//! Conditional requests and ranges: what a request asks of content that is so long and so old.

use std::time::SystemTime;

use axum::http::{HeaderMap, HeaderName, Method, header};

use super::About;

/// What there is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Everything.
    Whole,
    /// A part of it; `length` is at least 1.
    Part {
        /// The first byte.
        start: u64,
        /// How many.
        length: u64,
    },
    /// Nothing: the client has it already.
    NotModified,
    /// A part that is not there.
    Outside,
}

/// In the order of RFC 9110, section 13.2.2. What cannot be understood is as if it were not there.
pub(super) fn asked(method: &Method, headers: &HeaderMap, about: &About) -> Asked {
    let mut known = headers.get_all(header::IF_NONE_MATCH).iter().peekable();
    if known.peek().is_some() {
        let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        if known.any(|value| is_listed(&text(value), about.etag.as_str())) {
            return Asked::NotModified;
        }
    } else if let (Some(modified), Some(since)) =
        (about.modified, date(headers, &header::IF_MODIFIED_SINCE))
        && whole_seconds(modified) <= whole_seconds(since)
    {
        return Asked::NotModified;
    }
    if method == Method::GET && is_same(headers, about) {
        range(headers, about.length).unwrap_or(Asked::Whole)
    } else {
        Asked::Whole
    }
}

/// Whether an entity tag stands in the list, weak or not; `*` is every tag.
fn is_listed(list: &str, etag: &str) -> bool {
    let mut rest = list.trim();
    if rest == "*" {
        return true;
    }
    while !rest.is_empty() {
        let tag = rest.strip_prefix("W/").unwrap_or(rest);
        // A tag without quotes is no tag, but some clients send one; it ends at the comma.
        let end = match tag.strip_prefix('"') {
            Some(opaque) => opaque.find('"').map_or(tag.len(), |at| at + 2),
            None => tag.find(',').unwrap_or(tag.len()),
        };
        let (one, after) = tag.split_at_checked(end).unwrap_or((tag, ""));
        if one.trim() == etag {
            return true;
        }
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    false
}

/// Whether the part that is asked for belongs to what the client has: If-Range.
fn is_same(headers: &HeaderMap, about: &About) -> bool {
    let Some(condition) = headers.get(header::IF_RANGE) else { return true };
    // The comparison is the strong one, so a weak tag is never the same.
    if condition.as_bytes() == about.etag.as_str().as_bytes() {
        return true;
    }
    let since = date(headers, &header::IF_RANGE);
    since.is_some() && since.map(whole_seconds) == about.modified.map(whole_seconds)
}

/// The one range of bytes that is asked for; `None` where there is none that we give.
fn range(headers: &HeaderMap, all: u64) -> Option<Asked> {
    let text = headers.get(header::RANGE)?.to_str().ok()?.trim();
    let (unit, set) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let (start, end) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(all)),
        (Some(first), None) if last.is_empty() => (first, all),
        (None, Some(last)) if first.is_empty() => (all.saturating_sub(last), all),
        _ => return None,
    };
    Some(if start < end { Asked::Part { start, length: end - start } } else { Asked::Outside })
}

/// Digits and nothing else; more than fit are as good as the most that fit.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok()
}

/// Seconds since 1970, which is all that a date in a header holds.
fn whole_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
