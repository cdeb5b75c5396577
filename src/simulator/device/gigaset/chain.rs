//! How a base finds its server, and what it asks there.

use super::super::MAX_HOPS;
use super::super::digest::Credentials;
use super::super::http::Session;
use super::super::report::Contact;
use super::super::settings::DeviceSettings;
use super::super::software::Ended;
use super::super::xml::Element;
use super::{Family, Gigaset};

/// What stands behind the MAC address on the label.
const MAC_ID: &str = "X7K2";

impl Gigaset {
    /// Looks for a server and fetches; the same at power on and at check-sync.
    pub(in super::super) async fn start(
        &mut self,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> Ended {
        let mut ended = Ended::default();
        for _ in 0..MAX_HOPS {
            let before = self.stored_server();
            let ways = [settings.dhcp.clone(), before.clone(), settings.redirection.clone()];
            for url in ways.into_iter().flatten() {
                let url = self.expand(&url);
                if self.fetch(&url, session).await {
                    ended.from = url;
                    break;
                }
            }
            if self.stored_server() == before {
                break;
            }
        }
        self.read_book(session).await;
        ended
    }

    /// The server in flash.
    fn stored_server(&self) -> Option<String> {
        let name = match self.family {
            Family::Nx70 => "Provisioning.global.ProvisioningServer",
            Family::N510 | Family::N720 => "S_CONFIGFILE_URL",
        };
        self.value(name).map(str::to_owned)
    }

    /// `%MACD` is the MAC address in capitals. A server without a file is asked for one by the MAC address,
    /// which newer bases write in small letters.
    fn expand(&self, url: &str) -> String {
        let mut url = url.replace("%MACD", &self.mac);
        if !url.contains("://") {
            url.insert_str(0, "http://");
        }
        if url.ends_with(".xml") {
            return url;
        }
        let file = match self.family {
            Family::Nx70 => self.mac.to_lowercase(),
            Family::N510 | Family::N720 => self.mac.clone(),
        };
        format!("{}/{file}.xml", url.trim_end_matches('/'))
    }

    /// One file; what is not well-formed, or for another base, changes nothing.
    async fn fetch(&mut self, url: &str, session: &mut Session) -> bool {
        self.present(session);
        let Some(body) = session.get(url).await.body else {
            return false;
        };
        let read = Element::parse(&body).is_some_and(|root| self.apply(&root));
        if !read {
            session.unreadable();
        }
        read
    }

    /// Digest only; the credentials from the factory come before those that the base was given.
    fn present(&self, session: &mut Session) {
        session.agent = self.http_agent();
        session.digest_only = true;
        let password = format!("{}-{MAC_ID}", self.mac);
        session.factory = Some(Credentials { user: self.mac.clone(), password: password.into() });
        session.credentials = self.value("S_PROV_USERNAME").map(|user| Credentials {
            user: user.to_owned(),
            password: self.value("S_PROV_PASSWORD").unwrap_or_default().to_owned().into(),
        });
    }

    /// The central phone book of newer bases, which they fetch once a day.
    async fn read_book(&mut self, session: &mut Session) {
        let active = self.value("Netdir.21.Activated") == Some("1");
        let url = self.value("CentralBook.0.ServerURL").map(str::to_owned);
        let Some(url) = url.filter(|_| active) else {
            self.book.clear();
            return;
        };
        self.present(session);
        let Some(body) = session.get(&url).await.body else { return };
        let Some(root) = Element::parse(&body).filter(|root| root.name == "list") else {
            return session.unreadable();
        };
        let entry = |entry: &Element| {
            let part = |name| entry.attribute(name).unwrap_or_default();
            let name = format!("{} {}", part("name"), part("surname")).trim().to_owned();
            let numbers = ["office1", "office2", "mobile1", "mobile2", "home1", "home2"].map(part);
            let number = numbers.into_iter().find(|number| !number.is_empty())?;
            Some(Contact { name, number: number.to_owned() })
        };
        self.book = root.children.iter().filter_map(entry).collect();
    }
}
