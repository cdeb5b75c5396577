//! What a Yealink is and shows.

use super::super::report::{Display, Identity, Key};
use super::Yealink;

/// `account.1.sip_server.1.expires` until it is set.
const FACTORY_EXPIRES: u32 = 3600;
/// More keys of a kind are not looked for.
const MAX_KEYS: u16 = 60;

impl Yealink {
    /// The first account, when it is active and complete.
    pub(in super::super) fn identity(&self) -> Option<Identity> {
        if self.parameter("account.1.enable") != Some("1") {
            return None;
        }
        let of = |name: &str| self.parameter(&format!("account.1.{name}"));
        let user = of("user_name")?;
        let domain = of("sip_server.1.address")?;
        let proxy = (of("outbound_proxy_enable") == Some("1")).then(|| {
            if self.generation() >= 81 {
                (of("outbound_proxy.1.address"), of("outbound_proxy.1.port"))
            } else {
                (of("outbound_host"), of("outbound_port"))
            }
        });
        let (host, port) = match proxy {
            Some((Some(host), port)) => (host, port),
            _ => (domain, of("sip_server.1.port")),
        };
        let port = port.filter(|port| *port != "0").map(|port| format!(":{port}"));
        let transport = match of("sip_server.1.transport_type") {
            Some("1") => "tcp",
            Some("2") => "tls",
            Some("3") => "dns",
            _ => "udp",
        };
        let expires = of("sip_server.1.expires").and_then(|text| text.parse().ok());
        Some(Identity {
            user: user.to_owned(),
            auth_user: of("auth_name").unwrap_or(user).to_owned(),
            secret: of("password").unwrap_or_default().to_owned().into(),
            domain: domain.to_owned(),
            registrar: format!("{host}{};transport={transport}", port.unwrap_or_default()),
            expires: expires.unwrap_or(FACTORY_EXPIRES),
        })
    }

    /// As the parameters have it.
    pub(in super::super) fn display(&self) -> Display {
        let text = |name| self.parameter(name).map(str::to_owned);
        let is_on = |name| self.parameter(name) == Some("1");
        Display {
            label: text("account.1.label").or_else(|| text("account.1.user_name")),
            idle: text("account.1.display_name"),
            keys: self.keys(),
            mailbox: text("voice_mail.number.1"),
            dnd: is_on("features.dnd.enable") || is_on("account.1.dnd.enable"),
            forwarding: text("forward.always.target").filter(|_| is_on("forward.always.enable")),
            calls: self.calls.clone(),
            redial: self.calls.first().cloned(),
            phone_book: self.book.iter().chain(&self.own_book).cloned().collect(),
            language: text("lang.gui"),
            time_zone: text("local_time.time_zone"),
            ntp: text("local_time.ntp_server1"),
        }
    }

    /// Line keys, then the soft keys that somebody set.
    fn keys(&self) -> Vec<Key> {
        let places = ["linekey", "programablekey"].into_iter().flat_map(|kind| {
            (1..=MAX_KEYS).map(move |position| (position, format!("{kind}.{position}")))
        });
        let keys = places.filter_map(|(position, place)| {
            let of = |name: &str| self.parameter(&format!("{place}.{name}"));
            let kind = match of("type")? {
                "0" => return None,
                "13" => "speed",
                "15" => "line",
                "16" => "blf",
                other => other,
            };
            Some(Key {
                position,
                kind: kind.to_owned(),
                value: of("value").unwrap_or_default().to_owned(),
                label: of("label").unwrap_or_default().to_owned(),
            })
        });
        keys.collect()
    }
}
