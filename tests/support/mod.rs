//! The office that the tests work in: a folder, a configuration, the real daemon as a child process, a
//! simulated FreeSWITCH with phones as its other end.
//!
//! Each office has its own folder and ports, and ends only the processes that it started.

pub mod browser;
pub mod cut;
mod databases;
mod dialling;
mod disk;
pub mod network;
mod observer;
mod recorder;
pub mod redirection;
pub mod slapd;
mod store;
pub mod webhook;

use std::fs::{File, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hotdeskd::config::Config;
use hotdeskd::desk::Desk;
use hotdeskd::http::access::{PasswordDigest, TokenDigest};
use hotdeskd::provisioning::settings::ProvisioningSettings;
use hotdeskd::provisioning::{Provisioning, Site};
use hotdeskd::simulator::{self, FreeSwitch, Phone, StaticDirectory, XmlCurl};
use hotdeskd::standing::walk;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use databases::{DatabaseServer, Firebird, MariaDb, Postgres, SqliteFile};
pub use dialling::{GOODBYE, LOGGED_IN, LOGGED_OUT, REFUSED, UNAVAILABLE, heard_times, spoken};
pub use disk::{SmallDisk, cannot_run};
pub use observer::{Observer, header};
pub use store::{Kept, kept};

use recorder::Recorder;

/// Phones of every office: MAC address, SIP secret, label.
pub const PHONES: [(&str, &str, &str); 3] = [
    ("0004132a0001", "phone-secret-one", "Desk 1"),
    ("0004132a0002", "phone-secret-two", "Desk 2"),
    ("0004f2aa0003", "phone-secret-three", "Meeting room"),
];
/// Users of every office: extension, name, PIN. The PINs are long, so that no port, time or id holds
/// one by chance.
pub const USERS: [(&str, &str, &str); 3] = [
    ("1001", "Ada Lovelace", "4711902853"),
    ("1002", "Grace Hopper", "8240617395"),
    ("1003", "Alan Turing", "9173048265"),
];
/// The passwords in the configuration.
pub const EVENT_SOCKET_PASSWORD: &str = "office-event-socket";
pub const SWITCH_PASSWORD: &str = "office-xml-curl-password";
/// The password of the operators, who are called as their roles are.
pub const OPERATOR_PASSWORD: &str = "office-operator-password";
/// How long anything may take that happens by itself.
const SOON: Duration = Duration::from_secs(20);

/// How an office differs from the usual one.
#[derive(Default)]
pub struct Plan {
    /// Lines for the table `[pin]`.
    pub pin: &'static str,
    /// Further arguments of `serve`.
    pub arguments: &'static [&'static str],
    /// `RUST_LOG` of the daemon.
    pub rust_log: Option<&'static str>,
    /// Whether FreeSWITCH's questions and the answers are recorded on their way.
    pub recorded: bool,
    /// Where the data folder is, if not in the office's own.
    pub data: Option<PathBuf>,
    /// Further tables of `[provisioning]`; its `url` is set.
    pub provisioning: String,
    /// Whether there is a listener for phones with TLS.
    pub tls: bool,
    /// Further tables of the configuration.
    pub tables: String,
    /// Whether a call that is sent to a queue comes there.
    pub queues: bool,
    /// Whether there is a listener for operators: people `viewer`, `helpdesk`, `admin`, and programs with
    /// [`operator_token`].
    pub operators: bool,
    /// Further lines for the table `[admin]`.
    pub admin: String,
}

pub struct Office {
    folder: tempfile::TempDir,
    plan: Plan,
    pub config: Config,
    daemon: Mutex<Option<Child>>,
    admin: reqwest::Client,
    walk: walk::Walk,
    recorder: Option<Recorder>,
    /// FreeSWITCH.
    pub switch: FreeSwitch,
    /// Where it is as an inbound event socket.
    pub inbound: SocketAddr,
}

impl Office {
    /// An office that is open: the daemon answers, [`PHONES`] and [`USERS`] are known.
    pub async fn open() -> Self {
        Self::with(Plan::default()).await
    }

    pub async fn with(plan: Plan) -> Self {
        let office = Self::closed(plan).await;
        office.start().await;
        office.fill().await;
        office
    }

    /// An office without a daemon and with an empty store.
    pub async fn closed(plan: Plan) -> Self {
        install_tls();
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let inbound = listener.local_addr().unwrap();
        let config = configure(folder.path(), inbound, &plan);
        let admin = reqwest::Client::builder()
            .unix_socket(config.admin_socket())
            .timeout(SOON)
            .build()
            .unwrap();
        let recorder = if plan.recorded {
            Some(Recorder::start(format!("http://{}", config.switch.address)).await)
        } else {
            None
        };
        let asked = recorder.as_ref().map_or(config.switch.address, |recorder| recorder.address);
        let mut settings = switch_settings(&config, asked);
        if plan.queues {
            settings.dialplan = Some(dialling::sent_on(&config));
        }
        let switch = FreeSwitch::start(settings, listener);
        let walk = dialling::dialplan(&config);
        let daemon = Mutex::new(None);
        Self { folder, plan, config, daemon, admin, walk, recorder, switch, inbound }
    }

    /// One of [`PHONES`], from 0.
    pub fn phone(&self, at: usize) -> Phone {
        let (mac, secret, _) = PHONES[at];
        Phone::new(mac, secret.to_owned().into())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of this office.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotdeskd"));
        command.arg("--config").arg(&self.config.file).args(arguments);
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        // Whatever proxy this machine has, nobody there is asked for loopback.
        command.env("NO_PROXY", "localhost,127.0.0.1");
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts the daemon and waits until it answers.
    pub async fn start(&self) {
        self.spawn();
        let until = Instant::now() + SOON;
        while self.admin(Method::GET, "sessions", None).await.is_err() {
            let ended = self.daemon.lock().unwrap().as_mut().unwrap().try_wait().unwrap();
            assert_eq!(ended, None, "the daemon ended:\n{}", self.log());
            assert!(Instant::now() < until, "the daemon does not answer:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Starts the daemon.
    pub fn spawn(&self) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command(&["serve"]);
        command.args(self.plan.arguments).stdout(log.try_clone().unwrap()).stderr(log);
        if let Some(filter) = self.plan.rust_log {
            command.env("RUST_LOG", filter);
        }
        let before = self.daemon.lock().unwrap().replace(command.spawn().unwrap());
        assert!(before.is_none(), "two daemons");
    }

    /// kill -9.
    pub fn kill(&self) {
        if let Some(mut daemon) = self.daemon.lock().unwrap().take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    /// Waits until the daemon has ended by itself.
    pub async fn ended(&self) -> ExitStatus {
        let until = Instant::now() + SOON;
        loop {
            let ended = self.daemon.lock().unwrap().as_mut().unwrap().try_wait().unwrap();
            if let Some(status) = ended {
                self.daemon.lock().unwrap().take();
                return status;
            }
            assert!(Instant::now() < until, "the daemon goes on:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether the daemon runs.
    pub fn runs(&self) -> bool {
        self.daemon.lock().unwrap().as_mut().is_some_and(|d| d.try_wait().unwrap().is_none())
    }

    /// The daemon's process id.
    pub fn pid(&self) -> u32 {
        self.daemon.lock().unwrap().as_ref().unwrap().id()
    }

    /// Sends the daemon a signal (`STOP`, `CONT`, `TERM`).
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Where operators come, with a slash at its end.
    pub fn admin_url(&self) -> String {
        format!("http://{}/", self.config.admin.0.as_ref().unwrap().address)
    }

    /// What the daemon said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// What passed between FreeSWITCH and the directory, in an office with [`Plan::recorded`].
    pub fn answers(&self) -> Vec<String> {
        self.recorder.as_ref().unwrap().answers()
    }

    async fn fill(&self) {
        for (mac, secret, label) in PHONES {
            self.put(&format!("phones/{mac}"), json!({ "label": label, "secret": secret })).await;
        }
        for (extension, name, pin) in USERS {
            self.user(extension, json!({ "name": name }), pin).await;
        }
    }

    /// A user with a PIN; an empty one is none.
    pub async fn user(&self, extension: &str, user: Value, pin: &str) {
        self.put(&format!("users/{extension}"), user).await;
        if !pin.is_empty() {
            self.put(&format!("users/{extension}/pin"), json!({ "pin": pin })).await;
        }
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.admin(Method::PUT, path, Some(body)).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.admin(Method::POST, path, Some(body)).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.admin(Method::GET, path, None).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Value {
        self.admin(Method::DELETE, path, None).await.unwrap()
    }

    /// A question to the admin API, or why it was refused.
    pub async fn admin(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let mut request = self.admin.request(method, format!("http://hotdeskd/api/v1/{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{path}: {status} {text}"));
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// What is at a path of the admin listener: status and text.
    pub async fn fetch(&self, path: &str) -> (u16, String) {
        let response = self.admin.get(format!("http://hotdeskd{path}")).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Who sits where, as `(phone, extension)`, in the order of the phones.
    pub async fn sessions(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let sessions = self.get("sessions").await;
        let rows = sessions.as_array().unwrap().iter();
        rows.map(|row| (text(&row["phone"]), text(&row["user"]))).collect()
    }

    /// The names of what happened since an id of the journal, and the last id.
    pub async fn happened(&self, since: i64) -> (Vec<String>, i64) {
        let journal = self.get("journal?limit=1000").await;
        let id = |row: &Value| row["id"].as_i64().unwrap();
        let new: Vec<&Value> =
            journal.as_array().unwrap().iter().filter(|row| id(row) > since).collect();
        let last = new.last().map_or(since, |row| id(row));
        (new.iter().map(|row| row["what"].as_str().unwrap().to_owned()).collect(), last)
    }

    /// FreeSWITCH stops, if it runs, and starts anew at the same address, with nothing of what it had.
    pub async fn restart_freeswitch(&mut self, change: impl FnOnce(&mut simulator::Settings)) {
        self.switch.clone().stop().await;
        let asked =
            self.recorder.as_ref().map_or(self.config.switch.address, |recorder| recorder.address);
        let mut settings = switch_settings(&self.config, asked);
        change(&mut settings);
        let listener = TcpListener::bind(self.inbound).await.unwrap();
        self.switch = FreeSwitch::start(settings, listener);
    }

    /// Which status is wanted of which agent, as it stands in the daemon's store.
    pub fn wanted_agents(&self) -> Vec<String> {
        let database = self.config.data.join("hotdeskd.db");
        let query = "SELECT target || ' ' || value FROM wanted WHERE kind = 'agent'";
        let output = Command::new("sqlite3").arg(database).arg(query).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// The TCP connections that FreeSWITCH's calls have to the daemon.
    pub fn open_conversations(&self) -> usize {
        let port = format!(":{:04X}", self.config.event_socket.address.port());
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
        // ESTABLISHED and CLOSE_WAIT, at our end.
        rows.filter(|row| row[1].ends_with(&port) && ["01", "08"].contains(&row[3])).count()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.get_mut().unwrap().take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the daemon said:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        } else {
            assert!(!self.log().contains("panicked"), "{}", self.log());
        }
    }
}

/// reqwest comes without TLS of its own and makes no client before there is one.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What phones are told over this desk, of a site that has nothing of its own.
pub fn provisioning(desk: Desk, data: &Path) -> Provisioning {
    let site = Site {
        domain: "office.test".parse().unwrap(),
        url: "http://127.0.0.1:8085".to_owned(),
        settings: ProvisioningSettings::default(),
        codes: Default::default(),
        emergency: Vec::new(),
        free_numbers: Vec::new(),
    };
    Provisioning::new(desk, site, data.to_owned())
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + SOON;
    while !holds().await {
        assert!(Instant::now() < until, "it did not come to this: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// An address where nothing listens, and that no other test gets meanwhile. Not one of the kernel's own choice,
/// which it could give away to somebody else's connection before, or between two, of our daemons.
pub fn free_address() -> SocketAddr {
    let taken = std::env::temp_dir().join("hotdeskd-test-ports");
    std::fs::create_dir_all(&taken).unwrap();
    loop {
        let port = rand::random_range(10_000..32_000);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Each test is a process of its own; one that is gone has given its ports back.
        let mark = taken.join(port.to_string());
        let owner = std::fs::read_to_string(&mark).unwrap_or_default();
        if !owner.is_empty() && Path::new("/proc").join(owner).exists() {
            continue;
        }
        let ours = std::process::id().to_string();
        if StdListener::bind(address).is_ok() && std::fs::write(&mark, ours).is_ok() {
            return address;
        }
    }
}

fn configure(folder: &Path, freeswitch: SocketAddr, plan: &Plan) -> Config {
    let data = plan.data.clone().unwrap_or_else(|| folder.join("data"));
    let (event_socket, switch, pin) = (free_address(), free_address(), plan.pin);
    let (phones, provisioning, tables) = (free_address(), &plan.provisioning, &plan.tables);
    let admin = if plan.operators { format!("\"{}\"", free_address()) } else { "false".to_owned() };
    let operators = if plan.operators { operators(&plan.admin) } else { String::new() };
    let tls = if plan.tls { format!("\"{}\"", free_address()) } else { "false".to_owned() };
    let file = folder.join("hotdeskd.toml");
    let text = format!(
        "domain = \"office.test\"\n\
         data = \"{}\"\n\
         [listen]\nevent_socket = \"{event_socket}\"\n\
         switch = \"{switch}\"\nphones = \"{phones}\"\nphones_tls = {tls}\nadmin = {admin}\n\
         {operators}\
         [switch]\npassword = \"{SWITCH_PASSWORD}\"\n\
         [freeswitch.lab]\naddress = \"{freeswitch}\"\npassword = \"{EVENT_SOCKET_PASSWORD}\"\n\
         [pin]\nrefusal_after_ms = 500\n{pin}\n\
         [standing]\nfolder = \"freeswitch\"\n\
         [dialplan]\nfree_numbers = [\"0\"]\n\
         [emergency]\nnumbers = [\"999\", \"112\"]\nroutes = [\"sofia/gateway/trunk/$number\"]\n\
         caller_id = \"+431234567\"\n\
         [provisioning]\nurl = \"http://{phones}\"\n{provisioning}\n{tables}\n",
        data.display()
    );
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    Config::load(&file, None).unwrap()
}

/// The bearer token of a program with a role.
pub fn operator_token(role: &str) -> String {
    format!("office-token-of-a-{role}")
}

/// The table `[admin]`.
fn operators(more: &str) -> String {
    let hash = PasswordDigest::of(&OPERATOR_PASSWORD.into()).unwrap();
    let one = |role: &str| {
        let digest = TokenDigest::of(&operator_token(role).into()).hex();
        format!(
            "[[admin.user]]\nname = \"{role}\"\nrole = \"{role}\"\npassword_hash = '{}'\n\
             [[admin.token]]\nname = \"{role}-program\"\nrole = \"{role}\"\ntoken_sha256 = \"{digest}\"\n",
            hash.expose()
        )
    };
    let all: String = ["viewer", "helpdesk", "admin"].map(one).concat();
    format!("[admin]\n{more}\n{all}")
}

/// A FreeSWITCH without ticks that asks at `asked`, and else reads the standing files.
fn switch_settings(config: &Config, asked: SocketAddr) -> simulator::Settings {
    let mut settings = simulator::Settings::new(config.domain.clone());
    settings.ticks = false;
    settings.event_socket_password = EVENT_SOCKET_PASSWORD.to_owned().into();
    let mut xml_curl = XmlCurl::new(format!("http://{asked}/freeswitch"));
    let user = config.switch_credentials.user.as_str().to_owned();
    let password = config.switch_password().unwrap();
    assert_eq!(password.expose_secret(), SWITCH_PASSWORD);
    xml_curl.credentials = Some((user, password));
    settings.xml_curl = Some(xml_curl);
    let (standing, domain) = (config.standing.folder.join("directory"), config.domain.to_string());
    settings.static_directory = Some(StaticDirectory::new(move || included(&standing, &domain)));
    settings
}

/// The operator's `<domain>` with our groups included in it, as `freeswitch print` says.
fn included(folder: &Path, domain: &str) -> Option<String> {
    let files = std::fs::read_dir(folder).ok()?;
    let texts = files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok());
    let groups: String = texts.collect();
    let groups = groups.replace("<include>", "").replace("</include>", "");
    Some(format!("<domain name=\"{domain}\"><groups>{groups}</groups></domain>"))
}
