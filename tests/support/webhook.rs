//! A target of webhooks: Python's http.server with TLS, started by each test; and what it was told.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The key of the signatures.
pub const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The target, ended with the test.
pub struct WebhookServer {
    folder: tempfile::TempDir,
    process: Option<Child>,
    port: u16,
}

impl WebhookServer {
    /// A target that takes everything.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        super::redirection::certificates(folder.path());
        std::fs::write(folder.path().join("secret"), KEY).unwrap();
        let mut server = Self { folder, process: None, port: 0 };
        server.run();
        server
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}/hooks/desk?of=office", self.port)
    }

    /// A table for it, with further lines.
    pub fn table(&self, events: &str, more: &str) -> String {
        format!(
            "[[webhook]]\nname = \"crm\"\nurl = \"{}\"\nsecret = \"{KEY}\"\nevents = [{events}]\nca = \"{}\"\n{more}\n",
            self.url(),
            self.path("ca.pem").display()
        )
    }

    /// How it misbehaves from now on; `{}`: not.
    pub fn control(&self, how: Value) {
        std::fs::write(self.path("control.new"), how.to_string()).unwrap();
        std::fs::rename(self.path("control.new"), self.path("control.json")).unwrap();
    }

    /// What it was told, as it wrote it down.
    pub fn requests(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("requests")).unwrap_or_default();
        // The last line may be half written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// What it took, as `event user`.
    pub fn taken(&self) -> Vec<String> {
        let taken = self.requests().into_iter().filter(|request| request["status"] == 204);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        taken
            .map(|request| {
                let body = &request["body"];
                format!("{} {}", text(&body["type"]), text(&body["data"]["user"]))
            })
            .collect()
    }

    /// It is gone.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// It comes, at the place where it was before.
    pub fn run(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/webhook/server.py");
        let _ = std::fs::remove_file(self.path("port"));
        let errors = std::fs::File::options().create(true).append(true).open(self.path("errors"));
        let mut command = Command::new("python3");
        command.arg(script).arg(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        if self.port != 0 {
            command.arg(self.port.to_string());
        }
        let process = command.stderr(errors.unwrap()).spawn();
        self.process = Some(process.expect("python3; install Debian's package python3"));
        let until = Instant::now() + Duration::from_secs(20);
        self.port = loop {
            if let Ok(port) = std::fs::read_to_string(self.path("port")) {
                break port.parse().unwrap();
            }
            let errors = std::fs::read_to_string(self.path("errors")).unwrap_or_default();
            assert!(Instant::now() < until, "the target does not start: {errors}");
            std::thread::sleep(Duration::from_millis(10));
        };
    }
}

impl Drop for WebhookServer {
    fn drop(&mut self) {
        self.stop();
        let errors = std::fs::read_to_string(self.path("errors")).unwrap_or_default();
        if std::thread::panicking() {
            eprintln!("the target said:\n{errors}");
        } else {
            assert!(!errors.contains("Traceback"), "{errors}");
        }
    }
}
