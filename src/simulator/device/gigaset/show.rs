//! What a base is and shows.

use super::super::report::{Display, Identity};
use super::{Family, Gigaset};

/// Names of the settings of one handset.
struct Names {
    active: String,
    user: String,
    auth_user: String,
    secret: String,
    display_name: String,
    mailbox: String,
    domain: String,
    registrar: String,
    port: String,
    expires: String,
}

impl Gigaset {
    /// The first handset, when its account is on and complete.
    pub(in super::super) fn identity(&self) -> Option<Identity> {
        let names = self.names()?;
        if matches!(self.of(&names.active), Some("0" | "0x0")) {
            return None;
        }
        let user = self.of(&names.user)?;
        let domain = self.of(&names.domain)?;
        let host = self.of(&names.registrar).unwrap_or(domain);
        let port = self.of(&names.port).and_then(number).unwrap_or(5060);
        Some(Identity {
            user: user.to_owned(),
            auth_user: self.of(&names.auth_user).unwrap_or(user).to_owned(),
            secret: self.of(&names.secret).unwrap_or_default().to_owned().into(),
            domain: domain.to_owned(),
            registrar: format!("{host}:{port};transport=udp"),
            expires: self.of(&names.expires).and_then(number).unwrap_or(180),
        })
    }

    /// As somebody sees it at the first handset.
    pub(in super::super) fn display(&self) -> Display {
        let names = self.names();
        let text = |name: fn(&Names) -> &String| {
            names.as_ref().and_then(|names| self.of(name(names))).map(str::to_owned)
        };
        let (zone, ntp, language) = match self.family {
            Family::N510 => ("uiI_TIME_TIMEZONE", "aucS_TIME_NTP_SERVER", "ucI_HTTPLANGUAGE"),
            Family::N720 => ("uiI_TIME_TIMEZONE", "aucS_TIME_NTP_SERVER", "ucI_HTTPLANGUAGE"),
            Family::Nx70 => ("TimeZone", "NtpServer", "Language"),
        };
        let place = match self.family {
            Family::N510 => "BS_IP_Data1",
            Family::N720 => "BS_IP_Data",
            Family::Nx70 => "DmGlobal.0",
        };
        let place = |name: &str| self.value(&format!("{place}.{name}")).map(str::to_owned);
        Display {
            label: text(|names| &names.display_name),
            idle: text(|names| &names.display_name),
            mailbox: text(|names| &names.mailbox),
            calls: self.calls.clone(),
            redial: self.calls.first().cloned(),
            phone_book: self.book.clone(),
            language: place(language),
            time_zone: place(zone),
            ntp: place(ntp),
            ..Display::default()
        }
    }

    /// A value of the first handset's, else that of all.
    fn of(&self, name: &str) -> Option<&str> {
        self.value(name).or_else(|| self.value(&name.replacen("Accounts[0]", "Accounts[%]", 1)))
    }

    /// What the settings of the first handset are called; `None` where a newer base has none.
    fn names(&self) -> Option<Names> {
        let name = |place: &str, name: &str| format!("{place}.{name}");
        Some(match self.family {
            Family::N510 => {
                let of = |setting: &str| name("BS_IP_Data1", setting);
                Names {
                    active: of("ucB_SIP_ACCOUNT_IS_ACTIVE_1"),
                    user: of("aucS_SIP_USER_ID"),
                    auth_user: name("BS_IP_Data3", "aucS_SIP_LOGIN_ID"),
                    secret: of("aucS_SIP_PASSWORD"),
                    display_name: of("aucS_SIP_DISPLAYNAME"),
                    mailbox: of("aucS_VOIP_NET_AM_NUMBER_1"),
                    domain: of("aucS_SIP_DOMAIN"),
                    registrar: of("aucS_SIP_REGISTRAR"),
                    port: of("uiI_SIP_REGISTRAR_PORT"),
                    expires: of("uiI_RE_REGISTRATION_TIMER"),
                }
            }
            Family::N720 => {
                let of = |setting: &str| name("BS_VOIP_Data.astVoipAccounts[0]", setting);
                let provider = |setting: &str| name("BS_VOIP_Data.astVoipProviders[0]", setting);
                Names {
                    active: of("ucB_SIP_ACCOUNT_IS_ACTIVE_1"),
                    user: of("aucS_SIP_USER_ID"),
                    auth_user: of("aucS_SIP_LOGIN_ID"),
                    secret: of("aucS_SIP_PASSWORD"),
                    display_name: of("aucS_SIP_DISPLAYNAME"),
                    mailbox: of("aucS_VOIP_NET_AM_NUMBER_1"),
                    domain: provider("aucSIP_DOMAIN"),
                    registrar: provider("aucSIP_REGISTRAR"),
                    port: provider("uiSIP_REGISTRAR_PORT"),
                    expires: provider("uiRE_REGISTRATION_TIMER"),
                }
            }
            Family::Nx70 => {
                let account = format!("SipAccount.{}", self.handsets.first()?);
                let of = |setting: &str| name(&account, setting);
                let number = self.value(&of("ProviderId")).unwrap_or("0");
                let provider = format!("SipProvider.{number}");
                let provider = |setting: &str| name(&provider, setting);
                Names {
                    active: of("Active"),
                    user: of("UserName"),
                    auth_user: of("AuthName"),
                    secret: of("AuthPassword"),
                    display_name: of("DisplayName"),
                    mailbox: of("VoiceMailMailbox"),
                    domain: provider("Domain"),
                    registrar: provider("RegServerAddress"),
                    port: provider("RegServerPort"),
                    expires: provider("RegServerRefreshTimer"),
                }
            }
        })
    }

    /// `User-Agent` of its requests.
    pub(in super::super) fn http_agent(&self) -> String {
        let Self { firmware, mac, .. } = self;
        match self.family {
            Family::N510 => format!("N510 IP PRO/{firmware};{mac}"),
            Family::N720 => format!("Gigaset N720 DM PRO/{firmware};{mac}"),
            Family::Nx70 => {
                format!("Gigaset N870 IP PRO/{firmware}+build.5f0a106;{mac};Handset=50")
            }
        }
    }
}

/// `180` or `0xb4`.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
