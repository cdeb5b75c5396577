//! Conditional requests, ranges, HEAD, lengths: of settings and of firmware.

use super::*;

/// A length always, and never chunks.
fn assert_plain(reply: &Reply, what: &str) {
    assert_eq!(reply.header("transfer-encoding"), None, "{what}");
    if reply.status != 304 {
        assert!(reply.header("content-length").is_some(), "{what}: {}", reply.head);
    }
}

async fn assert_conditions(office: &Office, target: &str) {
    let ask = async |method: &str, headers: String| {
        let reply = ask_from(office, HERE, method, target, &headers, b"").await;
        assert_plain(&reply, &format!("{method} {target} {headers}"));
        reply
    };
    // The first one after a change of person clears what was before; the next ones are the same.
    ask("GET", String::new()).await;
    let whole = ask("GET", String::new()).await;
    assert_eq!(whole.status, 200);
    let length = whole.body.len();
    assert_eq!(whole.header("content-length"), Some(length.to_string().as_str()));
    let etag = whole.header("etag").unwrap().to_owned();
    let modified = whole.header("last-modified").unwrap().to_owned();
    let head = ask("HEAD", String::new()).await;
    for name in ["content-length", "content-type", "etag", "last-modified", "accept-ranges"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    for (headers, status) in [
        (format!("If-None-Match: {etag}\r\n"), 304),
        (format!("If-None-Match: \"x\", W/{etag}\r\n"), 304),
        ("If-None-Match: \"x\"\r\n".to_owned(), 200),
        (format!("If-Modified-Since: {modified}\r\n"), 304),
        ("If-Modified-Since: Thu, 01 Jan 2009 00:00:00 GMT\r\n".to_owned(), 200),
        ("If-Modified-Since: never\r\n".to_owned(), 200),
        (
            "If-None-Match: \"x\"\r\nIf-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT\r\n"
                .to_owned(),
            200,
        ),
    ] {
        let reply = ask("GET", headers.clone()).await;
        assert_eq!(reply.status, status, "{headers}");
        assert_eq!(reply.body.len(), if status == 200 { length } else { 0 }, "{headers}");
    }
    for (range, status, from, to) in [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, length),
        ("bytes=-5", 206, length - 5, length),
        ("bytes=0-99999999999999999999999", 206, 0, length),
        ("bytes=99999999-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=5-2", 200, 0, length),
        ("bytes=0-1,3-4", 200, 0, length),
        ("bytes=a-b", 200, 0, length),
        ("lines=1-2", 200, 0, length),
    ] {
        let reply = ask("GET", format!("Range: {range}\r\n")).await;
        assert_eq!((reply.status, &reply.body[..]), (status, &whole.body[from..to]), "{range}");
    }
    let part = ask("GET", format!("Range: bytes=0-3\r\nIf-Range: {etag}\r\n")).await;
    assert_eq!((part.status, part.body.len()), (206, 4));
    let total = format!("bytes 0-3/{length}");
    assert_eq!(part.header("content-range"), Some(total.as_str()));
    let other = ask("GET", "Range: bytes=0-3\r\nIf-Range: \"x\"\r\n".to_owned()).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn settings_and_firmware_are_told_with_length_whole_in_part_and_not_again() {
    let planted = Planted::new();
    let office = Office::with(planted.plan("")).await;
    let own = keyed(&office, SNOM).await;
    assert_conditions(&office, &format!("{own}{SNOM}.xml")).await;
    assert_conditions(&office, &format!("/provision/{}", Planted::FILE)).await;
    assert_conditions(&office, &format!("{own}firmware/{}", Planted::FILE)).await;
    // Firmware is fetched and not sent, nor anything else.
    for method in ["PUT", "DELETE"] {
        let reply =
            ask_from(&office, HERE, method, &format!("/provision/{}", Planted::FILE), "", b"x")
                .await;
        assert_eq!(reply.status, 404, "{method}");
    }
    let polycom = keyed(&office, POLYCOM).await;
    for name in [".cfg", "-settings.cfg", "-phone.cfg", "-web.cfg", "-directory.xml", "-calls.xml"]
    {
        assert_conditions(&office, &format!("{polycom}{POLYCOM}{name}")).await;
    }
}

#[tokio::test]
async fn curl_resumes_and_does_not_fetch_again_what_it_has() {
    let planted = Planted::new();
    let office = Office::with(planted.plan("")).await;
    let own = keyed(&office, SNOM).await;
    let folder = tempfile::tempdir().unwrap();
    let (file, etag) = (folder.path().join("file"), folder.path().join("etag"));
    let (file, etag) = (file.to_str().unwrap(), etag.to_str().unwrap());
    let url = format!("http://{}/provision/{}", address(&office), Planted::FILE);
    let run = |arguments: &[&str]| {
        let ran = Command::new("curl")
            .args(["-q", "-sS", "-w", "%{http_code}", "--noproxy", "*"])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    std::fs::write(file, b"0123456789abcde").unwrap();
    assert_eq!(run(&["-C", "-", "-o", file, &url]), "206");
    assert_eq!(std::fs::read(file).unwrap(), b"0123456789abcdefghij".repeat(10));
    let settings = format!("http://{}{own}{SNOM}.xml", address(&office));
    for _ in 0..2 {
        assert_eq!(run(&["--etag-save", etag, "-o", file, &settings]), "200");
    }
    assert_eq!(run(&["--etag-compare", etag, "-o", file, &settings]), "304");
    log_in(&office, USERS[0].0, SNOM).await;
    assert_eq!(run(&["--etag-compare", etag, "-o", file, &settings]), "200");
}

/// Only who has the whole file shows it.
#[tokio::test]
async fn a_look_or_a_part_of_the_file_confirms_nothing_and_all_of_it_does() {
    let office = Office::open().await;
    let own = keyed(&office, SNOM).await;
    let target = format!("{own}{SNOM}.xml");
    assert_eq!(get(&office, &target).await.status, 200);
    log_in(&office, USERS[0].0, SNOM).await;
    let shown = async || office.get(&format!("phones/{SNOM}/why")).await;
    for (method, headers) in
        [("HEAD", ""), ("GET", "Range: bytes=0-9\r\n"), ("GET", "Range: bytes=9999999-\r\n")]
    {
        ask_from(&office, HERE, method, &target, headers, b"").await;
    }
    why(&office, SNOM, 4).await;
    assert!(shown().await["waiting"].is_string());
    assert_eq!(shown().await["shown"]["user"], Value::Null);
    get(&office, &target).await;
    until("it is shown", async || shown().await["waiting"].is_null()).await;
    assert_eq!(shown().await["shown"]["user"], json!(USERS[0].0));
}
