//! What is the same for every phone: phone books, and files that say nothing of their own. Rendered once,
//! not for each phone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{Environment, Error, ErrorKind, State, Template, Value};

use super::render::Bounded;

/// How many parts are kept: one for each length of a phone book that the vendor's models have.
const MOST: usize = 16;

/// All that a template may name that is the same for every phone.
const SAME: [&str; 3] = ["contacts", "settings.contacts_max", "shared"];

/// The parts of one environment. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Shared {
    parts: Arc<Mutex<Vec<Part>>>,
}

/// A template that was rendered, and what from.
struct Part {
    template: String,
    contacts: Value,
    contacts_max: Value,
    text: Value,
}

impl Shared {
    /// The function `shared` of templates: another template, which sees `contacts` and
    /// `settings.contacts_max` and nothing else, without the end of its last line.
    pub(super) fn render(&self, state: &State<'_, '_>, name: &str) -> Result<Value, Error> {
        // A part has no phone, so that parts cannot go on in each other for ever.
        let (Some(contacts), Some(settings), Some(_)) =
            (state.lookup("contacts"), state.lookup("settings"), state.lookup("phone"))
        else {
            let problem = "a shared part cannot have parts of its own";
            return Err(Error::new(ErrorKind::InvalidOperation, problem));
        };
        let contacts_max = settings.get_attr("contacts_max")?;
        if let Some(text) = self.get(name, &contacts, &contacts_max) {
            return Ok(text);
        }
        let context = minijinja::context! {
            contacts => contacts.clone(),
            settings => minijinja::context! { contacts_max => contacts_max.clone() },
        };
        let mut out = Bounded::default();
        state.get_template(name)?.render_captured_to(context, &mut out)?;
        let mut text = out.into_text()?;
        text.truncate(text.trim_end_matches('\n').len());
        let text = Value::from_safe_string(text);
        let part = Part { template: name.to_owned(), contacts, contacts_max, text: text.clone() };
        self.keep(part);
        Ok(text)
    }

    fn get(&self, name: &str, contacts: &Value, contacts_max: &Value) -> Option<Value> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        // The contacts are one and the same object as long as the phone book does not change.
        let mut of_name = parts.iter().filter(|part| part.template == name);
        let part = of_name
            .find(|part| part.contacts_max == *contacts_max && part.contacts == *contacts)?;
        Some(part.text.clone())
    }

    fn keep(&self, part: Part) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |old: &Part| old.template == part.template && old.contacts_max == part.contacts_max;
        parts.retain(|old| !same(old));
        if parts.len() >= MOST {
            parts.remove(0);
        }
        parts.push(part);
    }
}

/// The templates whose whole file is the same for every phone that takes so many contacts.
pub(super) fn same_for_all(environment: &Environment<'_>) -> HashSet<String> {
    let all = environment.templates();
    all.filter(|(_, template)| is_same(template)).map(|(name, _)| name.to_owned()).collect()
}

fn is_same(template: &Template<'_, '_>) -> bool {
    // What other templates name is not looked at.
    let others = ["include", "import", "extends"];
    !others.iter().any(|other| template.source().contains(other))
        && template.undeclared_variables(true).iter().all(|name| SAME.contains(&name.as_str()))
}
