//! The directory on FreeSWITCH's own disk: every phone and user that it must know while we are gone.
//!
//! `<group>` fragments of at most 100 users each (FreeSWITCH parses siblings in quadratic time, and
//! every directory answer waits while it does), to be included inside the operator's own
//! `<domain>/<groups>`.
//!
//! A user stays in the file where it is, so that no write ever moves one from file to file and a
//! crash between two files never loses a phone. What takes away - removals and logouts - is on the
//! disk before what gives - logins, and a take-over is one of these: whenever the writing stops,
//! no phone that was removed or left lives on beside a new login.

mod read;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::MARKER;
use super::disk::{DiskError, Folder, Outcome};
use super::tree::{self, Element, TreeError};
use crate::model::Mac;

pub use read::{Directory, DirectoryUser};

/// How many users a file holds.
pub const USERS_PER_FILE: usize = 100;

/// One user or phone, rendered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The user's id: an extension, or a phone's MAC address.
    pub id: &'a str,
    /// The whole `<user id="…">…</user>` element.
    pub xml: &'a str,
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The element holds secrets.
        f.debug_struct("Entry").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Whether far fewer phones than before may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shrink {
    /// Fewer than half of the phones on the disk is taken for a mistake.
    Refused,
    /// Somebody said that it is none.
    Allowed,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Phones on the disk now.
    pub phones: usize,
    /// All entries on the disk now.
    pub entries: usize,
    /// The writes in their order; a file that both loses and gains a session is written twice.
    pub written: Vec<(String, Outcome)>,
}

impl Report {
    /// Whether FreeSWITCH has something new to read.
    pub fn changed(&self) -> bool {
        !self.written.is_empty()
    }
}

/// The files of the directory, each with its users' elements by id.
type Files = BTreeMap<String, BTreeMap<String, String>>;

/// Brings the fragments in `folder` to exactly these entries.
///
/// # Errors
/// An entry is not what it should be, far fewer phones come than there were, or the disk refuses.
/// Whatever the error, each file is either as before or complete.
pub fn write(
    folder: &Folder,
    entries: &[Entry<'_>],
    shrink: Shrink,
) -> Result<Report, DirectoryError> {
    let wanted = checked(entries)?;
    let present = present(folder)?;
    let phones = |ids: &mut dyn Iterator<Item = &String>| ids.filter(|id| is_phone(id)).count();
    let had = phones(&mut present.values().flat_map(BTreeMap::keys));
    let phones = phones(&mut wanted.keys());
    if shrink == Shrink::Refused && phones * 2 < had {
        return Err(DirectoryError::TooFew { had, phones });
    }
    let last = placed(&present, &wanted);
    let mut report = Report { phones, entries: wanted.len(), written: Vec::new() };
    for files in [without_the_gone(&present, &wanted)?, last] {
        for (name, users) in files {
            bring(folder, &name, &users, &mut report)?;
        }
    }
    Ok(report)
}

fn bring(
    folder: &Folder,
    name: &str,
    users: &BTreeMap<String, String>,
    report: &mut Report,
) -> Result<(), DirectoryError> {
    let outcome = if users.is_empty() {
        folder.remove(name)?
    } else {
        folder.write(name, &fragment(name, users))?
    };
    match outcome {
        Outcome::Unchanged => {}
        Outcome::NotOurs => {
            let path = folder.path().join(name);
            return Err(DiskError::NotOurs { path }.into());
        }
        outcome => report.written.push((name.to_owned(), outcome)),
    }
    Ok(())
}

/// The present files with everybody taken away who is gone, and logged out who is logged out:
/// the first of the two steps.
fn without_the_gone(
    present: &Files,
    wanted: &BTreeMap<String, &str>,
) -> Result<Files, DirectoryError> {
    let mut files = Files::new();
    for (name, users) in present {
        let mut kept = BTreeMap::new();
        for (id, before) in users {
            let Some(after) = wanted.get(id) else {
                continue;
            };
            let leaves = occupant(before)?.is_some() && occupant(after)?.is_none();
            let xml = if leaves { (*after).to_owned() } else { before.clone() };
            kept.insert(id.clone(), xml);
        }
        // What could not be read has nobody to take away; the second step deals with it.
        if !users.is_empty() {
            files.insert(name.clone(), kept);
        }
    }
    Ok(files)
}

/// The files as they should be in the end: everybody where they were, newcomers where there is
/// room. A file left without users stands here empty, to be removed.
fn placed(present: &Files, wanted: &BTreeMap<String, &str>) -> Files {
    let mut files = Files::new();
    let mut seen = BTreeSet::new();
    for (name, users) in present {
        let mut kept = BTreeMap::new();
        for id in users.keys() {
            if let Some(xml) = wanted.get(id).filter(|_| seen.insert(id.clone())) {
                kept.insert(id.clone(), (*xml).to_owned());
            }
        }
        files.insert(name.clone(), kept);
    }
    let mut newcomers = wanted.iter().filter(|(id, _)| !seen.contains(*id)).peekable();
    let mut number = 0usize;
    while newcomers.peek().is_some() {
        let users = files.entry(format!("hotdeskd_{number:04}.xml")).or_default();
        while users.len() < USERS_PER_FILE {
            let Some((id, xml)) = newcomers.next() else {
                break;
            };
            users.insert(id.clone(), (*xml).to_owned());
        }
        number += 1;
    }
    files
}

fn fragment(name: &str, users: &BTreeMap<String, String>) -> String {
    let group = name.trim_end_matches(".xml");
    let mut text = format!("{MARKER}\n<include>\n<group name=\"{group}\">\n<users>\n");
    for xml in users.values() {
        text.push_str(xml.trim());
        text.push('\n');
    }
    text.push_str("</users>\n</group>\n</include>\n");
    text
}

/// What stands in the folder, file by file. A file of ours that cannot be read as XML counts as
/// empty: it will be written anew.
fn present(folder: &Folder) -> Result<Files, DirectoryError> {
    let mut files = Files::new();
    for name in folder.names()? {
        let Some(text) = folder.read(&name)? else {
            continue;
        };
        let users = read::elements(&text).unwrap_or_default();
        files.insert(name, users);
    }
    Ok(files)
}

fn checked<'a>(entries: &[Entry<'a>]) -> Result<BTreeMap<String, &'a str>, DirectoryError> {
    let mut wanted = BTreeMap::new();
    for entry in entries {
        let id = entry.id.to_owned();
        // The lines that FreeSWITCH's preprocessor drops or obeys.
        let lower = entry.xml.to_ascii_lowercase();
        if ["<?", "<include>", "</include>", "x-pre-process", "<!--", "$${"]
            .iter()
            .any(|word| lower.contains(word))
        {
            return Err(DirectoryError::Preprocessed { id });
        }
        let top = tree::parse(entry.xml)
            .map_err(|fault| DirectoryError::NotAUser { id: id.clone(), fault: Some(fault) })?;
        let user = match top.children.as_slice() {
            [user] if user.name == "user" && user.attribute("id") == Some(entry.id) => user,
            _ => return Err(DirectoryError::NotAUser { id, fault: None }),
        };
        if !guarded(user) {
            return Err(DirectoryError::Unguarded { id });
        }
        if wanted.insert(id.clone(), entry.xml).is_some() {
            return Err(DirectoryError::Twice { id });
        }
    }
    Ok(wanted)
}

/// Invariant 2: nobody authenticates without a secret, and no mailbox opens without a PIN.
fn guarded(user: &Element) -> bool {
    let param = |name: &str| read::value(user, "params", "param", name);
    let given = |name: &str| param(name).is_some_and(|value| !value.is_empty());
    let secret = given("password") || given("a1-hash");
    let closed = param("sip-forbid-register") == Some("true");
    let mailbox = given("vm-password") || param("vm-enabled") == Some("false");
    (secret || closed) && mailbox
}

/// Who sits at a phone, by its element.
fn occupant(xml: &str) -> Result<Option<String>, TreeError> {
    let top = tree::parse(xml)?;
    let user = top.children.first();
    let found = user.and_then(|user| read::value(user, "variables", "variable", "hotdesk_user"));
    Ok(found.filter(|value| !value.is_empty()).map(str::to_owned))
}

fn is_phone(id: &str) -> bool {
    id.len() == 12 && id.parse::<Mac>().is_ok()
}

/// The directory could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// An entry is not one `<user>` element with its own id: a mistake in hotdeskd.
    #[error("the directory entry of {id} is not one <user> element with that id")]
    NotAUser {
        /// Whose.
        id: String,
        /// What the parser says, if it is not XML at all.
        #[source]
        fault: Option<TreeError>,
    },
    /// An entry holds what FreeSWITCH's preprocessor would act on: a mistake in hotdeskd.
    #[error("the directory entry of {id} holds text for FreeSWITCH's preprocessor")]
    Preprocessed {
        /// Whose.
        id: String,
    },
    /// An entry could authenticate without a secret, or has a mailbox without a PIN.
    #[error(
        "the directory entry of {id} has no secret, or a mailbox without a PIN; it is not written"
    )]
    Unguarded {
        /// Whose.
        id: String,
    },
    /// Two entries have one id.
    #[error("there are two directory entries of {id}")]
    Twice {
        /// Whose.
        id: String,
    },
    /// Far fewer phones than there were.
    #[error(
        "only {phones} phones would replace {had} on FreeSWITCH's disk, which looks like a mistake; \
         if it is none, run `hotdeskd freeswitch install --allow-fewer-phones`; until then nothing is written"
    )]
    TooFew {
        /// How many there are on the disk.
        had: usize,
        /// How many would be.
        phones: usize,
    },
    /// A file of ours is not XML.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The disk refuses, or a file there is not ours.
    #[error(transparent)]
    Disk(#[from] DiskError),
}
