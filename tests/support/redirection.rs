//! A redirection service: Python's xmlrpc.server with TLS, started by each test; and what it was asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The password of the user `office`; `server.py` has it too.
pub const PASSWORD: &str = "redirection-password-5081";

/// The service, ended with the test.
pub struct RedirectionServer {
    folder: tempfile::TempDir,
    process: Child,
    port: u16,
}

/// A CA and a certificate of it, in `folder`, by openssl.
pub(super) fn certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let done = Command::new("openssl").args(arguments).current_dir(folder).output();
        let done = done.expect("openssl; install Debian's package openssl");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let with = |more: &[&'static str]| [&new[..], more].concat();
    for name in ["ca", "other"] {
        let (pem, key) = (format!("{name}.pem"), format!("{name}.key"));
        let more = ["-days", "2", "-subj", "/CN=A CA", "-out", &pem, "-keyout", &key];
        openssl(&[&new[..], &more].concat());
    }
    openssl(&with(&[
        "-days",
        "2",
        "-subj",
        "/CN=redirection",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:false",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-out",
        "server.pem",
        "-keyout",
        "server.key",
    ]));
}

impl RedirectionServer {
    /// A service that has no phones.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let (process, port) = run(folder.path());
        Self { folder, process, port }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/xmlrpc/", self.port)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A table for it, with further lines.
    pub fn table(&self, more: &str) -> String {
        format!(
            "[redirection.snom]\nurl = \"{}\"\nuser = \"office\"\npassword = \"{PASSWORD}\"\nca = \"{}\"\n{more}\n",
            self.url(),
            self.path("ca.pem").display()
        )
    }

    /// How it misbehaves from now on; `{}`: not.
    pub fn control(&self, how: Value) {
        std::fs::write(self.path("control.new"), how.to_string()).unwrap();
        std::fs::rename(self.path("control.new"), self.path("control.json")).unwrap();
    }

    /// The phones that it has from now on, as `(MAC, owner, URL)`.
    pub fn has(&mut self, phones: &[(&str, &str, &str)]) {
        let phones: BTreeMap<_, _> = phones
            .iter()
            .map(|(mac, owner, url)| {
                (*mac, json!({ "owner": owner, "url": url, "type": "snomD785" }))
            })
            .collect();
        self.stop();
        std::fs::write(self.path("phones.json"), json!(phones).to_string()).unwrap();
        // At the same place, or it would be another service.
        (self.process, self.port) = run(self.folder.path());
    }

    /// The phones that it has, each with owner and URL.
    pub fn phones(&self) -> BTreeMap<String, (String, String)> {
        let text = std::fs::read(self.path("phones.json")).unwrap_or_else(|_| b"{}".to_vec());
        let phones: BTreeMap<String, Value> = serde_json::from_slice(&text).unwrap();
        let text = |phone: &Value, key: &str| phone[key].as_str().unwrap().to_owned();
        phones.into_iter().map(|(mac, p)| (mac, (text(&p, "owner"), text(&p, "url")))).collect()
    }

    /// What it was asked, in order: `(method, MAC or other first parameter)`.
    pub fn calls(&self) -> Vec<(String, String)> {
        let all = self.log();
        let text = |call: &Value| call["params"][0].as_str().unwrap_or_default().to_owned();
        all.iter().map(|call| (call["method"].as_str().unwrap().to_owned(), text(call))).collect()
    }

    /// How often each phone was the first parameter of this method.
    pub fn count(&self, method: &str) -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        for (_, mac) in self.calls().into_iter().filter(|(called, _)| called == method) {
            *count.entry(mac).or_default() += 1;
        }
        count
    }

    /// What it was asked, as it wrote it down.
    pub fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("calls")).unwrap_or_default();
        // The last line may be half written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Forgets what it was asked.
    pub fn forget_calls(&self) {
        let _ = std::fs::remove_file(self.path("calls"));
    }

    /// It is gone.
    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(folder: &Path) -> (Child, u16) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/redirection/server.py");
    let port = folder.join("port");
    let before = std::fs::read_to_string(&port).ok();
    let _ = std::fs::remove_file(&port);
    let errors = std::fs::File::options().create(true).append(true).open(folder.join("errors"));
    let mut command = Command::new("python3");
    command.arg(script).arg(folder).stdin(Stdio::null()).stdout(Stdio::null());
    if let Some(before) = before {
        command.arg(before);
    }
    let process = command.stderr(errors.unwrap()).spawn();
    (process.expect("python3; install Debian's package python3"), told_port(folder))
}

/// The port that the service wrote down, once it listens.
fn told_port(folder: &Path) -> u16 {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(port) = std::fs::read_to_string(folder.join("port")) {
            return port.parse().unwrap();
        }
        let errors = std::fs::read_to_string(folder.join("errors")).unwrap_or_default();
        assert!(Instant::now() < until, "the redirection service does not start: {errors}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for RedirectionServer {
    fn drop(&mut self) {
        self.stop();
        let errors = std::fs::read_to_string(self.path("errors")).unwrap_or_default();
        if std::thread::panicking() {
            eprintln!("the redirection service said:\n{errors}");
        } else {
            assert!(!errors.contains("Traceback"), "{errors}");
        }
    }
}
