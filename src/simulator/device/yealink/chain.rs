//! How a Yealink finds its server, and what it asks there.

use md5::{Digest as _, Md5};
use reqwest::Url;

use super::super::digest::Credentials;
use super::super::http::Session;
use super::super::report::Contact;
use super::super::settings::DeviceSettings;
use super::super::software::Ended;
use super::super::xml::Element;
use super::{HEADER, MAX_ENTRIES, MAX_PARAMETERS, Yealink};

/// A boot file names no more files.
const MAX_FILES: usize = 30;
/// A phone has no more remote phone books.
const MAX_BOOKS: usize = 5;

impl Yealink {
    /// Yealink's own service, PnP, DHCP, then what is in flash; the first that has a file for the phone.
    pub(in super::super) async fn start(
        &mut self,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> Ended {
        let mut ended = Ended::default();
        let before = self.of_device("auto_provision.server.url").map(str::to_owned);
        ended.from = self.provision(settings, session).await;
        let stored = self.of_device("auto_provision.server.url").map(str::to_owned);
        let repeats = self.of_device("auto_provision.repeat.enable") == Some("1")
            && self.of_device("auto_provision.repeat.minutes") == Some("1");
        if repeats && stored != before {
            let from = self.provision(settings, session).await;
            if !from.is_empty() {
                ended.from = from;
            }
        }
        self.fetch_books(session).await;
        ended
    }

    /// One way after the other; the server that gave a file, else nothing.
    async fn provision(&mut self, settings: &DeviceSettings, session: &mut Session) -> String {
        let is_on = |name: &str| self.of_device(name) != Some("0");
        let ways = [
            settings.redirection.clone().filter(|_| is_on("zero_touch.enable")),
            settings.pnp.clone().filter(|_| is_on("auto_provision.pnp_enable")),
            settings.dhcp.clone().filter(|_| is_on("auto_provision.dhcp_option.enable")),
            self.of_device("auto_provision.server.url").map(str::to_owned),
        ];
        for url in ways.into_iter().flatten() {
            if let Some(from) = self.visit(&url, session).await {
                return from;
            }
        }
        String::new()
    }

    /// The files of one server; the URL of the last that could be read.
    async fn visit(&mut self, url: &str, session: &mut Session) -> Option<String> {
        let url = url.replace("$MAC", &self.mac);
        let (folder, name) = match url.rfind('/') {
            Some(at) if at > url.find("://").map_or(0, |at| at + 2) => url.split_at(at + 1),
            _ => (url.as_str(), ""),
        };
        if !name.is_empty() {
            return self.settings(&url, session).await;
        }
        let base = format!("{}/", folder.trim_end_matches('/'));
        if self.generation() >= 81 {
            for boot in [format!("{base}{}.boot", self.mac), format!("{base}y000000000000.boot")] {
                if let Some(files) = self.boot(&boot, session).await {
                    let mut from = None;
                    for file in files {
                        from = self.settings(&file, session).await.or(from);
                    }
                    return from;
                }
            }
        }
        let number: u32 = self.firmware.split('.').next()?.parse().ok()?;
        let common = self.settings(&format!("{base}y{number:012}.cfg"), session).await;
        let own = self.settings(&format!("{base}{}.cfg", self.mac), session).await;
        own.or(common)
    }

    /// The files that a boot file names; `None` where there is none.
    async fn boot(&self, url: &str, session: &mut Session) -> Option<Vec<String>> {
        self.present(session);
        let body = session.get(url).await.body?;
        let lines = lines_of(&body);
        if lines.is_none() {
            session.unreadable();
        }
        let base = Url::parse(url).ok()?;
        let included = lines?.into_iter().filter_map(|line| {
            let file = line.strip_prefix("include:config")?.trim();
            let file = file.trim_matches(['"', '<', '>']);
            base.join(file).ok().map(String::from)
        });
        Some(included.take(MAX_FILES).collect())
    }

    /// One file of parameters. The server it came from, when it is one: also where nothing is new in it.
    async fn settings(&mut self, url: &str, session: &mut Session) -> Option<String> {
        self.present(session);
        let body = session.get(url).await.body?;
        let Some(lines) = lines_of(&body) else {
            session.unreadable();
            return None;
        };
        let name = url.rsplit('/').next().unwrap_or_default().to_owned();
        let sum: [u8; 16] = Md5::digest(&body).into();
        if self.read.insert(name, sum) != Some(sum) {
            self.apply(&lines);
        }
        Some(url.to_owned())
    }

    /// `name = value`, a line each; `#` begins a remark.
    fn apply(&mut self, lines: &[String]) {
        let pairs = lines.iter().filter(|line| !line.starts_with('#'));
        for (name, value) in pairs.filter_map(|line| line.split_once('=')) {
            match value.trim() {
                "" => {}
                "%NULL%" => drop(self.parameters.remove(name.trim())),
                value if self.parameters.len() < MAX_PARAMETERS => {
                    self.parameters.insert(name.trim().to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
    }

    /// Remote phone books, all in one.
    async fn fetch_books(&mut self, session: &mut Session) {
        let url = |n: usize| self.parameter(&format!("remote_phonebook.data.{n}.url"));
        let urls: Vec<String> = (1..=MAX_BOOKS).filter_map(url).map(str::to_owned).collect();
        let mut book = Vec::new();
        for url in urls {
            self.present(session);
            let Some(body) = session.get(&url).await.body else { continue };
            let Some(root) = Element::parse(&body).filter(|e| e.name == "YealinkIPPhoneDirectory")
            else {
                session.unreadable();
                continue;
            };
            let entries = root.children.iter().filter(|entry| entry.name == "DirectoryEntry");
            book.extend(entries.filter_map(|entry| {
                let name = entry.child_text("Name")?.to_owned();
                Some(Contact { name, number: entry.child_text("Telephone")?.to_owned() })
            }));
        }
        book.truncate(MAX_ENTRIES);
        self.book = book;
    }

    /// Who the phone says it is, as of now. Nothing until it was told.
    fn present(&self, session: &mut Session) {
        session.agent = self.http_agent();
        let password = self.of_device("auto_provision.server.password").unwrap_or_default();
        session.credentials = self.of_device("auto_provision.server.username").map(|user| {
            Credentials { user: user.to_owned(), password: password.to_owned().into() }
        });
    }
}

/// The lines behind the version line; `None` where it is not the first.
fn lines_of(body: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut lines = text.lines().map(str::trim);
    if lines.next() != Some(HEADER) {
        return None;
    }
    Some(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
