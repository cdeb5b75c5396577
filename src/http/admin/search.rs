//! Phones and people found by what an operator types, a page at a time, with all that a list of them shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Outside;
use super::phones::SeatedView;
use super::ways::StagesView;
use crate::desk::Desk;
use crate::http::problem::Problem;
use crate::model::{Extension, Mac, Phone, Stage, TeamId, User, UserSource, WantedKind};
use crate::provisioning::{Provisioning, WayView};
use crate::store::Memory;

/// The most rows in one answer.
const MOST: usize = 1_000;
/// How much of what was typed is looked for, in characters.
const LONGEST: usize = 100;
/// From how many of its digits on a MAC address is found by a part.
const LEAST_OF_MAC: usize = 4;
/// How many words of it: each is looked for in every row.
const MOST_WORDS: usize = 8;

/// Which phones are looked for, and which of those found are answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PhoneSearch {
    /// Words that all stand somewhere: label, MAC address, vendor, model, location, tags, or who sits there.
    pub q: String,
    /// Those that are so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Those that do not go on.
    pub stuck: bool,
    /// Those that register from elsewhere than their location's networks.
    pub moved: bool,
    /// Those that do not show yet who sits there.
    pub waiting: bool,
    /// Those at which somebody sits.
    pub occupied: bool,
    /// How many of them are left out at the beginning.
    pub offset: usize,
    /// How many are answered; 0 means 100, and more than 1,000 is refused.
    pub limit: usize,
}

/// The phones that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhonesFound {
    /// How many there are.
    pub total: usize,
    /// How many there are in which the words stand, however far they are.
    pub with_words: usize,
    /// Those with the words, by stage.
    pub stages: StagesView,
    /// How many of those with the words do not show yet who sits there.
    pub waiting: usize,
    /// The rows that were asked for, in the order of their labels.
    pub phones: Vec<PhoneRow>,
}

/// A phone as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneRow {
    /// Its MAC address.
    pub mac: Mac,
    /// What people call the place.
    pub label: Option<String>,
    /// The vendor, where known.
    pub vendor: Option<String>,
    /// The model, where known.
    pub model: Option<String>,
    /// Its emergency location.
    pub location: Option<String>,
    /// How far it is.
    pub stage: Stage,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why it does not go on, in words, where it should have by now.
    pub stuck: Option<String>,
    /// Whether it registers from elsewhere than its location's networks.
    pub moved: bool,
    /// Since when a change waits to be shown.
    pub waiting: Option<Timestamp>,
    /// Who sits there.
    pub session: Option<SeatedView>,
}

/// Which people are looked for, and which of those found are answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserSearch {
    /// Words that all stand somewhere: name, extension, teams, or where the user sits.
    pub q: String,
    /// Those that sit somewhere.
    pub seated: bool,
    /// How many of them are left out at the beginning.
    pub offset: usize,
    /// How many are answered; 0 means 100, and more than 1,000 is refused.
    pub limit: usize,
}

/// The people who were found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersFound {
    /// How many there are.
    pub total: usize,
    /// The rows that were asked for, in the order of their names.
    pub users: Vec<UserRow>,
}

/// A person as a list shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// The extension.
    pub extension: Extension,
    /// The name.
    pub name: String,
    /// Teams.
    pub teams: Vec<TeamId>,
    /// Whether the user may log in at desk phones.
    pub hot_desk: bool,
    /// Where the user comes from.
    pub source: UserSource,
    /// Whether we know a PIN of the user.
    pub has_pin: bool,
    /// Where the user sits, longest first, with what people call the place.
    pub phones: Vec<(Mac, Option<String>)>,
}

/// What was typed, ready to be looked for.
struct Words(Vec<String>);

impl Words {
    /// Of a text, as much of it as is looked for.
    fn of(text: &str) -> Self {
        let text: String = text.chars().take(LONGEST).collect::<String>().to_lowercase();
        let words = text.split_whitespace().take(MOST_WORDS);
        Self(
            words
                .map(|word| plain_mac(word).unwrap_or_else(|| word.to_owned()))
                .collect::<Vec<_>>(),
        )
    }

    /// Whether each of them stands in one of the texts, or in the MAC address, there only if it is long enough to be
    /// meant: 13 stands in every Snom's, and whoever looks for "desk 13" means none of these.
    fn stand_in(&self, texts: &[&str], mac: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        self.0.iter().all(|word| {
            let in_mac = word.len() >= LEAST_OF_MAC && mac.contains(word.as_str());
            in_mac || texts.iter().any(|text| text.contains(word.as_str()))
        })
    }
}

/// `00:04:13:2a` as `0004132a`: people copy MAC addresses, or the beginning of one, from anywhere.
fn plain_mac(word: &str) -> Option<String> {
    let separated = word.contains([':', '-']) && word.len() >= 5;
    let pairs = || word.split([':', '-']);
    let is_mac = separated
        && pairs().all(|pair| pair.len() <= 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()));
    is_mac.then(|| pairs().collect())
}

/// How many rows are answered.
fn limit(asked: usize) -> Result<usize, Problem> {
    match asked {
        0 => Ok(100),
        1..=MOST => Ok(asked),
        _ => Err(Problem::value(format!("`limit` in the request: expected 1 to {MOST}"))),
    }
}

/// What an address says, or why it cannot be taken.
fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    let Query(query) = query.map_err(|refused| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the request: {}", refused.body_text()))
    })?;
    Ok(query)
}

pub(super) async fn phones(
    State(provisioning): State<Provisioning>,
    State(outside): State<Outside>,
    asked: Result<Query<PhoneSearch>, QueryRejection>,
) -> Result<Json<PhonesFound>, Problem> {
    let search = query(asked)?;
    let most = limit(search.limit)?;
    // Ten thousand take a tenth of a second, and nobody else is to wait for that.
    let looked = move || find_phones(&provisioning, &outside, &search, most);
    Ok(Json(tokio::task::spawn_blocking(looked).await.unwrap_or_default()))
}

/// Looks at every phone once. The store is let go again and again: FreeSWITCH is answered from it meanwhile.
fn find_phones(
    provisioning: &Provisioning,
    outside: &Outside,
    search: &PhoneSearch,
    most: usize,
) -> PhonesFound {
    /// How many phones are looked at while the store's memory is held.
    const CHUNK: usize = 512;
    let (words, now, store) = (Words::of(&search.q), Timestamp::now(), provisioning.desk().store());
    let mut all: Vec<Mac> = store.memory().phones().map(|phone| phone.mac).collect();
    all.sort_unstable();
    let mut found = PhonesFound::default();
    found.stages.stages.extend(Stage::ALL.map(|stage| (stage, 0)));
    let mut rows = Vec::new();
    for macs in all.chunks(CHUNK) {
        let memory = store.memory();
        for phone in macs.iter().filter_map(|mac| memory.phone(*mac)) {
            if !is_named(&memory, phone, &words) {
                continue;
            }
            let way = provisioning.way_view(&memory, phone, outside.beside(phone.mac), now);
            let row = row(&memory, phone, way);
            found.with_words += 1;
            *found.stages.stages.entry(row.stage).or_default() += 1;
            found.stages.stuck += usize::from(row.stuck.is_some());
            found.stages.moved += usize::from(row.moved);
            found.waiting += usize::from(row.waiting.is_some());
            if passes(search, &row) {
                rows.push(row);
            }
        }
    }
    found.total = rows.len();
    rows.sort_by_cached_key(|row| {
        (row.label.is_none(), row.label.as_deref().map(natural), row.mac)
    });
    found.phones = rows.into_iter().skip(search.offset).take(most).collect();
    found
}

/// Whether a phone is one of those that are asked for.
fn passes(search: &PhoneSearch, row: &PhoneRow) -> bool {
    search.stage.is_none_or(|stage| row.stage == stage)
        && (!search.stuck || row.stuck.is_some())
        && (!search.moved || row.moved)
        && (!search.waiting || row.waiting.is_some())
        && (!search.occupied || row.session.is_some())
}

/// A text in the order that people expect: `Desk 2` before `Desk 10`. Numbers are told by their length first.
fn natural(text: &str) -> Vec<(usize, String)> {
    let mut parts: Vec<(usize, String)> = Vec::new();
    let mut in_number = false;
    for c in text.to_lowercase().chars() {
        let is_digit = c.is_ascii_digit();
        match parts.last_mut() {
            Some((length, part)) if is_digit == in_number => {
                *length += usize::from(is_digit);
                part.push(c);
            }
            _ => parts.push((usize::from(is_digit), c.to_string())),
        }
        in_number = is_digit;
    }
    parts
}

/// Whether the words stand with a phone.
fn is_named(memory: &Memory, phone: &Phone, words: &Words) -> bool {
    let mac = phone.mac.to_string();
    let session = memory.session(phone.mac);
    let user = session.and_then(|session| memory.user(&session.user));
    let desk = phone.desk_extension.as_ref().map(ToString::to_string);
    let optional = [&phone.label, &phone.vendor, &phone.model, &phone.emergency.location, &desk];
    let mut texts: Vec<&str> = optional.into_iter().flatten().map(String::as_str).collect();
    texts.extend(user.map(|user| user.name.as_str()));
    texts.extend(session.map(|session| session.user.as_str()));
    texts.extend(phone.tags.iter().map(|tag| tag.as_str()));
    words.stand_in(&texts, &mac)
}

/// A phone as a list shows it.
fn row(memory: &Memory, phone: &Phone, way: WayView) -> PhoneRow {
    let since = way.steps.iter().find(|step| step.stage == way.stage).and_then(|step| step.at);
    let waiting = memory.wanted_of(WantedKind::Resync, &phone.mac.to_string());
    PhoneRow {
        mac: phone.mac,
        moved: way.moved().is_some(),
        label: way.label,
        vendor: way.vendor,
        model: way.model,
        location: way.location,
        stage: way.stage,
        since,
        stuck: way.stuck.map(|stuck| stuck.why),
        waiting: waiting.map(|wanted| wanted.since),
        session: seated(memory, phone.mac),
    }
}

/// Who sits at a phone.
pub(super) fn seated(memory: &Memory, phone: Mac) -> Option<SeatedView> {
    memory.session(phone).map(|session| SeatedView {
        user: session.user.clone(),
        name: memory.user(&session.user).map(|user| user.name.clone()).unwrap_or_default(),
        since: session.since,
        origin: session.origin,
    })
}

pub(super) async fn users(
    State(desk): State<Desk>,
    asked: Result<Query<UserSearch>, QueryRejection>,
) -> Result<Json<UsersFound>, Problem> {
    let search = query(asked)?;
    let most = limit(search.limit)?;
    let looked = move || find_users(&desk, &search, most);
    Ok(Json(tokio::task::spawn_blocking(looked).await.unwrap_or_default()))
}

/// Looks at every user once.
fn find_users(desk: &Desk, search: &UserSearch, most: usize) -> UsersFound {
    let words = Words::of(&search.q);
    let memory = desk.store().memory();
    let mut found: BTreeMap<(String, &Extension), &Arc<User>> = BTreeMap::new();
    for user in memory.users() {
        let seats = memory.seats(&user.extension);
        if search.seated && seats.is_empty() {
            continue;
        }
        let mut texts = vec![user.name.as_str(), user.extension.as_str()];
        texts.extend(user.teams.iter().map(|team| team.as_str()));
        let labels = seats.iter().filter_map(|mac| memory.phone(*mac)?.label.as_deref());
        texts.extend(labels);
        if words.stand_in(&texts, "") {
            found.insert((user.name.to_lowercase(), &user.extension), user);
        }
    }
    let total = found.len();
    let shown = found.into_values().skip(search.offset).take(most);
    let users = shown.map(|user| user_row(&memory, user)).collect();
    UsersFound { total, users }
}

/// A person as a list shows them.
fn user_row(memory: &Memory, user: &User) -> UserRow {
    let label = |mac: &Mac| memory.phone(*mac).and_then(|phone| phone.label.clone());
    UserRow {
        extension: user.extension.clone(),
        name: user.name.clone(),
        teams: user.teams.clone(),
        hot_desk: user.hot_desk,
        source: user.source,
        has_pin: user.pin.is_some() || user.pin_hash.is_some(),
        phones: memory.seats(&user.extension).iter().map(|mac| (*mac, label(mac))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_anywhere_and_macs_as_people_copy_them() {
        let (texts, mac) = (["Desk 12, Vienna", "Ada Lovelace"], "0004132a0001");
        for found in ["", "desk 12", "ADA vienna", "00:04:13:2A:00:01", "00-04-13", "132a"] {
            assert!(Words::of(found).stand_in(&texts, mac), "{found}");
        }
        for missing in ["desk 13", "ada graz", "00:04:14"] {
            assert!(!Words::of(missing).stand_in(&texts, mac), "{missing}");
        }
    }

    #[test]
    fn the_second_desk_stands_before_the_tenth() {
        let mut labels = vec!["Desk 10", "Desk 2", "desk 1", "Bar", "Desk 2b"];
        labels.sort_by_cached_key(|label| natural(label));
        assert_eq!(labels, ["Bar", "desk 1", "Desk 2", "Desk 2b", "Desk 10"]);
    }
}
