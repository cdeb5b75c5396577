//! Who stands in the directory on FreeSWITCH's own disk, as the store is now.

use std::sync::Arc;

use crate::model::{DirectoryEntry, DirectoryRules};
use crate::store::Memory;

/// Every phone, every desk extension, and every user with a mailbox, a softphone or a desk session,
/// each with its rendered element.
pub fn entries(memory: &Memory, rules: &DirectoryRules) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    let mut add = |entry: DirectoryEntry| entries.push((entry.id().to_owned(), entry.xml()));
    for phone in memory.phones() {
        let user = memory.session(phone.mac).and_then(|session| memory.user(&session.user));
        add(DirectoryEntry::phone(rules, phone, user.map(Arc::as_ref)));
        if let Some(extension) = &phone.desk_extension {
            add(DirectoryEntry::desk_extension(rules, extension, phone.mac));
        }
    }
    for user in memory.users() {
        let seats = memory.seats(&user.extension);
        if user.pin.is_some() || user.sip_secret.is_some() || !seats.is_empty() {
            add(DirectoryEntry::user(rules, user, seats));
        }
    }
    entries
}
