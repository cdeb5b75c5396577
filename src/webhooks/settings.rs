//! The tables `[[webhook]]` of the configuration.

use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::model::{Bounded, WebhookEvent};

/// The table of one target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// What the log and the command line call it; `None`: the host of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<TargetName>,
    /// Where it is.
    pub url: WebhookUrl,
    /// The key of the signatures.
    #[serde(default, skip_serializing)]
    pub secret: Option<SecretString>,
    /// The file of the key.
    #[serde(default, skip_serializing)]
    pub secret_file: Option<PathBuf>,
    /// Of what it is told.
    pub events: Vec<WebhookEvent>,
    /// Who signed its certificate (PEM); `None`: whom this machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Seconds that one POST may take, 1 to 60.
    #[serde(default)]
    pub deadline_seconds: Bounded<1, 60, 10>,
}

/// A target's name: 1 to 100 lower-case letters, digits, `.`, `-`, `_` or `:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetName(String);

impl TargetName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TargetName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_:".contains(&b);
        if (1..=100).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(
                "expected a name for this webhook: 1 to 100 lower-case letters, digits, `.`, `-`, `_` or `:`",
            )
        }
    }
}

impl From<TargetName> for String {
    fn from(name: TargetName) -> Self {
        name.0
    }
}

/// Where a target is: `https://`, or `http://` to this machine itself. It tells who sits where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(Box<str>);

impl WebhookUrl {
    /// The URL, as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its host, and the port where one is written.
    pub fn authority(&self) -> String {
        let url = reqwest::Url::parse(&self.0).ok();
        let host = url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
        match url.as_ref().and_then(reqwest::Url::port) {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

impl FromStr for WebhookUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected the URL of a webhook, as in \"https://crm.example.net/hooks/desk\" (http:// \
             only to 127.0.0.1 or [::1]), without user and password";
        let url = reqwest::Url::parse(text).map_err(|_| EXPECTED)?;
        let is_safe = match url.scheme() {
            "https" => true,
            "http" => matches!(url.host_str(), Some("127.0.0.1" | "[::1]")),
            _ => false,
        };
        let fine = is_safe
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && text.len() <= 500;
        if fine { Ok(Self(text.into())) } else { Err(EXPECTED) }
    }
}

impl TryFrom<String> for WebhookUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_elsewhere_is_encrypted_and_its_url_holds_no_password() {
        for (good, authority) in [
            ("https://crm.example.net/hooks?a=b", "crm.example.net"),
            ("https://crm.example.net:8443/", "crm.example.net:8443"),
            ("http://127.0.0.1:8000/x", "127.0.0.1:8000"),
            ("http://[::1]/", "[::1]"),
        ] {
            let url: WebhookUrl = good.parse().unwrap();
            assert_eq!((url.as_str(), url.authority().as_str()), (good, authority));
        }
        for bad in [
            "",
            "http://crm.example.net/",
            "http://127.0.0.1.example.net/",
            "http://localhost/",
            "https://",
            "https://u:p@a/",
            "https://u@a/",
            "https://a/#x",
            "ftp://a/",
        ] {
            assert!(bad.parse::<WebhookUrl>().is_err(), "{bad}");
        }
    }
}
