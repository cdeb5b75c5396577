//! What FreeSWITCH is told: a question of mod_xml_curl in, XML out, from memory alone.
//!
//! Who we know is answered with the entry; whom we know and refuse, with an entry that denies; what
//! was ours once, with the domain and nobody in it, so that FreeSWITCH does not find a namesake in its
//! own files; and what was never ours as *not found*, which leaves it to these files.

mod asked;
mod queues;
mod request;
mod settings;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

pub use asked::RegisterQuestions;
pub use request::Question;
pub use settings::{DirectorySettings, DomainParams, DomainVariables};

use crate::model::{
    CallCenterRules, DirectoryEntry, DirectoryRules, Domain, Extension, GroupName, Mac,
    SipIdentity, escape_xml,
};
use crate::store::{Memory, Store};

/// The answer that leaves a question to FreeSWITCH's own files. Always sent with status 200: any other
/// is logged as an error.
pub const NOT_FOUND: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<document type=\"freeswitch/xml\"><section name=\"result\"><result status=\"not found\"/></section></document>\n";

/// Answers FreeSWITCH's questions. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
    queues: Option<Arc<CallCenterRules>>,
}

struct Inner {
    store: Store,
    rules: DirectoryRules,
    aliases: Vec<Domain>,
    /// Params and variables of the domain, as XML.
    common: String,
    /// Which phones FreeSWITCH asked about because they want to register.
    asked: RegisterQuestions,
}

impl Directory {
    /// A directory over `store`. `aliases` are further names of the same domain.
    pub fn new(
        store: Store,
        rules: DirectoryRules,
        aliases: Vec<Domain>,
        settings: &DirectorySettings,
    ) -> Self {
        let common = common(settings);
        let asked = RegisterQuestions::new(jiff::Timestamp::now());
        Self { inner: Arc::new(Inner { store, rules, aliases, common, asked }), queues: None }
    }

    /// Which phones FreeSWITCH asked about because they want to register.
    pub fn asked(&self) -> RegisterQuestions {
        self.inner.asked.clone()
    }

    /// The same, which also answers for the queues of the teams.
    pub fn with_queues(self, rules: CallCenterRules) -> Self {
        Self { queues: Some(Arc::new(rules)), ..self }
    }

    /// The document that answers a posted body.
    pub fn answer(&self, body: &[u8]) -> String {
        let begun = Instant::now();
        let question = Question::parse(body);
        let kind = question.kind();
        let answer = self.answer_to(question);
        self.inner.store.metrics().directory(kind, begun.elapsed());
        answer
    }

    fn answer_to(&self, question: Question) -> String {
        match question {
            Question::Other => NOT_FOUND.into(),
            Question::Configuration { file, queue } => self.configuration(&file, queue.as_deref()),
            Question::Domain { domain: None } => {
                self.document(self.inner.rules.domain.as_str(), "")
            }
            Question::Domain { domain: Some(domain) } if self.is_ours(&domain) => {
                self.document(&domain, "")
            }
            Question::User { domain, id, group, registers } if self.is_ours(&domain) => {
                self.user(&domain, &id, group.as_deref(), registers)
            }
            Question::Group { domain, name } if self.is_ours(&domain) => self.group(&domain, &name),
            Question::Domain { .. } | Question::User { .. } | Question::Group { .. } => {
                NOT_FOUND.into()
            }
        }
    }

    fn is_ours(&self, domain: &str) -> bool {
        let inner = &self.inner;
        std::iter::once(&inner.rules.domain)
            .chain(&inner.aliases)
            .any(|ours| ours.as_str().eq_ignore_ascii_case(domain))
    }

    fn user(&self, domain: &str, id: &str, group: Option<&str>, registers: bool) -> String {
        match self.find(id) {
            Found::Entry(entry) => {
                if let Ok(identity) = id.parse::<SipIdentity>()
                    && registers
                {
                    self.inner.asked.note(identity.phone, jiff::Timestamp::now());
                }
                let group = escape_xml(group.unwrap_or("hotdeskd"));
                let entry = entry.xml();
                let groups = format!(
                    "<groups><group name=\"{group}\"><users>{entry}</users></group></groups>"
                );
                self.document(domain, &groups)
            }
            Found::Retired => self.document(domain, ""),
            Found::Stranger => NOT_FOUND.into(),
        }
    }

    fn find(&self, id: &str) -> Found {
        let memory = self.inner.store.memory();
        if let Ok(SipIdentity { phone, handset: Some(number) }) = id.parse() {
            return self.handset(&memory, phone, number, id);
        }
        if let Ok(mac) = id.parse::<Mac>() {
            return match phone(&memory, &self.inner.rules, mac) {
                Some(entry) if entry.id() == id => Found::Entry(entry),
                // Spelled otherwise it is no phone that we made, but nobody else's either.
                Some(_) => Found::Retired,
                None if memory.is_retired(&mac.to_string()) => Found::Retired,
                None => Found::Stranger,
            };
        }
        let Ok(extension) = id.parse::<Extension>() else { return Found::Stranger };
        let rules = &self.inner.rules;
        if let Some(user) = memory.user(&extension) {
            return Found::Entry(DirectoryEntry::user(
                rules,
                user,
                memory.seats(&extension),
                memory.handsets(&extension),
            ));
        }
        if let Some(phone) = memory.desk_extension(&extension).and_then(|mac| memory.phone(mac)) {
            return Found::Entry(DirectoryEntry::desk_extension(rules, &extension, phone));
        }
        if memory.is_retired(id) { Found::Retired } else { Found::Stranger }
    }

    /// A handset as it is spelled in `id`. Everything with the MAC address of a phone that is or was ours is ours: also
    /// a handset that was taken away, or never was.
    fn handset(&self, memory: &Memory, base: Mac, number: u16, id: &str) -> Found {
        let Some(base) = memory.phone(base) else {
            let is_retired = memory.is_retired(&base.to_string());
            return if is_retired { Found::Retired } else { Found::Stranger };
        };
        let Some(handset) = base.handset(number) else { return Found::Retired };
        let user = handset.user.as_ref().and_then(|user| memory.user(user));
        let secret = self.inner.store.handset_secret(base, number);
        let (rules, user) = (&self.inner.rules, user.map(Arc::as_ref));
        let entry = DirectoryEntry::handset(rules, base, number, &secret, user);
        if entry.id() == id { Found::Entry(entry) } else { Found::Retired }
    }

    /// A group of pointers: FreeSWITCH asks for each user in turn.
    fn group(&self, domain: &str, name: &str) -> String {
        let Ok(group) = GroupName::try_from(name.to_owned()) else { return NOT_FOUND.into() };
        let memory = self.inner.store.memory();
        let Some(members) = memory.group(&group) else { return NOT_FOUND.into() };
        let users = members.iter().fold(String::new(), |mut xml, user| {
            let _ = write!(xml, "<user id=\"{user}\" type=\"pointer\"/>");
            xml
        });
        let groups = format!(
            "<groups><group name=\"{}\"><users>{users}</users></group></groups>",
            group.as_str()
        );
        drop(memory);
        self.document(domain, &groups)
    }

    fn document(&self, domain: &str, groups: &str) -> String {
        let name = escape_xml(&domain.to_ascii_lowercase());
        let common = &self.inner.common;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<document type=\"freeswitch/xml\"><section name=\"directory\"><domain name=\"{name}\">{common}{groups}</domain></section></document>\n"
        )
    }
}

/// The entry of a phone, as the store is now.
fn phone(memory: &Memory, rules: &DirectoryRules, mac: Mac) -> Option<DirectoryEntry> {
    let phone = memory.phone(mac)?;
    let user = memory.session(mac).and_then(|session| memory.user(&session.user));
    Some(DirectoryEntry::phone(rules, phone, user.map(Arc::as_ref)))
}

enum Found {
    Entry(DirectoryEntry),
    Retired,
    Stranger,
}

fn common(settings: &DirectorySettings) -> String {
    let list = |tag: &str, values: &mut dyn Iterator<Item = (&String, &String)>| {
        let items = values.fold(String::new(), |mut xml, (name, value)| {
            let _ = write!(
                xml,
                "<{tag} name=\"{}\" value=\"{}\"/>",
                escape_xml(name),
                escape_xml(value)
            );
            xml
        });
        if items.is_empty() { items } else { format!("<{tag}s>{items}</{tag}s>") }
    };
    list("param", &mut settings.params.iter()) + &list("variable", &mut settings.variables.iter())
}

#[cfg(test)]
mod tests;
