//! What a Cisco phone asks for.

use super::super::MAX_HOPS;
use super::super::http::Session;
use super::super::report::Contact;
use super::super::settings::DeviceSettings;
use super::super::software::{Ended, Start};
use super::super::xml::Element;
use super::{Cisco, MAX_PARAMETERS, Parameter};

/// The rules in their order.
const RULES: [&str; 4] = ["Profile_Rule", "Profile_Rule_B", "Profile_Rule_C", "Profile_Rule_D"];
/// Where DHCP options are looked for until a profile says otherwise.
const FACTORY_OPTIONS: &str = "66,160,159,150,60,43,125";

impl Cisco {
    /// Resync: at power on unless it is switched off, and when it was told to.
    pub(in super::super) async fn start(
        &mut self,
        how: Start,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> Ended {
        let mut ended = Ended::default();
        let off = |name: &str| self.parameter(name) == Some("No");
        if off("Provision_Enable") || (how == Start::PowerOn && off("Resync_On_Reset")) {
            return ended;
        }
        for _ in 0..MAX_HOPS {
            let before = self.asks(settings);
            self.resync(settings, session, &mut ended.from).await;
            if self.asks(settings) == before {
                break;
            }
            ended.rebooted = true;
        }
        self.read_directory(session).await;
        ended
    }

    /// Where it asks first.
    fn asks(&self, settings: &DeviceSettings) -> Option<String> {
        let options = self.parameters.get("DHCP_Option_To_Use");
        let options = options.map_or(FACTORY_OPTIONS, |parameter| parameter.value.as_str());
        let dhcp = settings.dhcp.clone().filter(|_| !options.is_empty());
        dhcp.or_else(|| self.parameter("Profile_Rule").map(str::to_owned))
    }

    /// One rule after the other, each as it is by then; one that fails ends it.
    async fn resync(
        &mut self,
        settings: &DeviceSettings,
        session: &mut Session,
        from: &mut String,
    ) {
        for name in RULES {
            let rule = match name {
                "Profile_Rule" => self.asks(settings),
                _ => self.parameter(name).map(str::to_owned),
            };
            let Some(target) = rule.and_then(|rule| self.target(&rule)) else {
                continue;
            };
            session.agent = self.http_agent();
            session.credentials = target.credentials;
            let answer = session.get(&target.url).await;
            let missing =
                answer.status == 404 && self.parameter("Resync_Fails_On_FNF") == Some("No");
            if missing {
                continue;
            }
            let Some(body) = answer.body else { return };
            match Element::parse(&body).filter(|root| root.name == "flat-profile") {
                Some(root) => self.apply(&root),
                None => return session.unreadable(),
            }
            *from = target.url;
        }
    }

    /// The last value of a parameter wins; nested sections are for other devices.
    fn apply(&mut self, profile: &Element) {
        for element in profile.children.iter().filter(|element| element.children.is_empty()) {
            let is_new = !self.parameters.contains_key(&element.name);
            if is_new && self.parameters.len() >= MAX_PARAMETERS {
                continue;
            }
            let open = element.attribute("ua") == Some("rw");
            let value = element.text.trim().to_owned();
            self.parameters.insert(element.name.clone(), Parameter { value, open });
        }
    }

    /// Somebody opens the directory; what cannot be read leaves what was shown before.
    async fn read_directory(&mut self, session: &mut Session) {
        let Some(url) = self.parameter("XML_Directory_Service_URL").map(str::to_owned) else {
            self.directory.clear();
            return;
        };
        session.agent = self.http_agent();
        let Some(body) = session.get(&url).await.body else { return };
        let root = Element::parse(&body).filter(|root| root.name == "CiscoIPPhoneDirectory");
        let Some(root) = root else { return session.unreadable() };
        let entry = |entry: &Element| {
            Some(Contact {
                name: entry.child_text("Name")?.to_owned(),
                number: entry.child_text("Telephone")?.to_owned(),
            })
        };
        let entries = root.children.iter().filter(|child| child.name == "DirectoryEntry");
        self.directory = entries.filter_map(entry).collect();
    }
}
