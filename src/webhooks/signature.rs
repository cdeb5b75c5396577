//! What proves to a target that it is us who tell, and when: HMAC-SHA256 as in Standard Webhooks.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::Sha256;

/// What a key begins with.
const PREFIX: &str = "whsec_";
/// How many bytes a key has.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The key of a target's signatures.
#[derive(Clone)]
pub struct SigningKey(SecretSlice<u8>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// The text is no key. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `whsec_` and 24 to 64 bytes in base64, as `echo \"whsec_$(openssl rand -base64 32)\"` makes it"
)]
pub struct InvalidKey;

impl SigningKey {
    /// The key as the other side has it too.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidKey> {
        let encoded = text.expose_secret().strip_prefix(PREFIX).ok_or(InvalidKey)?;
        let key = STANDARD.decode(encoded).map_err(|_| InvalidKey)?;
        if BYTES.contains(&key.len()) { Ok(Self(key.into())) } else { Err(InvalidKey) }
    }

    /// The header `webhook-signature` of a message.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        // A key may have any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else {
            return String::new();
        };
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn a_signature_is_as_the_specification_has_it() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into();
        let key = SigningKey::parse(&key).unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}");
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(key.sign(id, 1_614_265_330, body), signature);
        assert_eq!(format!("{key:?}"), "SigningKey(..)");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_short",
            "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
            "whsec_AAAA",
        ] {
            assert!(SigningKey::parse(&text.to_owned().into()).is_err(), "{text}");
        }
    }
}
