//! No PIN, password or key is seen by anybody whom it is not for; and nobody gets in without one.

use std::io::Write as _;
use std::process::{Output, Stdio};

use base64::Engine as _;
use hotdeskd::model::a1_hash;
use hotdeskd::simulator::Call;
use serde_json::json;

use crate::support::{
    EVENT_SOCKET_PASSWORD, LOGGED_IN, LOGGED_OUT, Observer, Office, PHONES, Plan, REFUSED,
    SWITCH_PASSWORD, USERS, header, heard_times,
};

const ADA: &str = "1001";
/// A PIN that Ada set by phone, and wrong ones.
const BY_PHONE: &str = "6092718354";
const WRONG: [&str; 3] = ["5550123987", "7700990088", "3141592653"];

/// The key of a webhook's signatures, and what its operator put into its URL.
const WEBHOOK_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const WEBHOOK_PATH: &str = "T0k3nInTheWebhooksUrl";

/// A run of a command with `input` on standard input.
fn run_with(office: &Office, arguments: &[&str], input: &str) -> Output {
    let mut command = office.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Everything that must not be seen, by name.
fn secrets(office: &Office) -> Vec<(String, Vec<u8>)> {
    let domain = &office.config.domain;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let key = std::fs::read(office.config.data.join("secret.key")).unwrap();
    assert!(key.len() >= 32);
    let user = office.config.switch_credentials.user.as_str();
    let basic = base64(format!("{user}:{SWITCH_PASSWORD}").as_bytes());
    let mut secrets = vec![
        ("event socket password".to_owned(), EVENT_SOCKET_PASSWORD.as_bytes().to_vec()),
        ("switch password".to_owned(), SWITCH_PASSWORD.as_bytes().to_vec()),
        ("switch credentials".to_owned(), basic.into_bytes()),
        ("PIN set by phone".to_owned(), BY_PHONE.as_bytes().to_vec()),
        ("key".to_owned(), key.clone()),
        ("key in hex".to_owned(), hex(&key).into_bytes()),
        ("key in base64".to_owned(), base64(&key).into_bytes()),
    ];
    for (extension, _, pin) in USERS {
        secrets.push((format!("PIN of {extension}"), pin.as_bytes().to_vec()));
    }
    for wrong in WRONG {
        secrets.push((format!("wrong PIN {wrong}"), wrong.as_bytes().to_vec()));
    }
    for (mac, secret, _) in PHONES {
        secrets.push((format!("secret of {mac}"), secret.as_bytes().to_vec()));
        let hash = a1_hash(mac, domain, &secret.to_owned().into());
        secrets.push((format!("hash of {mac}"), hash.into_bytes()));
    }
    secrets
}

fn assert_silent(place: &str, bytes: &[u8], secrets: &[(String, Vec<u8>)]) {
    for (name, secret) in secrets {
        let at = bytes.windows(secret.len()).position(|window| window == secret);
        let near = at.map(|at| {
            let (from, to) = (at.saturating_sub(200), (at + 200).min(bytes.len()));
            String::from_utf8_lossy(&bytes[from..to]).into_owned()
        });
        assert_eq!(near, None, "{place} holds the {name}");
    }
}

/// The variables of a channel that a PIN may have been put in.
fn assert_forgotten(call: &Call) {
    for name in ["hotdesk_keys", "hotdesk_keys_invalid"] {
        assert_eq!(call.variable(name), None, "{name} stays on the channel");
    }
}

/// One login, looked at from behind after each question.
async fn watched_login(office: &Office, keys: &[&str], ends_with: &str) {
    let mut call = office.dial(&office.phone(0), "*11").await;
    call.until_keys().await;
    for typed in keys {
        call.press(typed).await;
        let heard = call.until_keys().await;
        assert_forgotten(&call);
        if heard_times(&heard, ends_with) > 0 {
            return;
        }
    }
    panic!("never heard {ends_with}");
}

/// Right and wrong PINs, by every flow that asks for one.
async fn play(office: &Office) {
    let grace = format!("{}#", USERS[1].2);
    let wrong = WRONG.map(|pin| format!("{pin}#"));
    office.switch.set_pin(ADA, BY_PHONE);
    for at in 0..PHONES.len() {
        office.switch.register(&office.phone(at)).await.unwrap();
    }
    let by_phone = format!("{BY_PHONE}#");
    watched_login(office, &["1001#", &by_phone], LOGGED_IN).await;
    watched_login(office, &["1002#", &wrong[0], "1002#", &grace], LOGGED_IN).await;
    watched_login(office, &["4999#", &wrong[1]], REFUSED).await;
    let heard = office.converse(&office.phone(1), "*121003", &[&format!("{}#", USERS[2].2)]).await;
    assert_eq!(heard_times(&heard, LOGGED_IN), 1, "{heard:?}");
    // Too many digits for a PIN, and a PIN where an extension should be.
    let long = format!("{}{}#", USERS[2].2, "00000");
    office.converse(&office.phone(1), "*13", &[&long]).await;
    office.converse(&office.phone(1), "*14", &[&wrong[2], &wrong[2]]).await;
    let heard = office.converse(&office.phone(0), "*13", &[&wrong[2], &grace]).await;
    assert_eq!(heard_times(&heard, LOGGED_OUT), 1, "{heard:?}");
}

#[tokio::test]
async fn nothing_that_the_daemon_says_or_sends_holds_a_secret() {
    // Nobody is there, so what is to be told stays in the store, and what goes wrong is told.
    let webhook = format!(
        "[[webhook]]\nname = \"crm\"\nurl = \"http://127.0.0.1:1/hooks/{WEBHOOK_PATH}\"\nsecret = \"{WEBHOOK_KEY}\"\n\
         events = [\"desk.login\", \"desk.logout\", \"pin.locked\"]\n"
    );
    let plan =
        Plan { arguments: &["-vv"], rust_log: Some("trace"), tables: webhook, ..Plan::default() };
    let office = Office::with(plan).await;
    play(&office).await;
    let mut secrets = secrets(&office);
    secrets.push(("key of the webhook".to_owned(), WEBHOOK_KEY.as_bytes()[6..].to_vec()));
    secrets.push(("path of the webhook".to_owned(), WEBHOOK_PATH.as_bytes().to_vec()));
    let log = office.log();
    assert!(log.contains("DEBUG"), "the log tells little");
    assert_silent("the log", log.as_bytes(), &secrets);
    for file in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{}/{file}", office.pid())).unwrap();
        assert_silent(file, &bytes, &secrets);
    }
    let sent = office.switch.api_log().join("\n");
    assert!(sent.contains("vm_prefs"), "{sent}");
    assert_silent("what FreeSWITCH was told", sent.as_bytes(), &secrets);
    // The admin API tells who, never a secret.
    for path in ["phones", "users", "users/1001", "sessions", "journal?limit=1000"] {
        let told = office.get(path).await.to_string();
        assert_silent(path, told.as_bytes(), &secrets);
    }
    let waits = office.get("webhooks").await;
    assert!(waits["targets"][0]["waiting"].as_u64() > Some(0), "{waits}");
    assert_silent("webhooks", waits.to_string().as_bytes(), &secrets);
    for path in ["/metrics", "/readyz"] {
        assert_silent(path, office.fetch(path).await.1.as_bytes(), &secrets);
    }
    office.kill();
    for file in ["hotdeskd.db", "hotdeskd.db-wal"] {
        let bytes = std::fs::read(office.config.data.join(file)).unwrap_or_default();
        assert_silent(file, &bytes, &secrets);
    }
}

#[tokio::test]
async fn a_refused_command_does_not_repeat_what_it_was_given() {
    let office = Office::open().await;
    let secrets = secrets(&office);
    let keys = format!("1001#{}#", USERS[0].2);
    let long = format!("{}000\n", USERS[0].2);
    for (arguments, input) in [
        (vec!["call", "*11", "--phone", PHONES[0].0, "--keys", keys.as_str()], ""),
        (vec!["call", "*11", "--phone", "0004132affff", "--keys", "-"], keys.as_str()),
        (vec!["users", "pin", ADA], long.as_str()),
        (vec!["users", "pin", "4999"], USERS[0].2),
        (vec!["-vvv", "users", "pin", "4999"], USERS[0].2),
    ] {
        let ran = run_with(&office, &arguments, input);
        assert!(!ran.status.success(), "{arguments:?}");
        assert_silent(&format!("{arguments:?}"), &[ran.stdout, ran.stderr].concat(), &secrets);
    }
    // And where it is taken.
    for arguments in [vec!["users", "pin", ADA], vec!["-vvv", "users", "pin", ADA]] {
        let ran = run_with(&office, &arguments, USERS[0].2);
        assert!(ran.status.success(), "{ran:?}");
        assert_silent(&format!("{arguments:?}"), &[ran.stdout, ran.stderr].concat(), &secrets);
    }
    // A body that is no request is not quoted, nor logged.
    for (path, body) in [
        ("users/1001/pin", json!({ "pin": USERS[0].2, "pni": BY_PHONE })),
        ("phones/0004132a0001", json!({ "secret": PHONES[0].1, "secert": BY_PHONE })),
        ("users/1001/pin", json!(BY_PHONE)),
    ] {
        let told = office.admin(reqwest::Method::PUT, path, Some(body)).await.unwrap_err();
        assert_silent(path, told.as_bytes(), &secrets);
    }
    assert_silent("the log", office.log().as_bytes(), &secrets);
}

#[tokio::test]
async fn no_subscriber_of_events_sees_a_pin_past_the_question() {
    let office = Office::open().await;
    let events = "DTMF CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_STATE CHANNEL_DESTROY";
    let observer = Observer::start(office.inbound, EVENT_SOCKET_PASSWORD, events).await;
    play(&office).await;
    let events = observer.events();
    let pins: Vec<(String, Vec<u8>)> =
        secrets(&office).into_iter().filter(|(name, _)| name.contains("PIN")).collect();
    let holds =
        |text: &str| pins.iter().any(|(_, pin)| text.contains(str::from_utf8(pin).unwrap()));
    let mut asked = 0;
    for event in &events {
        // One by one the keys are a PIN too.
        assert_ne!(header(event, "Event-Name"), Some("DTMF"), "{event}");
        let application = header(event, "Application").unwrap_or_default();
        let argument = header(event, "Application-Data").unwrap_or_default();
        assert!(!holds(argument), "an argument of ours: {argument}");
        // FreeSWITCH has to tell us what was typed, and the next application takes it away.
        let telling = header(event, "Event-Name") == Some("CHANNEL_EXECUTE_COMPLETE")
            && application == "play_and_get_digits";
        let taking =
            header(event, "Event-Name") == Some("CHANNEL_EXECUTE") && application == "multiunset";
        asked += usize::from(telling && holds(event));
        assert!(telling || taking || !holds(event), "{event}");
    }
    assert!(asked >= 8, "{asked} questions of {} events", events.len());
    assert!(events.iter().any(|event| event.contains("CHANNEL_HANGUP_COMPLETE")));
}

#[tokio::test]
async fn every_directory_answer_has_a_secret_and_every_mailbox_a_pin() {
    let office = Office::with(Plan { recorded: true, ..Plan::default() }).await;
    office.user("1004", json!({ "name": "Edsger Dijkstra", "softphone": "new" }), "").await;
    office.user("1005", json!({ "name": "Barbara Liskov", "groups": ["sales"] }), "6092").await;
    let desk2 = json!({ "desk_extension": "2002", "emergency": { "caller_id": "+4312345" } });
    office.put(&format!("phones/{}", PHONES[1].0), desk2).await;
    play(&office).await;
    for extension in ["1001", "1004", "1005", "2002", "4999"] {
        let _ = office.switch.who_rings(extension).await;
        for line in ["user_exists id", "user_data"] {
            let (command, kind) = line.split_once(' ').unwrap_or((line, ""));
            let what = if kind.is_empty() {
                format!("{command} {extension}@office.test param password")
            } else {
                format!("{command} id {extension} office.test")
            };
            office.switch.api(&what).await;
        }
    }
    let _ = office.switch.group_rings("sales").await;
    // Whoever was ours once is nobody now, and no namesake of FreeSWITCH's own either.
    for path in ["phones/0004f2aa0003", "users/1003"] {
        office.delete(path).await;
    }
    let refused = office.switch.register(&office.phone(2)).await;
    assert!(refused.is_err(), "{refused:?}");
    let answers = office.answers();
    let user = regex::Regex::new(r#"(?s)<user id="([^"]*)"(?: type="(pointer)"/>|>(.*?)</user>)"#);
    let (user, mut entries) = (user.unwrap(), 0);
    for answer in &answers {
        for found in user.captures_iter(answer) {
            let (id, entry) = (&found[1], found.get(3).map_or("", |entry| entry.as_str()));
            if found.get(2).is_some() {
                continue;
            }
            entries += 1;
            let param = |name: &str| {
                let (_, rest) = entry.split_once(&format!("<param name=\"{name}\" value=\""))?;
                rest.split_once('"').map(|(value, _)| value)
            };
            let hash = param("a1-hash").unwrap_or_default();
            assert!(hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
            assert_eq!(param("password"), None, "{id}");
            assert_eq!(param("allow-empty-password"), Some("false"), "{id}");
            let has_pin = param("vm-password").is_some_and(|pin| pin.len() >= 4);
            assert!(has_pin || param("vm-enabled") == Some("false"), "{id}: {entry}");
            let registers = id.len() == 12 || id == "1004";
            assert_eq!(param("sip-forbid-register").is_none(), registers, "{id}");
        }
    }
    assert!(entries > 20, "{entries} entries in {} answers", answers.len());
}
