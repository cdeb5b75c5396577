//! The simulated phone that configures itself, against a server whose every byte is written down here.

mod cisco;
mod fanvil;
mod grandstream;
mod line;
mod person;
mod polycom;
mod snom;
mod transport;
mod yealink;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotdeskd::simulator::device::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does about a path.
#[derive(Clone)]
enum Reply {
    /// 200 with `Content-Length`.
    File(String),
    /// Whatever these bytes are.
    Raw(String),
    /// 200, and then bytes without an end.
    Endless(&'static str),
    /// Nothing at all.
    Silence,
    /// The file for who knows the password; the words are the challenges.
    Locked { challenges: Vec<String>, user: &'static str, password: &'static str, file: String },
}

/// A request as it came.
#[derive(Clone, Debug)]
struct Request {
    method: String,
    target: String,
    head: String,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(is, _)| is.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim().to_owned())
    }
}

/// A provisioning server.
#[derive(Clone)]
struct Server {
    url: String,
    replies: Arc<Mutex<HashMap<String, Reply>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, replies: Arc::default(), requests: Arc::default() };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    /// From now on `path` is this file.
    fn file(&self, path: &str, text: impl Into<String>) -> &Self {
        self.reply(path, Reply::File(text.into()))
    }

    fn reply(&self, path: &str, reply: Reply) -> &Self {
        self.replies.lock().unwrap().insert(path.to_owned(), reply);
        self
    }

    fn remove(&self, path: &str) {
        self.replies.lock().unwrap().remove(path);
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The body of the last PUT to a path.
    fn put(&self, path: &str) -> Option<String> {
        let requests = self.requests();
        let mut found = requests.iter().rev().filter(|r| r.method == "PUT" && r.target == path);
        found.next().map(|request| request.body.clone())
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some(request) = read_request(&mut stream).await else {
            return;
        };
        self.requests.lock().unwrap().push(request.clone());
        let reply = self.replies.lock().unwrap().get(&request.target).cloned();
        let answer = match reply {
            _ if request.method == "PUT" => "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n".into(),
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n".into(),
            Some(Reply::File(text)) => ok(&text),
            Some(Reply::Raw(text)) => text,
            Some(Reply::Silence) => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
            Some(Reply::Endless(head)) => {
                let _ = stream.write_all(head.as_bytes()).await;
                while stream.write_all(&[b' '; 65536]).await.is_ok() {}
                return;
            }
            Some(Reply::Locked { challenges, user, password, file }) => {
                match transport::opens(&request, &challenges, user, password) {
                    transport::Opens::Yes => ok(&file),
                    transport::Opens::No(challenges) => {
                        let lines: String = challenges
                            .iter()
                            .map(|challenge| format!("WWW-Authenticate: {challenge}\r\n"))
                            .collect();
                        format!("HTTP/1.1 401 Unauthorized\r\n{lines}Content-Length: 0\r\n")
                    }
                }
            }
        };
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.trim_end(), ""));
        let answer = format!("{head}\r\nConnection: close\r\n\r\n{body}");
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

fn ok(text: &str) -> String {
    // Phones ignore the type.
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-nothing\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut words = head.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut request = Request { method, target, head, body: String::new() };
    let length = request.header("content-length").map_or(0, |text| text.parse::<usize>().unwrap());
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    request.body = String::from_utf8(bytes[head_end + 4..].to_vec()).unwrap();
    Some(request)
}

fn settings(vendor: Vendor, model: &str) -> DeviceSettings {
    let mac = match vendor {
        Vendor::Snom => "000413aabbcc",
        Vendor::Polycom => "0004f2aabbcc",
        Vendor::Yealink => "805ec0aabbcc",
        Vendor::Grandstream => "000b82aabbcc",
        Vendor::Fanvil => "0c383eaabbcc",
        Vendor::Cisco => "8843e1aabbcc",
    };
    let mut settings = DeviceSettings::new(vendor, model, mac.parse().unwrap());
    settings.deadline = Duration::from_secs(5);
    settings
}

/// A D785 whose DHCP says this.
fn snom(dhcp: String) -> Device {
    let mut settings = settings(Vendor::Snom, "D785");
    settings.dhcp = Some(dhcp);
    Device::new(settings).unwrap()
}

/// A VVX 500 whose DHCP says this.
fn vvx(dhcp: String) -> Device {
    let mut settings = settings(Vendor::Polycom, "VVX_500");
    settings.dhcp = Some(dhcp);
    Device::new(settings).unwrap()
}

/// A Snom file with these settings.
fn phone_settings(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<settings><phone-settings e=\"2\">{inner}</phone-settings></settings>"
    )
}

/// Statuses, in order.
fn statuses(boot: &Boot) -> Vec<u16> {
    boot.requests.iter().map(|fetch| fetch.status).collect()
}
