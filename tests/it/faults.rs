//! When something is gone: the store, the disk, the daemon's time, its ports.

use std::time::{Duration, Instant};

use hotdeskd::simulator::{Answered, AuthError, Heard};
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::support::{
    EVENT_SOCKET_PASSWORD, LOGGED_IN, Office, PHONES, Plan, SmallDisk, UNAVAILABLE, USERS,
    free_address, heard_times, kept, spoken, until,
};

const ADA: &str = "1001";
const ADAS_PIN: &str = USERS[0].2;

/// The store's file, by somebody else.
async fn foreign(office: &Office) -> SqliteConnection {
    let file = office.config.data.join("hotdeskd.db");
    SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap()
}

async fn sql(connection: &mut SqliteConnection, statement: &'static str) {
    sqlx::query(statement).execute(connection).await.unwrap();
}

/// `serve` that ends by itself with an error; what it said.
async fn refuses_to_start(office: &Office, code: i32) -> String {
    let before = office.log().len();
    office.spawn();
    let status = office.ended().await;
    let said = office.log()[before..].to_owned();
    assert_eq!(status.code(), Some(code), "{said}");
    // One error, in a line of its own, with what to do.
    assert_eq!(said.lines().filter(|line| line.starts_with("hotdeskd: ")).count(), 1, "{said}");
    assert!(!said.contains("Error {") && !said.contains("backtrace"), "{said}");
    said
}

/// A login is refused with the tone for "not now", and nothing changed.
async fn not_now(office: &Office) {
    let before = office.sessions().await;
    let heard = office.converse(&office.phone(0), "*111001", &[&format!("{ADAS_PIN}#")]).await;
    let said = spoken(&heard);
    assert_eq!(said[1..], [UNAVAILABLE, "NORMAL_TEMPORARY_FAILURE"], "{heard:?}");
    assert_eq!(office.sessions().await, before);
    // FreeSWITCH is told from memory, as before.
    assert_eq!(office.whose(&office.phone(0)).await, None);
}

#[tokio::test]
async fn while_somebody_locks_the_store_logins_are_refused_and_afterwards_not() {
    let office = Office::open().await;
    let mut other = foreign(&office).await;
    sql(&mut other, "BEGIN EXCLUSIVE").await;
    not_now(&office).await;
    sql(&mut other, "ROLLBACK").await;
    office.log_in(&office.phone(0), "*111001", ADAS_PIN).await;
    office.kill();
    assert_eq!(kept(&office).await.sessions.len(), 1);
}

#[tokio::test]
async fn a_full_disk_refuses_logins_changes_nothing_and_heals() {
    let Some(disk) = SmallDisk::mount(4 << 20) else { return };
    let office = Office::with(Plan { data: Some(disk.join("data")), ..Plan::default() }).await;
    let ballast = disk.fill();
    not_now(&office).await;
    // The same over the admin API, in words.
    let login = json!({ "phone": PHONES[0].0, "user": ADA });
    let told = office.admin(reqwest::Method::POST, "sessions", Some(login)).await.unwrap_err();
    assert!(told.contains("store failed") && told.contains("full"), "{told}");
    assert!(office.runs());
    std::fs::remove_file(ballast).unwrap();
    office.log_in(&office.phone(0), "*111001", ADAS_PIN).await;
    // A daemon that starts on a full disk has everything there was.
    let ballast = disk.fill();
    office.kill();
    office.start().await;
    assert_eq!(office.whose(&office.phone(0)).await.as_deref(), Some(ADA));
    std::fs::remove_file(ballast).unwrap();
    office.kill();
    assert_eq!(kept(&office).await.sessions.len(), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let Some(disk) = SmallDisk::mount(4 << 20) else { return };
    let data = disk.join("data");
    let office = Office::with(Plan { data: Some(data.clone()), ..Plan::default() }).await;
    office.kill();
    disk.set_read_only(true);
    let said = refuses_to_start(&office, 1).await;
    assert!(said.contains(data.to_str().unwrap()) && said.contains("Read-only"), "{said}");
    let ran = office.run(&["sessions", "list"]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    disk.set_read_only(false);
    office.start().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let nowhere = std::path::PathBuf::from("/nowhere/of/ours");
    let office = Office::closed(Plan { data: Some(nowhere), ..Plan::default() }).await;
    let said = refuses_to_start(&office, 1).await;
    assert!(said.contains("/nowhere/of/ours") && said.contains("make it"), "{said}");
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let office = Office::open().await;
    office.kill();
    let mut other = foreign(&office).await;
    sql(
        &mut other,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99990101000000, 'later', TRUE, x'00', 0)",
    )
    .await;
    sql(&mut other, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    other.close().await.unwrap();
    let file = office.config.data.join("hotdeskd.db");
    let before = std::fs::read(&file).unwrap();
    let said = refuses_to_start(&office, 1).await;
    assert!(said.contains("another version of hotdeskd"), "{said}");
    let ran = office.run(&["users", "list"]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("another version"), "{ran:?}");
    assert!(std::fs::read(&file).unwrap() == before, "the store was changed");
}

#[tokio::test]
async fn a_store_that_is_none_or_has_lost_its_key_is_left_alone() {
    let office = Office::open().await;
    office.kill();
    let (file, key) =
        (office.config.data.join("hotdeskd.db"), office.config.data.join("secret.key"));
    let (kept_key, kept_file) = (std::fs::read(&key).unwrap(), std::fs::read(&file).unwrap());
    std::fs::remove_file(&key).unwrap();
    let said = refuses_to_start(&office, 1).await;
    assert!(said.contains("secret.key"), "{said}");
    assert!(!key.exists(), "a new key would make the old secrets unreadable for ever");
    std::fs::write(&key, kept_key).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for wal in ["hotdeskd.db-wal", "hotdeskd.db-shm"] {
        let _ = std::fs::remove_file(office.config.data.join(wal));
    }
    let noise = b"this is no database at all, and was never one of ours".repeat(100);
    std::fs::write(&file, &noise).unwrap();
    let said = refuses_to_start(&office, 1).await;
    assert!(said.contains("hotdeskd.db"), "{said}");
    assert!(std::fs::read(&file).unwrap() == noise, "somebody's file was changed");
    std::fs::write(&file, kept_file).unwrap();
}

#[tokio::test]
async fn two_daemons_never_share_the_data() {
    let office = Office::open().await;
    let second = office.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let said = String::from_utf8_lossy(&second.stderr);
    let data = office.config.data.display().to_string();
    assert!(said.contains("another hotdeskd works with") && said.contains(&data), "{said}");
    // The first is none the worse for it, its socket included.
    office.log_in(&office.phone(0), "*111001", ADAS_PIN).await;
    assert_eq!(office.sessions().await.len(), 1);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_by_its_key() {
    for (key, at) in [("listen.switch", 0), ("listen.event_socket", 1)] {
        let office = Office::closed(Plan::default()).await;
        let addresses = [office.config.switch.address, office.config.event_socket.address];
        let _taken = std::net::TcpListener::bind(addresses[at]).unwrap();
        let said = refuses_to_start(&office, 1).await;
        assert!(said.contains(key) && said.contains(&addresses[at].to_string()), "{said}");
    }
}

#[tokio::test]
async fn freeswitch_waits_a_second_for_a_daemon_that_hangs_and_falls_to_its_files() {
    let office = Office::open().await;
    let (desk1, desk2) = (office.phone(0), office.phone(1));
    office.log_in(&desk1, "*111001", ADAS_PIN).await;
    assert!(office.run(&["freeswitch", "install"]).status.success());
    office.switch.api("reloadxml").await;
    office.signal("STOP");
    let asked = Instant::now();
    office.switch.register(&desk2).await.unwrap();
    let setup = office.switch.authenticate_invite(&desk1, "999").await.unwrap();
    // Whose a phone is stands on the disk too.
    assert_eq!(setup.context, "hotdesk");
    let took = asked.elapsed();
    assert!(took >= Duration::from_secs(1), "it did not even wait: {took:?}");
    assert_eq!(office.switch.questions().last().unwrap().answered, Answered::Dead);
    // A call that the kernel accepted for it goes on where it was, once the daemon does.
    let mut call = office.dial(&desk2, "*111002").await;
    office.signal("CONT");
    call.until_keys().await;
    call.press(&format!("{}#", USERS[1].2)).await;
    assert_eq!(heard_times(&call.until_end().await, LOGGED_IN), 1);
    // It was stopped for seconds, which is no reason to end itself.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(office.runs(), "{}", office.log());
    assert_eq!(office.whose(&desk2).await.as_deref(), Some("1002"));
}

#[tokio::test]
async fn who_only_holds_connections_open_keeps_freeswitch_out_for_no_more_than_a_moment() {
    let office = Office::open().await;
    let desk1 = office.phone(0);
    office.log_in(&desk1, "*111001", ADAS_PIN).await;
    // The watchdog is armed by its first good answer, within a second of the start.
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Nothing is said on any of them; each that is closed comes again.
    for _ in 0..2_200 {
        let address = office.config.switch.address;
        tokio::spawn(async move {
            while let Ok(mut stream) = TcpStream::connect(address).await {
                let _ = stream.read(&mut [0]).await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert!(office.runs(), "{}", office.log());
    until("FreeSWITCH is answered", async || office.switch.register(&desk1).await.is_ok()).await;
    assert_eq!(office.whose(&desk1).await.as_deref(), Some(ADA));
}

#[tokio::test]
async fn told_to_stop_it_lets_conversations_come_to_their_end_and_takes_no_more() {
    let office = Office::open().await;
    let mut call = office.dial(&office.phone(0), "*11").await;
    call.until_keys().await;
    office.signal("TERM");
    until("it has heard", async || office.log().contains("stopping")).await;
    // Who calls now is told by FreeSWITCH that it is not available.
    let setup = hotdeskd::simulator::CallSetup::new(PHONES[1].0, "*11");
    let setup = hotdeskd::simulator::CallSetup { context: "restricted".into(), ..setup };
    let (heard, _) = Office::answer(office.dial_as(setup), &[]).await;
    assert_eq!(spoken(&heard), ["%(200,100,400);loops=3", "NORMAL_TEMPORARY_FAILURE"]);
    call.press("1001#").await;
    call.until_keys().await;
    call.press(&format!("{ADAS_PIN}#")).await;
    let heard = call.until_end().await;
    assert_eq!(spoken(&heard), [LOGGED_IN, "NORMAL_CLEARING"]);
    let status = office.ended().await;
    assert!(status.success(), "{status}: {}", office.log());
    assert!(!office.config.admin_socket().exists());
    let seated = kept(&office).await.sessions;
    assert_eq!(seated.get(PHONES[0].0).map(String::as_str), Some(ADA));
    office.start().await;
    assert_eq!(office.whose(&office.phone(0)).await.as_deref(), Some(ADA));
}

#[tokio::test]
async fn told_to_stop_it_does_not_wait_for_a_caller_who_says_nothing() {
    let office = Office::open().await;
    let mut call = office.dial(&office.phone(0), "*11").await;
    call.until_keys().await;
    office.signal("TERM");
    let told = Instant::now();
    let status = office.ended().await;
    assert!(status.success(), "{status}: {}", office.log());
    assert!(told.elapsed() < Duration::from_secs(15), "{:?}", told.elapsed());
    assert!(matches!(call.until_end().await.last(), Some(Heard::HungUp { .. })));
}

#[tokio::test]
async fn without_freeswitch_the_daemon_works_and_says_so() {
    let office = Office::open().await;
    office.kill();
    // Its event socket is somewhere else now.
    let file = &office.config.file;
    let text = std::fs::read_to_string(file).unwrap();
    let moved = text.replace(&office.inbound.to_string(), &free_address().to_string());
    assert_ne!(moved, text);
    std::fs::write(file, moved).unwrap();
    office.start().await;
    office.log_in(&office.phone(0), "*111001", ADAS_PIN).await;
    assert_eq!(office.whose(&office.phone(0)).await.as_deref(), Some(ADA));
    until("it says so", async || office.log().contains("WARN")).await;
    assert!(!office.log().contains(EVENT_SOCKET_PASSWORD));
}

#[tokio::test]
async fn who_is_not_freeswitch_gets_no_answer() {
    let office = Office::open().await;
    let url = format!("http://{}/freeswitch", office.config.switch.address);
    let body = "section=directory&tag_name=domain&key_name=name&key_value=office.test&user=1001&domain=office.test&action=sip_auth";
    let client = reqwest::Client::new();
    let user = office.config.switch_credentials.user.as_str();
    for password in [None, Some("ClueCon"), Some("")] {
        let mut request = client.post(&url).body(body);
        if let Some(password) = password {
            request = request.basic_auth(user, Some(password));
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.text().await.unwrap(), "");
    }
    // A phone with a wrong secret is refused by FreeSWITCH with what it was told.
    let mut phone = office.phone(0);
    phone.secret = "phone-secret-two".to_owned().into();
    assert_eq!(office.switch.register(&phone).await, Err(AuthError::WrongSecret));
}
