//! NOTIFY requests that reach phones: `sendevent NOTIFY` and the message lamp.

use super::event;
use super::node::Node;

/// A NOTIFY that a registration received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// The user of the registration.
    pub user: String,
    /// The Call-ID of the registration.
    pub call_id: String,
    /// `Event:` header, for example `check-sync;reboot=false` or `message-summary`.
    pub event: String,
    /// `Content-Type:` header.
    pub content_type: String,
    /// The body as it was sent.
    pub body: String,
    /// Who made FreeSWITCH send it.
    pub origin: Origin,
}

/// What made FreeSWITCH send a NOTIFY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `sendevent NOTIFY` over an event socket.
    SendEvent,
    /// A command: `sofia profile P check_sync` or `flush_inbound_reg … reboot`.
    Command,
    /// FreeSWITCH itself, after a REGISTER.
    Registration,
}

impl Node {
    /// `sendevent NOTIFY`: to the registration of `call-id`, else to all of user@host. Without all
    /// five headers nothing is sent, although the answer is `+OK`.
    pub(super) fn send_notify(&self, headers: &[(String, String)], body: Option<&str>) {
        let header = |name| event::get(headers, name).filter(|value| !value.is_empty());
        let (Some("internal"), Some(name), Some(user), Some(host), Some(content_type)) = (
            header("profile"),
            header("event-string"),
            header("user"),
            header("host"),
            header("content-type"),
        ) else {
            return;
        };
        if !host.eq_ignore_ascii_case(self.settings.domain.as_str()) {
            return;
        }
        let call_id = header("call-id");
        let mut state = self.lock();
        let rows: Vec<_> = state
            .registrations
            .iter()
            .filter(|row| match call_id {
                Some(call_id) => row.call_id == call_id,
                None => row.user == user,
            })
            .cloned()
            .collect();
        for row in rows {
            state.deliver(Notify {
                user: row.user,
                call_id: row.call_id,
                event: name.to_owned(),
                content_type: content_type.to_owned(),
                body: body.unwrap_or_default().to_owned(),
                origin: Origin::SendEvent,
            });
        }
    }
}
