//! SIP PnP: the phone asks for its server, in the form in which its vendor's phones were seen to.
//!
//! Read and written here by hand, and tolerantly, as phones do it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::settings::{DeviceSettings, Vendor};

/// How long a phone waits for a URL, and how often it asks meanwhile (AudioCodes: for 5 seconds).
const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(1);

impl DeviceSettings {
    /// Asks at this address (the group's, or a server's) and keeps the URL that it is sent; `None` where
    /// nobody answers, or the vendor's phones do not ask.
    ///
    /// # Errors
    /// The network does not take what it sends.
    pub async fn ask_by_pnp(&mut self, server: SocketAddr) -> io::Result<Option<String>> {
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
            SocketAddr::V6(_) => ([0u16; 8], 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        // Which of its addresses the server sees.
        let route = UdpSocket::bind(any).await?;
        route.connect(server).await?;
        let here = SocketAddr::new(route.local_addr()?.ip(), socket.local_addr()?.port());
        let Some(question) = self.pnp_question(here) else { return Ok(None) };
        let until = Instant::now() + PATIENCE;
        let mut bytes = [0; 8_192];
        while Instant::now() < until {
            socket.send_to(question.as_bytes(), server).await?;
            let again = (Instant::now() + AGAIN).min(until);
            while let Ok(read) = timeout_at(again, socket.recv_from(&mut bytes)).await {
                let (length, from) = read?;
                let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
                let Some((head, url)) = text.split_once("\r\n\r\n") else { continue };
                if !head.starts_with("NOTIFY ") || !url.starts_with("http") {
                    continue;
                }
                socket.send_to(taken(head).as_bytes(), from).await?;
                self.pnp = Some(url.to_owned());
                tokio::spawn(take_again(socket));
                return Ok(self.pnp.clone());
            }
        }
        Ok(None)
    }

    /// The SUBSCRIBE; Polycom's and Cisco's phones send none.
    fn pnp_question(&self, here: SocketAddr) -> Option<String> {
        let Self { vendor, model, mac, firmware, .. } = self;
        let upper = mac.to_string().to_uppercase();
        let (user, name, agent) = match vendor {
            // Via without a branch, and a domain of its own.
            Vendor::Snom => (
                format!("MAC%3a{upper}@intern.example.net"),
                "snom",
                format!("snom{model}/{firmware}"),
            ),
            Vendor::Yealink => {
                (format!("MAC{mac}@224.0.1.75"), "yealink", format!("Yealink {model} {firmware}"))
            }
            Vendor::Grandstream => (
                format!("MAC%3A{upper}@224.0.1.75"),
                "Grandstream",
                format!("Grandstream {model} {firmware}"),
            ),
            Vendor::Fanvil => (format!("MAC={mac}@224.0.1.75"), "Fanvil", String::new()),
            Vendor::Gigaset => (format!("MAC%3A{upper}@local"), "Gigaset", String::new()),
            Vendor::Polycom | Vendor::Cisco => return None,
        };
        let id: u64 = rand::random();
        let branch = match vendor {
            Vendor::Snom => ";rport".to_owned(),
            _ => format!(";branch=z9hG4bK{id}"),
        };
        let agent = if agent.is_empty() { agent } else { format!("User-Agent: {agent}\r\n") };
        Some(format!(
            "SUBSCRIBE sip:{user} SIP/2.0\r\nVia: SIP/2.0/UDP {here}{branch}\r\n\
             From: <sip:{user}>;tag={id}\r\nTo: <sip:{user}>\r\nCall-ID: {id}@{mac}\r\nCSeq: 1 SUBSCRIBE\r\n\
             Event:ua-profile;profile-type=\"device\";vendor=\"{name}\";model=\"{model}\";version=\"{firmware}\"\r\n\
             {agent}Expires: 0\r\nAccept: application/url\r\nContact: <sip:{mac}@{here}>\r\nContent-Length: 0\r\n\r\n"
        ))
    }
}

/// Answers a NOTIFY that comes again, because ours was lost.
async fn take_again(socket: UdpSocket) {
    let until = Instant::now() + PATIENCE;
    let mut bytes = [0; 8_192];
    while let Ok(Ok((length, from))) = timeout_at(until, socket.recv_from(&mut bytes)).await {
        let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
        if text.starts_with("NOTIFY ") {
            let _ = socket.send_to(taken(&text).as_bytes(), from).await;
        }
    }
}

/// The 200 to a NOTIFY.
fn taken(notify: &str) -> String {
    let copied = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
    let lines = notify
        .split("\r\n\r\n")
        .take(1)
        .flat_map(|head| head.split("\r\n"))
        .filter(|line| copied.iter().any(|name| line.starts_with(name)));
    let lines: String = lines.map(|line| format!("{line}\r\n")).collect();
    format!("SIP/2.0 200 OK\r\n{lines}Content-Length: 0\r\n\r\n")
}
