//! The walk of every phone's emergency calls, put together.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::config::Config;
use crate::model::{EmergencyTest, Phone};
use crate::standing::current;
use crate::standing::disk::Folder;
use crate::standing::emergency_test::{Site, test};
use crate::store::Store;

/// Would every phone get through to an emergency service? Takes its time: not for a thread that others wait for.
///
/// # Errors
/// A template of ours is wrong.
pub fn emergency_test(config: &Config, store: &Store) -> anyhow::Result<EmergencyTest> {
    let files = super::rendered(config).context("the dialplan as it should be")?;
    let group = config.standing.group.as_ref().map(|group| group.id);
    let folder = Folder::new(&config.standing.folder, group);
    let mut configurations: Vec<_> =
        config.freeswitch.values().map(|node| node.config_dir.join("freeswitch.xml")).collect();
    configurations.retain(|path| path.exists());
    configurations.dedup();
    let entries = current::entries(store, &super::rules(config, store));
    let mut phones: Vec<Arc<Phone>> = store.memory().phones().cloned().collect();
    phones.sort_by_key(|phone| phone.mac);
    let site = Site {
        settings: &config.emergency,
        files: &files,
        folder: &folder,
        configurations: &configurations,
        entries: &entries,
        now: u64::try_from(Timestamp::now().as_second()).unwrap_or_default(),
    };
    let mut found = test(&site, &phones);
    found.notes.extend(config.emergency.warnings());
    Ok(found)
}
