//! No key, password or nonce is told to anybody whom it is not for.

use super::*;

#[tokio::test]
async fn no_key_password_or_nonce_is_in_the_log_the_journal_or_what_why_tells() {
    let office = Office::with(Plan {
        arguments: &["-vvv"],
        rust_log: Some("trace"),
        provisioning: "[provisioning.enrolment]\nrefusals_per_minute = 1000\n".to_owned(),
        ..Plan::default()
    })
    .await;
    let mut secrets = Vec::new();
    let mut learn = async || {
        for mac in [SNOM, OTHER] {
            secrets.push(keyed(&office, mac).await.trim_matches('/')[2..].to_owned());
            secrets.push(http_password(&office, mac).await);
        }
        secrets.clone()
    };
    let first = learn().await;
    play(&office, &first).await;
    rotate(&office, SNOM).await;
    let mut secrets = learn().await;
    play(&office, &secrets).await;
    secrets.extend(PHONES.map(|(_, secret, _)| secret.to_owned()));
    for target in [format!("/provision/{SNOM}.htm"), format!("/provision/{STRANGER}.htm")] {
        let reply = get(&office, &target).await;
        secrets.push(between(&reply.head, "nonce=\"", "\"").to_owned());
    }
    secrets.extend(
        ["wrong-password-7", "Zm9yOm5vYm9keQ", "guessed-key-of-somebody"].map(str::to_owned),
    );
    why(&office, SNOM, 10).await;
    let mut told = vec![
        ("the log", office.log()),
        ("the journal", office.get("journal?limit=1000").await.to_string()),
        ("the phone", office.get(&format!("phones/{SNOM}")).await.to_string()),
    ];
    for arguments in [&["phones", "why", SNOM, "--json"][..], &["phones", "why", SNOM]] {
        let ran = office.run(arguments);
        told.push(("why", String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap()));
    }
    assert!(told[0].1.contains("DEBUG"), "little is logged");
    assert!(
        told[3].1.contains("/p/…/") && told[4].1.contains("/p/…/"),
        "little is told: {}",
        told[4].1
    );
    for (place, text) in &told {
        for secret in &secrets {
            let at = text.find(secret.as_str());
            let near =
                at.map(|at| text[at.saturating_sub(200)..].chars().take(300).collect::<String>());
            assert_eq!(near, None, "{place} holds a secret");
        }
    }
}

/// All that a key or a password can be written into.
async fn play(office: &Office, secrets: &[String]) {
    let [key, password, other, _] = &secrets[secrets.len() - 4..] else { unreachable!() };
    let user = format!("{SNOM}:{password}");
    let path = format!("/provision/{SNOM}.htm");
    for scheme in ["--digest", "--basic"] {
        assert_eq!(curl(office, &[scheme, "-u", &user, &path]).last().unwrap().status, 200);
        let wrong = format!("{SNOM}:wrong-password-7");
        assert_eq!(curl(office, &[scheme, "-u", &wrong, &path]).last().unwrap().status, 401);
    }
    for (method, target) in [
        ("GET", format!("/p/{key}/{SNOM}.xml")),
        ("HEAD", format!("/p/{key}/{SNOM}.xml")),
        ("GET", format!("/p/{key}/{OTHER}.xml")),
        ("GET", format!("/p/{key}/nothing")),
        ("PUT", format!("/p/{key}/{SNOM}.xml")),
        ("GET", format!("/p/{other}/{OTHER}.xml")),
        ("GET", format!("/p/guessed-key-of-somebody/{SNOM}.xml")),
        // Where a phone, or somebody with an editor, puts it into the wrong place.
        ("GET", format!("/provision/p/{key}/{SNOM}.htm")),
        ("GET", format!("/provision/{key}/{SNOM}.htm")),
        ("GET", format!("/p/{key}/p/{key}/{SNOM}.xml")),
        ("GET", format!("/p/{key}/{SNOM}.xml?key={key}")),
        ("GET", format!("/provision/{SNOM}.htm?password={password}")),
        ("GET", format!("/provision/{password}/{SNOM}.htm")),
        ("DELETE", format!("/p/{key}/{SNOM}.xml")),
    ] {
        ask(office, method, &target).await;
    }
    let basic = "Authorization: Basic Zm9yOm5vYm9keQ==\r\n";
    ask_from(office, HERE, "GET", &path, basic, b"").await;
    // Heads that come to nothing are not quoted.
    for bytes in [
        format!("GET /p/{key}/ HTTP/1.1\r\nHost x\r\n\r\n"),
        format!("GET /p/{key}/\u{1} HTTP/1.1\r\n\r\n"),
        format!("GET /p/{key}/{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)),
        format!("GET {path} HTTP/1.1\r\nAuthorization: Basic {password}\0\r\n\r\n"),
    ] {
        send(office, HERE, bytes.as_bytes()).await;
    }
}
