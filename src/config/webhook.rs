//! The tables `[[webhook]]`, checked.

use super::{Checker, Secret};
use crate::model::TomlFault;
use crate::webhooks::settings::WebhookSettings;
use crate::webhooks::{SigningKey, Target};

/// A target of webhooks.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The target as it is told.
    pub target: Target,
    /// Where its key stands.
    pub secret: Secret,
}

impl Checker<'_> {
    pub(super) fn webhooks(
        &self,
        settings: Vec<WebhookSettings>,
    ) -> Result<Vec<Webhook>, TomlFault> {
        let mut all: Vec<Webhook> = Vec::new();
        for (index, settings) in settings.into_iter().enumerate() {
            let table = format!("webhook[{}]", index + 1);
            let webhook = self.webhook(&table, settings)?;
            let name = &webhook.target.name;
            if all.iter().any(|other| other.target.name == *name) {
                return Err(self.text.fault(
                    &table,
                    format!("found the webhook {name:?} a second time, expected it once"),
                    "Give each a `name` of its own.".to_owned(),
                ));
            }
            all.push(webhook);
        }
        Ok(all)
    }

    fn webhook(&self, table: &str, mut settings: WebhookSettings) -> Result<Webhook, TomlFault> {
        let host = settings.url.authority();
        let name = settings.name.as_ref().map_or(host, |name| name.as_str().to_owned());
        if settings.events.is_empty() {
            return Err(self.text.fault(
                &format!("{table}.events"),
                "found an empty list, expected at least one event".to_owned(),
                "Name the events, as in [\"desk.login\", \"desk.logout\"].".to_owned(),
            ));
        }
        settings.events.sort_unstable();
        settings.events.dedup();
        let credential = format!("webhook.{name}.secret");
        let (inline, file) = (settings.secret.take(), settings.secret_file.take());
        let secret = self.secret_called("secret", table, &credential, inline, file)?;
        let key = format!("{table}.secret");
        let advice = "Make a key with `echo \"whsec_$(openssl rand -base64 32)\"`, give it to the other side too, write it \
                      to a file that only hotdeskd can read and name that with `secret_file`.";
        let secret = secret.ok_or_else(|| {
            let problem = "found no key, expected `secret_file` or `secret`".to_owned();
            let advice = format!("{advice} The systemd credential {credential} does it too.");
            self.text.fault(&key, problem, advice)
        })?;
        let signing = SigningKey::parse(&secret.value).map_err(|error| {
            let problem = format!("found a key that cannot be used, {error}");
            self.text.fault(&key, problem, advice.to_owned())
        })?;
        let ca = format!("{table}.ca");
        settings.ca = settings.ca.take().map(|path| self.path(&ca, path)).transpose()?;
        Ok(Webhook { target: Target { name, settings, key: signing }, secret })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;
    use crate::model::TomlFault;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn parse(tables: &str) -> Result<Config, TomlFault> {
        let text = format!(
            "domain = \"a.example\"\nswitch.password = \"x\"\n[freeswitch.fs1]\npassword = \"x\"\n{tables}"
        );
        Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), text.as_bytes(), None)
    }

    fn table(lines: &str) -> String {
        format!("[[webhook]]\n{lines}\n")
    }

    #[test]
    fn a_webhook_has_what_it_needs_and_its_key_is_not_shown() {
        let least = table(&format!(
            "url = \"https://crm.example.net/x\"\nsecret = \"{KEY}\"\nevents = [\"pin.locked\", \"desk.login\", \"desk.login\"]"
        ));
        let fine = parse(&least).unwrap();
        let target = &fine.webhooks[0].target;
        assert_eq!((target.name.as_str(), target.settings.events.len()), ("crm.example.net", 2));
        assert!(!format!("{fine:?}{}", fine.show()).contains("MfKQ9r8GKY"));
        let shown = fine.show().replace("(hidden)", KEY);
        let again = Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), shown.as_bytes(), None);
        assert_eq!(again.unwrap().show(), fine.show());
        let named = least.replace("[[webhook]]", "[[webhook]]\nname = \"second\"");
        assert_eq!(parse(&format!("{least}{named}")).unwrap().webhooks.len(), 2);
    }

    #[test]
    fn a_mistake_in_a_webhook_is_told_and_its_key_is_not() {
        let url = "url = \"https://crm.example.net/x\"";
        let fine = format!("{url}\nsecret = \"{KEY}\"\nevents = [\"desk.login\"]");
        for (lines, key, problem) in [
            (format!("{url}\nevents = [\"desk.login\"]"), "webhook[1].secret", "found no key"),
            (
                format!("{url}\nsecret = \"4711\"\nevents = [\"desk.login\"]"),
                "webhook[1].secret",
                "expected `whsec_`",
            ),
            (
                format!("{url}\nsecret = \"{KEY}\"\nevents = []"),
                "webhook[1].events",
                "found an empty list",
            ),
            (
                format!("{url}\nsecret = \"{KEY}\"\nevents = [\"desk.nap\"]"),
                "webhook[1].events[1]",
                "expected one of desk.login",
            ),
            (
                fine.replace("https://crm", "http://crm"),
                "webhook[1].url",
                "expected the URL of a webhook",
            ),
            (format!("{fine}\n[[webhook]]\n{fine}"), "webhook[2]", "a second time"),
            (fine.replace("url", "uri"), "webhook[1].uri", "unknown key"),
        ] {
            let told = parse(&table(&lines)).unwrap_err();
            assert_eq!(told.key, key, "{told}");
            assert!(told.problem.contains(problem), "{told}");
            assert!(
                !told.to_string().contains("4711") && !told.to_string().contains(KEY),
                "{told}"
            );
        }
    }
}
