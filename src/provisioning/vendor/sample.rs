//! Somebody's phone and nobody's, made up: every template is rendered for both before a phone is
//! given a file from it, so that a mistake is told to whoever made it and not to a phone.

use minijinja::Value;
use minijinja::value::Serde;

use crate::model::{PhoneSettings, SettingValue};
use crate::provisioning::context::{
    Account, Contact, Context, Firmware, Key, Login, Person, PhoneContext, Search, Summer,
    TimeZone, Transition, Urls,
};

/// A name with all that escaping is for.
const NAME: &str = "Zoë \"]]>\" <O'Neil> & $Sons";

/// A context for a phone of this vendor and model, with these layers of settings.
pub(super) fn context(
    vendor: &str,
    model: &str,
    layers: [&PhoneSettings; 2],
    somebody: bool,
) -> Context {
    let mut context = nobody(vendor, model);
    for (name, value) in layers.into_iter().flatten() {
        match name.of_vendor() {
            Some((of, name)) if of == vendor => {
                context.raw.insert(name.to_owned(), value.clone());
            }
            Some(_) => {}
            None => {
                context.settings.insert(name.to_string(), value.clone());
            }
        }
    }
    if somebody {
        sit_down(&mut context);
    }
    context
}

/// What a phone finds in the phone book: nothing, or a page between two others.
pub(super) fn search(something: bool) -> Search {
    let (text, encoded) = match something {
        true => (NAME.to_owned(), "Zo%C3%AB".to_owned()),
        false => (String::new(), String::new()),
    };
    let page = if something { 2 } else { 1 };
    let (next, previous) = (something.then_some(3), something.then_some(1));
    let (total, pages) = if something { (90, 3) } else { (0, 1) };
    Search { text, encoded, total, page, pages, next, previous }
}

fn nobody(vendor: &str, model: &str) -> Context {
    let text = str::to_owned;
    let key = |position, kind, number: &str, label: &str| Key {
        position,
        kind,
        number: text(number),
        label: text(label),
    };
    let login = |user: &str, password: &str| Login { user: text(user), password: text(password) };
    Context {
        phone: PhoneContext {
            mac: text("0004132a0001"),
            mac_upper: text("0004132A0001"),
            vendor: text(vendor),
            model: text(model),
            label: text("Desk 12 <&>"),
            tags: vec![text("pilot")],
        },
        account: account("0004132a0001"),
        handsets: vec![account("0004132a0001-1"), account("0004132a0001-2")],
        user: None,
        keys: vec![key(1, "line", "", "Desk 12"), key(2, "speed", "*11", "Log in")],
        codes: [("login", "*11"), ("logout", "*13"), ("restart_phone", "*19")]
            .map(|(name, code)| (text(name), text(code)))
            .into(),
        emergency: vec![text("112"), text("999")],
        free_numbers: vec![text("0")],
        contacts: Value::from(Serde(Vec::<Contact>::new())),
        search: None,
        urls: Urls {
            keyed: text("http://192.0.2.5:8085/p/k3y"),
            open: text("http://192.0.2.5:8085/provision"),
            scheme: text("http"),
            keyed_rest: text("192.0.2.5:8085/p/k3y"),
        },
        http: login("0004132a0001", "another&secret"),
        web: login("admin", "a third&secret"),
        firmware: None,
        settings: [("language", "en"), ("time_zone", "Europe/Vienna"), ("country", "AT")]
            .map(|(name, value)| (text(name), SettingValue::Text(text(value))))
            .into(),
        raw: std::collections::BTreeMap::new(),
        time: TimeZone { name: text("Europe/Vienna"), offset: 3600, summer: None },
        revision: 1,
        handover: false,
    }
}

fn account(user: &str) -> Account {
    let text = str::to_owned;
    Account {
        user: text(user),
        password: text("a&secret<"),
        domain: text("example.net"),
        registrar: text("192.0.2.10"),
        port: 5060,
        transport: text("udp"),
        expires: 180,
        label: text("Desk 12 <&>"),
        idle: text("Log in: *11"),
        display_name: text("Desk 12 <&>"),
        mailbox: None,
    }
}

fn sit_down(context: &mut Context) {
    let text = str::to_owned;
    let transition = |month, hour| Transition { month, week: 5, weekday: 1, hour };
    context.user = Some(Person {
        extension: text("1001"),
        name: text(NAME),
        first_name: text("Zoë"),
        last_name: text("<O'Neil> & $Sons"),
    });
    context.account.label = text("1001");
    context.account.idle = text(NAME);
    context.account.display_name = text(NAME);
    context.account.mailbox = Some(text("*98"));
    let keys = [("blf", "1002", NAME), ("speed", "*13", "Log out"), ("mailbox", "*98", "Mailbox")];
    context.keys.extend((3..).zip(keys).map(|(position, (kind, number, label))| Key {
        position,
        kind,
        number: text(number),
        label: text(label),
    }));
    context.contacts = Value::from(Serde(vec![Contact {
        name: text(NAME),
        first_name: text("Zoë"),
        last_name: text("<O'Neil> & $Sons"),
        number: text("1001"),
    }]));
    context.firmware = Some(Firmware {
        url: text("http://192.0.2.5:8085/firmware/1.bin"),
        version: text("10.1.33.33"),
    });
    context.time.summer =
        Some(Summer { saving: 3600, start: transition(3, 2), stop: transition(10, 3) });
    context.handover = true;
}
