//! What a search that goes on tells (RFC 4533).

use super::ber::{Element, Parts};
use super::connection::Entry;

/// What such a search tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// An entry is there, new or changed; or is only said to be there still.
    Entry {
        /// What became of it.
        state: EntryState,
        /// Its `entryUUID`.
        uuid: Vec<u8>,
        /// The entry, without attributes where it is gone or unchanged.
        entry: Entry,
        /// Where to go on after this.
        cookie: Option<Vec<u8>>,
    },
    /// Something about many entries, or about how far it is.
    Info(Info),
    /// A referral to another server, which is not followed.
    Referral,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryState {
    /// Nothing.
    Present,
    /// It is new.
    Added,
    /// It changed.
    Modified,
    /// It is gone.
    Deleted,
}

/// A message in between.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Info {
    /// Where to go on.
    Cookie(Vec<u8>),
    /// A phase of the refresh ended.
    Phase {
        /// Where to go on.
        cookie: Option<Vec<u8>>,
        /// Who was not named is gone.
        present: bool,
        /// From here on it is news.
        done: bool,
    },
    /// These entries are there still, or gone.
    Ids {
        /// Where to go on.
        cookie: Option<Vec<u8>>,
        /// Whether they are gone.
        deleted: bool,
        /// Their `entryUUID`s.
        uuids: Vec<Vec<u8>>,
    },
}

/// The value of an intermediate message.
pub(super) fn info(value: &[u8]) -> Option<Info> {
    let value = Parts(value).next()?;
    if value.tag == 0x80 {
        return Some(Info::Cookie(value.content.to_vec()));
    }
    let mut parts = value.parts();
    let cookie = parts.expect(0x04).map(|cookie| cookie.content.to_vec());
    let flag = parts.expect(0x01).map(|flag| flag.content.iter().any(|byte| *byte != 0));
    match value.tag {
        0xa1 => Some(Info::Phase { cookie, present: false, done: flag.unwrap_or(true) }),
        0xa2 => Some(Info::Phase { cookie, present: true, done: flag.unwrap_or(true) }),
        0xa3 => {
            let mut ids = parts.expect(0x31)?.parts();
            let uuids =
                std::iter::from_fn(|| ids.next()).map(|id: Element<'_>| id.content.to_vec());
            Some(Info::Ids { cookie, deleted: flag.unwrap_or(false), uuids: uuids.collect() })
        }
        _ => None,
    }
}
