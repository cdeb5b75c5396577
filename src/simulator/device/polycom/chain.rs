//! How a Polycom finds its server, and what it asks there.

use std::collections::BTreeMap;

use super::super::MAX_HOPS;
use super::super::digest::Credentials;
use super::super::http::Session;
use super::super::settings::{DeviceSettings, version};
use super::super::software::{Ended, Start};
use super::super::xml::Element;
use super::master::{Master, Names, device, parameters};
use super::personal::{read_calls, read_directory};
use super::{FACTORY_LOGIN, Polycom};

/// A master file names no more files.
const MAX_FILES: usize = 64;

/// A provisioning server.
struct Server {
    /// As DHCP or flash says it.
    url: String,
    /// Everything else is relative to this; ends in `/`.
    base: String,
    /// The master file, where the URL names one.
    master: Option<String>,
}

/// What came of one run through the files.
enum Came {
    /// No master or a broken configuration: the phone goes on with what it had.
    Nowhere,
    /// The phone has what the server has.
    Here,
    /// What was read needs the phone to start anew.
    Restart,
}

impl Polycom {
    /// Boots, or looks whether the server has something else.
    pub(in super::super) async fn start(
        &mut self,
        how: Start,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> Ended {
        let mut how = how;
        let mut ended = Ended::default();
        for _ in 0..MAX_HOPS {
            let Some(server) = self.server(settings) else {
                break;
            };
            let came = self.run(how, &server, session).await;
            if matches!(came, Came::Nowhere) {
                break;
            }
            ended.from = server.url;
            if matches!(came, Came::Here) {
                break;
            }
            ended.rebooted = true;
            how = Start::PowerOn;
        }
        ended
    }

    /// DHCP, unless flash says `Static`; else what is in flash; else the redirection service.
    fn server(&self, settings: &DeviceSettings) -> Option<Server> {
        let is_static = matches!(self.parameter("device.dhcp.bootSrvUseOpt"), Some("Static" | "2"));
        let dhcp = settings.dhcp.clone().filter(|_| !is_static);
        let url = dhcp.or_else(|| self.stored_server()).or_else(|| settings.redirection.clone())?;
        let place = url.find("://").map_or(0, |at| at + 3);
        let slash = url.get(place..)?.rfind('/').map(|at| place + at + 1);
        let (folder, file) = match slash {
            Some(at) => url.split_at(at),
            None => (url.as_str(), ""),
        };
        let (base, master) = if file.ends_with(".cfg") {
            (folder.to_owned(), Some(file.to_owned()))
        } else {
            (format!("{}/", url.trim_end_matches('/')), None)
        };
        Some(Server { base, master, url })
    }

    /// `device.prov.serverName`, which may be a whole URL; FTP and TFTP are not played.
    fn stored_server(&self) -> Option<String> {
        let name = self.parameter("device.prov.serverName").filter(|name| *name != "0.0.0.0")?;
        if name.contains("://") {
            return Some(name.to_owned());
        }
        match self.parameter("device.prov.serverType")? {
            "HTTP" | "2" => Some(format!("http://{name}")),
            "HTTPS" | "3" => Some(format!("https://{name}")),
            _ => None,
        }
    }

    /// Who the phone says it is, and what it answers a 401 with.
    pub(super) fn present(&self, session: &mut Session, updater: bool) {
        let login = |name| self.parameter(name).unwrap_or(FACTORY_LOGIN).to_owned();
        session.agent = self.http_agent(updater);
        session.credentials = Some(Credentials {
            user: login("device.prov.user"),
            password: login("device.prov.password").into(),
        });
    }

    /// The files in the order in which phones were seen to ask for them.
    async fn run(&mut self, how: Start, server: &Server, session: &mut Session) -> Came {
        let booting = how == Start::PowerOn;
        self.present(session, booting);
        if booting && self.family.is_new() {
            let log = self.log("boot");
            session.put(&format!("{}{}-boot.log", server.base, self.mac), "text/plain", log).await;
        }
        let Some(master) = self.master(server, session).await else {
            return Came::Nowhere;
        };
        if !master.application.is_empty() {
            // What comes is what runs already: its version cannot be seen in the file.
            session.get(&place(&server.base, "", &master.application)).await;
        }
        self.present(session, false);
        let Some(configuration) = self.configuration(server, &master, session).await else {
            return Came::Nowhere;
        };
        let same = configuration == self.configuration && master.folders == self.folders;
        self.base = Some(server.base.clone());
        self.folders = master.folders;
        if !booting && same {
            return Came::Here;
        }
        let wanted = device(&configuration);
        let restart = wanted.iter().any(|(name, value)| self.device.get(name) != Some(value));
        self.device.extend(wanted);
        self.configuration = configuration;
        if restart || (!booting && !self.family.is_new()) {
            return Came::Restart;
        }
        self.personal(server, session).await;
        if booting {
            self.upload_log(server, session).await;
        }
        Came::Here
    }

    /// The named master, else the phone's own, else that of all phones.
    async fn master(&self, server: &Server, session: &mut Session) -> Option<Master> {
        let own = format!("{}.cfg", self.mac);
        let name = server.master.as_deref().unwrap_or(&own);
        let mut answer = session.get(&format!("{}{name}", server.base)).await;
        if answer.status == 404 && server.master.is_none() {
            answer = session.get(&format!("{}000000000000.cfg", server.base)).await;
        }
        let names = Names { mac: &self.mac, part_number: &self.part_number, model: &self.model };
        let master = Element::parse(&answer.body?).and_then(|root| Master::read(&root, &names));
        if master.is_none() {
            session.unreadable();
        }
        master
    }

    /// All files of the list, the first that sets a parameter wins. With one of them missing or broken
    /// the phone does without all of them.
    async fn configuration(
        &self,
        server: &Server,
        master: &Master,
        session: &mut Session,
    ) -> Option<BTreeMap<String, String>> {
        let mut merged = BTreeMap::new();
        for file in master.files.iter().take(MAX_FILES) {
            let body = session.get(&place(&server.base, "", file)).await.body?;
            let Some(root) = Element::parse(&body) else {
                session.unreadable();
                return None;
            };
            for (name, value) in parameters(&root) {
                merged.entry(name).or_insert(value);
            }
        }
        Some(merged)
    }

    /// Overrides, licences, call lists and directory; each of them may be missing.
    async fn personal(&mut self, server: &Server, session: &mut Session) {
        let (base, mac, folders) = (&server.base, self.mac.clone(), self.folders.clone());
        let own = |folder: &str, name: &str| place(base, folder, &format!("{mac}-{name}"));
        if let Some(root) = optional(session, &own(&folders.overrides, "phone.cfg")).await {
            self.overrides = parameters(&root);
        }
        if let Some(root) = optional(session, &own(&folders.overrides, "web.cfg")).await {
            self.web = parameters(&root);
        }
        let licenses = &folders.licenses;
        optional(session, &place(base, licenses, "000000000000-license.cfg")).await;
        if self.family.is_new() {
            optional(session, &own(licenses, "license.cfg")).await;
            if let Some(root) = optional(session, &own(&folders.calls, "calls.xml")).await {
                self.calls = read_calls(&root);
            }
        }
        if let Some(root) = optional(session, &own(&folders.contacts, "directory.xml")).await {
            self.directory = read_directory(&root);
        }
        // Till 5.4.0 the directory of all phones is only for one that has none yet.
        let seeds_only = version(&self.firmware) < version("5.4.1");
        if !seeds_only || self.directory.is_empty() {
            let shared = place(base, &folders.contacts, "000000000000-directory.xml");
            let entries = optional(session, &shared).await.map(|root| read_directory(&root));
            match entries {
                Some(entries) if seeds_only => self.directory = entries,
                Some(entries) => self.shared = entries,
                None => {}
            }
        }
    }

    /// The log goes up at the end of each boot; newer phones look first.
    async fn upload_log(&self, server: &Server, session: &mut Session) {
        let url = place(&server.base, &self.folders.logs, &format!("{}-app.log", self.mac));
        if self.family.is_new() {
            session.head(&url).await;
        }
        session.put(&url, "text/plain", self.log("app")).await;
    }

    /// A log as short as it can be.
    fn log(&self, kind: &str) -> Vec<u8> {
        format!("0101000000|{kind:<5}|4|00|+++ {} {} {} +++\n", self.mac, self.model, self.firmware)
            .into_bytes()
    }
}

/// A file that may be missing; one that is not well-formed is as good as missing.
async fn optional(session: &mut Session, url: &str) -> Option<Element> {
    let body = session.get(url).await.body?;
    let root = Element::parse(&body);
    if root.is_none() {
        session.unreadable();
    }
    root
}

/// A file in a folder; both may be URLs of their own.
pub(super) fn place(base: &str, folder: &str, file: &str) -> String {
    if file.contains("://") {
        return file.to_owned();
    }
    let file = file.trim_start_matches('/');
    let folder = folder.trim_matches('/');
    match folder {
        "" => format!("{base}{file}"),
        _ if folder.contains("://") => format!("{folder}/{file}"),
        _ => format!("{base}{folder}/{file}"),
    }
}
