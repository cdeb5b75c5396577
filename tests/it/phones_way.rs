//! The way of a phone, from its box to somebody's desk: each step with its time, where it stops and why, where it was
//! carried, and what it is found to be when somebody checks it.

use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hotdeskd::model::{Redirection, RedirectionState};
use hotdeskd::simulator::Phone;
use hotdeskd::simulator::device::{Device, DeviceSettings, Vendor};
use hotdeskd::store::{DatabaseError, Store, Tx};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{Office, PHONES, Plan, USERS, free_address, until};

const DESK: &str = "000413aa0012";
const STAGES: [&str; 6] =
    ["imported", "first-contact", "enrolled", "configured", "registered", "shown"];
/// Whoever does not go on is stuck at once.
const IMPATIENT: &str = "[provisioning.way]\ncontact_days = 0\nenrol_minutes = 0\n\
     configure_minutes = 0\nregister_minutes = 0\naway_hours = 0\nshow_minutes = 0\n";

fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Runs a command, while FreeSWITCH and the phones here go on.
async fn run(office: &Office, arguments: &[&str]) -> Output {
    let mut command = office.command(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What a command prints that does what it should.
async fn says(office: &Office, arguments: &[&str]) -> String {
    let output = run(office, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    told(&output)
}

async fn way(office: &Office, mac: &str) -> Value {
    office.get(&format!("phones/{mac}/way")).await
}

/// Stage and reason of a phone.
async fn stuck(office: &Office, mac: &str) -> (String, String) {
    let way = way(office, mac).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&way["stage"]), text(&way["stuck"]["reason"]))
}

async fn is_stuck(office: &Office, mac: &str, stage: &str, reason: &str) {
    let wanted = (stage.to_owned(), reason.to_owned());
    until(&format!("{mac} is {stage}: {reason}"), async || stuck(office, mac).await == wanted)
        .await;
    let listed = says(office, &["phones", "list", "--stuck"]).await;
    assert_eq!(listed.contains(mac), !reason.is_empty(), "{listed}");
}

async fn inventory(office: &Office, mac: &str) {
    let phone = json!({ "vendor": "snom", "model": "D785", "label": "Desk 12" });
    office.put(&format!("phones/{mac}"), phone).await;
}

async fn snom(office: &Office, mac: &str) -> Device {
    inventory(office, mac).await;
    let mut settings = DeviceSettings::new(Vendor::Snom, "D785", mac.parse().unwrap());
    settings.dhcp = Some(format!("{}/provision/{{mac}}.xml", office.config.phones_url()));
    let device = Device::new(settings).unwrap();
    assert!(office.switch.attach(&device));
    device
}

/// The phone's own URL, with a `/` at its end.
async fn url(office: &Office, mac: &str) -> String {
    let shown = office.post(&format!("phones/{mac}/enrolment"), json!({ "show-url": true })).await;
    shown["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_phone_out_of_its_box_goes_through_all_stages_and_a_restart_keeps_their_times() {
    let office = Office::open().await;
    let device = snom(&office, DESK).await;
    let before = way(&office, DESK).await;
    assert_eq!(before["stage"], "imported");
    assert!(before["steps"][1]["at"].is_null(), "{before}");
    device.boot().await;
    until("it shows that it is nobody's", async || way(&office, DESK).await["stage"] == "shown")
        .await;
    let there = way(&office, DESK).await;
    let steps = there["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| step["stage"].as_str().unwrap()).collect();
    assert_eq!(names, STAGES);
    let times: Vec<Timestamp> =
        steps.iter().map(|step| step["at"].as_str().unwrap().parse().unwrap()).collect();
    // Shown is told by the same request as configured, and registered a moment after that.
    assert!(times[..5].is_sorted(), "{times:?}");
    assert_eq!(there["registration"]["address"], "127.0.0.1");
    assert_eq!(there["registration"]["node"], "lab");
    assert!(there["registration"]["agent"].as_str().unwrap().starts_with("snomD785/"));
    let shown = says(&office, &["phones", "show", DESK]).await;
    assert!(
        shown.contains("registered at FreeSWITCH") && shown.contains("127.0.0.1 at lab"),
        "{shown}"
    );
    let why = says(&office, &["phones", "why", DESK]).await;
    assert!(why.lines().nth(1).unwrap().starts_with("way"), "{why}");
    let stages: Value =
        serde_json::from_str(&says(&office, &["phones", "stages", "--json"]).await).unwrap();
    assert_eq!(stages["stages"]["shown"], 1);
    assert_eq!(stages["stages"]["imported"], PHONES.len());
    let listed = says(&office, &["phones", "list", "--stage", "shown"]).await;
    assert!(listed.contains(DESK) && !listed.contains(PHONES[0].0), "{listed}");
    // Somebody logs in, and the phone is on its way again until it shows that.
    office.log_in(&device.phone().unwrap(), &format!("*11{}", USERS[0].0), USERS[0].2).await;
    until("it shows who is there", async || {
        let way = way(&office, DESK).await;
        way["stage"] == "shown" && way["steps"][5]["at"] != there["steps"][5]["at"]
    })
    .await;
    let before = way(&office, DESK).await;
    office.kill();
    office.start().await;
    let after = way(&office, DESK).await;
    assert_eq!(
        (&after["steps"], &after["registration"]),
        (&before["steps"], &before["registration"])
    );
}

#[tokio::test]
async fn a_phone_that_does_not_go_on_is_listed_with_the_reason() {
    let plan = Plan { provisioning: IMPATIENT.to_owned(), ..Plan::default() };
    let office = Office::with(plan).await;
    inventory(&office, DESK).await;
    is_stuck(&office, DESK, "imported", "never-seen").await;
    let bare = format!("{}/provision/{}.xml", office.config.phones_url(), DESK.to_uppercase());
    // Somebody closed its window.
    office.post(&format!("phones/{DESK}/enrolment"), json!({ "window": 0 })).await;
    assert_eq!(reqwest::get(&bare).await.unwrap().status(), 401);
    is_stuck(&office, DESK, "first-contact", "refused").await;
    let listed = says(&office, &["phones", "list", "--stuck"]).await;
    assert!(listed.contains("its window is closed"), "{listed}");
    assert!(listed.contains(&format!("hotdeskd phones enrol {DESK}")), "{listed}");
    // It is given its URL, and does not come back.
    office.post(&format!("phones/{DESK}/enrolment"), json!({ "window": 10 })).await;
    assert_eq!(reqwest::get(&bare).await.unwrap().status(), 200);
    is_stuck(&office, DESK, "first-contact", "not-proven").await;
    // It comes back, and asks for its phone book alone.
    let own = url(&office, DESK).await;
    assert_eq!(reqwest::get(format!("{own}directory.xml")).await.unwrap().status(), 200);
    is_stuck(&office, DESK, "enrolled", "not-fetched").await;
    // It has its configuration, and a firewall stands between it and FreeSWITCH.
    let file = reqwest::get(format!("{own}{}.xml", DESK.to_uppercase())).await.unwrap();
    let file = file.text().await.unwrap();
    is_stuck(&office, DESK, "configured", "not-asked").await;
    // It reaches FreeSWITCH, and has another secret.
    let mut phone = Phone::new(DESK, "another-secret".to_owned().into());
    assert!(office.switch.register(&phone).await.is_err());
    is_stuck(&office, DESK, "configured", "not-let-in").await;
    let secret = file.split("<user_pass idx=\"1\" perm=\"R\">").nth(1).unwrap();
    phone.secret = secret.split('<').next().unwrap().to_owned().into();
    office.switch.register(&phone).await.unwrap();
    is_stuck(&office, DESK, "shown", "").await;
    // Somebody logs in, and the phone fetches nothing.
    office.log_in(&phone, &format!("*11{}", USERS[0].0), USERS[0].2).await;
    is_stuck(&office, DESK, "registered", "not-shown").await;
    // Somebody pulls the plug.
    assert!(office.switch.unregister(DESK));
    is_stuck(&office, DESK, "configured", "away").await;
    // A phone that somebody configured by hand.
    office.switch.register(&office.phone(0)).await.unwrap();
    is_stuck(&office, PHONES[0].0, "registered", "configured-elsewhere").await;
    let listed = says(&office, &["phones", "list", "--stage", "registered"]).await;
    assert!(listed.contains(PHONES[0].0) && !listed.contains(DESK), "{listed}");
    // A mistake in a template.
    inventory(&office, "000413aa0013").await;
    let removed = office.delete(&format!("phones/{DESK}")).await;
    assert_eq!(removed, Value::Null);
    inventory(&office, DESK).await;
    is_stuck(&office, DESK, "imported", "never-seen").await;
}

#[tokio::test]
async fn a_phone_that_was_carried_away_is_told_of_once_and_when_it_is_back() {
    let tables = "[[location]]\nname = \"Vienna\"\nnetworks = [\"192.0.2.0/24\"]\n\
                  [[location]]\nname = \"Graz\"\nnetworks = [\"198.51.100.0/24\"]\n";
    let plan = Plan { tables: tables.to_owned(), ..Plan::default() };
    let office = Office::with(plan).await;
    let (mac, secret, label) = PHONES[0];
    let phone =
        json!({ "label": label, "secret": secret, "emergency": { "location": "Vienna, room 1" } });
    office.put(&format!("phones/{mac}"), phone.clone()).await;
    let told_of = async || {
        let journal = office.get(&format!("journal?limit=1000&phone={mac}")).await;
        let rows = journal.as_array().unwrap().iter();
        let moves = rows.filter(|row| {
            ["phone-moved", "phone-returned"].contains(&row["what"].as_str().unwrap())
        });
        moves
            .map(|row| (row["what"].as_str().unwrap().to_owned(), row["from"].clone()))
            .collect::<Vec<_>>()
    };
    let registers = async |address: &str| {
        let mut phone = office.phone(0);
        phone.ip = address.to_owned();
        office.switch.register(&phone).await.unwrap();
        until("its address is known", async || {
            way(&office, mac).await["registration"]["address"] == address
        })
        .await;
    };
    registers("192.0.2.7").await;
    assert_eq!(told_of().await, []);
    registers("198.51.100.9").await;
    let moved = ("phone-moved".to_owned(), json!("198.51.100.9"));
    assert_eq!(told_of().await, std::slice::from_ref(&moved));
    let listed = says(&office, &["phones", "list", "--moved"]).await;
    assert!(listed.contains(mac) && listed.contains("198.51.100.9"), "{listed}");
    // Again and again, from there and from elsewhere: it is the same move.
    registers("198.51.100.10").await;
    office.kill();
    office.start().await;
    registers("203.0.113.1").await;
    assert_eq!(told_of().await, std::slice::from_ref(&moved));
    let journal = says(&office, &["journal", "list", "--phone", mac]).await;
    let sentence = "of Vienna registers from 198.51.100.9, in 198.51.100.0/24: its emergency location is wrong there";
    assert!(journal.contains(sentence), "{journal}");
    registers("192.0.2.8").await;
    let returned = ("phone-returned".to_owned(), json!("192.0.2.8"));
    assert_eq!(told_of().await, [moved.clone(), returned]);
    let listed = says(&office, &["phones", "list", "--moved"]).await;
    assert!(!listed.contains(mac), "{listed}");
    // It stays in Graz, and the inventory says so.
    registers("198.51.100.9").await;
    let mut there = phone;
    there["emergency"]["location"] = json!("Graz, hall");
    office.put(&format!("phones/{mac}"), there).await;
    until("it belongs there", async || told_of().await.len() == 4).await;
    assert_eq!(told_of().await[3].0, "phone-returned");
    // Of a place without networks nobody can say anything.
    let check = told(&run(&office, &["check", "--json"]).await);
    let lines: Vec<Value> = serde_json::from_str(&check).unwrap();
    let locations: Vec<_> = lines.iter().filter(|line| line["subject"] == "locations").collect();
    assert_eq!(locations.len(), 1, "{check}");
    assert_eq!(locations[0]["state"], "look");
    let found = locations[0]["found"].as_str().unwrap();
    assert!(found.starts_with("2 phones"), "{found}");
}

/// A phone with a web server, in an office that looks there.
struct Checked {
    office: Office,
    device: Device,
    _web: DropGuard,
}

impl Checked {
    async fn open(more: &str) -> Self {
        let (office, device, listener) = Self::plugged(more).await;
        let stop = CancellationToken::new();
        let (serving, stopped) = (device.clone(), stop.clone());
        tokio::spawn(async move { serving.serve_web(listener, stopped).await });
        Self { office, device, _web: stop.drop_guard() }
    }

    /// One at whose web server sits somebody else, who says this and notes what he hears.
    async fn with_a_stranger(says: Vec<u8>) -> (Self, Arc<Mutex<String>>) {
        let (office, device, listener) = Self::plugged("").await;
        let (heard, stop) = (Arc::<Mutex<String>>::default(), CancellationToken::new());
        let (hears, stopped) = (Arc::clone(&heard), stop.clone());
        let serving = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (hears, says) = (Arc::clone(&hears), says.clone());
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    let count = stream.read(&mut head).await.unwrap_or(0);
                    hears.lock().unwrap().push_str(&String::from_utf8_lossy(&head[..count]));
                    let _ = stream.write_all(&says).await;
                    // Never the end.
                    tokio::time::sleep(Duration::from_secs(60)).await;
                });
            }
        };
        tokio::spawn(async move { stopped.run_until_cancelled(serving).await });
        (Self { office, device, _web: stop.drop_guard() }, heard)
    }

    /// A phone at its desk, and where its web server is to be.
    async fn plugged(more: &str) -> (Office, Device, TcpListener) {
        let address = free_address();
        let provisioning = format!("[provisioning.web]\nport = {}\n{more}", address.port());
        let office = Office::with(Plan { provisioning, ..Plan::default() }).await;
        let device = snom(&office, DESK).await;
        device.boot().await;
        until("it is there", async || way(&office, DESK).await["stage"] == "shown").await;
        (office, device, TcpListener::bind(address).await.unwrap())
    }

    /// What a check says: its exit code, the JSON, and nothing secret.
    async fn check(&self) -> (Option<i32>, Value) {
        let output = run(&self.office, &["phones", "check", DESK, "--json"]).await;
        let text = told(&output);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let secrets = ["http_pass", "http_client_pass", "admin_mode_password"];
        let secrets = secrets.into_iter().filter_map(|name| self.device.setting(name, 0));
        for secret in secrets.chain(self.device.setting("user_pass", 1)) {
            assert!(!text.contains(&secret) && !said.contains(&secret), "{text}");
        }
        let key = self.device.setting("setting_server", 0).unwrap();
        let key = key.split("/p/").nth(1).unwrap_or("none").split('/').next().unwrap();
        assert!(!text.contains(key), "{text}");
        (output.status.code(), serde_json::from_str(&text).unwrap())
    }
}

/// What a check says of a subject, as `verdict: found`.
fn line(check: &Value, subject: &str) -> String {
    let lines = check["lines"].as_array().unwrap().iter();
    let lines = lines.filter(|line| line["subject"] == subject);
    let text = |line: &Value| {
        format!("{}: {}", line["verdict"].as_str().unwrap(), line["found"].as_str().unwrap())
    };
    lines.map(text).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_check_finds_what_somebody_changed_at_the_phone() {
    let checked = Checked::open("").await;
    let (code, check) = checked.check().await;
    assert_eq!((code, &check["differing"]), (Some(0), &json!(0)), "{check:#}");
    let settings = line(&check, "its settings");
    assert!(
        settings.starts_with("ok: ") && settings.ends_with("all as they were given"),
        "{settings}"
    );
    assert!(line(&check, "FreeSWITCH lab").contains("from 127.0.0.1"), "{check:#}");
    let log = check["log"].as_array().unwrap();
    assert!(log.last().unwrap().as_str().unwrap().contains("Fetched http://"), "{log:?}");
    assert_eq!(log.len(), 10.min(log.len()));
    // Somebody is at it who knows the administrator's password.
    checked.device.set_as_administrator("language", 0, "Deutsch").await;
    checked.device.set_as_administrator("user_pass", 1, "somebody-elses").await;
    let (code, check) = checked.check().await;
    assert_eq!((code, &check["differing"]), (Some(1), &json!(1)), "{check:#}");
    assert!(line(&check, "its settings").ends_with("2 not as they were given"), "{check:#}");
    let wanted = json!([
        { "name": "language", "wanted": "English", "found": "Deutsch" },
        { "name": "user_pass.1", "wanted": null, "found": null },
    ]);
    assert_eq!(check["settings"], wanted);
    let text = told(&run(&checked.office, &["phones", "check", DESK]).await);
    assert!(text.contains("DIFFERS") && text.contains("(not shown)"), "{text}");
    // It fetches what it should have, and all is well again.
    checked.device.boot().await;
    assert_eq!(checked.check().await.0, Some(0));
    // The same without a daemon, over a connection of the command's own.
    checked.office.kill();
    let (code, check) = checked.check().await;
    assert_eq!(code, Some(0), "{check:#}");
    assert!(line(&check, "FreeSWITCH lab").starts_with("ok: registered at internal"), "{check:#}");
}

#[tokio::test]
async fn a_check_gives_the_password_to_nobody_who_wants_it_as_it_is() {
    let checked = Checked::open("").await;
    checked.device.set_as_administrator("http_scheme", 0, "off").await;
    let (_, check) = checked.check().await;
    assert!(line(&check, "its own pages").contains("HTTP Basic"), "{check:#}");
    // Somebody else's password.
    checked.device.set_as_administrator("http_scheme", 0, "on").await;
    checked.device.set_as_administrator("http_pass", 0, "somebody-elses").await;
    let (_, check) = checked.check().await;
    assert!(line(&check, "its own pages").contains("does not take the password"), "{check:#}");
    // None at all: its pages are read, and that is said.
    checked.device.set_as_administrator("http_pass", 0, "").await;
    let (code, check) = checked.check().await;
    assert_eq!(code, Some(1));
    assert!(
        line(&check, "its own pages").starts_with("differs: anybody can read them"),
        "{check:#}"
    );
}

#[tokio::test]
async fn where_a_setting_allows_it_the_password_is_sent_as_it_is() {
    let checked = Checked::open("basic = true\n").await;
    checked.device.set_as_administrator("http_scheme", 0, "off").await;
    let (code, check) = checked.check().await;
    assert_eq!(code, Some(1), "{check:#}");
    let wanted = json!([{ "name": "http_scheme", "wanted": "on", "found": "off" }]);
    assert_eq!(check["settings"], wanted);
}

/// Whoever has taken the phone's address: he gets no password, and cannot hold us up.
#[tokio::test]
async fn a_stranger_at_the_phones_address_gets_no_password_and_is_not_waited_for() {
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 3 << 20]].concat();
    for (says, told) in [
        (b"HTTP/1.1 401 -\r\nWWW-Authenticate: Basic realm=\"snom\"\r\nContent-Length: 0\r\n\r\n".to_vec(), "HTTP Basic"),
        (b"HTTP/1.1 302 -\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec(), "it answered 302"),
        (b"HTTP/1.1 401 -\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"n\"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec(), "does not take the password"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html/>..".to_vec(), "no list of settings"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_vec(), "not answer in time"),
        (Vec::new(), "not answer in time"),
        (endless, "longer than"),
    ] {
        let (checked, heard) = Checked::with_a_stranger(says).await;
        let begun = Instant::now();
        let (_, check) = checked.check().await;
        let found = line(&check, "its own pages");
        assert!(found.starts_with("look: ") && found.contains(told), "{told}: {check:#}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{told}");
        let heard = heard.lock().unwrap().clone();
        assert!(heard.starts_with("GET /settings.xml HTTP/1.1"), "{heard}");
        assert!(!heard.contains("Basic "), "{heard}");
        for name in ["http_pass", "user_pass"] {
            let secret = checked.device.setting(name, u8::from(name == "user_pass")).unwrap();
            assert!(!heard.contains(&secret), "{heard}");
        }
    }
}

#[tokio::test]
async fn a_phone_that_its_vendors_service_does_not_know_is_stuck_before_that_step() {
    let tables =
        "[redirection.snom]\nurl = \"https://127.0.0.1:1/\"\nuser = \"u\"\npassword = \"p\"\n";
    let (provisioning, tables) = (IMPATIENT.to_owned(), tables.to_owned());
    let office = Office::with(Plan { provisioning, tables, ..Plan::default() }).await;
    inventory(&office, DESK).await;
    is_stuck(&office, DESK, "imported", "not-redirected").await;
    let yealink = "805ec0aa0012";
    office.put(&format!("phones/{yealink}"), json!({ "vendor": "yealink" })).await;
    is_stuck(&office, yealink, "imported", "never-seen").await;
    let steps = way(&office, yealink).await["steps"].as_array().unwrap().len();
    assert_eq!((steps, way(&office, DESK).await["steps"].as_array().unwrap().len()), (6, 7));
    // It was told of it: as `redirection apply` writes it down.
    office.kill();
    let store = Store::open(&office.config.data).await.unwrap();
    let told = Redirection {
        phone: DESK.parse().unwrap(),
        service: "snom".into(),
        state: RedirectionState::Registered,
        digest: String::new(),
        old_digest: None,
        reason: None,
        at: Timestamp::now(),
        registered: Some(Timestamp::now()),
    };
    let written = store.write(async move |tx: &mut Tx<'_>| {
        tx.save_redirection(told.clone()).await?;
        Ok::<(), DatabaseError>(())
    });
    written.await.unwrap();
    drop(store);
    office.start().await;
    is_stuck(&office, DESK, "redirected", "never-seen").await;
}

#[tokio::test]
async fn a_check_of_a_phone_that_is_off_or_of_another_vendor_says_so() {
    let checked = Checked::open("").await;
    assert!(checked.office.switch.unregister(DESK));
    until("it is gone", async || {
        way(&checked.office, DESK).await["registration"]["ended"].is_string()
    })
    .await;
    let (code, check) = checked.check().await;
    assert_eq!(code, Some(1));
    assert_eq!(line(&check, "FreeSWITCH"), "differs: it is not registered");
    assert!(
        line(&check, "its own pages").contains("only of a phone that is registered"),
        "{check:#}"
    );
    let unknown = run(&checked.office, &["phones", "check", "000413ffffff"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no phone"), "{unknown:?}");
    let (mac, ..) = PHONES[2];
    checked.office.switch.register(&checked.office.phone(2)).await.unwrap();
    let output = run(&checked.office, &["phones", "check", mac]).await;
    assert!(told(&output).contains("does not read the pages of this vendor"), "{output:?}");
}
