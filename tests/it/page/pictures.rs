//! Pictures of the page for the README: of an office on a morning like others. They are taken by every run, and kept in
//! `docs/page/` only with `BLESS=1`.

use std::path::Path;

use hotdeskd::model::{Actor, EndReason, Extension, Happening, LoginMode, Mac};
use hotdeskd::simulator::device::{Device, DeviceSettings, Vendor};
use hotdeskd::store::{DatabaseError, Store, Tx};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{plan, signed_in, was_quiet};
use crate::support::browser::Browser;
use crate::support::{Office, Plan, until};

/// Who works there.
const PEOPLE: [(&str, &str); 18] = [
    ("Ada Lovelace", "sales"),
    ("Grace Hopper", "support"),
    ("Alan Turing", "support"),
    ("Katherine Johnson", "sales"),
    ("Edsger Dijkstra", "support"),
    ("Barbara Liskov", "sales"),
    ("Donald Knuth", "orders"),
    ("Radia Perlman", "support"),
    ("Ken Thompson", "orders"),
    ("Margaret Hamilton", "sales"),
    ("Niklaus Wirth", "support"),
    ("Hedy Lamarr", "sales"),
    ("Claude Shannon", "orders"),
    ("Frances Allen", "support"),
    ("John Backus", "orders"),
    ("Mary Kenneth Keller", "sales"),
    ("Tony Hoare", "support"),
    ("Lise Meitner", "sales"),
];
/// How many desks there are.
const DESKS: u32 = 24;
/// At how many of them somebody has sat down, in front of a phone that shows it.
const SEATED: u32 = 13;

fn mac(desk: u32) -> String {
    format!("000413a1{desk:04x}")
}

fn extension(person: usize) -> String {
    (2001 + person).to_string()
}

/// A week of logins, as it would stand in the journal.
async fn past(office: &Office) {
    let store = Store::open(&office.config.data).await.unwrap();
    let now = Timestamp::now();
    let mut happened: Vec<(Timestamp, Happening)> = Vec::new();
    for day in (1..7).rev() {
        for person in 0..PEOPLE.len() {
            let minutes = 24 * 60 * day as i64 + 90 - 17 * person as i64
                + 11 * (person as i64 * day as i64 % 13);
            let (came, went) = (minutes, minutes - 430 - 9 * person as i64);
            let user: Extension = extension(person).parse().unwrap();
            let phone: Mac = mac((person as u32 * 5 + day as u32) % DESKS).parse().unwrap();
            let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
            if (person + day) % 7 == 0 {
                continue;
            }
            let login = Happening::Login { phone, user: user.clone(), mode: LoginMode::Only };
            happened.push((ago(came), login));
            let reason = EndReason::LoggedOut;
            happened.push((ago(went), Happening::Logout { phone, user, reason }));
            for call in 0..3 {
                let team = PEOPLE[person].1.parse().unwrap();
                let waited = [4, 9, 22, 47, 80, 8, 14, 190][(person * 3 + call + day) % 8];
                let agent = Some(extension(person).parse().unwrap());
                let served = Happening::CustomerServed { call: "u".into(), team, waited, agent };
                happened.push((ago(came - 60 - 100 * call as i64), served));
            }
        }
    }
    happened.sort_by_key(|(at, _)| *at);
    let written = store.write(async move |tx: &mut Tx<'_>| {
        for (at, what) in happened.clone() {
            let by = what.phone().map_or(Actor::Outside, Actor::Caller);
            tx.journal(at, by, what).await?;
        }
        Ok::<(), DatabaseError>(())
    });
    written.await.unwrap();
}

/// The office, with people at their desks and one phone that does not show it.
async fn morning() -> (Office, Vec<Device>) {
    let tables =
        ["sales", "support", "orders"].map(|team| format!("[[team]]\nid = \"{team}\"\n")).concat();
    let office = Office::closed(Plan { tables, ..plan() }).await;
    office.start().await;
    office.kill();
    past(&office).await;
    office.start().await;
    for (at, (name, team)) in PEOPLE.iter().enumerate() {
        let user = json!({ "name": name, "teams": [team] });
        office.user(&extension(at), user, "4711902853").await;
    }
    let mut devices = Vec::new();
    for desk in 0..DESKS {
        let phone = json!({
            "vendor": "snom", "model": "D785", "label": format!("Desk {}", desk + 1),
            "emergency": { "location": format!("Vienna, floor {}", desk / 8 + 1) },
        });
        office.put(&format!("phones/{}", mac(desk)), phone).await;
        if desk >= DESKS - 3 {
            continue;
        }
        let mut settings = DeviceSettings::new(Vendor::Snom, "D785", mac(desk).parse().unwrap());
        settings.dhcp = Some(format!("{}/provision/{{mac}}.xml", office.config.phones_url()));
        let device = Device::new(settings).unwrap();
        assert!(office.switch.attach(&device));
        device.boot().await;
        devices.push(device);
    }
    for at in 0..SEATED {
        let device = &devices[at as usize];
        let number = format!("*11{}", extension(at as usize));
        office.log_in(&device.phone().unwrap(), &number, "4711902853").await;
    }
    until("the phones show it", async || office.get("overview").await["waiting"] == 0).await;
    // Somebody pulled the plug of one, and then somebody sat down there.
    let (desk, person) = (DESKS - 4, extension(PEOPLE.len() - 1));
    assert!(office.switch.unregister(&mac(desk)));
    until("it is gone", async || {
        office.get(&format!("phones/{}/way", mac(desk))).await["registration"]["ended"].is_string()
    })
    .await;
    office.post("sessions", json!({ "phone": mac(desk), "user": person })).await;
    (office, devices)
}

/// Takes a picture of a page, all of it up to this height.
async fn picture(browser: &Browser, office: &Office, page: &str, name: &str, height: u32) {
    browser.open(&format!("{}{page}", office.admin_url())).await;
    browser.until("main", "").await;
    browser.size(1280, height).await;
    // Live parts have come, and no field is being typed into.
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let folder = match std::env::var_os("BLESS") {
        Some(_) => Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/page"),
        None => office.path("pictures"),
    };
    std::fs::create_dir_all(&folder).unwrap();
    browser.picture(&folder.join(format!("{name}.png"))).await;
}

#[tokio::test]
async fn pictures_for_the_readme() {
    let (office, _devices) = morning().await;
    let browser = signed_in(&office, "admin").await;
    let stuck = format!("phones/{}", mac(DESKS - 4));
    picture(&browser, &office, "", "now", 1160).await;
    picture(&browser, &office, &stuck, "phone", 1000).await;
    picture(&browser, &office, "phones", "phones", 800).await;
    picture(&browser, &office, "people/2001", "person", 700).await;
    picture(&browser, &office, "queues", "queues", 760).await;
    picture(&browser, &office, "journal", "journal", 760).await;
    picture(&browser, &office, "system", "system", 760).await;
    picture(&browser, &office, &format!("{stuck}/file"), "file", 900).await;
    browser.dark(true).await;
    picture(&browser, &office, "", "now-dark", 1160).await;
    browser.dark(false).await;
    was_quiet(&browser, &office).await;
}
