//! What a DHCP server is told, so that phones that know nothing find us: `hotdeskd dhcp print`.
//!
//! The facts stand in each vendor's manifest (`[discovery]`): how its phones are told from other devices,
//! which options they look at, and why. The URLs are those that SIP PnP says. Here they are written as each
//! server has it, a comment with its reason before each line.

mod dnsmasq;
mod isc;
mod kea;

#[cfg(test)]
mod tests;

use super::vendor::{DhcpOption, Discovery, OptionValue, Vendor};

/// A DHCP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// ISC dhcpd.
    Isc,
    /// Kea.
    Kea,
    /// dnsmasq.
    Dnsmasq,
}

/// What this server is told of phones of these vendors, where phones reach us at `base`.
pub fn print<'v>(
    server: Server,
    vendors: impl IntoIterator<Item = &'v Vendor>,
    base: &str,
) -> String {
    let vendors = vendors.into_iter().filter_map(|vendor| Told::of(vendor, base));
    let vendors: Vec<Told<'_>> = vendors.collect();
    match server {
        Server::Isc => isc::print(&vendors, base),
        Server::Kea => kea::print(&vendors, base),
        Server::Dnsmasq => dnsmasq::print(&vendors, base),
    }
}

/// A vendor, as far as DHCP is concerned.
struct Told<'v> {
    /// What its class, tag or space is called: letters, digits and `-`.
    name: String,
    /// What people call it, in one line.
    title: String,
    /// The first halves of its MAC addresses.
    ouis: &'v [[u8; 3]],
    /// Its manifest.
    discovery: &'v Discovery,
    /// The URL.
    url: String,
}

/// What an option says, for a server to write.
enum Says {
    /// A text.
    Text(String),
    /// Options 66 and 67 inside of it.
    Nested {
        /// What 66 says.
        server: String,
        /// What 67 says.
        path: String,
    },
    /// Nothing: the text is longer than the phone takes.
    TooLong {
        /// The most bytes that it takes.
        longest: usize,
    },
}

impl<'v> Told<'v> {
    fn of(vendor: &'v Vendor, base: &str) -> Option<Self> {
        let discovery = vendor.discovery()?;
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        Some(Self {
            name: format!("hotdeskd-{}", vendor.name().chars().map(plain).collect::<String>()),
            title: one_line(vendor.title()),
            ouis: vendor.ouis(),
            discovery,
            url: discovery.url(base),
        })
    }

    /// Each option with what it says.
    fn options(&self) -> impl Iterator<Item = (&'v DhcpOption, Says)> {
        let (server, path) = split(&self.url);
        self.discovery.options.iter().map(move |option| {
            let text = match option.value {
                OptionValue::Url => self.url.as_str(),
                OptionValue::Server => server,
                OptionValue::Path => path,
                OptionValue::ServerAndPath => {
                    return (option, Says::Nested { server: server.into(), path: path.into() });
                }
            };
            let says = match option.longest {
                Some(longest) if text.len() > longest => Says::TooLong { longest },
                _ => Says::Text(text.to_owned()),
            };
            (option, says)
        })
    }
}

/// A URL's scheme, host and port, and the rest without the slash between.
fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
    let path = url.get(end..).unwrap_or_default();
    (url.get(..end).unwrap_or(url), path.strip_prefix('/').unwrap_or(path))
}

/// The lines at the top of each file, without the sign that makes comments of them.
fn head(server: &str, include: &[&str], vendors: &[Told<'_>], base: &str) -> Vec<String> {
    let mut lines = vec![format!("How phones that know nothing find hotdeskd, for {server}.")];
    lines.extend(include.iter().map(|line| (*line).to_owned()));
    lines.push(
        "What is said here holds for every phone of a vendor, and no key is in it.".to_owned(),
    );
    if base.starts_with("https:") {
        lines.push("With https a phone comes only if it trusts the authority of our certificate, and has the time.".to_owned());
    }
    if vendors.is_empty() {
        lines.push("Nothing is known of how the phones of the inventory ask.".to_owned());
    }
    lines
}

/// A text that ends no comment: in one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The reason for an option, in one line.
fn reason(option: &DhcpOption, says: &Says) -> String {
    let reason = one_line(&option.reason);
    match says {
        Says::TooLong { longest } => {
            format!(
                "Option {} is left out: the URL has more than the {longest} bytes that the phone takes. {reason}",
                option.code
            )
        }
        Says::Text(_) | Says::Nested { .. } => format!("{}: {reason}", option.code),
    }
}

/// `00:04:13`.
fn oui(oui: &[u8; 3]) -> String {
    let [a, b, c] = oui;
    format!("{a:02x}:{b:02x}:{c:02x}")
}
