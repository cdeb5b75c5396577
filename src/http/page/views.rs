//! The templates, and how values look in them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use rust_embed::RustEmbed;
use serde::Serialize;

use super::files;
use crate::model::{Stage, escape_xml};

/// How much work a template may be: the longest page takes a hundredth of it.
const FUEL: u64 = 50_000_000;

/// The templates in the binary.
#[derive(RustEmbed)]
#[folder = "templates/web"]
struct Templates;

/// The files that templates name.
const ASSETS: [&str; 4] = ["icon.svg", "icons.svg", "live.js", "page.css"];

/// The sections of the page: name, path, title.
const SECTIONS: [(&str, &str, &str); 8] = [
    ("now", "/", "Now"),
    ("phones", "/phones", "Phones"),
    ("people", "/people", "People"),
    ("queues", "/queues", "Queues"),
    ("customers", "/customers", "Customers"),
    ("redirection", "/redirection", "Redirection"),
    ("journal", "/journal", "Journal"),
    ("system", "/system", "System"),
];

/// The templates.
pub(super) struct Views {
    environment: Environment<'static>,
    /// What each page shows beside its own values: the sections, the site's name.
    frame: Value,
}

/// Any value that serde knows, for a template.
pub(super) fn value(value: impl Serialize + Send + Sync + std::fmt::Debug + 'static) -> Value {
    Value::from(Serde(value))
}

impl Views {
    /// Of a site with this name.
    ///
    /// # Errors
    /// A template has a mistake; they are in the binary, and tests render each.
    pub(super) fn new(site: &str) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(FUEL));
        // Its report of a mistake would show all values, and so CSRF tokens and new PINs, in the log.
        environment.set_debug(false);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        let mut syntax = SyntaxConfig::builder();
        environment.set_syntax(syntax.trim_blocks(true).lstrip_blocks(true).build()?);
        for path in Templates::iter().filter(|path| path.ends_with(".html")) {
            let Some(file) = Templates::get(&path) else { continue };
            let text = String::from_utf8_lossy(&file.data).into_owned();
            environment.add_template_owned(path.into_owned(), text)?;
        }
        let assets: BTreeMap<&str, String> =
            ASSETS.into_iter().filter_map(|name| Some((name, files::path(name)?))).collect();
        environment.add_function("asset", move |name: &str| {
            let missing = || Error::new(ErrorKind::InvalidOperation, format!("no file {name}"));
            assets.get(name).cloned().ok_or_else(missing)
        });
        environment.add_filter("moment", moment);
        environment.add_filter("clock", clock);
        environment.add_filter("stage", stage);
        environment.add_filter("source", source);
        environment.add_filter("told", told);
        environment.add_filter("query", super::encoded);
        environment.add_filter("bytes", bytes);
        let sections: Vec<Value> = SECTIONS
            .into_iter()
            .map(|(name, href, title)| context! { name, href, title, icon => name })
            .collect();
        Ok(Self { environment, frame: context! { sections, site } })
    }

    /// Renders one template.
    ///
    /// # Errors
    /// The template and its values do not fit.
    pub(super) fn render(&self, template: &str, values: Value) -> Result<String, Error> {
        let scope = context! { ..values, ..self.frame.clone() };
        self.environment.get_template(template)?.render(scope)
    }
}

/// A time in the machine's zone, as short as it is unmistakable, for people and programs.
fn moment(at: &Value) -> Result<Value, Error> {
    time(at, |at, now| {
        let format = match (at.date() == now.date(), at.year() == now.year()) {
            (true, _) => "%H:%M",
            (false, true) => "%-d %b %H:%M",
            (false, false) => "%-d %b %Y %H:%M",
        };
        at.strftime(format).to_string()
    })
}

/// A time with its seconds.
fn clock(at: &Value) -> Result<Value, Error> {
    time(at, |at, now| {
        let format = match (at.date() == now.date(), at.year() == now.year()) {
            (true, _) => "%H:%M:%S",
            (false, true) => "%-d %b %H:%M:%S",
            (false, false) => "%-d %b %Y %H:%M:%S",
        };
        at.strftime(format).to_string()
    })
}

/// A `<time>`; a dash where there is none.
fn time(
    at: &Value,
    in_words: impl Fn(&jiff::Zoned, &jiff::Zoned) -> String,
) -> Result<Value, Error> {
    if at.is_none() || at.is_undefined() {
        return Ok(Value::from_safe_string("<span class=\"none\">–</span>".to_owned()));
    }
    let text = at.as_str().unwrap_or_default();
    let at: Timestamp = text
        .parse()
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "expected a time".to_owned()))?;
    let zone = TimeZone::system();
    let (local, now) = (at.to_zoned(zone.clone()), Timestamp::now().to_zoned(zone));
    let whole = local.strftime("%Y-%m-%d %H:%M:%S %Z");
    let short = in_words(&local, &now);
    // All of it is of our own making.
    let html = format!("<time datetime=\"{at:.0}\" title=\"{whole}\">{short}</time>");
    Ok(Value::from_safe_string(html))
}

/// A step of the way in words.
fn stage(name: &str) -> String {
    name.parse().map_or_else(|_| name.to_owned(), |stage: Stage| stage.title().to_owned())
}

/// A sentence of ours in which commands stand between backticks, as everywhere; here they look like commands.
fn told(text: &str) -> Value {
    let mut html = String::new();
    for (at, piece) in text.split('`').enumerate() {
        let piece = escape_xml(piece);
        html += &if at % 2 == 1 { format!("<code>{piece}</code>") } else { piece };
    }
    Value::from_safe_string(html)
}

/// Where a user comes from, in words.
fn source(name: String) -> String {
    match name.as_str() {
        "ldap" => "LDAP".to_owned(),
        "file" => "the users file".to_owned(),
        "local" => "hotdeskd".to_owned(),
        _ => name,
    }
}

/// A number of bytes, short.
fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{}.{} kB", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped_and_times_are_for_programs_too() {
        let views = Views::new("<b>site</b>").unwrap();
        let mut environment = views.environment.clone();
        environment.add_template("x", "{{ name }}|{{ at|moment }}|{{ none|moment }}").unwrap();
        let values = context! { name => "<script>", at => "2020-01-02T10:00:00Z", none => () };
        let text = environment.get_template("x").unwrap().render(values).unwrap();
        assert!(
            text.starts_with("&lt;script&gt;|<time datetime=\"2020-01-02T10:00:00Z\""),
            "{text}"
        );
        assert!(text.ends_with("–</span>"), "{text}");
        assert_eq!((bytes(999), bytes(12_345)), ("999 B".to_owned(), "12.3 kB".to_owned()));
    }
}
