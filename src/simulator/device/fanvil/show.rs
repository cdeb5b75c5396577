//! What a Fanvil is and shows.

use super::super::report::{Display, Identity, Key};
use super::Fanvil;

/// `RegisterTTL` until it is set.
const FACTORY_EXPIRES: u32 = 3600;
/// No more keys of a page and no more pages are looked for.
const MAX_KEYS: u16 = 60;
const MAX_PAGES: u16 = 8;

impl Fanvil {
    /// A setting of the first line.
    fn of_line(&self, new: &str, old: &str) -> Option<&str> {
        self.either(&format!("sip.line.1.{new}"), &format!("SIP1.{old}"))
    }

    /// The first line, when it is active and complete.
    pub(in super::super) fn identity(&self) -> Option<Identity> {
        if self.of_line("EnableReg", "Enable_Reg") != Some("1") {
            return None;
        }
        let user = self.of_line("PhoneNumber", "Phone_Number")?;
        let domain = self.of_line("RegisterAddr", "Register_Addr")?;
        let (host, port) = match self.of_line("ProxyAddr", "Proxy_Addr") {
            Some(proxy) => (proxy, self.of_line("ProxyPort", "Proxy_Port")),
            None => (domain, self.of_line("RegisterPort", "Register_Port")),
        };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let transport = match self.of_line("Transport", "Transport") {
            Some("1") => "tcp",
            Some("3") => "tls",
            _ => "udp",
        };
        let expires = self.of_line("RegisterTTL", "Register_TTL");
        let secret = self.of_line("RegisterPswd", "Register_Pswd").unwrap_or_default();
        Some(Identity {
            user: user.to_owned(),
            auth_user: self.of_line("RegisterUser", "Register_User").unwrap_or(user).to_owned(),
            secret: secret.to_owned().into(),
            domain: domain.to_owned(),
            registrar: format!("{host}{port};transport={transport}"),
            expires: expires.and_then(|text| text.parse().ok()).unwrap_or(FACTORY_EXPIRES),
        })
    }

    /// As the settings have it.
    pub(in super::super) fn display(&self) -> Display {
        let text = |new, old| self.either(new, old).map(str::to_owned);
        let keys = self.keys();
        let line = keys.iter().find(|key| key.kind == "line" && !key.label.is_empty());
        let dnd = self.either("call.port.1.DNDMode", "TELE_CONFIG_MODULE.DND_Mode");
        let forwards = self.of_line("AlwaysFWD", "Always_FWD") == Some("1");
        let target = self.of_line("AlwaysFWDNum", "Always_FWD_Num").filter(|_| forwards);
        Display {
            label: line.map(|key| key.label.clone()),
            idle: text("phone.display.LCDTitle", "PHONE_CONFIG_MODULE.LCD_Title"),
            mailbox: self.of_line("MWINum", "MWI_Num").map(str::to_owned),
            dnd: dnd.is_some_and(|mode| mode != "0"),
            forwarding: target.map(str::to_owned),
            calls: self.calls.clone(),
            redial: self.calls.first().cloned(),
            phone_book: self.book.iter().chain(&self.own_book).cloned().collect(),
            language: text("phone.display.DefaultLanguage", "GLOBAL_CONFIG_MODULE.Language"),
            time_zone: text("phone.date.TimeZone", "GLOBAL_CONFIG_MODULE.Time_Zone"),
            ntp: text("phone.date.SNTPServer", "GLOBAL_CONFIG_MODULE.SNTP_Server"),
            keys,
        }
    }

    /// The keys beside the display, then the others page by page; on older models they have one row.
    fn keys(&self) -> Vec<Key> {
        let places: Vec<String> = if self.is_new() {
            let pages = (1..=MAX_PAGES).map(|page| format!("dsskey.internal.{page}"));
            let rows = std::iter::once("dsskey.dssSide.1".to_owned()).chain(pages);
            rows.flat_map(|row| (1..=MAX_KEYS).map(move |key| format!("{row}.Fkey.{key}")))
                .collect()
        } else {
            (1..=MAX_KEYS).map(|key| format!("Fkey{key}")).collect()
        };
        let mut keys: Vec<Key> = Vec::new();
        for (position, place) in (1..).zip(places) {
            let of = |name: &str| self.setting(&format!("{place}.{name}")).unwrap_or_default();
            let kind = match (of("Type"), of("Value")) {
                ("" | "0", _) => continue,
                ("2", _) => "line",
                (_, value) if value.contains("/b") => "blf",
                (_, _) => "speed",
            };
            keys.push(Key {
                position,
                kind: kind.to_owned(),
                value: of("Value").to_owned(),
                label: of("Title").to_owned(),
            });
        }
        keys
    }
}
