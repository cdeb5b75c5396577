//! Who may use the page and the API, and how they come.

use jiff::{SignedDuration, Timestamp};

use super::Line;
use crate::app;
use crate::config::Config;
use crate::http::tls::Tls;

/// How long before its end a certificate is told of.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 21);

pub(super) fn lines(config: &Config, lines: &mut Vec<Line>) {
    if config.admin.0.is_none() {
        return;
    }
    let access = config.operators.access();
    let (people, programs) = (access.users.len(), access.tokens.len());
    let by_ldap = if access.ldap.is_some() { ", and groups of the LDAP server" } else { "" };
    let found = format!("{people} people, {programs} programs{by_ldap}");
    lines.push(if people + programs == 0 && access.ldap.is_none() {
        let advice = "name somebody in [[admin.user]]; `hotdeskd admin password` makes the hash";
        Line::look("operators", "nobody may sign in to the page, and no program may ask", advice)
    } else {
        Line::good("operators", found)
    });
    let Some(settings) = app::admin_tls_settings(config) else { return };
    let path = settings.certificate.display().to_string();
    let until = match Tls::load(settings) {
        Ok(tls) => tls.good_until(),
        Err(error) => {
            lines.push(Line::wrong("admin.tls", error.to_string(), "correct `admin.tls`"));
            return;
        }
    };
    let now = Timestamp::now();
    lines.push(match until {
        Some(until) if until <= now => {
            Line::wrong("admin.tls", format!("{path} ended {until}"), "renew it")
        }
        Some(until) if until.duration_since(now) < SOON => {
            Line::look("admin.tls", format!("{path} ends {until}"), "renew it soon")
        }
        Some(until) => Line::good("admin.tls", format!("{path}, until {until}")),
        None => Line::good("admin.tls", path),
    });
}
