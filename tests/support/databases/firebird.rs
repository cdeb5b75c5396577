//! Firebird 3 of Debian's package, with a root folder, a security database and a lock folder of its own.

use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::{DatabaseServer, PASSWORD, Server, USER, as_user, done, give};
use crate::support::free_address;

/// Where Debian keeps what all servers share.
const SHARED: &str = "/usr/lib/x86_64-linux-gnu/firebird/3.0";
/// The table with which Firebird knows its users.
const SECURITY: &str = "/usr/share/firebird/3.0/security.sql";

pub struct Firebird {
    folder: tempfile::TempDir,
    address: SocketAddr,
    server: Server,
}

impl Firebird {
    pub fn start() -> Self {
        Self::of("DEFAULT CHARACTER SET UTF8")
    }

    /// A database that does not say what its texts mean.
    pub fn without_character_set() -> Self {
        Self::of("")
    }

    fn of(character_set: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let root = folder.path();
        let own = |name: &str| root.join(name).display().to_string();
        let settings = format!(
            "RemoteBindAddress = 127.0.0.1\nRemoteServicePort = {}\nSecurityDatabase = {}\n\
             DatabaseAccess = Full\nAuthServer = Srp\nUserManager = Srp\nWireCrypt = Enabled\n\
             IpcName = hotdeskd{}\n",
            address.port(),
            own("security3.fdb"),
            address.port()
        );
        std::fs::write(root.join("firebird.conf"), settings).unwrap();
        std::fs::write(root.join("databases.conf"), format!("crm = {}\n", own("crm.fdb"))).unwrap();
        let plugins = std::fs::read("/etc/firebird/3.0/plugins.conf");
        std::fs::write(
            root.join("plugins.conf"),
            plugins.expect("Debian's package firebird3.0-server"),
        )
        .unwrap();
        give(root, "firebird");
        for name in ["intl", "plugins", "UDF", "lib", "firebird.msg"] {
            symlink(Path::new(SHARED).join(name), root.join(name)).unwrap();
        }
        let isql = |arguments: &[&str], input: &str| {
            let mut isql = as_user("firebird", "isql-fb");
            environment(&mut isql, root).args(["-q", "-b", "-user", "SYSDBA"]).args(arguments);
            done(&mut isql, input);
        };
        let security = own("security3.fdb");
        isql(&[], &format!("CREATE DATABASE '{security}' DEFAULT CHARACTER SET UTF8;"));
        isql(&["-i", SECURITY, &security], "");
        isql(
            &[&security],
            &format!(
                "CREATE USER {USER} PASSWORD '{PASSWORD}'; COMMIT; \
                 CREATE DATABASE '{}' USER {USER} {character_set};",
                own("crm.fdb")
            ),
        );
        let mut own = Self { folder, address, server: Server(None) };
        DatabaseServer::start(&mut own);
        own
    }

    fn isql(&self, sql: &str) -> String {
        let mut isql = Command::new("isql-fb");
        environment(&mut isql, self.folder.path());
        isql.args(["-q", "-b", "-ch", "UTF8"])
            .arg(format!("127.0.0.1/{}:crm", self.address.port()));
        isql.env("ISC_USER", USER).env("ISC_PASSWORD", PASSWORD);
        // It works in its own way with transactions: what is made must be committed before it is used.
        done(&mut isql, &format!("SET AUTODDL ON;\n{sql}\nCOMMIT;\n"))
    }
}

/// What makes Firebird's programs use this folder.
fn environment<'a>(command: &'a mut Command, root: &Path) -> &'a mut Command {
    command.env("FIREBIRD", root).env("FIREBIRD_LOCK", root).env("FIREBIRD_TMP", root)
}

impl DatabaseServer for Firebird {
    fn url(&self) -> String {
        format!("firebird://{USER}@{}/crm", self.address)
    }

    fn run(&self, sql: &str) {
        self.isql(sql);
    }

    fn stop(&mut self) {
        self.server.end("KILL");
    }

    fn start(&mut self) {
        let mut server = as_user("firebird", "/usr/sbin/firebird");
        environment(&mut server, self.folder.path());
        self.server = Server::start(server, self.address, &self.folder.path().join("log"));
    }

    fn endless(&self) -> &'static str {
        "SELECT COUNT(*) FROM RDB$FIELDS a, RDB$FIELDS b, RDB$FIELDS c, RDB$FIELDS d, RDB$FIELDS e WHERE :number <> ''"
    }

    fn writing(&self) -> Option<(&'static str, &'static str)> {
        Some((
            "SET TERM ^ ;\nCREATE PROCEDURE ADDS (N VARCHAR(64)) RETURNS (TEAM VARCHAR(64)) AS BEGIN INSERT INTO customers VALUES (:N, 'sales', 'x', 1); TEAM = N; SUSPEND; END^\nSET TERM ; ^",
            "SELECT TEAM FROM ADDS(:number)",
        ))
    }

    fn odd_types(&self) -> &'static str {
        "SELECT CAST(42 AS NUMERIC(10,0)) AS team, CAST('Müller' AS BLOB SUB_TYPE TEXT) AS name, CAST(7 AS DOUBLE PRECISION) AS priority FROM RDB$DATABASE WHERE :number <> 'x'"
    }

    fn endless_running(&self) -> usize {
        let told = self.isql(
            "SELECT COUNT(*) FROM MON$STATEMENTS WHERE MON$STATE = 1 AND MON$ATTACHMENT_ID <> CURRENT_CONNECTION AND MON$SQL_TEXT CONTAINING 'RDB$FIELDS e';",
        );
        told.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
    }
}

impl Drop for Firebird {
    fn drop(&mut self) {
        self.server.end("KILL");
    }
}
