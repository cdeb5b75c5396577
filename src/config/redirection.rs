//! The tables `[redirection.NAME]`, checked.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;

use super::{Checker, Secret};
use crate::model::TomlFault;
use crate::provisioning::redirection::settings::{RedirectionSettings, ServiceName};
use crate::provisioning::redirection::{Access, Service};

/// A redirection service.
#[derive(Debug, Clone)]
pub struct RedirectionService {
    /// The table, without its secret.
    pub settings: RedirectionSettings,
    /// The password.
    pub password: Secret,
}

impl RedirectionService {
    /// The service as it is asked.
    pub fn service(&self, name: &ServiceName) -> Service {
        let access =
            Access { settings: self.settings.clone(), password: self.password.value.clone() };
        Service { name: name.clone(), access }
    }
}

impl Checker<'_> {
    pub(super) fn redirection(
        &self,
        settings: BTreeMap<ServiceName, RedirectionSettings>,
    ) -> Result<BTreeMap<ServiceName, RedirectionService>, TomlFault> {
        let check = |(name, settings)| {
            let service = self.redirection_service(&name, settings)?;
            Ok((name, service))
        };
        settings.into_iter().map(check).collect()
    }

    fn redirection_service(
        &self,
        name: &ServiceName,
        mut settings: RedirectionSettings,
    ) -> Result<RedirectionService, TomlFault> {
        let table = format!("redirection.{name}");
        let credential = format!("{table}.password");
        let (inline, file) = (settings.password.take(), settings.password_file.take());
        let password = self.secret(&table, &credential, inline, file)?;
        let password = password.ok_or_else(|| {
            let problem = "found no password, expected `password_file` or `password`".to_owned();
            let advice = format!(
                "Write the password of the service's account to a file that only hotdeskd can read and name it with \
                 `password_file`, or give it as the systemd credential {credential}."
            );
            self.text.fault(&credential, problem, advice)
        })?;
        let plain = |text: &str| !text.is_empty() && !text.contains(char::is_control);
        // HTTP's own rule for the user: what stands before the first colon.
        if !plain(&settings.user) || settings.user.contains(':') {
            let problem = format!(
                "found {}, expected the name of the service's account, without `:`",
                self.text.found(&format!("{table}.user"))
            );
            return Err(self.text.fault(
                &format!("{table}.user"),
                problem,
                "Correct it.".to_owned(),
            ));
        }
        if !plain(password.value.expose_secret()) {
            let problem = "found a password with control characters, expected one line".to_owned();
            return Err(self.text.fault(&credential, problem, "Correct it.".to_owned()));
        }
        let ca = format!("{table}.ca");
        settings.ca = settings.ca.take().map(|path| self.path(&ca, path)).transpose()?;
        Ok(RedirectionService { settings, password })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;
    use crate::model::TomlFault;

    fn parse(table: &str) -> Result<Config, TomlFault> {
        let text = format!(
            "domain = \"a.example\"\nswitch.password = \"x\"\n[freeswitch.fs1]\npassword = \"x\"\n{table}"
        );
        Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), text.as_bytes(), None)
    }

    #[test]
    fn a_service_has_what_it_needs_and_its_password_is_not_shown() {
        let least = "[redirection.snom]\nuser = \"office\"\npassword = \"s3cret-of-snom\"\n";
        let fine = parse(least).unwrap();
        assert!(!format!("{fine:?}{}", fine.show()).contains("s3cret-of-snom"));
        let shown = fine.show().replace("(hidden)", "s3cret");
        let again = Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), shown.as_bytes(), None);
        assert_eq!(again.unwrap().show(), fine.show());
        for (table, key, problem) in [
            ("[redirection.Snom]\nuser = \"u\"", "redirection.Snom", "a name for this service"),
            ("[redirection.snom]\nuser = \"u\"", "redirection.snom.password", "no password"),
            ("[redirection.snom]\npassword = \"p\"", "redirection.snom.user", "found no `user`"),
            (
                "[redirection.snom]\nuser = \"u:p\"\npassword = \"4711\"",
                "redirection.snom.user",
                "without `:`",
            ),
            (
                "[redirection.snom]\nuser = \"u\"\npassword = \"4711\"\nurl = \"http://a/\"",
                "redirection.snom.url",
                "expected the URL of a redirection service",
            ),
            (
                "[redirection.snom]\nuser = \"u\"\npassword = \"4711\"\nparallel = 0",
                "redirection.snom.parallel",
                "from 1 to 32",
            ),
            (
                "[redirection.snom]\nuser = \"u\"\npassword = \"4711\"\nurls = \"all\"",
                "redirection.snom.urls",
                "`own` or `shared`",
            ),
        ] {
            let told = parse(table).unwrap_err();
            assert_eq!(told.key, key, "{told}");
            assert!(told.problem.contains(problem), "{told}");
            assert!(!told.to_string().contains("4711"), "{told}");
        }
    }
}
