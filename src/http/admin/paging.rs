//! Lists a part at a time: `limit` and `after`, and where the next part is.

use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::model::Bounded;

/// The most rows in one answer, and how many there are where nothing is said.
pub const MOST_ROWS: u32 = 1_000;

/// How many rows an answer has.
pub type Limit = Bounded<1, MOST_ROWS, MOST_ROWS>;

/// Which part of a list is asked for, and nothing else.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageQuery<K> {
    /// At most so many rows.
    #[serde(default)]
    pub limit: Limit,
    /// Those behind the row with this key.
    pub after: Option<K>,
}

/// The part of a list's keys that is asked for, and whether there are more behind it.
pub(super) fn part<K: Ord>(mut keys: Vec<K>, limit: Limit, after: Option<&K>) -> (Vec<K>, bool) {
    keys.sort_unstable();
    let begin = after.map_or(0, |after| keys.partition_point(|key| key <= after));
    let rest = keys.len() - begin;
    let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
    (keys.into_iter().skip(begin).take(limit).collect(), rest > limit)
}

/// The rows, and in `Link` where those behind `next` are, asked for as these were.
pub(super) fn answer<T: Serialize>(rows: &[T], uri: &Uri, next: Option<&str>) -> Response {
    answer_by("after", rows, uri, next)
}

/// The same, where the next rows are asked for by a parameter of another name.
pub(super) fn answer_by<T: Serialize>(
    name: &str,
    rows: &[T],
    uri: &Uri,
    next: Option<&str>,
) -> Response {
    let mut response = Json(rows).into_response();
    let Some(next) = next else { return response };
    let asked = uri.query().unwrap_or_default().split('&');
    let asked = asked.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
    let next = format!("{name}={}", utf8_percent_encode(next, NON_ALPHANUMERIC));
    let query: Vec<&str> = asked.chain([next.as_str()]).collect();
    let link = format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"));
    if let Ok(link) = HeaderValue::try_from(link) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_part_by_part_and_nothing_twice() {
        let (limit, mut after, mut read) = (Limit::try_from(3).unwrap(), None, Vec::new());
        loop {
            let (keys, more) = part(vec![5, 3, 9, 1, 7, 2, 8], limit, after.as_ref());
            after = keys.last().copied();
            read.extend(keys);
            if !more {
                break;
            }
        }
        assert_eq!(read, [1, 2, 3, 5, 7, 8, 9]);
        // A row that has gone meanwhile is still a place to go on from.
        assert_eq!(part(vec![1, 5], limit, Some(&3)), (vec![5], false));
        assert_eq!(part(vec![1, 5], limit, Some(&5)), (vec![], false));
    }

    #[test]
    fn the_next_part_is_asked_for_as_this_one_was() {
        let uri: Uri = "/api/v1/x?limit=2&after=1&stuck=true".parse().unwrap();
        let link = answer(&[1], &uri, Some("a b"));
        assert_eq!(
            link.headers()["link"],
            "</api/v1/x?limit=2&stuck=true&after=a%20b>; rel=\"next\""
        );
        assert!(answer(&[1], &uri, None).headers().get("link").is_none());
    }
}
