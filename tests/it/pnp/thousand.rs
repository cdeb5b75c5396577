//! A thousand phones that boot at once.

use std::time::Instant;

use futures_util::future::join_all;
use hotdeskd::simulator::device::{DeviceSettings, Vendor};

use super::*;

const PHONES: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_phones_that_boot_at_once_are_all_answered() {
    let (office, address) = office("").await;
    let mac = |n: usize| format!("000413b{n:05x}");
    let adding = Instant::now();
    for some in (0..PHONES).collect::<Vec<_>>().chunks(50) {
        join_all(some.iter().map(async |n| {
            office.put(&format!("phones/{}", mac(*n)), json!({})).await;
        }))
        .await;
    }
    let added = adding.elapsed();
    let begun = Instant::now();
    let phones = (0..PHONES).map(async |n| {
        let mut phone = DeviceSettings::new(Vendor::Snom, "D785", mac(n).parse().unwrap());
        let url = phone.ask_by_pnp(address).await.unwrap();
        (url, begun.elapsed())
    });
    let answers = join_all(phones).await;
    let url = format!("{}{SNOM}", office.config.phones_url());
    let slowest = answers.iter().map(|(_, at)| *at).max().unwrap();
    let late = answers.iter().filter(|(_, at)| *at > Duration::from_secs(1)).count();
    println!(
        "{PHONES} phones added in {added:?}, answered in {slowest:?}; {late} asked more than once"
    );
    let lost = answers.iter().filter(|(found, _)| found.as_ref() != Some(&url)).count();
    assert_eq!(lost, 0, "{lost} heard nothing");
    until("all are written down", async || {
        let last = why(&office, &mac(PHONES - 1));
        last.contains("asked by SIP PnP, got")
            && why(&office, &mac(0)).contains("asked by SIP PnP, got")
    })
    .await;
}
