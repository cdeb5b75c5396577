//! What belongs to the person at the phone: overrides, call list, directory - read, and written back.

use super::super::http::Session;
use super::super::report::Contact;
use super::super::xml::{Element, escaped};
use super::chain::place;
use super::{MAX_ENTRIES, Polycom};

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) first_name: String,
    pub(super) last_name: String,
    /// The number, or `!name` of an action.
    pub(super) contact: String,
    /// Speed-dial index, which gives a key.
    pub(super) speed_dial: Option<u16>,
}

impl Entry {
    /// As a person types it: the last word is the last name.
    pub(super) fn of(contact: &Contact) -> Self {
        let (first_name, last_name) =
            contact.name.rsplit_once(' ').unwrap_or(("", contact.name.as_str()));
        Self {
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            contact: contact.number.clone(),
            speed_dial: None,
        }
    }

    /// First name, last name.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// `<directory><item_list><item>…`.
pub(super) fn read_directory(root: &Element) -> Vec<Entry> {
    let items = root.walk().into_iter().filter(|element| element.name == "item");
    let text = |item: &Element, name| item.child_text(name).unwrap_or_default().to_owned();
    let entries = items.map(|item| Entry {
        first_name: text(item, "fn"),
        last_name: text(item, "ln"),
        contact: text(item, "ct"),
        speed_dial: item.child_text("sd").and_then(|index| index.parse().ok()),
    });
    entries.filter(|entry| !entry.contact.is_empty()).take(MAX_ENTRIES).collect()
}

/// Numbers dialled, the latest first.
pub(super) fn read_calls(root: &Element) -> Vec<String> {
    let calls = root
        .walk()
        .into_iter()
        .filter(|element| element.name == "call" && element.attribute("direction") == Some("Out"));
    let numbers = calls.filter_map(|call| call.attribute("destination"));
    numbers.map(str::to_owned).take(MAX_ENTRIES).collect()
}

impl Polycom {
    /// `-phone.cfg`, whole.
    pub(super) async fn upload_overrides(&self, session: &mut Session) {
        let attributes: String = self
            .overrides
            .iter()
            .map(|(name, value)| format!(" {name}=\"{}\"", escaped(value)))
            .collect();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<PHONE_CONFIG><OVERRIDES{attributes}/></PHONE_CONFIG>\n"
        );
        self.upload(&self.folders.overrides, "phone.cfg", body, session).await;
    }

    /// Only newer phones keep their call lists on the server.
    pub(super) async fn upload_calls(&self, session: &mut Session) {
        if !self.family.is_new() {
            return;
        }
        let calls: String = self
            .calls
            .iter()
            .map(|number| {
                let number = escaped(number);
                format!("<call direction=\"Out\" line=\"1\" destination=\"{number}\"/>\n")
            })
            .collect();
        let body =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<callList>\n{calls}</callList>\n");
        self.upload(&self.folders.calls, "calls.xml", body, session).await;
    }

    /// `-directory.xml`, whole, without the directory of all phones.
    pub(super) async fn upload_directory(&self, session: &mut Session) {
        let items: String = self
            .directory
            .iter()
            .map(|entry| {
                let speed_dial = entry.speed_dial.map(|index| format!("<sd>{index}</sd>"));
                format!(
                    "<item><ln>{}</ln><fn>{}</fn><ct>{}</ct>{}</item>\n",
                    escaped(&entry.last_name),
                    escaped(&entry.first_name),
                    escaped(&entry.contact),
                    speed_dial.unwrap_or_default()
                )
            })
            .collect();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<directory><item_list>\n{items}</item_list></directory>\n"
        );
        self.upload(&self.folders.contacts, "directory.xml", body, session).await;
    }

    /// To where the phone booted from; before that it keeps everything to itself.
    async fn upload(&self, folder: &str, name: &str, body: String, session: &mut Session) {
        if let Some(base) = &self.base {
            let url = place(base, folder, &format!("{}-{name}", self.mac));
            session.put(&url, "text/xml", body.into_bytes()).await;
        }
    }
}
