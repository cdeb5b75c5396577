use bytes::BytesMut;

use super::super::registrations;
use super::*;
use crate::event_socket::{ChannelWord, Command};

fn registration() -> Registration {
    let text = "<profile>\n    <registration>\n        <call-id>1-8809@127.0.0.1</call-id>\n        \
                <user>0004132a0001@hotdesk.test</user>\n    </registration>\n";
    let profile = ChannelWord::parse("internal").unwrap();
    registrations::read(text.as_bytes(), &profile).unwrap().remove(0)
}

fn wire(event: SendEvent) -> String {
    let mut out = BytesMut::new();
    Command::SendEvent(event).encode(&mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn a_check_sync_has_all_that_freeswitch_needs_and_names_the_registration() {
    for event in ["check-sync;reboot=false", "check-sync;reboot=true", "resync", "reboot"] {
        let wanted = format!(
            "sendevent NOTIFY\nprofile: internal\nevent-string: {event}\nuser: 0004132a0001\nhost: hotdesk.test\n\
             call-id: 1-8809@127.0.0.1\ncontent-type: application/simple-message-summary\n\n"
        );
        let event = SettingText::parse(event).unwrap();
        assert_eq!(wire(check_sync(&registration(), &event).unwrap()), wanted);
    }
}

#[test]
fn a_lamp_shows_the_mailbox_of_who_sits_there() {
    let domain: Domain = "hotdesk.test".parse().unwrap();
    let ada = Lamp::Of("1001".parse().unwrap());
    for (lamp, counts, text) in [
        (
            &ada,
            "2:0:0:0",
            "yes\r\nMessage-Account: sip:1001@hotdesk.test\r\nVoice-Message: 2/0 (0/0)\r\n",
        ),
        (
            &ada,
            "0:3:1:4\n",
            "yes\r\nMessage-Account: sip:1001@hotdesk.test\r\nVoice-Message: 0/3 (1/4)\r\n",
        ),
        (
            &ada,
            "0:5:0:2",
            "no\r\nMessage-Account: sip:1001@hotdesk.test\r\nVoice-Message: 0/5 (0/2)\r\n",
        ),
        (
            &Lamp::Dark,
            "7:7:7:7",
            "no\r\nMessage-Account: sip:0004132a0001@hotdesk.test\r\nVoice-Message: 0/0 (0/0)\r\n",
        ),
    ] {
        let messages = Messages::read(counts).unwrap();
        let body = summary(lamp, messages, &registration(), &domain);
        assert_eq!(body, format!("Messages-Waiting: {text}"));
        let sent = wire(message_summary(&registration(), body.clone()).unwrap());
        assert!(sent.contains("\nevent-string: message-summary\n"));
        assert!(sent.contains("\ncall-id: 1-8809@127.0.0.1\n"));
        assert!(sent.ends_with(&format!("content-length: {}\n\n{body}\n\n", body.len())));
    }
}

#[test]
fn what_is_no_count_is_not_taken_for_none() {
    for answer in ["", "-ERR No such profile\n", "0", "0:0:0", "0:0:0:0:0", "a:0:0:0", "-1:0:0:0"] {
        assert_eq!(Messages::read(answer), None, "{answer}");
    }
}
