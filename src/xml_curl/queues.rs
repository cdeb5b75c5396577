//! `callcenter.conf` and `fifo.conf`: the queues of the teams.
//!
//! Our answer stands before the operator's own file. So whatever is not ours is *not found*, and FreeSWITCH looks there:
//! the configuration of every other module, a queue that is none of ours, and all of it as long as no team has a queue.

use super::{Directory, NOT_FOUND};
use crate::model::QueueModule;

impl Directory {
    /// The configuration of a module; of mod_callcenter also of one queue with its agents.
    pub(super) fn configuration(&self, file: &str, queue: Option<&str>) -> String {
        let Some(rules) = self.queues.as_ref().filter(|rules| rules.file() == file) else {
            return NOT_FOUND.into();
        };
        let staff = self.inner.store.memory().staff();
        let wanted = rules.beside(&staff.teams).wanted(staff.members());
        let is_ours = queue.is_none_or(|queue| wanted.queues.contains_key(queue));
        if wanted.queues.is_empty() || !is_ours {
            return NOT_FOUND.into();
        }
        let lists = match rules.module() {
            QueueModule::CallCenter => wanted.lists(queue),
            QueueModule::Fifo => wanted.fifos(|user| staff.is_seated(user)),
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<document type=\"freeswitch/xml\">\n<section name=\"configuration\">\n{}</section>\n</document>\n",
            rules.configuration(&lists)
        )
    }
}
