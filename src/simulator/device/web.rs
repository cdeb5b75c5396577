//! A phone as an HTTP server: what somebody at a browser sees of it.
//!
//! Only a Snom's pages are known (`/settings.xml`, `/log.htm`); another vendor's phone has a server with nothing on it.

use std::time::Duration;

use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Device;
use super::digest::parameters_of;

/// The longest head of a request.
const HEAD: usize = 16 * 1024;
/// How long a browser may take for it, and for the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the phone calls itself when it asks for the password.
const REALM: &str = "snom";

/// How a phone protects its pages.
#[derive(Clone, Debug)]
pub(super) struct WebLogin {
    pub(super) user: String,
    pub(super) password: SecretString,
    /// Else the password comes as it is.
    pub(super) digest: bool,
}

/// The line and the one header of a request that matter.
struct Asked {
    method: String,
    path: String,
    authorization: Option<String>,
}

impl Device {
    /// Serves the phone's web pages at `listener` until `stop`.
    pub async fn serve_web(&self, listener: TcpListener, stop: CancellationToken) {
        let accepting = async {
            while let Ok((stream, _)) = listener.accept().await {
                // One after the other, as a small device does it.
                let _ = timeout(PATIENCE, self.serve_one(stream)).await;
            }
        };
        tokio::select! {
            () = accepting => {}
            () = stop.cancelled() => {}
        }
    }

    /// One request, and the end of the connection.
    async fn serve_one(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD {
            let byte = stream.read_u8().await?;
            head.push(byte);
        }
        let answer = match read(&String::from_utf8_lossy(&head)) {
            Some(asked) => self.answer(&asked),
            None => answer(400, "", ""),
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    fn answer(&self, asked: &Asked) -> String {
        let software = self.software();
        if let Some(login) = software.web_login()
            && !login.lets_in(asked)
        {
            let challenge = match login.digest {
                true => format!(
                    "WWW-Authenticate: Digest realm=\"{REALM}\", nonce=\"{}\", qop=\"auth\", algorithm=MD5\r\n",
                    NONCE
                ),
                false => format!("WWW-Authenticate: Basic realm=\"{REALM}\"\r\n"),
            };
            return answer(401, &challenge, "");
        }
        match (asked.method.as_str(), software.page(&asked.path)) {
            ("GET", Some(page)) => answer(200, "", &page),
            _ => answer(404, "", ""),
        }
    }
}

/// A phone that keeps no account of its nonces.
const NONCE: &str = "c3b1d2a4";

impl WebLogin {
    fn lets_in(&self, asked: &Asked) -> bool {
        let Some(authorization) = &asked.authorization else { return false };
        let password = self.password.expose_secret();
        let Some(given) = authorization.strip_prefix("Digest ") else {
            use base64::Engine as _;
            let pair = format!("{}:{password}", self.user);
            let basic = base64::engine::general_purpose::STANDARD.encode(pair);
            return !self.digest && *authorization == format!("Basic {basic}");
        };
        let given = parameters_of(given);
        let get = |name: &str| {
            let found = given.iter().find(|(is, _)| is.eq_ignore_ascii_case(name));
            found.map_or("", |(_, value)| value.as_str())
        };
        let ha1 = md5_hex(&format!("{}:{REALM}:{password}", self.user));
        let ha2 = md5_hex(&format!("{}:{}", asked.method, asked.path));
        let response =
            md5_hex(&format!("{ha1}:{NONCE}:{}:{}:auth:{ha2}", get("nc"), get("cnonce")));
        get("username") == self.user
            && get("nonce") == NONCE
            && get("uri") == asked.path
            && get("response") == response
    }
}

/// The request's line and its credentials.
fn read(head: &str) -> Option<Asked> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let authorization = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("authorization").then(|| value.trim().to_owned())
    });
    Some(Asked { method, path, authorization })
}

fn answer(status: u16, more: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} -\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
