//! How a call ends: elsewhere after a transfer, with the actions behind `socket`, by a hang-up.

use std::time::Duration;

use tokio::time::Instant;

use super::super::call::Heard;
use super::state::Running;
use super::thread::{CallThread, STATE};

/// A lingering socket keeps a dead channel no longer than this.
const LONGEST_LINGER: Duration = Duration::from_secs(600);

impl CallThread {
    /// After `transfer`: the call is in the operator's dialplan until somebody hangs up.
    pub(super) async fn elsewhere(&mut self, extension: String, context: String) {
        self.tell(Heard::Transferred { extension, context });
        self.until_hangup().await;
    }

    async fn until_hangup(&mut self) {
        let hung_up = self.channel.until(self.ends, |state| state.cause.is_some().then_some(()));
        let over = tokio::select! {
            over = hung_up => over.is_some(),
            () = self.node.stop.cancelled() => false,
        };
        if !over {
            self.channel.hang_up(&self.node, "ALLOTTED_TIMEOUT", "send_bye");
        }
    }

    /// The actions after `socket`; without any more the call is cleared.
    pub(super) async fn rest_of_dialplan(&mut self) {
        for (name, argument) in self.channel.setup.then.clone() {
            if !self.channel.is_up() {
                return;
            }
            let uuid = self.node.uuid();
            self.execute(&name, &argument, &uuid).await;
            if let Some((extension, _, context)) = self.transfer.take() {
                return self.elsewhere(extension, context).await;
            }
        }
        self.channel.hang_up(&self.node, "NORMAL_CLEARING", "send_bye");
    }

    /// Hang-up and report; the channel goes when the socket's thread has let it go.
    pub(super) async fn end(&mut self) {
        let cause = self.channel.lock().cause.clone().unwrap_or_default();
        self.channel.update(|state| {
            state.running = Running::Hangup;
            state.queue.clear();
        });
        self.fire("CHANNEL_STATE", STATE, false, vec![]);
        self.channel.report();
        self.channel.update(|state| {
            state.call_state = "HANGUP";
            state.state = Running::Reporting;
            state.running = Running::Reporting;
        });
        self.fire("CHANNEL_STATE", STATE, false, vec![]);
        let source = ("switch_core_state_machine.c", "switch_core_session_reporting_state", 943);
        self.fire("CHANNEL_HANGUP_COMPLETE", source, true, vec![]);
        self.tell(Heard::HungUp { cause });
        let deadline = Instant::now() + LONGEST_LINGER;
        let released = self.channel.until(deadline, |state| state.released.then_some(()));
        tokio::select! {
            _ = released => {}
            () = self.node.stop.cancelled() => {}
        }
        let uuid = &self.channel.uuid;
        self.node.lock().channels.retain(|channel| channel.uuid != *uuid);
        let source = ("switch_core_session.c", "switch_core_session_perform_destroy", 1748);
        self.fire("CHANNEL_DESTROY", source, true, vec![]);
    }
}
