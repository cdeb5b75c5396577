//! Captured messages with places for values.
//!
//! A template is one `Name: value` a line, copied from a capture, values percent-encoded as they were
//! captured; `{place}` is filled. The captures are those of `tests/fixtures/freeswitch/`.

use percent_encoding::percent_decode_str;

/// The lines of `template` as names and decoded values, each `{place}` replaced by what `value` gives.
///
/// A place without a value becomes empty. A name may be a place too; it is kept as it stands, for the
/// caller to put other lines there.
pub(super) fn fill(
    template: &str,
    value: impl Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    template
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, text)| (name.to_owned(), fill_text(text.trim_start(), &value)))
        .collect()
}

/// One value: decoded first, so that what is put in is never decoded.
fn fill_text(text: &str, value: &impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(&percent_decode_str(before).decode_utf8_lossy());
        let Some((place, after)) = after.split_once('}') else {
            break;
        };
        filled.push_str(&value(place).unwrap_or_default());
        rest = after;
    }
    filled.push_str(&percent_decode_str(rest).decode_utf8_lossy());
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_decoded() {
        let filled = fill("A: x%20{name}%40{name}\nB: {none}\n", |place| {
            (place == "name").then(|| "%41{b}".to_owned())
        });
        assert_eq!(
            filled,
            [("A".to_owned(), "x %41{b}@%41{b}".to_owned()), ("B".to_owned(), String::new())]
        );
    }
}
