//! Databases of customers: real servers, each in a folder and at a port of its own, started for one test and
//! stopped with it.

mod firebird;
mod mariadb;
mod postgres;
mod sqlite;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use firebird::Firebird;
pub use mariadb::MariaDb;
pub use postgres::Postgres;
pub use sqlite::SqliteFile;

/// The user of each database, and the password, which must be seen nowhere.
pub const USER: &str = "crm";
pub const PASSWORD: &str = "crm-password-8301";
/// How long a server may take to start or to stop.
const SOON: Duration = Duration::from_secs(60);

/// A server that can be stopped and started again.
pub trait DatabaseServer {
    /// Where it is.
    fn url(&self) -> String;
    /// Runs statements as whoever may do all.
    fn run(&self, sql: &str);
    /// Ends it at once, as a crash would.
    fn stop(&mut self);
    fn start(&mut self);
    /// A query that never returns.
    fn endless(&self) -> &'static str;
    /// How many of those run at the server.
    fn endless_running(&self) -> usize;
    /// What makes a function that adds a customer, and a query that calls it; none where there is no such thing.
    fn writing(&self) -> Option<(&'static str, &'static str)>;
    /// A query with columns of types that are none of text, for `:number`; the team is `42`, the priority 7.
    fn odd_types(&self) -> &'static str;
}

/// A program as the user that the server's package made for it, where we are root.
fn as_user(user: &str, program: &str) -> Command {
    let root = is_root();
    let mut command = if root {
        let mut command = Command::new("setpriv");
        let (uid, gid) = (format!("--reuid={user}"), format!("--regid={user}"));
        command.args([&uid, &gid, "--clear-groups", "--", program]);
        command
    } else {
        Command::new(program)
    };
    command.stdin(Stdio::null()).current_dir("/");
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Gives a folder to the server's user.
fn give(folder: &Path, user: &str) {
    if is_root() {
        let folder = folder.to_str().unwrap();
        done(Command::new("chown").args(["-R", user, folder]), "");
    }
}

/// Writes a server's certificate and key, which only its user may read; their paths.
fn write_certificate(folder: &Path, certificate: &str, key: &str, user: &str) -> [String; 2] {
    use std::os::unix::fs::PermissionsExt as _;
    [("server.crt", certificate), ("server.key", key)].map(|(name, text)| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        give(&path, user);
        path.display().to_string()
    })
}

/// Runs a command to its end, with this on its standard input.
fn done(command: &mut Command, input: &str) -> String {
    use std::io::Write as _;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    told.into_owned()
}

/// A server's process.
struct Server(Option<Child>);

impl Server {
    /// Starts it, its words to `log`, and waits until it listens.
    fn start(mut command: Command, address: SocketAddr, log: &Path) -> Self {
        let file = std::fs::File::create(log).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let until = Instant::now() + SOON;
        while std::net::TcpStream::connect(address).is_err() {
            let ended = child.try_wait().unwrap();
            let told = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < until, "{command:?}: {}", told());
            std::thread::sleep(Duration::from_millis(20));
        }
        Self(Some(child))
    }

    /// Sends a signal and waits for the end.
    fn end(&mut self, signal: &str) {
        let Some(mut child) = self.0.take() else { return };
        let pid = child.id().to_string();
        let _ = Command::new("kill").args(["-s", signal, &pid]).status();
        let until = Instant::now() + SOON;
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > until {
                let _ = child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
