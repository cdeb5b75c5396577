//! How a Snom finds its server, and what it asks there.

use reqwest::Url;

use super::super::MAX_HOPS;
use super::super::digest::Credentials;
use super::super::http::Session;
use super::super::settings::{DeviceSettings, version};
use super::super::software::Ended;
use super::super::xml::Element;
use super::settings::Applied;
use super::{FACTORY_ORDER, FACTORY_SERVER, Snom};

/// A container names no more files.
const MAX_FILES: usize = 32;

/// What came of one way to find a server.
enum Step {
    /// A file was read; here.
    Reached(String),
    Failed,
    /// `provisioning_order` is another now: everything from its beginning.
    Again,
}

impl Snom {
    /// Looks for a server and fetches; the same at power on and at check-sync.
    pub(in super::super) async fn start(
        &mut self,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> Ended {
        let mut ended = Ended::default();
        let mut hops = 0;
        loop {
            self.reboot_due = false;
            if let Some(from) = self.discover(settings, session, &mut hops).await {
                ended.from = from;
            }
            let updated = self.update(settings, session).await;
            if (updated || self.reboot_due) && hops < MAX_HOPS {
                ended.rebooted = true;
                continue;
            }
            return ended;
        }
    }

    /// One way after the other, until one that stops was a success.
    async fn discover(
        &mut self,
        settings: &DeviceSettings,
        session: &mut Session,
        hops: &mut usize,
    ) -> Option<String> {
        let mut from = None;
        'anew: loop {
            for (way, stops) in self.order() {
                let Some(url) = self.server(&way, settings) else {
                    continue;
                };
                match self.visit(url, settings, session, hops).await {
                    Step::Reached(url) => {
                        let success = way != "redirection" || !url.starts_with(FACTORY_SERVER);
                        from = Some(url);
                        if stops && success {
                            return from;
                        }
                    }
                    Step::Failed => {}
                    Step::Again => continue 'anew,
                }
            }
            return from;
        }
    }

    /// Ways in their order, and whether a success ends the search.
    fn order(&self) -> Vec<(String, bool)> {
        if version(&self.firmware) < version("8.7.3") {
            return ["pnp", "dhcp", "redirection"].map(|way| (way.to_owned(), true)).into();
        }
        let order = self.phone_setting("provisioning_order").unwrap_or(FACTORY_ORDER);
        let ways = order.split_whitespace().filter_map(|word| word.split_once(':'));
        ways.map(|(way, then)| (way.to_owned(), then == "stop")).collect()
    }

    /// The URL of one way; the vendor's own server is played by what it was told for this phone.
    fn server(&mut self, way: &str, settings: &DeviceSettings) -> Option<String> {
        match way {
            "redirection" => {
                if self.setting_server().starts_with(FACTORY_SERVER) {
                    let url = settings.redirection.clone()?;
                    self.store_setting("setting_server", &url);
                }
                Some(self.setting_server())
            }
            "pnp" if self.phone_setting("pnp_config") != Some("off") => settings.pnp.clone(),
            "dhcp" => settings.dhcp.clone(),
            _ => None,
        }
    }

    /// Where the phone asks of its own accord.
    fn setting_server(&self) -> String {
        self.phone_setting("setting_server").unwrap_or(FACTORY_SERVER).to_owned()
    }

    /// Fetches from a URL, and from where its files send the phone.
    async fn visit(
        &mut self,
        url: String,
        settings: &DeviceSettings,
        session: &mut Session,
        hops: &mut usize,
    ) -> Step {
        let mut url = url;
        let mut reached = None;
        loop {
            *hops += 1;
            if *hops > MAX_HOPS {
                break;
            }
            let before = (self.setting_server(), self.order());
            let expanded = self.expand(&url, settings);
            if !self.fetch(&url, &expanded, settings, session).await {
                break;
            }
            reached = Some(expanded);
            if self.setting_server() != before.0 {
                url = self.setting_server();
            } else if self.order() != before.1 {
                return Step::Again;
            } else {
                break;
            }
        }
        reached.map_or(Step::Failed, Step::Reached)
    }

    /// `{mac}` in upper case, `{phone_type}`.
    fn expand(&self, url: &str, settings: &DeviceSettings) -> String {
        let mac = settings.mac.to_string().to_uppercase();
        url.replace("{mac}", &mac).replace("{phone_type}", &self.phone_type())
    }

    /// The files behind one URL; true when one of them could be read.
    async fn fetch(
        &mut self,
        url: &str,
        expanded: &str,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> bool {
        let mut read = false;
        for target in self.targets(url, expanded, settings) {
            match self.read(&target, session, settings).await {
                Applied::Settings => read = true,
                Applied::Container(files) => {
                    read = true;
                    for file in files.into_iter().take(MAX_FILES) {
                        let file = self.expand(&file, settings);
                        let base = Url::parse(&target).ok();
                        let joined = base.and_then(|base| base.join(&file).ok());
                        let file = joined.map_or(file, String::from);
                        // A container in a container leads nowhere.
                        self.read(&file, session, settings).await;
                    }
                }
                Applied::Nothing => {}
            }
        }
        read
    }

    /// What is asked for: a URL with `{mac}` alone, another one with a second for this phone.
    fn targets(&self, url: &str, expanded: &str, settings: &DeviceSettings) -> Vec<String> {
        if url.contains("{mac}") {
            return vec![expanded.to_owned()];
        }
        let mac = settings.mac.to_string().to_uppercase();
        let (place, query) = match expanded.split_once('?') {
            Some((place, query)) => (place, format!("?{query}")),
            None => (expanded, String::new()),
        };
        let from = place.find("://").map_or(0, |at| at + 3);
        let (folder, file) = match place.get(from..).and_then(|rest| rest.rfind('/')) {
            Some(at) => place.split_at(from + at + 1),
            None => (place, ""),
        };
        if file.is_empty() {
            let folder = folder.trim_end_matches('/');
            let name = self.phone_type();
            return vec![
                format!("{folder}/{name}.htm{query}"),
                format!("{folder}/{name}-{mac}.htm{query}"),
            ];
        }
        let own = match file.rsplit_once('.') {
            Some((name, extension)) => format!("{name}-{mac}.{extension}"),
            None => format!("{file}-{mac}"),
        };
        vec![expanded.to_owned(), format!("{folder}{own}{query}")]
    }

    /// One file; what is not well-formed or no settings file changes nothing.
    async fn read(
        &mut self,
        url: &str,
        session: &mut Session,
        settings: &DeviceSettings,
    ) -> Applied {
        self.present(session, settings);
        let Some(body) = session.get(url).await.body else {
            self.note(format!("Could not fetch {url}"));
            return Applied::Nothing;
        };
        self.note(format!("Fetched {url}, {} bytes", body.len()));
        let applied = Element::parse(&body).map_or(Applied::Nothing, |root| self.apply(&root));
        if matches!(applied, Applied::Nothing) {
            session.unreadable();
        }
        applied
    }

    /// Who the phone says it is, as of now.
    fn present(&self, session: &mut Session, settings: &DeviceSettings) {
        session.agent = self.http_agent(settings);
        session.credentials = self.phone_setting("http_client_user").map(|user| Credentials {
            user: user.to_owned(),
            password: self.phone_setting("http_client_pass").unwrap_or_default().to_owned().into(),
        });
    }

    /// New firmware, where the policy allows it; true when the phone has another now.
    async fn update(&mut self, settings: &DeviceSettings, session: &mut Session) -> bool {
        if self.phone_setting("update_policy") != Some("auto_update") {
            return false;
        }
        let mut firmware = self.phone_setting("firmware").map(str::to_owned);
        if let Some(status) = self.phone_setting("firmware_status") {
            let status = self.expand(status, settings);
            self.present(session, settings);
            if let Some(body) = session.get(&status).await.body {
                let root = Element::parse(&body).filter(|root| root.name == "firmware-settings");
                match root {
                    Some(root) => firmware = root.child_text("firmware").map(str::to_owned),
                    None => session.unreadable(),
                }
            }
        }
        let Some((url, version)) = firmware.and_then(|url| Some((url.clone(), version_in(&url)?)))
        else {
            return false;
        };
        if version == self.firmware {
            return false;
        }
        let loaded = session.get(&url).await.body.is_some();
        if loaded {
            self.firmware = version;
        }
        loaded
    }
}

/// The version in a file name: `snomD785-10.1.169.16-SIP-r.bin`.
fn version_in(url: &str) -> Option<String> {
    let name = url.rsplit('/').next()?;
    let is_version = |part: &&str| {
        part.contains('.') && part.split('.').all(|n| !n.is_empty() && n.parse::<u32>().is_ok())
    };
    name.split('-').find(is_version).map(str::to_owned)
}
