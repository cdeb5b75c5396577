//! HTTP authentication from the client's side: Digest (RFC 7616, and RFC 2617 before it), and Basic where that is allowed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// What a phone asks for with its 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A digest of the password.
    Digest(DigestChallenge),
    /// The password itself.
    Basic,
}

/// The parameters of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DigestChallenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    is_sha256: bool,
    has_qop: bool,
}

impl Challenge {
    /// The best of the `WWW-Authenticate` headers: a digest, else Basic, else `None`.
    pub(super) fn best<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let all: Vec<Self> = headers.filter_map(Self::read).collect();
        let digest = all.iter().find(|one| matches!(one, Self::Digest(_)));
        digest.or(all.first()).cloned()
    }

    /// One header; of several challenges in it the first that is a digest counts.
    fn read(header: &str) -> Option<Self> {
        // A phone sends one challenge a header; whatever stands behind a second scheme's name is not looked at.
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let parameters = parameters(rest);
        let get = |name: &str| {
            let found = parameters.iter().find(|(is, _)| is.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        let is_sha256 = match get("algorithm") {
            None => false,
            Some(name) if name.eq_ignore_ascii_case("md5") => false,
            Some(name) if name.eq_ignore_ascii_case("sha-256") => true,
            Some(_) => return None,
        };
        let qop = get("qop").map(|qop| qop.split(',').any(|word| word.trim() == "auth"));
        if qop == Some(false) {
            return None;
        }
        Some(Self::Digest(DigestChallenge {
            realm: get("realm")?.to_owned(),
            nonce: get("nonce")?.to_owned(),
            opaque: get("opaque").map(str::to_owned),
            is_sha256,
            has_qop: qop.is_some(),
        }))
    }
}

impl DigestChallenge {
    /// `Authorization` for a GET of this path. The password is not in it and cannot be had from it.
    pub(super) fn answer(
        &self,
        user: &str,
        password: &SecretString,
        path: &str,
        cnonce: &str,
    ) -> String {
        let Self { realm, nonce, opaque, .. } = self;
        let a1 = self.hash(&format!("{user}:{realm}:{}", password.expose_secret()));
        let a2 = self.hash(&format!("GET:{path}"));
        let response = match self.has_qop {
            true => self.hash(&format!("{a1}:{nonce}:00000001:{cnonce}:auth:{a2}")),
            false => self.hash(&format!("{a1}:{nonce}:{a2}")),
        };
        let algorithm = if self.is_sha256 { "SHA-256" } else { "MD5" };
        let mut header = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\", algorithm={algorithm}",
            quoted(user),
            quoted(realm),
            quoted(nonce),
            quoted(path),
        );
        if self.has_qop {
            header += &format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = opaque {
            header += &format!(", opaque={}", quoted(opaque));
        }
        header
    }

    fn hash(&self, text: &str) -> String {
        match self.is_sha256 {
            true => hex(&Sha256::digest(text)),
            false => hex(&Md5::digest(text)),
        }
    }
}

/// `Authorization: Basic`: whoever sees it has the password.
pub(super) fn basic(user: &str, password: &SecretString) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose_secret())))
}

/// `name=value, name="va\"lue"`; what is broken ends it.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some((name, behind)) = rest.split_once('=') {
        let behind = behind.trim_start();
        let (value, next) = match behind.strip_prefix('"') {
            Some(quoted) => {
                let Some((value, next)) = unquote(quoted) else { break };
                (value, next)
            }
            None => {
                let end = behind.find(',').unwrap_or(behind.len());
                let (value, next) = behind.split_at(end);
                (value.trim().to_owned(), next)
            }
        };
        found.push((name.trim().to_owned(), value));
        rest = next.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// The text up to the closing quote, and what stands behind it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(header: &str) -> DigestChallenge {
        match Challenge::best([header].into_iter()) {
            Some(Challenge::Digest(digest)) => digest,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_examples_of_the_rfcs_come_out() {
        let old = digest(
            r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
        );
        let password = SecretString::from("Circle Of Life");
        let header = old.answer("Mufasa", &password, "/dir/index.html", "0a4f113b");
        assert!(header.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{header}");
        assert!(header.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""), "{header}");
        let new = digest(
            r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#,
        );
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let header =
            new.answer("Mufasa", &SecretString::from("Circle of Life"), "/dir/index.html", cnonce);
        let response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert!(header.contains(response), "{header}");
    }

    #[test]
    fn a_digest_is_taken_before_basic_and_nothing_else_at_all() {
        let headers = ["Basic realm=\"x\"", "Digest realm=\"a\\\"b\", nonce=n"];
        let best = Challenge::best(headers.into_iter());
        assert!(matches!(best, Some(Challenge::Digest(ref digest)) if digest.realm == "a\"b"));
        assert_eq!(Challenge::best(["basic realm=x"].into_iter()), Some(Challenge::Basic));
        for header in [
            "Negotiate",
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
            "Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess",
            "Digest realm=\"r\"",
            "Digest realm=\"r, nonce=\"",
            "Digest ====\"\"\"",
            "",
        ] {
            assert_eq!(Challenge::best([header].into_iter()), None, "{header}");
        }
    }

    #[test]
    fn a_realm_cannot_end_its_quotes_in_our_answer() {
        let challenge = digest("Digest realm=\"a\\\", evil=\\\"b\", nonce=\"n\"");
        let header = challenge.answer("admin", &SecretString::from("p"), "/settings.xml", "c");
        assert!(header.contains("realm=\"a\\\", evil=\\\"b\""), "{header}");
        assert!(!header.contains("qop"), "{header}");
    }
}
