//! The queue follows the person: login and logout change the status, and nothing else does.

use std::time::Duration;

use hotdeskd::simulator::CallSetup;

use super::*;
use crate::support::{USERS, free_address};

async fn log_in(office: &Office, phone: &str, user: &str) {
    office.post("sessions", json!({ "phone": phone, "user": user, "mode": "also" })).await;
}

#[tokio::test]
async fn a_login_at_a_desk_makes_available_and_a_logout_logs_out() {
    let office = office("").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    let phone = office.phone(0);
    office.switch.register(&phone).await.unwrap();
    office.log_in(&phone, "*111001", USERS[0].2).await;
    has_status(&office, ADA, "Available").await;
    // To a second desk, and away from the first: she is there all the time.
    log_in(&office, "0004132a0002", "1001").await;
    office.delete("sessions/0004132a0001").await;
    settled(&office).await;
    let said = changes(&office);
    let times = said.iter().filter(|line| line.contains("status")).count();
    assert_eq!((times, status(&office, ADA).await), (1, "Available".to_owned()), "{said:?}");
    office.delete("users/1001/sessions").await;
    has_status(&office, ADA, "Logged Out").await;
    // It is written down, and done.
    until("no row is left", async || office.wanted_agents() == Vec::<String>::new()).await;
}

#[tokio::test]
async fn a_break_outlives_a_second_login_a_reconnect_and_a_reload() {
    let office = office("").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    log_in(&office, "0004132a0001", "1001").await;
    has_status(&office, ADA, "Available").await;
    config(&office, "agent set status 1001@office.test 'On Break'").await;
    log_in(&office, "0004132a0002", "1001").await;
    office.kill();
    office.start().await;
    settled(&office).await;
    config(&office, "queue reload sales@office.test").await;
    office.post("queues/sync", Value::Null).await;
    assert_eq!(status(&office, ADA).await, "On Break");
    office.delete("users/1001/sessions").await;
    has_status(&office, ADA, "Logged Out").await;
}

#[tokio::test]
async fn who_logged_in_while_freeswitch_was_away_is_available_when_it_is_back() {
    let mut office = office("").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    office.switch.clone().stop().await;
    log_in(&office, "0004132a0001", "1001").await;
    assert_eq!(office.wanted_agents(), ["1001 Available"]);
    office.restart_freeswitch(|settings| settings.callcenter = true).await;
    has_status(&office, ADA, "Available").await;
    until("no row is left", async || office.wanted_agents() == Vec::<String>::new()).await;
}

#[tokio::test]
async fn nothing_is_set_while_an_offer_rings_or_a_call_runs() {
    let office = office("").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    let phone = office.phone(0);
    office.switch.register(&phone).await.unwrap();
    log_in(&office, "0004132a0001", "1001").await;
    has_status(&office, ADA, "Available").await;
    let nobody = free_address();
    let setup = CallSetup::new("trunk", "0800").then("callcenter", "sales@office.test");
    let mut caller = office.switch.socket_call(&format!("{nobody}/x async full"), setup);
    until("it rings", async || !office.switch.offers().is_empty()).await;
    assert_eq!(office.switch.offers()[0].phones, ["0004132a0001"]);
    // She leaves in this moment: the offer goes on ringing.
    office.delete("users/1001/sessions").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(office.switch.offers().len(), 1);
    let listed = said(&office, &["queues", "list"]).await;
    let waits = "Waits: set the status of agent 1001@office.test to Logged Out: the agent is being offered a call";
    assert!(listed.contains(waits), "{listed}");
    assert!(office.switch.pick_up(ADA));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(status(&office, ADA).await, "Available");
    caller.hang_up();
    caller.until_end().await;
    has_status(&office, ADA, "Logged Out").await;
}

#[tokio::test]
async fn who_is_in_a_call_at_the_desk_is_offered_calls_after_it() {
    let office = office("").await;
    join(&office, "1001", &["sales"]).await;
    settled(&office).await;
    let phone = office.phone(0);
    office.switch.register(&phone).await.unwrap();
    let mut call = office.dial(&phone, "*111001").await;
    call.until_keys().await;
    log_in(&office, "0004132a0001", "1001").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(status(&office, ADA).await, "Logged Out");
    call.hang_up();
    has_status(&office, ADA, "Available").await;
}

#[tokio::test]
async fn who_joins_a_team_while_at_a_desk_is_available_and_a_team_may_not_follow() {
    let office = office("[[team]]\nid = \"board\"\nfollows_login = false\n").await;
    log_in(&office, "0004132a0001", "1001").await;
    log_in(&office, "0004132a0002", "1002").await;
    join(&office, "1001", &["sales"]).await;
    join(&office, "1002", &["board"]).await;
    has_status(&office, ADA, "Available").await;
    settled(&office).await;
    assert_eq!(status(&office, GRACE).await, "Logged Out");
    config(&office, "agent set status 1002@office.test Available").await;
    office.delete("users/1002/sessions").await;
    until("no row is left", async || office.wanted_agents() == Vec::<String>::new()).await;
    assert_eq!(status(&office, GRACE).await, "Available");
}
