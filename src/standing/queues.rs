//! The queues on FreeSWITCH's own disk: mod_callcenter does not load without a configuration, and ours is served.
//!
//! Fragments for the lists of the operator's own `callcenter.conf`, one folder for each list: the settings and queues that
//! stand there stay the operator's. Written at each change, and read by FreeSWITCH when it starts.

use super::MARKER;
use super::disk::{DiskError, Folder, Outcome};
use crate::model::{CallCenterRules, QueueLists, QueueModule};

/// The file in each folder.
pub const FILE: &str = "hotdeskd.xml";

/// The folders, each with what its file holds.
pub fn fragments<'l>(
    rules: &CallCenterRules,
    lists: &'l QueueLists,
) -> Vec<(&'static str, String)> {
    let fragment = |xml: &'l str| format!("{MARKER}\n<include>\n{xml}</include>\n");
    match rules.module() {
        QueueModule::CallCenter => vec![
            ("queues", fragment(&lists.queues)),
            ("agents", fragment(&lists.agents)),
            ("tiers", fragment(&lists.tiers)),
        ],
        QueueModule::Fifo => vec![("fifos", fragment(&lists.queues))],
    }
}

/// Brings the fragments below `folder` to these lists; tells what became of each file. Where there are no queues none is
/// made, and one that is there becomes empty.
///
/// # Errors
/// The disk refuses, or a file of somebody else's is in the way. Each file is either as before or complete.
pub fn write(
    folder: &Folder,
    rules: &CallCenterRules,
    lists: &QueueLists,
) -> Result<Vec<(&'static str, Outcome)>, DiskError> {
    let mut written = Vec::new();
    for (name, text) in fragments(rules, lists) {
        let inside = folder.inside(name);
        if lists.queues.is_empty() && inside.names()?.is_empty() {
            continue;
        }
        match inside.write(FILE, &text)? {
            Outcome::NotOurs => {
                return Err(DiskError::NotOurs { path: inside.path().join(FILE) });
            }
            outcome => written.push((name, outcome)),
        }
    }
    Ok(written)
}
