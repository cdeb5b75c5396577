//! What an import would change: each line compared with the phones that there are.

mod vendor;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::columns::Column;
use super::export::{Listed, clean};
use super::row::{PhoneRow, Wrong};
use crate::model::{Emergency, Extension, Mac, Phone, PhoneSettings, Tags};
use crate::provisioning::Provisioning;
use crate::provisioning::vendor::Vendors;

/// How long texts may be, in bytes.
const SHORT: usize = 40;
const LONG: usize = 200;

/// An import, thought through.
#[derive(Debug, Default)]
pub struct Plan {
    /// Phones to be added, without their secrets.
    pub new: Vec<Phone>,
    /// Phones that differ.
    pub changed: Vec<Changed>,
    /// What there is to be told, in the order of the lines.
    pub findings: Vec<Finding>,
    /// How many of each.
    pub counts: Counts,
}

/// A phone as it is, and as it is to be.
#[derive(Debug)]
pub struct Changed {
    /// Now.
    pub old: Arc<Phone>,
    /// After the import.
    pub new: Phone,
}

/// How many lines are what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Phones that are not in the inventory yet.
    pub new: usize,
    /// Phones that differ.
    pub changed: usize,
    /// Phones that are as they should be.
    pub unchanged: usize,
    /// Lines with something wrong.
    pub wrong: usize,
    /// Lines with something odd.
    pub warnings: usize,
    /// Phones of the inventory that are not listed; they stay as they are.
    pub not_listed: usize,
}

/// Something to be told of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Finding {
    /// A phone is new.
    New {
        /// The line.
        line: u64,
        /// Which.
        mac: Mac,
        /// The vendor.
        vendor: Option<String>,
        /// The model.
        model: Option<String>,
        /// What people call the place.
        label: Option<String>,
    },
    /// A phone changes.
    Changed {
        /// The line.
        line: u64,
        /// Which.
        mac: Mac,
        /// What.
        fields: Vec<FieldChange>,
    },
    /// A line cannot be taken.
    Wrong(Wrong),
    /// A line can be taken, and yet may be a mistake.
    Warning {
        /// The line.
        line: u64,
        /// Which phone.
        mac: Mac,
        /// What is odd.
        told: String,
    },
    /// A phone of the inventory is not listed.
    NotListed {
        /// Which.
        mac: Mac,
        /// What people call the place.
        label: Option<String>,
    },
}

/// A column of a phone that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The column.
    pub column: String,
    /// What stands there now.
    pub old: String,
    /// What is to stand there.
    pub new: String,
}

impl Provisioning {
    /// Compares an inventory with the phones that there are. Takes its time: not for a thread that others wait for.
    pub fn plan_import(&self, rows: Vec<PhoneRow>, now: Timestamp) -> Plan {
        let planner = Planner {
            provisioning: self,
            vendors: self.vendors(),
            of_oui: HashMap::new(),
            for_people: HashMap::new(),
            lines: HashMap::with_capacity(rows.len()),
            desk_extensions: HashMap::new(),
            plan: Plan::default(),
            now,
        };
        planner.all(rows)
    }
}

/// A plan in the making.
struct Planner<'p> {
    provisioning: &'p Provisioning,
    vendors: Arc<Vendors>,
    /// The vendor by the first three octets.
    of_oui: HashMap<[u8; 3], Option<String>>,
    /// Whether people can log in, by vendor and model.
    for_people: HashMap<(Option<String>, Option<String>), Option<bool>>,
    /// On which line each phone stands.
    lines: HashMap<Mac, u64>,
    /// Which listed phone is to have a desk extension that it does not have, and its line.
    desk_extensions: HashMap<Extension, (Mac, u64)>,
    plan: Plan,
    now: Timestamp,
}

impl Planner<'_> {
    fn all(mut self, rows: Vec<PhoneRow>) -> Plan {
        for row in rows {
            let mut wrong = Vec::new();
            self.one(&row, &mut wrong);
            self.plan.counts.wrong += usize::from(!wrong.is_empty());
            self.plan.findings.extend(wrong.into_iter().map(Finding::Wrong));
        }
        self.desk_extensions_are_free();
        let memory = self.provisioning.store().memory();
        let listed = |phone: &&Arc<Phone>| self.lines.contains_key(&phone.mac);
        let missing = memory.phones().filter(|phone| !listed(phone));
        let mut missing: Vec<(Mac, Option<String>)> =
            missing.map(|phone| (phone.mac, phone.label.clone())).collect();
        drop(memory);
        missing.sort();
        let mut plan = self.plan;
        plan.counts.not_listed = missing.len();
        plan.findings
            .extend(missing.into_iter().map(|(mac, label)| Finding::NotListed { mac, label }));
        plan
    }

    /// A line: what it says, whether it can be, and what it changes.
    fn one(&mut self, row: &PhoneRow, wrong: &mut Vec<Wrong>) {
        let (line, mac) = (row.line, row.mac);
        if let Some(first) = self.lines.insert(mac, line) {
            self.lines.insert(mac, first);
            let why = format!("the phone stands in line {first} already; leave one of them out");
            wrong.push(Wrong::of(line, Column::Mac, &mac.to_string(), why));
            return;
        }
        let old = self.provisioning.store().memory().phone(mac).cloned();
        let mut phone = old.as_deref().cloned().unwrap_or_else(|| empty(mac, self.now));
        match self.vendor(row, old.as_deref()) {
            Ok(vendor) => phone.vendor = vendor,
            Err(why) => {
                let found = row.vendor.clone().flatten().unwrap_or_default();
                wrong.push(Wrong::of(line, Column::Vendor, &found, why));
            }
        }
        apply(row, &mut phone, wrong);
        self.people(row, &mut phone, wrong);
        if !wrong.is_empty() {
            return;
        }
        let Some(old) = old else {
            self.claims(&phone, None, line);
            let Phone { vendor, model, label, .. } = phone.clone();
            self.plan.findings.push(Finding::New { line, mac, vendor, model, label });
            self.plan.counts.new += 1;
            self.plan.new.push(phone);
            return;
        };
        let fields = differences(&old, &phone);
        if fields.is_empty() {
            self.plan.counts.unchanged += 1;
            return;
        }
        self.claims(&phone, Some(&old), line);
        self.plan.findings.push(Finding::Changed { line, mac, fields });
        self.plan.counts.changed += 1;
        self.plan.changed.push(Changed { old, new: phone });
    }

    /// The owner must be somebody, and nobody sits at a DECT base.
    fn people(&mut self, row: &PhoneRow, phone: &mut Phone, wrong: &mut Vec<Wrong>) {
        let line = row.line;
        let is_for_people = self.is_for_people(phone);
        let has_handsets = !phone.handsets.is_empty();
        if is_for_people == Some(true) && has_handsets {
            let found = phone.model.clone().unwrap_or_default();
            let why =
                "the phone has handsets, and a phone of this model has none; only a DECT base has";
            wrong.push(Wrong::of(line, Column::Model, &found, why));
        }
        let is_base = is_for_people == Some(false) || has_handsets;
        phone.hot_desk &= !is_base;
        let Some(owner) = phone.owner.clone() else { return };
        if is_base {
            let why = "nobody sits at a DECT base: whose each handset is stands with the handset \
                       (`hotdeskd phones add --handset`)";
            wrong.push(Wrong::of(line, Column::Owner, owner.as_str(), why));
        } else if self.provisioning.store().memory().user(&owner).is_none() {
            let why =
                "there is no user with this extension; `hotdeskd users list` shows those that are";
            wrong.push(Wrong::of(line, Column::Owner, owner.as_str(), why));
        }
    }

    fn is_for_people(&mut self, phone: &Phone) -> Option<bool> {
        // What is not known of a phone from its line may be known from what it said itself.
        let (Some(_), Some(_)) = (&phone.vendor, &phone.model) else {
            return self.provisioning.is_for_people(phone);
        };
        let kind = (phone.vendor.clone(), phone.model.clone());
        let provisioning = self.provisioning;
        *self.for_people.entry(kind).or_insert_with(|| provisioning.is_for_people(phone))
    }

    /// Notes which desk extension the phone is to have that it does not have.
    fn claims(&mut self, phone: &Phone, old: Option<&Phone>, line: u64) {
        let Some(extension) = &phone.desk_extension else { return };
        if old.is_some_and(|old| old.desk_extension.as_ref() == Some(extension)) {
            return;
        }
        let other = self.desk_extensions.insert(extension.clone(), (phone.mac, line));
        if let Some((_, first)) = other {
            let why = format!("line {first} has this extension already");
            self.refused(line, extension, why);
        }
    }

    /// Every desk extension must be nobody's and no other phone's, unless that one gives it up.
    fn desk_extensions_are_free(&mut self) {
        let given_up: HashMap<Mac, Option<Extension>> = self
            .plan
            .changed
            .iter()
            .map(|changed| (changed.old.mac, changed.new.desk_extension.clone()))
            .collect();
        let claims = std::mem::take(&mut self.desk_extensions);
        let mut claims: Vec<(Extension, (Mac, u64))> = claims.into_iter().collect();
        claims.sort_by_key(|(_, (_, line))| *line);
        for (extension, (mac, line)) in claims {
            let memory = self.provisioning.store().memory();
            let is_users = memory.user(&extension).is_some();
            let other = memory.desk_extension(&extension).filter(|other| *other != mac);
            drop(memory);
            let keeps = |other: &Mac| {
                given_up.get(other).is_none_or(|new| new.as_ref() == Some(&extension))
            };
            if is_users {
                self.refused(line, &extension, "a user has this extension".to_owned());
            } else if let Some(other) = other.filter(keeps) {
                self.refused(line, &extension, format!("phone {other} has this extension"));
            }
        }
    }

    fn refused(&mut self, line: u64, extension: &Extension, why: String) {
        let wrong = Wrong::of(line, Column::DeskExtension, extension.as_str(), why);
        self.plan.findings.push(Finding::Wrong(wrong));
        self.plan.counts.wrong += 1;
    }
}

/// A phone of which nothing is known.
fn empty(mac: Mac, now: Timestamp) -> Phone {
    Phone {
        mac,
        secret: SecretString::default(),
        vendor: None,
        model: None,
        label: None,
        desk_extension: None,
        owner: None,
        hot_desk: true,
        emergency: Emergency::default(),
        settings: PhoneSettings::new(),
        handsets: Vec::new(),
        tags: Tags::new(),
        logout: None,
        added: now,
    }
}

/// Puts what a line says into the phone.
fn apply(row: &PhoneRow, phone: &mut Phone, wrong: &mut Vec<Wrong>) {
    for (column, said, has, most) in [
        (Column::Model, &row.model, &mut phone.model, SHORT),
        (Column::Label, &row.label, &mut phone.label, LONG),
        (Column::Location, &row.location, &mut phone.emergency.location, LONG),
    ] {
        let Some(said) = said else { continue };
        let said = said.as_deref().map(clean).filter(|text| !text.is_empty());
        if let Some(text) = said.as_deref().filter(|text| text.len() > most) {
            let why = format!("expected a text of at most {most} bytes");
            wrong.push(Wrong::of(row.line, column, text, why));
        } else if said != has.as_deref().map(clean) {
            *has = said;
        }
    }
    let emergency = &mut phone.emergency;
    set(&mut emergency.caller_id, &row.emergency_caller_id);
    set(&mut phone.owner, &row.owner);
    set(&mut phone.desk_extension, &row.desk_extension);
    set(&mut phone.logout, &row.logout);
    if let Some(said) = row.hot_desk {
        phone.hot_desk = said.unwrap_or(true);
    }
    if let Some(tags) = &row.tags {
        phone.tags.clone_from(tags);
    }
}

fn set<T: Clone>(has: &mut Option<T>, said: &Option<Option<T>>) {
    if let Some(said) = said {
        has.clone_from(said);
    }
}

/// The columns in which two states of a phone differ.
fn differences(old: &Phone, new: &Phone) -> Vec<FieldChange> {
    let (old, new) = (Listed::from(old), Listed::from(new));
    let columns = Column::ALL.into_iter().map(|column| FieldChange {
        column: column.as_str().to_owned(),
        old: old.cell(column),
        new: new.cell(column),
    });
    columns.filter(|change| change.old != change.new).collect()
}
