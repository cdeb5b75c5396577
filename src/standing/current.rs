//! Who stands in the directory, and in the queues, on FreeSWITCH's own disk, as the store is now.

use std::sync::Arc;

use crate::model::{
    CallCenterRules, DirectoryEntry, DirectoryRules, Phone, QueueLists, QueueModule, User,
};
use crate::store::Store;

/// How many are looked at before others may: a write waits meanwhile, and every answer behind it. What changes in between
/// has the files written again.
const AT_ONCE: usize = 50;

/// Every phone, every handset, every desk extension, and every user with a mailbox, a softphone, a
/// handset or a desk session, each with its rendered element.
pub fn entries(store: &Store, rules: &DirectoryRules) -> Vec<(String, String)> {
    let (phones, users) = {
        let memory = store.memory();
        let phones: Vec<Arc<Phone>> = memory.phones().cloned().collect();
        (phones, memory.users().cloned().collect::<Vec<Arc<User>>>())
    };
    let mut entries = Vec::new();
    let mut add = |entry: DirectoryEntry| entries.push((entry.id().to_owned(), entry.xml()));
    for some in phones.chunks(AT_ONCE) {
        let memory = store.memory();
        for phone in some {
            let user = memory.session(phone.mac).and_then(|session| memory.user(&session.user));
            add(DirectoryEntry::phone(rules, phone, user.map(Arc::as_ref)));
            if let Some(extension) = &phone.desk_extension {
                add(DirectoryEntry::desk_extension(rules, extension, phone));
            }
            for (number, handset) in phone.numbered_handsets() {
                let user = handset.user.as_ref().and_then(|user| memory.user(user));
                let secret = store.handset_secret(phone, number);
                add(DirectoryEntry::handset(rules, phone, number, &secret, user.map(Arc::as_ref)));
            }
        }
    }
    for some in users.chunks(AT_ONCE) {
        let memory = store.memory();
        for user in some {
            let seats = memory.seats(&user.extension);
            let handsets = memory.handsets(&user.extension);
            let rings = user.sip_secret.is_some() || !seats.is_empty() || !handsets.is_empty();
            if user.pin.is_some() || rings {
                add(DirectoryEntry::user(rules, user, seats, handsets));
            }
        }
    }
    entries
}

/// The lists of the queues, as they are served.
pub fn queues(store: &Store, rules: &CallCenterRules) -> QueueLists {
    let staff = store.memory().staff();
    let wanted = rules.beside(&staff.teams).wanted(staff.members());
    match rules.module() {
        QueueModule::CallCenter => wanted.lists(None),
        QueueModule::Fifo => wanted.fifos(|user| staff.is_seated(user)),
    }
}
