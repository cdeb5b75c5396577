//! What a phone's files say: the value that templates are rendered from, composed from the store.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::context::{Account, Context, Firmware, Key, Login, Person, PhoneContext, Urls};
use super::layers::Layers;
use super::settings::ProvisioningSettings;
use super::vendor::{Layer, Vendor};
use super::{phone_book, texts, time_zone};
use crate::model::{
    Domain, Enrolment, Handset, KeyKind, Mac, Phone, SettingValue, SipIdentity, User,
};
use crate::store::{Memory, Store};

/// What all phones of the site have in common.
#[derive(Debug, Clone)]
pub struct Site {
    /// The SIP domain.
    pub domain: Domain,
    /// Where phones reach the phones' listener, without `/` at its end.
    pub url: String,
    /// The table `[provisioning]`.
    pub settings: ProvisioningSettings,
    /// The dial codes that are on, by their names in the configuration.
    pub codes: BTreeMap<String, String>,
    /// Emergency numbers, each also behind the prefixes that people dial out of habit.
    pub emergency: Vec<String>,
    /// What a nobody's phone may call besides.
    pub free_numbers: Vec<String>,
}

/// A phone and what its files depend on, as the store has it at one moment.
pub(super) struct Subject<'a> {
    pub phone: &'a Phone,
    pub enrolment: &'a Enrolment,
    pub user: Option<&'a User>,
    /// The store, to look up whose the handsets are.
    pub memory: &'a Memory,
    pub vendor: &'a Vendor,
    /// The model: as the inventory has it, else as the phone says.
    pub model: Option<&'a str>,
}

impl Subject<'_> {
    /// The layers of this phone's settings.
    pub(super) fn layers<'s>(&'s self, site: &'s Site) -> Layers<'s> {
        let [(_, vendor), (_, model)] = self.vendor.layers(self.model);
        Layers([
            (Layer::Vendor, Some(vendor)),
            (Layer::Model, Some(model)),
            (Layer::Site, Some(&site.settings.settings)),
            (Layer::Phone, Some(&self.phone.settings)),
            (Layer::User, self.user.map(|user| &user.settings)),
        ])
    }

    /// Everything that a template can name.
    pub(super) fn context(
        &self,
        site: &Site,
        store: &Store,
        book: minijinja::Value,
        firmware: Option<Firmware>,
        handover: bool,
        now: Timestamp,
    ) -> Context {
        let (settings, raw) = self.layers(site).merge(self.vendor.name());
        let text = |name: &str| settings.get(name).map(SettingValue::to_string).unwrap_or_default();
        let zone = text("time_zone");
        let language = text("language");
        let expansion = match settings.get("expansion_keys") {
            Some(SettingValue::Number(keys)) => usize::try_from(*keys).unwrap_or_default(),
            _ => 0,
        };
        let mac = self.phone.mac.to_string();
        Context {
            phone: PhoneContext {
                mac_upper: mac.to_ascii_uppercase(),
                mac: mac.clone(),
                vendor: self.vendor.name().to_owned(),
                model: self.model.unwrap_or_default().to_owned(),
                label: self.phone.title(),
                tags: self.phone.tags.iter().map(ToString::to_string).collect(),
            },
            account: self.account(site, &language),
            handsets: self.handsets(site, store),
            user: self.user.map(person),
            keys: self.keys(site, &language, expansion),
            codes: site.codes.clone(),
            emergency: site.emergency.clone(),
            free_numbers: site.free_numbers.clone(),
            contacts: book,
            search: None,
            urls: urls(site, self.enrolment),
            http: Login {
                user: mac.clone(),
                password: http_password(store, self.phone.mac, &self.enrolment.key),
            },
            web: Login { user: WEB_USER.to_owned(), password: web_password(store, self.phone) },
            firmware,
            time: time_zone::read(&zone, now),
            settings,
            raw,
            // Seconds since 2020: fits 31 bits until 2088.
            handover,
            revision: u32::try_from(now.as_second() - 1_577_836_800).unwrap_or_default(),
        }
    }

    /// The accounts of a DECT base's handsets.
    fn handsets(&self, site: &Site, store: &Store) -> Vec<Account> {
        let base = self.phone;
        let of = |(number, handset): (u16, &Handset)| {
            let user = handset.user.as_ref().and_then(|user| self.memory.user(user));
            let title = base.handset_title(number);
            let extension = user.map(|user| user.extension.to_string());
            let name = user.map_or_else(|| title.clone(), |user| user.name.clone());
            Account {
                user: SipIdentity::of_handset(base.mac, number).to_string(),
                password: store.handset_secret(base, number).expose_secret().to_owned(),
                label: extension.unwrap_or(title),
                idle: name.clone(),
                display_name: name,
                mailbox: user.map(|_| site.settings.mailbox.as_str().to_owned()),
                ..self.registrar(site)
            }
        };
        base.numbered_handsets().map(of).collect()
    }

    fn account(&self, site: &Site, language: &str) -> Account {
        let label = match self.user {
            Some(user) => user.extension.to_string(),
            None => self
                .phone
                .desk_extension
                .as_ref()
                .map_or_else(|| self.phone.title(), ToString::to_string),
        };
        let login = site.codes.get("login").map(String::as_str);
        let idle = match (self.user, login) {
            (Some(user), _) => user.name.clone(),
            (None, Some(code)) => format!("{} {code}", texts::texts(language).idle),
            (None, None) => self.phone.title(),
        };
        Account {
            user: self.phone.mac.to_string(),
            password: self.phone.secret.expose_secret().to_owned(),
            label,
            idle,
            display_name: self.user.map_or_else(|| self.phone.title(), |user| user.name.clone()),
            mailbox: self.user.map(|_| site.settings.mailbox.as_str().to_owned()),
            ..self.registrar(site)
        }
    }

    /// Where an account registers, whosever it is.
    fn registrar(&self, site: &Site) -> Account {
        let settings = &site.settings;
        Account {
            user: String::new(),
            password: String::new(),
            domain: site.domain.to_string(),
            registrar: settings.registrar.clone().unwrap_or_else(|| site.domain.to_string()),
            port: settings.port,
            transport: settings.transport.as_str().to_owned(),
            expires: settings.expires,
            label: String::new(),
            idle: String::new(),
            display_name: String::new(),
            mailbox: None,
        }
    }

    /// The line and what everybody needs (soft keys, where the model has too few), then the user's own, as
    /// many as the model has keys.
    fn keys(&self, site: &Site, language: &str, expansion: usize) -> Vec<Key> {
        let texts = texts::texts(language);
        let speed = |code: &str, label: &str| {
            let number = site.codes.get(code)?;
            Some(("speed", number.clone(), label.to_owned()))
        };
        let mut keys = vec![Some(("line", String::new(), self.account(site, language).label))];
        match self.user {
            None => {
                keys.push(speed("login", texts.login));
                keys.push(speed("restart_phone", texts.restart));
            }
            Some(user) => {
                let mailbox = site.settings.mailbox.as_str().to_owned();
                keys.push(Some(("mailbox", mailbox, texts.mailbox.to_owned())));
                keys.push(speed("logout", texts.logout));
                let most =
                    usize::from(self.vendor.model(self.model).keys).saturating_add(expansion);
                let room = most.saturating_sub(keys.iter().flatten().count());
                keys.extend(user.keys.iter().take(room).map(|key| {
                    let number = key.number.as_str().to_owned();
                    let kind = match key.kind {
                        KeyKind::Blf => "blf",
                        KeyKind::Speed => "speed",
                    };
                    let label = key.label.clone().unwrap_or_else(|| number.clone());
                    Some((kind, number, label))
                }));
            }
        }
        let keys = keys.into_iter().flatten().zip(1u16..);
        keys.map(|((kind, number, label), position)| Key { position, kind, number, label })
            .collect()
    }
}

fn person(user: &User) -> Person {
    let (first_name, last_name) = phone_book::parts(&user.name);
    Person { extension: user.extension.to_string(), name: user.name.clone(), first_name, last_name }
}

/// Where this phone fetches.
pub(super) fn urls(site: &Site, enrolment: &Enrolment) -> Urls {
    let keyed = format!("{}/p/{}", site.url, enrolment.key.expose_secret());
    let (scheme, rest) = keyed.split_once("://").unwrap_or(("http", &keyed));
    Urls {
        scheme: scheme.to_owned(),
        keyed_rest: rest.to_owned(),
        open: format!("{}/provision", site.url),
        keyed: keyed.clone(),
    }
}

/// With what a phone that has this key authenticates: not to be had from the key alone, which stands in
/// URLs, and changed with it.
pub(super) fn http_password(store: &Store, phone: Mac, key: &secrecy::SecretString) -> String {
    hex(store.derived(&format!("http password of {phone} with {}", key.expose_secret())))
}

/// As whom the phone's own web page is entered.
pub(super) const WEB_USER: &str = "admin";

/// The password of the phone's own web page.
pub(super) fn web_password(store: &Store, phone: &Phone) -> String {
    hex(store.derived(&format!("web password of {} {}", phone.mac, phone.added)))
}

fn hex(bytes: [u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The user who sits at a phone.
pub(super) fn seated(memory: &Memory, phone: &Phone) -> Option<std::sync::Arc<User>> {
    memory.session(phone.mac).and_then(|session| memory.user(&session.user)).cloned()
}
