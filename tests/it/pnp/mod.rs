//! SIP PnP: phones ask, as the facts say that they do, and the daemon answers.

mod flood;
mod multicast;
mod thousand;
mod unicast;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::json;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::support::{Office, Plan, free_address, until};

/// A phone: the name of its SUBSCRIBE, its MAC address, the vendor that the inventory has (none: by its MAC
/// address), and the path of the URL that it is sent.
const PHONES: [(&str, &str, Option<&str>, &str); 9] = [
    ("snom370", "000413aabb01", None, SNOM),
    ("snom-oem", "000413aabb02", None, SNOM),
    ("snomD120", "000413aabb03", None, SNOM),
    ("snomM700", "000413aabb04", None, SNOM),
    ("yealinkW52P", "00156500aa01", None, "/provision/"),
    ("yealinkT53W", "805ec0aa0001", None, "/provision/"),
    ("grandstream", "c074ad112233", None, "/provision"),
    ("planet", "00304fa99948", Some("fanvil"), "/provision/$mac.cfg"),
    ("gigaset-maxwell", "7c2f8030d21e", None, "/provision/%MACD.xml"),
];
const SNOM: &str = "/provision/index.php?mac={mac}&manuf=snom";

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pnp");
    std::fs::read_to_string(folder.join(format!("{name}.sip"))).unwrap()
}

/// An office where phones ask us alone, on loopback, with [`PHONES`] in its inventory.
async fn office(more: &str) -> (Office, SocketAddr) {
    let address = free_address();
    let tables =
        format!("[pnp]\nenabled = true\nmulticast = false\nlisten = \"{address}\"\n{more}");
    let office = Office::with(Plan { tables, ..Plan::default() }).await;
    furnish(&office).await;
    (office, address)
}

async fn furnish(office: &Office) {
    for (_, mac, vendor, _) in PHONES {
        office.put(&format!("phones/{mac}"), json!({ "vendor": vendor })).await;
    }
}

/// A SIPp scenario: the SUBSCRIBE as it stands, 200, NOTIFY, 200.
fn scenario(subscribe: &str) -> String {
    let subscribe = subscribe.replace("\r\n", "\n");
    format!(
        "<?xml version=\"1.0\"?>\n<scenario name=\"phone\">\n\
         <send><![CDATA[\n{subscribe}]]></send>\n\
         <recv response=\"200\"></recv>\n\
         <recv request=\"NOTIFY\"></recv>\n\
         <send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n\n]]></send>\n\
         <pause milliseconds=\"50\"/>\n</scenario>\n"
    )
}

/// Plays a phone with SIPp, from this address; what passed on the wire.
fn sipp(mut command: Command, server: &str, from: &str, subscribe: &str, folder: &Path) -> String {
    let (file, log) = (folder.join("phone.xml"), folder.join("messages.log"));
    std::fs::write(&file, scenario(subscribe)).unwrap();
    let _ = std::fs::remove_file(&log);
    let call_id = subscribe.lines().find_map(|line| line.strip_prefix("Call-ID: ")).unwrap();
    command.arg(server).arg("-sf").arg(&file).args(["-i", from, "-cid_str", call_id.trim()]);
    command.args(["-m", "1", "-timeout", "10s", "-timeout_error", "-nostdin", "-trace_msg"]);
    command.arg("-message_file").arg(&log).env("TERM", "dumb").stdin(Stdio::null());
    let output: Output = command.output().expect("sipp is in Debian's package sip-tester");
    let passed = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(
        output.status.success(),
        "{}\n{}\n{passed}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    passed
}

/// What `phones why` tells of a phone.
fn why(office: &Office, mac: &str) -> String {
    String::from_utf8(office.run(&["phones", "why", mac]).stdout).unwrap()
}

/// A phone that is a socket.
struct Phone {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Phone {
    async fn at(server: SocketAddr) -> Self {
        Self { socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(), server }
    }

    async fn say(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.server).await.unwrap();
    }

    /// What it hears next; `None` where it hears nothing for so long.
    async fn hear(&self, patience: Duration) -> Option<String> {
        let mut bytes = [0; 8_192];
        let (length, from) =
            timeout(patience, self.socket.recv_from(&mut bytes)).await.ok()?.unwrap();
        assert_eq!(from, self.server);
        Some(String::from_utf8(bytes[..length].to_vec()).unwrap())
    }

    /// Asks, and hears 200 and NOTIFY.
    async fn ask(&self, text: &str, patience: Duration) -> Option<(String, String)> {
        self.say(text).await;
        let ok = self.hear(patience).await?;
        assert!(ok.starts_with("SIP/2.0 200 OK\r\n"), "{ok}");
        let notify = self.hear(patience).await?;
        assert!(notify.starts_with("NOTIFY sip:"), "{notify}");
        Some((ok, notify))
    }

    /// Says 200 to a NOTIFY.
    async fn take(&self, notify: &str) {
        let copied = ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "];
        let lines = notify.lines().filter(|line| copied.iter().any(|name| line.starts_with(name)));
        let lines = lines.map(|line| format!("{line}\r\n")).collect::<String>();
        self.say(&format!("SIP/2.0 200 OK\r\n{lines}Content-Length: 0\r\n\r\n")).await;
    }
}
