//! What a Cisco phone is and shows.

use super::super::report::{Contact, Display, Identity, Key};
use super::{Cisco, Family};

/// `Register_Expires_1_` until it is set.
const FACTORY_EXPIRES: u32 = 3600;
/// Programmable soft keys.
const SOFT_KEYS: u16 = 16;

impl Cisco {
    /// The first extension, when it is on, complete, and shall register.
    pub(in super::super) fn identity(&self) -> Option<Identity> {
        let of = |name: &str| self.parameter(name);
        if of("Line_Enable_1_") == Some("No") || of("Register_1_") == Some("No") {
            return None;
        }
        let user = of("User_ID_1_")?;
        let proxy = of("Proxy_1_")?;
        // An SPA has a switch for the outbound proxy, an MPP uses what stands there.
        let wanted = self.family == Family::Mpp || of("Use_Outbound_Proxy_1_") == Some("Yes");
        let next = of("Outbound_Proxy_1_").filter(|_| wanted).unwrap_or(proxy);
        let wanted = self.family == Family::Mpp || of("Use_Auth_ID_1_") == Some("Yes");
        let auth_user = of("Auth_ID_1_").filter(|_| wanted).unwrap_or(user);
        let transport = of("SIP_Transport_1_").unwrap_or("UDP").to_lowercase();
        let expires = of("Register_Expires_1_").and_then(|text| text.parse().ok());
        Some(Identity {
            user: user.to_owned(),
            auth_user: auth_user.to_owned(),
            secret: of("Password_1_").unwrap_or_default().to_owned().into(),
            domain: proxy.split(':').next().unwrap_or(proxy).to_owned(),
            registrar: format!("{next};transport={transport}"),
            expires: expires.unwrap_or(FACTORY_EXPIRES),
        })
    }

    /// As the parameters in flash have it.
    pub(in super::super) fn display(&self) -> Display {
        let text = |name: &str| self.parameter(name).map(str::to_owned);
        let station = match self.family {
            Family::Mpp => text("Station_Display_Name"),
            Family::Linksys | Family::Spa => None,
        };
        let keys = self.keys();
        let line = keys.iter().find(|key| key.kind == "line");
        Display {
            label: line.map(|key| key.label.clone()).filter(|label| !label.is_empty()),
            idle: station.or_else(|| text("Station_Name")),
            mailbox: text("Voice_Mail_Number"),
            dnd: self.parameter("DND_Setting") == Some("Yes"),
            forwarding: text("Cfwd_All_Dest"),
            calls: self.calls.clone(),
            redial: self.calls.first().cloned(),
            phone_book: self
                .personal
                .iter()
                .chain(&self.directory)
                .cloned()
                .collect::<Vec<Contact>>(),
            language: text("Language_Selection"),
            time_zone: text("Time_Zone"),
            ntp: text("Primary_NTP_Server"),
            keys,
        }
    }

    /// Line keys, then the soft keys of the idle display.
    fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        for position in 1..=self.line_keys() {
            let of = |name: &str| self.parameter(&format!("{name}_{position}_"));
            let label = of("Short_Name").map(str::to_owned);
            // Nothing was said of the first yet: it is the first line's.
            let extension = of("Extension").or((position == 1).then_some("1"));
            match (extension, of("Extended_Function")) {
                (Some("Disabled"), Some(text)) => {
                    let (kind, value, name) = function(text);
                    keys.push(Key { position, kind, value, label: label.unwrap_or(name) });
                }
                (Some("Disabled") | None, _) => {}
                (Some(_), _) => {
                    let user = self.parameter("User_ID_1_").unwrap_or_default();
                    let label = label.filter(|label| label != "$USER");
                    keys.push(Key {
                        position,
                        kind: "line".to_owned(),
                        value: user.to_owned(),
                        label: label.unwrap_or_else(|| user.to_owned()),
                    });
                }
            }
        }
        keys.extend(self.soft_keys());
        keys
    }

    /// Those that the list for the idle display names.
    fn soft_keys(&self) -> Vec<Key> {
        if self.parameter("Programmable_Softkey_Enable") != Some("Yes") {
            return Vec::new();
        }
        let list = self.parameter("Idle_Key_List").unwrap_or_default();
        let listed = |name: &str| {
            list.split(';').any(|entry| entry.split('|').next().map(str::trim) == Some(name))
        };
        let key = |n: u16| {
            let text =
                self.parameter(&format!("PSK_{n}")).filter(|_| listed(&format!("psk{n}")))?;
            let (_, value, label) = function(text);
            Some(Key { position: self.line_keys() + n, kind: "softkey".to_owned(), value, label })
        };
        (1..=SOFT_KEYS).filter_map(key).collect()
    }

    /// How many keys beside the display it has.
    fn line_keys(&self) -> u16 {
        match self.model.as_str() {
            "SPA502G" | "SPA512G" | "SPA922" | "7811" | "7832" | "8832" => 1,
            "7821" | "6821" => 2,
            "SPA303" => 3,
            "SPA525G" | "SPA525G2" => 5,
            "SPA962" | "6871" => 6,
            "SPA501G" | "SPA508G" => 8,
            "SPA509G" => 12,
            "7861" => 16,
            model if model.starts_with("88") => 10,
            _ => 4,
        }
    }

    /// `User-Agent` of its requests. Some have a serial number only, which may look like a MAC address.
    pub(super) fn http_agent(&self) -> String {
        let Self { model, firmware, mac, .. } = self;
        match self.family {
            Family::Linksys => {
                let number = model.trim_start_matches("SPA");
                format!("Linksys/SPA-{number}-{firmware} (88019FA42805)")
            }
            Family::Spa if model.starts_with("SPA525") => {
                format!("Cisco/{model}-{firmware} (CBT141900G7)")
            }
            Family::Spa => {
                format!("Cisco/{model}-{firmware} ({})(CBT141100HR)", mac.to_uppercase())
            }
            Family::Mpp => format!("Cisco-CP-{model}-3PCC/{firmware} ({mac})"),
        }
    }

    /// `User-Agent` of its SIP messages.
    pub(in super::super) fn sip_agent(&self) -> String {
        match self.family {
            Family::Linksys => format!("Linksys/{}-{}", self.model, self.firmware),
            Family::Spa => format!("Cisco/{}-{}", self.model, self.firmware),
            Family::Mpp => format!("Cisco-CP-{}-3PCC/{}", self.model, self.firmware),
        }
    }
}

/// `fnc=blf+sd;sub=201@pbx.example.net;nme=Ann`: what it does, with whom, and its name. The last word
/// of a kind counts, so a `;` in a name can make a key dial something else.
fn function(text: &str) -> (String, String, String) {
    let word = |name: &str| {
        let words = text.split(';').filter_map(|word| word.split_once('='));
        let mut found = words.filter(|(is, _)| is.trim() == name).map(|(_, value)| value.trim());
        found.next_back().unwrap_or_default().to_owned()
    };
    let kinds = word("fnc");
    let has = |kind: &str| kinds.split('+').any(|word| word == kind);
    match (has("blf"), has("sd")) {
        (true, _) => ("blf".to_owned(), word("sub"), word("nme")),
        (false, true) => ("speed".to_owned(), word("ext"), word("nme")),
        (false, false) => (kinds.clone(), String::new(), word("nme")),
    }
}
