//! The two NOTIFYs, as FreeSWITCH wants to be asked for them.
//!
//! `sendevent NOTIFY` without any one of profile, event-string, user, host and content-type sends nothing and answers
//! `+OK` all the same; with `call-id` it goes to exactly that registration (tried: `facts/freeswitch.md`). The event
//! `MESSAGE_WAITING`, which would also set a lamp, is never used: it leaked the profile's lock.

use super::plan::Lamp;
use super::registrations::Registration;
use crate::event_socket::{SendEvent, SettingText};
use crate::model::Domain;

/// A NOTIFY to one registration. The types let none of its parts be empty.
fn notify(to: &Registration, event: SettingText) -> SendEvent {
    SendEvent::new("NOTIFY")
        .header("profile", to.profile.clone())
        .header("event-string", event)
        .header("user", to.user.clone())
        .header("host", to.host.clone())
        .header("call-id", to.call_id.clone())
}

/// The phone fetches its configuration again, or restarts for it: what its vendor calls that event.
pub(super) fn check_sync(to: &Registration, event: &SettingText) -> Option<SendEvent> {
    Some(notify(to, event.clone()).header("content-type", literal(CONTENT)?))
}

/// The phone's message lamp shows this.
pub(super) fn message_summary(to: &Registration, body: String) -> Option<SendEvent> {
    let event = notify(to, literal("message-summary")?).header("content-type", literal(CONTENT)?);
    Some(event.body(body))
}

/// RFC 3842; a check-sync has no body and takes any.
const CONTENT: &str = "application/simple-message-summary";

fn literal(text: &'static str) -> Option<SettingText> {
    SettingText::parse(text).ok()
}

/// How many messages are in a mailbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Messages {
    new: u32,
    saved: u32,
    new_urgent: u32,
    saved_urgent: u32,
}

impl Messages {
    /// Reads the answer to `vm_boxcount P/U@D|all`: `new:saved:new-urgent:saved-urgent` (`mod_voicemail.c:3863`).
    pub(super) fn read(answer: &str) -> Option<Self> {
        let mut counts = answer.trim().split(':').map(|count| count.parse().ok());
        let mut next = || counts.next().flatten();
        let (new, saved, new_urgent, saved_urgent) = (next()?, next()?, next()?, next()?);
        counts.next().is_none().then_some(Self { new, saved, new_urgent, saved_urgent })
    }
}

/// The body of a message-summary (RFC 3842). A phone that is nobody's has its own name for a mailbox, and no messages.
pub(super) fn summary(
    lamp: &Lamp,
    messages: Messages,
    to: &Registration,
    domain: &Domain,
) -> String {
    let (account, messages) = match lamp {
        Lamp::Of(user) => (user.to_string(), messages),
        Lamp::Dark => (to.phone.to_string(), Messages::default()),
    };
    let waiting = if messages.new + messages.new_urgent > 0 { "yes" } else { "no" };
    let Messages { new, saved, new_urgent, saved_urgent } = messages;
    format!(
        "Messages-Waiting: {waiting}\r\nMessage-Account: sip:{account}@{domain}\r\n\
         Voice-Message: {new}/{saved} ({new_urgent}/{saved_urgent})\r\n"
    )
}

#[cfg(test)]
mod tests;
