//! A call, from our side, with FreeSWITCH played from the captures and from worse.

use std::time::Duration;

use hotdeskd::event_socket::{
    Api, Argument, ChannelText, CommandError, Disconnected, Execute, ExecuteError, ServerSettings,
};

use super::peer::{self, CALL, GOODBYE, LINGER, OK, Peer, Server, timed};
use super::wire;

fn hung_up(cause: &str) -> ExecuteError {
    ExecuteError::HungUp { cause: cause.to_owned() }
}

/// An application that nobody takes to end.
fn playback() -> Execute {
    Execute::new("playback").argument("silence_stream://0")
}

#[tokio::test]
async fn the_handshake_is_one_write_and_the_session_knows_its_call() {
    timed(async {
        let mut server = Server::with(ServerSettings {
            linger: Duration::from_secs(5),
            ..ServerSettings::default()
        })
        .await;
        let mut peer = Peer::connect(server.address).await;
        assert_eq!(peer.read_once().await, peer::handshake(5));
        peer.say(&peer::handshake_reply()).await;
        let mut session = server.sessions.recv().await.unwrap();
        assert_eq!(session.unique_id().as_str(), CALL);
        assert_eq!(session.variable("sip_auth_username").as_deref(), Some("0004132a0001"));
        assert_eq!(session.variable("socket_path").as_deref(), Some("hotdesk/11"));
        assert_eq!(session.header("Channel-Destination-Number").as_deref(), Some("*11"));
        assert!(session.connect_reply().is_some() && !session.is_hung_up());
        session.forget_connect_reply();
        assert_eq!(
            (session.variable("socket_path"), session.connect_reply().is_none()),
            (None, true)
        );
    })
    .await;
}

/// Plays a recorded conversation with the ids of today, and drives the session as the recorded daemon did.
async fn replay(name: &str) {
    let conversation = wire::conversation(name);
    let mut server = Server::start().await;
    let (mut peer, session) = server.call().await;
    let first =
        conversation.turns.iter().position(|turn| turn.data.starts_with("sendmsg")).unwrap();
    let turns = &conversation.turns[first..];
    let old_call =
        wire::decode(conversation.reads()).0[0].field("Unique-ID").unwrap().text().into_owned();

    let freeswitch = async {
        let mut ids: Vec<(String, String)> = vec![(old_call, CALL.to_owned())];
        for turn in turns {
            if turn.is_from_freeswitch() {
                let mut text = turn.data.clone();
                for (old, new) in &ids {
                    text = text.replace(old, new);
                }
                if !peer.try_say(&text).await {
                    return ids;
                }
                continue;
            }
            let heard = peer.hear().await.expect("a command");
            let application = |head: &str| {
                head.lines().find(|line| line.starts_with("execute-app-name")).map(str::to_owned)
            };
            assert_eq!(application(&heard.head), application(&turn.data));
            if let Some(id) = heard.header("Event-UUID") {
                let old = turn.data.split_once("Event-UUID: ").unwrap().1.lines().next().unwrap();
                ids.push((old.to_owned(), id.to_owned()));
            } else {
                assert_eq!(heard.head, turn.data.trim_end());
            }
        }
        ids
    };
    let flow = async {
        let mut ends = Vec::new();
        for turn in turns.iter().filter(|turn| !turn.is_from_freeswitch()) {
            if let Some(command) = turn.data.strip_prefix("api ") {
                let (name, argument) = command.trim_end().split_once(' ').unwrap();
                let (name, argument): (&'static str, &'static str) =
                    (name.to_owned().leak(), argument.to_owned().leak());
                ends.push(
                    session
                        .api(Api::new(name).argument(argument))
                        .await
                        .unwrap()
                        .text()
                        .into_owned(),
                );
                continue;
            }
            let (head, rest) = turn.data.split_once("\n\n").unwrap();
            let application: &'static str =
                head.split_once("app-name: ").unwrap().1.lines().next().unwrap().to_owned().leak();
            let argument: &'static str = rest.trim_end_matches('\n').to_owned().leak();
            let end = session
                .execute(Execute::new(application).argument(Argument::literal(argument)))
                .await;
            ends.push(match end {
                Ok(message) => {
                    assert_eq!(message.field("Application").unwrap().text(), application);
                    message.field("Application-Response").unwrap().text().into_owned()
                }
                Err(error) => error.to_string(),
            });
        }
        ends
    };
    let (ids, ends) = tokio::join!(freeswitch, flow);
    assert_eq!(ids.len(), turns.iter().filter(|turn| turn.data.starts_with("sendmsg")).count() + 1);
    heard_then(name, &ends);
}

/// What the recorded daemon heard at each step.
fn heard_then(name: &str, ends: &[String]) {
    let hung_up = "the call was hung up: NORMAL_CLEARING";
    let wanted: &[&str] = match name {
        "lean" => &["_none_", "FILE PLAYED", "_none_", hung_up],
        "login" => &["_none_", "_none_", "_none_", "-OK", "FILE PLAYED", hung_up],
        "badpin" => &["_none_", "_none_", "_none_", "-ERR", "FILE PLAYED", hung_up],
        "transfer" => &["_none_", "_none_", "_none_"],
        _ => unreachable!(),
    };
    assert_eq!(ends, wanted, "{name}");
}

#[tokio::test]
async fn the_recorded_conversations_can_be_had_again() {
    for name in ["lean", "login", "badpin", "transfer"] {
        timed(replay(name)).await;
    }
}

#[tokio::test]
async fn pipelined_applications_end_each_with_its_own_completion() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let started: Vec<_> = (0..5).map(|_| session.start(playback())).collect();
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(peer.hear().await.unwrap().uuid().to_owned());
            peer.say(OK).await;
        }
        assert_eq!(
            ids,
            started.iter().map(|execution| execution.uuid().to_string()).collect::<Vec<_>>()
        );
        // The completion of `socket` itself and of something that is no id belong to nobody.
        peer.say(&peer::complete("a723cf9d-45a9-44f7-ac0e-6d7151a3281f", "socket")).await;
        peer.say(&peer::complete("not-an-id", "x")).await;
        for id in ids.iter().rev() {
            peer.say(&peer::complete(id, "playback")).await;
        }
        for (execution, id) in started.into_iter().zip(&ids) {
            let message = execution.await.unwrap();
            assert_eq!(message.field("Application-UUID").unwrap().text(), id.as_str());
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_application_fails_at_once_and_alone() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let (first, second) = (session.start(playback()), session.start(playback()));
        peer.hear().await.unwrap();
        let id = peer.hear().await.unwrap().uuid().to_owned();
        peer.say("Content-Type: command/reply\nReply-Text: -ERR invalid session id [x]\n\n").await;
        peer.say(OK).await;
        peer.say(&peer::complete(&id, "playback")).await;
        let reply = "-ERR invalid session id [x]".to_owned();
        assert_eq!(first.await.unwrap_err(), ExecuteError::Refused { reply });
        assert!(second.await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_hang_up_ends_everything_that_is_queued_and_the_session_leaves_by_itself() {
    timed(async {
        // So long that a session which waits for the end of the linger would not be back in time.
        let linger = Duration::from_secs(3_600);
        let mut server = Server::with(ServerSettings { linger, ..ServerSettings::default() }).await;
        let (mut peer, session) = server.call().await;
        let running = [session.start(playback()), session.start(playback())];
        peer.hear().await.unwrap();
        peer.hear().await.unwrap();
        peer.say(&format!("{OK}{OK}{}", peer::hangup("CHANNEL_HANGUP", "ORIGINATOR_CANCEL"))).await;
        for execution in running {
            assert_eq!(execution.await.unwrap_err(), hung_up("ORIGINATOR_CANCEL"));
        }
        session.hung_up().await;
        assert!(session.is_hung_up());
        assert_eq!(session.execute(playback()).await.unwrap_err(), hung_up("ORIGINATOR_CANCEL"));
        assert!(peer.is_silent().await, "an application after the hang-up is not sent");
        peer.say(&peer::hangup("CHANNEL_HANGUP_COMPLETE", "ORIGINATOR_CANCEL")).await;
        assert_eq!(peer.hear().await.unwrap().head, "exit");
        peer.say(&format!("Content-Type: command/reply\nReply-Text: +OK bye\n\n{GOODBYE}")).await;
        assert!(peer.closed().await.is_empty());
        let error = session.api(Api::new("status")).await.unwrap_err();
        assert!(matches!(error, CommandError::Disconnected(_)), "{error}");
        assert_eq!(session.execute(playback()).await.unwrap_err(), hung_up("ORIGINATOR_CANCEL"));
    })
    .await;
}

#[tokio::test]
async fn the_notice_may_come_before_the_hang_up_and_the_hang_up_may_be_lost() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let execution = session.start(playback());
        peer.hear().await.unwrap();
        peer.say(&format!("{OK}{LINGER}{}", peer::hangup("CHANNEL_HANGUP", "NORMAL_CLEARING")))
            .await;
        assert_eq!(execution.await.unwrap_err(), hung_up("NORMAL_CLEARING"));
        assert_eq!(peer.closed().await, ["exit"], "we go although HANGUP_COMPLETE never comes");

        let (mut peer, session) = server.call().await;
        let execution = session.start(playback());
        peer.hear().await.unwrap();
        peer.say(&format!("{OK}{LINGER}")).await;
        assert!(matches!(execution.await.unwrap_err(), ExecuteError::Disconnected(_)));
        assert!(session.is_hung_up());
    })
    .await;
}

#[tokio::test]
async fn the_hang_up_of_another_leg_is_not_ours() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let execution = session.start(playback());
        let id = peer.hear().await.unwrap().uuid().to_owned();
        let other = peer::hangup("CHANNEL_HANGUP", "NORMAL_CLEARING")
            .replace(CALL, "b3b4797e-44b6-4e9c-b4b3-1ad396fa1468");
        peer.say(&format!("{OK}{other}{}", peer::complete(&id, "playback"))).await;
        assert!(execution.await.is_ok());
        assert!(!session.is_hung_up());
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_ends_fails_every_waiter() {
    for ending in ["", GOODBYE, "garbage that is no mess", "Content-Length: x\n\n"] {
        timed(async {
            let mut server = Server::start().await;
            let (mut peer, session) = server.call().await;
            let execution = session.start(playback());
            peer.hear().await.unwrap();
            peer.say(OK).await;
            let (api, job) = (
                session.api(Api::new("status")),
                session.bgapi(Api::new("status"), Duration::from_secs(20)),
            );
            let peer = async move {
                peer.hear().await.unwrap();
                let command = peer.hear().await.unwrap();
                assert_eq!(command.head, "event plain BACKGROUND_JOB");
                peer.hear().await.unwrap();
                peer.say(ending).await;
                drop(peer);
            };
            let (api, job, ()) = tokio::join!(api, job, peer);
            assert!(matches!(api.unwrap_err(), CommandError::Disconnected(_)), "{ending}");
            assert!(matches!(job.unwrap_err(), CommandError::Disconnected(_)), "{ending}");
            let error = execution.await.unwrap_err();
            assert!(matches!(error, ExecuteError::Disconnected(_)), "{ending}: {error}");
            session.hung_up().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_not_the_pairing() {
    timed(async {
        let mut server = Server::with(ServerSettings {
            api_deadline: Duration::from_millis(50),
            ..ServerSettings::default()
        })
        .await;
        let (mut peer, session) = server.call().await;
        let end = session.execute(playback().within(Duration::from_millis(50))).await;
        assert_eq!(end.unwrap_err(), ExecuteError::Deadline);
        let id = peer.hear().await.unwrap().uuid().to_owned();
        assert_eq!(session.api(Api::new("first")).await.unwrap_err(), CommandError::Deadline);
        // Everything comes late.
        peer.say(&format!("{OK}{}{}", peer::complete(&id, "playback"), peer::api("first"))).await;
        peer.hear().await.unwrap();
        let freeswitch = async {
            assert_eq!(peer.hear().await.unwrap().head, "api second");
            peer.say(&peer::api("second")).await;
        };
        let (answer, ()) = tokio::join!(session.api(Api::new("second")), freeswitch);
        assert_eq!(answer.unwrap().text(), "second");
    })
    .await;
}

#[tokio::test]
async fn dropped_futures_never_shift_replies() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let freeswitch = tokio::spawn(async move {
            let mut answered = 0;
            while let Some(heard) = peer.hear().await {
                if let Some(command) = heard.head.strip_prefix("api ") {
                    peer.say(&peer::api(command)).await;
                } else if heard.head.starts_with("sendmsg") {
                    peer.say(&format!(
                        "{OK}{}",
                        peer::complete(heard.uuid(), heard.header("execute-app-arg").unwrap())
                    ))
                    .await;
                } else {
                    assert_eq!(heard.head, "exit");
                    break;
                }
                answered += 1;
            }
            answered
        });
        for round in 0..300u64 {
            // Some are dropped before they are ever polled, some while they wait, some never.
            let execution = session.start(Execute::new("x").argument(Argument::number(round)));
            let api = session.api(Api::new("echo").argument(Argument::number(round)));
            match round % 5 {
                0 => drop(execution),
                1 => {
                    tokio::select! {
                        biased;
                        _ = execution => {}
                        () = tokio::task::yield_now() => {}
                    }
                }
                _ => {
                    let message = execution.await.unwrap();
                    assert_eq!(message.field("Application").unwrap().text(), round.to_string());
                }
            }
            if round % 3 == 0 {
                tokio::select! {
                    biased;
                    _ = api => {}
                    () = tokio::task::yield_now() => {}
                }
            } else {
                assert_eq!(api.await.unwrap().text(), format!("echo {round}"));
            }
        }
        session.exit().await;
        assert_eq!(freeswitch.await.unwrap(), 600, "every command was sent and answered");
    })
    .await;
}

#[tokio::test]
async fn at_most_64_applications_are_queued_dropped_ones_included() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let mut started: Vec<_> = (0..64).map(|_| session.start(playback())).collect();
        started.truncate(10);
        assert_eq!(session.execute(playback()).await.unwrap_err(), ExecuteError::TooMany);
        let mut first = String::new();
        for n in 0..64 {
            let heard = peer.hear().await.unwrap();
            if n == 0 {
                first = heard.uuid().to_owned();
            }
        }
        assert!(peer.is_silent().await, "the 65th was not sent");
        peer.say(&format!("{}{}", OK.repeat(64), peer::complete(&first, "playback"))).await;
        assert!(started.remove(0).await.is_ok());
        let another = session.start(playback());
        let id = peer.hear().await.unwrap().uuid().to_owned();
        peer.say(&format!("{OK}{}", peer::complete(&id, "playback"))).await;
        assert!(another.await.is_ok(), "a completion makes room");
    })
    .await;
}

#[tokio::test]
async fn loops_end_with_their_last_round() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let numbered = |id: &str, n: u32| {
            peer::event(&format!(
                "Event-Name: CHANNEL_EXECUTE_COMPLETE\nUnique-ID: {CALL}\nApplication-UUID: {id}\nApplication: {n}\n\n"
            ))
        };
        let three = session.start(playback().loops(3));
        let heard = peer.hear().await.unwrap();
        assert_eq!(heard.header("loops"), Some("3"));
        let id = heard.uuid().to_owned();
        peer.say(&format!("{OK}{}{}{}", numbered(&id, 1), numbered(&id, 2), numbered(&id, 3))).await;
        assert_eq!(three.await.unwrap().field("Application").unwrap().raw(), b"3");

        // FreeSWITCH stops a loop early; what ends behind it tells.
        let (stopped, next) = (session.start(playback().loops(3)), session.start(playback()));
        let stopped_id = peer.hear().await.unwrap().uuid().to_owned();
        let next_id = peer.hear().await.unwrap().uuid().to_owned();
        peer.say(&format!("{OK}{OK}{}{}", numbered(&stopped_id, 1), numbered(&next_id, 7))).await;
        assert_eq!(stopped.await.unwrap().field("Application").unwrap().raw(), b"1");
        assert_eq!(next.await.unwrap().field("Application").unwrap().raw(), b"7");

        // Or the deadline does.
        let alone = session.start(playback().loops(3).within(Duration::from_millis(200)));
        let id = peer.hear().await.unwrap().uuid().to_owned();
        peer.say(&format!("{OK}{}", numbered(&id, 2))).await;
        assert_eq!(alone.await.unwrap().field("Application").unwrap().raw(), b"2");
    })
    .await;
}

#[tokio::test]
async fn background_jobs_find_their_answers() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let job = |api: &'static str| session.bgapi(Api::new(api), Duration::from_secs(20));
        let freeswitch = async {
            assert_eq!(peer.hear().await.unwrap().head, "event plain BACKGROUND_JOB");
            let first = peer.hear().await.unwrap();
            assert!(first.head.starts_with("bgapi first\nJob-UUID: "));
            let second = peer.hear().await.unwrap();
            assert!(second.head.starts_with("bgapi second\n"), "subscribed once: {}", second.head);
            let third = peer.hear().await.unwrap();
            let done = |id: &str, body: &str| {
                peer::event(&format!(
                    "Event-Name: BACKGROUND_JOB\nJob-UUID: {id}\nContent-Length: {}\n\n{body}",
                    body.len()
                ))
            };
            let refused = "Content-Type: command/reply\nReply-Text: -ERR no\n\n";
            peer.say(&format!("{OK}{OK}{OK}{refused}")).await;
            peer.say(&done("8b5a69b2-b79d-4a28-9379-2f8b0048901e", "somebody else's")).await;
            peer.say(&done(second.uuid(), "+OK two\n\nlines")).await;
            peer.say(&done(first.uuid(), "-ERR one")).await;
            peer.say(&done(third.uuid(), "too late")).await;
        };
        let (first, second, third, ()) =
            tokio::join!(job("first"), job("second"), job("third"), freeswitch);
        assert!(first.as_ref().unwrap().is_error());
        assert_eq!(first.unwrap().text(), "-ERR one");
        assert_eq!(second.unwrap().text(), "+OK two\n\nlines");
        assert!(matches!(third.unwrap_err(), CommandError::Refused { .. }));
    })
    .await;
}

#[tokio::test]
async fn an_api_that_freeswitch_passes_over_shifts_nothing() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let api = session.api(Api::new("status"));
        let freeswitch = async {
            assert_eq!(peer.hear().await.unwrap().head, "api status");
            let execution = session.start(playback());
            let id = peer.hear().await.unwrap().uuid().to_owned();
            peer.say(&format!("{OK}{}", peer::complete(&id, "playback"))).await;
            assert!(execution.await.is_ok());
        };
        let (answer, ()) = tokio::join!(api, freeswitch);
        assert_eq!(answer.unwrap_err(), CommandError::NoAnswer);
        let freeswitch = async {
            peer.hear().await.unwrap();
            peer.say(&peer::api("UP")).await;
        };
        let (answer, ()) = tokio::join!(session.api(Api::new("status")), freeswitch);
        assert_eq!(answer.unwrap().text(), "UP");
    })
    .await;
}

#[tokio::test]
async fn a_reply_of_the_wrong_kind_ends_the_connection_rather_than_reach_somebody_else() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let execution = session.start(playback());
        peer.hear().await.unwrap();
        peer.say(&peer::api("an answer to nothing")).await;
        assert_eq!(
            execution.await.unwrap_err(),
            ExecuteError::Disconnected(Disconnected::Unexpected)
        );
    })
    .await;
}

#[tokio::test]
async fn exit_lets_what_is_queued_run_and_a_dropped_session_leaves() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        drop(session.start(Execute::hangup("NORMAL_CLEARING")));
        let exit = tokio::spawn(session.exit());
        assert_eq!(peer.hear().await.unwrap().header("execute-app-name"), Some("hangup"));
        assert_eq!(peer.hear().await.unwrap().head, "exit");
        peer.say(&format!("{OK}Content-Type: command/reply\nReply-Text: +OK bye\n\n{GOODBYE}"))
            .await;
        exit.await.unwrap();
        assert!(peer.hear().await.is_none());

        let (mut peer, session) = server.call().await;
        drop(session);
        assert_eq!(peer.closed().await, ["exit"], "we close although FreeSWITCH does not");
    })
    .await;
}

#[tokio::test]
async fn a_message_in_crumbs_and_a_large_one_arrive_whole() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let execution = session.start(playback());
        let id = peer.hear().await.unwrap().uuid().to_owned();
        for byte in format!("{OK}{}", peer::complete(&id, "playback")).chars() {
            peer.say(&byte.to_string()).await;
        }
        assert!(execution.await.is_ok());
        let large = "x".repeat(3_000_000);
        let freeswitch = async {
            peer.hear().await.unwrap();
            peer.say(&peer::api(&large)).await;
        };
        let (answer, ()) = tokio::join!(session.api(Api::new("large")), freeswitch);
        assert!(answer.unwrap().text() == large);
    })
    .await;
}

#[tokio::test]
async fn uuid_kill_goes_past_the_queue_with_our_own_id() {
    timed(async {
        let mut server = Server::start().await;
        let (mut peer, session) = server.call().await;
        let freeswitch = async {
            assert_eq!(
                peer.hear().await.unwrap().head,
                format!("api uuid_kill {CALL} CALL_REJECTED")
            );
            peer.say(&peer::api("+OK\n")).await;
            assert_eq!(peer.hear().await.unwrap().head, format!("api uuid_break {CALL}"));
            peer.say(&peer::api("+OK\n")).await;
        };
        let flow = async {
            assert!(!session.kill("CALL_REJECTED").await.unwrap().is_error());
            session.interrupt().await.unwrap();
        };
        tokio::join!(freeswitch, flow);
    })
    .await;
}

#[tokio::test]
async fn a_freeswitch_that_does_not_read_is_given_up_and_no_memory_is_heaped_up_for_it() {
    timed(async {
        let mut server = Server::start().await;
        let (_peer, session) = server.call().await;
        let text = ChannelText::parse(&"x".repeat(1024)).unwrap();
        let mut large = Argument::literal("");
        for _ in 0..900 {
            large = large.then_text(&text);
        }
        // From here on time passes by itself whenever everybody only waits.
        tokio::time::pause();
        let mut sent = 0;
        let refused = loop {
            let execution = session.start(
                Execute::new("log").argument(large.clone()).within(Duration::from_secs(3_600)),
            );
            let mut execution = Box::pin(execution);
            tokio::select! {
                biased;
                end = &mut execution => break end.unwrap_err(),
                () = tokio::time::sleep(Duration::from_millis(1)) => sent += 1,
            }
        };
        assert_eq!(refused, ExecuteError::TooMany);
        assert!(sent < 64, "what is refused is the amount, not the number");
        session.hung_up().await;
        let error = session.api(Api::new("status")).await.unwrap_err();
        assert_eq!(error, CommandError::Disconnected(Disconnected::Stalled));
    })
    .await;
}
