//! What a template can say: the one value that every vendor's templates are rendered from.
//!
//! Texts are as people wrote them; the engine escapes each for the kind of file that it goes into.
//! Whatever is absent is `none` in a template, and using it there by mistake is an error.

use std::collections::BTreeMap;

use serde::Serialize;

use super::search::Book;
use super::vendor::SearchRules;
use crate::model::SettingValue;

/// Everything that a template can name. No `Debug`: it holds secrets.
#[derive(Clone, Serialize)]
pub struct Context {
    /// The device.
    pub phone: PhoneContext,
    /// Its SIP account: always the phone's own.
    pub account: Account,
    /// The accounts of a DECT base's handsets (`<mac>-<n>`), in their order; empty at a desk phone.
    pub handsets: Vec<Account>,
    /// Who sits there; `none` at a nobody's phone.
    pub user: Option<Person>,
    /// The function keys from the first to the last; positions count from 1.
    pub keys: Vec<Key>,
    /// The dial codes that are on: `login`, `login_also`, `logout`, `logout_everywhere`, `who`,
    /// `restart_phone`.
    pub codes: BTreeMap<String, String>,
    /// Emergency numbers, each also behind the prefixes that people dial out of habit (`999`, `0999`).
    pub emergency: Vec<String>,
    /// The numbers that a nobody's phone may call besides.
    pub free_numbers: Vec<String>,
    /// The phone book: a list of [`Contact`], in the order of its names. Made once for all phones.
    pub contacts: minijinja::Value,
    /// What the phone asked of the phone book, in a file that is searched: `contacts` is then the page that it
    /// gets; `none` in any other file.
    pub search: Option<Search>,
    /// Where the phone fetches.
    pub urls: Urls,
    /// With what the phone authenticates when it fetches over the URLs without a key.
    pub http: Login,
    /// The phone's own web page.
    pub web: Login,
    /// Firmware that the phone should have; `none` where it has it, or there is none.
    pub firmware: Option<Firmware>,
    /// The settings without a dot in their names, all layers merged: `language`, `time_zone`, …
    pub settings: BTreeMap<String, SettingValue>,
    /// The vendor's own settings, all layers merged, under the vendor's names for them.
    pub raw: BTreeMap<String, SettingValue>,
    /// The time zone of `settings.time_zone`.
    pub time: TimeZone,
    /// Grows with every change of what the file says; fits 31 bits.
    pub revision: u32,
    /// Whether the phone has yet to show who sits there: only then does a file clear what the person
    /// before left behind (do-not-disturb, forwarding). Later fetches leave alone what the person set.
    pub handover: bool,
}

impl Context {
    /// The same for a file that shows what was found in the phone book.
    pub(super) fn search_in(
        &mut self,
        book: &Book,
        rules: &SearchRules,
        query: &[(String, String)],
    ) {
        let (search, page) = book.search(rules, query);
        (self.search, self.contacts) = (Some(search), page);
    }

    /// The same for somebody's eyes: no password, no key.
    pub(super) fn hide_secrets(&mut self) {
        let hidden = || "(hidden)".to_owned();
        let key = self.urls.keyed.rsplit_once('/').map(|(_, key)| key.to_owned());
        if let Some(key) = key {
            self.urls.keyed = self.urls.keyed.replace(&key, "(hidden)");
            self.urls.keyed_rest = self.urls.keyed_rest.replace(&key, "(hidden)");
        }
        self.account.password = hidden();
        self.handsets.iter_mut().for_each(|handset| handset.password = hidden());
        self.http.password = hidden();
        self.web.password = hidden();
    }
}

/// The device.
#[derive(Debug, Clone, Serialize)]
pub struct PhoneContext {
    /// `000413aabbcc`.
    pub mac: String,
    /// `000413AABBCC`.
    pub mac_upper: String,
    /// The vendor's name (`snom`).
    pub vendor: String,
    /// The model (`D785`); empty where unknown.
    pub model: String,
    /// What people call the place, else the MAC address.
    pub label: String,
    /// The operator's words for groups of phones, as in `{% if "pilot" in phone.tags %}`.
    pub tags: Vec<String>,
}

/// The SIP account.
#[derive(Clone, Serialize)]
pub struct Account {
    /// User and authentication name: the MAC address.
    pub user: String,
    /// The secret.
    pub password: String,
    /// The SIP domain.
    pub domain: String,
    /// Where it registers: host or address.
    pub registrar: String,
    /// The port there; 0 where DNS says it.
    pub port: u16,
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// Seconds that a registration holds, 120 to 300.
    pub expires: u16,
    /// Beside the line key: the user's extension, else what people call the place.
    pub label: String,
    /// What the idle display says: the user's name, else how to log in.
    pub idle: String,
    /// The name that the account has on the display.
    pub display_name: String,
    /// What the mailbox key dials; `none` at a nobody's phone.
    pub mailbox: Option<String>,
}

/// A person.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    /// The extension.
    pub extension: String,
    /// The whole name.
    pub name: String,
    /// All but the last word of the name; empty where it has one word.
    pub first_name: String,
    /// The last word of the name.
    pub last_name: String,
}

/// A function key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// From 1.
    pub position: u16,
    /// `line`, `blf`, `speed` (also the dial codes: log in, log out, restart), `mailbox`.
    pub kind: &'static str,
    /// What it dials; empty for a line.
    pub number: String,
    /// What stands beside it.
    pub label: String,
}

/// An entry of the phone book.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Contact {
    /// The whole name.
    pub name: String,
    /// All but its last word.
    pub first_name: String,
    /// Its last word.
    pub last_name: String,
    /// The number.
    pub number: String,
}

/// A page of what was found in the phone book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Search {
    /// What was searched for; empty for everybody.
    pub text: String,
    /// The same, to stand in the query of a URL.
    pub encoded: String,
    /// How many entries were found.
    pub total: usize,
    /// The number of this page, from 1.
    pub page: usize,
    /// How many pages there are, at least 1.
    pub pages: usize,
    /// The number of the next page, where there is one.
    pub next: Option<usize>,
    /// The number of the page before, where there is one.
    pub previous: Option<usize>,
}

/// Where the phone fetches. None ends in `/`.
#[derive(Debug, Clone, Serialize)]
pub struct Urls {
    /// The phone's own: `http://prov.example.net:8085/p/<key>`.
    pub keyed: String,
    /// The documents' URL for everybody: `http://prov.example.net:8085/provision`.
    pub open: String,
    /// Scheme of `keyed`: `http` or `https`.
    pub scheme: String,
    /// `keyed` without its scheme and `://`, for phones that want them apart.
    pub keyed_rest: String,
}

/// A name and a password.
#[derive(Clone, Serialize)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Firmware to fetch.
#[derive(Debug, Clone, Serialize)]
pub struct Firmware {
    /// Its URL.
    pub url: String,
    /// Its version.
    pub version: String,
}

/// A time zone, as far as phones understand one.
#[derive(Debug, Clone, Serialize)]
pub struct TimeZone {
    /// The IANA name (`Europe/Vienna`).
    pub name: String,
    /// Seconds east of Greenwich in winter (standard time).
    pub offset: i32,
    /// Daylight saving time, where the zone has it.
    pub summer: Option<Summer>,
}

/// When daylight saving time begins and ends, and by how much.
#[derive(Debug, Clone, Serialize)]
pub struct Summer {
    /// Seconds that are added.
    pub saving: i32,
    /// When it begins.
    pub start: Transition,
    /// When it ends.
    pub stop: Transition,
}

/// The n-th weekday of a month.
#[derive(Debug, Clone, Serialize)]
pub struct Transition {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 4, or 5 for the last one.
    pub week: u8,
    /// 1 (Sunday) to 7 (Saturday).
    pub weekday: u8,
    /// The hour, local time before the change.
    pub hour: u8,
}
