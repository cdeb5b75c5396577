//! The phones' listener, and clients that know nothing of it and want everything: curl, openssl, and bytes
//! by hand.

mod certificates;
mod conditions;
mod credentials;
mod enrolment;
mod floods;
mod paths;
mod refusals;
mod secrets;
mod uploads;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Office, PHONES, Plan, USERS, until};

/// The office's phones.
const SNOM: &str = PHONES[0].0;
const OTHER: &str = PHONES[1].0;
const POLYCOM: &str = PHONES[2].0;
/// A Snom that is nobody's.
const STRANGER: &str = "000413ffff01";
/// Where requests come from, if nothing else is said.
const HERE: &str = "127.0.0.1";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    /// The answers that stand in these bytes one after another. `heads`: they were asked for with HEAD.
    fn all(mut bytes: &[u8], heads: bool) -> Vec<Self> {
        let mut replies = Vec::new();
        while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
            let status = head[9..12].parse().unwrap();
            bytes = &bytes[end + 4..];
            let mut reply = Self { status, head, body: Vec::new() };
            let length = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
            if !heads {
                assert!(bytes.len() >= length, "cut off: {reply:?}");
                reply.body = bytes[..length].to_vec();
                bytes = &bytes[length..];
            }
            replies.push(reply);
        }
        assert!(bytes.is_empty(), "behind the last answer: {}", String::from_utf8_lossy(bytes));
        replies
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The whole answer without what changes with time.
    fn masked(&self) -> String {
        let nonce = regex::Regex::new("nonce=\"[0-9a-f]+\"").unwrap();
        let date = regex::Regex::new("(?m)^date: .*\r$").unwrap();
        let head = nonce.replace_all(&self.head, "nonce=…").into_owned();
        format!("{}\n{}", date.replace_all(&head, "date: …"), self.text())
    }
}

fn address(office: &Office) -> SocketAddr {
    office.config.phones.0.as_ref().unwrap().address
}

/// A connection to the listener.
async fn connect(office: &Office, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(address(office)).await.unwrap()
}

/// Sends these bytes and reads until the other end closes.
async fn send(office: &Office, from: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(office, from).await;
    let mut answer = Vec::new();
    let conversation = async {
        // Whoever is refused early may find the connection closed while sending.
        let _ = stream.write_all(bytes).await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(PATIENCE, conversation).await.unwrap();
    answer
}

/// One request with these further header lines (each with its end).
async fn ask_from(
    office: &Office,
    from: &str,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Reply {
    let length = match (method, body.len()) {
        ("GET" | "HEAD" | "DELETE" | "OPTIONS" | "TRACE", 0) => String::new(),
        (_, length) => format!("Content-Length: {length}\r\n"),
    };
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: prov.test\r\n{headers}{length}Connection: close\r\n\r\n"
    );
    let bytes = send(office, from, &[head.as_bytes(), body].concat()).await;
    let mut replies = Reply::all(&bytes, method == "HEAD");
    assert_eq!(replies.len(), 1, "{method} {target}: {}", String::from_utf8_lossy(&bytes));
    replies.remove(0)
}

async fn ask(office: &Office, method: &str, target: &str) -> Reply {
    ask_from(office, HERE, method, target, "", b"").await
}

async fn get(office: &Office, target: &str) -> Reply {
    ask(office, "GET", target).await
}

async fn put(office: &Office, target: &str, body: &[u8]) -> Reply {
    ask_from(office, HERE, "PUT", target, "", body).await
}

/// The path of a phone's own URL, with `/` at its end.
async fn keyed(office: &Office, mac: &str) -> String {
    let url = office.post(&format!("phones/{mac}/enrolment"), json!({ "show-url": true })).await;
    let url = url["url"].as_str().unwrap().to_owned();
    let base = format!("http://{}", address(office));
    url.strip_prefix(&base).unwrap().to_owned()
}

async fn window(office: &Office, mac: &str, minutes: u32) {
    office.post(&format!("phones/{mac}/enrolment"), json!({ "window": minutes })).await;
}

async fn rotate(office: &Office, mac: &str) {
    office.post(&format!("phones/{mac}/enrolment"), json!({ "rotate": true })).await;
}

/// The HTTP password of a Snom, as its settings say it.
async fn http_password(office: &Office, mac: &str) -> String {
    let file = office.get(&format!("phones/{mac}/file?secrets=true")).await;
    between(file["text"].as_str().unwrap(), "<http_client_pass perm=\"R\">", "<").to_owned()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let at = text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len();
    text[at..].split(after).next().unwrap()
}

async fn log_in(office: &Office, user: &str, mac: &str) {
    office.post("sessions", json!({ "phone": mac, "user": user })).await;
}

async fn log_out(office: &Office, mac: &str) {
    office.delete(&format!("sessions/{mac}")).await;
}

/// `phones why --json`, once it has so many requests.
async fn why(office: &Office, mac: &str, requests: usize) -> Value {
    let path = format!("phones/{mac}/why");
    let count = async || office.get(&path).await["requests"].as_array().unwrap().len();
    until("the requests are written down", async || count().await >= requests).await;
    office.get(&path).await
}

/// What the phone was told last, as a sentence of `phones why`.
async fn told(office: &Office, mac: &str, requests: usize) -> String {
    why(office, mac, requests).await;
    let ran = office.run(&["phones", "why", mac]);
    assert!(ran.status.success(), "{ran:?}");
    let printed = String::from_utf8(ran.stdout).unwrap();
    printed.lines().last().unwrap().to_owned()
}

/// curl with these arguments, the last one a path; all answers that it got.
fn curl(office: &Office, arguments: &[&str]) -> Vec<Reply> {
    let base = format!("http://{}", address(office));
    curl_at(&base, arguments)
}

fn curl_at(base: &str, arguments: &[&str]) -> Vec<Reply> {
    let (path, arguments) = arguments.split_last().unwrap();
    let mut command = Command::new("curl");
    command.args(["-q", "-sS", "-i", "--http1.1", "--path-as-is", "--max-time", "20"]);
    command.args(["--noproxy", "*"]).args(arguments).arg(format!("{base}{path}"));
    let ran = command.stdin(Stdio::null()).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    Reply::all(&ran.stdout, arguments.contains(&"-I"))
}

/// Kilobytes of memory that the daemon holds.
fn memory(office: &Office) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", office.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The phone has its file, and is known to be that phone: that it was seen closes its window.
async fn enrolled(office: &Office, own: &str, mac: &str) {
    assert_eq!(get(office, own).await.status, 200);
    let proven = async || office.get(&format!("phones/{mac}/why")).await;
    until("it is enrolled", async || proven().await["enrolment"]["by"].is_string()).await;
    // The same thing is written down for each request until it is known.
    why(office, mac, 1).await;
}

/// The daemon answers another phone, at once.
async fn assert_served(office: &Office, own: &str) {
    let reply = tokio::time::timeout(Duration::from_secs(5), get(office, own)).await.unwrap();
    assert_eq!(reply.status, 200, "another phone");
}

/// Files that stand where nobody may come, and the folder of firmware beside them.
struct Planted {
    folder: tempfile::TempDir,
}

/// What stands in the planted files.
const PLANTED: &str = "planted-and-never-to-be-seen";

impl Planted {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let firmware = folder.path().join("firmware");
        std::fs::create_dir_all(firmware.join("below")).unwrap();
        let plain = "snomD785-10.1.175.16-SIP-r.bin";
        std::fs::write(firmware.join(plain), b"0123456789abcdefghij".repeat(10)).unwrap();
        for name in ["snomD785-9.9.9.9-SIP-r.bin", "secret.cfg", "passwd"] {
            std::fs::write(folder.path().join(name), PLANTED).unwrap();
        }
        std::fs::write(firmware.join("below/sip.ld"), PLANTED).unwrap();
        std::os::unix::fs::symlink(folder.path().join("passwd"), firmware.join("linked.ld"))
            .unwrap();
        Self { folder }
    }

    fn firmware(&self) -> PathBuf {
        self.folder.path().join("firmware")
    }

    /// A plan whose phones have that firmware, with more of `[provisioning]` behind it.
    fn plan(&self, more: &str) -> Plan {
        let provisioning = format!("firmware = \"{}\"\n{more}", self.firmware().display());
        Plan { provisioning, ..Plan::default() }
    }

    /// Where the firmware is, behind `/provision/`.
    const FILE: &'static str = "snomD785-10.1.175.16-SIP-r.bin";
}

/// A plan with so many refusals a minute.
fn patient() -> Plan {
    let provisioning = "[provisioning.enrolment]\nrefusals_per_minute = 100000\n".to_owned();
    Plan { provisioning, ..Plan::default() }
}
