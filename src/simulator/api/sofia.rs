//! `sofia …` and `sofia_contact`; the one profile is `internal`.

use super::super::node::{Node, local_time, microseconds};
use super::super::notify::{Notify, Origin};
use super::super::registrar::Registration;

const RULE: &str = "=================================================================================================";

impl Node {
    /// `[PROFILE/]USER@DOMAIN`, the profile may be `*`.
    pub(in super::super) fn sofia_contact(&self, argument: &str) -> String {
        let address = argument.split_once('/').map_or(argument, |(_, address)| address);
        let (user, domain) = address.split_once('@').unwrap_or((address, ""));
        let state = self.lock();
        let contacts: Vec<&str> = state
            .registrations
            .iter()
            .filter(|row| row.user == user && self.is_domain(domain))
            .map(|row| row.contact.as_str())
            .collect();
        if contacts.is_empty() {
            "error/user_not_registered".to_owned()
        } else {
            contacts.join(",")
        }
    }

    pub(super) fn sofia(&self, argument: &str) -> String {
        let words: Vec<&str> = argument.split(' ').filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["status"] => format!(
                "                     Name\t   Type\t                                      Data\tState\n{RULE}\n                 internal\tprofile\t              sip:mod_sofia@127.0.0.1:5070\tRUNNING (0)\n{RULE}\n1 profile 0 aliases\n"
            ),
            ["status", "profile", "internal", "reg", filter @ ..] => {
                self.registrations_as_text(filter)
            }
            ["xmlstatus", "profile", "internal", "reg", filter @ ..] => {
                self.registrations_as_xml(filter)
            }
            ["xmlstatus", "profile", "internal", "user", address] => {
                self.registrations_as_xml(&[address])
            }
            ["status" | "xmlstatus", "profile", "internal"] => self.profile_status(),
            ["status" | "xmlstatus", "profile", ..] => "Invalid Profile!\n".to_owned(),
            ["profile", "internal", command, rest @ ..] => self.profile_command(command, rest),
            ["profile", profile, ..] => format!("Invalid Profile [{profile}]"),
            _ => "-ERR Unknown command!\n".to_owned(),
        }
    }

    fn profile_status(&self) -> String {
        let registrations = self.lock().registrations.len();
        format!(
            "{RULE}\nName             \tinternal\nDomain Name      \tN/A\nAuto-NAT         \tfalse\nDBName           \tsofia_reg_internal\nDialplan         \tXML\nContext          \tpublic\nChallenge Realm  \t{domain}\nSIP-IP           \t127.0.0.1\nRTP-IP           \t127.0.0.1\nURL              \tsip:mod_sofia@127.0.0.1:5070\nREGISTRATIONS    \t{registrations}\n{RULE}\n",
            domain = self.settings.domain
        )
    }

    fn profile_command(&self, command: &str, rest: &[&str]) -> String {
        match (command, rest) {
            ("check_sync", [target, ..]) => {
                let snom_or_yealink = |row: &Registration| {
                    let agent = row.agent.to_ascii_lowercase();
                    agent.contains("snom") || agent.contains("yealink")
                };
                for row in self.matching(&[target]) {
                    if snom_or_yealink(&row) {
                        self.check_sync(&row);
                    }
                }
                "+OK syncing all registrations matching specified call_id\n".to_owned()
            }
            // Without an argument every registration of the profile is deleted.
            ("check_sync", []) | ("flush_inbound_reg", []) => {
                for row in self.matching(&[]) {
                    self.unregister(&row.user, "sofia::unregister");
                }
                "+OK flushing all registrations\n".to_owned()
            }
            ("flush_inbound_reg", [target, reboot @ ..]) => {
                for row in self.matching(&[target]) {
                    if reboot.first() == Some(&"reboot") {
                        self.check_sync(&row);
                    }
                    self.unregister(&row.user, "sofia::unregister");
                }
                "+OK flushing all registrations matching specified call_id\n".to_owned()
            }
            _ => "-ERR Unknown command!\n".to_owned(),
        }
    }

    fn check_sync(&self, row: &Registration) {
        self.lock().deliver(Notify {
            user: row.user.clone(),
            call_id: row.call_id.clone(),
            event: "check-sync;reboot=true".into(),
            content_type: "application/simple-message-summary".into(),
            body: String::new(),
            origin: Origin::Command,
        });
    }

    /// Registrations by Call-ID, `user@host` or user; all without a filter.
    fn matching(&self, filter: &[&str]) -> Vec<Registration> {
        let state = self.lock();
        let wanted = |row: &&Registration| match filter.first() {
            None => true,
            Some(target) => {
                row.call_id == *target
                    || target.split_once('@').map_or(*target, |(user, _)| user) == row.user
            }
        };
        state.registrations.iter().filter(wanted).cloned().collect()
    }

    fn registrations_as_text(&self, filter: &[&str]) -> String {
        let rows = self.matching(filter);
        let mut text = format!("\nRegistrations:\n{RULE}\n");
        for row in &rows {
            for (name, value) in self.lines(row) {
                // This one is printed without the blanks that line the others up.
                let width = if name == "Ping-Time" { 0 } else { 12 };
                text.push_str(&format!("{:<width$}\t{value}\n", format!("{name}:")));
            }
            text.push('\n');
        }
        text.push_str(&format!("Total items returned: {}\n{RULE}\n", rows.len()));
        text
    }

    fn registrations_as_xml(&self, filter: &[&str]) -> String {
        let mut text =
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<profile>\n  <registrations>\n"
                .to_owned();
        for row in self.matching(filter) {
            text.push_str("    <registration>\n");
            for (name, value) in self.lines(&row) {
                let tag = match name {
                    "IP" => "network-ip".to_owned(),
                    "Port" => "network-port".to_owned(),
                    "Auth-User" | "Auth-Realm" => format!("sip-{}", name.to_lowercase()),
                    name => name.to_lowercase(),
                };
                let value = match name {
                    "Status" => value.replace("EXP", "exp").replace("SECS", "secs"),
                    _ => value,
                };
                text.push_str(&format!("        <{tag}>{}</{tag}>\n", escape(&value)));
            }
            text.push_str("    </registration>\n");
        }
        text.push_str("  </registrations>\n</profile>\n");
        text
    }

    fn lines(&self, row: &Registration) -> Vec<(&'static str, String)> {
        let domain = &self.settings.domain;
        let left = row.expires.saturating_sub(microseconds() / 1_000_000);
        let until = local_time(row.expires * 1_000_000);
        vec![
            ("Call-ID", row.call_id.clone()),
            ("User", format!("{}@{domain}", row.user)),
            ("Contact", format!("\"\" <sip:{}@{}:{}>", row.user, row.ip, row.port)),
            ("Agent", row.agent.clone()),
            ("Status", format!("Registered(UDP)(unknown) EXP({until}) EXPSECS({left})")),
            ("Ping-Status", "Reachable".into()),
            ("Ping-Time", "0.00".into()),
            ("Host", self.settings.switchname.clone()),
            ("IP", row.ip.clone()),
            ("Port", row.port.to_string()),
            ("Auth-User", row.user.clone()),
            ("Auth-Realm", domain.to_string()),
            (
                "MWI-Account",
                row.mwi_account.clone().unwrap_or_else(|| format!("{}@{domain}", row.user)),
            ),
        ]
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
