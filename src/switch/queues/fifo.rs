//! mod_fifo: it has no agents and no statuses, only members that it rings. After each change it reads its configuration
//! anew, in which those stand who are there.

use super::Queues;
use super::progress::Progress;
use crate::event_socket::Api;
use crate::model::{NodeQueues, QueueStep};
use crate::switch::AskError;
use crate::switch::keeper::told;
use crate::switch::peer::{Line, Peer};

impl Queues {
    /// What mod_fifo is given.
    pub(super) fn fifo_definition(&self) -> String {
        let staff = self.switch.store.memory().staff();
        let wanted = self.rules.beside(&staff.teams).wanted(staff.members());
        wanted.fifos(|user| staff.is_seated(user)).queues
    }

    /// Has a node read it, if it has another one.
    pub(super) async fn bring_fifo(
        &self,
        peer: &Peer,
        line: &Line,
        progress: &mut Progress,
    ) -> Vec<QueueStep> {
        self.rows().values().for_each(|row| progress.settled(row));
        let definition = self.fifo_definition();
        if progress.fifo.as_ref() == Some(&definition)
            || (progress.fifo.is_none() && definition.is_empty())
        {
            return Vec::new();
        }
        let reparse = Api::new("fifo").argument("reparse");
        let answer = line.client.api(reparse).await.map_err(AskError::from);
        let Some(answer) = told(peer, line, answer) else { return Vec::new() };
        let text = answer.text();
        if text.trim_end().ends_with("+OK") {
            progress.fifo = Some(definition);
            return vec![QueueStep::ReloadQueue { queue: "fifo.conf".to_owned() }];
        }
        if text.contains("Command not found") && progress.may(&QueueStep::LoadModule).is_ok() {
            progress.tried(&QueueStep::LoadModule);
            let load = Api::new("load").argument("mod_fifo");
            let loaded = line.client.bgapi(load, super::round::LONG).await.map_err(AskError::from);
            let loaded = told(peer, line, loaded).map(|answer| answer.text().into_owned());
            if loaded.is_some_and(|text| text.trim_end().ends_with("+OK")) {
                progress.fifo = Some(definition);
                return vec![QueueStep::LoadModule];
            }
            peer.trouble("mod_fifo cannot be loaded; see FreeSWITCH's log".to_owned());
        }
        if let Err(again) = progress.may(&QueueStep::LoadModule) {
            progress.next = Some(again);
        }
        Vec::new()
    }

    /// What mod_fifo can be told of: which of the queues there are, and who waits.
    pub(super) async fn report_fifo(
        &self,
        _peer: &Peer,
        line: &Line,
        mut report: NodeQueues,
    ) -> NodeQueues {
        let count = Api::new("fifo").argument("count");
        match line.client.api(count).await {
            Err(error) => report.trouble = Some(error.to_string()),
            Ok(answer) if answer.is_error() => {
                report.trouble = Some("mod_fifo is not loaded".to_owned());
            }
            Ok(answer) => {
                let text = answer.text();
                super::read::fifo_report(&text, &self.wanted(), &mut report);
            }
        }
        report
    }
}
