//! How long each kind of refusal takes at the phones' listener, over 2,000 requests of each kind, in turns,
//! against a real daemon on loopback. `benches/refusals` runs it.
//!
//! Within a group an attacker must not be able to tell one kind from another. The largest difference of
//! medians is given in units of the spread (the distance between the quartiles): with so many requests a
//! difference of 0.06 is what chance makes of equal ones, and one of 1 is what a single request tells.
#![allow(missing_docs, dead_code, unused_imports)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use rand::seq::SliceRandom as _;
use serde_json::json;

use support::{Office, PHONES, Plan};

/// Requests of each kind.
const REQUESTS: usize = 2_000;
/// A phone that is nobody's, and one that was removed.
const STRANGER: &str = "000413ffff01";
const REMOVED: &str = "0004132a0009";

/// A kind of refusal.
struct Kind {
    /// Kinds of one group must not be told apart.
    group: &'static str,
    name: &'static str,
    request: Vec<u8>,
    status: &'static [u8],
    took: Vec<Duration>,
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Once so that every request is looked at and told to the log, once as it is after a minute of that.
    for (title, limit) in [("no limit reached", 1_000_000), ("over the limit", 1)] {
        let provisioning = format!(
            "[provisioning.enrolment]\nnetworks = [\"127.0.9.0/24\"]\nrefusals_per_minute = {limit}\n"
        );
        let plan = Plan { provisioning, ..Plan::default() };
        let office = runtime.block_on(Office::with(plan));
        let mut kinds = runtime.block_on(kinds(&office));
        measure(&office, &mut kinds);
        report(title, &mut kinds);
    }
}

/// What is asked, of an office in which phone 0 has a window for another network and phone 1 none.
async fn kinds(office: &Office) -> Vec<Kind> {
    let key = async |mac: &str| {
        let path = format!("phones/{mac}/enrolment");
        let url = office.post(&path, json!({ "show-url": true })).await["url"].clone();
        let url = url.as_str().unwrap().to_owned();
        url.split("/p/").nth(1).unwrap().trim_end_matches('/').to_owned()
    };
    office.put(&format!("phones/{REMOVED}"), json!({ "label": "removed" })).await;
    let removed = key(REMOVED).await;
    office.delete(&format!("phones/{REMOVED}")).await;
    let (one, two, own) = (PHONES[0].0, PHONES[1].0, key(PHONES[2].0).await);
    office.post(&format!("phones/{two}/enrolment"), json!({ "window": 0 })).await;
    let mut kinds = Vec::new();
    let mut add = |group, name, target: String, headers: String| {
        let head = format!("GET {target} HTTP/1.1\r\nHost: prov.test\r\n{headers}\r\n");
        let status: &[u8] = if target.starts_with("/p/") { b"404" } else { b"401" };
        kinds.push(Kind { group, name, request: head.into_bytes(), status, took: Vec::new() });
    };
    let bare = |mac: &str| format!("/provision/{mac}.htm");
    add("no credentials", "unknown MAC", bare(STRANGER), String::new());
    add("no credentials", "removed phone", bare(REMOVED), String::new());
    add("no credentials", "window closed", bare(two), String::new());
    add("no credentials", "wrong network", bare(one), String::new());
    add("no credentials", "no such file", format!("/provision/{two}.odd"), String::new());
    let pair = |user: &str| {
        let pair = format!("{user}:00112233445566778899aabbccddeeff");
        let pair = base64::engine::general_purpose::STANDARD.encode(pair);
        format!("Authorization: Basic {pair}\r\n")
    };
    add("Basic", "wrong password", bare(two), pair(two));
    add("Basic", "unknown user, known MAC", bare(two), pair(STRANGER));
    add("Basic", "unknown user, unknown MAC", bare(STRANGER), pair(STRANGER));
    let digest = |user: &str, target: &str| {
        format!(
            "Authorization: Digest username=\"{user}\", realm=\"hotdeskd\", nonce=\"{:048x}\", \
             uri=\"{target}\", response=\"{:032x}\"\r\n",
            1, 1
        )
    };
    add("Digest", "wrong password", bare(two), digest(two, &bare(two)));
    add("Digest", "unknown user, known MAC", bare(two), digest(STRANGER, &bare(two)));
    add("Digest", "unknown user, unknown MAC", bare(STRANGER), digest(STRANGER, &bare(STRANGER)));
    let guess = "abcdefghijkmnpqrstuvwxyz23";
    add("no key", "unknown key, known MAC", format!("/p/{guess}/{one}.xml"), String::new());
    add("no key", "unknown key, unknown MAC", format!("/p/{guess}/{STRANGER}.xml"), String::new());
    add("no key", "removed phone's key", format!("/p/{removed}/{REMOVED}.xml"), String::new());
    add("own key", "file of a known phone", format!("/p/{own}/{one}.xml"), String::new());
    add("own key", "file of an unknown phone", format!("/p/{own}/{STRANGER}.xml"), String::new());
    kinds
}

/// All kinds in turns, in another order each time, over one connection.
fn measure(office: &Office, kinds: &mut [Kind]) {
    let address = office.config.phones.0.as_ref().unwrap().address;
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut order, mut answer) = ((0..kinds.len()).collect::<Vec<_>>(), [0; 4_096]);
    for round in 0..REQUESTS + 100 {
        order.shuffle(&mut rand::rng());
        for &at in &order {
            let kind = &mut kinds[at];
            let begin = Instant::now();
            stream.write_all(&kind.request).unwrap();
            let mut length = 0;
            while !answer[..length].ends_with(b"\r\n\r\n") {
                length += stream.read(&mut answer[length..]).unwrap();
            }
            let took = begin.elapsed();
            assert_eq!(&answer[9..12], kind.status, "{}", kind.name);
            // The first ones warm up.
            if round >= 100 {
                kind.took.push(took);
            }
        }
    }
}

fn report(title: &str, kinds: &mut [Kind]) {
    let micros = |took: Duration| took.as_secs_f64() * 1e6;
    println!("{title}: {REQUESTS} requests of each kind, in microseconds");
    println!("{:<16} {:<28} {:>8} {:>8} {:>8}", "group", "kind", "median", "p90", "quartiles");
    let mut groups: Vec<(&str, f64, f64, f64)> = Vec::new();
    for kind in kinds {
        kind.took.sort();
        let part = |of: f64| micros(kind.took[(kind.took.len() as f64 * of) as usize]);
        let (median, spread) = (part(0.5), part(0.75) - part(0.25));
        println!(
            "{:<16} {:<28} {median:>8.1} {:>8.1} {spread:>8.1}",
            kind.group,
            kind.name,
            part(0.9)
        );
        match groups.iter_mut().find(|(group, ..)| *group == kind.group) {
            Some((_, least, most, widest)) => {
                (*least, *most) = (least.min(median), most.max(median));
                *widest = widest.max(spread);
            }
            None => groups.push((kind.group, median, median, spread)),
        }
    }
    for (group, least, most, spread) in groups {
        let apart = most - least;
        println!("{group}: {apart:.1} µs apart, {:.2} of the spread", apart / spread);
    }
    println!();
}
