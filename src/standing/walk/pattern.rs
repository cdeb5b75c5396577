//! Patterns as FreeSWITCH matches them (`switch_regex.c`), on the crate regex.
//!
//! PCRE works on bytes there, and so do we. What regex does not know (look-around, back-references)
//! is an error with a name, never a silent "no match".

use regex::bytes::{Regex, RegexBuilder};

/// A compiled pattern.
pub(super) struct Pattern(Regex);

/// The parts of a match: the whole, then its groups; a group that took no part is absent.
pub(super) type Captures = Vec<Option<String>>;

impl Pattern {
    /// Compiles `text`, or `/text/i` with PCRE's flags `i` and `s`.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let (expression, flags) = match text.strip_prefix('/') {
            Some(behind) => behind.rsplit_once('/').ok_or("the closing / is missing")?,
            None => (text, ""),
        };
        if text.starts_with('_') {
            return Err("Asterisk's form (_) is not read here".to_owned());
        }
        RegexBuilder::new(expression)
            .unicode(false)
            .case_insensitive(flags.contains('i'))
            .dot_matches_new_line(flags.contains('s'))
            .size_limit(1 << 20)
            .build()
            .map(Self)
            .map_err(|fault| fault.to_string())
    }

    pub(super) fn captures(&self, text: &str) -> Option<Captures> {
        let captures = self.0.captures(text.as_bytes())?;
        let part = |part: Option<regex::bytes::Match<'_>>| {
            part.map(|part| String::from_utf8_lossy(part.as_bytes()).into_owned())
        };
        Some(captures.iter().map(part).collect())
    }
}

/// `$1` and `${1}` replaced by what the groups caught (`switch_perform_substitution`); any other
/// `$` stays.
pub(super) fn substituted(data: &str, captures: &Captures) -> String {
    let mut out = String::with_capacity(data.len());
    let mut rest = data;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        let braced = behind.strip_prefix('{');
        let from = braced.unwrap_or(behind);
        let length = from.bytes().take_while(u8::is_ascii_digit).count().min(9);
        let (digits, after) = from.split_at_checked(length).unwrap_or(("", from));
        let after = match (digits.is_empty(), braced) {
            (true, _) => None,
            (false, Some(_)) => after.strip_prefix('}'),
            (false, None) => Some(after),
        };
        match after {
            Some(after) => {
                let index = digits.parse::<usize>().unwrap_or(usize::MAX);
                if let Some(Some(caught)) = captures.get(index) {
                    out.push_str(caught);
                }
                rest = after;
            }
            None => {
                out.push('$');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}
