//! Garbage, ten thousand datagrams a second.

use std::net::UdpSocket as StdSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use rand::RngExt as _;

use super::*;

/// For how long, and how many a second.
const SECONDS: u64 = 5;
const A_SECOND: u64 = 10_000;

/// What a network has that means us ill, or does not mean us: noise, halves, strangers, answers to nothing.
fn garbage() -> Vec<Vec<u8>> {
    let mut random = rand::rng();
    let snom = fixture("snom370").into_bytes();
    let stranger = fixture("snom370").replace("000413AABB01", "000413AABBFF").into_bytes();
    let noise =
        (0..40).map(|_| (0..random.random_range(0..1_400)).map(|_| random.random()).collect());
    let mut all: Vec<Vec<u8>> = noise.collect();
    all.extend((1..20).map(|n| snom[..snom.len() * n / 20].to_vec()));
    all.extend((0..20).map(|_| stranger.clone()));
    all.extend((0..20).map(|n| {
        let mut changed = snom.clone();
        changed[random.random_range(n..snom.len() - 20)] = random.random();
        changed.splice(40..40, b"\0<\";".iter().copied());
        changed
    }));
    let answer = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 NOTIFY\r\n\r\n";
    all.extend((0..10).map(|_| answer.as_bytes().to_vec()));
    all.extend((0..10).map(|_| [&b"SUBSCRIBE "[..], &vec![b'A'; 1_390]].concat()));
    all.push([&snom[..], &vec![b' '; 8_000]].concat());
    all
}

fn memory(office: &Office) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", office.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_datagrams_of_garbage_a_second_keep_no_phone_waiting() {
    let (office, address) = office("").await;
    let url = format!("{}/provision/000413aabb01.htm", office.config.phones_url());
    // What is needed anyway is there.
    let warm = Phone::at(address).await;
    warm.ask(&fixture("snomD120"), Duration::from_secs(5)).await.unwrap();
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 200);
    let (before, events) = (memory(&office), office.happened(0).await.1);
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let flood = std::thread::spawn({
        let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
        move || {
            let (socket, garbage) = (StdSocket::bind("127.0.0.1:0").unwrap(), garbage());
            let begun = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                let due = begun.elapsed().as_millis() as u64 * A_SECOND / 1_000;
                while sent.load(Ordering::Relaxed) < due {
                    let n = sent.fetch_add(1, Ordering::Relaxed);
                    let _ = socket.send_to(&garbage[n as usize % garbage.len()], address);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let begun = Instant::now();
    let (mut slowest, mut slowest_file) = (Duration::ZERO, Duration::ZERO);
    let (mut asked, mut late) = (0, 0);
    while begun.elapsed() < Duration::from_secs(SECONDS) {
        let (name, mac, ..) = PHONES[asked % PHONES.len()];
        let phone = Phone::at(address).await;
        let text = fixture(name);
        let call_id = text.lines().find(|line| line.starts_with("Call-ID: ")).unwrap().to_owned();
        let text = text.replace(&call_id, &format!("Call-ID: flood-{mac}-{asked}"));
        let at = Instant::now();
        // A phone asks again; here, twice a second.
        let mut answered = None;
        for _ in 0..4 {
            answered = phone.ask(&text, Duration::from_millis(500)).await;
            if answered.is_some() {
                break;
            }
        }
        let (_, notify) = answered.unwrap_or_else(|| panic!("{name} was not answered"));
        slowest = slowest.max(at.elapsed());
        late += usize::from(at.elapsed() > Duration::from_secs(1));
        phone.take(&notify).await;
        let at = Instant::now();
        assert_eq!(reqwest::get(&url).await.unwrap().status(), 401);
        slowest_file = slowest_file.max(at.elapsed());
        late += usize::from(at.elapsed() > Duration::from_secs(1));
        asked += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.store(true, Ordering::Relaxed);
    flood.join().unwrap();
    let (grown, sent) = (memory(&office).saturating_sub(before), sent.load(Ordering::Relaxed));
    println!(
        "{sent} datagrams; {asked} phones, the slowest {slowest:?}; a file, the slowest {slowest_file:?}; {grown} kB"
    );
    assert!(
        sent >= SECONDS * A_SECOND * 9 / 10,
        "{sent}: this machine is too slow to say anything"
    );
    // A machine that does more than this test may keep one waiting.
    assert!(asked >= 10 && late <= asked / 10, "{asked} {late}");
    assert!(grown < 8 << 10, "{grown} kB");
    assert_eq!(office.happened(events).await.0, Vec::<String>::new(), "the journal is not flooded");
}
