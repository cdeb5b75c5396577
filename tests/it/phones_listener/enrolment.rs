//! A bare MAC address, its window, and what it is given.

use super::*;

/// What no answer to a bare MAC address may hold.
async fn assert_bare(office: &Office, mac: &str, text: &str) {
    let (_, secret, label) = *PHONES.iter().find(|(known, ..)| *known == mac).unwrap();
    let mut forbidden = vec![secret, label, "office.test", "5060"];
    for (extension, name, _) in USERS {
        forbidden.extend([extension, name, name.split(' ').next().unwrap()]);
    }
    for word in forbidden {
        // A port of ours may hold an extension by chance.
        let without_url = text.replace(&address(office).to_string(), "…");
        let own = keyed(office, mac).await;
        assert!(!without_url.replace(&own, "…").contains(word), "{word} in {text}");
    }
}

#[tokio::test]
async fn a_bare_snom_gets_its_url_and_credentials_once_and_nothing_else() {
    let office = Office::open().await;
    log_in(&office, USERS[0].0, SNOM).await;
    let own = keyed(&office, SNOM).await;
    let target = format!("/provision/index.php?mac={SNOM}&manuf=snom");
    let reply = get(&office, &target).await;
    assert_eq!(reply.status, 200);
    let text = reply.text();
    assert!(text.contains(&format!("{own}{{mac}}.xml</setting_server>")), "{text}");
    let password = http_password(&office, SNOM).await;
    assert!(text.contains(&format!("<http_client_pass perm=\"R\">{password}<")), "{text}");
    assert_bare(&office, SNOM, &text).await;
    assert_eq!(text.matches("perm=").count(), 5, "{text}");
    // Once.
    assert_eq!(get(&office, &target).await.status, 401);
    // Whoever has the URL has the file.
    let full = get(&office, &format!("{own}{SNOM}.xml")).await;
    assert_eq!(full.status, 200);
    assert!(full.text().contains(PHONES[0].1), "{}", full.text());
    assert!(full.text().contains("Ada Lovelace"));
}

#[tokio::test]
async fn a_bare_polycom_gets_a_master_file_with_its_url_and_then_its_credentials_behind_the_key() {
    let office = Office::open().await;
    log_in(&office, USERS[0].0, POLYCOM).await;
    let own = keyed(&office, POLYCOM).await;
    let master = get(&office, &format!("/provision/{POLYCOM}.cfg")).await;
    assert_eq!(master.status, 200);
    assert!(master.text().contains(&format!("{own}{POLYCOM}-settings.cfg")), "{}", master.text());
    assert_bare(&office, POLYCOM, &master.text()).await;
    assert_eq!(get(&office, &format!("/provision/{POLYCOM}.cfg")).await.status, 401);
    assert_eq!(get(&office, &format!("/provision/{POLYCOM}-settings.cfg")).await.status, 401);
    // The settings file may be what comes first as well.
    window(&office, POLYCOM, 5).await;
    let settings = get(&office, &format!("/provision/{POLYCOM}-settings.cfg")).await;
    assert_eq!(settings.status, 200);
    assert_bare(&office, POLYCOM, &settings.text()).await;
    assert!(settings.text().contains(&own), "{}", settings.text());
    let full = get(&office, &format!("{own}{POLYCOM}-settings.cfg")).await;
    assert!(full.text().contains(PHONES[2].1), "{}", full.text());
}

#[tokio::test]
async fn of_fifty_who_come_through_a_window_at_once_one_does() {
    let office = Office::with(patient()).await;
    for (mac, target) in
        [(SNOM, format!("/provision/{SNOM}.htm")), (POLYCOM, format!("/provision/{POLYCOM}.cfg"))]
    {
        let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut streams = Vec::new();
        for _ in 0..50 {
            streams.push(connect(&office, HERE).await);
        }
        for stream in &mut streams {
            stream.write_all(head.as_bytes()).await.unwrap();
        }
        let mut statuses = Vec::new();
        for mut stream in streams {
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            statuses.push(Reply::all(&answer, false)[0].status);
        }
        let count = |status| statuses.iter().filter(|known| **known == status).count();
        assert_eq!((count(200), count(401)), (1, 49), "{mac}");
    }
    let (happened, _) = office.happened(0).await;
    assert_eq!(happened.iter().filter(|what| *what == "window-used").count(), 2);
}

#[tokio::test]
async fn neither_looking_nor_asking_for_something_else_uses_a_window_up() {
    let office = Office::with(patient()).await;
    for (method, target) in [
        ("HEAD", format!("/provision/{SNOM}.htm")),
        ("PUT", format!("/provision/{SNOM}.htm")),
        ("GET", format!("/provision/{SNOM}-nothing.cfg")),
        ("GET", format!("/provision/{SNOM}-firmware.xml")),
        ("HEAD", format!("/provision/{POLYCOM}.cfg")),
        ("GET", format!("/provision/{POLYCOM}-phone.cfg")),
        ("GET", format!("/provision/{POLYCOM}-directory.xml")),
        ("PUT", format!("/provision/{POLYCOM}-app.log")),
        ("PUT", format!("/provision/{POLYCOM}-phone.cfg")),
    ] {
        assert_eq!(ask(&office, method, &target).await.status, 401, "{method} {target}");
    }
    // Nor does another phone's name in the User-Agent, or a wrong password of a phone.
    let agent = format!("User-Agent: Mozilla/4.0 (compatible; snomD785-SIP 10.1.1.1 {OTHER})\r\n");
    let wrong = "Authorization: Basic MDAwNDEzMmEwMDAxOng=\r\n";
    for headers in [agent.as_str(), wrong] {
        let target = format!("/provision/{SNOM}.htm");
        assert_eq!(ask_from(&office, HERE, "GET", &target, headers, b"").await.status, 401);
    }
    assert_eq!(get(&office, &format!("/provision/{SNOM}.htm")).await.status, 200);
    assert_eq!(get(&office, &format!("/provision/{POLYCOM}.cfg")).await.status, 200);
}

#[tokio::test]
async fn a_window_is_for_its_networks_and_its_time() {
    let enrolment = "[provisioning.enrolment]\nnetworks = [\"127.0.1.0/24\"]\n".to_owned();
    let office = Office::with(Plan { provisioning: enrolment, ..Plan::default() }).await;
    let target = format!("/provision/{SNOM}.htm");
    let ask = async |from| ask_from(&office, from, "GET", &target, "", b"").await.status;
    assert_eq!(ask("127.0.2.1").await, 401);
    window(&office, SNOM, 0).await;
    assert_eq!(ask("127.0.1.1").await, 401);
    window(&office, SNOM, 1).await;
    assert_eq!(ask("127.0.2.1").await, 401);
    // Nobody's word is taken for where they come from.
    let forged =
        "X-Forwarded-For: 127.0.1.1\r\nForwarded: for=127.0.1.1\r\nX-Real-IP: 127.0.1.1\r\n";
    assert_eq!(ask_from(&office, "127.0.2.1", "GET", &target, forged, b"").await.status, 401);
    assert_eq!(ask("127.0.1.1").await, 200);
    assert_eq!(ask("127.0.1.1").await, 401);
}

#[tokio::test]
async fn a_network_with_too_many_refusals_finds_no_window_and_phones_with_a_key_are_served() {
    let enrolment = "[provisioning.enrolment]\nrefusals_per_minute = 5\n".to_owned();
    let office = Office::with(Plan { provisioning: enrolment, ..Plan::default() }).await;
    let target = format!("/provision/{SNOM}.htm");
    for _ in 0..6 {
        assert_eq!(get(&office, &format!("/provision/{STRANGER}.htm")).await.status, 401);
    }
    assert_eq!(get(&office, &target).await.status, 401);
    assert!(told(&office, SNOM, 1).await.contains("too many refusals for its network"));
    let own = keyed(&office, SNOM).await;
    enrolled(&office, &format!("{own}{SNOM}.xml"), SNOM).await;
    let user = format!("{OTHER}:{}", http_password(&office, OTHER).await);
    let path = format!("/provision/{OTHER}.htm");
    let replies = curl(&office, &["--digest", "-u", &user, &path]);
    assert_eq!(replies.last().unwrap().status, 200);
    // From elsewhere the window is open.
    assert_eq!(ask_from(&office, "127.0.7.1", "GET", &target, "", b"").await.status, 401, "proven");
    window(&office, SNOM, 5).await;
    assert_eq!(ask_from(&office, "127.0.7.1", "GET", &target, "", b"").await.status, 200);
}

#[tokio::test]
async fn an_unknown_phone_is_added_from_a_listed_network_only() {
    let enrolment = "[provisioning.enrolment]\nadd_unknown_from = [\"127.0.1.0/24\"]\n".to_owned();
    let office = Office::with(Plan { provisioning: enrolment, ..Plan::default() }).await;
    let target = format!("/provision/index.php?mac={STRANGER}&manuf=snom");
    let ask = async |from, method| ask_from(&office, from, method, &target, "", b"").await.status;
    assert_eq!(ask("127.0.2.1", "GET").await, 401);
    assert_eq!(ask("127.0.1.1", "HEAD").await, 401);
    // No vendor that is known.
    let odd = ask_from(&office, "127.0.1.1", "GET", "/provision/02aabbccddee.htm", "", b"").await;
    assert_eq!(odd.status, 401);
    assert_eq!(office.get("phones").await.as_array().unwrap().len(), 3);
    let reply = ask_from(&office, "127.0.1.1", "GET", &target, "", b"").await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains(&keyed(&office, STRANGER).await));
    let added = office.get(&format!("phones/{STRANGER}")).await;
    assert_eq!((&added["vendor"], &added["owner"]), (&json!("snom"), &Value::Null));
    assert_eq!(ask("127.0.1.1", "GET").await, 401, "once");
}
