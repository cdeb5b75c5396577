//! The keyed URL, HTTP credentials, and their rotation.

use super::*;

#[tokio::test]
async fn a_key_is_one_phones_and_no_others() {
    let office = Office::open().await;
    let (own, others) = (keyed(&office, SNOM).await, keyed(&office, OTHER).await);
    for (target, status) in [
        (format!("{own}{SNOM}.xml"), 200),
        (own.clone(), 200),
        (own.trim_end_matches('/').to_owned(), 200),
        (format!("{own}index.php?mac={SNOM}"), 200),
        (format!("{others}{SNOM}.xml"), 404),
        (format!("{others}index.php?mac={SNOM}"), 404),
        (format!("{others}{OTHER}/{SNOM}.xml"), 404),
        (format!("{others}{SNOM}/{OTHER}.xml"), 404),
        (format!("{own}{STRANGER}.xml"), 404),
        (format!("{own}{POLYCOM}.cfg"), 404),
        (format!("{}x/{SNOM}.xml", own.trim_end_matches('/')), 404),
        (format!("{}/{SNOM}.xml", &own[..own.len() - 2]), 404),
        (format!("{}{SNOM}.xml", own.to_uppercase().replace("/P/", "/p/")), 404),
        (format!("/p//{SNOM}.xml"), 404),
        ("/p/".to_owned(), 404),
        ("/p".to_owned(), 404),
        (format!("/p/{SNOM}/{SNOM}.xml"), 404),
    ] {
        assert_eq!(get(&office, &target).await.status, status, "{target}");
    }
    let agent =
        |mac| format!("User-Agent: Mozilla/4.0 (compatible; snomD785-SIP 10.1.1.1 {mac})\r\n");
    for (mac, status) in [(SNOM, 200), (OTHER, 404), (STRANGER, 404)] {
        let reply =
            ask_from(&office, HERE, "GET", &format!("{own}{SNOM}.xml"), &agent(mac), b"").await;
        assert_eq!(reply.status, status, "{mac}");
    }
    assert!(told(&office, SNOM, 8).await.contains("says in its User-Agent"));
}

#[tokio::test]
async fn curl_comes_in_by_digest_and_by_basic_and_not_with_anothers_password() {
    let office = Office::open().await;
    let (own, others) = (http_password(&office, SNOM).await, http_password(&office, OTHER).await);
    let path = format!("/provision/index.php?mac={SNOM}&manuf=snom");
    for mac in [SNOM, OTHER] {
        window(&office, mac, 0).await;
    }
    for scheme in ["--digest", "--basic", "--anyauth"] {
        let status = |user: &str, password: &str| {
            let replies = curl(&office, &[scheme, "-u", &format!("{user}:{password}"), &path]);
            let last = replies.last().unwrap().clone();
            if last.status == 200 {
                assert!(last.text().contains(PHONES[0].1), "{}", last.text());
            }
            (replies.len(), last.status)
        };
        let tries = if scheme == "--basic" { 1 } else { 2 };
        assert_eq!(status(SNOM, &own), (tries, 200), "{scheme}");
        assert_eq!(status("00-04-13-2A-00-01", &own).1, 200, "{scheme}");
        assert_eq!(status(SNOM, &others).1, 401, "{scheme}");
        assert_eq!(status(SNOM, "").1, 401, "{scheme}");
        assert_eq!(status(STRANGER, &own).1, 401, "{scheme}");
        // The other phone, with its own password, asking for this phone's file.
        assert_eq!(status(OTHER, &others).1, 404, "{scheme}");
    }
    // Basic alone, as a phone that was never challenged sends it.
    let agent = ["-A", "Mozilla/4.0 (compatible; snomD785-SIP 10.1.1.1 0004132a0001)"];
    let user = format!("{SNOM}:{own}");
    let replies = curl(&office, &[&agent[..], &["--basic", "-u", &user, &path]].concat());
    assert_eq!(replies[0].status, 200);
}

#[tokio::test]
async fn a_digest_is_worth_its_own_uri_and_its_own_method() {
    let office = Office::open().await;
    for mac in [SNOM, OTHER] {
        window(&office, mac, 0).await;
    }
    let password = http_password(&office, SNOM).await;
    let target = format!("/provision/{SNOM}.htm");
    let ran = Command::new("curl")
        .args([
            "-q",
            "-sS",
            "-v",
            "--noproxy",
            "*",
            "--digest",
            "-u",
            &format!("{SNOM}:{password}"),
        ])
        .arg(format!("http://{}{target}", address(&office)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let sent = between(&said, "> Authorization: ", "\r\n").trim_end();
    let header = format!("Authorization: {sent}\r\n");
    let again = async |method: &str, target: &str| {
        ask_from(&office, HERE, method, target, &header, b"").await
    };
    assert_eq!(again("GET", &target).await.status, 200, "within the minute");
    for (method, target) in [
        ("GET", format!("/provision/{SNOM}.xml")),
        ("GET", format!("/provision/{OTHER}.htm")),
        ("GET", format!("{target}?x=1")),
        ("HEAD", target.clone()),
        ("PUT", target.clone()),
    ] {
        let reply = again(method, &target).await;
        assert_eq!(reply.status, 401, "{method} {target}");
        assert!(!reply.head.contains("stale"), "{}", reply.head);
    }
}

#[tokio::test]
async fn two_keys_and_two_passwords_are_good_until_the_phone_came_with_the_new_key() {
    let office = Office::open().await;
    let (key, password) = (keyed(&office, SNOM).await, http_password(&office, SNOM).await);
    let path = format!("/provision/{SNOM}.htm");
    let by_key = async |key: &str| get(&office, &format!("{key}{SNOM}.xml")).await.status;
    let by_password = |password: &str| {
        let user = format!("{SNOM}:{password}");
        curl(&office, &["--digest", "-u", &user, &path]).last().unwrap().status
    };
    assert_eq!(by_key(&key).await, 200);
    until("it is enrolled", async || {
        office.get(&format!("phones/{SNOM}/why")).await["enrolment"]["by"] == json!("key")
    })
    .await;
    rotate(&office, SNOM).await;
    let (new_key, new_password) = (keyed(&office, SNOM).await, http_password(&office, SNOM).await);
    assert!(key != new_key && password != new_password);
    // The old ones, the new password, and the old ones again.
    assert_eq!((by_key(&key).await, by_password(&password)), (200, 200));
    assert_eq!(by_password(&new_password), 200);
    assert_eq!((by_key(&key).await, by_password(&password)), (200, 200));
    assert_eq!(by_key(&new_key).await, 200);
    until("the old key ends", async || by_key(&key).await == 404).await;
    assert_eq!((by_password(&password), by_password(&new_password)), (401, 200));
    // A second rotation that the phone knows nothing of takes nothing from it.
    rotate(&office, SNOM).await;
    rotate(&office, SNOM).await;
    assert_eq!(by_key(&new_key).await, 200);
    assert_eq!(by_password(&new_password), 200);
}

/// The first proof of all, made with the old key: it must not end that key, or the phone would be locked
/// out of what it does not have yet.
#[tokio::test]
async fn who_comes_with_the_old_key_keeps_it() {
    let office = Office::open().await;
    let old = keyed(&office, SNOM).await;
    rotate(&office, SNOM).await;
    // It only looks, so it does not know its new URL.
    let target = format!("{old}{SNOM}.xml");
    assert_eq!(ask(&office, "HEAD", &target).await.status, 200);
    until("it is enrolled", async || {
        office.get(&format!("phones/{SNOM}/why")).await["enrolment"]["by"] == json!("key")
    })
    .await;
    assert_eq!(get(&office, &target).await.status, 200);
    // And the same by password.
    let password = http_password(&office, OTHER).await;
    rotate(&office, OTHER).await;
    let (user, path) = (format!("{OTHER}:{password}"), format!("/provision/{OTHER}.htm"));
    for _ in 0..2 {
        let replies = curl(&office, &["--basic", "-u", &user, &path]);
        assert_eq!(replies.last().unwrap().status, 200);
        why(&office, OTHER, 1).await;
    }
}

/// A key that is replaced in the moment in which its phone comes.
#[tokio::test]
async fn a_rotation_beside_a_first_fetch_locks_nobody_out() {
    let office = Office::open().await;
    for _ in 0..20 {
        let mac = format!("000413{:06x}", rand::random_range(0x10_0000..0xff_0000));
        office.put(&format!("phones/{mac}"), json!({ "label": "new" })).await;
        let key = keyed(&office, &mac).await;
        assert_eq!(get(&office, &format!("{key}{mac}.xml")).await.status, 200);
        rotate(&office, &mac).await;
        why(&office, &mac, 1).await;
        until("it is enrolled", async || {
            office.get(&format!("phones/{mac}/why")).await["enrolment"]["by"] == json!("key")
        })
        .await;
        assert_eq!(get(&office, &format!("{key}{mac}.xml")).await.status, 200, "its key");
    }
}

#[tokio::test]
async fn what_was_revoked_is_worth_nothing_also_when_it_came_a_moment_before() {
    let office = Office::open().await;
    for _ in 0..10 {
        let mac = format!("000413{:06x}", rand::random_range(0x10_0000..0xff_0000));
        office.put(&format!("phones/{mac}"), json!({ "label": "new" })).await;
        let (key, password) = (keyed(&office, &mac).await, http_password(&office, &mac).await);
        assert_eq!(get(&office, &format!("{key}{mac}.xml")).await.status, 200);
        office.post(&format!("phones/{mac}/enrolment"), json!({ "revoke": true })).await;
        assert_eq!(get(&office, &format!("{key}{mac}.xml")).await.status, 404);
        let (user, path) = (format!("{mac}:{password}"), format!("/provision/{mac}.htm"));
        assert_eq!(curl(&office, &["--basic", "-u", &user, &path])[0].status, 401);
        let why = why(&office, &mac, 2).await;
        assert_eq!(why["enrolment"]["by"], Value::Null, "{why}");
    }
}

/// Phones keep a nonce and try it at the next URI; that is how Digest works and no attack.
#[tokio::test]
async fn a_stale_nonce_is_no_refusal_that_counts() {
    let enrolment = "[provisioning.enrolment]\nrefusals_per_minute = 3\n".to_owned();
    let office = Office::with(Plan { provisioning: enrolment, ..Plan::default() }).await;
    let password = http_password(&office, SNOM).await;
    window(&office, SNOM, 0).await;
    let nonce = |reply: &Reply| between(&reply.head, "nonce=\"", "\"").to_owned();
    let mut known = nonce(&get(&office, &format!("/provision/{SNOM}.xml")).await);
    for at in 0..8 {
        let target = format!("/provision/{SNOM}.htm?again={at}");
        let header = digest(SNOM, &password, &known, &target);
        let reply = ask_from(&office, HERE, "GET", &target, &header, b"").await;
        assert_eq!(reply.status, 401);
        assert!(reply.head.contains("stale=true"), "{}", reply.head);
        known = nonce(&reply);
        let header = digest(SNOM, &password, &known, &target);
        assert_eq!(ask_from(&office, HERE, "GET", &target, &header, b"").await.status, 200);
    }
    // The window of the phone beside it is open still.
    assert_eq!(get(&office, &format!("/provision/{OTHER}.htm")).await.status, 200);
}

/// The answer to a nonce, in the old form of RFC 2069.
fn digest(user: &str, password: &str, nonce: &str, target: &str) -> String {
    use md5::Digest as _;
    let hex = |text: String| {
        md5::Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let (a1, a2) = (hex(format!("{user}:hotdeskd:{password}")), hex(format!("GET:{target}")));
    let response = hex(format!("{a1}:{nonce}:{a2}"));
    format!(
        "Authorization: Digest username=\"{user}\", realm=\"hotdeskd\", nonce=\"{nonce}\", \
         uri=\"{target}\", response=\"{response}\"\r\n"
    )
}
