//! What the daemon says about itself: as text, JSON, and at journald.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Office, PHONES, Plan, USERS, until};

/// A daemon in a mount namespace where journald's socket is one of ours.
struct AtJournald(Child);

impl AtJournald {
    /// Its entries go into `entries`.
    fn start(office: &Office, entries: &Path) -> Self {
        const SCRIPT: &str = "set -e; mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/journal; \
             python3 \"$1\" \"$2\" & while [ ! -S /run/systemd/journal/socket ]; do sleep 0.01; done; \
             shift 2; exec \"$@\"";
        let receiver =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/journald/receiver.py");
        let daemon = office.command(&["serve"]);
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", SCRIPT, "sh"]).arg(receiver).arg(entries);
        command.arg(daemon.get_program()).args(daemon.get_args()).stdin(Stdio::null());
        let errors = std::fs::File::create(office.path("stderr")).unwrap();
        command.env_remove("RUST_LOG").stdout(Stdio::null()).stderr(errors);
        Self(command.spawn().unwrap())
    }
}

impl Drop for AtJournald {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lines of JSON.
fn lines(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test]
async fn journald_has_a_field_for_each_value_and_standard_error_nothing() {
    // Only inside the namespace is /run another one.
    if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|done| done.success())
    {
        assert!(std::env::var_os("CI").is_none(), "no mount namespaces; run as root");
        eprintln!("NOT RUN: no mount namespaces; run as root");
        return;
    }
    let tables = "[log]\nformat = \"journald\"\n".to_owned();
    let office = Office::closed(Plan { tables, ..Plan::default() }).await;
    let entries = office.path("entries");
    let _daemon = AtJournald::start(&office, &entries);
    let read = || lines(&std::fs::read_to_string(&entries).unwrap_or_default());
    until("it answers", async || office.admin(reqwest::Method::GET, "phones", None).await.is_ok())
        .await;
    let (mac, secret, label) = PHONES[0];
    office.put(&format!("phones/{mac}"), json!({ "label": label, "secret": secret })).await;
    office.user(USERS[0].0, json!({ "name": USERS[0].1 }), USERS[0].2).await;
    office.switch.register(&office.phone(0)).await.unwrap();
    office.log_in(&office.phone(0), "*111001", USERS[0].2).await;
    let call = || read().into_iter().find(|entry| entry["MESSAGE"] == "call");
    until("the call is told", async || call().is_some()).await;
    let call = call().unwrap();
    assert_eq!(call["HOTDESKD_PHONE"], mac, "{call}");
    assert_eq!(call["HOTDESKD_PATH"], "hotdesk/login", "{call}");
    assert_eq!(call["SYSLOG_IDENTIFIER"], "hotdeskd", "{call}");
    assert_eq!(call["TARGET"], "hotdeskd::calls", "{call}");
    assert_eq!(call["PRIORITY"], "5", "{call}");
    let all = std::fs::read_to_string(&entries).unwrap();
    assert!(!all.contains(USERS[0].2) && !all.contains(secret), "{all}");
    let said = std::fs::read_to_string(office.path("stderr")).unwrap();
    assert_eq!(said, "");
}

#[tokio::test]
async fn json_is_one_object_a_line_with_a_key_for_each_value() {
    let tables = "[log]\nformat = \"json\"\n".to_owned();
    let office = Office::with(Plan { tables, ..Plan::default() }).await;
    office.switch.register(&office.phone(0)).await.unwrap();
    office.log_in(&office.phone(0), "*111001", USERS[0].2).await;
    let log = office.log();
    let told = lines(&log);
    assert_eq!(told.len(), log.lines().count(), "{log}");
    let call = told.iter().find(|line| line["message"] == "call").unwrap();
    assert_eq!((&call["level"], &call["phone"]), (&json!("INFO"), &json!(PHONES[0].0)), "{call}");
    assert_eq!(call["target"], "hotdeskd::calls", "{call}");
    assert!(call["timestamp"].is_string(), "{call}");
}

#[tokio::test]
async fn without_journald_the_daemon_says_so_and_does_not_start() {
    if Path::new("/run/systemd/journal/socket").exists() {
        return;
    }
    let tables = "[log]\nformat = \"journald\"\n".to_owned();
    let office = Office::closed(Plan { tables, ..Plan::default() }).await;
    let ran = office.run(&["serve"]);
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(
        said.contains("log.format = \"journald\"") && said.contains("or write \"text\""),
        "{said}"
    );
}
