//! Who stands in the directory, and in the queues, on FreeSWITCH's own disk, as the store is now.

use std::sync::Arc;

use crate::model::{
    CallCenterRules, DirectoryEntry, DirectoryRules, QueueLists, QueueModule, User,
};
use crate::store::Store;

/// Every phone, every handset, every desk extension, and every user with a mailbox, a softphone, a
/// handset or a desk session, each with its rendered element.
pub fn entries(store: &Store, rules: &DirectoryRules) -> Vec<(String, String)> {
    let memory = store.memory();
    let mut entries = Vec::new();
    let mut add = |entry: DirectoryEntry| entries.push((entry.id().to_owned(), entry.xml()));
    for phone in memory.phones() {
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
    for user in memory.users() {
        let seats = memory.seats(&user.extension);
        let handsets = memory.handsets(&user.extension);
        let rings = user.sip_secret.is_some() || !seats.is_empty() || !handsets.is_empty();
        if user.pin.is_some() || rings {
            add(DirectoryEntry::user(rules, user, seats, handsets));
        }
    }
    entries
}

/// The lists of the queues, as they are served.
pub fn queues(store: &Store, rules: &CallCenterRules) -> QueueLists {
    let memory = store.memory();
    let wanted = rules.beside(memory.teams()).wanted(memory.users().map(Arc::<User>::as_ref));
    match rules.module() {
        QueueModule::CallCenter => wanted.lists(None),
        QueueModule::Fifo => wanted.fifos(|user| !memory.seats(user).is_empty()),
    }
}
