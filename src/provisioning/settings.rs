//! The table `[provisioning]` of the configuration.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::model::{KeyNumber, PhoneSettings, WayLimits};

/// The table `[provisioning]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProvisioningSettings {
    /// Where phones reach the phones' listener; `None`: `http://<domain>:8085`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<BaseUrl>,
    /// Where phones register; `None`: the domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registrar: Option<String>,
    /// The port there; 0: as DNS says.
    pub port: u16,
    /// How phones speak SIP.
    pub transport: Transport,
    /// Seconds that a registration holds, 120 to 300.
    #[serde(deserialize_with = "expires")]
    pub expires: u16,
    /// What the mailbox key dials.
    pub mailbox: KeyNumber,
    /// A folder of templates of the operator's own, laid over the built-in ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<PathBuf>,
    /// A folder of firmware files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<PathBuf>,
    /// A file of contacts besides the users: CSV, name and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<PathBuf>,
    /// Whether a phone that does not fetch may be restarted.
    pub restart_silent: bool,
    /// Who may have a file.
    pub enrolment: EnrolmentSettings,
    /// TLS at the phones' listener.
    pub tls: TlsSettings,
    /// How long a phone may take from one step to the next.
    pub way: WayLimits,
    /// The phones' own web pages.
    pub web: WebSettings,
    /// The layer of the site.
    pub settings: PhoneSettings,
}

impl Default for ProvisioningSettings {
    fn default() -> Self {
        Self {
            url: None,
            registrar: None,
            port: 5060,
            transport: Transport::Udp,
            expires: 180,
            // FreeSWITCH's stock dialplan.
            mailbox: KeyNumber::known("*98"),
            templates: None,
            firmware: None,
            contacts: None,
            restart_silent: true,
            enrolment: EnrolmentSettings::default(),
            tls: TlsSettings::default(),
            way: WayLimits::default(),
            web: WebSettings::default(),
            settings: PhoneSettings::new(),
        }
    }
}

/// The table `[provisioning.enrolment]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnrolmentSettings {
    /// For how many hours a phone that is added may come, once, with nothing but its MAC address; 0: never.
    pub window_hours: u16,
    /// From where it may come.
    #[serde(deserialize_with = "nets")]
    pub networks: Vec<IpNet>,
    #[serde(deserialize_with = "nets")]
    /// From where phones that are not in the inventory are added as nobody's desk.
    pub add_unknown_from: Vec<IpNet>,
    /// How many refusals a minute one network (/24, /48) gets before it is not listened to.
    pub refusals_per_minute: u32,
}

impl Default for EnrolmentSettings {
    fn default() -> Self {
        let private = [
            (IpAddr::from([10, 0, 0, 0]), 8),
            (IpAddr::from([172, 16, 0, 0]), 12),
            (IpAddr::from([192, 168, 0, 0]), 16),
            (IpAddr::from([127, 0, 0, 0]), 8),
            (IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 0]), 8),
            (IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), 128),
        ];
        Self {
            window_hours: 24,
            networks: private.map(|(address, bits)| IpNet::new_assert(address, bits)).to_vec(),
            add_unknown_from: Vec::new(),
            refusals_per_minute: 60,
        }
    }
}

impl EnrolmentSettings {
    /// For how long a window is open.
    pub fn window(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.window_hours))
    }

    /// Whether a bare MAC address from there is answered.
    pub fn allows(&self, from: IpAddr) -> bool {
        contains(&self.networks, from)
    }

    /// Whether a phone from there is added that is not in the inventory.
    pub fn adds(&self, from: IpAddr) -> bool {
        contains(&self.add_unknown_from, from)
    }
}

fn contains(nets: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    nets.iter().any(|net| net.contains(&address))
}

/// The table `[provisioning.tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// The server's certificate and what signed it (PEM); without one there is no TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The key that belongs to it (PEM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Who signed the phones' factory certificates (PEM).
    pub client_authorities: Vec<PathBuf>,
    /// Whether a factory certificate counts that has expired.
    pub expired_client_certificates: bool,
    /// How the MAC address stands in a factory certificate's common name: alone (`mac`), or as a word among
    /// others (`word`).
    pub common_name: CommonNameForm,
    /// A TLS proxy before us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxySettings>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            certificate: None,
            key: None,
            client_authorities: Vec::new(),
            expired_client_certificates: true,
            common_name: CommonNameForm::Mac,
            proxy: None,
        }
    }
}

/// The table `[provisioning.web]`: what `phones check` reads of a phone's own web pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSettings {
    /// Whether they are read at all.
    pub read: bool,
    /// Whether over HTTPS. A phone's certificate is its own, so nothing is verified, and nothing rests on it.
    pub tls: bool,
    /// At which port; `None`: 80, or 443 with TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whether the password may be sent as it is (HTTP Basic) to a phone that offers nothing better.
    pub basic: bool,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self { read: true, tls: false, port: None, basic: false }
    }
}

impl WebSettings {
    /// The port in force.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { 443 } else { 80 })
    }
}

/// How a phone's MAC address stands in the common name of its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommonNameForm {
    /// It is the MAC address.
    Mac,
    /// One of its words is.
    Word,
}

/// A TLS proxy that is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxySettings {
    /// The header in which it names the subject of the client certificate that it verified.
    pub header: String,
    /// From where it is believed.
    #[serde(deserialize_with = "nets")]
    pub networks: Vec<IpNet>,
}

/// How phones speak SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
}

impl Transport {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// `http://` or `https://`, host, port and path without a `/` at its end.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(Box<str>);

impl BaseUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_end_matches('/');
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        // It goes into files of many kinds, so it is made of what means itself in all of them.
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:[]/".contains(&b);
        match rest {
            Some(rest)
                if rest.len() <= 120
                    && rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
                    && rest.bytes().all(plain) =>
            {
                Ok(Self(text.into()))
            }
            _ => Err(InvalidBaseUrl),
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = InvalidBaseUrl;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.0.into()
    }
}

/// The text is no URL that phones can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected where phones reach hotdeskd, as in \"http://prov.example.net:8085\"")]
pub struct InvalidBaseUrl;

/// Networks, or single addresses.
fn nets<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let net = |text: String| {
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map_err(|_| {
            serde::de::Error::custom(
                "expected a network or an IP address, as in \"192.0.2.0/24\" or \"192.0.2.10\"",
            )
        })
    };
    texts.into_iter().map(net).collect()
}

fn expires<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let seconds = u16::deserialize(deserializer)?;
    if (120..=300).contains(&seconds) {
        Ok(seconds)
    } else {
        // The message lamp is set at REGISTER, and a phone that moved is found by its next one.
        Err(serde::de::Error::custom("expected seconds from 120 to 300"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_for_phones_has_a_scheme_and_nothing_that_means_something_in_a_file() {
        for good in ["http://prov.example.net:8085", "https://[fd00::1]:8445/a", "http://10.0.0.1"]
        {
            assert_eq!(good.parse::<BaseUrl>().unwrap().as_str(), good);
        }
        assert_eq!("http://a/".parse::<BaseUrl>().unwrap().as_str(), "http://a");
        for bad in
            ["", "ftp://a", "http://", "http://u:p@a", "http://a b", "http://a/$x", "http://a?x"]
        {
            assert_eq!(bad.parse::<BaseUrl>(), Err(InvalidBaseUrl), "{bad}");
        }
    }

    #[test]
    fn a_bare_mac_is_answered_in_private_networks_only() {
        let settings = EnrolmentSettings::default();
        for (address, allowed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("198.51.100.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(settings.allows(address.parse().unwrap()), allowed, "{address}");
        }
        assert!(!settings.adds("10.1.2.3".parse().unwrap()));
    }
}
