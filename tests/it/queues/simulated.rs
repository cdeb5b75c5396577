//! The simulator's mod_callcenter, held against what a running FreeSWITCH answered.

use std::time::Duration;

use hotdeskd::simulator::*;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support;

/// The configuration of the FreeSWITCH whose answers were recorded.
const RECORDED: &str = r#"<configuration name="callcenter.conf"><queues>
<queue name="sales@hotdesk.test"><param name="strategy" value="longest-idle-agent"/>
<param name="moh-sound" value="silence_stream://-1"/></queue></queues>
<agents><agent name="1001@hotdesk.test" type="callback" contact="[leg_timeout=10]user/1001@hotdesk.test"
 status="Available" max-no-answer="3" wrap-up-time="1" reject-delay-time="1" busy-delay-time="1"/></agents>
<tiers><tier agent="1001@hotdesk.test" queue="sales@hotdesk.test" level="1" position="1"/></tiers>
</configuration>"#;

async fn freeswitch(change: impl FnOnce(&mut Settings)) -> FreeSwitch {
    support::install_tls();
    let mut settings = Settings::new("hotdesk.test".parse().unwrap());
    settings.ticks = false;
    settings.static_configuration = Some(StaticDirectory::new(|| Some(RECORDED.to_owned())));
    change(&mut settings);
    FreeSwitch::start(settings, TcpListener::bind("127.0.0.1:0").await.unwrap())
}

/// An answer without what is of the moment in a list of agents: when something last happened.
fn timeless(answer: &str) -> String {
    let time = |cell: &str| cell.len() <= 10 && cell.parse::<u64>().is_ok();
    let cells = answer.split('|').enumerate();
    // Behind the names of the columns.
    let kept = cells.map(|(at, cell)| if at > 20 && time(cell) { "?" } else { cell });
    kept.collect::<Vec<_>>().join("|")
}

#[tokio::test]
async fn recorded_answers_come_out_the_same() {
    let freeswitch = freeswitch(|_| {}).await;
    let unknown = freeswitch.api("callcenter_config queue list").await;
    assert_eq!(unknown, "-ERR callcenter_config Command not found!\n");
    assert!(freeswitch.api("load mod_callcenter").await.ends_with("\n+OK\n"));
    let text = include_str!("../../fixtures/freeswitch/api/answers.jsonl");
    let mut compared = 0;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (command, recorded) = (line["api"].as_str().unwrap(), line["answer"].as_str().unwrap());
        if !command.starts_with("callcenter_config ") {
            continue;
        }
        let answer = freeswitch.api(command).await;
        if command.contains("agent list") || command.contains("list agents") {
            assert_eq!(timeless(&answer), timeless(recorded), "{command}");
        } else {
            assert_eq!(answer, recorded, "{command}");
        }
        compared += 1;
    }
    assert!(compared > 40, "only {compared} compared");
}

#[tokio::test]
async fn without_an_answer_for_its_configuration_the_module_does_not_load() {
    let freeswitch = freeswitch(|settings| settings.static_configuration = None).await;
    let answer = freeswitch.api("load mod_callcenter").await;
    assert!(answer.ends_with("-ERR [module load file routine returned an error]\n"), "{answer}");
}

/// A FreeSWITCH whose agent sits at a registered softphone.
async fn staffed(change: impl FnOnce(&mut Settings)) -> FreeSwitch {
    let domain = r#"<domain name="hotdesk.test"><groups><group name="g"><users><user id="1001"><params>
        <param name="password" value="secret"/>
        <param name="dial-string" value="${sofia_contact(*/1001@hotdesk.test)}"/>
        </params></user></users></group></groups></domain>"#;
    let freeswitch = freeswitch(|settings| {
        settings.static_directory = Some(StaticDirectory::new(move || Some(domain.to_owned())));
        settings.dialplan = Some(Dialplan::new(|context, number| {
            let action = |name: &str, data: &str| (name.to_owned(), data.to_owned());
            (context == "queues").then(|| {
                vec![
                    action("callcenter", &format!("{number}@hotdesk.test")),
                    action("hangup", "NO_ANSWER"),
                ]
            })
        }));
        change(settings);
    })
    .await;
    freeswitch.api("load mod_callcenter").await;
    freeswitch.register(&Phone::new("1001", "secret".to_owned().into())).await.unwrap();
    freeswitch
}

/// A caller whose call goes to the queue at once.
fn caller(freeswitch: &FreeSwitch) -> Call {
    let nobody = support::free_address();
    let setup = CallSetup::new("trunk", "0800").then("transfer", "sales XML queues");
    freeswitch.socket_call(&format!("{nobody}/x async full"), setup)
}

#[tokio::test]
async fn an_available_agent_is_offered_the_call_and_picks_up() {
    let freeswitch = staffed(|_| {}).await;
    let mut call = caller(&freeswitch);
    support::until("it rings", async || !freeswitch.offers().is_empty()).await;
    let offer = freeswitch.offers().remove(0);
    assert_eq!(
        (offer.agent.as_str(), offer.phones),
        ("1001@hotdesk.test", vec!["1001".to_owned()])
    );
    let state = freeswitch.api("callcenter_config agent get state 1001@hotdesk.test").await;
    assert_eq!(state, "Receiving");
    assert!(freeswitch.pick_up("1001@hotdesk.test"));
    let bridged = Heard::Bridged { agent: "1001@hotdesk.test".into() };
    while call.heard().await.expect("the agent") != bridged {}
    let members = freeswitch.api("callcenter_config queue list members sales@hotdesk.test").await;
    assert!(members.contains("|1001@hotdesk.test||Answered|"), "{members}");
    call.hang_up();
    call.until_end().await;
    let state = freeswitch.api("callcenter_config agent get state 1001@hotdesk.test").await;
    assert_eq!(state, "Waiting");
    assert!(freeswitch.api("callcenter_config queue list").await.contains("||1|0|0|true"));
}

#[tokio::test]
async fn a_status_that_is_not_available_ends_a_ringing_offer_and_the_limit_ends_the_wait() {
    let freeswitch = staffed(|settings| {
        let limited = RECORDED.replace(
            "</queue>",
            "<param name=\"max-wait-time-with-no-agent\" value=\"1\"/></queue>",
        );
        settings.static_configuration = Some(StaticDirectory::new(move || Some(limited.clone())));
        settings.longest_call = Duration::from_secs(20);
    })
    .await;
    let mut call = caller(&freeswitch);
    support::until("it rings", async || !freeswitch.offers().is_empty()).await;
    freeswitch.api("callcenter_config agent set status 1001@hotdesk.test 'Logged Out'").await;
    let heard = call.until_end().await;
    assert_eq!(heard.last(), Some(&Heard::HungUp { cause: "NO_ANSWER".into() }), "{heard:?}");
    assert!(freeswitch.offers().is_empty());
    assert!(!freeswitch.pick_up("1001@hotdesk.test"));
}
