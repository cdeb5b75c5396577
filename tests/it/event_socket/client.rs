//! The connection that we make, with FreeSWITCH played.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotdeskd::event_socket::{
    Api, Backoff, Client, ClientSettings, CommandError, ConnectError, Disconnected, Events,
    EventsError, SendEvent, Subscription, TextError, WireText, connect, lasting,
};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::peer::{self, GOODBYE, OK, Peer, timed};

const ASK: &str = "Content-Type: auth/request\n\n";
const ACCEPTED: &str = "Content-Type: command/reply\nReply-Text: +OK accepted\n\n";
const INVALID: &str = "Content-Type: command/reply\nReply-Text: -ERR invalid\n\n";
const REJECTION: &str =
    "Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n";

fn password() -> SecretString {
    SecretString::from("ClueCon")
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// FreeSWITCH's side of a log-in that succeeds.
async fn let_in(listener: &TcpListener) -> Peer {
    let mut peer = Peer::new(listener.accept().await.unwrap().0);
    peer.say(ASK).await;
    assert_eq!(peer.hear().await.unwrap().head, "auth ClueCon");
    peer.say(ACCEPTED).await;
    peer
}

async fn connected_with(settings: ClientSettings) -> (Peer, Client, Events) {
    let (listener, address) = listen().await;
    let password = password();
    let (peer, client) = tokio::join!(let_in(&listener), connect(address, &password, settings));
    let (client, events) = client.unwrap();
    (peer, client, events)
}

async fn connected() -> (Peer, Client, Events) {
    connected_with(ClientSettings::default()).await
}

fn numbered(n: usize) -> String {
    peer::event(&format!("Event-Name: HEARTBEAT\nnumber: {n}\n\n"))
}

fn number(message: &hotdeskd::event_socket::Message) -> usize {
    message.field("number").unwrap().text().parse().unwrap()
}

#[tokio::test]
async fn each_way_of_not_getting_in_is_told_apart() {
    type IsRight = fn(&ConnectError) -> bool;
    let ways: [(&str, &str, IsRight); 7] = [
        (REJECTION, "", |error| *error == ConnectError::Rejected),
        (ASK, INVALID, |error| *error == ConnectError::Password),
        (ASK, GOODBYE, |error| *error == ConnectError::Disconnected(Disconnected::Notice)),
        (ASK, "", |error| matches!(error, ConnectError::Disconnected(_))),
        ("", "", |error| matches!(error, ConnectError::Disconnected(_))),
        ("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", "", |error| {
            *error == ConnectError::NotFreeSwitch
        }),
        ("Content-Length: x\n\n", "", |error| {
            matches!(error, ConnectError::Disconnected(Disconnected::Garbled { .. }))
        }),
    ];
    for (greeting, answer, is_right) in ways {
        timed(async {
            let (listener, address) = listen().await;
            let freeswitch = async {
                let mut peer = Peer::new(listener.accept().await.unwrap().0);
                peer.say(greeting).await;
                if greeting == ASK {
                    peer.hear().await.unwrap();
                    peer.say(answer).await;
                }
                if greeting == REJECTION {
                    peer.closed().await;
                }
            };
            let password = password();
            let (result, ()) =
                tokio::join!(connect(address, &password, ClientSettings::default()), freeswitch);
            let error = result.unwrap_err();
            assert!(is_right(&error), "{greeting:?} {answer:?}: {error}");
            assert!(!format!("{error:?} {error}").contains("ClueCon"));
        })
        .await;
    }
}

#[tokio::test]
async fn nobody_there_silence_and_a_password_that_cannot_be_sent() {
    timed(async {
        let (listener, address) = listen().await;
        let settings = ClientSettings {
            connect_deadline: Duration::from_millis(100),
            ..ClientSettings::default()
        };
        assert_eq!(
            connect(address, &password(), settings.clone()).await.unwrap_err(),
            ConnectError::Deadline
        );
        let bad = SecretString::from("Clue\n\nexit");
        assert_eq!(
            connect(address, &bad, settings.clone()).await.unwrap_err(),
            ConnectError::Text(TextError::Password)
        );
        drop(listener);
        let error = connect(address, &password(), settings).await.unwrap_err();
        assert!(matches!(error, ConnectError::Connect { .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn commands_are_pipelined_and_answered_in_order() {
    timed(async {
        let (mut peer, client, _events) = connected().await;
        let notify = SendEvent::new("NOTIFY")
            .header("profile", WireText::parse("internal").unwrap())
            .body("Messages-Waiting: yes\r\n");
        let freeswitch = async {
            let mut heard = Vec::new();
            for _ in 0..4 {
                heard.push(peer.hear().await.unwrap());
            }
            assert_eq!(heard[0].head, "api status");
            assert_eq!(heard[1].head, "event plain CHANNEL_CREATE CUSTOM sofia::register");
            assert_eq!(heard[2].head, "sendevent NOTIFY\nprofile: internal\ncontent-length: 23");
            assert_eq!(heard[2].body, "Messages-Waiting: yes\r\n");
            peer.say(&peer::api("UP")).await;
            peer.say("Content-Type: command/reply\nReply-Text: -ERR no\n\n").await;
            peer.say("Content-Type: command/reply\nReply-Text: +OK 8b5a69b2-b79d-4a28-9379-2f8b0048901e\n\n").await;
            peer.say(&peer::api("-ERR nothing")).await;
        };
        let subscription = Subscription::events(&["CHANNEL_CREATE"]).custom(&["sofia::register"]);
        let (up, refused, sent, nothing, ()) = tokio::join!(
            client.api(Api::new("status")),
            client.subscribe(subscription),
            client.send_event(notify),
            client.api(Api::new("nothing")),
            freeswitch
        );
        assert_eq!(up.unwrap().text(), "UP");
        assert_eq!(refused.unwrap_err(), CommandError::Refused { reply: "-ERR no".to_owned() });
        sent.unwrap();
        assert!(nothing.unwrap().is_error());
    })
    .await;
}

#[tokio::test]
async fn jobs_of_ours_are_answered_and_those_of_others_are_events() {
    timed(async {
        let (mut peer, client, mut events) = connected().await;
        let freeswitch = async {
            assert_eq!(peer.hear().await.unwrap().head, "event plain BACKGROUND_JOB");
            let job = peer.hear().await.unwrap().uuid().to_owned();
            let done = |id: &str| {
                peer::event(&format!(
                    "Event-Name: BACKGROUND_JOB\nJob-UUID: {id}\nContent-Length: 3\n\n+OK"
                ))
            };
            peer.say(&format!(
                "{OK}{OK}{}{}",
                done("8b5a69b2-b79d-4a28-9379-2f8b0048901e"),
                done(&job)
            ))
            .await;
        };
        let (answer, ()) =
            tokio::join!(client.bgapi(Api::new("reloadxml"), Duration::from_secs(20)), freeswitch);
        assert_eq!(answer.unwrap().text(), "+OK");
        let other = events.next().await.unwrap();
        assert_eq!(other.field("Job-UUID").unwrap().text(), "8b5a69b2-b79d-4a28-9379-2f8b0048901e");
    })
    .await;
}

#[tokio::test]
async fn what_comes_together_with_the_end_of_the_log_in_is_not_forgotten() {
    timed(async {
        let (listener, address) = listen().await;
        let freeswitch = async {
            let mut peer = Peer::new(listener.accept().await.unwrap().0);
            peer.say(ASK).await;
            peer.hear().await.unwrap();
            peer.say(&format!("{ACCEPTED}{}", numbered(7))).await;
            peer
        };
        let password = password();
        let (client, _peer) =
            tokio::join!(connect(address, &password, ClientSettings::default()), freeswitch);
        let (_client, mut events) = client.unwrap();
        assert_eq!(number(&events.next().await.unwrap()), 7);
    })
    .await;
}

#[tokio::test]
async fn events_come_in_order_and_before_the_end() {
    timed(async {
        let (mut peer, client, mut events) = connected().await;
        for n in 0..100 {
            peer.say(&numbered(n)).await;
        }
        peer.say(GOODBYE).await;
        assert_eq!(client.closed().await, Disconnected::Notice);
        for n in 0..100 {
            assert_eq!(number(&events.next().await.unwrap()), n);
        }
        for _ in 0..2 {
            assert_eq!(
                events.next().await.unwrap_err(),
                EventsError::Disconnected(Disconnected::Notice)
            );
        }
        assert!(client.is_closed());
        let error = client.api(Api::new("status")).await.unwrap_err();
        assert_eq!(error, CommandError::Disconnected(Disconnected::Notice));
    })
    .await;
}

#[tokio::test]
async fn events_that_nobody_fetches_are_lost_loudly_and_hold_up_no_command() {
    for settings in [
        ClientSettings { most_events: 10, ..ClientSettings::default() },
        ClientSettings { most_event_bytes: 1_000, ..ClientSettings::default() },
    ] {
        timed(async {
            let (mut peer, client, mut events) = connected_with(settings).await;
            for n in 0..1_000 {
                peer.say(&numbered(n)).await;
            }
            let freeswitch = async {
                peer.hear().await.unwrap();
                peer.say(&peer::api("UP")).await;
            };
            let (answer, ()) = tokio::join!(client.api(Api::new("status")), freeswitch);
            assert_eq!(answer.unwrap().text(), "UP");
            let EventsError::Lost { count } = events.next().await.unwrap_err() else {
                panic!("nothing was lost")
            };
            let mut next = usize::try_from(count).unwrap();
            assert!(next > 900, "{next}");
            while next < 1_000 {
                assert_eq!(
                    number(&events.next().await.unwrap()),
                    next,
                    "what comes after the hole is whole"
                );
                next += 1;
            }
            peer.say(&numbered(1_000)).await;
            assert_eq!(number(&events.next().await.unwrap()), 1_000);
        })
        .await;
    }
}

#[tokio::test]
async fn what_waits_fails_when_freeswitch_is_killed() {
    timed(async {
        let (mut peer, client, mut events) = connected().await;
        let freeswitch = async move {
            for _ in 0..3 {
                peer.hear().await.unwrap();
            }
            drop(peer);
        };
        let (api, job, event, ()) = tokio::join!(
            client.api(Api::new("status")),
            client.bgapi(Api::new("status"), Duration::from_secs(20)),
            events.next(),
            freeswitch
        );
        assert!(matches!(api.unwrap_err(), CommandError::Disconnected(_)));
        assert!(matches!(job.unwrap_err(), CommandError::Disconnected(_)));
        assert!(matches!(event.unwrap_err(), EventsError::Disconnected(_)));
    })
    .await;
}

#[tokio::test]
async fn the_last_client_says_exit_and_events_alone_hold_nothing_open() {
    timed(async {
        let (mut peer, client, mut events) = connected().await;
        let other = client.clone();
        drop(client);
        assert!(!other.is_closed());
        drop(other);
        assert_eq!(peer.hear().await.unwrap().head, "exit");
        peer.say(&format!("{OK}{GOODBYE}")).await;
        assert!(matches!(events.next().await.unwrap_err(), EventsError::Disconnected(_)));
        assert!(peer.hear().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn dropped_events_are_passed_over() {
    timed(async {
        let (mut peer, client, events) =
            connected_with(ClientSettings { most_events: 1, ..ClientSettings::default() }).await;
        drop(events);
        for n in 0..100 {
            peer.say(&numbered(n)).await;
        }
        let freeswitch = async {
            peer.hear().await.unwrap();
            peer.say(&peer::api("UP")).await;
        };
        let (answer, ()) = tokio::join!(client.api(Api::new("status")), freeswitch);
        assert!(answer.is_ok());
    })
    .await;
}

#[tokio::test]
async fn too_many_commands_are_refused_here_and_not_sent() {
    timed(async {
        let (mut peer, client, _events) = connected().await;
        let mut waiting: Vec<_> =
            (0..257).map(|_| Box::pin(client.api(Api::new("status")))).collect();
        // Polled once each: in line, or refused.
        let mut refused = 0;
        for api in &mut waiting {
            tokio::select! {
                biased;
                answer = api => {
                    assert_eq!(answer.unwrap_err(), CommandError::TooMany);
                    refused += 1;
                }
                () = std::future::ready(()) => {}
            }
        }
        assert_eq!(refused, 1);
        drop(waiting);
        for _ in 0..256 {
            peer.hear().await.unwrap();
        }
        assert!(peer.is_silent().await);
    })
    .await;
}

#[tokio::test]
async fn a_lasting_connection_comes_back_and_stops_when_told() {
    timed(async {
        let (listener, address) = listen().await;
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let (noted, stopped) = (Arc::clone(&seen), stop.clone());
        let kept = tokio::spawn(async move {
            let backoff = Backoff::new(Duration::from_millis(5), Duration::from_millis(20));
            let (address, password) = (address.to_string(), password());
            lasting(
                &address,
                &password,
                ClientSettings::default(),
                backoff,
                stopped,
                |connected| {
                    noted.lock().unwrap().push(connected.as_ref().err().cloned());
                    async move {
                        if let Ok((client, _events)) = connected {
                            client.closed().await;
                        }
                    }
                },
            )
            .await;
        });
        drop(let_in(&listener).await);
        let mut refusing = Peer::new(listener.accept().await.unwrap().0);
        refusing.say(ASK).await;
        refusing.hear().await.unwrap();
        refusing.say(INVALID).await;
        let mut peer = let_in(&listener).await;
        while seen.lock().unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
        assert_eq!(peer.closed().await, ["exit"], "at the stop the connection is closed");
        kept.await.unwrap();
        assert_eq!(*seen.lock().unwrap(), [None, Some(ConnectError::Password), None]);
    })
    .await;
}
