//! Any column as text.

/// The longest text that is read of a column, in bytes, and in characters where the server cuts it.
pub(crate) const LONGEST: usize = 512;

/// A column's bytes as text: UTF-8, else one character a byte, as in Latin 1. Without the blanks with which
/// `CHAR(n)` is filled; `None` where nothing is left.
pub(crate) fn text(bytes: &[u8]) -> Option<String> {
    let short = bytes.get(..LONGEST).unwrap_or(bytes);
    let text = match str::from_utf8(short) {
        Ok(text) => text.to_owned(),
        // A character that was cut in two at the end.
        Err(error) if short.len() < bytes.len() && error.error_len().is_none() => {
            String::from_utf8_lossy(short.get(..error.valid_up_to()).unwrap_or_default())
                .into_owned()
        }
        Err(_) => short.iter().map(|byte| char::from(*byte)).collect(),
    };
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_become_a_text_without_the_filling() {
        assert_eq!(text(b"sales   ").as_deref(), Some("sales"));
        assert_eq!(text("Müller".as_bytes()).as_deref(), Some("Müller"));
        assert_eq!(text(b"M\xfcller\0").as_deref(), Some("Müller"));
        assert_eq!(text(b"  \0 "), None);
        assert_eq!(text(&[0xff; 2000]).map(|text| text.chars().count()), Some(LONGEST));
        let long = "ä".repeat(LONGEST);
        assert_eq!(text(format!("x{long}").as_bytes()).map(|text| text.len()), Some(LONGEST - 1));
    }
}
