//! TOML that people write: text to typed values, with a fault that says where and what to do.
//!
//! For the configuration and the users file. Pure: the caller reads the file.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

/// How much of a wrong value is repeated in a fault, in characters.
const SHOWN: usize = 60;

/// A mistake in a file, and what to do about it. Never repeats the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TomlFault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The path of the key (`listen.switch.allow[2]`, entries counted from 1); empty where the fault
    /// is in no key's value.
    pub key: String,
    /// What was found and what was expected.
    pub problem: String,
    /// What to do: whole sentences.
    pub advice: String,
}

impl fmt::Display for TomlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, key, problem, advice } = self;
        write!(f, "{}:{line}:{column}: ", file.display())?;
        if !key.is_empty() {
            write!(f, "`{key}`: ")?;
        }
        write!(f, "{problem}. {advice}")
    }
}

/// What stands where in a document.
#[derive(Debug, Clone)]
struct Place {
    path: String,
    key: Range<usize>,
    value: Range<usize>,
    is_table: bool,
}

/// A TOML document of which every key's place is known.
#[derive(Debug)]
pub struct TomlText<'a> {
    file: &'a Path,
    text: &'a str,
    places: Vec<Place>,
    help: &'a str,
}

impl<'a> TomlText<'a> {
    /// Reads the bytes of `file`. `help` is the sentence that tells where a correct file can be seen.
    ///
    /// # Errors
    /// They are not UTF-8, or not TOML.
    pub fn read(file: &'a Path, bytes: &'a [u8], help: &'a str) -> Result<Self, TomlFault> {
        let text = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Err(not_utf8(file, bytes, error.valid_up_to())),
        };
        let mut document = Self { file, text, places: Vec::new(), help };
        let root = DeTable::parse(text).map_err(|error| document.syntax(&error))?;
        let mut places = Vec::new();
        walk(root.get_ref(), "", &mut places);
        document.places = places;
        Ok(document)
    }

    /// The whole document as a value.
    ///
    /// # Errors
    /// A key is missing, unknown, or has a value that its type refuses.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, TomlFault> {
        let deserializer =
            toml::Deserializer::parse(self.text).map_err(|error| self.syntax(&error))?;
        serde_path_to_error::deserialize(deserializer)
            .map_err(|error| self.refused(&path_of(error.path()), error.inner()))
    }

    /// A fault at the key with this path, or where its nearest table begins when it is not there.
    pub fn fault(&self, key: &str, problem: String, advice: String) -> TomlFault {
        let mut parent = key;
        let place = loop {
            if let Some(place) = self.places.iter().find(|place| place.path == parent) {
                break Some(place);
            }
            match parent.rsplit_once('.') {
                Some((above, _)) => parent = above,
                None => break None,
            }
        };
        let at = place.map_or(0, |place| match place.is_table || place.path != key {
            true => place.key.start,
            false => place.value.start,
        });
        self.at(at, key.to_owned(), problem, advice)
    }

    /// The line of the key with this path, from 1.
    pub fn line_of(&self, key: &str) -> Option<usize> {
        let place = self.places.iter().find(|place| place.path == key)?;
        Some(position(self.text.as_bytes(), place.key.start).0)
    }

    /// What stands at the key with this path, in words; a secret is not repeated.
    pub fn found(&self, key: &str) -> String {
        match self.places.iter().find(|place| place.path == key) {
            Some(place) if place.is_table => "a table".to_owned(),
            Some(place) => self.shown(&place.path, &place.value),
            None => "nothing".to_owned(),
        }
    }

    fn at(&self, at: usize, key: String, problem: String, advice: String) -> TomlFault {
        let (line, column) = position(self.text.as_bytes(), at);
        TomlFault { file: self.file.into(), line, column, key, problem, advice }
    }

    fn shown(&self, path: &str, span: &Range<usize>) -> String {
        if is_secret(path) {
            return "a secret, which is not repeated here".to_owned();
        }
        let text = self.text.get(span.clone()).unwrap_or_default();
        if holds_password(text) {
            return "a URL with a password, which is not repeated here".to_owned();
        }
        let line = text.lines().next().unwrap_or_default();
        let mut shown: String = line.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        format!("`{shown}`")
    }

    fn syntax(&self, error: &toml::de::Error) -> TomlFault {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        let line_start = self.text.get(..span.start).and_then(|text| text.rfind('\n'));
        let line = self.text.get(line_start.map_or(0, |at| at + 1)..span.start);
        // The rest of the line may be half of a secret.
        let found = match line {
            Some(line) if is_secret(line) => self.shown("secret", &span),
            _ if span.is_empty() => "something else here".to_owned(),
            _ => self.shown("", &span),
        };
        let advice = if message.contains("duplicate") {
            "The same key or table stands twice; keep one of them.".to_owned()
        } else {
            format!("A line is `key = value`, text stands in double quotes. {}", self.help)
        };
        self.at(span.start, String::new(), format!("found {found}: {message}"), advice)
    }

    fn refused(&self, path: &str, error: &toml::de::Error) -> TomlFault {
        // toml's own span is that of the whole list where an entry is wrong, and serde's path ends at
        // the table where a key of it is: the deeper one is right.
        let traced = self.places.iter().find(|place| place.path == path);
        let message = error.message();
        let unknown = between(message, "unknown field `");
        let names_it = unknown.is_some_and(|name| path.rsplit('.').next() == Some(name));
        let (path, place) = match error.span().map(|span| self.key_at(span.start)) {
            Some((at, place)) if !names_it && (at.len() > path.len() || traced.is_none()) => {
                (at, place)
            }
            _ => (path.to_owned(), traced),
        };
        // A table that is refused for one of its keys names it.
        let child = between(message, "`").map(|name| format!("{path}.{name}"));
        let child = self.places.iter().find(|place| Some(&place.path) == child.as_ref());
        let (path, place) = match child {
            Some(child) => (child.path.clone(), Some(child)),
            None => (path, place),
        };
        let start = place.map_or(0, |place| match place.is_table {
            true => place.key.start,
            false => place.value.start,
        });
        if let Some(name) = unknown {
            let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
            let start = place.map_or(0, |place| place.key.start);
            return self.unknown(start, path, name, &known);
        }
        if let Some(name) = between(message, "missing field `") {
            let key = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let problem = format!("found no `{name}`, expected one");
            return self.at(start, key, problem, format!("Add it. {}", self.help));
        }
        let found = match place {
            Some(place) if place.is_table => "a table".to_owned(),
            Some(place) => self.shown(&path, &place.value),
            None => "this file".to_owned(),
        };
        // serde: "invalid type: integer `3`, expected a string"; our own types: "expected …".
        let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
        let expected = expected.or(message.strip_prefix("expected "));
        let problem = match expected {
            Some(expected) => format!("found {found}, expected {}", text_in_words(expected)),
            None => format!("found {found}, but {message}"),
        };
        self.at(start, path, problem, format!("Correct it. {}", self.help))
    }

    fn unknown(&self, at: usize, path: String, name: &str, known: &[&str]) -> TomlFault {
        let in_table = path.contains('.');
        let near = known
            .iter()
            .copied()
            .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
        let near = near.filter(|near| strsim::jaro_winkler(near, name) > 0.8);
        let list: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
        let advice = match near {
            Some(near) => format!("Did you mean `{near}`? Correct it, or take it out."),
            None if in_table => {
                "Take it out, or move it to its table: what stands below a line in [brackets] belongs to \
                 that table."
                    .to_owned()
            }
            None => "Take it out.".to_owned(),
        };
        let expected = if list.is_empty() { "nothing here".to_owned() } else { list.join(", ") };
        let problem = format!("found the unknown key `{name}`, expected {expected}");
        self.at(at, path, problem, format!("{advice} {}", self.help))
    }

    /// The key whose name or value begins nearest around byte `at`.
    fn key_at(&self, at: usize) -> (String, Option<&Place>) {
        let around = |span: &Range<usize>| span.contains(&at) || span.start == at;
        let place = self
            .places
            .iter()
            .filter(|place| around(&place.key) || around(&place.value))
            .min_by_key(|place| {
                let span = if around(&place.value) { &place.value } else { &place.key };
                (span.len(), usize::MAX - place.path.len())
            });
        (place.map(|place| place.path.clone()).unwrap_or_default(), place)
    }
}

/// serde's words for types, in those of TOML.
fn text_in_words(expected: &str) -> String {
    match expected {
        "a string" => "text in double quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list in [brackets]".to_owned(),
        "a map" => "a table".to_owned(),
        "i64" | "u64" | "u32" | "u16" | "u8" | "usize" => {
            format!("a whole number that fits ({expected})")
        }
        other if other.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// serde's path in our words: entries of lists counted from 1.
fn path_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut text, segment| {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("[{}]", index + 1)),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Segment::Unknown => {}
        }
        text
    })
}

fn between<'m>(message: &'m str, start: &str) -> Option<&'m str> {
    message.strip_prefix(start)?.split('`').next()
}

/// Whether what stands at this path must not be repeated. The path of a file with a secret may be.
fn is_secret(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    !last.contains("_file")
        && ["password", "secret", "passwd"].iter().any(|word| last.contains(word))
}

/// Whether a value is a URL with a password in it (`scheme://user:password@host`).
fn holds_password(text: &str) -> bool {
    text.split("://")
        .skip(1)
        .any(|rest| rest.rsplit_once('@').is_some_and(|(credentials, _)| credentials.contains(':')))
}

fn walk(table: &DeTable<'_>, above: &str, places: &mut Vec<Place>) {
    for (key, value) in table {
        let name = key.get_ref();
        let path = if above.is_empty() { name.to_string() } else { format!("{above}.{name}") };
        place(path, key.span(), value.span(), value.get_ref(), places);
    }
}

fn place(
    path: String,
    key: Range<usize>,
    span: Range<usize>,
    value: &DeValue<'_>,
    places: &mut Vec<Place>,
) {
    match value {
        DeValue::Table(table) => walk(table, &path, places),
        DeValue::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                let path = format!("{path}[{}]", index + 1);
                place(path, entry.span(), entry.span(), entry.get_ref(), places);
            }
        }
        _ => {}
    }
    places.push(Place { path, key, value: span, is_table: value.is_table() });
}

/// Line and column, from 1, of byte `at`.
fn position(text: &[u8], at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let in_line = before.get(line_start..).unwrap_or_default();
    (line, String::from_utf8_lossy(in_line).chars().count() + 1)
}

fn not_utf8(file: &Path, bytes: &[u8], at: usize) -> TomlFault {
    let (line, column) = position(bytes, at);
    let byte = bytes.get(at).copied().unwrap_or_default();
    TomlFault {
        file: file.into(),
        line,
        column,
        key: String::new(),
        problem: format!("found the byte 0x{byte:02x}, expected UTF-8"),
        advice: "The file looks as if it was saved in Latin-1 or Windows-1252; save it as UTF-8."
            .to_owned(),
    }
}
