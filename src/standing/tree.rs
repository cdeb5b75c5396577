//! FreeSWITCH's XML as this room reads it: the preprocessor's lines resolved, then a plain tree.
//!
//! After `switch_xml.c` (`preprocess`, `expand_vars`): the preprocessor works line by line on raw
//! text. A line with `<include>`, `</include>` or `<?` is dropped whole; `X-PRE-PROCESS` works
//! inside comments too; `$${name}` is replaced by what an earlier line set; an included path is
//! relative to the file that includes it, and its matches come in the order of their names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;
use regex::Regex;

/// The bounds of what is read: more is an error, not a wait.
const MOST_BYTES: usize = 64 << 20;
const MOST_FILES: usize = 20_000;
const DEEPEST_INCLUDE: usize = 100;
const DEEPEST_ELEMENT: usize = 64;

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Its attributes in the order of the file.
    pub attributes: Vec<(String, String)>,
    /// The text directly inside, entities resolved, with the white space around it.
    pub text: String,
    /// The elements inside.
    pub children: Vec<Element>,
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The elements of this name directly inside.
    pub fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element of this name inside whose attribute has this value, upper or lower case:
    /// FreeSWITCH never looks at a second one (`switch_xml_find_child`).
    pub fn find<'a>(&'a self, name: &'a str, attribute: &str, value: &str) -> Option<&'a Element> {
        self.children(name).find(|child| {
            child.attribute(attribute).is_some_and(|found| found.eq_ignore_ascii_case(value))
        })
    }
}

/// Text with the preprocessor's work done on it, and the variables that it set.
#[derive(Debug, Default)]
pub struct Preprocessed {
    /// The text that FreeSWITCH would parse.
    pub text: String,
    /// What `X-PRE-PROCESS cmd="set"` set, at the end.
    pub globals: BTreeMap<String, String>,
    files: usize,
}

impl Preprocessed {
    /// Reads a file as FreeSWITCH would.
    ///
    /// # Errors
    /// The file cannot be read, or more comes together than [`TreeError::TooLarge`] allows. A file
    /// that an include line matches and that cannot be read is an error too.
    pub fn add_file(&mut self, path: &Path) -> Result<(), TreeError> {
        self.include_file(path, 0)
    }

    /// Takes text as if it stood in a file of `folder`.
    ///
    /// # Errors
    /// As [`Self::add_file`], for what the text includes.
    pub fn add_text(&mut self, text: &str, folder: Option<&Path>) -> Result<(), TreeError> {
        self.process(text, folder, 0)
    }

    fn include_file(&mut self, path: &Path, depth: usize) -> Result<(), TreeError> {
        self.files += 1;
        if self.files > MOST_FILES || depth > DEEPEST_INCLUDE {
            return Err(TreeError::TooLarge);
        }
        let unreadable = |source| TreeError::Unreadable { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if usize::try_from(length).map_or(true, |length| length > MOST_BYTES) {
            return Err(TreeError::TooLarge);
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let text = String::from_utf8_lossy(&bytes);
        self.process(&text, path.parent(), depth)
    }

    fn process(
        &mut self,
        text: &str,
        folder: Option<&Path>,
        depth: usize,
    ) -> Result<(), TreeError> {
        for line in text.split_inclusive('\n') {
            if ["<include>", "</include>", "<?"].iter().any(|word| line.contains(word)) {
                continue;
            }
            let line = self.expanded(line);
            match directive(&line) {
                Some(("include", pattern)) => self.include(pattern, folder, depth)?,
                Some(("set", setting)) => self.set(setting),
                // `exec`, `exec-set`, `stun-set` and `env-set` ask the machine: never from here.
                Some(_) => {}
                None if line.to_ascii_lowercase().contains("x-pre-process") => {}
                None => self.text.push_str(&line),
            }
            if self.text.len() > MOST_BYTES {
                return Err(TreeError::TooLarge);
            }
        }
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        Ok(())
    }

    fn include(
        &mut self,
        pattern: &str,
        folder: Option<&Path>,
        depth: usize,
    ) -> Result<(), TreeError> {
        let base = folder.unwrap_or_else(|| Path::new("."));
        for path in matches(&base.join(pattern))? {
            self.include_file(&path, depth + 1)?;
        }
        Ok(())
    }

    fn set(&mut self, setting: &str) {
        if let Some((name, value)) = setting.split_once('=') {
            self.globals.insert(name.trim_end().to_owned(), value.trim_start().to_owned());
        }
    }

    /// `$${name}` replaced; what was never set becomes nothing.
    fn expanded(&self, line: &str) -> String {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((before, behind)) = rest.split_once("$${") {
            out.push_str(before);
            let Some((name, after)) = behind.split_once('}') else {
                out.push_str("$${");
                rest = behind;
                continue;
            };
            out.push_str(self.globals.get(name).map_or("", String::as_str));
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// The command and data of an `X-PRE-PROCESS` line, whatever else is on it.
fn directive(line: &str) -> Option<(&str, &str)> {
    let lower = line.to_ascii_lowercase();
    let at = lower.find("<x-pre-process")?;
    let behind = line.get(at..)?;
    let command = quoted_after(behind, "cmd")?;
    let data = quoted_after(behind, "data").unwrap_or_default();
    Some((command, data))
}

fn quoted_after<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, behind) = text.split_once(name)?;
    let (_, behind) = behind.split_once('"')?;
    behind.split_once('"').map(|(value, _)| value)
}

/// The files that a glob pattern names, in the order of their paths. `*` and `?` in the last part
/// and in the folders above it; no match is no error, as in FreeSWITCH.
fn matches(pattern: &Path) -> Result<Vec<PathBuf>, TreeError> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str().to_string_lossy();
        if !part.contains(['*', '?']) {
            for path in &mut found {
                path.push(part.as_ref());
            }
            continue;
        }
        let mut next = Vec::new();
        for folder in &found {
            let within = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            for name in names(within, &part)? {
                next.push(folder.join(name));
                if next.len() > MOST_FILES {
                    return Err(TreeError::TooLarge);
                }
            }
        }
        next.sort();
        found = next;
    }
    found.retain(|path| path.is_file());
    Ok(found)
}

fn names(folder: &Path, glob: &str) -> Result<Vec<String>, TreeError> {
    let expression: String = glob
        .chars()
        .map(|c| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            c => regex::escape(c.encode_utf8(&mut [0; 4])),
        })
        .collect();
    let Ok(wanted) = Regex::new(&format!("^(?s:{expression})$")) else {
        return Err(TreeError::TooLarge);
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    // As in a shell, a leading dot must be asked for.
    let hidden = glob.starts_with('.');
    Ok(names.filter(|name| wanted.is_match(name) && (hidden || !name.starts_with('.'))).collect())
}

/// Parses text into an element without a name that holds what stands at the top.
///
/// # Errors
/// The text is not well-formed XML, or nests deeper than 64 elements.
pub fn parse(text: &str) -> Result<Element, TreeError> {
    let mut reader = Reader::from_str(text);
    // FreeSWITCH takes a lone `&` as it stands.
    reader.config_mut().allow_dangling_amp = true;
    let mut open = vec![Element::default()];
    loop {
        let position = reader.buffer_position();
        let malformed =
            |fault: String| TreeError::Malformed { line: line_of(text, position), fault };
        let event = reader.read_event().map_err(|fault| malformed(fault.to_string()))?;
        match event {
            Event::Start(start) => {
                open.push(element(&start).map_err(malformed)?);
                if open.len() > DEEPEST_ELEMENT {
                    return Err(TreeError::TooLarge);
                }
            }
            Event::Empty(start) => adopt(&mut open, element(&start).map_err(malformed)?),
            Event::End(_) => {
                if let Some(done) = open.pop() {
                    adopt(&mut open, done);
                }
            }
            Event::Text(found) => append(&mut open, &found.xml10_content()),
            Event::CData(found) => append(&mut open, &found.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let resolved = quick_xml::escape::unescape(&format!("&{name};"))
                    .map_or_else(|_| format!("&{name};"), |text| text.into_owned());
                append(&mut open, &resolved);
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(top), true) => Ok(top),
        (unclosed, _) => Err(TreeError::Malformed {
            line: line_of(text, text.len() as u64),
            fault: format!("<{}> is never closed", unclosed.unwrap_or_default().name),
        }),
    }
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element { name: start.name().into_inner().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|fault| fault.to_string())?;
        let raw: &str = attribute.value.as_ref();
        let value = quick_xml::escape::unescape(raw)
            .map_or_else(|_| raw.to_owned(), |value| value.into_owned());
        let name = attribute.key.into_inner().to_owned();
        element.attributes.push((name, value));
    }
    Ok(element)
}

fn adopt(open: &mut [Element], child: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(child);
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(parent) = open.last_mut() {
        parent.text.push_str(text);
    }
}

fn line_of(text: &str, position: u64) -> usize {
    let end = usize::try_from(position).unwrap_or(text.len()).min(text.len());
    let before = text.as_bytes().get(..end).unwrap_or_default();
    1 + memchr::memchr_iter(b'\n', before).count()
}

/// FreeSWITCH's XML could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// More text, files or depth than any real configuration has; includes that go round in a
    /// circle end here.
    #[error("the configuration is too large, or includes itself")]
    TooLarge,
    /// The text is not XML.
    #[error("not well-formed XML, in line {line} of the text after its includes: {fault}")]
    Malformed {
        /// The line, from 1, in the preprocessed text.
        line: usize,
        /// What the parser says.
        fault: String,
    },
}
