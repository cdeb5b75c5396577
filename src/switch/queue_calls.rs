//! What FreeSWITCH tells of callers in queues: who took a call and how long the caller waited, or why nobody did.
//!
//! The names are those of `mod_callcenter.c`: times are seconds since 1970, and a caller who hangs up is reported as
//! `BREAK_OUT`, so that only the channel's own state tells it from a queue that let the call go.

use crate::event_socket::Message;
use crate::model::{QueueCall, QueueLeft, QueueOutcome};

/// The events to hear of.
pub(super) const SUBCLASSES: [&str; 2] = ["callcenter::info", "hotdeskd::answered"];

/// How many may wait for whoever writes them down; past that the oldest are not written.
pub(super) const MOST: usize = 4_096;

/// Reads an event, if it says that a call was taken or left a queue.
pub(super) fn read(event: &Message) -> Option<QueueCall> {
    let text = |name: &str| event.field(name).map(|value| value.text().into_owned());
    if text("Event-Subclass").as_deref() == Some("hotdeskd::answered") {
        return Some(QueueCall {
            call: call(text("Hotdesk-Call")?)?,
            team: text("Hotdesk-Team")?.parse().ok()?,
            waited: None,
            outcome: QueueOutcome::Answered(text("Hotdesk-Agent")?.parse().ok()),
        });
    }
    let seconds = |name: &str| text(name)?.parse::<i64>().ok();
    let action = text("CC-Action")?;
    let (until, outcome) = match action.as_str() {
        "bridge-agent-start" => {
            let agent = text("CC-Agent").unwrap_or_default();
            let agent = agent.split('@').next().and_then(|name| name.parse().ok());
            ("CC-Agent-Answered-Time", QueueOutcome::Answered(agent))
        }
        "member-queue-end" if text("CC-Cause").as_deref() == Some("Cancel") => {
            let hung_up = text("Answer-State").as_deref() == Some("hangup");
            let left = match text("CC-Cancel-Reason").as_deref() {
                Some("TIMEOUT") => QueueLeft::TimedOut,
                Some("NO_AGENT_TIMEOUT") => QueueLeft::NoAgent,
                Some("NONE") => QueueLeft::HungUp,
                _ if hung_up => QueueLeft::HungUp,
                _ => QueueLeft::Other,
            };
            ("CC-Member-Leaving-Time", QueueOutcome::Left(left))
        }
        _ => return None,
    };
    let waited = seconds(until)?.checked_sub(seconds("CC-Member-Joined-Time")?)?;
    let queue = text("CC-Queue")?;
    Some(QueueCall {
        call: call(text("CC-Member-Session-UUID")?)?,
        team: queue.split('@').next()?.parse().ok()?,
        waited: Some(u32::try_from(waited.max(0)).unwrap_or(u32::MAX)),
        outcome,
    })
}

/// A Unique-ID that could be one of ours.
fn call(id: String) -> Option<String> {
    (1..=64).contains(&id.len()).then_some(id)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use tokio_util::codec::Decoder as _;

    use super::*;
    use crate::event_socket::{Codec, Limits};

    fn event(fields: &[(&str, &str)]) -> Option<QueueCall> {
        let body: String =
            fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let body = format!("Event-Name: CUSTOM\n{body}\n");
        let text =
            format!("Content-Length: {}\nContent-Type: text/event-plain\n\n{body}", body.len());
        let mut bytes = BytesMut::from(text.as_bytes());
        let message = Codec::new(Limits::default()).decode(&mut bytes).unwrap().unwrap();
        read(&message)
    }

    /// The fields of a member's event, and these.
    fn of_member(more: &[(&str, &str)]) -> Option<QueueCall> {
        let mut fields = vec![
            ("Event-Subclass", "callcenter%3A%3Ainfo"),
            ("CC-Queue", "sales%40hotdesk.test"),
            ("CC-Member-UUID", "m"),
            ("CC-Member-Session-UUID", "s"),
            ("CC-Member-Joined-Time", "1795265510"),
        ];
        fields.extend(more);
        event(&fields)
    }

    #[test]
    fn an_agent_who_takes_a_call_is_told_with_the_wait() {
        let told = of_member(&[
            ("CC-Action", "bridge-agent-start"),
            ("CC-Agent", "1001%40hotdesk.test"),
            ("CC-Agent-Answered-Time", "1795265517"),
        ]);
        let answered = QueueOutcome::Answered(Some("1001".parse().unwrap()));
        let team = "sales".parse().unwrap();
        let wanted = QueueCall { call: "s".into(), team, waited: Some(7), outcome: answered };
        assert_eq!(told, Some(wanted));
        // Somebody else's agent, by a name that is no extension.
        let told = of_member(&[
            ("CC-Action", "bridge-agent-start"),
            ("CC-Agent", "robot%40hotdesk.test"),
            ("CC-Agent-Answered-Time", "1795265500"),
        ]);
        let told = told.unwrap();
        assert_eq!((told.outcome, told.waited), (QueueOutcome::Answered(None), Some(0)));
        let direct = event(&[
            ("Event-Subclass", "hotdeskd%3A%3Aanswered"),
            ("Hotdesk-Call", "s"),
            ("Hotdesk-Agent", "1001"),
            ("Hotdesk-Team", "sales"),
        ]);
        assert_eq!(direct.unwrap().waited, None);
    }

    #[test]
    fn who_hangs_up_and_whom_the_queue_let_go_are_told_apart() {
        for (reason, state, left) in [
            ("TIMEOUT", "answered", QueueLeft::TimedOut),
            ("NO_AGENT_TIMEOUT", "answered", QueueLeft::NoAgent),
            ("BREAK_OUT", "hangup", QueueLeft::HungUp),
            ("BREAK_OUT", "answered", QueueLeft::Other),
            ("NONE", "hangup", QueueLeft::HungUp),
            ("EXIT_WITH_KEY", "answered", QueueLeft::Other),
        ] {
            let told = of_member(&[
                ("Answer-State", state),
                ("CC-Action", "member-queue-end"),
                ("CC-Cause", "Cancel"),
                ("CC-Cancel-Reason", reason),
                ("CC-Member-Leaving-Time", "1795265570"),
            ]);
            let told = told.unwrap();
            assert_eq!((told.outcome, told.waited), (QueueOutcome::Left(left), Some(60)));
        }
    }

    #[test]
    fn everything_else_is_passed_over() {
        for fields in [
            &[("CC-Action", "member-queue-start")][..],
            &[("CC-Action", "agent-offering"), ("CC-Agent", "1001")],
            // The end of a call that an agent took was told when it was taken.
            &[
                ("CC-Action", "member-queue-end"),
                ("CC-Cause", "Terminated"),
                ("CC-Member-Leaving-Time", "1795265570"),
            ],
            &[("CC-Action", "bridge-agent-start")],
            &[("CC-Action", "bridge-agent-start"), ("CC-Agent-Answered-Time", "x")],
            &[],
        ] {
            assert_eq!(of_member(fields), None, "{fields:?}");
        }
    }
}
