//! MariaDB of Debian's package.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{DatabaseServer, PASSWORD, Server, USER, as_user, done, give, write_certificate};
use crate::support::free_address;

/// The kernel has few slots for asynchronous IO, and each server would take hundreds.
const NO_AIO: &str = "--innodb-use-native-aio=0";

pub struct MariaDb {
    folder: tempfile::TempDir,
    address: SocketAddr,
    server: Server,
    /// Further arguments of the server.
    arguments: Vec<String>,
}

impl MariaDb {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        give(folder.path(), "mysql");
        install(&folder.path().join("data"));
        let mut own =
            Self { folder, address: free_address(), server: Server(None), arguments: Vec::new() };
        DatabaseServer::start(&mut own);
        own.run(&format!(
            "CREATE DATABASE IF NOT EXISTS crm CHARACTER SET utf8mb4; \
             CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON crm.* TO {USER}@'%';"
        ));
        own
    }

    /// From now on it speaks TLS with this certificate and key (PEM).
    pub fn encrypt(&mut self, certificate: &str, key: &str) {
        let files = write_certificate(self.folder.path(), certificate, key, "mysql");
        let [certificate, key] = files;
        self.arguments = vec![format!("--ssl-cert={certificate}"), format!("--ssl-key={key}")];
        self.stop();
        DatabaseServer::start(self);
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn client(&self, sql: &str) -> String {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "-u", "root", "--default-character-set=utf8mb4"]);
        client.arg("--socket").arg(self.socket());
        done(&mut client, &format!("CREATE DATABASE IF NOT EXISTS crm; USE crm; {sql}"))
    }
}

impl DatabaseServer for MariaDb {
    fn url(&self) -> String {
        format!("mysql://{USER}@{}/crm", self.address)
    }

    fn run(&self, sql: &str) {
        self.client(sql);
    }

    fn endless_running(&self) -> usize {
        let told = self.client(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(36%' AND id <> CONNECTION_ID();",
        );
        told.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
    }

    fn stop(&mut self) {
        self.server.end("KILL");
    }

    fn start(&mut self) {
        let mut server = as_user("mysql", "mariadbd");
        server.arg("--no-defaults").arg("--datadir").arg(self.folder.path().join("data"));
        server.arg("--socket").arg(self.socket()).args(["--bind-address", "127.0.0.1"]);
        server.args(["--port", &self.address.port().to_string(), "--skip-name-resolve", NO_AIO]);
        server.args(["--innodb-buffer-pool-size=32M"]);
        server.args(&self.arguments);
        self.server = Server::start(server, self.address, &self.folder.path().join("log"));
    }

    fn endless(&self) -> &'static str {
        "SELECT SLEEP(3600) FROM customers WHERE :number <> ''"
    }

    fn writing(&self) -> Option<(&'static str, &'static str)> {
        Some((
            "\nDELIMITER //\nCREATE FUNCTION adds(n TEXT) RETURNS TEXT MODIFIES SQL DATA BEGIN INSERT INTO customers VALUES (n, 'sales', 'x', 1); RETURN n; END//\nDELIMITER ;",
            "SELECT adds(:number) AS team",
        ))
    }

    fn odd_types(&self) -> &'static str {
        "SELECT 42 AS team, CAST(x'4dfc6c6c6572' AS BINARY) AS name, CAST(7 AS DECIMAL(10,2)) AS priority FROM DUAL WHERE :number <> 'x'"
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.server.end("KILL");
    }
}

/// Makes the system tables. On a busy machine that was seen to fail, and what it prints does not say why: so it is tried
/// again in an empty folder, and its log is told.
fn install(data: &Path) {
    for tries in 1..=3 {
        let mut install = as_user("mysql", "mariadb-install-db");
        install.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
        install.args(["--skip-test-db", "--auth-root-authentication-method=normal", NO_AIO]);
        let output = install.stdin(Stdio::null()).output().unwrap();
        if output.status.success() {
            return;
        }
        let log = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path()).ok();
        let is_log =
            |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|e| e == "err");
        let logs = std::fs::read_dir(data).into_iter().flatten().flatten().filter(is_log);
        let logs: Vec<String> = logs.filter_map(log).collect();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &logs.join("\n");
        eprintln!("mariadb-install-db, try {tries}: {told}");
        assert!(tries < 3, "mariadb-install-db failed three times");
        std::fs::remove_dir_all(data).unwrap();
        std::fs::create_dir(data).unwrap();
        give(data, "mysql");
    }
}
