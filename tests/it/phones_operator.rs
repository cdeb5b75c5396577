//! What an operator does about phones: templates of one's own, contacts, firmware, rendering, explaining.

use std::time::Duration;

use hotdeskd::simulator::device::{Device, DeviceSettings, Vendor};
use serde_json::{Value, json};

use crate::support::{Office, Plan, until};

const DESK: &str = "000413aa0001";

fn told(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What `check` says about a subject, as `state: found`.
fn check(office: &Office, subject: &str) -> Vec<String> {
    let lines: Vec<Value> = serde_json::from_str(&told(&office.run(&["check", "--json"]))).unwrap();
    let about = lines.iter().filter(|line| line["subject"] == subject);
    about
        .map(|line| {
            format!("{}: {}", line["state"].as_str().unwrap(), line["found"].as_str().unwrap())
        })
        .collect()
}

async fn snom(office: &Office) -> Device {
    let phone = json!({ "vendor": "snom", "model": "D785", "label": "Desk 12" });
    office.put(&format!("phones/{DESK}"), phone).await;
    let mut settings = DeviceSettings::new(Vendor::Snom, "D785", DESK.parse().unwrap());
    settings.dhcp = Some(format!("{}/provision/", office.config.phones_url()));
    let device = Device::new(settings).unwrap();
    assert!(office.switch.attach(&device));
    device
}

#[tokio::test]
async fn a_template_with_a_mistake_is_told_and_phones_keep_what_they_have() {
    let plan = Plan { provisioning: "templates = \"templates\"".to_owned(), ..Plan::default() };
    let office = Office::closed(plan).await;
    let folder = office.path("templates/snom");
    std::fs::create_dir_all(&folder).unwrap();
    office.start().await;
    let device = snom(&office).await;
    assert!(device.boot().await.from.contains("/p/"));
    assert_eq!(check(&office, "templates").len(), 1);
    std::fs::write(folder.join("settings.xml"), "<settings>\n{{ nothing }}\n</settings>").unwrap();
    until("the mistake is told", async || {
        let journal = office.get("journal?limit=100").await;
        let rows = journal.as_array().unwrap();
        rows.iter().any(|row| {
            row["what"] == "template-broken"
                && row["error"].as_str().unwrap().contains("settings.xml:2")
        })
    })
    .await;
    assert!(
        check(&office, "templates")[1].starts_with("WRONG"),
        "{:?}",
        check(&office, "templates")
    );
    // The last good one goes on.
    assert!(device.boot().await.from.contains("/p/"));
    assert_eq!(device.display().label.as_deref(), Some("Desk 12"));
    // One that is right is taken without a restart.
    let own = "<settings><phone-settings><user_realname idx=\"1\" perm=\"R\">Our {{ phone.label }}\
               </user_realname></phone-settings></settings>";
    std::fs::write(folder.join("settings.xml"), own).unwrap();
    until("the new template is in force", async || {
        told(&office.run(&["phones", "render", DESK])).contains("Our Desk 12")
    })
    .await;
}

#[tokio::test]
async fn every_layer_is_explained_and_secrets_are_shown_on_request_only() {
    let plan = Plan {
        provisioning: "[provisioning.settings]\nlanguage = \"de\"\n\"snom.ringer_volume\" = 8\n"
            .to_owned(),
        ..Plan::default()
    };
    let office = Office::with(plan).await;
    snom(&office).await;
    let added = office.run(&[
        "phones",
        "add",
        DESK,
        "--replace",
        "--vendor",
        "snom",
        "--model",
        "D785",
        "--set",
        "language=fr",
    ]);
    assert!(added.status.success());
    let explained = told(&office.run(&["phones", "render", DESK, "--explain"]));
    let line = |name: &str| {
        let found = explained.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("language "), "language fr phone over vendor, site");
    assert_eq!(line("snom.ringer_volume"), "snom.ringer_volume 8 site");
    assert!(line("country").ends_with(" vendor"));
    let file = told(&office.run(&["phones", "render", DESK]));
    assert!(file.contains("<ringer_volume perm=\"R\">8</ringer_volume>"), "{file}");
    assert!(file.contains("Français") && file.contains("(hidden)"), "{file}");
    let with = told(&office.run(&["phones", "render", DESK, "--secrets"]));
    let secret =
        |file: &str| file.lines().find(|line| line.contains("<user_pass ")).unwrap().to_owned();
    assert!(secret(&file).contains("(hidden)") && !secret(&with).contains("(hidden)"));
    let url = told(&office.run(&["phones", "enrol", DESK, "--show-url"]));
    let key = url.trim().trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    assert!(key.len() >= 26 && !file.contains(&key) && with.contains(&key));
    // What somebody may have seen is worth nothing after this.
    let fetch = async || reqwest::get(format!("{}{DESK}.xml", url.trim())).await.unwrap().status();
    assert_eq!(fetch().await, 200);
    assert!(office.run(&["phones", "enrol", DESK, "--revoke"]).status.success());
    assert_eq!(fetch().await, 404);
    let anew = told(&office.run(&["phones", "render", DESK, "--secrets"]));
    assert!(!anew.contains(&key) && secret(&anew) != secret(&with));
}

#[tokio::test]
async fn contacts_and_firmware_come_from_the_operators_folders() {
    let tables = "contacts = \"contacts.csv\"\nfirmware = \"firmware\"".to_owned();
    let office = Office::closed(Plan { provisioning: tables, ..Plan::default() }).await;
    std::fs::write(office.path("contacts.csv"), "name,number\n\"Taxi, day & night\",0800123\n")
        .unwrap();
    std::fs::create_dir(office.path("firmware")).unwrap();
    let name = "snomD785-10.1.169.16-SIP-r.bin";
    std::fs::write(office.path("firmware").join(name), "new").unwrap();
    std::fs::write(office.path("firmware/snomD785-10.1.33.33-SIP-r.bin"), "old").unwrap();
    office.start().await;
    let device = snom(&office).await;
    let booted = device.boot().await;
    let book = device.display().phone_book;
    assert!(
        book.iter()
            .any(|contact| contact.name == "Taxi, day & night" && contact.number == "0800123")
    );
    // It ran 10.1.33.33, was told of a newer one, fetched it, and is told of none since.
    assert!(booted.paths().contains(&format!("GET /provision/{name}")), "{booted:#?}");
    assert_eq!(device.setting("update_policy", 0).as_deref(), Some("settings_only"));
    assert!(!device.boot().await.paths().contains(&format!("GET /provision/{name}")));
    let firmware =
        reqwest::get(format!("{}/provision/{name}", office.config.phones_url())).await.unwrap();
    assert_eq!((firmware.status().as_u16(), firmware.text().await.unwrap().as_str()), (200, "new"));
    assert_eq!(check(&office, "contacts"), ["ok: 1 contacts"]);
    assert_eq!(check(&office, "firmware"), ["ok: 2 files"]);
    assert_eq!(check(&office, "phones' listener").len(), 1);
    assert!(check(&office, "phones' listener")[0].starts_with("ok"));
    // A mistake in the contacts leaves them as they were.
    std::fs::write(office.path("contacts.csv"), "telephone\n1\n").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    device.boot().await;
    assert!(device.display().phone_book.iter().any(|contact| contact.number == "0800123"));
    assert!(check(&office, "contacts")[0].starts_with("WRONG"));
}
