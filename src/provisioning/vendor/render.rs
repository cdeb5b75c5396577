//! Templates to files: minijinja, strict, bounded, escaped by the kind of file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};

use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value};
use minijinja::{Output, syntax::SyntaxConfig};
use serde::Serialize;

use super::escape::Kind;
use super::fault::TemplateFault;
use super::folder::{Folder, MANIFEST};
use super::manifest::{Manifest, Model};
use super::shared::{Shared, for_all, same_for_all};
use super::xml;
use crate::provisioning::context::Context;

/// The most bytes that a rendered file has: a phone book of 50,000 entries, and more than any phone
/// takes.
const MAX_RENDERED: usize = 8 << 20;

/// The most instructions that a template takes, so that no template holds up the daemon: some 30
/// for each of 100,000 contacts.
const FUEL: u64 = 3_000_000;

/// How many bytes most files have at the most besides the phone book.
const ROOM: usize = 16 << 10;

/// How deep templates may include each other and macros call each other.
const MAX_DEPTH: usize = 50;

/// How much of an error's own words is repeated, in characters.
const SHOWN: usize = 200;

/// A vendor's templates, compiled once for each kind of file that the vendor has.
#[derive(Debug)]
pub(super) struct Engine {
    vendor: String,
    environments: BTreeMap<Kind, Environment<'static>>,
    /// Which templates are the same for every phone.
    same: HashMap<Kind, HashSet<String>>,
    paths: BTreeMap<String, PathBuf>,
}

impl Engine {
    /// Compiles the templates of a folder.
    pub(super) fn new(
        vendor: &str,
        folder: &Folder,
        manifest: &Manifest,
    ) -> Result<Self, TemplateFault> {
        let paths = folder.iter().map(|(name, source)| (name.clone(), source.path.clone()));
        let mut engine = Self {
            vendor: vendor.to_owned(),
            environments: BTreeMap::new(),
            same: HashMap::new(),
            paths: paths.collect(),
        };
        let kinds: BTreeSet<Kind> = manifest.files.iter().map(|file| file.kind).collect();
        for kind in kinds {
            let mut environment = engine.environment(kind, folder, manifest)?;
            let shared = Shared::new(&environment);
            environment.add_function("shared", move |state: &State<'_, '_>, name: &str| {
                shared.render(state, name)
            });
            engine.same.insert(kind, same_for_all(&environment));
            engine.environments.insert(kind, environment);
        }
        Ok(engine)
    }

    fn environment(
        &self,
        kind: Kind,
        folder: &Folder,
        manifest: &Manifest,
    ) -> Result<Environment<'static>, TemplateFault> {
        let mut environment = Environment::new();
        let mut syntax = SyntaxConfig::builder();
        syntax.keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true);
        let syntax = syntax.build().map_err(|error| self.fault(MANIFEST, &error, &[]))?;
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(MAX_DEPTH);
        // So that an error knows which expression it is about. Its own report of the variables is
        // never printed: they hold secrets.
        environment.set_debug(true);
        // So that what a macro returns is not escaped a second time.
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("file".into()));
        let flags = manifest.flags.clone();
        environment.set_formatter(move |out, _, value| format(kind, &flags, out, value));
        let maps = manifest.maps.clone();
        environment.add_function("map", move |name: &str, key: &Value| map(&maps, name, key));
        environment.add_test("xml_name", |text: &str| xml::is_name(text));
        for (name, source) in folder {
            if name == MANIFEST || name.ends_with(".md") {
                continue;
            }
            environment
                .add_template_owned(name.clone(), source.text.clone())
                .map_err(|error| self.fault(name, &error, &[]))?;
        }
        Ok(environment)
    }

    /// Whether what a template says is the same for every phone that takes so many contacts.
    pub(super) fn is_same(&self, kind: Kind, template: &str) -> bool {
        self.same.get(&kind).is_some_and(|same| same.contains(template))
    }

    /// Whether any template asks whether the phone has yet to show who sits there.
    pub(super) fn names_handover(&self) -> bool {
        self.environments.values().any(|environment| {
            environment.templates().any(|(_, template)| template.source().contains("handover"))
        })
    }

    /// Renders one file.
    pub(super) fn render(
        &self,
        kind: Kind,
        template: &str,
        context: &Context,
        model: &Model,
    ) -> Result<String, TemplateFault> {
        let scope = Value::from(Serde(Scope { context, model: model.into() }));
        self.render_value(kind, template, scope, context)
    }

    /// Renders one file that is the same for all, with nothing of the phone at hand.
    pub(super) fn render_same(
        &self,
        kind: Kind,
        template: &str,
        context: &Context,
    ) -> Result<String, TemplateFault> {
        let contacts_max =
            context.settings.get("contacts_max").map(|most| Value::from(Serde(most)));
        self.render_value(kind, template, for_all(&context.contacts, contacts_max), context)
    }

    fn render_value(
        &self,
        kind: Kind,
        template: &str,
        value: Value,
        context: &Context,
    ) -> Result<String, TemplateFault> {
        let fault = |error: &Error| self.fault(template, error, &secrets(context));
        let Some(environment) = self.environments.get(&kind) else {
            return Err(fault(&Error::from(ErrorKind::TemplateNotFound)));
        };
        let compiled = environment.get_template(template).map_err(|error| fault(&error))?;
        let mut out = Bounded::default();
        compiled.render_captured_to(value, &mut out).map_err(|error| fault(&error))?;
        out.into_text().map_err(|error| fault(&error))
    }

    /// An error of the engine in our words: the innermost one that knows its line.
    fn fault(&self, template: &str, error: &Error, secrets: &[&str]) -> TemplateFault {
        let mut innermost = error;
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) =
                error.downcast_ref::<Error>().filter(|error| error.line().is_some())
            {
                innermost = error;
            }
            cause = error.source();
        }
        let name = innermost.name().unwrap_or(template);
        let about = innermost.range().and_then(|range| innermost.template_source()?.get(range));
        let mut problem = innermost.kind().to_string();
        if let Some(detail) = innermost.detail() {
            problem = format!("{problem}: {detail}");
        }
        // The engine's idea of an expression can begin or end with a mark, or go on in the next line.
        let about = about.map(|about| about.trim_matches(['{', '}', '%', ' ', '-', '\n']));
        if let Some(about) = about.and_then(|about| about.lines().next()) {
            problem = format!("`{about}`: {problem}");
        }
        for secret in secrets {
            problem = problem.replace(secret, "…");
        }
        let advice = match innermost.kind() {
            ErrorKind::UndefinedError => {
                "Correct the name, give the setting a value in [settings] of the manifest, or ask for \
                 it by `is defined`."
            }
            ErrorKind::TemplateNotFound => "Correct the name, or add the template.",
            ErrorKind::OutOfFuel | ErrorKind::WriteFailure => {
                "Make the file shorter; phones take no more than some thousand lines."
            }
            _ => "Correct the template.",
        };
        TemplateFault {
            vendor: self.vendor.clone(),
            file: self.path(name),
            line: innermost.line(),
            problem: problem.chars().take(SHOWN).collect(),
            advice: advice.to_owned(),
        }
    }

    /// Where a file of the folder came from.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.paths.get(name).cloned().unwrap_or_else(|| Path::new(&self.vendor).join(name))
    }
}

/// What a template can name: the context, and what the manifest says of the model.
#[derive(Serialize)]
struct Scope<'a> {
    #[serde(flatten)]
    context: &'a Context,
    model: ModelScope<'a>,
}

/// The model in a template.
#[derive(Serialize)]
struct ModelScope<'a> {
    /// What the manifest calls it.
    title: &'a str,
    /// How many function keys it has.
    keys: u16,
}

impl<'a> From<&'a Model> for ModelScope<'a> {
    fn from(model: &'a Model) -> Self {
        Self { title: &model.title, keys: model.keys }
    }
}

/// Writes a value: a text escaped, a yes or a no in the vendor's word, and nothing that is no value.
fn format(
    kind: Kind,
    flags: &[String; 2],
    out: &mut Output<'_>,
    value: &Value,
) -> Result<(), Error> {
    let failed = |_| Error::from(ErrorKind::WriteFailure);
    if value.is_safe() {
        return write!(out, "{value}").map_err(failed);
    }
    match value.kind() {
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Bool => {
            let [yes, no] = flags;
            kind.escape(if value.is_true() { yes } else { no }, out).map_err(failed)
        }
        ValueKind::Number => write!(out, "{value}").map_err(failed),
        ValueKind::String => kind.escape(value.as_str().unwrap_or_default(), out).map_err(failed),
        other => {
            let problem = format!("found {other}, where a text or a number belongs");
            Err(Error::new(ErrorKind::InvalidOperation, problem))
        }
    }
}

/// The vendor's word for one of our values; `none` where the table has none. `de-AT` is looked for
/// as `de-AT`, then as `de`.
fn map(
    maps: &BTreeMap<String, BTreeMap<String, String>>,
    name: &str,
    key: &Value,
) -> Result<Value, Error> {
    let Some(table) = maps.get(name) else {
        let problem = format!("the manifest has no table [maps.{name}]");
        return Err(Error::new(ErrorKind::InvalidOperation, problem));
    };
    let key = key.to_string();
    let mut key = key.as_str();
    loop {
        let found = table.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        if let Some((_, word)) = found {
            return Ok(Value::from(word.as_str()));
        }
        match key.rsplit_once(['-', '_']) {
            Some((above, _)) => key = above,
            None => return Ok(Value::from(())),
        }
    }
}

/// What an error must not repeat.
fn secrets(context: &Context) -> Vec<&str> {
    let keyed = [&context.urls.keyed, &context.urls.keyed_rest];
    let keys = keyed.into_iter().filter_map(|url| url.rsplit('/').next());
    let passwords = [&context.account.password, &context.http.password, &context.web.password];
    let handsets = context.handsets.iter().map(|handset| &handset.password);
    let secrets = passwords.into_iter().chain(handsets).map(String::as_str).chain(keys);
    secrets.filter(|secret| !secret.is_empty()).collect()
}

/// A writer that takes no more than it should.
#[derive(Default)]
pub(super) struct Bounded(Vec<u8>);

impl Bounded {
    /// What was written, in as much memory as it takes.
    pub(super) fn into_text(self) -> Result<String, Error> {
        let mut text =
            String::from_utf8(self.0).map_err(|_| Error::from(ErrorKind::WriteFailure))?;
        text.shrink_to_fit();
        Ok(text)
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_RENDERED {
            return Err(io::Error::other("the file is too long"));
        }
        if self.0.capacity() - self.0.len() < bytes.len() && bytes.len() > ROOM {
            // A phone book, most of the file: growing by half as much again would copy it once more.
            self.0.reserve_exact(bytes.len() + ROOM);
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
