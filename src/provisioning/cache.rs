//! Files that were made, as long as nothing changed that they were made from.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::model::Mac;

/// How many bytes of files are kept.
const MOST_BYTES: usize = 128 << 20;

/// A file as it is sent.
#[derive(Debug)]
pub struct Made {
    /// What it says.
    pub bytes: bytes::Bytes,
    /// Its media type.
    pub content_type: String,
    /// A hash of it, 32 hex digits.
    pub hash: String,
    /// When it began to say this, to the second.
    pub modified: SystemTime,
}

/// Whose a file is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// This phone's.
    Phone(Mac),
    /// It is the same for every phone of a vendor that takes so many contacts.
    All {
        /// The vendor's name.
        vendor: String,
        /// The template: a person's own file may have another one than nobody's.
        template: String,
        /// `contacts_max`.
        contacts: String,
    },
}

/// What a file was made from: equal versions make equal files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    /// Of the phone, its enrolment and who sits there.
    pub phone: u64,
    /// Of all users and contacts.
    pub people: u64,
    /// Of the templates and the site.
    pub site: u64,
}

/// The files of phones, by whose they are and the file's name in its manifest.
#[derive(Default)]
pub(super) struct Cache {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    files: HashMap<(Whose, String), (Version, Arc<Made>)>,
    /// Oldest first.
    order: VecDeque<(Whose, String)>,
    bytes: usize,
}

impl Cache {
    /// The file, if it was made from this version.
    pub(super) fn get(&self, whose: &Whose, file: &str, version: Version) -> Option<Arc<Made>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (made_from, made) = kept.files.get(&(whose.clone(), file.to_owned()))?;
        (*made_from == version).then(|| Arc::clone(made))
    }

    /// Keeps a file. One that says the same as before keeps the time at which it began to.
    pub(super) fn keep(
        &self,
        whose: Whose,
        file: &str,
        version: Version,
        mut made: Made,
    ) -> Arc<Made> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let key = (whose, file.to_owned());
        if let Some((_, old)) = kept.files.remove(&key) {
            kept.bytes = kept.bytes.saturating_sub(old.bytes.len());
            if old.hash == made.hash {
                made.modified = old.modified;
            }
        } else {
            kept.order.push_back(key.clone());
        }
        let made = Arc::new(made);
        kept.bytes += made.bytes.len();
        kept.files.insert(key, (version, Arc::clone(&made)));
        while kept.bytes > MOST_BYTES {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some((_, old)) = kept.files.remove(&oldest) {
                kept.bytes = kept.bytes.saturating_sub(old.bytes.len());
            }
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &'static str, second: u64) -> Made {
        Made {
            bytes: bytes::Bytes::from_static(text.as_bytes()),
            content_type: "text/plain".into(),
            hash: text.into(),
            modified: SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second),
        }
    }

    #[test]
    fn a_file_is_good_as_long_as_its_version() {
        let (cache, phone) = (Cache::default(), Whose::Phone("0004132a0001".parse().unwrap()));
        let first = Version { phone: 1, people: 1, site: 1 };
        cache.keep(phone.clone(), "settings", first, made("a", 1));
        assert_eq!(&cache.get(&phone, "settings", first).unwrap().bytes[..], b"a");
        assert!(cache.get(&phone, "settings", Version { people: 2, ..first }).is_none());
        assert!(cache.get(&phone, "master", first).is_none());
        // The same text is the same file, since when it says so.
        let same =
            cache.keep(phone.clone(), "settings", Version { people: 2, ..first }, made("a", 9));
        assert_eq!(same.modified, made("a", 1).modified);
        let other =
            cache.keep(phone.clone(), "settings", Version { people: 3, ..first }, made("b", 9));
        assert_eq!(other.modified, made("b", 9).modified);
    }

    #[test]
    fn memory_is_bounded() {
        let cache = Cache::default();
        let big = bytes::Bytes::from(vec![b'x'; 1 << 20]);
        for n in 0..300u32 {
            let phone = Whose::Phone(format!("0004132a{n:04x}").parse().unwrap());
            let version = Version { phone: 1, people: 1, site: 1 };
            cache.keep(phone, "f", version, Made { bytes: big.clone(), ..made("a", 1) });
        }
        let kept = cache.kept.lock().unwrap();
        assert!(kept.bytes <= MOST_BYTES && kept.files.len() == kept.order.len());
        assert_eq!(kept.files.len(), MOST_BYTES >> 20);
    }
}
