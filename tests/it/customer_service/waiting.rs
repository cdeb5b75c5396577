//! Callers in their queue: who took the call after how long, and why nobody did, with the real daemon and the simulated
//! mod_callcenter.

use serde_json::{Value, json};

use super::*;
use crate::support::{Office, Plan as Site, until};

const TABLES: &str = "[service]\nnumbers = [\"0800123\"]\ndefault_queue = \"reception\"\n\
                      [[team]]\nid = \"reception\"\nqueue.max_wait_with_no_agent = 1\n";
const TURING: &str = "1003@office.test";

/// An office whose reception is one person.
async fn office() -> Office {
    let site = Site { tables: TABLES.to_owned(), queues: true, ..Site::default() };
    let office = Office::with(site).await;
    office.user("1003", json!({ "name": "Alan Turing", "teams": ["reception"] }), "").await;
    until("the queue is there", async || {
        let answer = office.switch.api("callcenter_config queue list").await;
        answer.contains("reception@office.test|")
    })
    .await;
    office
}

async fn has_status(office: &Office, wanted: &str) {
    let ask = format!("callcenter_config agent get status {TURING}");
    until(wanted, async || office.switch.api(&ask).await == wanted).await;
}

/// The reception's person sits down at a registered phone.
async fn sit_down(office: &Office) {
    let phone = office.phone(2);
    office.switch.register(&phone).await.unwrap();
    office.post("sessions", json!({ "phone": phone.user, "user": "1003" })).await;
    has_status(office, "Available").await;
}

/// The journal's lines of a call, once there are so many.
async fn lines(office: &Office, call: &Call, count: usize) -> Vec<Value> {
    let of_call = async || {
        let journal = office.get("journal?limit=1000").await;
        let rows = journal.as_array().unwrap().clone().into_iter();
        rows.filter(|row| row["call"] == call.uuid()).collect::<Vec<_>>()
    };
    until("the journal has the call", async || of_call().await.len() >= count).await;
    of_call().await
}

#[tokio::test]
async fn whoever_is_at_a_desk_is_offered_the_call_and_the_journal_has_who_took_it() {
    let office = office().await;
    sit_down(&office).await;
    let mut call = office.dial_outside(NUMBER, "+4315550100", "ACME");
    assert_eq!(went(&mut call).await, "reception@hotdesk_queues");
    until("it rings", async || !office.switch.offers().is_empty()).await;
    let offer = office.switch.offers().remove(0);
    assert_eq!((offer.agent.as_str(), offer.phones), (TURING, vec![office.phone(2).user]));
    assert!(office.switch.pick_up(TURING));
    let lines = lines(&office, &call, 2).await;
    let (called, served) = (&lines[0], &lines[1]);
    assert_eq!(called["what"], "customer-called");
    assert_eq!(served["what"], "customer-served");
    assert_eq!((&served["team"], &served["agent"]), (&json!("reception"), &json!("1003")));
    assert!(served["waited"].as_u64().unwrap() < 20, "{served}");
    // It is a line of the agent's too.
    let of_agent = office.get("journal?user=1003&limit=1000").await;
    assert_eq!(of_agent.as_array().unwrap().last().unwrap()["what"], "customer-served");
    call.hang_up();
    // And once the person has gone, nobody is offered anything.
    let phone = office.phone(2).user;
    office.delete(&format!("sessions/{phone}")).await;
    has_status(&office, "Logged Out").await;
}

#[tokio::test]
async fn whoever_hangs_up_in_the_queue_has_left_it_and_so_has_whom_nobody_was_there_for() {
    let office = office().await;
    // Nobody is logged in.
    let mut call = office.dial_outside(NUMBER, "+4315550100", "ACME");
    went(&mut call).await;
    let left = lines(&office, &call, 2).await.remove(1);
    assert_eq!((&left["what"], &left["reason"]), (&json!("customer-left"), &json!("no-agent")));
    sit_down(&office).await;
    let mut call = office.dial_outside(NUMBER, "+4315550101", "ACME");
    went(&mut call).await;
    until("it rings", async || !office.switch.offers().is_empty()).await;
    call.hang_up();
    let left = lines(&office, &call, 2).await.remove(1);
    assert_eq!((&left["what"], &left["reason"]), (&json!("customer-left"), &json!("hung-up")));
}

#[tokio::test]
async fn of_a_call_that_no_customer_made_and_of_one_while_we_were_down_nothing_is_said() {
    let office = office().await;
    sit_down(&office).await;
    // A colleague calls the queue.
    let address = crate::support::free_address();
    let setup = CallSetup::new("1001", "700").then("transfer", "reception XML hotdesk_queues");
    let colleague = office.switch.socket_call(&format!("{address}/x async full"), setup);
    until("it rings", async || !office.switch.offers().is_empty()).await;
    assert!(office.switch.pick_up(TURING));
    colleague.hang_up();
    // A customer is in the queue while the daemon goes, and is served before it comes back.
    until("free again", async || office.switch.offers().is_empty()).await;
    let mut call = office.dial_outside(NUMBER, "+4315550100", "ACME");
    went(&mut call).await;
    lines(&office, &call, 1).await;
    office.kill();
    call.hang_up();
    office.start().await;
    let mut next = office.dial_outside(NUMBER, "+4315550101", "ACME");
    went(&mut next).await;
    next.hang_up();
    lines(&office, &next, 2).await;
    assert_eq!(lines(&office, &call, 1).await.len(), 1);
    let journal = office.get("journal?limit=1000").await;
    let of_queues = |row: &&Value| row["what"].as_str().unwrap().starts_with("customer-");
    assert_eq!(journal.as_array().unwrap().iter().filter(of_queues).count(), 3, "{journal}");
}
