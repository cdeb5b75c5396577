//! What stands in the vendors' folders: those in the binary, and the operator's laid over them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use super::fault::TemplateFault;

/// The manifest's name in a vendor's folder.
pub(super) const MANIFEST: &str = "vendor.toml";

/// The most bytes that a file of a vendor's folder has: a hundred times the longest that we ship.
const MAX_BYTES: u64 = 1 << 20;

/// The most files that a vendor's folder has, and the most folders there are.
const MAX_ENTRIES: usize = 500;

/// The folders that are in the binary. Other folders of `templates/` (pages) are no vendors.
#[derive(RustEmbed)]
#[folder = "templates"]
struct BuiltIn;

/// A file of a vendor's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Where it came from, for whoever has to mend it.
    pub(super) path: PathBuf,
    /// What stands in it.
    pub(super) text: String,
}

/// A vendor's folder: file name to file.
pub(super) type Folder = BTreeMap<String, Source>;

/// Which files were there, how long, and when they were changed: compared to see a change.
pub(super) type Stamp = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// The vendors in the binary, by name.
pub(super) fn built_in() -> BTreeMap<String, Folder> {
    let mut vendors: BTreeMap<String, Folder> = BTreeMap::new();
    for path in BuiltIn::iter() {
        let Some((vendor, name)) = path.split_once('/') else { continue };
        let Some(file) = BuiltIn::get(&path) else { continue };
        let text = String::from_utf8_lossy(&file.data).into_owned();
        let source = Source { path: Path::new("templates").join(&*path), text };
        vendors.entry(vendor.to_owned()).or_default().insert(name.to_owned(), source);
    }
    vendors.retain(|_, folder| folder.contains_key(MANIFEST));
    vendors
}

/// What an operator's folder holds.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    /// By vendor; a vendor whose folder could not be read whole is missing here.
    pub(super) vendors: BTreeMap<String, Folder>,
    /// Vendors that have a folder there, whether it could be read or not.
    pub(super) present: BTreeSet<String>,
    /// What could not be read.
    pub(super) faults: Vec<TemplateFault>,
    /// What was there.
    pub(super) stamp: Stamp,
}

impl Overrides {
    /// Reads `<folder>/<vendor>/<file>`.
    pub(super) fn read(folder: &Path) -> Self {
        let mut found = Self { stamp: stamp(folder), ..Self::default() };
        let entries = match entries(folder) {
            Ok(entries) => entries,
            Err(problem) => {
                let advice = "Correct the setting, or the folder's owner and mode.";
                found.faults.push(TemplateFault::of_file("", folder, problem, advice));
                return found;
            }
        };
        for path in entries.into_iter().filter(|path| path.is_dir()) {
            let Some(vendor) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if !is_vendor_name(vendor) {
                let problem = "found a folder whose name is no vendor's".to_owned();
                let advice = "Name it with 1 to 32 small letters, digits, `-` or `_`.";
                found.faults.push(TemplateFault::of_file("", &path, problem, advice));
                continue;
            }
            found.present.insert(vendor.to_owned());
            match read_vendor(vendor, &path) {
                Ok(files) => drop(found.vendors.insert(vendor.to_owned(), files)),
                Err(fault) => found.faults.push(fault),
            }
        }
        found
    }
}

fn read_vendor(vendor: &str, folder: &Path) -> Result<Folder, TemplateFault> {
    let fault =
        |path: &Path, problem, advice| Err(TemplateFault::of_file(vendor, path, problem, advice));
    let files = match entries(folder) {
        Ok(files) => files,
        Err(problem) => return fault(folder, problem, "Correct the folder's owner and mode."),
    };
    let mut found = Folder::new();
    for path in files.into_iter().filter(|path| path.is_file()) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let mut bytes = Vec::new();
        let read =
            fs::File::open(&path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        match read {
            Ok(read) if read as u64 > MAX_BYTES => {
                return fault(&path, format!("it is longer than {MAX_BYTES} bytes"), "Shorten it.");
            }
            Ok(_) => {}
            Err(error) => {
                let advice = "Correct the file's owner and mode.";
                return fault(&path, format!("it cannot be read: {error}"), advice);
            }
        }
        match String::from_utf8(bytes) {
            Ok(text) => {
                found.insert(name.to_owned(), Source { path: path.clone(), text });
            }
            Err(_) => return fault(&path, "it is not UTF-8".to_owned(), "Save it as UTF-8."),
        }
    }
    Ok(found)
}

/// What a folder holds, in the order of the names, without what editors leave behind.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let read = fs::read_dir(folder).map_err(|error| format!("it cannot be read: {error}"))?;
    let mut paths = Vec::new();
    for entry in read {
        let entry = entry.map_err(|error| format!("it cannot be read: {error}"))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || name.ends_with('~') || name.starts_with('#') {
            continue;
        }
        paths.push(entry.path());
        if paths.len() > MAX_ENTRIES {
            return Err(format!("it has more than {MAX_ENTRIES} entries"));
        }
    }
    paths.sort();
    Ok(paths)
}

/// What there is to see of an operator's folder without reading the files.
pub(super) fn stamp(folder: &Path) -> Stamp {
    let mut stamp = Stamp::new();
    let mut note = |path: PathBuf| {
        if let Ok(meta) = fs::metadata(&path) {
            let length = if meta.is_file() { meta.len() } else { 0 };
            let changed = meta.is_file().then(|| meta.modified().ok()).flatten();
            stamp.insert(path, (length, changed));
        }
    };
    for path in entries(folder).unwrap_or_default() {
        for file in entries(&path).unwrap_or_default() {
            note(file);
        }
        note(path);
    }
    stamp
}

/// Whether it may be a vendor's name: 1 to 32 small letters, digits, `-` or `_`.
pub(super) fn is_vendor_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=32).contains(&name.len()) && name.bytes().all(allowed)
}

/// Changes when anything of the folder does.
pub(super) fn fingerprint(folder: &Folder) -> String {
    let mut hash = Sha256::new();
    for (name, Source { text, .. }) in folder {
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
