//! How a Fanvil finds its server, and what it asks there.

use super::super::MAX_HOPS;
use super::super::digest::Credentials;
use super::super::http::Session;
use super::super::report::Contact;
use super::super::settings::{DeviceSettings, version};
use super::super::software::Ended;
use super::super::xml::Element;
use super::{Fanvil, MAX_ENTRIES};

/// No file nests deeper.
const MAX_DEPTH: usize = 8;

impl Fanvil {
    /// DHCP, then PnP, as long as they may; then what is in flash.
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

    /// Server and name of the file in flash, when it shall be asked.
    fn stored_server(&self) -> Option<String> {
        let of = |new: &str, old: &str| {
            self.either(&format!("ap.{new}"), &format!("AUTOUPDATE_CONFIG_MODULE.{old}"))
        };
        if of("FlashMode", "Download_Mode").is_none_or(|mode| mode == "0") {
            return None;
        }
        let host = of("FlashServerIP", "Download_Server_IP")?;
        let scheme = match of("FlashProtocol", "Download_Protocol")? {
            "4" => "http",
            "5" => "https",
            // FTP and TFTP are not played.
            _ => return None,
        };
        let host = host.split_once("://").map_or(host, |(_, host)| host);
        let name = of("FlashFileName", "Config_File_Name").unwrap_or_default();
        Some(format!("{scheme}://{}/{name}", host.trim_end_matches('/')))
    }

    /// One way after the other; the URL of the file that could be read.
    async fn provision(
        &mut self,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> Option<String> {
        let is_on = |new: &str, old: &str| self.either(new, old) != Some("0");
        let by_dhcp = is_on("ap.opt.DHCPOption", "AUTOUPDATE_CONFIG_MODULE.DHCP_Option");
        let by_pnp = is_on("ap.pnp.PNPEnable", "AUTOUPDATE_CONFIG_MODULE.PNP_Enable");
        let stored = self.stored_server();
        let ways = [
            settings.dhcp.clone().filter(|_| by_dhcp),
            settings.pnp.clone().filter(|_| by_pnp),
            settings.redirection.clone().filter(|_| stored.is_none()),
            stored,
        ];
        for url in ways.into_iter().flatten() {
            if let Some(from) = self.visit(&url, session).await {
                return Some(from);
            }
        }
        None
    }

    /// The file of the model, then the phone's own; the URL of the last that could be read.
    async fn visit(&mut self, url: &str, session: &mut Session) -> Option<String> {
        let (folder, name) = url.rsplit_once('/').filter(|(folder, _)| !folder.ends_with('/'))?;
        let common =
            self.either("ap.DownloadCommonConf", "AUTOUPDATE_CONFIG_MODULE.Download_CommonConf");
        let mut from = None;
        if common != Some("0") {
            let model = self.model.replace([' ', '-'], "");
            let file = format!("{folder}/f0{model}hw1.100.cfg");
            from = self.read(&file, session).await.then_some(file);
        }
        let name = if name.is_empty() { "$mac.cfg" } else { name };
        let file = format!("{folder}/{}", name.replace("$mac", &self.mac));
        let own = self.read(&file, session).await.then_some(file);
        own.or(from)
    }

    /// One file; true when it is one of settings for this model, whether or not it is newer.
    async fn read(&mut self, url: &str, session: &mut Session) -> bool {
        self.present(session);
        let Some(body) = session.get(url).await.body else {
            return false;
        };
        let (root, name) =
            if self.is_new() { ("sysConf", "Version") } else { ("VOIP_CONFIG_FILE", "version") };
        let Some(root) = Element::parse(&body).filter(|element| element.name == root) else {
            session.unreadable();
            return false;
        };
        let Some(is) = root.child_text(name).map(version) else {
            session.unreadable();
            return false;
        };
        if is > self.running {
            self.running = is;
            let mut found = Vec::new();
            flatten(&root, "", 0, &mut found);
            for (name, value) in found {
                self.store(&name, &value);
            }
        }
        true
    }

    /// The remote phone book.
    async fn fetch_book(&mut self, session: &mut Session) {
        let Some(url) = self.either("phone.xmlContact.1.Addr", "XML-PBook1.Addr") else { return };
        let url = url.to_owned();
        self.present(session);
        let Some(body) = session.get(&url).await.body else { return };
        let Some(root) = Element::parse(&body).filter(|root| root.name == "FanvilIPPhoneDirectory")
        else {
            session.unreadable();
            return;
        };
        let entries = root.children.iter().filter(|entry| entry.name == "DirectoryEntry");
        let contacts = entries.filter_map(|entry| {
            let name = entry.child_text("Name")?.to_owned();
            Some(Contact { name, number: entry.child_text("Telephone")?.to_owned() })
        });
        self.book = contacts.take(MAX_ENTRIES).collect();
    }

    /// Who the phone says it is, as of now. Nothing until it was told.
    fn present(&self, session: &mut Session) {
        session.agent = self.http_agent();
        let of = |new: &str, old: &str| {
            self.either(&format!("ap.{new}"), &format!("AUTOUPDATE_CONFIG_MODULE.{old}"))
        };
        let password = of("DefaultPassword", "Download_Password").unwrap_or_default();
        session.credentials = of("DefaultUsername", "Download_Username").map(|user| Credentials {
            user: user.to_owned(),
            password: password.to_owned().into(),
        });
    }
}

/// Settings by the way to them: names with their index, from the last element that has an `<ID>`.
fn flatten(element: &Element, way: &str, depth: usize, found: &mut Vec<(String, String)>) {
    if depth > MAX_DEPTH {
        return;
    }
    for child in &element.children {
        let name = match (child.attribute("index"), child.child_text("ID")) {
            (_, Some(id)) => id.to_owned(),
            (Some(index), None) => format!("{way}{}.{index}", child.name),
            (None, None) => format!("{way}{}", child.name),
        };
        if child.children.is_empty() {
            found.push((name, child.text.trim().to_owned()));
        } else {
            flatten(child, &format!("{name}."), depth + 1, found);
        }
    }
}
