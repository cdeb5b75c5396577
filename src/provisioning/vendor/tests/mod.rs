mod agents;
mod cisco;
mod documentation;
mod escaping;
mod fanvil;
mod gigaset;
mod golden;
mod grandstream;
mod overrides;
mod routes;
mod settings;
mod shared;
mod uploads;
mod yealink;

use minijinja::Value;
use minijinja::value::Serde;

use super::*;
use crate::model::SettingValue;
use crate::provisioning::context::{
    Account, Contact, Key, Login, Person, PhoneContext, Summer, TimeZone, Transition, Urls,
};

/// The built-in vendors, read once: a debug build reads them from disk.
fn vendors() -> &'static Vendors {
    static VENDORS: std::sync::LazyLock<Vendors> = std::sync::LazyLock::new(|| Vendors::load(None));
    &VENDORS
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// A phone that is nobody's, at a site in Vienna.
fn nobody(vendor: &Vendor, model: &str, mac: &str) -> Context {
    let key = |position, kind, number: &str, label: &str| Key {
        position,
        kind,
        number: text(number),
        label: text(label),
    };
    let mut context = Context {
        phone: PhoneContext {
            mac: text(mac),
            mac_upper: mac.to_uppercase(),
            vendor: text(vendor.name()),
            model: text(model),
            label: text("Desk 12"),
            tags: vec![text("pilot")],
        },
        account: account(mac),
        handsets: Vec::new(),
        user: None,
        keys: vec![
            key(1, "line", "", "Desk 12"),
            key(2, "speed", "*11", "Log in"),
            key(3, "speed", "*19", "Restart"),
        ],
        codes: [("login", "*11"), ("logout", "*13"), ("restart_phone", "*19")]
            .map(|(name, code)| (text(name), text(code)))
            .into(),
        emergency: ["112", "999", "0112", "0999"].map(text).into(),
        free_numbers: vec![text("0")],
        contacts: Value::from(Serde(Vec::<Contact>::new())),
        search: None,
        urls: Urls {
            keyed: text("http://prov.example.net:8085/p/k3yk3yk3yk3yk3yk3yk3yk"),
            open: text("http://prov.example.net:8085/provision"),
            scheme: text("http"),
            keyed_rest: text("prov.example.net:8085/p/k3yk3yk3yk3yk3yk3yk3yk"),
        },
        http: Login { user: text(mac), password: text("http-password") },
        web: Login { user: text("admin"), password: text("web-password") },
        firmware: None,
        settings: [
            ("language", "de-AT"),
            ("country", "AT"),
            ("time_zone", "Europe/Vienna"),
            ("ntp_server", "ntp.example.net"),
            ("syslog_server", "192.0.2.7"),
        ]
        .map(|(name, value)| (text(name), SettingValue::Text(text(value))))
        .into(),
        raw: BTreeMap::new(),
        time: TimeZone {
            name: text("Europe/Vienna"),
            offset: 3600,
            summer: Some(Summer {
                saving: 3600,
                start: Transition { month: 3, week: 5, weekday: 1, hour: 2 },
                stop: Transition { month: 10, week: 5, weekday: 1, hour: 3 },
            }),
        },
        revision: 7,
        handover: false,
    };
    for (_, layer) in vendor.layers(Some(model)) {
        for (name, value) in layer {
            match name.of_vendor() {
                Some((_, name)) => drop(context.raw.insert(text(name), value.clone())),
                None => drop(context.settings.entry(name.to_string()).or_insert(value.clone())),
            }
        }
    }
    // The model's layer wins over the vendor's.
    for (name, value) in &vendor.model(Some(model)).settings {
        if name.of_vendor().is_none() {
            context.settings.insert(name.to_string(), value.clone());
        }
    }
    context
}

fn account(user: &str) -> Account {
    Account {
        user: text(user),
        password: text("sip-secret"),
        domain: text("example.net"),
        registrar: text("192.0.2.10"),
        port: 5060,
        transport: text("udp"),
        expires: 180,
        label: text("Desk 12"),
        idle: text("Log in: *11"),
        display_name: text("Desk 12"),
        mailbox: None,
    }
}

/// The same phone just after a person of that name logged in.
fn somebody(vendor: &Vendor, model: &str, mac: &str, name: &str) -> Context {
    let mut context = nobody(vendor, model, mac);
    let (first, last) = name.rsplit_once(' ').unwrap_or(("", name));
    context.user = Some(Person {
        extension: text("1001"),
        name: text(name),
        first_name: text(first),
        last_name: text(last),
    });
    context.account.label = text("1001");
    context.account.idle = text(name);
    context.account.display_name = text(name);
    context.account.mailbox = Some(text("*98"));
    let keys = [
        ("line", "", "1001"),
        ("speed", "*13", "Log out"),
        ("speed", "*19", "Restart"),
        ("mailbox", "*98", "Mailbox"),
        ("blf", "1002", "Grace Hopper"),
        ("speed", "+436641234567", name),
    ];
    context.keys = (1..)
        .zip(keys)
        .map(|(position, (kind, number, label))| Key {
            position,
            kind,
            number: text(number),
            label: text(label),
        })
        .collect();
    let contacts =
        [(first, last, "1001"), ("Grace", "Hopper", "1002")].map(|(first, last, number)| Contact {
            name: if first.is_empty() { text(last) } else { format!("{first} {last}") },
            first_name: text(first),
            last_name: text(last),
            number: text(number),
        });
    context.contacts = Value::from(Serde(contacts.to_vec()));
    context.handover = true;
    context
}
