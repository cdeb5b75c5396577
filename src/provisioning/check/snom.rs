//! The pages of a Snom desk phone: `/settings.xml`, its settings in the form in which they are given, and `/log.htm`, its
//! system log. (Sources: the second of the documents that this grew out of names `log.htm`; `settings.xml` is what
//! Snom's own IP-Symcon module reads, `symcon/Snom`. A D8xx has other pages.)

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde::{Deserialize, Serialize};

use crate::provisioning::answer::without_keys;

/// The vendor whose pages these are.
pub(super) const VENDOR: &str = "snom";
/// The page of the settings.
pub(super) const SETTINGS: &str = "/settings.xml";
/// The page of the log.
pub(super) const LOG: &str = "/log.htm";

/// How many elements of a page are read.
const MOST: usize = 20_000;
/// How many differences are told.
const MOST_TOLD: usize = 200;
/// How much of a value or of a line is shown, in characters.
const LONGEST: usize = 200;

/// A setting that is not as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its name, with the number of the account where it has one.
    pub name: String,
    /// What it was given; absent for a secret.
    pub wanted: Option<String>,
    /// What it has; absent for a secret.
    pub found: Option<String>,
}

/// What a file, or a page, says of one setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Value {
    text: String,
    /// Of a key what is written beside it.
    label: Option<String>,
    /// Whether people may change it at the phone, or we change it only at times.
    is_free: bool,
}

/// Names and numbers of settings, to what is said of them. Keys are `fkey` with their `idx`.
type Values = BTreeMap<(String, String), Value>;

/// Compares what a phone was given with what it says. How many were compared, and those that differ; `None` where the page is
/// no list of settings. `hidden` is the same file without its secrets: what differs there is one.
pub(super) fn compare(
    wanted: &str,
    hidden: &str,
    page: &[u8],
    has_firmware: bool,
) -> Option<(usize, Vec<Difference>)> {
    let (wanted, hidden) = (values(wanted)?, values(hidden)?);
    let found = values(&String::from_utf8_lossy(page)).filter(|found| !found.is_empty())?;
    let mut compared = 0;
    let mut differences = Vec::new();
    for (key, value) in &wanted {
        // Which firmware it should have is said only to a phone that has another.
        let by_firmware =
            has_firmware && matches!(key.0.as_str(), "update_policy" | "firmware_status");
        // Where it asks next is ours, whoever may change it in between.
        let is_free = value.is_free && key.0 != "setting_server";
        // What this firmware does not know it does not list.
        let Some(has) = found.get(key).filter(|_| !is_free && !by_firmware) else { continue };
        let is_secret = hidden.get(key) != Some(value);
        if is_secret && is_blank(&has.text) {
            continue;
        }
        compared += 1;
        let same_label = has.label.is_none() || value.label == has.label;
        if value.text == has.text && same_label {
            continue;
        }
        let shown = |value: &Value| {
            let label = value.label.as_ref().map(|label| format!(" ({label})"));
            (!is_secret).then(|| bounded(&format!("{}{}", value.text, label.unwrap_or_default())))
        };
        let (name, index) = key;
        let name = if index.is_empty() { name.clone() } else { format!("{name}.{index}") };
        differences.push(Difference { name, wanted: shown(value), found: shown(has) });
    }
    differences.truncate(MOST_TOLD);
    Some((compared, differences))
}

/// Whether a phone shows something in place of a password.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '*' | '•' | ' '))
}

/// The settings and keys of a file; `None` where it is none.
fn values(text: &str) -> Option<Values> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    let mut values = Values::new();
    let mut path: Vec<String> = Vec::new();
    let mut open: Option<((String, String), Value)> = None;
    for _ in 0..MOST * 4 {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                open = setting(&path, &start)?;
                path.push(start.name().as_ref().to_owned());
            }
            Event::Empty(start) => values.extend(setting(&path, &start)?),
            Event::End(_) => {
                path.pop()?;
                if let Some((key, value)) = open.take() {
                    let value = Value { text: value.text.trim().to_owned(), ..value };
                    values.insert(key, value);
                }
            }
            Event::Text(text) => {
                if let Some((_, value)) = &mut open {
                    value.text.push_str(&text.xml10_content());
                }
            }
            Event::CData(text) => {
                if let Some((_, value)) = &mut open {
                    value.text.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref().ok()? {
                    Some(character) => character,
                    None => {
                        let known = quick_xml::escape::resolve_predefined_entity(&reference);
                        known?.chars().next()?
                    }
                };
                if let Some((_, value)) = &mut open {
                    value.text.push(character);
                }
            }
            Event::Eof => return path.is_empty().then_some(values),
            _ => {}
        }
        if values.len() > MOST || path.len() > 16 {
            return None;
        }
    }
    None
}

/// The setting that an element is, where it stands among settings or keys; `None` where an attribute is broken.
fn setting(path: &[String], start: &BytesStart<'_>) -> Option<Option<((String, String), Value)>> {
    let section = path.last().map(String::as_str);
    let is_key = matches!(section, Some("functionKeys" | "function-keys"));
    if !is_key && section != Some("phone-settings") {
        return Some(None);
    }
    let (mut index, mut label, mut is_free) = (String::new(), None, true);
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::default()).ok()?.into_owned();
        match attribute.key.as_ref() {
            "idx" => index = value,
            "label" if is_key => label = Some(value),
            "perm" => is_free = !matches!(value.as_str(), "R" | "&" | " "),
            _ => {}
        }
    }
    let value = Value { text: String::new(), label, is_free };
    Some(Some(((start.name().as_ref().to_owned(), index), value)))
}

/// The last lines of a page, without its markup and without what could be a key.
pub(super) fn log(page: &[u8], most: usize) -> Vec<String> {
    let page = String::from_utf8_lossy(page);
    let mut text = String::with_capacity(page.len());
    let mut in_tag = false;
    for c in page.chars() {
        match c {
            '<' => {
                in_tag = true;
                text.push('\n');
            }
            '>' if in_tag => in_tag = false,
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    let plain = |line: &str| {
        let line = line.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ");
        let line = line.replace("&quot;", "\"").replace("&amp;", "&");
        bounded(&without_keys(&line)).trim().to_owned()
    };
    let lines: Vec<String> = text.lines().map(plain).filter(|line| !line.is_empty()).collect();
    lines.get(lines.len().saturating_sub(most)..).unwrap_or_default().to_vec()
}

fn bounded(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(password: &str, key: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<settings>\n<phone-settings e=\"2\">\n\
             <setting_server perm=\"RW\">http://p/p/{key}/{{mac}}.xml</setting_server>\n\
             <language perm=\"R\">English</language><dnd_mode perm=\"RW\">off</dnd_mode>\n\
             <update_policy perm=\"R\">settings_only</update_policy>\n\
             <user_pass idx=\"1\" perm=\"R\">{password}</user_pass>\n\
             <user_realname idx=\"1\" perm=\"R\">A &amp; B</user_realname><new perm=\"R\">x</new>\n\
             </phone-settings><functionKeys e=\"2\">\
             <fkey idx=\"0\" context=\"1\" label=\"Ann\" perm=\"R\">speed 201</fkey></functionKeys></settings>"
        )
    }

    fn found(page: &str) -> Option<(usize, Vec<Difference>)> {
        compare(&file("s3cret", "k3y"), &file("(hidden)", "(hidden)"), page.as_bytes(), false)
    }

    #[test]
    fn a_phone_that_has_what_it_was_given_differs_in_nothing() {
        assert_eq!(found(&file("s3cret", "k3y")), Some((7, Vec::new())));
        // Passwords may be left out, and so may what a firmware does not know.
        let blank = file("", "k3y").replace("<new perm=\"R\">x</new>", "");
        assert_eq!(found(&blank), Some((5, Vec::new())));
        assert_eq!(found(&file("****", "k3y")).unwrap().1, Vec::new());
    }

    #[test]
    fn what_was_changed_at_the_phone_is_found_and_a_secret_is_not_shown() {
        let page = file("0ther", "e1sewhere")
            .replace(">English<", ">Deutsch<")
            .replace(">off<", ">on<")
            .replace("speed 201", "speed 666");
        let (_, differences) = found(&page).unwrap();
        let told: Vec<_> = differences
            .iter()
            .map(|one| (one.name.as_str(), one.wanted.as_deref(), one.found.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("fkey.0", Some("speed 201 (Ann)"), Some("speed 666 (Ann)")),
                ("language", Some("English"), Some("Deutsch")),
                ("setting_server", None, None),
                ("user_pass.1", None, None),
            ]
        );
        let json = serde_json::to_string(&differences).unwrap();
        for secret in ["s3cret", "0ther", "k3y", "e1sewhere"] {
            assert!(!json.contains(secret), "{json}");
        }
    }

    #[test]
    fn a_phone_with_firmware_of_ours_may_have_another_policy() {
        let page = file("s3cret", "k3y").replace("settings_only", "auto_update");
        let (wanted, hidden) = (file("s3cret", "k3y"), file("(hidden)", "(hidden)"));
        let differing =
            |firmware| compare(&wanted, &hidden, page.as_bytes(), firmware).unwrap().1.len();
        assert_eq!((differing(false), differing(true)), (1, 0));
    }

    #[test]
    fn what_is_no_list_of_settings_is_none() {
        for page in [
            "",
            "<html><body>Login failed!</body></html>",
            "<settings><phone-settings></phone-settings></settings>",
            "<settings><phone-settings><a>1</a>",
            "<settings><phone-settings><a b=c>1</a></phone-settings></settings>",
            "<settings><phone-settings><a>&evil;</a></phone-settings></settings>",
        ] {
            assert_eq!(found(page), None, "{page}");
        }
        assert_eq!(found(&"<settings>".repeat(1000)), None);
        let long = "<a/>".repeat(MOST * 5);
        assert_eq!(found(&format!("<settings>{long}</settings>")), None);
    }

    #[test]
    fn the_log_is_text_and_has_no_keys() {
        let page = b"<html><body><pre>one\nfetch http://p/p/abcdefghijkmnpqrstuvwxyz23/x.xml &lt;ok&gt;<br>\n\x01two</pre></body>";
        assert_eq!(log(page, 10), ["one", "fetch http://p/p/\u{2026}/x.xml <ok>", "two"]);
        assert_eq!(log(page, 1), ["two"]);
        assert_eq!(log(b"", 3), Vec::<String>::new());
        assert_eq!(log(b"<<<<", 3), Vec::<String>::new());
    }
}
