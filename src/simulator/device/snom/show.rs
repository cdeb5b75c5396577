//! What a Snom is and shows.

use super::super::report::{Contact, Display, Identity, Key};
use super::super::settings::{DeviceSettings, version};
use super::Snom;

/// `user_expiry` until it is set.
const FACTORY_EXPIRY: u32 = 3600;

impl Snom {
    /// The first account, when it is active and complete.
    pub(in super::super) fn identity(&self) -> Option<Identity> {
        if self.setting("user_active", 1) == Some("off") {
            return None;
        }
        let user = self.setting("user_name", 1)?;
        let domain = self.setting("user_host", 1)?;
        let expires = self.setting("user_expiry", 1).and_then(|text| text.parse().ok());
        Some(Identity {
            user: user.to_owned(),
            auth_user: self.setting("user_pname", 1).unwrap_or(user).to_owned(),
            secret: self.setting("user_pass", 1).unwrap_or_default().to_owned().into(),
            domain: domain.to_owned(),
            registrar: self.setting("user_outbound", 1).unwrap_or(domain).to_owned(),
            expires: expires.unwrap_or(FACTORY_EXPIRY),
        })
    }

    /// As the settings in flash have it.
    pub(in super::super) fn display(&self) -> Display {
        let keys: Vec<Key> = self
            .keys
            .iter()
            .filter(|(_, key)| !key.text.is_empty() && key.text != "none")
            .map(|(index, key)| {
                let (kind, value) = key.text.split_once(' ').unwrap_or((&key.text, ""));
                Key {
                    position: index + 1,
                    kind: kind.to_owned(),
                    value: value.trim().to_owned(),
                    label: key.label.clone(),
                }
            })
            .collect();
        let text = |name| self.setting(name, 1).map(str::to_owned);
        let line = keys.iter().find(|key| key.kind == "line" && !key.label.is_empty());
        let label = line.map(|key| key.label.clone());
        let phone = |name| self.phone_setting(name).map(str::to_owned);
        Display {
            label: label.or_else(|| text("user_realname")).or_else(|| text("user_name")),
            idle: text("user_idle_text"),
            mailbox: text("user_mailbox"),
            dnd: self.setting("dnd_mode", 1) == Some("on"),
            forwarding: self.forwarding(),
            calls: self.calls.clone(),
            redial: self.calls.first().cloned(),
            phone_book: self
                .book
                .iter()
                .map(|entry| Contact { name: entry.name.clone(), number: entry.number.clone() })
                .collect(),
            language: phone("language"),
            time_zone: phone("timezone"),
            ntp: phone("ntp_server"),
            keys,
        }
    }

    /// Where all calls go, in the words of newer firmware or of older.
    fn forwarding(&self) -> Option<String> {
        let all = match self.setting("fwd_all_enabled", 1) {
            Some("on") => self.setting("fwd_all_target", 1),
            _ => None,
        };
        let old = match self.phone_setting("redirect_event") {
            Some("all") => self.phone_setting("redirect_number"),
            _ => None,
        };
        all.or(old).map(str::to_owned)
    }

    /// `User-Agent` of its requests: the MAC address stands in it from 8.7.5 on.
    pub(super) fn http_agent(&self, settings: &DeviceSettings) -> String {
        let (name, firmware) = (self.phone_type(), &self.firmware);
        let mac = settings.mac.to_string().to_uppercase();
        let rest = match version(firmware) {
            v if v >= version("10.1.169") => format!(
                "2010.12-00001-gd311851f1 (Feb 25 2019 - 14:19:43) {mac} SXM:0 UXM:0 UXMC:0"
            ),
            v if v >= version("10") => {
                format!("2010.12-00004-g9ba52f5 {mac} SXM:0 UXM:0")
            }
            v if v >= version("8.7.5") => format!("1.1.5-IFX-05.01.12 {mac}"),
            v if v >= version("8.7") => "2010.06".to_owned(),
            v if v >= version("8") => "SPEAr300 SNOM 1.4".to_owned(),
            _ => "1.1.3-u".to_owned(),
        };
        format!("Mozilla/4.0 (compatible; {name}-SIP {firmware} {rest})")
    }

    /// `User-Agent` of its SIP messages.
    pub(in super::super) fn sip_agent(&self) -> String {
        format!("{}/{}", self.phone_type(), self.firmware)
    }
}
