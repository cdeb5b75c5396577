//! HTTP basic authentication.

use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;

/// The one user and password that a listener accepts.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

impl Credentials {
    /// Whether a request carries them. Takes the same time wherever they differ.
    pub fn are_in(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .map_or("", |(_, given)| given.trim());
        bool::from(given.as_bytes().ct_eq(self.encoded().as_bytes()))
    }

    /// The header that carries them, as a line.
    pub(super) fn header(&self) -> String {
        format!("Authorization: Basic {}", self.encoded())
    }

    fn encoded(&self) -> String {
        base64(format!("{}:{}", self.user, self.password.expose_secret()).as_bytes())
    }
}

/// Base64 as in RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_user_with_the_one_password() {
        let credentials = Credentials { user: "freeswitch".into(), password: "pass:word".into() };
        let carries = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            credentials.are_in(&headers)
        };
        assert!(carries(&format!("Basic {}", base64(b"freeswitch:pass:word"))));
        assert!(carries(&format!("basic  {}", base64(b"freeswitch:pass:word"))));
        for wrong in
            ["Basic", "Basic ", "Bearer x", &format!("Basic {}", base64(b"freeswitch:pass"))]
        {
            assert!(!carries(wrong), "{wrong}");
        }
        assert!(!credentials.are_in(&HeaderMap::new()));
    }
}
