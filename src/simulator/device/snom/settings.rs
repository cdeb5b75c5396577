//! Settings files: what they may set, and what stays.

use super::super::settings::version;
use super::super::xml::Element;
use super::Snom;

/// No phone has more settings.
const MAX_SETTINGS: usize = 20_000;
/// Names of settings that stand for an account although they do not begin with `user_`.
const OF_AN_ACCOUNT: [&str; 9] = [
    "dnd_mode",
    "fwd_all_enabled",
    "fwd_all_target",
    "fwd_busy_enabled",
    "fwd_busy_target",
    "fwd_time_enabled",
    "fwd_time_target",
    "keepalive_interval",
    "stun_server",
];
/// Settings that work only after a reboot.
const NEED_REBOOT: [&str; 5] =
    ["vlan_id", "vlan_qos", "vlan_pc_id", "network_id_port", "webserver_type"];

/// A value in flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) value: String,
    perm: Perm,
    /// A person changed it after the server set it.
    changed: bool,
}

/// A function key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunctionKey {
    /// `blf <sip:201@pbx.example.net>|*8`.
    pub(super) text: String,
    pub(super) label: String,
    /// `active` or the number of an account.
    pub(super) context: String,
}

/// An entry of the phone book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BookEntry {
    /// Addresses the entry; without it the number does.
    pub(super) index: Option<u32>,
    pub(super) name: String,
    pub(super) number: String,
}

/// Who may change a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Perm {
    /// `!`: the server's value only until a person changes it.
    UserFirst,
    /// `R`, `&`, one blank.
    ReadOnly,
    /// `RW`, `$`, nothing: the server's value at every provisioning.
    ReadWrite,
}

impl Perm {
    /// By the attribute; one that is absent or unknown allows everything.
    fn of(element: &Element) -> Self {
        match element.attribute("perm") {
            Some("!") => Self::UserFirst,
            Some("R" | "&" | " ") => Self::ReadOnly,
            _ => Self::ReadWrite,
        }
    }
}

/// What a settings file was.
pub(super) enum Applied {
    /// Its sections are in flash now.
    Settings,
    /// It names other files.
    Container(Vec<String>),
    /// No settings file.
    Nothing,
}

impl Snom {
    /// Reads a file into flash; a section may be the root of a file of its own.
    pub(super) fn apply(&mut self, root: &Element) -> Applied {
        match root.name.as_str() {
            "settings" => {
                for section in &root.children {
                    self.apply_section(section);
                }
                Applied::Settings
            }
            "setting-files" => {
                let files = root.children.iter().filter(|child| child.name == "file");
                let urls = files.filter_map(|file| file.attribute("url"));
                Applied::Container(urls.map(str::to_owned).collect())
            }
            _ if self.apply_section(root) => Applied::Settings,
            _ => Applied::Nothing,
        }
    }

    /// False when it is no section that phones know.
    fn apply_section(&mut self, section: &Element) -> bool {
        match section.name.as_str() {
            "phone-settings" => section.children.iter().for_each(|child| self.apply_setting(child)),
            "functionKeys" | "function-keys" => {
                section.children.iter().for_each(|child| self.apply_key(child));
            }
            "tbook" | "phone-book" => self.apply_book(section),
            "dialplan" | "ReplacementPlan" | "certificates" | "uploads" | "gui-languages"
            | "web-languages" => {}
            _ => return false,
        }
        true
    }

    /// One setting, unless a person's change is to stay.
    fn apply_setting(&mut self, element: &Element) {
        let name = element.name.as_str();
        let index = match element.attribute("idx").map(str::parse::<u8>) {
            None => 0,
            Some(Ok(index @ 1..=12)) => index,
            // Accounts count from 1 to 12; there is nothing behind another number.
            Some(_) => return,
        };
        let key = (name.to_owned(), account(name, index));
        let known = self.settings.get(&key);
        let perm = Perm::of(element);
        let kept = perm == Perm::UserFirst && known.is_some_and(|setting| setting.changed);
        if kept || (known.is_none() && self.settings.len() >= MAX_SETTINGS) {
            return;
        }
        let value = element.text.trim().to_owned();
        let other = known.is_none_or(|setting| setting.value != value);
        if other
            && NEED_REBOOT.contains(&name)
            && self.phone_setting("auto_reboot_on_setting_change") == Some("on")
        {
            self.reboot_due = true;
        }
        self.settings.insert(key, Setting { value, perm, changed: false });
    }

    /// One function key; `idx` counts from 0.
    fn apply_key(&mut self, element: &Element) {
        let index = element.attribute("idx").and_then(|index| index.parse::<u16>().ok());
        let (true, Some(index @ 0..=999)) = (element.name == "fkey", index) else {
            return;
        };
        let text = element.text.trim().to_owned();
        let label = element.attribute("label").unwrap_or_default().to_owned();
        let context = element.attribute("context").unwrap_or("active").to_owned();
        self.keys.insert(index, FunctionKey { text, label, context });
    }

    /// Only `complete` takes entries away, and only since 8.2.
    fn apply_book(&mut self, section: &Element) {
        let complete = section.attribute("complete") == Some("true");
        if complete && version(&self.firmware) >= version("8.2") {
            self.book.clear();
        }
        let indexed = version(&self.firmware) >= version("8.2.20");
        for child in &section.children {
            let index = child.attribute("index").and_then(|index| index.parse().ok());
            let index = index.filter(|_| indexed);
            for number in numbers(child) {
                let entry = BookEntry { index, name: name_of(child), number };
                self.keep(entry);
            }
        }
    }

    /// Adds an entry, or changes the one that it means.
    fn keep(&mut self, entry: BookEntry) {
        let same = |known: &&mut BookEntry| match entry.index {
            Some(index) => known.index == Some(index),
            None => known.number == entry.number,
        };
        let room = self.book.len() < self.book_limit();
        match self.book.iter_mut().find(same) {
            Some(known) => {
                *known = BookEntry { index: entry.index.or(known.index), ..entry };
            }
            None if room => self.book.push(entry),
            None => {}
        }
    }

    /// A person changes a setting; false when it is read-only.
    pub(super) fn change_setting(&mut self, name: &str, index: u8, value: String) -> bool {
        let key = (name.to_owned(), account(name, index));
        let perm = self.settings.get(&key).map_or(Perm::ReadWrite, |setting| setting.perm);
        if perm != Perm::ReadOnly {
            self.settings.insert(key, Setting { value, perm, changed: true });
        }
        perm != Perm::ReadOnly
    }

    /// An administrator changes a setting.
    pub(super) fn overwrite_setting(&mut self, name: &str, index: u8, value: String) {
        let key = (name.to_owned(), account(name, index));
        let perm = self.settings.get(&key).map_or(Perm::ReadWrite, |setting| setting.perm);
        self.settings.insert(key, Setting { value, perm, changed: true });
    }

    /// A value that is not empty; `index` 0 for the whole phone.
    pub(in super::super) fn setting(&self, name: &str, index: u8) -> Option<&str> {
        let setting = self.settings.get(&(name.to_owned(), account(name, index)))?;
        Some(setting.value.as_str()).filter(|value| !value.is_empty())
    }

    /// A setting of the whole phone.
    pub(super) fn phone_setting(&self, name: &str) -> Option<&str> {
        self.setting(name, 0)
    }

    /// What came over the network is stored as a person would set it.
    pub(super) fn store_setting(&mut self, name: &str, value: &str) {
        let setting = Setting { value: value.to_owned(), perm: Perm::ReadWrite, changed: false };
        self.settings.insert((name.to_owned(), account(name, 0)), setting);
    }
}

/// Settings of an account without `idx` are those of the first.
fn account(name: &str, index: u8) -> u8 {
    let of_an_account = name.starts_with("user_") || OF_AN_ACCOUNT.contains(&name);
    if index == 0 && of_an_account { 1 } else { index }
}

/// Numbers of an entry: one in an `<item>`, several in a `<contact>` of version 2.
fn numbers(entry: &Element) -> Vec<String> {
    match entry.name.as_str() {
        "item" => entry.child_text("number").map(str::to_owned).into_iter().collect(),
        "contact" => {
            let lists = entry.children.iter().filter(|child| child.name == "numbers");
            let numbers = lists.flat_map(|list| &list.children);
            numbers.filter_map(|number| number.attribute("no")).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// `name`, else first and last name.
fn name_of(entry: &Element) -> String {
    if let Some(name) = entry.child_text("name") {
        return name.to_owned();
    }
    let parts = ["first_name", "last_name"].map(|part| entry.child_text(part).unwrap_or_default());
    parts.join(" ").trim().to_owned()
}
