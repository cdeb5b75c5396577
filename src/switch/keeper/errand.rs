//! One errand: the NOTIFYs to one phone.

use std::sync::Arc;

use super::super::AskError;
use super::super::notify::{Messages, check_sync, message_summary, summary};
use super::super::peer::{Line, Peer};
use super::super::plan::{Errand, Lamp};
use super::super::registrations::Registration;
use super::Keeper;
use crate::event_socket::{Api, Argument, ChannelWord, SendEvent};
use crate::model::{Attempts, Wanted, WantedKind};

impl Keeper {
    /// Tells one phone, at each of its registrations; a DECT base once, for all its handsets. Their lamps are no errand:
    /// each keeps the mailbox that it registered with.
    pub(super) async fn run(&self, errand: Errand) -> End {
        let mut end = End::default();
        let (mut lamp, mut sync) = (errand.lamp.is_none(), false);
        for (peer, line) in self.lines() {
            let known = peer.view().registrations.of(errand.phone).to_vec();
            if known.is_empty() {
                continue;
            }
            let Some(at) = told(peer, &line, peer.look_at_phone(&line.client, &known).await) else {
                continue;
            };
            let Some(to) = at.first() else { continue };
            if to.is_handset() {
                lamp = true;
            } else if let Some(wanted) = &errand.lamp {
                let messages = self.messages(&line, wanted).await;
                // A mailbox that FreeSWITCH cannot count will not be countable in a moment; the next REGISTER sets the
                // lamp in any case.
                lamp |= matches!(messages, Err(AskError::Unreadable(_)));
                if let Some(messages) = told(peer, &line, messages) {
                    let body = summary(wanted, messages, to, &self.settings.domain);
                    let sent = self.tell(peer, &line, &at, |to| message_summary(to, body.clone()));
                    lamp |= end.count(sent.await);
                }
            }
            if let Some(event) = errand.sync.as_ref().filter(|_| !(sync && to.is_handset())) {
                let sent = self.tell(peer, &line, &at, |to| check_sync(to, event)).await;
                sync |= end.count(sent);
            }
        }
        let Errand { rows, tried, .. } = errand;
        end.tried = tried.filter(|_| sync);
        end.done.extend(rows.into_iter().filter(|row| match row.kind {
            WantedKind::Lamp => lamp,
            WantedKind::Resync | WantedKind::Restart => sync,
            WantedKind::Agent => false,
        }));
        end
    }

    /// One NOTIFY to each of these registrations, newest first; how many were taken, or that one was not.
    async fn tell(
        &self,
        peer: &Peer,
        line: &Line,
        at: &[Registration],
        notify: impl Fn(&Registration) -> Option<SendEvent>,
    ) -> Result<usize, usize> {
        let mut sent = 0;
        for to in at {
            // Invariant 8; a call may have begun since the plan was made.
            if self.is_in_call(to.phone) {
                return Err(sent);
            }
            let Some(event) = notify(to) else { continue };
            let answer = line.client.send_event(event).await.map_err(AskError::from);
            if told(peer, line, answer).is_none() {
                return Err(sent);
            }
            tracing::debug!(phone = %to.phone, profile = %to.profile, node = %peer.node.name, "NOTIFY");
            sent += 1;
        }
        Ok(sent)
    }

    /// How many messages the lamp is to show.
    async fn messages(&self, line: &Line, lamp: &Lamp) -> Result<Messages, AskError> {
        let Lamp::Of(user) = lamp else {
            return Ok(Messages::default());
        };
        let word =
            |text: &str| ChannelWord::parse(text).map_err(|_| AskError::Unreadable("vm_boxcount"));
        let argument = Argument::word(&self.settings.voicemail_profile)
            .then_literal("/")
            .then_word(&word(user.as_str())?)
            .then_literal("@")
            .then_word(&word(self.settings.domain.as_str())?)
            .then_literal("|all");
        let answer = line.client.api(Api::new("vm_boxcount").argument(argument)).await?;
        Messages::read(&answer.text()).ok_or(AskError::Unreadable("vm_boxcount"))
    }
}

/// What came of an errand.
#[derive(Default)]
pub(super) struct End {
    /// How many NOTIFYs went out.
    pub sent: usize,
    /// The rows that are done.
    pub done: Vec<Arc<Wanted>>,
    /// The row that waits for a fetch now, and how far it is.
    pub tried: Option<(Arc<Wanted>, Attempts)>,
}

impl End {
    /// Counts what went out; whether it is done: something went out, and nothing was left.
    fn count(&mut self, sent: Result<usize, usize>) -> bool {
        let (Ok(count) | Err(count)) = sent;
        self.sent += count;
        sent.is_ok_and(|count| count > 0)
    }
}

/// What FreeSWITCH answered, if it did; else it is written down, and a connection that hangs is given up.
pub(in super::super) fn told<T>(
    peer: &Peer,
    line: &Line,
    answer: Result<T, AskError>,
) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) => {
            if error.is_hang() {
                line.give_up();
            }
            peer.trouble(error.to_string());
            None
        }
    }
}
