//! What phones send: where the vendor does that, so much of it, and whose it is.

use super::*;

/// Another Polycom.
const SECOND: &str = "0004f2aa0004";
const ADA: &str = USERS[0].0;
const GRACE: &str = USERS[1].0;

async fn office() -> Office {
    let office = Office::with(patient()).await;
    office.put(&format!("phones/{SECOND}"), json!({ "label": "Desk 4" })).await;
    office
}

/// A file of somebody's own that says `word`.
fn own(file: &str, word: &str) -> String {
    match file {
        "-phone.cfg" => format!(
            "<PHONE_CONFIG><OVERRIDES up.backlight.onIntensity=\"{word}\" reg.1.auth.password=\"{word}-stolen\"/></PHONE_CONFIG>"
        ),
        "-calls.xml" => format!("<callList><call><name>{word}</name></call></callList>"),
        _ => format!("<directory><item_list><item><ln>{word}</ln></item></item_list></directory>"),
    }
}

const FILES: [&str; 3] = ["-phone.cfg", "-calls.xml", "-directory.xml"];

/// What a phone fetches when it boots or is told to.
async fn fetch(office: &Office, mac: &str) -> Vec<String> {
    let key = keyed(office, mac).await;
    assert_eq!(get(office, &format!("{key}{mac}-settings.cfg")).await.status, 200);
    let mut texts = Vec::new();
    for file in FILES {
        let reply = get(office, &format!("{key}{mac}{file}")).await;
        assert_eq!(reply.status, 200, "{file}");
        texts.push(reply.text());
    }
    texts
}

async fn send_all(office: &Office, mac: &str, word: &str) {
    let key = keyed(office, mac).await;
    for file in FILES {
        let reply = put(office, &format!("{key}{mac}{file}"), own(file, word).as_bytes()).await;
        assert_eq!(reply.status, 201, "{file}");
    }
}

fn assert_holds(texts: &[String], word: Option<&str>) {
    for (text, file) in texts.iter().zip(FILES) {
        for known in ["of-ada", "of-grace", "of-nobody"] {
            assert_eq!(text.contains(known), word == Some(known), "{file} with {known}: {text}");
        }
        assert!(!text.contains("stolen"), "{text}");
    }
}

#[tokio::test]
async fn a_persons_files_come_back_at_another_phone_and_go_to_nobody_else() {
    let office = office().await;
    log_in(&office, ADA, POLYCOM).await;
    assert_holds(&fetch(&office, POLYCOM).await, None);
    send_all(&office, POLYCOM, "of-ada").await;
    assert_holds(&fetch(&office, POLYCOM).await, Some("of-ada"));
    // At another phone; there Grace is next, and has none of it.
    log_in(&office, ADA, SECOND).await;
    assert_holds(&fetch(&office, SECOND).await, Some("of-ada"));
    log_in(&office, GRACE, SECOND).await;
    assert_holds(&fetch(&office, SECOND).await, None);
    send_all(&office, SECOND, "of-grace").await;
    assert_holds(&fetch(&office, SECOND).await, Some("of-grace"));
    log_in(&office, ADA, SECOND).await;
    assert_holds(&fetch(&office, SECOND).await, Some("of-ada"));
    // Whoever was removed leaves nothing to a namesake.
    office.delete(&format!("users/{ADA}")).await;
    office.user(ADA, json!({ "name": "Ada Byron" }), "").await;
    log_in(&office, ADA, SECOND).await;
    assert_holds(&fetch(&office, SECOND).await, None);
}

#[tokio::test]
async fn what_comes_late_is_still_whose_it_was() {
    let office = office().await;
    log_in(&office, ADA, POLYCOM).await;
    fetch(&office, POLYCOM).await;
    // Grace sits there already, but the phone does not know.
    log_in(&office, GRACE, POLYCOM).await;
    send_all(&office, POLYCOM, "of-ada").await;
    assert_holds(&fetch(&office, POLYCOM).await, None);
    log_in(&office, ADA, SECOND).await;
    assert_holds(&fetch(&office, SECOND).await, Some("of-ada"));
    // After a logout as well; and what is sent when the phone knows that it is nobody's is nobody's.
    log_out(&office, POLYCOM).await;
    send_all(&office, POLYCOM, "of-grace").await;
    assert_holds(&fetch(&office, POLYCOM).await, None);
    send_all(&office, POLYCOM, "of-nobody").await;
    assert_holds(&fetch(&office, POLYCOM).await, None);
    log_in(&office, GRACE, POLYCOM).await;
    assert_holds(&fetch(&office, POLYCOM).await, Some("of-grace"));
    // And across the daemon's end.
    send_all(&office, POLYCOM, "of-grace").await;
    why(&office, POLYCOM, 16).await;
    log_in(&office, ADA, POLYCOM).await;
    office.signal("TERM");
    office.ended().await;
    office.start().await;
    until("the listener is there", async || TcpStream::connect(address(&office)).await.is_ok())
        .await;
    send_all(&office, POLYCOM, "of-grace").await;
    assert_holds(&fetch(&office, POLYCOM).await, Some("of-ada"));
}

/// A phone may fetch its files side by side: none of them may count as the person's before.
#[tokio::test]
async fn files_fetched_at_once_are_each_counted_for_the_new_person() {
    let office = office().await;
    let key = keyed(&office, POLYCOM).await;
    for round in 0..20 {
        let (before, now) = if round % 2 == 0 { (ADA, GRACE) } else { (GRACE, ADA) };
        log_in(&office, before, POLYCOM).await;
        fetch(&office, POLYCOM).await;
        log_in(&office, now, POLYCOM).await;
        let mut streams = Vec::new();
        for file in ["-settings.cfg", FILES[0], FILES[1], FILES[2]] {
            let head = format!(
                "GET {key}{POLYCOM}{file} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            );
            streams.push((connect(&office, HERE).await, head));
        }
        for (stream, head) in &mut streams {
            stream.write_all(head.as_bytes()).await.unwrap();
        }
        for (mut stream, _) in streams {
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        }
        let word = if now == ADA { "of-ada" } else { "of-grace" };
        send_all(&office, POLYCOM, word).await;
        log_in(&office, before, SECOND).await;
        let other = if now == ADA { "of-ada" } else { "of-grace" };
        for text in fetch(&office, SECOND).await {
            assert!(!text.contains(other), "{now}'s file went to {before}: {text}");
        }
    }
}

/// A part of a file, or a refusal of one, is no change of hands.
#[tokio::test]
async fn whoever_was_given_no_whole_file_has_not_changed_hands() {
    let office = office().await;
    log_in(&office, ADA, POLYCOM).await;
    fetch(&office, POLYCOM).await;
    log_in(&office, GRACE, POLYCOM).await;
    let key = keyed(&office, POLYCOM).await;
    for file in FILES {
        let target = format!("{key}{POLYCOM}{file}");
        for headers in ["Range: bytes=99999999-\r\n", "Range: bytes=0-0\r\n"] {
            ask_from(&office, HERE, "GET", &target, headers, b"").await;
        }
        ask(&office, "HEAD", &target).await;
    }
    send_all(&office, POLYCOM, "of-ada").await;
    assert_holds(&fetch(&office, POLYCOM).await, None);
    log_in(&office, ADA, SECOND).await;
    assert_holds(&fetch(&office, SECOND).await, Some("of-ada"));
}

#[tokio::test]
async fn a_forwarding_ends_with_the_session_that_set_it() {
    let office = office().await;
    log_in(&office, ADA, POLYCOM).await;
    fetch(&office, POLYCOM).await;
    let key = keyed(&office, POLYCOM).await;
    let target = format!("{key}{POLYCOM}-phone.cfg");
    let sent = "<PHONE_CONFIG><OVERRIDES divert.fwd.1.enabled=\"1\" up.x=\"mine\" device.prov.serverName=\"evil\"/></PHONE_CONFIG>";
    assert_eq!(put(&office, &target, sent.as_bytes()).await.status, 201);
    let kept = get(&office, &target).await.text();
    assert!(
        kept.contains("divert.fwd.1.enabled=\"1\"") && kept.contains("up.x=\"mine\""),
        "{kept}"
    );
    assert!(!kept.contains("evil"), "{kept}");
    log_in(&office, ADA, SECOND).await;
    let moved = fetch(&office, SECOND).await.remove(0);
    assert!(!moved.contains("divert") && moved.contains("up.x=\"mine\""), "{moved}");
}

#[tokio::test]
async fn logs_are_kept_the_newest_of_them_and_read_by_the_command() {
    let office = office().await;
    let key = keyed(&office, POLYCOM).await;
    for at in 0..9 {
        let text = format!("log number {at}\n\u{1b}[2J");
        let reply = put(&office, &format!("{key}{POLYCOM}-app.log"), text.as_bytes()).await;
        assert_eq!(reply.status, 201);
    }
    let printed = office.run(&["phones", "show", POLYCOM, "--logs"]);
    let printed = String::from_utf8(printed.stdout).unwrap();
    let numbers: Vec<usize> =
        printed.lines().filter_map(|line| line.strip_prefix("log number ")?.parse().ok()).collect();
    assert_eq!(numbers, [3, 4, 5, 6, 7, 8], "{printed}");
    assert!(!printed.contains('\u{1b}'));
    // A log is nothing that anybody fetches.
    assert_eq!(get(&office, &format!("{key}{POLYCOM}-app.log")).await.status, 404);
    for entry in walk(&office.config.data.join("phone-logs")) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = entry.metadata().unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{}", entry.display());
    }
    office.delete(&format!("phones/{POLYCOM}")).await;
    until("its logs are gone", async || walk(&office.config.data.join("phone-logs")).len() <= 1)
        .await;
}

fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn only_what_the_vendor_sends_is_taken_and_only_so_much_of_it() {
    let office = office().await;
    log_in(&office, ADA, POLYCOM).await;
    fetch(&office, POLYCOM).await;
    let (snom, polycom) = (keyed(&office, SNOM).await, keyed(&office, POLYCOM).await);
    for (target, status) in [
        (format!("{snom}{SNOM}.xml"), 404),
        (format!("{snom}{SNOM}-app.log"), 404),
        (format!("{snom}anything"), 404),
        (format!("{polycom}{POLYCOM}.cfg"), 404),
        (format!("{polycom}{POLYCOM}-settings.cfg"), 404),
        (format!("{polycom}{POLYCOM}-license.cfg"), 404),
        (format!("{polycom}000000000000-directory.xml"), 404),
        (format!("{polycom}{POLYCOM}-app.log.sh"), 404),
        (format!("{polycom}{SECOND}-app.log"), 404),
        (format!("{snom}{POLYCOM}-app.log"), 404),
        (format!("/provision/{POLYCOM}-app.log"), 401),
        (format!("{polycom}{POLYCOM}-app.log"), 201),
        (format!("{polycom}{POLYCOM}-now-boot.log"), 201),
        (format!("{polycom}{POLYCOM}-web.cfg"), 201),
    ] {
        assert_eq!(put(&office, &target, b"<x/>").await.status, status, "{target}");
    }
    for (file, most) in [
        ("-app.log", 1_048_576),
        ("-phone.cfg", 131_072),
        ("-calls.xml", 524_288),
        ("-web.cfg", 262_144),
    ] {
        let target = format!("{polycom}{POLYCOM}{file}");
        let filled = |length: usize| {
            let mut body = b"<PHONE_CONFIG/>".to_vec();
            body.resize(length, b' ');
            body
        };
        assert_eq!(put(&office, &target, &filled(most)).await.status, 201, "{file}");
        assert_eq!(put(&office, &target, &filled(most + 1)).await.status, 413, "{file}");
    }
    // What is no such file is thrown away; the phone need not know.
    let before =
        office.get(&format!("phones/{POLYCOM}/why")).await["requests"].as_array().unwrap().len();
    for body in [
        &b"not xml"[..],
        b"<a>",
        b"<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        b"<a>&x;</a>",
        b"\xff\xfe<a/>",
        b"",
        b"<a/><b/>",
    ] {
        assert_eq!(put(&office, &format!("{polycom}{POLYCOM}-calls.xml"), body).await.status, 201);
    }
    why(&office, POLYCOM, before.min(40)).await;
    assert!(
        get(&office, &format!("{polycom}{POLYCOM}-calls.xml"))
            .await
            .text()
            .contains("PHONE_CONFIG"),
        "the last good one"
    );
}
