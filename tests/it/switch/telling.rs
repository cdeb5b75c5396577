//! Who is told what, and when.

use hotdeskd::model::Attempts;
use jiff::SignedDuration;

use super::*;

#[tokio::test]
async fn a_login_reaches_that_phone_and_no_other() {
    let (freeswitch, address) = freeswitch().await;
    freeswitch.set_mailbox("1001", 2, 1);
    let call_id = register(&freeswitch, ONE).await;
    register(&freeswitch, TWO).await;
    let office = Office::open(&[address]).await;
    office.login(ONE, "1001").await;
    until("all is done", || office.wanted().is_empty()).await;
    let told = ours(&freeswitch);
    let notify = |event: &str, body: &str| Notify {
        user: ONE.into(),
        call_id: call_id.clone(),
        event: event.into(),
        content_type: "application/simple-message-summary".into(),
        body: body.into(),
        origin: Origin::SendEvent,
    };
    let lamp = "Messages-Waiting: yes\r\nMessage-Account: sip:1001@hotdesk.test\r\nVoice-Message: 2/1 (0/0)\r\n";
    assert_eq!(told, [notify("message-summary", lamp), notify("check-sync;reboot=false", "")]);
    assert!(office.switch.status().pending.is_empty());

    let now = Timestamp::now();
    office.desk.log_out(ONE.parse().unwrap(), None, now, Actor::Command).await.unwrap();
    until("the lamp is dark", || ours(&freeswitch).len() == 4).await;
    let dark = format!(
        "Messages-Waiting: no\r\nMessage-Account: sip:{ONE}@hotdesk.test\r\nVoice-Message: 0/0 (0/0)\r\n"
    );
    assert_eq!(ours(&freeswitch)[2], notify("message-summary", &dark));
}

#[tokio::test]
async fn a_phone_in_a_call_is_told_when_the_call_is_over() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    register(&freeswitch, TWO).await;
    let (before, _stream) = call(&freeswitch, ONE).await;
    let office = Office::open(&[address]).await;
    office.login(ONE, "1001").await;
    office.desk.restart(ONE.parse().unwrap(), Timestamp::now(), Actor::Command).await.unwrap();
    until("it waits", || office.is_in_call(ONE)).await;
    // Another call begins while the room listens, so that there is one that it saw on connecting and one that it heard.
    let (after, _stream) = call(&freeswitch, ONE).await;
    before.hang_up();
    until("the first call is over", || office.switch.status().nodes[0].channels == 1).await;
    // By the time that the other phone is told, this one would have been.
    office.login(TWO, "1002").await;
    until("the other phone is told", || {
        told(&freeswitch).contains(&pair(TWO, "check-sync;reboot=false"))
    })
    .await;
    assert!(told(&freeswitch).iter().all(|(phone, _)| phone == TWO));
    assert!(office.is_in_call(ONE));
    after.hang_up();
    until("all is done", || office.wanted().is_empty()).await;
    let told: Vec<_> = told(&freeswitch).into_iter().filter(|(phone, _)| phone == ONE).collect();
    // The restart fetches the configuration too.
    assert_eq!(told, [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=true")]);
}

#[tokio::test]
async fn a_phone_that_is_away_is_told_when_it_registers() {
    let (freeswitch, address) = freeswitch().await;
    let office = Office::open(&[address]).await;
    office.login(ONE, "1001").await;
    until("it waits", || office.waits(ONE, Waiting::Unregistered)).await;
    register(&freeswitch, ONE).await;
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(
        told(&freeswitch),
        [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=false")]
    );
    assert_eq!(office.switch.registrations(ONE.parse().unwrap()).len(), 1);
    freeswitch.expire(ONE);
    until("it is away again", || office.switch.registrations(ONE.parse().unwrap()).is_empty())
        .await;
}

#[tokio::test]
async fn what_was_wanted_before_the_start_is_done_after_it() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = Office::open(&[]).await;
    office.login(ONE, "1001").await;
    until("it waits", || office.waits(ONE, Waiting::Unregistered)).await;
    let office = office.again(&[address], Arc::new(CheckSync)).await;
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(
        told(&freeswitch),
        [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=false")]
    );
}

#[tokio::test]
async fn freeswitch_goes_and_comes_back() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = Office::open(&[address]).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    let node = office.switch.status().nodes.remove(0);
    assert_eq!(node.registrations, 1);
    assert!(node.version.unwrap().starts_with("FreeSWITCH Version 1.11"));
    freeswitch.stop().await;
    until("gone", || office.switch.status().nodes[0].connected.is_none()).await;
    assert_eq!(office.switch.status().nodes[0].registrations, 0, "nothing is believed of it now");
    assert!(office.switch.status().nodes[0].trouble.is_some());
    office.login(ONE, "1001").await;
    until("it waits", || office.waits(ONE, Waiting::Unregistered)).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let freeswitch = FreeSwitch::start(simulated(), listener);
    register(&freeswitch, ONE).await;
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(
        told(&freeswitch),
        [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=false")]
    );
}

#[tokio::test]
async fn a_call_at_one_node_protects_the_phone_at_the_other() {
    let (one, first) = freeswitch().await;
    let (two, second) = freeswitch().await;
    register(&one, ONE).await;
    let (busy, _stream) = call(&two, ONE).await;
    let office = Office::open(&[first, second]).await;
    until("connected", || office.switch.status().nodes.iter().all(|node| node.connected.is_some()))
        .await;
    office.login(ONE, "1001").await;
    until("it waits", || office.is_in_call(ONE)).await;
    assert_eq!(told(&one), []);
    busy.hang_up();
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(told(&one).len(), 2);
    assert_eq!(told(&two), []);
}

#[tokio::test]
async fn a_restart_that_comes_too_late_and_a_phone_that_is_no_more_are_given_up() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = Office::open(&[address]).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    let row = |kind, target: &str| Wanted {
        kind,
        target: target.into(),
        value: "asked".into(),
        since: Timestamp::now(),
        expires: None,
        attempts: Attempts::default(),
    };
    let late = Timestamp::now() - SignedDuration::from_secs(1);
    office.want(Wanted { expires: Some(late), ..row(WantedKind::Restart, ONE) }).await;
    office.want(row(WantedKind::Resync, "0004132a0009")).await;
    // A happening wakes the room.
    office.login(ONE, "1001").await;
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(
        told(&freeswitch),
        [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=false")]
    );
}
