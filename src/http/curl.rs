//! The real curl, for tests: what an independent client makes of our answers.

use std::net::SocketAddr;
use std::process::Stdio;

use axum::Router;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::{Incoming, Limits, serve};

/// A listener for the time of a test.
pub(super) struct Served {
    /// Where.
    pub address: SocketAddr,
    shutdown: CancellationToken,
}

impl Served {
    /// A router over TCP on a free port.
    pub async fn plain(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::at(address, listener, router, Limits::default())
    }

    /// A router over any listener.
    pub fn at(
        address: SocketAddr,
        incoming: impl Incoming,
        router: Router,
        limits: Limits,
    ) -> Self {
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(incoming, router, limits, shutdown.clone()));
        Self { address, shutdown }
    }

    /// What curl prints for a path.
    pub async fn curl(&self, arguments: &[&str], path: &str) -> String {
        curl(arguments, &format!("http://{}{path}", self.address)).await.1
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Exit code and output of curl, headers included where `-i` is given; no proxy, no `.curlrc`, 20 s.
pub(super) async fn curl(arguments: &[&str], url: &str) -> (i32, String) {
    let output = Command::new("curl")
        .args(["-q", "--silent", "--noproxy", "*", "--max-time", "20"])
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("curl has to be installed");
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}
