//! Who is refused learns nothing; the operator learns why.

use super::*;

/// What an attacker could try, and what must not tell it from the others.
struct Attempt {
    name: &'static str,
    target: String,
    headers: String,
}

fn attempt(name: &'static str, target: String, headers: String) -> Attempt {
    Attempt { name, target, headers }
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Authorization: Basic {pair}\r\n")
}

fn digest(user: &str, target: &str) -> String {
    let response = "0123456789abcdef0123456789abcdef";
    format!(
        "Authorization: Digest username=\"{user}\", realm=\"hotdeskd\", nonce=\"0000\", uri=\"{target}\", \
         qop=auth, nc=00000001, cnonce=\"x\", response=\"{response}\"\r\n"
    )
}

/// An office with a phone that was removed, one without a window, one with a window for another network;
/// and a key that was good.
async fn office() -> (Office, String) {
    let enrolment = "[provisioning.enrolment]\nnetworks = [\"127.0.1.0/24\"]\n\
                     refusals_per_minute = 100000\n";
    let office = Office::with(Plan { provisioning: enrolment.to_owned(), ..Plan::default() }).await;
    office.put("phones/0004132a0009", json!({ "label": "gone" })).await;
    let removed = keyed(&office, "0004132a0009").await;
    office.delete("phones/0004132a0009").await;
    window(&office, OTHER, 0).await;
    (office, removed)
}

/// Where HTTP credentials are accepted.
async fn open_door(office: &Office) -> Vec<Attempt> {
    let own = http_password(office, SNOM).await;
    let bare = |mac: &str| format!("/provision/{mac}.htm");
    let query = |mac: &str| format!("/provision/index.php?mac={mac}&manuf=snom");
    let mut attempts = vec![
        attempt("an unknown MAC", bare(STRANGER), String::new()),
        attempt("an unknown MAC in the query", query(STRANGER), String::new()),
        attempt("an unknown MAC of no vendor", bare("02aabbccddee"), String::new()),
        attempt("the MAC of a removed phone", bare("0004132a0009"), String::new()),
        attempt("a closed window", bare(OTHER), String::new()),
        attempt("a closed window, query", query(OTHER), String::new()),
        attempt("the wrong network", bare(SNOM), String::new()),
        attempt("no file of that name", format!("/provision/{OTHER}-x.cfg"), String::new()),
        attempt("another vendor's form", format!("/provision/{SNOM}-settings.cfg"), String::new()),
        attempt(
            "another phone's User-Agent",
            bare(SNOM),
            format!("User-Agent: snomD785-SIP 1.2 {OTHER}\r\n"),
        ),
        attempt("a removed phone's password", bare("0004132a0009"), basic("0004132a0009", &own)),
        attempt("a header that is none", bare(SNOM), "Authorization: \r\n".to_owned()),
        attempt("another scheme", bare(SNOM), "Authorization: Bearer abc\r\n".to_owned()),
        attempt("Basic that is none", bare(SNOM), "Authorization: Basic %%%\r\n".to_owned()),
        attempt("no user", bare(SNOM), basic("", "")),
    ];
    for (mac, name) in [(SNOM, "a known phone"), (STRANGER, "an unknown phone")] {
        for user in [SNOM, STRANGER, "admin"] {
            let target = bare(mac);
            attempts.push(attempt(name, target.clone(), basic(user, "wrong")));
            attempts.push(attempt(name, target.clone(), digest(user, &target)));
        }
    }
    attempts
}

/// Where they are not, or came and were right.
async fn shut_doors(office: &Office, removed: &str) -> Vec<Attempt> {
    let own = keyed(office, SNOM).await;
    let password = http_password(office, SNOM).await;
    let right = basic(SNOM, &password);
    let by_key = |target: String| attempt("the key of a phone", target, String::new());
    let mut attempts = vec![
        attempt(
            "an unknown key",
            format!("/p/aaaaaaaaaaaaaaaaaaaaaaaaaa/{SNOM}.xml"),
            String::new(),
        ),
        attempt("an unknown key, unknown phone", format!("/p/b/{STRANGER}.xml"), String::new()),
        attempt("the key of a removed phone", format!("{removed}0004132a0009.xml"), String::new()),
        attempt("no key", "/p/".to_owned(), String::new()),
        by_key(format!("{own}{OTHER}.xml")),
        by_key(format!("{own}{STRANGER}.xml")),
        by_key(format!("{own}nothing-of-ours")),
        by_key(format!("{own}{SNOM}-app.log")),
        by_key(format!("{own}{SNOM}-settings.cfg")),
        by_key(format!("{own}{POLYCOM}.cfg")),
        by_key(format!("{own}%2e%2e/%2e%2e/etc/passwd")),
        attempt("a password for another's file", format!("/provision/{OTHER}.htm"), right.clone()),
        attempt("a password for a stranger's", format!("/provision/{STRANGER}.htm"), right.clone()),
        attempt("a password for nothing", "/provision/nothing-of-ours".to_owned(), right),
        attempt("no phone", "/provision/".to_owned(), String::new()),
        attempt("no phone", "/provision".to_owned(), String::new()),
        attempt("no phone", "/provision/nothing-of-ours".to_owned(), String::new()),
        attempt("no phone", "/provision/000000000000.cfg".to_owned(), String::new()),
        attempt("a common file", "/provision/snomD785.htm".to_owned(), String::new()),
        attempt("firmware that is not there", "/provision/sip.ld".to_owned(), String::new()),
        attempt("a long path", format!("/provision/{}", "a".repeat(5_000)), String::new()),
    ];
    for path in
        ["/", "/index.html", "/api/v1/phones", "/freeswitch", "/metrics", "/provisional", "/P/x"]
    {
        attempts.push(attempt("no door", path.to_owned(), String::new()));
    }
    attempts
}

async fn assert_alike(office: &Office, method: &str, status: u16, attempts: &[Attempt]) {
    let mut first: Option<(String, String)> = None;
    for Attempt { name, target, headers } in attempts {
        let body: &[u8] = if matches!(method, "PUT" | "POST") { b"<x/>" } else { b"" };
        let reply = ask_from(office, HERE, method, target, headers, body).await;
        assert_eq!(reply.status, status, "{method} {name}: {target}\n{headers}{}", reply.head);
        let (of, known) = first.get_or_insert_with(|| ((*name).to_owned(), reply.masked()));
        assert_eq!(&reply.masked(), known, "{method}: {name} and {of}");
    }
}

#[tokio::test]
async fn a_refusal_is_the_same_bytes_whatever_the_reason() {
    let (office, removed) = office().await;
    let (open, shut) = (open_door(&office).await, shut_doors(&office, &removed).await);
    for method in ["GET", "HEAD", "PUT", "POST"] {
        assert_alike(&office, method, 401, &open).await;
        assert_alike(&office, method, 404, &shut).await;
    }
    // What nothing can be done with is nothing, whoever asks, and whatever for.
    let own = keyed(&office, SNOM).await;
    let right = basic(SNOM, &http_password(&office, SNOM).await);
    let good = [
        attempt("a phone's own file", format!("{own}{SNOM}.xml"), String::new()),
        attempt("a phone's own file", format!("/provision/{SNOM}.htm"), right),
    ];
    for method in ["DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "GETX"] {
        for attempts in [&open[..], &shut[..], &good[..]] {
            assert_alike(&office, method, 404, attempts).await;
        }
    }
    let as_get = ask(&office, "GET", "/").await.masked();
    assert_eq!(ask(&office, "DELETE", "/").await.masked(), as_get);
}

#[tokio::test]
async fn a_refusal_is_the_same_bytes_when_there_were_too_many() {
    let (office, _) = office().await;
    let before = get(&office, &format!("/provision/{OTHER}.htm")).await.masked();
    let nothing = get(&office, "/provision/x").await.masked();
    let enrolment = "[provisioning.enrolment]\nrefusals_per_minute = 2\n".to_owned();
    let office = Office::with(Plan { provisioning: enrolment, ..Plan::default() }).await;
    for mac in [STRANGER, SNOM, STRANGER, OTHER, STRANGER, STRANGER] {
        let target = if mac == SNOM {
            "/provision/y".to_owned()
        } else {
            format!("/provision/{STRANGER}.htm")
        };
        let expected = if mac == SNOM { &nothing } else { &before };
        assert_eq!(&get(&office, &target).await.masked(), expected);
    }
    // And for a phone whose window is open.
    assert_eq!(get(&office, &format!("/provision/{SNOM}.htm")).await.masked(), before);
}

#[tokio::test]
async fn why_explains_each_kind_of_refusal() {
    let (office, _) = office().await;
    office.put("phones/02aabbccddee", json!({ "label": "of no vendor" })).await;
    let own = keyed(&office, SNOM).await;
    let no_vendor = keyed(&office, "02aabbccddee").await;
    let polycom = keyed(&office, POLYCOM).await;
    let bare = |mac: &str| format!("/provision/{mac}.htm");
    let none = String::new;
    let cases = [
        ("GET", bare(OTHER), none(), OTHER, "came without credentials, and was asked for them"),
        ("GET", bare(OTHER), basic(OTHER, "wrong"), OTHER, "its HTTP credentials are wrong"),
        ("GET", bare(SNOM), none(), SNOM, "a network that is not in"),
        (
            "GET",
            bare(SNOM),
            format!("User-Agent: snomD785-SIP 1.2 {OTHER}\r\n"),
            SNOM,
            "says in its User-Agent",
        ),
        (
            "GET",
            format!("{own}{OTHER}.xml"),
            none(),
            SNOM,
            "are another phone's than the one in the path",
        ),
        ("GET", format!("{own}nothing"), none(), SNOM, "no such file for its vendor"),
        ("PUT", format!("{own}{SNOM}.xml"), none(), SNOM, "can be fetched, but not sent"),
        (
            "GET",
            format!("{no_vendor}02aabbccddee.cfg"),
            none(),
            "02aabbccddee",
            "nothing is known of its vendor",
        ),
        (
            "GET",
            format!("{polycom}{POLYCOM}-app.log"),
            none(),
            POLYCOM,
            "no such file for its vendor",
        ),
    ];
    let mut counts = std::collections::HashMap::new();
    for (method, target, headers, mac, sentence) in cases {
        let reply = ask_from(&office, HERE, method, &target, &headers, b"").await;
        assert!([401, 404].contains(&reply.status), "{target}");
        let count = counts.entry(mac).and_modify(|count| *count += 1).or_insert(1usize);
        let last = told(&office, mac, *count).await;
        assert!(last.contains(sentence), "{target}: {last}");
        assert!(
            last.contains(&format!(" {method} ")) && last.contains(&reply.status.to_string()),
            "{last}"
        );
    }
    let ran = office.run(&["phones", "why", STRANGER]);
    assert!(!ran.status.success());
    assert!(String::from_utf8_lossy(&ran.stderr).contains("no phone"), "{ran:?}");
}

/// What terminals do with escape sequences is nothing that whoever knows a MAC address may decide.
#[tokio::test]
async fn what_a_stranger_writes_into_a_request_does_nothing_to_the_operators_terminal() {
    let office = Office::open().await;
    window(&office, SNOM, 0).await;
    let target = format!("/provision/%1b[2J%0d%0a%e2%80%ae/{SNOM}.htm");
    let agent = "User-Agent: evil\t\u{9b}2J\r\n";
    ask_from(&office, HERE, "GET", &target, agent, b"").await;
    let last = told(&office, SNOM, 1).await;
    assert!(last.contains(SNOM) && !last.contains(|c: char| c.is_control()), "{last:?}");
    assert!(!last.contains('\u{202e}'), "it turns the line around: {last:?}");
    let json = office.run(&["phones", "why", SNOM, "--json"]);
    assert!(!json.stdout.contains(&0x1b));
}

#[tokio::test]
async fn nothing_is_kept_of_phones_that_are_unknown() {
    let office = Office::open().await;
    for at in 0..300 {
        let from = format!("127.1.{}.1", at % 200);
        let target = format!("/provision/000413ff{at:04x}.htm");
        assert_eq!(ask_from(&office, &from, "GET", &target, "", b"").await.status, 401);
    }
    get(&office, &format!("/provision/{SNOM}.htm")).await;
    why(&office, SNOM, 1).await;
    office.signal("TERM");
    office.ended().await;
    let url = format!("sqlite://{}", office.config.data.join("hotdeskd.db").display());
    sqlx::any::install_default_drivers();
    let mut store = <sqlx::AnyConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let rows = sqlx::query("SELECT phone FROM phone_requests").fetch_all(&mut store).await.unwrap();
    let phone = |row: &sqlx::any::AnyRow| sqlx::Row::get::<String, _>(row, 0);
    assert_eq!(rows.iter().map(phone).collect::<Vec<_>>(), [SNOM]);
    for file in ["hotdeskd.db", "hotdeskd.db-wal"] {
        let bytes = std::fs::read(office.config.data.join(file)).unwrap_or_default();
        assert!(!bytes.windows(8).any(|window| window == b"000413ff"), "{file}");
    }
    // But how many there were, and from where.
    let journal =
        String::from_utf8(office.run(&["journal", "list", "--limit", "1000"]).stdout).unwrap();
    let of_network = |third| {
        let lines = journal.lines().filter(|line| line.contains(&format!("127.1.{third}.0/24")));
        lines.count()
    };
    assert_eq!((of_network(0), of_network(199)), (1, 1), "{journal}");
}

/// The line of the log, as the documentation tells fail2ban to read it.
#[tokio::test]
async fn fail2ban_finds_each_refusal_by_the_documented_expression() {
    let documentation = include_str!("../../../docs/operations.md");
    let expression =
        between(documentation, "failregex = ", "\n").replace("<ADDR>", "(?P<addr>[0-9a-f.:]+)");
    let expression = regex::Regex::new(&expression).unwrap();
    let enrolment = "[provisioning.enrolment]\nrefusals_per_minute = 4\n".to_owned();
    let office = Office::with(Plan { provisioning: enrolment, ..Plan::default() }).await;
    let found = || {
        let log = office.log();
        let lines = log.lines().filter_map(|line| expression.captures(line));
        lines.map(|found| found["addr"].to_owned()).collect::<Vec<_>>()
    };
    ask_from(&office, "127.0.3.1", "GET", &format!("/provision/{STRANGER}.htm"), "", b"").await;
    ask_from(&office, "127.0.4.1", "GET", &format!("/p/abc/{SNOM}.xml"), "", b"").await;
    ask_from(
        &office,
        "127.0.5.1",
        "GET",
        &format!("/provision/{SNOM}.htm"),
        &basic(SNOM, "x"),
        b"",
    )
    .await;
    ask_from(&office, "127.0.6.1", "GET", "/wp-login.php", "", b"").await;
    ask_from(&office, "127.0.7.1", "DELETE", "/wp-login.php", "", b"").await;
    let five = ["127.0.3.1", "127.0.4.1", "127.0.5.1", "127.0.6.1", "127.0.7.1"];
    until("the lines are there", async || found().len() >= 5).await;
    assert_eq!(found(), five);
    // What every phone does is none: no credentials at first, and a file that is optional.
    let own = keyed(&office, SNOM).await;
    window(&office, OTHER, 0).await;
    get(&office, &format!("/provision/{OTHER}.htm")).await;
    get(&office, &format!("{own}{SNOM}-optional.cfg")).await;
    // Nor is the log the damage.
    for _ in 0..20 {
        ask_from(&office, "127.0.8.1", "GET", &format!("/provision/{STRANGER}.htm"), "", b"").await;
    }
    until("the lines are there", async || found().len() >= 9).await;
    why(&office, OTHER, 1).await;
    assert_eq!(found()[5..], ["127.0.8.1"; 4]);
}
