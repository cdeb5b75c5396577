//! Teams come, change and go, FreeSWITCH restarts, its module is missing: the queues follow, and nobody else's are touched.

use hotdeskd::simulator::CallSetup;

use super::*;

#[tokio::test]
async fn a_team_that_is_added_has_a_queue_and_one_that_is_removed_has_none() {
    let office = office("").await;
    assert_eq!(config(&office, "queue list").await, "-ERR callcenter_config Command not found!\n");
    join(&office, "1001", &["sales", "help"]).await;
    settled(&office).await;
    assert_eq!(queues(&office).await, ["help@office.test", "sales@office.test"]);
    assert_eq!(serving(&office, "help@office.test").await, [ADA]);
    let agents = config(&office, "agent list").await;
    assert!(agents.contains("|callback|user/1001@office.test|Logged Out|Waiting|3|10|10|60|10|"));
    assert!(config(&office, "queue list").await.contains("|0|10|5||0|0|"));
    // The team is renamed, and somebody joins.
    join(&office, "1001", &["selling"]).await;
    join(&office, "1002", &["selling"]).await;
    settled(&office).await;
    assert_eq!(queues(&office).await, ["selling@office.test"]);
    assert_eq!(serving(&office, "selling@office.test").await, [ADA, GRACE]);
    join(&office, "1001", &[]).await;
    office.delete("users/1002").await;
    settled(&office).await;
    assert_eq!(queues(&office).await, Vec::<String>::new());
    assert_eq!(config(&office, "agent list").await, "+OK\n");
    assert_eq!(config(&office, "tier list").await, "+OK\n");
}

#[tokio::test]
async fn without_a_team_freeswitch_is_asked_for_nothing() {
    let office = office("").await;
    office.get("queues").await;
    office.log_in(&office.phone(0), "*111001", crate::support::USERS[0].2).await;
    let log = office.switch.api_log();
    assert!(!log.iter().any(|line| line.starts_with("load")), "{log:?}");
    assert_eq!(changes(&office), Vec::<String>::new());
}

#[tokio::test]
async fn what_somebody_else_made_is_left_alone() {
    let office = office("").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    for command in [
        "agent add 9999@office.test callback",
        "agent set contact 9999@office.test user/9999@office.test",
        "tier add sales@office.test 9999@office.test 3 3",
    ] {
        assert_eq!(config(&office, command).await, "+OK\n", "{command}");
    }
    join(&office, "1002", &["sales"]).await;
    settled(&office).await;
    assert_eq!(serving(&office, "sales@office.test").await, [ADA, GRACE, "9999@office.test"]);
    let nodes = office.get("queues").await;
    let stands = |agent: &str| {
        let agents = nodes[0]["agents"].as_array().unwrap();
        agents.iter().find(|one| one["agent"] == agent).unwrap()["standing"].clone()
    };
    assert_eq!((stands(ADA), stands("9999@office.test")), (json!("same"), json!("foreign")));
    for user in ["1001", "1002"] {
        join(&office, user, &[]).await;
    }
    settled(&office).await;
    let agents = config(&office, "agent list").await;
    assert!(agents.contains("9999@office.test|") && agents.lines().count() == 3, "{agents}");
}

#[tokio::test]
async fn the_names_that_were_ever_ours_outlive_the_daemon() {
    let office = office("").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    office.kill();
    let store = hotdeskd::store::Store::open(&office.config.data).await.unwrap();
    let gone = store.write(async |tx: &mut hotdeskd::store::Tx<'_>| {
        tx.remove_user(&"1001".parse().unwrap(), jiff::Timestamp::now()).await
    });
    gone.await.unwrap();
    drop(store);
    until("it starts", async || {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        office.runs() || {
            office.start().await;
            true
        }
    })
    .await;
    settled(&office).await;
    assert_eq!(queues(&office).await, Vec::<String>::new());
    assert_eq!(config(&office, "agent list").await, "+OK\n");
}

#[tokio::test]
async fn a_freeswitch_that_starts_anew_gets_everything_back() {
    let mut office = office("").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    office.post("sessions", json!({ "phone": "0004132a0001", "user": "1001" })).await;
    has_status(&office, ADA, "Available").await;
    // Everything that it had is lost, and modules.conf.xml does not load the module.
    office.restart_freeswitch(|_| {}).await;
    assert!(config(&office, "queue list").await.starts_with("-ERR"));
    has_status(&office, ADA, "Available").await;
    settled(&office).await;
    assert_eq!(serving(&office, "sales@office.test").await, [ADA]);
    // As it is with the module among those that it loads itself: nothing is left to do but the status.
    office.restart_freeswitch(|settings| settings.callcenter = true).await;
    has_status(&office, ADA, "Available").await;
    settled(&office).await;
    assert_eq!(changes(&office), ["agent set status 1001@office.test Available"]);
}

#[tokio::test]
async fn a_queue_or_a_module_that_is_missing_is_loaded() {
    let office = office("").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    config(&office, "queue unload sales@office.test").await;
    let listed = said(&office, &["queues", "list"]).await;
    assert!(listed.contains("sales@office.test  missing"), "{listed}");
    let dry = said(&office, &["queues", "sync", "--dry-run"]).await;
    assert!(dry.contains("Would be done: load queue sales@office.test"), "{dry}");
    assert_eq!(queues(&office).await, Vec::<String>::new());
    let done = said(&office, &["queues", "sync"]).await;
    assert!(done.contains("Done: load queue sales@office.test"), "{done}");
    assert_eq!(queues(&office).await, ["sales@office.test"]);
    office.switch.api("unload mod_callcenter").await;
    office.post("queues/sync", Value::Null).await;
    assert_eq!(queues(&office).await, ["sales@office.test"]);
    let done = said(&office, &["queues", "sync"]).await;
    assert!(done.contains("Everything is as it should be."), "{done}");
}

#[tokio::test]
async fn what_cannot_be_loaded_is_told_and_tried_again_later() {
    let mut office = office("").await;
    // Its mod_xml_curl is not bound to the configuration.
    office.restart_freeswitch(|settings| settings.xml_curl = None).await;
    join(&office, "1001", &["sales"]).await;
    until("it is told", async || {
        let nodes = office.get("queues").await;
        nodes[0]["trouble"].as_str().is_some_and(|trouble| trouble.contains("not loaded"))
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let loads = office.switch.api_log().iter().filter(|line| line.starts_with("load ")).count();
    assert!((2..=4).contains(&loads), "{loads} times in 4 seconds");
    assert!(office.log().contains("freeswitch print queues"), "{}", office.log());
}

#[tokio::test]
async fn a_changed_parameter_is_loaded_and_who_waits_in_a_queue_that_goes_is_not_forgotten() {
    let office = office("[[team]]\nid = \"sales\"\nqueue.max_wait_with_no_agent = 0\n").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    assert!(config(&office, "queue list").await.contains("|0|0|5||0|0|"));
    let text = std::fs::read_to_string(&office.config.file).unwrap();
    let text =
        text.replace("max_wait_with_no_agent = 0", "params = { announce-frequency = \"30\" }");
    std::fs::write(&office.config.file, &text).unwrap();
    office.kill();
    office.start().await;
    until("it is loaded again", async || {
        changes(&office).contains(&"queue reload sales@office.test".to_owned())
    })
    .await;
    settled(&office).await;
    assert!(config(&office, "queue list").await.contains("|0|10|5||0|0|"));
    let times = changes(&office).iter().filter(|line| line.contains("reload")).count();
    assert_eq!(times, 1, "{:?}", changes(&office));
    // Somebody waits, and the team is no more.
    config(&office, "agent set status 1001@office.test 'On Break'").await;
    let nobody = crate::support::free_address();
    let setup = CallSetup::new("trunk", "0800").then("callcenter", "sales@office.test");
    let mut caller = office.switch.socket_call(&format!("{nobody}/x async full"), setup);
    until("the caller waits", async || {
        config(&office, "queue count members sales@office.test").await == "1\n"
    })
    .await;
    std::fs::write(&office.config.file, text.replace("id = \"sales\"", "id = \"help\"")).unwrap();
    office.kill();
    office.start().await;
    join(&office, "1001", &["help"]).await;
    until("there is the other queue", async || serving(&office, "help@office.test").await == [ADA])
        .await;
    assert_eq!(serving(&office, "sales@office.test").await, [ADA]);
    caller.hang_up();
    caller.until_end().await;
    until("the queue is gone", async || queues(&office).await == ["help@office.test"]).await;
    settled(&office).await;
    assert_eq!(serving(&office, "sales@office.test").await, Vec::<String>::new());
}
