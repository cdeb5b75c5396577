//! Bearer tokens, by which programs are known.

use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Operator;
use crate::model::{Actor, OperatorName, Role};

/// A program that may ask.
#[derive(Debug, Clone)]
pub struct Token {
    /// As the journal names it.
    pub name: OperatorName,
    /// What it may do.
    pub role: Role,
    /// By what it is known.
    pub digest: TokenDigest,
}

/// The SHA-256 of a token. Enough, because a token is long and random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenDigest([u8; 32]);

/// The text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hex digits, as `printf %s TOKEN | sha256sum` prints them")]
pub struct InvalidTokenDigest;

impl TokenDigest {
    /// The fewest letters of a token.
    pub const FEWEST: usize = 20;

    /// The digest of a token.
    pub fn of(token: &SecretString) -> Self {
        Self(Sha256::digest(token.expose_secret().as_bytes()).into())
    }

    /// As it stands in the configuration.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::str::FromStr for TokenDigest {
    type Err = InvalidTokenDigest;

    fn from_str(text: &str) -> Result<Self, InvalidTokenDigest> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidTokenDigest);
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).ok_or(InvalidTokenDigest)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidTokenDigest)?;
        }
        Ok(Self(bytes))
    }
}

/// What a request says of itself.
pub(super) enum Bearer {
    /// Nothing.
    None,
    /// A token that we know.
    Known(Operator),
    /// Something else.
    Wrong,
}

/// Who has the token of a request. Takes the same time whichever it is.
pub(super) fn bearer(headers: &HeaderMap, tokens: &[Token]) -> Bearer {
    let Some(given) = headers.get(header::AUTHORIZATION) else { return Bearer::None };
    let given = given.to_str().ok().and_then(|given| given.split_once(' '));
    let Some((_, given)) = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return Bearer::Wrong;
    };
    let digest: [u8; 32] = Sha256::digest(given.trim().as_bytes()).into();
    let mut known = None;
    for token in tokens {
        if bool::from(token.digest.0.ct_eq(&digest)) {
            known = Some(token);
        }
    }
    known.map_or(Bearer::Wrong, |token| {
        let actor = Actor::Operator(token.name.clone());
        Bearer::Known(Operator { actor, role: token.role, session: None })
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_is_known_by_its_digest() {
        let digest = TokenDigest::of(&"crm-token-of-twenty-letters".into());
        assert_eq!(digest.hex().parse::<TokenDigest>().unwrap(), digest);
        let tokens = [Token { name: "crm".parse().unwrap(), role: Role::Viewer, digest }];
        let who = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            match bearer(&headers, &tokens) {
                Bearer::None => "none".to_owned(),
                Bearer::Wrong => "wrong".to_owned(),
                Bearer::Known(operator) => operator.name().unwrap().to_string(),
            }
        };
        assert_eq!(who("Bearer crm-token-of-twenty-letters"), "crm");
        assert_eq!(who("bearer  crm-token-of-twenty-letters"), "crm");
        for wrong in ["Bearer", "Bearer ", "Bearer x", "Basic crm-token-of-twenty-letters", "x"] {
            assert_eq!(who(wrong), "wrong", "{wrong}");
        }
        assert!(matches!(bearer(&HeaderMap::new(), &tokens), Bearer::None));
        for text in ["", "0", &"0".repeat(63), &"g".repeat(64), &"ä".repeat(32)] {
            assert!(text.parse::<TokenDigest>().is_err(), "{text}");
        }
    }
}
