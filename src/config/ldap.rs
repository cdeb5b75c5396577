//! The LDAP server in the configuration: what has to fit together.

use secrecy::ExposeSecret as _;

use super::{Checker, Secret};
use crate::calls::PinSettings;
use crate::desk::PinMethod;
use crate::model::{TomlFault, is_reserved_param, is_reserved_variable};
use crate::people::ldap::{Access, Attribute, LdapSettings, ServerUrl};

/// The LDAP server from which users come.
#[derive(Debug, Clone)]
pub struct Ldap {
    /// The table, without its secret.
    pub settings: LdapSettings,
    /// The password of `bind_dn`.
    pub password: Option<Secret>,
}

impl Ldap {
    /// How the server is reached.
    pub fn access(&self) -> Access {
        let password = self.password.as_ref().map(|password| password.value.clone());
        Access { ldap: self.settings.clone(), password }
    }

    pub(super) fn warnings(&self) -> Option<String> {
        let ldap = &self.settings;
        let is_open = |server: &ServerUrl| matches!(server, ServerUrl::Tcp { tls: false, host, .. } if !is_loopback(host));
        (!ldap.start_tls && ldap.servers.iter().any(is_open)).then(|| {
            "people.ldap speaks to a server unencrypted, passwords included; leave `start_tls` on, or use ldaps://"
                .to_owned()
        })
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

impl Checker<'_> {
    pub(super) fn ldap(
        &self,
        settings: Option<LdapSettings>,
        pin: &PinSettings,
    ) -> Result<Option<Ldap>, TomlFault> {
        let Some(mut ldap) = settings else {
            return match pin.method {
                PinMethod::Ldap => Err(self.text.fault(
                    "pin.method",
                    "found \"ldap\" without a table [people.ldap], expected both".to_owned(),
                    "Name the LDAP server, or choose another method.".to_owned(),
                )),
                PinMethod::Voicemail | PinMethod::Hash => Ok(None),
            };
        };
        let fault = |key: &str, problem: &str, advice: &str| {
            self.text.fault(&format!("people.ldap.{key}"), problem.to_owned(), advice.to_owned())
        };
        for (key, path) in [
            ("people.ldap.ca", &mut ldap.ca),
            ("people.ldap.certificate", &mut ldap.certificate),
            ("people.ldap.key", &mut ldap.key),
        ] {
            *path = path.take().map(|path| self.path(key, path)).transpose()?;
        }
        let (inline, file) = (ldap.password.take(), ldap.password_file.take());
        let password = self.secret("people.ldap", "people.ldap.password", inline, file)?;
        if ldap.servers.is_empty() {
            let problem = "found an empty list, expected at least one server";
            return Err(fault(
                "servers",
                problem,
                "Name one, as in [\"ldap://ldap.example.net\"].",
            ));
        }
        if ldap.base.trim().is_empty() {
            let problem = "found an empty text, expected the entry below which people are";
            return Err(fault("base", problem, "Name it, as in \"ou=people,dc=example,dc=net\"."));
        }
        if ldap.teams.as_ref().is_some_and(|teams| teams.base.trim().is_empty()) {
            let problem = "found an empty text, expected the entry below which groups are";
            return Err(fault(
                "teams.base",
                problem,
                "Name it, as in \"ou=groups,dc=example,dc=net\".",
            ));
        }
        if ldap.certificate.is_some() != ldap.key.is_some() {
            let problem = "found one of `certificate` and `key`, expected both or none";
            return Err(fault("certificate", problem, "Name both files."));
        }
        if ldap.bind_dn.is_some() != password.is_some() {
            let problem = "found one of `bind_dn` and its password, expected both or none";
            let advice =
                "Without a password a server takes anybody for nobody. Give both, or none.";
            return Err(fault("bind_dn", problem, advice));
        }
        if password.as_ref().is_some_and(|password| password.value.expose_secret().is_empty()) {
            return Err(fault("password", "found no password, expected one", "Write it down."));
        }
        let own = ldap.certificate.is_some()
            || ldap.servers.iter().all(|server| matches!(server, ServerUrl::Socket(_)));
        if ldap.external && (ldap.bind_dn.is_some() || !own) {
            let problem = "found `external` with `bind_dn`, or without a `certificate` of our own where the server is not ldapi://";
            return Err(fault(
                "external",
                problem,
                "Choose one of the two ways, and name the certificate.",
            ));
        }
        if ldap.attributes.pin.is_some() && pin.method != PinMethod::Voicemail {
            let problem =
                "found an attribute for the mailbox's PIN, but `pin.method` is not \"voicemail\"";
            return Err(fault("attributes.pin", problem, "Take it out, or change the method."));
        }
        self.ldap_pairs(&ldap)?;
        Ok(Some(Ldap { settings: ldap, password }))
    }

    fn ldap_pairs(&self, ldap: &LdapSettings) -> Result<(), TomlFault> {
        let tables: [(_, _, fn(&str) -> bool); 2] = [
            ("variables", &ldap.variables, is_reserved_variable),
            ("params", &ldap.params, is_reserved_param),
        ];
        for (table, pairs, is_reserved) in tables {
            for (name, attribute) in pairs {
                let key = format!("people.ldap.{table}.{name}");
                if is_reserved(name) {
                    let problem =
                        format!("found `{name}`, which hotdeskd sets itself for every user");
                    return Err(self.text.fault(&key, problem, "Take it out.".to_owned()));
                }
                if let Err(expected) = Attribute::try_from(attribute.clone()) {
                    let problem = format!("found {}, {expected}", self.text.found(&key));
                    return Err(self.text.fault(&key, problem, "Correct it.".to_owned()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;
    use crate::model::TomlFault;

    const FS1: &str = "[freeswitch.fs1]\npassword = \"s3cret\"\n";

    fn parse(text: impl AsRef<[u8]>) -> Result<Config, TomlFault> {
        Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), text.as_ref(), None)
    }

    const LDAP: &str =
        "[people.ldap]\nservers = [\"ldaps://ldap.example.net\"]\nbase = \"dc=example\"\n";

    #[test]
    fn an_ldap_server_has_what_it_needs_and_its_secret_is_not_shown() {
        let switch = "[switch]\npassword = \"s3cret\"\n";
        let least = format!("domain = \"a.example\"\n{switch}{FS1}{LDAP}");
        let with = |more: &str| parse(format!("{least}{more}\n"));
        let fine =
            with("bind_dn = \"cn=x\"\npassword = \"s3cret2\"\nvariables = { toll_allow = \"x\" }")
                .unwrap();
        assert!(!format!("{fine:?}{}", fine.show()).contains("s3cret2"));
        let shown = fine.show().replace("(hidden)", "s3cret");
        assert_eq!(parse(&shown).unwrap().show(), fine.show());
        for (more, key, problem) in [
            ("bind_dn = \"cn=x\"", "people.ldap.bind_dn", "expected both or none"),
            ("password = \"4711\"", "people.ldap.bind_dn", "expected both or none"),
            ("external = true", "people.ldap.external", "without a `certificate`"),
            ("certificate = \"a.pem\"", "people.ldap.certificate", "expected both or none"),
            ("filter = \"objectClass=*\"", "people.ldap.filter", "a search filter in brackets"),
            ("filter = \"(objectClass=*))\"", "people.ldap.filter", "a search filter in brackets"),
            ("extension_pattern = \"(\"", "people.ldap.extension_pattern", "a regular expression"),
            ("page_size = 0", "people.ldap.page_size", "a whole number from 1 to 10000"),
            (
                "variables = { user_context = \"x\" }",
                "people.ldap.variables.user_context",
                "hotdeskd sets",
            ),
            ("variables = { a = \"x y\" }", "people.ldap.variables.a", "the name of an attribute"),
            (
                "attributes = { key = \"(\" }",
                "people.ldap.attributes.key",
                "the name of an attribute",
            ),
            (
                "attributes = { pin = \"p\" }\n[pin]\nmethod = \"hash\"",
                "people.ldap.attributes.pin",
                "not \"voicemail\"",
            ),
            ("poll = 3", "people.ldap.poll", "unknown key `poll`"),
        ] {
            let told = with(more).unwrap_err();
            assert_eq!(told.key, key, "{told}");
            assert!(told.problem.contains(problem), "{told}");
            assert!(!told.to_string().contains("4711"), "{told}");
        }
        let without =
            parse(format!("domain = \"a.example\"\npin.method = \"ldap\"\n{FS1}")).unwrap_err();
        assert!(without.problem.contains("[people.ldap]"), "{without}");
        for server in
            ["ldap.example.net", "http://x", "ldap://", "ldap://a:0", "ldap://a b", "ldapi://x"]
        {
            let text = least.replace("ldaps://ldap.example.net", server);
            assert!(
                parse(text).unwrap_err().problem.contains("the URL of an LDAP server"),
                "{server}"
            );
        }
    }
}
