//! FreeSWITCH's own disk follows the store: files at once, `reloadxml` at once only where it matters.

use crate::support::{Office, PHONES, until};

use serde_json::json;

/// The directory on the disk, all files together.
fn directory(office: &Office) -> String {
    let folder = office.config.standing.folder.join("directory");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter_map(|file| std::fs::read_to_string(file).ok()).collect()
}

fn reloads(office: &Office) -> usize {
    office.switch.api_log().iter().filter(|line| line.contains("reloadxml")).count()
}

#[tokio::test]
async fn nothing_is_written_before_install() {
    let office = Office::open().await;
    office.log_in(&office.phone(0), "*111001", crate::support::USERS[0].2).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(!office.config.standing.folder.exists());
}

#[tokio::test]
async fn logins_and_phones_reach_the_disk_and_only_a_phone_is_urgent() {
    let office = Office::open().await;
    assert!(office.run(&["freeswitch", "install"]).status.success());
    assert!(!directory(&office).contains("hotdesk_user"));
    // The phones that the office was filled with are gathered for a second, and are urgent.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let before = reloads(&office);

    office.log_in(&office.phone(0), "*111001", crate::support::USERS[0].2).await;
    until("the login is on the disk", async || {
        directory(&office).contains("name=\"hotdesk_user\" value=\"1001\"")
    })
    .await;
    assert_eq!(reloads(&office), before, "a login waits for others");

    let new = json!({ "label": "Desk 9", "secret": "phone-secret-nine" });
    office.put("phones/0004132a0009", new).await;
    until("FreeSWITCH reads the new phone", async || reloads(&office) > before).await;
    assert!(directory(&office).contains("<user id=\"0004132a0009\">"));
    assert!(directory(&office).contains("name=\"hotdesk_user\" value=\"1001\""));

    office.delete(&format!("phones/{}", PHONES[1].0)).await;
    until("the removed phone is gone", async || {
        !directory(&office).contains(&format!("<user id=\"{}\">", PHONES[1].0))
    })
    .await;
}

#[tokio::test]
async fn what_happened_while_nobody_was_there_is_read_at_the_next_start() {
    let office = Office::open().await;
    assert!(office.run(&["freeswitch", "install"]).status.success());
    office.kill();
    assert!(office.run(&["sessions", "login", "1002", PHONES[2].0]).status.success());
    assert!(!directory(&office).contains("hotdesk_user"));
    let before = reloads(&office);
    office.start().await;
    until("FreeSWITCH reads it", async || reloads(&office) > before).await;
    assert!(directory(&office).contains("name=\"hotdesk_user\" value=\"1002\""));
}
