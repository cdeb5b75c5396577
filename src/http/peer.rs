//! Who the other end is: the MAC address in its certificate, and what a proxy in front of us says.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, Request};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::Mac;

/// What proxies write the address of their client into.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// So many addresses of a forwarding chain are looked at.
const HOPS: usize = 32;

/// The network of an address, so many bits long with IPv4 and with IPv6.
pub(super) fn network_of(address: IpAddr, v4: u8, v6: u8) -> IpNet {
    let address = address.to_canonical();
    let length = if address.is_ipv4() { v4 } else { v6 };
    // Past the most the address alone.
    IpNet::new(address, length).map_or(IpNet::from(address), |network| network.trunc())
}

/// In a request's extensions: the other end has a verified certificate of the phone with this MAC
/// address, and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Which phone.
    pub mac: Mac,
}

/// How a phone's MAC address stands in the common name of its certificate.
///
/// Snom's and Polycom's is the MAC address and nothing else; the form of others is not confirmed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommonName {
    /// It is the MAC address, in any spelling.
    #[default]
    Mac,
    /// The same, or exactly one of its words is a MAC address: 12 hex digits between characters that
    /// are no letters and digits, as in `VVX500-0004f2aabbcc`.
    Word,
}

impl CommonName {
    /// The phone of a common name; what is not a MAC address is no phone.
    pub fn phone(self, name: &str) -> Option<Mac> {
        if let Ok(mac) = name.parse() {
            return Some(mac);
        }
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let mut found = words.filter(|word| word.len() == 12).filter_map(|word| word.parse().ok());
        match (self, found.next(), found.next()) {
            (Self::Word, Some(mac), None) => Some(mac),
            _ => None,
        }
    }
}

/// A TLS proxy in front of this listener, which verifies client certificates in our place.
///
/// It has to take the header out of what its own clients send, or set it always, and must set it to
/// nothing for a client whose certificate it did not verify.
#[derive(Debug, Clone)]
pub struct ProxyHeader {
    /// The header with the MAC address, or with the subject (RFC 4514: nginx's `$ssl_client_s_dn`).
    pub header: HeaderName,
    /// From where it is believed, and `X-Forwarded-For` with it.
    pub networks: Vec<IpNet>,
    /// How the MAC address stands in it.
    pub common_name: CommonName,
}

impl ProxyHeader {
    /// Whether an address is the proxy's.
    pub fn is_from(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|net| net.contains(&address))
    }

    /// Puts what the proxy says in the place of what the connection says ([`PeerCertificate`] and
    /// [`ConnectInfo`]), where the request comes from the proxy. The header is taken out of every
    /// request, so that nobody behind can believe it by mistake.
    pub fn apply<B>(&self, request: &mut Request<B>) {
        let said = taken(request.headers_mut(), &self.header);
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let Some(peer) = peer.filter(|peer| self.is_from(peer.ip())) else { return };
        // Even where the proxy has a certificate of its own.
        request.extensions_mut().remove::<PeerCertificate>();
        if let Some(mac) = said.and_then(|said| self.phone(&said)) {
            request.extensions_mut().insert(PeerCertificate { mac });
        }
        if let Some(client) = self.client(request.headers()) {
            let port = if client == peer.ip() { peer.port() } else { 0 };
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client, port)));
        }
    }

    fn phone(&self, said: &str) -> Option<Mac> {
        self.common_name.phone(said.trim()).or_else(|| self.common_name.phone(&subject(said)?))
    }

    /// The nearest address that is not a proxy's. Those before it in the list may be invented.
    fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let values: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let hops = values.iter().rev().flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
        let mut nearest = None;
        for hop in hops.take(HOPS) {
            let Some(address) = address(hop.trim()) else { break };
            nearest = Some(address);
            if !self.is_from(address) {
                break;
            }
        }
        nearest
    }
}

/// The value of a header that stands once, and the header out of the request.
fn taken(headers: &mut HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok()).map(str::to_owned);
    let once = values.next().is_none();
    headers.remove(name);
    value.filter(|_| once)
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address =
        bare.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))?;
    Some(address.to_canonical())
}

/// The one common name of a subject as RFC 4514 writes it. A subject that is quoted, or written in
/// the older form with `/`, is not read: there, one part could pass for another.
fn subject(text: &str) -> Option<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            // An escaped character is kept with its `\`, which is in no MAC address.
            '\\' => parts.last_mut()?.extend(['\\', chars.next()?]),
            // `+` joins parts of one name.
            ',' | '+' => parts.push(String::new()),
            c => parts.last_mut()?.push(c),
        }
    }
    let name = |part: &String| {
        let (key, name) = part.trim().split_once('=')?;
        key.trim().eq_ignore_ascii_case("CN").then(|| name.trim().to_owned())
    };
    let mut names = parts.iter().filter_map(name);
    names.next().filter(|_| names.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "0004f2aabbcc";

    #[test]
    fn a_common_name_is_a_mac_address_or_holds_one() {
        for (name, bare, word) in [
            ("0004F2AABBCC", true, true),
            ("0004f2aabbcc", true, true),
            ("00:04:f2:AA:bb:cc", true, true),
            ("VVX500-0004f2aabbcc", false, true),
            ("SPA504G, MAC: 0004F2AABBCC, Serial: CBT123456AB", false, true),
            ("0004f2aabbcc 0004f2aabbcd", false, false),
            ("0004f2aabbccd", false, false),
            ("x0004f2aabbcc", false, false),
            ("prov.example.net", false, false),
            ("000000000000", false, false),
            ("", false, false),
        ] {
            let phone = |form: CommonName| form.phone(name).map(|mac| mac.to_string());
            assert_eq!(phone(CommonName::Mac).as_deref(), bare.then_some(MAC), "{name}");
            assert_eq!(phone(CommonName::Word).as_deref(), word.then_some(MAC), "{name}");
        }
    }

    /// Phone and address of a request from `from` with these headers, and how many headers are left.
    fn through(from: &str, headers: &[(&'static str, &str)]) -> (Option<String>, String, usize) {
        let proxy = ProxyHeader {
            header: HeaderName::from_static("x-phone"),
            networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/64".parse().unwrap()],
            common_name: CommonName::Mac,
        };
        let mut request = Request::new(());
        request.extensions_mut().insert(ConnectInfo(from.parse::<SocketAddr>().unwrap()));
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        proxy.apply(&mut request);
        let phone = request.extensions().get::<PeerCertificate>();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().unwrap();
        let left = request.headers().get_all("x-phone").iter().count();
        (phone.map(|phone| phone.mac.to_string()), peer.0.ip().to_string(), left)
    }

    #[test]
    fn the_header_is_believed_from_the_proxy_alone_and_never_left_in() {
        for said in [
            "0004f2aabbcc",
            "CN=0004F2AABBCC,O=Polycom Inc.",
            "O=Polycom Inc.+CN=0004f2aabbcc, C=US",
            r"O=a\,b\\,CN=0004f2aabbcc",
        ] {
            for from in ["192.0.2.7:999", "[::ffff:192.0.2.7]:999"] {
                let (phone, _, left) = through(from, &[("x-phone", said)]);
                assert_eq!((phone.as_deref(), left), (Some(MAC), 0), "{said}");
            }
            let (phone, _, left) = through("198.51.100.7:999", &[("x-phone", said)]);
            assert_eq!((phone, left), (None, 0), "{said}");
        }
        for said in [
            "",
            "(null)",
            r"CN=eve\,CN=0004f2aabbcc",
            r"CN=eve\,0004f2aabbcc",
            "CN=0004f2aabbcc,CN=0004f2aabbcd",
            "CN=eve,O=\"x,CN=0004f2aabbcc\"",
            "/O=x/CN=0004f2aabbcc",
            "OU=0004f2aabbcc",
            r"CN=0004f2aabbcc\",
        ] {
            assert_eq!(through("192.0.2.7:9", &[("x-phone", said)]).0, None, "{said}");
        }
        let twice = [("x-phone", MAC), ("x-phone", MAC)];
        assert_eq!(through("192.0.2.7:9", &twice), (None, "192.0.2.7".to_owned(), 0));
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_is_the_clients() {
        let peer = |from, forwarded: &[&str]| {
            let headers: Vec<_> =
                forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect();
            through(from, &headers).1
        };
        let proxy = "192.0.2.7:9";
        assert_eq!(peer(proxy, &[]), "192.0.2.7");
        assert_eq!(peer(proxy, &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(peer(proxy, &["203.0.113.9, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(peer(proxy, &["203.0.113.9, 198.51.100.1, 192.0.2.8"]), "198.51.100.1");
        assert_eq!(peer(proxy, &["203.0.113.9", "198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(peer(proxy, &["[2001:db8:1::1]:80"]), "2001:db8:1::1");
        assert_eq!(peer(proxy, &["[2001:db8:1::1]"]), "2001:db8:1::1");
        assert_eq!(peer(proxy, &["198.51.100.1, unknown"]), "192.0.2.7");
        assert_eq!(peer(proxy, &["198.51.100.1, junk, 192.0.2.8"]), "192.0.2.8");
        assert_eq!(peer("203.0.113.5:9", &["198.51.100.1"]), "203.0.113.5");
    }
}
