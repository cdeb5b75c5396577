//! The parameters of an `Authorization` header: `name=token` and `name="quoted"`, between commas.

/// So many parameters at most; RFC 7616 has twelve.
const MOST: usize = 32;

/// Names in lower case, values without their quotes.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// `None` where the text is not made like that, or has a name twice.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut found = Self(Vec::new());
        let mut rest = text.trim_matches(is_between);
        while !rest.is_empty() {
            let (name, after) = rest.split_once('=')?;
            let (value, after) = value(after.trim_start())?;
            let name = name.trim().to_ascii_lowercase();
            if found.get(&name).is_some() || found.0.len() == MOST {
                return None;
            }
            found.0.push((name, value));
            rest = after.trim_start_matches(is_between);
        }
        Some(found)
    }

    /// A parameter's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn is_between(c: char) -> bool {
    matches!(c, ' ' | '\t' | ',')
}

/// The value at the beginning of a text, and what comes after it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, after) = text.split_once(',').unwrap_or((text, ""));
        return Some((token.trim().to_owned(), after));
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '\\' => value.push(chars.next()?),
            '"' => break,
            c => value.push(c),
        }
    }
    let after = chars.as_str().trim_start();
    (after.is_empty() || after.starts_with(',')).then_some((value, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_quoted_texts_are_read() {
        let text = r#"Username="a\"b, c=d", uri="/x?a=1,b=\\" , nc=00000001,QOP = auth,"#;
        let read = Parameters::parse(text).unwrap();
        assert_eq!(read.get("username"), Some(r#"a"b, c=d"#));
        assert_eq!(read.get("uri"), Some(r"/x?a=1,b=\"));
        assert_eq!((read.get("nc"), read.get("qop")), (Some("00000001"), Some("auth")));
        assert_eq!(read.get("nonce"), None);
    }

    #[test]
    fn what_is_not_made_like_that_is_nothing() {
        let many: String = (0..40).map(|at| format!("a{at}=b,")).collect();
        for text in [r#"a="b"#, r#"a="b\"#, r#"a="b"c"#, "a", "a=b,A=c", &many] {
            assert!(Parameters::parse(text).is_none(), "{text}");
        }
    }
}
