//! Ten thousand phones that register again and again: what is written of it, and who waits meanwhile.

use std::process::Command;
use std::time::Instant;

use hotdeskd::model::{DirectoryRules, Locations, UnusableHash};
use hotdeskd::xml_curl::{Directory, DirectorySettings};

use super::scripted::{Scripted, usual};
use super::*;

/// How many phones there are, and how often each registers.
const PHONES: u64 = 10_000;
const ROUNDS: usize = 3;

fn mac(n: u64) -> String {
    format!("000413{n:06x}")
}

/// The inventory, in a few writes.
async fn inventory(desk: &Desk) {
    let like = desk.store().memory().phone(ONE.parse().unwrap()).unwrap().clone();
    for first in (0..PHONES).step_by(500) {
        let like = Arc::clone(&like);
        let written = desk.store().write(async move |tx: &mut Tx<'_>| {
            for n in first..first + 500 {
                let mac = mac(n).parse().unwrap();
                tx.save_phone(Phone { mac, ..Phone::clone(&like) }).await?;
            }
            Ok::<(), DatabaseError>(())
        });
        written.await.unwrap();
    }
}

fn registered(n: u64, network: u8) -> String {
    let (user, host) = (mac(n), [n / 250, n % 250].map(|part| part + 1));
    let body = format!(
        "Event-Name: CUSTOM\nEvent-Subclass: sofia%3A%3Aregister\nprofile-name: internal\nfrom-user: {user}\n\
         from-host: hotdesk.test\ncontact: <sip%3A{user}%4010.{network}.{}.{}%3A5060>\ncall-id: {n}%40phone\n\
         expires: 180\nnetwork-ip: 10.{network}.{}.{}\nnetwork-port: 5060\nuser-agent: snomD785/10.1.33.33\n\n",
        host[0], host[1], host[0], host[1],
    );
    format!("Content-Length: {}\nContent-Type: text/event-plain\n\n{body}", body.len())
}

/// How many rows of registrations were written, by a trigger in the store's own file.
fn sqlite(file: &std::path::Path, statement: &str) -> String {
    let output = Command::new("sqlite3")
        .arg("-cmd")
        .arg(".timeout 10000")
        .arg(file)
        .arg(statement)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_phones_that_register_again_and_again_write_only_what_changes() {
    let folder = tempfile::tempdir().unwrap();
    let desk = furnish(&folder).await;
    let store = desk.store().clone();
    inventory(&desk).await;
    let file = folder.path().join("hotdeskd.db");
    sqlite(
        &file,
        "CREATE TABLE writes (n INTEGER); INSERT INTO writes VALUES (0);
         CREATE TRIGGER inserted AFTER INSERT ON phone_registrations BEGIN UPDATE writes SET n = n + 1; END;
         CREATE TRIGGER updated AFTER UPDATE ON phone_registrations BEGIN UPDATE writes SET n = n + 1; END;",
    );
    let writes = || sqlite(&file, "SELECT n FROM writes").parse::<u64>().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let office = Office::run(folder, desk, &[address], Arc::new(CheckSync));
    let (switch, stop) = (office.switch.clone(), CancellationToken::new());
    let stopped = stop.clone();
    tokio::spawn(async move { switch.keep_presence(Locations::default(), stopped).await });
    let _stop = stop.drop_guard();
    let rules = DirectoryRules {
        domain: "hotdesk.test".parse().unwrap(),
        context: "default".into(),
        unusable: UnusableHash::new([7; hotdeskd::model::UNUSABLE_HASH_BYTES]),
    };
    let directory = Directory::new(store.clone(), rules, Vec::new(), &DirectorySettings::default());
    let ask = |n: u64| {
        let begun = Instant::now();
        let body = format!(
            "section=directory&tag_name=domain&key_name=name&key_value=hotdesk.test&action=sip_auth\
             &sip_auth_method=REGISTER&user={}",
            mac(n)
        );
        let answer = directory.answer(body.as_bytes());
        assert!(answer.contains("a1-hash"), "{answer}");
        begun.elapsed()
    };
    let mut peer = Scripted::accept(&listener).await;
    let nobody = |question: &str| match question {
        question if question.starts_with("sofia xmlstatus") => {
            "<profile>\n  <registrations>\n  </registrations>\n</profile>\n".into()
        }
        question => usual(question),
    };
    peer.serve(nobody, |command| command == "api show channels as json").await;
    let first = ask(0);
    let mut slowest = Duration::ZERO;
    let begun = Instant::now();
    for round in 0..ROUNDS {
        for n in 0..PHONES {
            peer.say(&registered(n, 0)).await;
            if n % 10 == 0 {
                slowest = slowest.max(ask(n));
            }
        }
        let is_there = |n: u64| {
            let memory = store.memory();
            memory.registration(mac(n).parse().unwrap()).is_some()
        };
        until("all are written", || (0..PHONES).all(is_there)).await;
        // The second and the third time nothing is new; what were, would be written by then.
        sleep(Duration::from_secs(4)).await;
        assert_eq!(writes(), PHONES, "round {round}");
    }
    let took = begun.elapsed();
    // A hundred are carried to another building.
    for n in 0..100 {
        peer.say(&registered(n, 1)).await;
    }
    until("they are seen there", || writes() >= PHONES + 100).await;
    assert_eq!(writes(), PHONES + 100);
    println!(
        "{} registrations in {took:?}: {PHONES} rows written; an answer of the directory took {first:?} before, {slowest:?} at most meanwhile",
        PHONES as usize * ROUNDS
    );
    let moved = store.memory().registration(mac(7).parse().unwrap()).cloned().unwrap();
    assert_eq!(moved.address, Some("10.1.1.8".parse().unwrap()));
    assert!(moved.ended.is_none() && moved.since >= moved.first);
}
