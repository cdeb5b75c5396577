//! Too much, too long, too slow, and not quite HTTP.

use tokio::time::{Instant, sleep, timeout};

use super::*;

/// What the daemon may grow by while it is treated like this, in kilobytes: the allocator keeps some of
/// what went through it.
const GROWTH: u64 = 48 << 10;

async fn furnished() -> (Office, String, String, String) {
    let office = Office::with(patient()).await;
    let (snom, polycom) = (keyed(&office, SNOM).await, keyed(&office, POLYCOM).await);
    let served = format!("{snom}{SNOM}.xml");
    // What is needed anyway is there.
    for _ in 0..20 {
        assert_served(&office, &served).await;
    }
    (office, snom, polycom, served)
}

/// The first status that comes back; 0 where the connection ends without one.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut head = [0; 12];
    match timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap() {
        Ok(_) => str::from_utf8(&head[9..]).unwrap().parse().unwrap(),
        Err(_) => 0,
    }
}

async fn first_status(office: &Office, bytes: &[u8]) -> u16 {
    let answer = send(office, HERE, bytes).await;
    String::from_utf8_lossy(&answer).get(9..12).map_or(0, |status| status.parse().unwrap())
}

#[tokio::test]
async fn ten_megabytes_are_refused_without_being_held() {
    let (office, snom, polycom, served) = furnished().await;
    let before = memory(&office);
    let body = vec![b'x'; 10 << 20];
    for _ in 0..4 {
        for (target, allowed) in [
            (format!("{polycom}{POLYCOM}-app.log"), [413, 0]),
            (format!("{polycom}{POLYCOM}-calls.xml"), [413, 0]),
            (format!("{snom}{SNOM}.xml"), [404, 0]),
            ("/p/nobody/x".to_owned(), [404, 0]),
            (format!("/provision/{SNOM}.htm"), [401, 0]),
        ] {
            for (name, value) in [("Content-Length", "10485760"), ("Transfer-Encoding", "chunked")]
            {
                let head = format!(
                    "PUT {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{name}: {value}\r\n\r\n"
                );
                let mut bytes = head.into_bytes();
                if name == "Transfer-Encoding" {
                    for piece in body.chunks(1 << 20) {
                        bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
                        bytes.extend(piece);
                        bytes.extend(b"\r\n");
                    }
                    bytes.extend(b"0\r\n\r\n");
                } else {
                    bytes.extend(&body);
                }
                // The answer may be lost when the connection is reset with bytes under way.
                let status = first_status(&office, &bytes).await;
                assert!(allowed.contains(&status), "{target} {name}: {status}");
            }
        }
        assert_served(&office, &served).await;
    }
    let grown = memory(&office).saturating_sub(before);
    assert!(grown < GROWTH, "{grown} kB");
    let why = why(&office, POLYCOM, 4).await.to_string();
    assert!(why.contains("it was too long"), "{why}");
}

#[tokio::test]
async fn bodies_of_all_kinds_come_to_an_end() {
    let (office, _, polycom, served) = furnished().await;
    let put = |headers: &str, body: &str| {
        format!(
            "PUT {polycom}{POLYCOM}-app.log HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n{body}"
        )
    };
    for (bytes, expected) in [
        (put("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), &[201][..]),
        (
            put("Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"),
            &[201],
        ),
        (put("Transfer-Encoding: chunked\r\n", "zz\r\nhello\r\n0\r\n\r\n"), &[400, 408, 413, 0]),
        (
            put("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\nhello\r\n"),
            &[400, 408, 413, 0],
        ),
        (put("Content-Length: 5\r\n", "hello, and more than was said"), &[201]),
        (put("Content-Length: -1\r\n", "hello"), &[400]),
        (put("Content-Length: 99999999999999999999\r\n", "hello"), &[400]),
        (put("Content-Length: 1e3\r\n", "hello"), &[400]),
        (put("", ""), &[201, 411]),
        // Smuggling: two lengths, a length and chunks, chunks that are none.
        (put("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), &[400]),
        (put("Content-Length: 5, 6\r\n", "hello!"), &[400]),
        (
            put("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            &[400, 201],
        ),
        (
            put("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            &[400, 201],
        ),
        (put("Transfer-Encoding: gzip\r\n", "hello"), &[400]),
        (put("Transfer-Encoding: chunked, gzip\r\n", "hello"), &[400]),
        (put("Transfer-Encoding: xchunked\r\n", "hello"), &[400]),
        (put("Transfer-Encoding : chunked\r\n", "hello"), &[400]),
        (put("Content-Length: 5\r\n Content-Length: 6\r\n", "hello"), &[400]),
    ] {
        let status = first_status(&office, bytes.as_bytes()).await;
        assert!(expected.contains(&status), "{status}: {bytes}");
    }
    assert_served(&office, &served).await;
}

/// Whatever stands behind a body that two readers would measure differently, it is no request of ours.
#[tokio::test]
async fn nothing_is_smuggled_behind_a_body() {
    let (office, _, polycom, served) = furnished().await;
    let hidden = format!("GET {served} HTTP/1.1\r\nHost: x\r\n\r\n");
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", hidden.len() + 5),
        "Content-Length: 0\r\nContent-Length: 5\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
    ] {
        for target in [format!("{polycom}{POLYCOM}-app.log"), "/p/nobody/x".to_owned()] {
            let bytes =
                format!("PUT {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n0\r\n\r\n{hidden}");
            let answer = send(&office, HERE, bytes.as_bytes()).await;
            let text = String::from_utf8_lossy(&answer);
            assert!(!text.contains("200 OK"), "{headers}{text}");
        }
    }
}

#[tokio::test]
async fn who_expects_to_be_told_to_go_on_is_told_so_or_refused_at_once() {
    let (office, _, polycom, _) = furnished().await;
    let expect = async |target: String| {
        let mut stream = connect(&office, HERE).await;
        let head = format!(
            "PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        (status(&mut stream).await, stream)
    };
    // What is left of the first answer is read with the second.
    let (told, mut stream) = expect(format!("{polycom}{POLYCOM}-app.log")).await;
    assert_eq!(told, 100);
    stream.write_all(b"hello").await.unwrap();
    let mut rest = Vec::new();
    while !rest.ends_with(b"\r\n\r\n") || !rest.windows(3).any(|window| window == b"201") {
        let read = timeout(PATIENCE, stream.read_buf(&mut rest)).await.unwrap().unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&rest));
    }
    assert_eq!(expect("/p/nobody/x".to_owned()).await.0, 404);
    assert_eq!(expect(format!("/provision/{SNOM}.htm")).await.0, 401);
}

#[tokio::test]
async fn heads_of_all_sizes_are_answered_or_refused_and_not_held() {
    let (office, _, _, served) = furnished().await;
    let before = memory(&office);
    let get = |target: &str, headers: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
    };
    let many: String = (0..5_000).map(|at| format!("X-{at}: y\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "z".repeat(1 << 20));
    let agent = format!("User-Agent: {}\r\n", "snom".repeat(10_000));
    let credentials = format!("Authorization: Digest {}\r\n", "a=b,".repeat(10_000));
    for _ in 0..10 {
        for (bytes, expected) in [
            (get(&served, &many), &[431, 400, 0][..]),
            (get(&served, &long), &[431, 400, 0]),
            (get(&format!("/provision/{}", "a".repeat(1 << 20)), ""), &[414, 431, 400, 0]),
            (get(&format!("/provision/{}", "a".repeat(70_000)), ""), &[414, 431, 400, 404, 0]),
            (get(&format!("/provision/{SNOM}.htm"), &agent), &[401, 200]),
            (get(&format!("/provision/{SNOM}.htm"), &credentials), &[401]),
            (get(&served, "X\0: y\r\n"), &[400]),
            (get(&served, ": y\r\n"), &[400]),
            (get(&served, "X: \u{1}\r\n"), &[400]),
        ] {
            let status = first_status(&office, bytes.as_bytes()).await;
            assert!(expected.contains(&status), "{status}: {}", &bytes[..bytes.len().min(200)]);
        }
    }
    assert_served(&office, &served).await;
    let grown = memory(&office).saturating_sub(before);
    assert!(grown < GROWTH, "{grown} kB");
}

#[tokio::test]
async fn old_http_pipelining_and_what_is_no_http_are_dealt_with() {
    let (office, snom, _, served) = furnished().await;
    // HTTP/1.0 without Host, as old phones ask.
    let old = send(&office, HERE, format!("GET {served} HTTP/1.0\r\n\r\n").as_bytes()).await;
    let old = Reply::all(&old, false);
    assert_eq!((old[0].status, old[0].header("transfer-encoding")), (200, None));
    let refused =
        send(&office, HERE, format!("GET /provision/{STRANGER}.htm HTTP/1.0\r\n\r\n").as_bytes())
            .await;
    assert_eq!(Reply::all(&refused, false)[0].status, 401);
    // Answers come in the order of the questions.
    let targets = [
        served.clone(),
        format!("{snom}nothing"),
        format!("/provision/{STRANGER}.htm"),
        served.clone(),
    ];
    let last = targets.len() - 1;
    let pipelined: String = targets
        .iter()
        .enumerate()
        .map(|(at, target)| {
            let close = if at == last { "Connection: close\r\n" } else { "" };
            format!("GET {target} HTTP/1.1\r\nHost: x\r\n{close}\r\n")
        })
        .collect();
    let replies = Reply::all(&send(&office, HERE, pipelined.as_bytes()).await, false);
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 404, 401, 200]);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ] {
        let status = first_status(&office, bytes).await;
        assert!([400, 404, 505, 0].contains(&status), "{bytes:?}: {status}");
    }
    assert_served(&office, &served).await;
}

/// A thousand pipelined requests whose answers nobody reads, from many connections.
#[tokio::test]
async fn who_asks_and_does_not_read_fills_no_memory() {
    let (office, _, _, served) = furnished().await;
    let before = memory(&office);
    let asked = format!("GET {served} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(1_000);
    let mut greedy = Vec::new();
    for _ in 0..40 {
        let mut stream = connect(&office, HERE).await;
        let _ = timeout(Duration::from_millis(100), stream.write_all(asked.as_bytes())).await;
        greedy.push(stream);
    }
    assert_served(&office, &served).await;
    let grown = memory(&office).saturating_sub(before);
    assert!(grown < GROWTH, "{grown} kB");
}

/// Slowest of all: heads and bodies of a byte a second, and connections that say nothing. Each ends at its
/// deadline (10 s for a head, 60 s for a body), others are served meanwhile, and memory stays.
#[tokio::test]
async fn whoever_is_slow_is_ended_at_the_deadline_and_holds_up_nobody() {
    let (office, _, polycom, served) = furnished().await;
    let before = memory(&office);
    let begin = Instant::now();
    let drip = async |head: String| {
        let mut stream = connect(&office, "127.0.2.1").await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let mut piece = [0; 512];
        loop {
            tokio::select! {
                read = stream.read(&mut piece) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(read) => answer.extend(&piece[..read]),
                },
                () = sleep(Duration::from_secs(1)) => if stream.write_all(b"a").await.is_err() { break },
            }
        }
        (
            begin.elapsed().as_secs(),
            String::from_utf8_lossy(&answer).get(9..12).unwrap_or("").to_owned(),
        )
    };
    let silent = async {
        let mut streams = Vec::new();
        for _ in 0..200 {
            streams.push(connect(&office, "127.0.3.1").await);
        }
        for mut stream in streams {
            let _ = stream.read(&mut [0; 16]).await;
        }
        begin.elapsed().as_secs()
    };
    let body = format!(
        "PUT {polycom}{POLYCOM}-app.log HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    );
    let chunks = format!(
        "PUT {polycom}{POLYCOM}-calls.xml HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"
    );
    let head = format!("GET {served} HTTP/1.1\r\nX: ");
    let meanwhile = async {
        for _ in 0..20 {
            assert_served(&office, &served).await;
            sleep(Duration::from_millis(500)).await;
        }
    };
    let all = async { tokio::join!(drip(body), drip(chunks), drip(head), silent, meanwhile) };
    let (body, chunks, head, silent, ()) = timeout(Duration::from_secs(90), all).await.unwrap();
    assert!((9..=20).contains(&head.0), "{head:?}");
    assert!((9..=20).contains(&silent), "{silent}");
    for (seconds, status) in [body, chunks] {
        assert!((20..=75).contains(&seconds), "{seconds}");
        assert_eq!(status, "408");
    }
    let grown = memory(&office).saturating_sub(before);
    assert!(grown < GROWTH, "{grown} kB");
}
