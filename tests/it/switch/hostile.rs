//! Answers that no FreeSWITCH should give.

use hotdeskd::model::Mac;

use super::scripted::{Scripted, usual};
use super::*;

#[tokio::test]
async fn nobody_is_told_while_the_channels_cannot_be_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let office = Office::open(&[listener.local_addr().unwrap()]).await;
    office.login(ONE, "1001").await;
    // Garbage on connecting: no connection that could be used.
    let mut peer = Scripted::accept(&listener).await;
    let garbage = |question: &str| match question {
        "show channels as json" => "{\"row_count\":".into(),
        question => usual(question),
    };
    peer.serve(garbage, |_| false).await;
    assert!(!peer.sent_a_notify());
    // Garbage later, right before a NOTIFY would go out: it does not. (The first answer is good.)
    let mut peer = Scripted::accept(&listener).await;
    peer.serve(usual, |command| command == "api show channels as json").await;
    peer.serve(garbage, |command| command == "api show channels as json").await;
    assert!(!peer.sent_a_notify());
    assert_eq!(office.wanted().len(), 2);
    drop(peer);
    let mut peer = Scripted::accept(&listener).await;
    peer.serve(usual, |command| command.contains("check-sync")).await;
    until("all is done", || office.wanted().is_empty()).await;
}

#[tokio::test]
async fn a_call_whose_from_names_another_is_the_phones_that_authenticated() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let office = Office::open(&[listener.local_addr().unwrap()]).await;
    office.login(ONE, "1001").await;
    let mut peer = Scripted::accept(&listener).await;
    let spoofed = |question: &str| {
        match question {
        "show channels as json" => "{\"row_count\":1,\"rows\":[{\"uuid\":\"u1\",\"direction\":\"inbound\",\
             \"name\":\"sofia/internal/1001@hotdesk.test\",\"cid_num\":\"1001\",\"presence_id\":\"1001@hotdesk.test\"}]}"
            .into(),
        "uuid_getvar u1 sip_auth_username" => ONE.into(),
        question => usual(question),
    }
    };
    let asked = |command: &str| command.starts_with("api uuid_getvar");
    peer.serve(spoofed, asked).await;
    let waits = until("it waits", || office.is_in_call(ONE));
    tokio::select! {
        () = waits => {}
        () = peer.serve(spoofed, |_| false) => panic!("it left"),
    }
    assert!(!peer.sent_a_notify());
}

#[tokio::test]
async fn a_mailbox_that_cannot_be_counted_does_not_keep_a_phone_from_its_resync() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let office = Office::open(&[listener.local_addr().unwrap()]).await;
    office.login(ONE, "1001").await;
    let mut peer = Scripted::accept(&listener).await;
    let no_voicemail = |question: &str| match question {
        question if question.starts_with("vm_boxcount") => "-ERR No such profile\n".into(),
        question => usual(question),
    };
    peer.serve(no_voicemail, |command| command.contains("check-sync")).await;
    until("all is done", || office.wanted().is_empty()).await;
    let notifies: Vec<_> =
        peer.asked.iter().filter(|command| command.starts_with("sendevent")).collect();
    assert_eq!(notifies.len(), 1, "no lamp is set to a number that nobody knows");
    let phone: Mac = ONE.parse().unwrap();
    assert!(notifies[0].contains(&format!("user: {phone}")));
}
