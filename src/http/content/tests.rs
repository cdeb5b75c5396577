use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::IntoResponse as _;
use proptest::prelude::*;

use super::*;
use crate::http::curl::Served;

const TEXT: &[u8] = b"0123456789";

fn modified() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_700)
}

fn content() -> Content {
    Content {
        bytes: Bytes::from_static(TEXT),
        content_type: HeaderValue::from_static("text/xml; charset=utf-8"),
        etag: ETag::of(TEXT),
        modified: Some(modified()),
    }
}

fn answered(headers: &[(header::HeaderName, &str)]) -> Response {
    let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
    content().answer(&Method::GET, &headers.collect())
}

fn told(response: &Response, name: header::HeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn a_client_that_has_it_is_told_so() {
    let etag = content().etag.as_str().to_owned();
    let date = "Tue, 14 Nov 2023 22:13:20 GMT";
    assert_eq!(told(&answered(&[]), header::LAST_MODIFIED), date);
    let (none_match, since) = (header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE);
    for (headers, status) in [
        (vec![(none_match.clone(), &*etag)], 304),
        (vec![(none_match.clone(), &*format!("W/{etag}"))], 304),
        (vec![(none_match.clone(), &*format!("\"a,b\", W/\"c\" ,{etag}"))], 304),
        (vec![(none_match.clone(), "\"a\""), (none_match.clone(), &*etag)], 304),
        (vec![(none_match.clone(), "*")], 304),
        (vec![(none_match.clone(), "\"a\", \"b\"")], 200),
        (vec![(none_match.clone(), "\"a")], 200),
        (vec![(none_match.clone(), etag.trim_matches('"'))], 200),
        (vec![(since.clone(), date)], 304),
        (vec![(since.clone(), "Tuesday, 14-Nov-23 22:13:20 GMT")], 304),
        (vec![(since.clone(), "Tue Nov 14 22:13:20 2023")], 304),
        (vec![(since.clone(), "Tue, 14 Nov 2023 22:13:19 GMT")], 200),
        (vec![(since.clone(), "yesterday")], 200),
        // The date is only looked at where there is no tag.
        (vec![(since.clone(), date), (none_match.clone(), "\"a\"")], 200),
        // Not modified comes before ranges.
        (vec![(none_match.clone(), &*etag), (header::RANGE, "bytes=0-1")], 304),
    ] {
        let response = answered(&headers);
        assert_eq!(response.status(), status, "{headers:?}");
        assert_eq!(told(&response, header::ETAG), etag);
    }
}

#[test]
fn one_range_is_given_and_everything_else_is_whole() {
    let etag = content().etag.as_str().to_owned();
    for (range, status, expected) in [
        ("bytes=0-0", 206, "bytes 0-0/10"),
        ("bytes=2-5", 206, "bytes 2-5/10"),
        ("Bytes = 2-5 ", 206, "bytes 2-5/10"),
        ("bytes=8-99999999999999999999999", 206, "bytes 8-9/10"),
        ("bytes=9-", 206, "bytes 9-9/10"),
        ("bytes=-3", 206, "bytes 7-9/10"),
        ("bytes=-30", 206, "bytes 0-9/10"),
        ("bytes=10-", 416, "bytes */10"),
        ("bytes=99999999999999999999999-", 416, "bytes */10"),
        ("bytes=-0", 416, "bytes */10"),
        ("bytes=0-1,4-5", 200, ""),
        ("bytes=5-2", 200, ""),
        ("bytes=-", 200, ""),
        ("bytes=+1-2", 200, ""),
        ("lines=1-2", 200, ""),
        ("bytes", 200, ""),
    ] {
        let response = answered(&[(header::RANGE, range)]);
        assert_eq!(response.status(), status, "{range}");
        assert_eq!(told(&response, header::CONTENT_RANGE), expected, "{range}");
    }
    for (condition, status) in [
        (&*etag, 206),
        ("Tue, 14 Nov 2023 22:13:20 GMT", 206),
        (&format!("W/{etag}"), 200),
        ("\"other\"", 200),
        ("Tue, 14 Nov 2023 22:13:21 GMT", 200),
        ("nonsense", 200),
    ] {
        let headers = [(header::RANGE, "bytes=0-1"), (header::IF_RANGE, condition)];
        assert_eq!(answered(&headers).status(), status, "{condition}");
    }
    let headers = HeaderMap::from_iter([(header::RANGE, "bytes=0-1".parse().unwrap())]);
    assert_eq!(content().answer(&Method::HEAD, &headers).status(), 200, "HEAD has no ranges");
}

#[test]
fn a_time_that_no_date_can_say_is_left_out() {
    for modified in
        [SystemTime::UNIX_EPOCH - Duration::from_secs(1), SystemTime::UNIX_EPOCH + DATES_END]
    {
        let content = Content { modified: Some(modified), ..content() };
        let headers = HeaderMap::from_iter([(
            header::IF_MODIFIED_SINCE,
            "Tue, 14 Nov 2023 22:13:20 GMT".parse().unwrap(),
        )]);
        let response = content.answer(&Method::GET, &headers);
        assert!(!response.headers().contains_key(header::LAST_MODIFIED));
    }
}

/// `/memory`, and every other path is a file of the folder.
async fn give(State(folder): State<Arc<Path>>, request: Request) -> Response {
    let (method, headers) = (request.method(), request.headers());
    let name = request.uri().path().trim_start_matches('/');
    if name == "memory" {
        return content().answer(method, headers);
    }
    let content_type = HeaderValue::from_static("application/octet-stream");
    match open_inside(&folder, name).await {
        Ok(file) => file.answer(content_type, method, headers),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn served(folder: &Path) -> Served {
    Served::plain(Router::new().fallback(give).with_state(Arc::from(folder))).await
}

/// A body that is longer than a few pieces, and no two pieces of it are the same.
fn long() -> Vec<u8> {
    (0..300_000u32).flat_map(u32::to_be_bytes).collect()
}

#[tokio::test]
async fn curl_is_given_whole_parts_and_heads_with_their_length() {
    let folder = tempfile::tempdir().unwrap();
    let long = long();
    std::fs::write(folder.path().join("firmware.bin"), &long).unwrap();
    let served = served(folder.path()).await;
    for path in ["/memory", "/firmware.bin"] {
        let length = if path == "/memory" { TEXT.len() } else { long.len() };
        let whole = served.curl(&["-i"], path).await.to_ascii_lowercase();
        assert!(whole.starts_with("http/1.1 200"), "{path}");
        let head = served.curl(&["-I"], path).await.to_ascii_lowercase();
        let line = format!("content-length: {length}\r\n");
        assert!(head.starts_with("http/1.1 200") && head.contains(&line), "{path} {head}");
        // The same head for both, and never chunked.
        let head_of = |text: &str| {
            let lines = text.split("\r\n\r\n").next().unwrap().lines();
            lines.filter(|line| !line.starts_with("date")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(head_of(&whole), head_of(&head), "{path}");
        assert!(!head.contains("transfer-encoding"), "{head}");
    }
    assert_eq!(served.curl(&["-r", "2-4"], "/memory").await, "234");
    assert_eq!(served.curl(&["-r", "-2"], "/memory").await, "89");
    assert_eq!(served.curl(&["-r", "0-1,4-5"], "/memory").await, "0123456789");
    let got = folder.path().join("got");
    let to = got.to_str().unwrap();
    served.curl(&["-o", to], "/firmware.bin").await;
    assert!(std::fs::read(&got).unwrap() == long, "the file came as it is");
    served.curl(&["-o", to, "-r", "65530-131080"], "/firmware.bin").await;
    assert!(std::fs::read(&got).unwrap() == long[65_530..=131_080], "a part came as it is");
    // What a phone does whose transfer broke off.
    std::fs::write(&got, &long[..500_001]).unwrap();
    served.curl(&["-o", to, "-C", "-"], "/firmware.bin").await;
    assert!(std::fs::read(&got).unwrap() == long, "the rest came after the beginning");
    let past = served.curl(&["-i", "-r", "1200000-"], "/firmware.bin").await;
    assert!(past.starts_with("HTTP/1.1 416") && past.contains("bytes */1200000"), "{past}");
}

#[tokio::test]
async fn curl_is_told_that_it_has_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("firmware.bin"), long()).unwrap();
    let served = served(folder.path()).await;
    let tag = folder.path().join("tag");
    let (tag, body) = (tag.to_str().unwrap(), folder.path().join("body"));
    let to = body.to_str().unwrap();
    for path in ["/memory", "/firmware.bin"] {
        served.curl(&["--etag-save", tag, "-R", "-o", to], path).await;
        let code = ["-o", "/dev/null", "-w", "%{http_code} %{size_download}"];
        let again = [&code[..], &["--etag-compare", tag]].concat();
        assert_eq!(served.curl(&again, path).await, "304 0");
        // `-R` gave the body the time of the answer.
        assert_eq!(served.curl(&[&code[..], &["-z", to]].concat(), path).await, "304 0");
        let before = [&code[..], &["-z", "Tue, 14 Nov 2000 22:13:20 GMT"]].concat();
        assert!(served.curl(&before, path).await.starts_with("200"));
    }
    let first = std::fs::read_to_string(tag).unwrap();
    std::fs::write(folder.path().join("firmware.bin"), b"other").unwrap();
    let changed = ["--etag-compare", tag, "--etag-save", tag];
    assert_eq!(served.curl(&changed, "/firmware.bin").await, "other");
    assert_ne!(std::fs::read_to_string(tag).unwrap(), first);
}

#[tokio::test]
async fn a_file_that_becomes_shorter_is_an_error_to_who_fetches_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firmware.bin");
    std::fs::write(&path, vec![0; 1 << 20]).unwrap();
    let open = open_inside(folder.path(), "firmware.bin").await.unwrap();
    assert_eq!(open.length(), 1 << 20);
    let response = open.answer("a/b".parse().unwrap(), &Method::GET, &HeaderMap::new());
    std::fs::write(&path, b"short").unwrap();
    assert!(axum::body::to_bytes(response.into_body(), usize::MAX).await.is_err());
}

#[tokio::test]
async fn only_plain_names_of_the_folder_are_opened() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("firmware");
    std::fs::create_dir_all(folder.join("below")).unwrap();
    for name in ["secret", "firmware/a.bin", "firmware/..a", "firmware/below/b.bin"] {
        std::fs::write(above.path().join(name), name).unwrap();
    }
    symlink(above.path().join("secret"), folder.join("out")).unwrap();
    symlink("../secret", folder.join("out-too")).unwrap();
    symlink("a.bin", folder.join("in")).unwrap();
    symlink("..", folder.join("up")).unwrap();
    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let opens = async |name: &str| {
        let open = tokio::time::timeout(Duration::from_secs(10), open_inside(&folder, name));
        match open.await.expect("nothing waits") {
            Ok(_) => true,
            Err(error) => {
                assert!(error.kind() == std::io::ErrorKind::NotFound, "{name}: {error}");
                false
            }
        }
    };
    for name in ["a.bin", "in", "..a"] {
        assert!(opens(name).await, "{name}");
    }
    let long = "a".repeat(256);
    for name in [
        "",
        ".",
        "..",
        "/",
        "a.bin/",
        "./a.bin",
        "../secret",
        "below/b.bin",
        "below",
        "out",
        "out-too",
        "up",
        "pipe",
        "a.bin\0",
        "..\\secret",
        "/etc/passwd",
        "%2e%2e",
        "none",
        &long,
    ] {
        assert!(!opens(name).await, "{name}");
    }
}

proptest! {
    #[test]
    fn no_header_panics(
        range in "(bytes=)?[0-9, -]{0,30}|\\PC{0,30}",
        tag in "[W/\", *a\\PC]{0,30}",
        date in "\\PC{0,40}",
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::RANGE, &range), (header::IF_NONE_MATCH, &tag), (header::IF_RANGE, &tag),
            (header::IF_MODIFIED_SINCE, &date),
        ] {
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let status = content().answer(&Method::GET, &headers).status().as_u16();
        prop_assert!(matches!(status, 200 | 206 | 304 | 416), "{status}");
    }
}
