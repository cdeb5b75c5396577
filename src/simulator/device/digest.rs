//! HTTP authentication from the client's side: RFC 2617, as phones do it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret, SecretString};

/// A name and a password.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: SecretString,
}

/// What a server offers in its 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Digest(Digest),
    Basic,
}

/// The parameters of a Digest challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// Whether `qop=auth` is offered; without it RFC 2069 holds.
    qop: bool,
    /// The credentials were right, the nonce too old.
    pub(super) stale: bool,
}

impl Challenge {
    /// The best of what the `WWW-Authenticate` headers offer: Digest before Basic.
    pub(super) fn best<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut basic = None;
        for (scheme, parameters) in headers.flat_map(challenges) {
            if scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Self::Basic);
            } else if scheme.eq_ignore_ascii_case("digest")
                && let Some(digest) = Digest::read(&parameters)
            {
                return Some(Self::Digest(digest));
            }
        }
        basic
    }

    /// The `Authorization` header for one request. `uri` is path and query as they are sent.
    pub(super) fn answer(
        &self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        cnonce: &str,
    ) -> String {
        match self {
            Self::Basic => {
                let pair = format!("{}:{}", credentials.user, credentials.password.expose_secret());
                format!("Basic {}", STANDARD.encode(pair))
            }
            Self::Digest(digest) => digest.answer(credentials, method, uri, cnonce),
        }
    }
}

impl Digest {
    /// `None` for what phones cannot do: another algorithm than MD5, or only `auth-int`.
    fn read(parameters: &[(String, String)]) -> Option<Self> {
        let get = |name: &str| {
            let found = parameters.iter().find(|(is, _)| is.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        if get("algorithm").is_some_and(|algorithm| !algorithm.eq_ignore_ascii_case("md5")) {
            return None;
        }
        let qop = get("qop").map(|qop| qop.split(',').any(|word| word.trim() == "auth"));
        if qop == Some(false) {
            return None;
        }
        Some(Self {
            realm: get("realm")?.to_owned(),
            nonce: get("nonce")?.to_owned(),
            opaque: get("opaque").map(str::to_owned),
            qop: qop.is_some(),
            stale: get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// `Authorization: Digest …`, with `nc` 1: phones were seen to ask anew for every file.
    fn answer(&self, credentials: &Credentials, method: &str, uri: &str, cnonce: &str) -> String {
        let Self { realm, nonce, .. } = self;
        let user = &credentials.user;
        let password = credentials.password.expose_secret();
        let ha1 = md5_hex(&format!("{user}:{realm}:{password}"));
        let ha2 = md5_hex(&format!("{method}:{uri}"));
        let response = if self.qop {
            md5_hex(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"))
        } else {
            md5_hex(&format!("{ha1}:{nonce}:{ha2}"))
        };
        let mut header = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\", algorithm=MD5",
            quoted(user),
            quoted(realm),
            quoted(nonce),
            quoted(uri)
        );
        if self.qop {
            let _ = write!(header, ", qop=auth, nc=00000001, cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(header, ", opaque={}", quoted(opaque));
        }
        header
    }
}

/// Schemes with their parameters; one header may hold several.
fn challenges(header: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for part in split_at_commas(header) {
        let part = part.trim();
        let (name, value) = part.split_once('=').map_or((part, ""), |(n, v)| (n.trim(), v.trim()));
        // A blank before the `=` separates a scheme from its first parameter.
        let name = match name.split_once(char::is_whitespace) {
            Some((scheme, name)) => {
                found.push((scheme.to_owned(), Vec::new()));
                name.trim()
            }
            None if value.is_empty() => {
                found.push((name.to_owned(), Vec::new()));
                continue;
            }
            None => name,
        };
        if let Some((_, parameters)) = found.last_mut() {
            parameters.push((name.to_owned(), unquoted(value)));
        }
    }
    found
}

/// The parameters behind a scheme's name.
pub(super) fn parameters_of(text: &str) -> Vec<(String, String)> {
    let parts = split_at_commas(text).into_iter().filter_map(|part| part.trim().split_once('='));
    parts.map(|(name, value)| (name.trim().to_owned(), unquoted(value.trim()))).collect()
}

/// Parts between commas that do not stand in quotes.
fn split_at_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut in_quotes, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_quotes => escaped = true,
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => {
                parts.extend(text.get(from..at));
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(from..));
    parts
}

/// A quoted string without its quotes and backslashes.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

/// A value as a quoted string, so that none breaks out of the header.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Hash in lower-case hex, as RFC 2617 wants it.
fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials { user: "Mufasa".into(), password: "Circle Of Life".to_owned().into() }
    }

    #[test]
    fn the_example_of_rfc_2617_comes_out() {
        let challenge = Challenge::best(
            [r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#]
                .into_iter(),
        )
        .unwrap();
        let header = challenge.answer(&credentials(), "GET", "/dir/index.html", "0a4f113b");
        assert!(header.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{header}");
        assert!(header.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""), "{header}");
        assert!(header.contains("nc=00000001") && header.contains("qop=auth,"), "{header}");
    }

    #[test]
    fn digest_is_taken_before_basic_in_whatever_order_they_stand() {
        for headers in [
            vec![r#"Basic realm="a, b""#, r#"Digest realm="r", nonce="n", stale=TRUE"#],
            vec![r#"Basic realm="x", Digest realm="r", nonce="n", stale=true"#],
            vec![
                r#"Digest realm="s", nonce="m", algorithm=SHA-256, Digest realm="r", nonce="n", stale=true"#,
            ],
        ] {
            let Some(Challenge::Digest(digest)) = Challenge::best(headers.iter().copied()) else {
                panic!("{headers:?}");
            };
            assert_eq!((digest.realm.as_str(), digest.nonce.as_str()), ("r", "n"));
            assert!(digest.stale && !digest.qop);
        }
    }

    #[test]
    fn what_a_phone_cannot_do_is_no_challenge() {
        for header in [
            "Negotiate",
            r#"Digest realm="r", nonce="n", qop="auth-int""#,
            r#"Digest realm="r", nonce="n", algorithm=SHA-256"#,
            r#"Digest realm="r""#,
            "",
            "=,=,\"",
        ] {
            assert_eq!(Challenge::best([header].into_iter()), None, "{header}");
        }
        assert_eq!(Challenge::best(["Basic realm=\"x\""].into_iter()), Some(Challenge::Basic));
    }

    #[test]
    fn basic_is_name_and_password_in_base64() {
        let header = Challenge::Basic.answer(&credentials(), "GET", "/", "");
        assert_eq!(header, "Basic TXVmYXNhOkNpcmNsZSBPZiBMaWZl");
    }
}
