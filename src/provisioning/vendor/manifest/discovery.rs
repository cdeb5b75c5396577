//! `[discovery]` of a manifest: what a phone that knows nothing is told, by DHCP and by SIP PnP.

use serde::Deserialize;

use super::HELP;
use super::check::Checker;
use crate::model::TomlFault;

/// The most bytes of a path and of a class.
const LONGEST: usize = 120;

/// How a phone that knows nothing finds its server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// What stands behind our URL, with what the phone fills in by itself as the phone knows it (`{mac}`).
    pub path: String,
    /// How the vendor class looks that it says (option 60).
    #[serde(default)]
    pub classes: Vec<Class>,
    /// The enterprise number with which its vendor class begins, in four bytes, where it is no text.
    #[serde(default)]
    pub enterprise: Option<u32>,
    /// Whether a phone is also told by the first half of its MAC address.
    #[serde(default)]
    pub ouis: Ouis,
    /// What DHCP says.
    #[serde(default)]
    pub options: Vec<DhcpOption>,
    /// A header of the NOTIFY that has the URL as well (SIP PnP).
    #[serde(default)]
    pub pnp_header: Option<String>,
}

/// When the first half of a MAC address tells a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ouis {
    /// Always.
    Always,
    /// If it says no vendor class.
    #[default]
    WithoutClass,
    /// Never: other devices have it as well.
    Never,
}

/// A vendor class, `*` at one end standing for any text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Class {
    /// `snom*`.
    Begins(String),
    /// `*-3PCC`.
    Ends(String),
    /// `N510_IP_PRO`.
    Is(String),
}

impl Class {
    /// The text without the star.
    pub fn text(&self) -> &str {
        match self {
            Self::Begins(text) | Self::Ends(text) | Self::Is(text) => text,
        }
    }
}

impl TryFrom<String> for Class {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let class = match (text.strip_suffix('*'), text.strip_prefix('*')) {
            (Some(begin), None) => Self::Begins(begin.to_owned()),
            (None, Some(end)) => Self::Ends(end.to_owned()),
            (None, None) => Self::Is(text),
            (Some(_), Some(_)) => return Err(CLASS),
        };
        let text = class.text();
        // A single letter would take half of a network.
        let is_good = (3..=LONGEST).contains(&text.len())
            && text.bytes().all(|b| (b.is_ascii_graphic() || b == b' ') && b != b'*');
        if is_good { Ok(class) } else { Err(CLASS) }
    }
}

/// What is expected of a class.
const CLASS: &str =
    "expected a vendor class of 3 to 120 letters, as in \"snom*\", \"*-3PCC\" or \"N510_IP_PRO\"";

/// An option that DHCP is to send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhcpOption {
    /// Its number.
    pub code: u8,
    /// What it says.
    pub value: OptionValue,
    /// Why, in a sentence for the operator.
    pub reason: String,
    /// The most bytes that the phone takes.
    #[serde(default)]
    pub longest: Option<usize>,
}

/// What an option says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptionValue {
    /// The whole URL.
    Url,
    /// Its scheme, host and port.
    Server,
    /// The rest of it, without the slash at its beginning.
    Path,
    /// Options 66 and 67 inside of it, with server and path.
    ServerAndPath,
}

impl Discovery {
    /// The URL of phones of this vendor that know nothing, where phones reach us at `base`.
    pub fn url(&self, base: &str) -> String {
        format!("{base}{}", self.path)
    }
}

impl Checker<'_> {
    /// What serde cannot check.
    pub(super) fn discovery(
        &self,
        discovery: Option<Discovery>,
    ) -> Result<Option<Discovery>, TomlFault> {
        let Some(discovery) = discovery else { return Ok(None) };
        // It stands in the files of three DHCP servers and in a SIP message: what means something in one of
        // them stands in none.
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?&=%${}@+".contains(&b);
        let path = discovery.path.as_str();
        if !path.starts_with('/') || path.len() > LONGEST || !path.bytes().all(plain) {
            let key = "discovery.path";
            let problem = format!(
                "found {}, expected a path that begins with `/`, without spaces, quotes, commas, `#` and `\\`",
                self.text.found(key)
            );
            return Err(self.text.fault(key, problem, format!("Correct it. {HELP}")));
        }
        for (index, option) in discovery.options.iter().enumerate() {
            let key = format!("discovery.options[{}]", index + 1);
            let is_twice = discovery.options.iter().take(index).any(|o| o.code == option.code);
            let nested = option.value == OptionValue::ServerAndPath;
            // 0 and 255 are no options; nesting is what option 43 is for.
            let problem = match option.code {
                0 | 255 => "found an option that there is none of, expected 1 to 254".to_owned(),
                code if is_twice => format!("found option {code} a second time"),
                code if nested && code != 43 => {
                    format!("found `server-and-path` in option {code}, expected it in option 43")
                }
                _ if option.reason.contains(['\n', '\r']) => {
                    "found a reason of several lines".to_owned()
                }
                _ => continue,
            };
            return Err(self.text.fault(&format!("{key}.code"), problem, "Correct it.".to_owned()));
        }
        let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if let Some(header) = &discovery.pnp_header
            && !((1..=40).contains(&header.len()) && header.bytes().all(token))
        {
            let key = "discovery.pnp_header";
            let problem = format!("found {}, expected the name of a header", self.text.found(key));
            return Err(self.text.fault(key, problem, "Correct it.".to_owned()));
        }
        Ok(Some(discovery))
    }
}
