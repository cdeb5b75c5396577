//! The walk of every phone's emergency calls, put together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::config::Config;
use crate::http::admin::{EmergencyTestView, EmergencyTester};
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

/// Walks for the admin API, one at a time and apart from what others wait for.
pub(super) struct Tester {
    config: Arc<Config>,
    store: Store,
    background: Handle,
    state: Arc<Mutex<EmergencyTestView>>,
}

impl Tester {
    /// Of a daemon with this configuration.
    pub(super) fn new(config: Config, store: Store, background: Handle) -> Arc<Self> {
        Arc::new(Self { config: Arc::new(config), store, background, state: Arc::default() })
    }
}

impl EmergencyTester for Tester {
    fn start(&self) {
        {
            let mut state = lock(&self.state);
            if state.running.is_some() {
                return;
            }
            state.running = Some(Timestamp::now());
        }
        let (config, store) = (self.config.clone(), self.store.clone());
        let walk = self.background.spawn_blocking(move || emergency_test(&config, &store));
        let state = self.state.clone();
        self.background.spawn(async move {
            let (found, failed) = match walk.await {
                Ok(Ok(found)) => (Some(found), None),
                Ok(Err(error)) => (None, Some(format!("{error:#}"))),
                Err(_) => (None, Some("it broke off; the log says why".to_owned())),
            };
            let finished = Some(Timestamp::now());
            *lock(&state) = EmergencyTestView { running: None, finished, found, failed };
        });
    }

    fn status(&self) -> EmergencyTestView {
        lock(&self.state).clone()
    }
}

fn lock(state: &Mutex<EmergencyTestView>) -> MutexGuard<'_, EmergencyTestView> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
