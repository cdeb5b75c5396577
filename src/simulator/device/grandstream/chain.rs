//! How a Grandstream finds its server, and what it asks there.

use md5::{Digest as _, Md5};

use super::super::MAX_HOPS;
use super::super::digest::Credentials;
use super::super::http::Session;
use super::super::report::Contact;
use super::super::settings::DeviceSettings;
use super::super::software::Ended;
use super::super::xml::Element;
use super::{Grandstream, MAX_ENTRIES};

impl Grandstream {
    /// DHCP, PnP and the vendor's own service as long as they may; then what is in flash.
    pub(in super::super) async fn start(
        &mut self,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> Ended {
        let mut ended = Ended::default();
        for _ in 0..MAX_HOPS {
            let before = self.stored_server();
            if let Some(from) = self.provision(settings, session).await {
                ended.from = from;
            }
            if self.stored_server() == before {
                break;
            }
            ended.rebooted = true;
        }
        self.fetch_book(session).await;
        ended
    }

    /// `P237` has no scheme; `P212` says it.
    fn stored_server(&self) -> Option<String> {
        let path = self.setting("P237")?;
        let scheme = match self.setting("P212") {
            Some("1" | "HTTP") => "http",
            Some("2" | "HTTPS") => "https",
            // TFTP is not played.
            _ => return None,
        };
        Some(format!("{scheme}://{path}"))
    }

    /// One way after the other; the URL of the file that could be read.
    async fn provision(
        &mut self,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> Option<String> {
        let stored = self.stored_server();
        let ways = [
            settings.dhcp.clone().filter(|_| self.is_on("P145", true)),
            settings.pnp.clone().filter(|_| self.is_on("P1414", true)),
            settings.redirection.clone().filter(|_| stored.is_none()),
            stored,
        ];
        for url in ways.into_iter().flatten() {
            let base = url.trim_end_matches('/');
            let names = [
                format!("cfg{}", self.mac),
                format!("cfg{}.xml", self.mac),
                format!("cfg{}.xml", self.model.to_ascii_lowercase()),
                "cfg.xml".to_owned(),
            ];
            for name in names {
                let file = format!("{base}/{name}");
                if self.read(&file, session).await {
                    return Some(file);
                }
            }
        }
        None
    }

    /// One file; true when it is one of settings for this phone, whether or not it is new.
    async fn read(&mut self, url: &str, session: &mut Session) -> bool {
        self.present(session);
        let Some(body) = session.get(url).await.body else {
            return false;
        };
        let Some(found) = Element::parse(&body).and_then(|root| self.settings_of(&root)) else {
            session.unreadable();
            return false;
        };
        let sum: [u8; 16] = Md5::digest(&body).into();
        if self.read.replace(sum) != Some(sum) {
            for (name, value) in found {
                self.store(&name, &value);
            }
        }
        true
    }

    /// Names and values; `None` for another file, another phone's, or names where the phone has none.
    fn settings_of(&self, root: &Element) -> Option<Vec<(String, String)>> {
        let mac = root.child_text("mac").map(str::to_ascii_lowercase);
        if root.name != "gs_provision" || mac.is_some_and(|mac| mac != self.mac) {
            return None;
        }
        let config = root.children.iter().find(|child| child.name == "config")?;
        match config.attribute("version") {
            Some("2") if self.knows_names() => {
                let items = config.children.iter().filter(|item| item.name == "item");
                let pair = |item: &Element| {
                    Some((item.attribute("name")?.to_owned(), item.text.trim().to_owned()))
                };
                Some(items.filter_map(pair).collect())
            }
            Some("2") => None,
            _ => {
                let pair = |item: &Element| (item.name.clone(), item.text.trim().to_owned());
                Some(config.children.iter().map(pair).collect())
            }
        }
    }

    /// The downloaded phone book; what somebody added goes with the download, when it is told to.
    async fn fetch_book(&mut self, session: &mut Session) {
        let scheme = match self.setting("P330") {
            Some("1" | "EnabledUseHTTP") => "http",
            Some("3" | "EnabledUseHTTPS") => "https",
            _ => return,
        };
        let Some(path) = self.setting("P331") else { return };
        let url = format!("{scheme}://{}/phonebook.xml", path.trim_end_matches('/'));
        self.present(session);
        let Some(body) = session.get(&url).await.body else { return };
        let Some(root) = Element::parse(&body).filter(|root| root.name == "AddressBook") else {
            session.unreadable();
            return;
        };
        let contacts = root.children.iter().filter(|child| child.name == "Contact");
        self.book = contacts
            .filter_map(|contact| {
                let phone = contact.children.iter().find(|child| child.name == "Phone")?;
                let number = phone.child_text("phonenumber")?.to_owned();
                let part = |name| contact.child_text(name).unwrap_or_default();
                let name = format!("{} {}", part("FirstName"), part("LastName"));
                Some(Contact { name: name.trim().to_owned(), number })
            })
            .take(MAX_ENTRIES)
            .collect();
        if self.is_on("P333", true) {
            self.own_book.clear();
        }
    }

    /// Who the phone says it is, as of now. Nothing until it was told.
    fn present(&self, session: &mut Session) {
        session.agent = self.http_agent();
        let password = self.setting("P1361").unwrap_or_default();
        session.credentials = self.setting("P1360").map(|user| Credentials {
            user: user.to_owned(),
            password: password.to_owned().into(),
        });
    }
}
