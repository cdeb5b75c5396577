//! What a Polycom is and shows.

use super::super::report::{Contact, Display, Identity, Key};
use super::Polycom;

/// `reg.1.server.1.expires` until it is set.
const FACTORY_EXPIRES: u32 = 3600;
/// More keys of a kind are not looked for.
const MAX_KEYS: u16 = 100;

impl Polycom {
    /// The first registration, when it is complete and shall register.
    pub(in super::super) fn identity(&self) -> Option<Identity> {
        if self.parameter("reg.1.server.1.register") == Some("0") {
            return None;
        }
        let user = self.parameter("reg.1.address")?;
        let domain = self.parameter("reg.1.server.1.address")?;
        // The outbound proxy has address, port and transport of its own.
        let next = match self.parameter("reg.1.outboundProxy.address") {
            Some(_) => "reg.1.outboundProxy",
            None => "reg.1.server.1",
        };
        let of_next = |name: &str| self.parameter(&format!("{next}.{name}"));
        let host = of_next("address").unwrap_or(domain);
        let port = of_next("port").filter(|port| *port != "0");
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let transport = of_next("transport").unwrap_or("DNSnaptr");
        let expires = self.parameter("reg.1.server.1.expires").and_then(|text| text.parse().ok());
        // `user@domain` is an address too; the domain is the server's otherwise.
        let (user, domain) = user.split_once('@').unwrap_or((user, domain));
        Some(Identity {
            user: user.to_owned(),
            auth_user: self.parameter("reg.1.auth.userId").unwrap_or(user).to_owned(),
            secret: self.parameter("reg.1.auth.password").unwrap_or_default().to_owned().into(),
            domain: domain.to_owned(),
            registrar: format!("{host}{port};transport={transport}"),
            expires: expires.unwrap_or(FACTORY_EXPIRES),
        })
    }

    /// As the parameters in force and the personal files have it.
    pub(in super::super) fn display(&self) -> Display {
        let text = |name| self.parameter(name).map(str::to_owned);
        let mailbox = match self.parameter("msg.mwi.1.callBackMode") {
            Some("contact") => text("msg.mwi.1.callBack"),
            Some("registration") => text("reg.1.address"),
            _ => None,
        };
        let forwards = self.parameter("divert.fwd.1.enabled") != Some("0");
        let book = self.directory.iter().chain(&self.shared);
        Display {
            label: text("reg.1.label").or_else(|| text("reg.1.address")),
            idle: text("reg.1.displayName"),
            keys: self.line_keys(),
            mailbox,
            dnd: self.parameter("divert.dnd.1.enabled") == Some("1"),
            forwarding: text("divert.1.contact").filter(|_| forwards),
            calls: self.calls.clone(),
            redial: self.calls.first().cloned(),
            phone_book: book
                .map(|entry| Contact { name: entry.name(), number: entry.contact.clone() })
                .collect(),
            language: text("lcl.ml.lang"),
            time_zone: text("tcpIpApp.sntp.gmtOffset"),
            ntp: text("tcpIpApp.sntp.address"),
        }
    }

    /// Line keys, then watched extensions, then speed dials by their index, then soft keys.
    fn line_keys(&self) -> Vec<Key> {
        let text = |name: String| self.parameter(&name).unwrap_or_default().to_owned();
        let mut keys: Vec<(&str, String, String)> = Vec::new();
        let lines = self.parameter("reg.1.lineKeys").and_then(|n| n.parse().ok()).unwrap_or(1);
        if let Some(address) = self.parameter("reg.1.address") {
            let label = self.parameter("reg.1.label").unwrap_or(address);
            for _ in 0..MAX_KEYS.min(lines) {
                keys.push(("line", address.to_owned(), label.to_owned()));
            }
        }
        for n in 1..=MAX_KEYS {
            let address = text(format!("attendant.resourceList.{n}.address"));
            if !address.is_empty() {
                keys.push(("blf", address, text(format!("attendant.resourceList.{n}.label"))));
            }
        }
        let mut dials: Vec<_> =
            self.directory.iter().filter_map(|e| Some((e.speed_dial?, e))).collect();
        dials.sort_by_key(|(index, _)| *index);
        keys.extend(dials.into_iter().map(|(_, e)| ("speed", e.contact.clone(), e.name())));
        if self.parameter("feature.enhancedFeatureKeys.enabled") == Some("1") {
            for n in 1..=MAX_KEYS {
                let action = text(format!("softkey.{n}.action"));
                let enabled = self.parameter(&format!("softkey.{n}.enable")) == Some("1");
                if enabled && !action.is_empty() {
                    keys.push((
                        "softkey",
                        self.macro_of(&action),
                        text(format!("softkey.{n}.label")),
                    ));
                }
            }
        }
        let number = |at: usize| u16::try_from(at + 1).unwrap_or(u16::MAX);
        keys.into_iter()
            .enumerate()
            .map(|(at, (kind, value, label))| Key {
                position: number(at),
                kind: kind.to_owned(),
                value,
                label,
            })
            .collect()
    }

    /// `!name` is the action of a macro; anything else stands for itself.
    fn macro_of(&self, action: &str) -> String {
        let Some(name) = action.strip_prefix('!') else {
            return action.to_owned();
        };
        let named = |n: &u16| self.parameter(&format!("efk.efklist.{n}.mname")) == Some(name);
        let n = (1..=MAX_KEYS).find(named);
        let string = n.and_then(|n| self.parameter(&format!("efk.efklist.{n}.action.string")));
        string.unwrap_or(action).to_owned()
    }
}
