//! PostgreSQL of Debian's package, which refuses to run as root.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use super::{DatabaseServer, PASSWORD, Server, USER, as_user, done, give, write_certificate};
use crate::support::free_address;

pub struct Postgres {
    folder: tempfile::TempDir,
    address: SocketAddr,
    server: Server,
    /// Further arguments of the server.
    arguments: Vec<String>,
}

/// Where Debian keeps its programs.
fn program(name: &str) -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("Debian's package postgresql");
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.unwrap().path().join("bin").join(name)).collect();
    found.sort();
    found.pop().unwrap().display().to_string()
}

impl Postgres {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        give(folder.path(), "postgres");
        let (data, password) = (folder.path().join("data"), folder.path().join("password"));
        let mut initdb = as_user("postgres", &program("initdb"));
        initdb.arg("-D").arg(&data).arg("--pwfile").arg(&password);
        initdb.args(["-U", USER, "-A", "scram-sha-256", "--no-sync", "-E", "UTF8", "--no-locale"]);
        done(&mut initdb, "");
        let mut own =
            Self { folder, address: free_address(), server: Server(None), arguments: Vec::new() };
        DatabaseServer::start(&mut own);
        own
    }

    /// From now on it speaks TLS with this certificate and key (PEM).
    pub fn encrypt(&mut self, certificate: &str, key: &str) {
        let files = write_certificate(self.folder.path(), certificate, key, "postgres");
        let [certificate, key] = files;
        self.arguments = [
            "ssl=on".to_owned(),
            format!("ssl_cert_file={certificate}"),
            format!("ssl_key_file={key}"),
        ]
        .into_iter()
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect();
        self.stop();
        DatabaseServer::start(self);
    }

    /// How many connections hotdeskd has there.
    pub fn connections(&self) -> usize {
        let told =
            self.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hotdeskd';");
        told.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
    }

    fn psql(&self, sql: &str) -> String {
        let mut psql = Command::new("psql");
        psql.env("PGPASSWORD", PASSWORD).args(["-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]);
        psql.args(["-p", &self.address.port().to_string(), "-U", USER, "-d", "postgres"]);
        done(&mut psql, sql)
    }
}

impl DatabaseServer for Postgres {
    fn url(&self) -> String {
        format!("postgres://{USER}@{}/postgres", self.address)
    }

    fn run(&self, sql: &str) {
        self.psql(sql);
    }

    fn endless_running(&self) -> usize {
        let told = self.psql(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%sleep(36%' AND pid <> pg_backend_pid();",
        );
        told.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
    }

    fn stop(&mut self) {
        self.server.end("QUIT");
    }

    fn start(&mut self) {
        let mut postgres = as_user("postgres", &program("postgres"));
        postgres.arg("-D").arg(self.folder.path().join("data"));
        let port = self.address.port().to_string();
        postgres.args(["-p", &port, "-h", "127.0.0.1", "-k", "", "-c", "fsync=off"]);
        postgres.args(&self.arguments);
        self.server = Server::start(postgres, self.address, &self.folder.path().join("log"));
        // It listens before it has recovered.
        let mut ready = Command::new(program("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &port]);
        while !ready.status().unwrap().success() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn endless(&self) -> &'static str {
        "SELECT pg_sleep(3600)::text WHERE :number <> ''"
    }

    fn writing(&self) -> Option<(&'static str, &'static str)> {
        Some((
            "CREATE FUNCTION adds(n text) RETURNS text LANGUAGE sql VOLATILE AS $$ INSERT INTO customers VALUES (n, 'sales', 'x', 1) RETURNING phone $$;",
            "SELECT adds(:number)",
        ))
    }

    fn odd_types(&self) -> &'static str {
        "SELECT 42::numeric(10,0) AS team, '\\x4dfc6c6c6572'::bytea AS name, 7::numeric(10,2) AS priority WHERE :number <> 'x'"
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.server.end("QUIT");
    }
}
