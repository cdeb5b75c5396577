//! From an entry to a person: which attribute is what, and what of it makes sense.

use std::collections::{BTreeSet, HashMap};

use secrecy::SecretString;

use super::connection::Entry;
use super::settings::{Attribute, LdapSettings, Pattern};
use crate::model::{
    AwayDestination, Extension, GroupName, Person, PersonKey, Pin, Skipped, Supplied, TeamId,
    Teams, UserRecord, Variables, is_reserved_param, is_reserved_variable,
};

/// How many values of an attribute are looked at.
const VALUES: usize = 100;
/// The most bytes that a variable's value has.
const LONGEST: usize = 1_000;
/// How many remarks are made about one entry.
const REMARKS: usize = 3;

/// Which attribute is what.
#[derive(Debug, Clone)]
pub(super) struct Mapping {
    key: String,
    extension: String,
    names: Vec<String>,
    teams: String,
    groups: Option<String>,
    hot_desk: Option<String>,
    away: Option<String>,
    pin: Option<String>,
    sip_secret: Option<String>,
    variables: Vec<(String, String)>,
    params: Vec<(String, String)>,
    pattern: Option<Pattern>,
    /// Teams by what the directory calls them, in lower case.
    pub(super) departments: HashMap<String, TeamId>,
    changed: &'static str,
}

/// What an entry is.
#[derive(Debug)]
pub(super) struct Mapped {
    /// The person.
    pub(super) person: Person,
    /// What of the entry makes no sense, though the rest does.
    pub(super) remarks: Vec<Skipped>,
}

/// An entry that is nobody.
#[derive(Debug)]
pub(super) struct Nobody {
    /// Who it would be, where that much is known.
    pub(super) key: Option<PersonKey>,
    /// Why.
    pub(super) skipped: Skipped,
}

impl Mapping {
    pub(super) fn new(ldap: &LdapSettings, teams: &Teams) -> Self {
        let named = &ldap.attributes;
        let (key, extension, department) = ldap.schema.attributes();
        let name = |attribute: &Attribute| attribute.as_str().to_owned();
        let or = |set: &Option<Attribute>, usual: &str| {
            set.as_ref().map_or_else(|| usual.to_owned(), name)
        };
        let names = named.name.as_ref().map(|names| names.iter().map(name).collect());
        let pairs = |of: &Variables| of.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let departments = teams.values().flat_map(|team| {
            let called = team.departments.iter().map(String::as_str).chain([team.id.as_str()]);
            called.map(|called| (called.trim().to_lowercase(), team.id.clone()))
        });
        Self {
            key: or(&named.key, key),
            extension: or(&named.extension, extension),
            names: names.unwrap_or_else(|| vec!["displayName".to_owned(), "cn".to_owned()]),
            teams: or(&named.teams, department),
            groups: named.groups.as_ref().map(name),
            hot_desk: named.hot_desk.as_ref().map(name),
            away: named.away.as_ref().map(name),
            pin: named.pin.as_ref().map(name),
            sip_secret: named.sip_secret.as_ref().map(name),
            variables: pairs(&ldap.variables),
            params: pairs(&ldap.params),
            pattern: ldap.extension_pattern.clone(),
            departments: departments.collect(),
            changed: ldap.schema.changed(),
        }
    }

    /// The attribute that says who somebody is.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The attributes that have to be asked for.
    pub(super) fn attributes(&self) -> Vec<String> {
        let one = [&self.key, &self.extension, &self.teams];
        let optional = [&self.groups, &self.hot_desk, &self.away, &self.pin, &self.sip_secret];
        let pairs = self.variables.iter().chain(&self.params).map(|(_, attribute)| attribute);
        let all = one.into_iter().chain(&self.names).chain(optional.into_iter().flatten());
        let all: BTreeSet<&str> =
            all.chain(pairs).map(String::as_str).chain([self.changed]).collect();
        all.into_iter().map(str::to_owned).collect()
    }

    /// When the entry changed last, in the server's own measure.
    pub(super) fn changed<'a>(&'a self, entry: &'a Entry) -> Option<&'a str> {
        entry.text(self.changed)
    }

    /// The key alone.
    pub(super) fn key_of(&self, entry: &Entry) -> Option<PersonKey> {
        entry.values(&self.key).next().and_then(PersonKey::of)
    }

    /// The person that an entry is.
    pub(super) fn read(&self, entry: &Entry) -> Result<Mapped, Nobody> {
        let key = self.key_of(entry);
        let nobody = |why: String| Nobody { key, skipped: Skipped { dn: entry.dn.clone(), why } };
        let Some(key) = key else {
            let why = format!("there is no {} that is an UUID", self.key);
            return Err(nobody(why));
        };
        let extension = self.extension(entry).map_err(nobody)?;
        let mut remarks = Remarks { dn: &entry.dn, made: Vec::new() };
        let name = self.name(entry).unwrap_or_else(|| extension.to_string());
        let record = UserRecord {
            name,
            hot_desk: self.hot_desk(entry, &mut remarks),
            away: self.away(entry, &mut remarks),
            groups: self.groups(entry, &mut remarks),
            teams: self.teams(entry, &mut remarks),
            params: pairs(entry, &self.params, is_reserved_param, &mut remarks),
            variables: pairs(entry, &self.variables, is_reserved_variable, &mut remarks),
            keys: Vec::new(),
            settings: Default::default(),
            extension,
        };
        let pin = self.pin(entry, &record.extension, &mut remarks);
        let sip_secret = self.sip_secret(entry, &mut remarks);
        let person = Person { key, dn: entry.dn.as_str().into(), record, pin, sip_secret };
        Ok(Mapped { person, remarks: remarks.made })
    }

    /// The first value that is a number of ours.
    fn extension(&self, entry: &Entry) -> Result<Extension, String> {
        let mut seen = None;
        for value in entry.values(&self.extension).take(VALUES) {
            let Ok(text) = std::str::from_utf8(value) else { continue };
            let number = number(text);
            let part = match &self.pattern {
                Some(pattern) => pattern.part(&number),
                None => Some(number.as_str()),
            };
            if let Some(extension) = part.and_then(|part| part.parse().ok()) {
                return Ok(extension);
            }
            seen.get_or_insert_with(|| shortened(text));
        }
        let attribute = &self.extension;
        Err(match (seen, &self.pattern) {
            (None, _) => format!("there is no {attribute}"),
            (Some(seen), None) => {
                format!("{attribute} `{seen}` is no extension of 2 to 11 digits")
            }
            (Some(seen), Some(_)) => {
                format!("{attribute} `{seen}` has no extension where `extension_pattern` says")
            }
        })
    }

    fn name(&self, entry: &Entry) -> Option<String> {
        let mut names = self.names.iter().filter_map(|name| entry.text(name));
        let name = names.find(|name| !name.trim().is_empty())?.trim();
        let mut end = name.len().min(UserRecord::MAX_NAME);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.get(..end).map(|name| name.trim_end().to_owned())
    }

    fn teams(&self, entry: &Entry, remarks: &mut Remarks<'_>) -> Vec<TeamId> {
        each(entry, &self.teams, remarks, |department| {
            self.team(department)
                .ok_or("is no team; give it a table [[team]] with this among its `departments`")
        })
    }

    fn groups(&self, entry: &Entry, remarks: &mut Remarks<'_>) -> Vec<GroupName> {
        let Some(attribute) = &self.groups else { return Vec::new() };
        each(entry, attribute, remarks, |group| {
            GroupName::try_from(group.trim().to_owned()).map_err(|_| "is no name of a call group")
        })
    }

    fn hot_desk(&self, entry: &Entry, remarks: &mut Remarks<'_>) -> bool {
        let Some(attribute) = &self.hot_desk else { return true };
        match entry.text(attribute).map(|text| text.trim().to_ascii_uppercase()).as_deref() {
            None | Some("TRUE") => true,
            Some("FALSE") => false,
            Some(_) => {
                remarks
                    .make(format!("{attribute} is neither TRUE nor FALSE, which counts as FALSE"));
                false
            }
        }
    }

    fn away(&self, entry: &Entry, remarks: &mut Remarks<'_>) -> AwayDestination {
        let text = self.away.as_ref().and_then(|away| Some((away, entry.text(away)?)));
        let Some((attribute, text)) = text else { return AwayDestination::default() };
        let found = if text.trim() == "voicemail" { "voicemail".to_owned() } else { number(text) };
        found.parse().unwrap_or_else(|_| {
            remarks.make(format!("{attribute} `{}` is no number to dial", shortened(text)));
            AwayDestination::default()
        })
    }

    fn pin(
        &self,
        entry: &Entry,
        extension: &Extension,
        remarks: &mut Remarks<'_>,
    ) -> Supplied<Pin> {
        let Some(attribute) = &self.pin else { return Supplied::NotAsked };
        let digits = entry.text(attribute).map(SecretString::from);
        let pin = digits.map(|digits| Pin::new(digits, extension)).transpose();
        Supplied::Is(pin.unwrap_or_else(|fault| {
            remarks.make(format!("{attribute} cannot be taken: {fault}"));
            None
        }))
    }

    fn sip_secret(&self, entry: &Entry, remarks: &mut Remarks<'_>) -> Supplied<SecretString> {
        let Some(attribute) = &self.sip_secret else { return Supplied::NotAsked };
        let secret = entry.text(attribute);
        let fits =
            |secret: &&str| (8..=100).contains(&secret.len()) && !secret.contains(char::is_control);
        if secret.is_some_and(|secret| !fits(&secret)) {
            remarks.make(format!("{attribute} is no secret of 8 to 100 bytes"));
        }
        Supplied::Is(secret.filter(fits).map(SecretString::from))
    }
}

/// What is said about one entry.
struct Remarks<'a> {
    dn: &'a str,
    made: Vec<Skipped>,
}

impl Remarks<'_> {
    fn make(&mut self, why: String) {
        if self.made.len() < REMARKS {
            self.made.push(Skipped { dn: self.dn.to_owned(), why });
        }
    }
}

/// The values of an attribute that mean something, each once.
fn each<T: PartialEq>(
    entry: &Entry,
    attribute: &str,
    remarks: &mut Remarks<'_>,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Vec<T> {
    let mut found = Vec::new();
    for (at, value) in entry.values(attribute).enumerate() {
        if at == VALUES {
            remarks.make(format!(
                "{attribute} has more than {VALUES} values; the rest is passed over"
            ));
            break;
        }
        let text = String::from_utf8_lossy(value);
        match parse(&text) {
            Ok(value) if found.contains(&value) => {}
            Ok(value) => found.push(value),
            Err(why) => remarks.make(format!("{attribute} `{}` {why}", shortened(&text))),
        }
    }
    found
}

/// Variables or params by the attributes that have them.
fn pairs(
    entry: &Entry,
    wanted: &[(String, String)],
    is_reserved: impl Fn(&str) -> bool,
    remarks: &mut Remarks<'_>,
) -> Variables {
    let mut found = Variables::new();
    for (name, attribute) in wanted {
        let Some(value) = entry.text(attribute) else { continue };
        if value.len() > LONGEST || value.contains(char::is_control) {
            remarks.make(format!("{attribute} cannot be the value of `{name}`"));
        } else if !is_reserved(name) {
            found.insert(name.clone(), value.to_owned());
        }
    }
    found
}

/// A number as people write it, without what only makes it readable: `+43 (0)1 555-01` is `+43155501`.
fn number(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    // The zero that is dialled within the country only.
    let text = if text.starts_with('+') { text.replacen("(0)", "", 1) } else { text.to_owned() };
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '+' | '*' | '#')).take(64).collect()
}

/// The beginning of a text from outside, for a sentence about it.
pub(super) fn shortened(text: &str) -> String {
    let mut short: String =
        text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
