//! Looks into the store of a daemon that has ended.

use std::collections::BTreeMap;

use hotdeskd::model::{Happening, JournalEntry, Mac};
use hotdeskd::store::{JournalFilter, Store};

use super::Office;

/// What the store holds.
pub struct Kept {
    /// Who sits where.
    pub sessions: BTreeMap<String, String>,
    /// The whole journal, oldest first.
    pub journal: Vec<JournalEntry>,
}

/// Opens the store, and checks that it is whole: each session has its line in the journal, each line
/// its session, and what is wanted of a phone is what sits there.
pub async fn kept(office: &Office) -> Kept {
    let store = Store::open(&office.config.data).await.unwrap();
    let filter = JournalFilter { limit: 100_000, ..JournalFilter::default() };
    let journal = store.journal(&filter).await.unwrap();
    let mut told: BTreeMap<Mac, Option<(String, i64)>> = BTreeMap::new();
    for entry in &journal {
        match &entry.what {
            Happening::Login { phone, user, .. } | Happening::OwnerReturned { phone, user } => {
                let (user, at) = (user.to_string(), entry.at.as_second());
                let before = told.get(phone).cloned().flatten();
                // Who logs in where they sit sits there since the first time.
                let same = before.filter(|(who, _)| *who == user);
                told.insert(*phone, Some(same.unwrap_or((user, at))));
            }
            Happening::Logout { phone, .. } => {
                told.insert(*phone, None);
            }
            _ => {}
        }
    }
    let memory = store.memory();
    for (phone, told) in &told {
        let session = memory.session(*phone);
        let kept = session.map(|s| (s.user.to_string(), s.since.as_second()));
        assert_eq!(kept, *told, "session and journal differ at {phone}: {journal:?}");
        let shown = kept.map_or("nobody".to_owned(), |(user, at)| format!("{user} since {at}"));
        // Nobody is registered in these tests, so nothing can have been settled.
        let wanted = memory.wanted().filter(|wanted| wanted.target == phone.to_string());
        let wanted: Vec<(&str, &str)> =
            wanted.map(|wanted| (wanted.kind.as_str(), wanted.value.as_str())).collect();
        assert_eq!(wanted, [("resync", shown.as_str()), ("lamp", &shown)], "wanted of {phone}");
    }
    for session in memory.sessions() {
        assert!(told.contains_key(&session.phone), "a session without a line: {session:?}");
    }
    let sessions = memory.sessions().map(|s| (s.phone.to_string(), s.user.to_string())).collect();
    drop(memory);
    Kept { sessions, journal }
}
