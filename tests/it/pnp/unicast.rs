//! Phones that ask us alone, on loopback.

use std::process::Command;
use std::time::{Duration, Instant};

use hotdeskd::simulator::device::{Device, DeviceSettings, Vendor};

use super::*;

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn every_phone_that_was_seen_is_sent_its_url_and_the_operator_sees_it() {
    let (office, address) = office("").await;
    let (folder, events) = (tempfile::tempdir().unwrap(), office.happened(0).await.1);
    let base = office.config.phones_url();
    for (name, mac, _, path) in PHONES {
        let server = address.to_string();
        let passed =
            sipp(Command::new("sipp"), &server, "127.0.0.1", &fixture(name), folder.path());
        let url = format!("{base}{path}");
        let length = format!("Content-Length: {}", url.len());
        assert!(
            passed.contains(&format!("\n{url}\n")) && passed.contains(&length),
            "{name}: {passed}"
        );
        assert!(!passed.contains("/p/"), "a URL with a key: {passed}");
        until("it is written down", async || why(&office, mac).contains("asked by SIP PnP")).await;
        let told = why(&office, mac);
        let line = format!("SUBSCRIBE (SIP PnP)  200     asked by SIP PnP, got {url}");
        assert!(told.contains(&line) && told.contains("127.0.0.1"), "{told}");
        let sentence = format!("It was told by SIP PnP to go to {url}, and has not come since.");
        assert!(told.contains(&sentence), "{told}");
        assert!(
            told.contains("It is not enrolled; its window is open"),
            "nothing is proven: {told}"
        );
    }
    // Nothing of it is the journal's.
    assert_eq!(office.happened(events).await.0, Vec::<String>::new());
}

#[tokio::test]
async fn a_phone_out_of_its_box_asks_and_configures_itself() {
    let (office, address) = office("").await;
    for (vendor, model, mac) in [
        (Vendor::Snom, "D785", "000413aa0001"),
        (Vendor::Yealink, "T54W", "805ec0aa0021"),
        (Vendor::Grandstream, "GXP2135", "000b82aa0031"),
        (Vendor::Fanvil, "X4U", "0c383eaa0041"),
    ] {
        office.put(&format!("phones/{mac}"), json!({ "label": "Desk 12" })).await;
        let mut settings = DeviceSettings::new(vendor, model, mac.parse().unwrap());
        let url = settings.ask_by_pnp(address).await.unwrap().expect(model);
        assert!(!url.contains("/p/"), "{url}");
        let device = Device::new(settings).unwrap();
        assert!(office.switch.attach(&device));
        let booted = device.boot().await;
        assert!(booted.from.contains("/p/"), "{model}: {booted:#?}");
        assert_eq!(device.display().label.as_deref(), Some("Desk 12"), "{model}: {booted:#?}");
        until("it is enrolled", async || why(&office, mac).contains("It is enrolled, by its key"))
            .await;
        assert!(why(&office, mac).contains("asked by SIP PnP, got"), "{}", why(&office, mac));
    }
}

#[tokio::test]
async fn a_notify_is_sent_again_until_it_is_answered_or_given_up() {
    let (office, address) = office("").await;
    // One answers the third, one none.
    let (slow, deaf) = (Phone::at(address).await, Phone::at(address).await);
    let begun = Instant::now();
    let (_, first) = slow.ask(&fixture("snom370"), SOON).await.unwrap();
    deaf.ask(&fixture("grandstream"), SOON).await.unwrap();
    let (mut slow_at, mut deaf_at) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let again = slow.hear(SOON).await.unwrap();
        assert_eq!(again, first, "the very same");
        slow_at.push(begun.elapsed().as_millis());
    }
    slow.take(&first).await;
    assert_eq!(slow.hear(Duration::from_secs(8)).await, None, "it was answered");
    while let Some(again) = deaf.hear(Duration::from_millis(100)).await {
        assert!(again.starts_with("NOTIFY"));
        deaf_at.push(again);
    }
    assert_eq!(deaf_at.len(), 3, "after 0.5, 1 and 2 seconds, and then no more");
    // Timers of a busy machine are late, never early.
    assert!(
        (450..1_400).contains(&slow_at[0]) && (1_450..3_000).contains(&slow_at[1]),
        "{slow_at:?}"
    );
    until("both are written down", async || {
        why(&office, "c074ad112233").contains("did not say that it has it")
    })
    .await;
    assert!(why(&office, "c074ad112233").contains("408"), "{}", why(&office, "c074ad112233"));
    assert!(
        why(&office, "000413aabb01").contains("asked by SIP PnP, got"),
        "{}",
        why(&office, "000413aabb01")
    );
}

#[tokio::test]
async fn a_subscribe_that_comes_again_gets_the_same_200_and_no_second_notify() {
    let (_office, address) = office("").await;
    let phone = Phone::at(address).await;
    let asked = fixture("yealinkW52P");
    let (ok, notify) = phone.ask(&asked, SOON).await.unwrap();
    phone.take(&notify).await;
    for _ in 0..3 {
        phone.say(&asked).await;
        assert_eq!(phone.hear(SOON).await.as_ref(), Some(&ok));
    }
    assert_eq!(phone.hear(Duration::from_secs(2)).await, None);
}

#[tokio::test]
async fn strangers_hear_nothing_unless_their_network_is_allowed_and_get_no_key_then() {
    let stranger = fixture("snom370").replace("000413AABB01", "000413AABBFF");
    let (office, address) = office("").await;
    let phone = Phone::at(address).await;
    for asked in [stranger.clone(), fixture("audiocodes"), "x".to_owned()] {
        phone.say(&asked).await;
        assert_eq!(phone.hear(Duration::from_millis(700)).await, None, "{asked}");
    }
    drop(office);
    let (office, address) = super::office("networks = [\"127.0.0.0/8\"]\n").await;
    let phone = Phone::at(address).await;
    let (_, notify) = phone.ask(&stranger, SOON).await.unwrap();
    phone.take(&notify).await;
    let url = format!("\r\n\r\n{}{SNOM}", office.config.phones_url());
    assert!(notify.ends_with(&url), "{notify}");
    // What is behind it is not for strangers.
    let asked = url.trim().replace("{mac}", "000413AABBFF");
    assert_eq!(reqwest::get(asked).await.unwrap().status(), 401);
    for asked in [
        fixture("audiocodes"),
        // Of no vendor that we know, and of no maker at all.
        stranger.replace("000413AABBFF", "00AABBCCDD01").replace("vendor=\"snom\"", "vendor=\"x\""),
        stranger.replace("000413AABBFF", "020000000000"),
    ] {
        phone.say(&asked).await;
        assert_eq!(phone.hear(Duration::from_millis(700)).await, None, "{asked}");
    }
}

#[tokio::test]
async fn check_says_where_phones_are_heard() {
    let (office, address) = office("").await;
    let told = String::from_utf8(office.run(&["check"]).stdout).unwrap();
    assert!(told.contains(&format!("something listens at {address}")), "{told}");
    let off = Office::open().await;
    let told = String::from_utf8(off.run(&["check"]).stdout).unwrap();
    assert!(told.contains("off: phones that ask their network hear nothing of us"), "{told}");
}
