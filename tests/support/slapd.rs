//! A real LDAP server on loopback: OpenLDAP's slapd, with its data in a folder of the test.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Below which everything is.
pub const SUFFIX: &str = "dc=office,dc=test";
/// Who may do everything, and with which password.
pub const ADMIN: &str = "cn=admin,dc=office,dc=test";
pub const ADMIN_PASSWORD: &str = "office-ldap-admin";
/// How long a server may take to come up.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a server differs from the usual one.
#[derive(Default)]
pub struct Directory {
    /// Whether it cannot tell what changes.
    pub no_syncprov: bool,
    /// Further lines of the configuration, before the database.
    pub global: String,
    /// Further lines of the database.
    pub database: String,
    /// Whether it listens with TLS from the beginning.
    pub ldaps: bool,
}

/// The server.
pub struct Slapd {
    folder: tempfile::TempDir,
    process: Option<Child>,
    directory: Directory,
    pub address: SocketAddr,
    pub secure: SocketAddr,
}

impl Slapd {
    /// A server with an empty `ou=people`.
    pub fn start(directory: Directory) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("db")).unwrap();
        let (address, secure) = (super::free_address(), super::free_address());
        let mut slapd = Self { folder, process: None, directory, address, secure };
        slapd.configure();
        slapd.run();
        slapd.add(&format!(
            "dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: office\no: Office\n\n\
             dn: ou=people,{SUFFIX}\nobjectClass: organizationalUnit\nou: people\n"
        ));
        slapd
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self) {
        let folder = self.folder.path().display();
        let syncprov = if self.directory.no_syncprov { "" } else { "overlay syncprov\n" };
        let Directory { global, database, .. } = &self.directory;
        let text = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\n\
             modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload syncprov\n\
             pidfile {folder}/slapd.pid\n{global}\n\
             database mdb\nsuffix \"{SUFFIX}\"\nrootdn \"{ADMIN}\"\nrootpw {ADMIN_PASSWORD}\n\
             directory {folder}/db\nmaxsize 2147483648\ndbnosync\n\
             index objectClass,entryUUID,entryCSN,modifyTimestamp eq\nindex telephoneNumber pres,eq\n\
             {database}\n{syncprov}"
        );
        std::fs::write(self.path("slapd.conf"), text).unwrap();
    }

    /// Starts it, and waits until it answers.
    pub fn run(&mut self) {
        let mut urls = format!("ldap://{}/ {}", self.address, self.socket_url());
        if self.directory.ldaps {
            urls += &format!(" ldaps://{}/", self.secure);
        }
        let log =
            std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let process = Command::new("/usr/sbin/slapd")
            .args(["-d", "none", "-h", &urls, "-f"])
            .arg(self.path("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("slapd; install Debian's package slapd");
        self.process = Some(process);
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert_eq!(ended, None, "slapd ended:\n{}", self.log());
            assert!(Instant::now() < until, "slapd does not come up:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let pid = process.id().to_string();
            let _ = Command::new("kill").args(["-s", "TERM", &pid]).status();
            let until = Instant::now() + PATIENCE;
            while process.try_wait().unwrap().is_none() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Sends it a signal (`STOP`, `CONT`).
    pub fn signal(&self, name: &str) {
        let pid = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    pub fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    pub fn socket_url(&self) -> String {
        let path = self.path("ldapi").display().to_string();
        format!("ldapi://{}", path.replace('/', "%2f"))
    }

    /// Adds entries (LDIF).
    pub fn add(&self, ldif: &str) {
        self.client("ldapadd", &[], ldif);
    }

    /// Changes entries (LDIF with `changetype`).
    pub fn modify(&self, ldif: &str) {
        self.client("ldapmodify", &[], ldif);
    }

    /// Removes an entry.
    pub fn delete(&self, dn: &str) {
        self.client("ldapdelete", &[dn], "");
    }

    fn client(&self, program: &str, arguments: &[&str], input: &str) {
        let done = client(&self.url(), program, arguments, input);
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{program}: {told}\n{input}");
    }

    /// Puts many entries in while it does not run, which is much faster (`slapadd`).
    pub fn load(&self, ldif: &Path) {
        assert!(self.process.is_none(), "it runs");
        let done = Command::new("/usr/sbin/slapadd")
            .args(["-q", "-f"])
            .arg(self.path("slapd.conf"))
            .arg("-l")
            .arg(ldif)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The name of a person's entry.
    pub fn dn(uid: &str) -> String {
        format!("uid={uid},ou=people,{SUFFIX}")
    }

    /// Adds a person with a number, and what else there is to say (LDIF lines).
    pub fn person(&self, uid: &str, name: &str, number: &str, more: &str) {
        self.add(&person(uid, name, number, more));
    }

    /// Replaces the values of one attribute of a person; none takes it away.
    pub fn replace(&self, uid: &str, attribute: &str, values: &[&str]) {
        let lines: String = values.iter().map(|value| format!("{attribute}: {value}\n")).collect();
        let dn = Self::dn(uid);
        self.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{lines}"));
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("slapd said:\n{}", self.log());
        }
    }
}

fn client(url: &str, program: &str, arguments: &[&str], input: &str) -> Output {
    let mut process = Command::new(program)
        .args(["-x", "-H", url, "-D", ADMIN, "-w", ADMIN_PASSWORD])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ldapadd; install Debian's package ldap-utils");
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

/// An `inetOrgPerson` as LDIF.
pub fn person(uid: &str, name: &str, number: &str, more: &str) -> String {
    format!(
        "dn: {}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\nsn: {name}\n\
         telephoneNumber: {number}\n{more}\n",
        Slapd::dn(uid)
    )
}
