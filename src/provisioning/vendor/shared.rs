//! What is the same for many phones: phone books, the settings of the site, files that say nothing of the
//! phone. Rendered once, not for each phone.
//!
//! Such a template is rendered with nothing but what it may name, so that what is kept of one phone cannot
//! hold anything of its own, whatever the template does.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::render::Bounded;

/// How many parts are kept. People with settings of their own have parts of their own.
const MOST: usize = 48;

/// What a part may name: nothing that is a phone's or a person's own. Of `account` there is [`SITE`].
const MAY: [&str; 9] = [
    "account",
    "codes",
    "contacts",
    "emergency",
    "free_numbers",
    "model",
    "raw",
    "settings",
    "time",
];

/// What is the same in every phone's account.
const SITE: [&str; 5] = ["domain", "expires", "port", "registrar", "transport"];

/// The parts of one environment. Cheap to clone.
#[derive(Clone)]
pub(super) struct Shared {
    /// What of [`MAY`] stands in each template.
    names: Arc<HashMap<String, Vec<&'static str>>>,
    parts: Arc<Mutex<Vec<Part>>>,
}

/// A template that was rendered.
struct Part {
    template: String,
    /// All that it was given.
    from: BTreeMap<&'static str, Value>,
    text: Value,
}

impl Shared {
    /// For the templates of an environment.
    pub(super) fn new(environment: &Environment<'_>) -> Self {
        let names = environment.templates().map(|(template, compiled)| {
            let source = compiled.source();
            let mut named: Vec<&'static str> = Vec::new();
            // Whatever it includes may name anything.
            let all = ["include", "import", "extends"].iter().any(|word| source.contains(word));
            named.extend(MAY.iter().filter(|name| all || source.contains(**name)));
            let narrow = source.matches("settings").count();
            if !all && narrow == source.matches(CONTACTS_MAX).count() {
                named.iter_mut().filter(|name| **name == "settings").for_each(|name| {
                    *name = CONTACTS_MAX;
                });
            }
            (template.to_owned(), named)
        });
        Self { names: Arc::new(names.collect()), parts: Arc::default() }
    }

    /// The function `shared` of templates: another template, without the end of its last line. It is
    /// rendered once for all phones that have the same of what it names.
    pub(super) fn render(&self, state: &State<'_, '_>, name: &str) -> Result<Value, Error> {
        let Some(names) = self.names.get(name) else {
            return Err(Error::from(ErrorKind::TemplateNotFound));
        };
        let given = names.iter().filter_map(|name| Some((*name, value(state, name)?)));
        let from: BTreeMap<&'static str, Value> = given.collect();
        if let Some(text) = self.get(name, &from) {
            return Ok(text);
        }
        let named = |(name, value): (&&'static str, &Value)| (root(name), value.clone());
        let mut context: BTreeMap<&str, Value> = from.iter().map(named).collect();
        // In place of the function, so that parts cannot go on in each other for ever.
        context.insert("shared", Value::from("a shared part has no parts"));
        let mut out = Bounded::default();
        state.get_template(name)?.render_captured_to(Value::from(Serde(context)), &mut out)?;
        let mut text = out.into_text()?;
        text.truncate(text.trim_end_matches('\n').len());
        let text = Value::from_safe_string(text);
        self.keep(Part { template: name.to_owned(), from, text: text.clone() });
        Ok(text)
    }

    fn get(&self, name: &str, from: &BTreeMap<&'static str, Value>) -> Option<Value> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        // The contacts are one and the same object as long as the phone book does not change.
        let part = parts.iter().rev().find(|part| part.template == name && part.from == *from)?;
        Some(part.text.clone())
    }

    fn keep(&self, part: Part) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if parts.len() >= MOST {
            parts.remove(0);
        }
        parts.push(part);
    }
}

/// A phone book needs no other setting, and there is one for each length and not for each language.
const CONTACTS_MAX: &str = "settings.contacts_max";

fn root(name: &'static str) -> &'static str {
    if name == CONTACTS_MAX { "settings" } else { name }
}

/// What a part is given under a name.
fn value(state: &State<'_, '_>, name: &'static str) -> Option<Value> {
    let whole = state.lookup(root(name))?;
    let only = |attributes: &[&'static str]| {
        let attribute = |name: &&'static str| Some((*name, whole.get_attr(name).ok()?));
        let some = attributes.iter().filter_map(attribute).filter(|(_, v)| !v.is_undefined());
        Value::from(Serde(some.collect::<BTreeMap<_, _>>()))
    };
    match name {
        CONTACTS_MAX => Some(only(&["contacts_max"])),
        "account" => Some(only(&SITE)),
        _ => Some(whole),
    }
}

/// What a whole file is given that is the same for every phone that takes so many contacts.
pub(super) fn for_all(contacts: &Value, contacts_max: Option<Value>) -> Value {
    let settings: BTreeMap<&str, Value> =
        contacts_max.map(|most| ("contacts_max", most)).into_iter().collect();
    minijinja::context! { contacts => contacts.clone(), settings => Value::from(Serde(settings)) }
}

/// The templates that can be rendered with that alone.
pub(super) fn same_for_all(environment: &Environment<'_>) -> HashSet<String> {
    let one = |name: &str| {
        minijinja::context! {
            name => name, first_name => name, last_name => name, number => name
        }
    };
    let sample = for_all(&Value::from(vec![one("1"), one("2")]), Some(Value::from(2)));
    let all = environment.templates().filter(|(_, template)| {
        template.render_captured_to(sample.clone(), &mut Bounded::default()).is_ok()
    });
    all.map(|(name, _)| name.to_owned()).collect()
}
