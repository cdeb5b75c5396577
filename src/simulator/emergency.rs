//! An emergency call as the standing dialplan makes it: remembered by `mod_db`, told by an event.

use super::call::CallSetup;
use super::channel::Channel;
use super::event::Event;
use super::freeswitch::FreeSwitch;
use super::node::{Node, microseconds};

/// Where FreeSWITCH makes the event (the application `event`).
const SOURCE: (&str, &str, u32) = ("mod_dptools.c", "event_function", 1902);

impl FreeSwitch {
    /// A phone calls an emergency number and shows `caller_id`; answers the channel's Unique-ID. `stages` are told in
    /// their order: `dialled`, `unreachable`.
    pub fn emergency_call(
        &self,
        setup: CallSetup,
        number: &str,
        caller_id: &str,
        stages: &[&str],
    ) -> String {
        let node = self.node();
        let phone = setup.phone.clone();
        let channel = Channel::new(node, setup);
        let kept = format!("{}.{number}.{phone}.{caller_id}", microseconds() / 1_000_000);
        node.database(&format!("insert/hotdesk_emergency/{}/{kept}", channel.uuid));
        for stage in stages {
            node.fire(told(node, &channel, stage, number, &phone, caller_id));
        }
        channel.uuid
    }
}

/// The event. What the dialplan adds stands between what all events have and what all channels have.
fn told(
    node: &Node,
    channel: &Channel,
    stage: &str,
    number: &str,
    phone: &str,
    caller_id: &str,
) -> Event {
    let (named, mut headers): (Vec<_>, Vec<_>) = node
        .custom_event("hotdeskd::emergency", SOURCE)
        .into_headers()
        .into_iter()
        .partition(|(name, _)| name == "Event-Name");
    headers.extend(named);
    let mut event = Event::new(headers);
    for (name, value) in [
        ("Hotdesk-Stage", stage),
        ("Hotdesk-Number", number),
        ("Hotdesk-Phone", phone),
        ("Hotdesk-Caller-ID", caller_id),
    ] {
        event.push(name, value);
    }
    channel.describe(node, &mut event, true);
    event
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;

    /// The names of the headers in front of the channel's variables.
    fn names(text: &str) -> Vec<&str> {
        let names = text.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name);
        names.take_while(|name| !name.starts_with("variable_")).collect()
    }

    #[tokio::test]
    async fn the_event_is_as_a_real_one() {
        let node = Node::new(Settings::new("hotdesk.test".parse().unwrap()));
        let mut setup = CallSetup::new("0004132a0001", "999");
        setup.context = "restricted".into();
        let channel = Channel::new(&node, setup);
        let event = told(&node, &channel, "dialled", "999", "0004132a0001", "+43123456").plain();
        let recorded = include_str!("../../tests/fixtures/freeswitch/events/emergency.txt");
        let (_, recorded) = recorded.split_once("\n\n").unwrap();
        // That one came out of a dialplan.
        let recorded: Vec<&str> =
            names(recorded).into_iter().filter(|name| *name != "Channel-HIT-Dialplan").collect();
        let ours: Vec<&str> =
            names(&event).into_iter().filter(|name| *name != "Channel-HIT-Dialplan").collect();
        assert_eq!(ours, recorded);
        for line in ["Hotdesk-Stage: dialled", "Hotdesk-Caller-ID: %2B43123456"] {
            assert!(event.lines().any(|one| one == line), "{event}");
        }
    }

    #[tokio::test]
    async fn mod_db_answers_as_the_real_one() {
        let node = Node::new(Settings::new("hotdesk.test".parse().unwrap()));
        assert_eq!(node.database("list/hotdesk_emergency"), "");
        node.database("insert/hotdesk_emergency/b/1.999.x.+43");
        node.database("insert/hotdesk_emergency/a/2.112.x.");
        node.database("insert/hotdesk_elin/123/4");
        assert_eq!(node.database("list/hotdesk_emergency"), "a,b");
        assert_eq!(node.database("list/hotdesk_emergency/"), "a,b");
        assert_eq!(node.database("delete/hotdesk_emergency/a"), "+OK");
        assert_eq!(node.database("list/hotdesk_emergency"), "b");
    }
}
