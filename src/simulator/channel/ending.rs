//! How a call ends: elsewhere after a transfer, with the actions behind `socket`, by a hang-up.

use std::time::Duration;

use tokio::time::Instant;

use super::super::call::Heard;
use super::super::settings::Actions;
use super::state::Running;
use super::thread::{CallThread, STATE};

/// More transfers than FreeSWITCH allows a call (`max_forwards`).
const MAX_TRANSFERS: usize = 70;
/// A lingering socket keeps a dead channel no longer than this.
const LONGEST_LINGER: Duration = Duration::from_secs(600);

impl CallThread {
    /// After `transfer`: the call is in the operator's dialplan until somebody hangs up.
    pub(super) async fn elsewhere(&mut self, extension: String, context: String) {
        let (mut extension, mut context) = (extension, context);
        for _ in 0..MAX_TRANSFERS {
            self.tell(Heard::Transferred {
                extension: extension.clone(),
                context: context.clone(),
            });
            let dialplan = self.node.settings.dialplan.as_ref();
            let Some(actions) = dialplan.and_then(|plan| plan.route(&context, &extension)) else {
                return self.until_hangup().await;
            };
            match self.act(actions).await {
                Some(next) => (extension, context) = next,
                None => return self.channel.hang_up(&self.node, "NORMAL_CLEARING", "send_bye"),
            }
        }
        self.channel.hang_up(&self.node, "EXCHANGE_ROUTING_ERROR", "send_bye");
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
        match self.act(self.channel.setup.then.clone()).await {
            Some((extension, context)) => self.elsewhere(extension, context).await,
            None => self.channel.hang_up(&self.node, "NORMAL_CLEARING", "send_bye"),
        }
    }

    /// Dialplan actions, one after the other; where a transfer among them leads to.
    async fn act(&mut self, actions: Actions) -> Option<(String, String)> {
        for (name, argument) in actions {
            if !self.channel.is_up() {
                return None;
            }
            let uuid = self.node.uuid();
            self.execute(&name, &argument, &uuid).await;
            if let Some((extension, _, context)) = self.transfer.take() {
                return Some((extension, context));
            }
        }
        None
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
