//! MAC addresses in every spelling, and paths that want to be somewhere else.

use super::*;

#[tokio::test]
async fn a_mac_address_is_known_in_every_spelling() {
    let office = Office::with(patient()).await;
    let own = keyed(&office, SNOM).await;
    enrolled(&office, &own, SNOM).await;
    for mac in [
        "0004132a0001",
        "0004132A0001",
        "00:04:13:2a:00:01",
        "00:04:13:2A:00:01",
        "00%3A04%3a13%3A2A%3A00%3A01",
        "00-04-13-2A-00-01",
        "0004.132a.0001",
        "%30%30%30%34132a0001",
    ] {
        for target in [
            format!("{own}{mac}.xml"),
            format!("{own}snomD785-{mac}.htm"),
            format!("{own}index.php?mac={mac}&manuf=snom"),
            format!("{own}index.php?manuf=SNOM&MAC={mac}"),
        ] {
            assert_eq!(get(&office, &target).await.status, 200, "{target}");
        }
        // Without proof it is this phone too, whatever the spelling: its window is used up once.
        let bare = [
            format!("/provision/{mac}.htm"),
            format!("/provision/snomD785-{mac}.htm"),
            format!("/provision/index.php?mac={mac}&manuf=snom"),
        ];
        for target in bare {
            window(&office, SNOM, 5).await;
            assert_eq!(get(&office, &target).await.status, 200, "{target}");
            assert_eq!(get(&office, &target).await.status, 401, "{target}");
        }
    }
    for mac in [
        "00 04 13 2a 00 01",
        "00+04+13+2a+00+01",
        "0004132a000",
        "0004132a00011",
        "g004132a0001",
        "",
        "{mac}",
        "$MA",
        "0004132a0001%00",
        "%EF%BC%900004132a0001",
        "0x0004132a0001",
        "000000000000",
        "ffffffffffff",
        "../0004132a000",
    ] {
        let mac = mac.replace(' ', "%20").replace('{', "%7b").replace('}', "%7d");
        let reply = get(&office, &format!("/provision/{mac}.htm")).await;
        assert!([401, 404].contains(&reply.status), "{mac}");
        assert_served(&office, &own).await;
    }
}

/// Ways to write `../`, and what could be mistaken for it.
const UPS: [&str; 22] = [
    "../",
    "..%2f",
    "..%2F",
    "%2e%2e/",
    "%2e%2e%2f",
    ".%2e/",
    "%2e./",
    "..\\",
    "..%5c",
    "%2e%2e%5c",
    "..%252f",
    "%252e%252e%252f",
    "%25252e%25252e/",
    "%c0%ae%c0%ae/",
    "%c0%ae%c0%ae%c0%af",
    "..%c0%af",
    "%e0%80%ae%e0%80%ae%e0%80%af",
    "....//",
    "..;/",
    "../%00",
    "%uff0e%uff0e/",
    "%ef%bc%8e%ef%bc%8e%ef%bc%8f",
];

#[tokio::test]
async fn nobody_climbs_out_whatever_the_spelling() {
    let planted = Planted::new();
    let office =
        Office::with(planted.plan("[provisioning.enrolment]\nrefusals_per_minute = 1000000\n"))
            .await;
    let (snom, polycom) = (keyed(&office, SNOM).await, keyed(&office, POLYCOM).await);
    let base = planted.folder.path().to_str().unwrap().to_owned();
    let names = ["passwd", "secret.cfg", "snomD785-9.9.9.9-SIP-r.bin", "linked.ld", "sip.ld"];
    let mut targets = Vec::new();
    for up in UPS {
        for door in ["/provision/", "/provision/firmware/", "/", &snom, &polycom] {
            for name in names {
                targets.push(format!("{door}{up}{name}"));
            }
            targets.push(format!("{door}below/{up}{up}passwd"));
            targets.push(format!("{door}{}etc/passwd", up.repeat(12)));
        }
        for (door, mac) in [(&snom, SNOM), (&polycom, POLYCOM)] {
            targets.push(format!("{door}{up}{mac}.cfg"));
            targets.push(format!("{door}{mac}{up}passwd"));
            targets.push(format!("{door}{mac}-app.log/{up}{up}planted"));
            targets.push(format!("{door}{up}{mac}-app.log"));
            targets.push(format!("{door}{mac}-{up}app.log"));
            targets.push(format!("/p/{up}{door}{mac}.xml"));
        }
        targets.push(format!("/provision/index.php?mac={up}{SNOM}&manuf={up}snom"));
        targets.push(format!("/provision/index.php?mac={SNOM}&manuf={up}{up}etc/passwd"));
    }
    for absolute in
        [format!("{base}/passwd"), "/etc/passwd".to_owned(), "file:///etc/passwd".to_owned()]
    {
        let encoded = absolute.replace('/', "%2f");
        for path in [absolute, encoded] {
            targets.extend([
                format!("/provision/{path}"),
                format!("{snom}{path}"),
                format!("{polycom}/{path}"),
            ]);
        }
    }
    targets.extend(
        [
            "below/sip.ld",
            "linked.ld",
            "snomD785-10.1.175.16-SIP-r.bin/",
            "snomD785-10.1.175.16-SIP-r.bin%00.cfg",
            "below",
            ".",
        ]
        .map(|name| format!("/provision/{name}")),
    );
    targets.push("/provision/NUL\0byte".replace('\0', "%00"));
    let before = everything(&office, &planted);
    for target in &targets {
        for method in ["GET", "PUT"] {
            let head = format!(
                "{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\nConnection: close\r\n\r\nplanted"
            );
            let bytes = send(&office, HERE, head.as_bytes()).await;
            let text = String::from_utf8_lossy(&bytes);
            assert!(
                !text.contains(PLANTED) && !text.contains("root:x:0"),
                "{method} {target}: {text}"
            );
            let status: u16 = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
            // A phone's own file under a name that means the same is served; nothing else is.
            let own = status == 200
                && (text.contains("<settings>")
                    || text.contains("<APPLICATION")
                    || text.contains("<setting"));
            assert!(
                [400, 401, 404].contains(&status) || own && method == "GET",
                "{method} {target}: {text}"
            );
        }
    }
    assert_eq!(everything(&office, &planted), before, "a file was made, changed or taken away");
    assert_served(&office, &snom).await;
    assert_eq!(get(&office, &format!("/provision/{}", Planted::FILE)).await.status, 200);
}

/// All files of the office that no request may change, and what stands in them.
fn everything(office: &Office, planted: &Planted) -> Vec<(PathBuf, usize)> {
    let mut found = Vec::new();
    let mut folders = vec![planted.folder.path().to_owned(), office.path("data")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.starts_with("hotdeskd.db") {
                found.push((path.clone(), std::fs::read(&path).map_or(0, |bytes| bytes.len())));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_path_or_a_query_may_be_anything_and_is_answered() {
    let office = Office::with(patient()).await;
    let own = keyed(&office, SNOM).await;
    for target in [
        "/provision/%".to_owned(),
        "/provision/%%%%".to_owned(),
        "/provision/%zz%1".to_owned(),
        "/provision/%ff%fe%80".to_owned(),
        format!("/provision/%f0%28%8c%28{SNOM}.htm"),
        format!("/provision/{}", "%".repeat(1_500)),
        format!("/provision/index.php?{}", "%".repeat(1_500)),
        format!("/provision/index.php?{}mac={SNOM}", "a=b&".repeat(100)),
        "/provision/index.php?mac=%ff%fe&manuf=%".to_owned(),
        "/provision/index.php?=&&&=&mac".to_owned(),
        "/provision/????".to_owned(),
        format!("//provision//{SNOM}.htm"),
        format!("/provision//{SNOM}.xyz"),
        "/provision/$(reboot)%60id%60;'\"".replace('"', "%22"),
        "/provision/%0d%0aSet-Cookie:%20a=b".to_owned(),
    ] {
        let reply = get(&office, &target).await;
        assert!([401, 404].contains(&reply.status), "{target}: {}", reply.head);
        assert!(!reply.head.to_lowercase().contains("set-cookie"), "{}", reply.head);
    }
    let many = format!("/provision/index.php?{}", "a=b&".repeat(10_000));
    let long = format!("/provision/{}", "a".repeat(60_000));
    for target in [
        many,
        long,
        format!("/provision/?{}", "b".repeat(60_000)),
        format!("{own}{}", "c/".repeat(20_000)),
    ] {
        assert_eq!(get(&office, &target).await.status, 404);
    }
    // Bytes that no URI has.
    for raw in [
        &b"/provision/\xff\xfe"[..],
        b"/provision/\xc3\xa9",
        b"/provision/a b",
        b"/provision/<>\"",
        b"provision",
        b"*",
        b"http://x/provision/",
    ] {
        let request = [b"GET ", raw, b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"].concat();
        let answer = send(&office, HERE, &request).await;
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{raw:?}: {text}");
    }
    assert_served(&office, &own).await;
}
