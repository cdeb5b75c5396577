//! The tables `[redirection.NAME]` of the configuration.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::model::Bounded;

/// The table of one service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedirectionSettings {
    /// Which methods the service has, and by which names.
    #[serde(default)]
    pub interface: Interface,
    /// Where it is; `None`: as the interface says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<ServiceUrl>,
    /// As whom to ask.
    pub user: String,
    /// The password.
    #[serde(default, skip_serializing)]
    pub password: Option<SecretString>,
    /// The file of the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Who signed the service's certificate (PEM); `None`: whom this machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Which vendors' phones go there; empty: as the interface says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendors: Vec<String>,
    /// Which URL the service is told.
    #[serde(default)]
    pub urls: Urls,
    /// Types of phones to list besides those that are known, as the service calls them.
    #[serde(default)]
    pub types: Vec<String>,
    /// What the service calls us, where it wants to know (Gigaset: the profile).
    #[serde(default)]
    pub profile: String,
    /// How many calls at a time, 1 to 32.
    #[serde(default)]
    pub parallel: Bounded<1, 32, 4>,
    /// Seconds that one call may take, 1 to 120.
    #[serde(default)]
    pub deadline_seconds: Bounded<1, 120, 10>,
    /// How often the daemon registers by itself what is not registered yet, in minutes; 0: never.
    #[serde(default)]
    pub reconcile_minutes: Bounded<0, 10_080, 0>,
}

impl RedirectionSettings {
    /// Where the service is.
    pub fn url(&self) -> &str {
        self.url.as_ref().map_or(self.interface.url(), ServiceUrl::as_str)
    }

    /// Whether a vendor's phones go there.
    pub fn takes(&self, vendor: &str) -> bool {
        match self.vendors.is_empty() {
            true => vendor == self.interface.vendor(),
            false => self.vendors.iter().any(|name| name == vendor),
        }
    }

    /// How long one call may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(u64::from(self.deadline_seconds.get()))
    }

    /// How often the daemon looks by itself.
    pub fn reconcile(&self) -> Option<Duration> {
        let minutes = u64::from(self.reconcile_minutes.get());
        (minutes > 0).then(|| Duration::from_secs(60 * minutes))
    }
}

/// Which methods a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// `redirect.registerPhone` and its like: Snom, and whoever is compatible.
    #[default]
    Snom,
    /// `autoprov.registerDevice` and its like: Gigaset. It tells neither what it has nor which URL.
    Gigaset,
}

impl Interface {
    /// Where the vendor's own service is.
    fn url(self) -> &'static str {
        match self {
            // Without the slash at its end it is not found.
            Self::Snom => "https://secure-provisioning.snom.com:8083/xmlrpc/",
            Self::Gigaset => "https://prov.gigaset.net/apxml/rpc.do",
        }
    }

    /// Whose phones it is for.
    fn vendor(self) -> &'static str {
        match self {
            Self::Snom => "snom",
            Self::Gigaset => "gigaset",
        }
    }

    /// The file of a phone behind its URL. A Snom replaces `{mac}` itself: of a URL without it, it makes a second
    /// one. Others are told the path as it is.
    pub(super) fn file(self, mac: crate::model::Mac) -> String {
        match self {
            Self::Snom => "{mac}.xml".to_owned(),
            Self::Gigaset => format!("{mac}.xml"),
        }
    }
}

/// Which URL a service is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urls {
    /// Each phone's own, with its key: the phone is let in with nothing else.
    #[default]
    Own,
    /// The same for all, without a key: a phone comes with its factory certificate, or in its window.
    Shared,
}

/// The name of a service in the configuration: 1 to 40 lower-case letters, digits, `-` or `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(String);

impl ServiceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ServiceName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        if (1..=40).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err("expected a name for this service: 1 to 40 lower-case letters, digits, `-` or `_`")
        }
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.0
    }
}

/// Where a service is: `https://`, because it is told keys, and we say a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceUrl(Box<str>);

impl ServiceUrl {
    /// The URL, as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected the URL of a redirection service, as in \
             \"https://secure-provisioning.snom.com:8083/xmlrpc/\", without user and password";
        let parsed = reqwest::Url::parse(text).map_err(|_| EXPECTED)?;
        let fine = parsed.scheme() == "https"
            && parsed.has_host()
            && parsed.username().is_empty()
            && parsed.password().is_none()
            && parsed.fragment().is_none()
            && text.len() <= 500;
        if fine { Ok(Self(text.into())) } else { Err(EXPECTED) }
    }
}

impl TryFrom<String> for ServiceUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ServiceUrl> for String {
    fn from(url: ServiceUrl) -> Self {
        url.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_encrypted_and_its_url_holds_no_password() {
        for good in [Interface::Snom.url(), Interface::Gigaset.url(), "https://[::1]:8083/x"] {
            assert_eq!(good.parse::<ServiceUrl>().unwrap().as_str(), good);
        }
        for bad in ["", "http://a/", "https://", "https://u:p@a/", "https://u@a/", "https://a/#x"] {
            assert!(bad.parse::<ServiceUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_phones_of_its_vendor_go_to_a_service() {
        let least = |more: &str| {
            let text = format!("user = \"u\"\npassword = \"p\"\n{more}");
            toml::from_str::<RedirectionSettings>(&text).unwrap()
        };
        assert!(least("").takes("snom") && !least("").takes("gigaset"));
        assert!(least("interface = \"gigaset\"").takes("gigaset"));
        let both = least("vendors = [\"snom\", \"own\"]");
        assert!(both.takes("own") && both.takes("snom") && !both.takes("yealink"));
    }
}
