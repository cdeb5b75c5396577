//! What a Grandstream is and shows.

use super::super::report::{Display, Identity, Key};
use super::Grandstream;

/// `P32` until it is set, in minutes.
const FACTORY_EXPIRES: u32 = 60;
/// Line keys that have numbers, and multi-purpose keys.
const LINE_KEYS: u16 = 6;
const PURPOSE_KEYS: u16 = 7;
/// More keys with names are not looked for.
const MAX_KEYS: u16 = 50;

impl Grandstream {
    /// The first account, when it is active and complete.
    pub(in super::super) fn identity(&self) -> Option<Identity> {
        if !self.is_on("P271", false) {
            return None;
        }
        let user = self.setting("P35")?;
        let server = self.setting("P47")?;
        let domain = server.split_once(':').map_or(server, |(host, _)| host);
        let transport = match self.setting("P130") {
            Some("1" | "TCP") => "tcp",
            Some("2" | "TlsOrTcp") => "tls",
            _ => "udp",
        };
        let next = self.setting("P48").unwrap_or(server);
        // Minutes.
        let expires = self.setting("P32").and_then(|text| text.parse().ok());
        let expires: u32 = expires.unwrap_or(FACTORY_EXPIRES);
        Some(Identity {
            user: user.to_owned(),
            auth_user: self.setting("P36").unwrap_or(user).to_owned(),
            secret: self.setting("P34").unwrap_or_default().to_owned().into(),
            domain: domain.to_owned(),
            registrar: format!("{next};transport={transport}"),
            expires: expires.saturating_mul(60),
        })
    }

    /// As the settings have it.
    pub(in super::super) fn display(&self) -> Display {
        let text = |name| self.setting(name).map(str::to_owned);
        let zone = if self.knows_names() { "dateTime.timezone.custom" } else { "P246" };
        Display {
            label: text("P270").or_else(|| text("P35")),
            idle: text("P3"),
            keys: self.keys(),
            mailbox: text("P33"),
            dnd: self.dnd,
            forwarding: self.forwarding.clone(),
            calls: self.calls.clone(),
            redial: self.calls.first().cloned(),
            phone_book: self.book.iter().chain(&self.own_book).cloned().collect(),
            language: text("P1362"),
            time_zone: text(zone),
            ntp: text("P30"),
        }
    }

    /// Line keys, then multi-purpose keys, those with numbers before those with names.
    fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        for n in 1..=LINE_KEYS {
            let numbers = [1361 + 2 * n, 1463 + 2 * n, 1464 + 2 * n].map(|n| format!("P{n}"));
            keys.extend(self.key(n, numbers, [("0", "line"), ("10", "speed"), ("11", "blf")]));
        }
        for n in 1..=PURPOSE_KEYS {
            let numbers = [322 + n, 299 + 3 * n, 300 + 3 * n].map(|n| format!("P{n}"));
            let kinds = [("0", "speed"), ("1", "blf"), ("6", "voicemail")];
            // A speed dial without a number is a key that does nothing.
            let key = self.key(LINE_KEYS + n, numbers, kinds).filter(|key| !key.value.is_empty());
            keys.extend(key);
        }
        for (kind, n) in
            ["vpk", "mpk"].into_iter().flat_map(|kind| (1..=MAX_KEYS).map(move |n| (kind, n)))
        {
            let names =
                ["keyMode", "description", "value"].map(|of| format!("pks.{kind}.{n}.{of}"));
            let kinds = [("Line", "line"), ("SpeedDial", "speed"), ("BLF", "blf")];
            keys.extend(self.key(n, names, kinds));
        }
        keys
    }

    /// The key whose kind, label and value are these settings.
    fn key(&self, position: u16, names: [String; 3], kinds: [(&str, &str); 3]) -> Option<Key> {
        let [kind, label, value] = names.each_ref().map(|name| self.setting(name));
        let (_, kind) = kinds.into_iter().find(|(is, _)| Some(*is) == kind)?;
        Some(Key {
            position,
            kind: kind.to_owned(),
            value: value.unwrap_or_default().to_owned(),
            label: label.unwrap_or_default().to_owned(),
        })
    }
}
