//! Emergency calls reach the journal, whoever listens.

use hotdeskd::model::Happening;
use hotdeskd::store::JournalFilter;

use super::*;

fn listen(office: &Office) {
    let (switch, desk) = (office.switch.clone(), office.desk.clone());
    tokio::spawn(async move { switch.keep_emergencies(desk, CancellationToken::new()).await });
}

/// Phone, number and whether it was missed, of each call in the journal; other stages by their kind.
async fn told(office: &Office) -> Vec<(String, String, bool)> {
    let filter = JournalFilter { limit: 1_000, ..JournalFilter::default() };
    let entries = office.desk.store().journal(&filter).await.unwrap().into_iter();
    entries
        .filter_map(|entry| match entry.what {
            Happening::EmergencyCall { from, number, missed, caller_id, .. } => {
                assert_eq!(caller_id.as_deref(), Some("+43123456"));
                Some((from, number, missed))
            }
            Happening::EmergencyUnreachable { from, number, .. } => Some((from, number, false)),
            _ => None,
        })
        .collect()
}

async fn until_told(office: &Office, count: usize) -> Vec<(String, String, bool)> {
    let wait = async {
        loop {
            let told = told(office).await;
            if told.len() >= count {
                return told;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, wait).await.unwrap()
}

fn dial(freeswitch: &FreeSwitch, phone: &str, number: &str, stages: &[&str]) -> String {
    freeswitch.emergency_call(CallSetup::new(phone, number), number, "+43123456", stages)
}

async fn remembered(freeswitch: &FreeSwitch) -> String {
    freeswitch.api("db list/hotdesk_emergency").await
}

async fn until_forgotten(freeswitch: &FreeSwitch) {
    let wait = async {
        while !remembered(freeswitch).await.is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, wait).await.unwrap();
}

#[tokio::test]
async fn a_call_is_told_as_it_is_made_and_once() {
    let (freeswitch, address) = freeswitch().await;
    let office = Office::open(&[address]).await;
    listen(&office);
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    dial(&freeswitch, ONE, "999", &["dialled", "dialled", "unreachable"]);
    let call = |phone: &str, number: &str| (phone.to_owned(), number.to_owned(), false);
    assert_eq!(until_told(&office, 2).await, [call(ONE, "999"), call(ONE, "999")]);
    until_forgotten(&freeswitch).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(told(&office).await.len(), 2);
}

#[tokio::test]
async fn calls_that_were_made_while_nobody_was_there_are_told_at_the_next_connection() {
    let (freeswitch, address) = freeswitch().await;
    let (other, elsewhere) = self::freeswitch().await;
    dial(&freeswitch, ONE, "999", &["dialled"]);
    dial(&other, TWO, "112", &[]);
    // Somebody else's, which makes the list begin like an error, and nothing that could be one.
    freeswitch.api("db insert/hotdesk_emergency/-ERR a b/x").await;
    freeswitch.api("db insert/hotdesk_emergency/nonsense/x").await;
    let office = Office::open(&[address, elsewhere]).await;
    listen(&office);
    let mut calls = until_told(&office, 2).await;
    calls.sort();
    let missed = |phone: &str, number: &str| (phone.to_owned(), number.to_owned(), true);
    assert_eq!(calls, [missed(ONE, "999"), missed(TWO, "112")]);
    until_forgotten(&other).await;
    let wait = async {
        while remembered(&freeswitch).await != "-ERR a b" {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, wait).await.unwrap();
    // And not again by the next daemon, even where FreeSWITCH still remembers one.
    let filter = JournalFilter { limit: 1_000, ..JournalFilter::default() };
    let entries = office.desk.store().journal(&filter).await.unwrap();
    let call = entries.iter().find_map(|entry| match &entry.what {
        Happening::EmergencyCall { call, .. } => Some(call.clone()),
        _ => None,
    });
    let again =
        format!("db insert/hotdesk_emergency/{}/1795343317.999.{ONE}.+43123456", call.unwrap());
    freeswitch.api(&again).await;
    let office = office.again(&[address], Arc::new(CheckSync)).await;
    listen(&office);
    let wait = async {
        while remembered(&freeswitch).await != "-ERR a b" {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, wait).await.unwrap();
    assert_eq!(told(&office).await.len(), 2);
}
