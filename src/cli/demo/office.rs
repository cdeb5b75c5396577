//! The demo's office: a folder, a configuration, a daemon, a simulated FreeSWITCH with its phones.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::{boxes, customers, helpdesk};
use crate::cli::rehearsal::{self, Rehearsal};
use crate::config::Config;
use crate::customers::sample;
use crate::http::access::PasswordDigest;
use crate::model::Mac;
use crate::simulator::{self, FreeSwitch, Phone, StaticDirectory, XmlCurl};

/// How long the daemon may take until it answers.
const STARTS: Duration = Duration::from_secs(20);

/// A sample phone: MAC address, SIP secret, label, vendor, emergency caller ID.
const PHONES: [(&str, &str, &str, &str, &str); 3] = [
    ("0004132a0001", "phone-secret-1", "Desk 1", "snom", "+43123456701"),
    ("0004132a0002", "phone-secret-2", "Desk 2", "snom", "+43123456702"),
    ("0004f2aa0003", "phone-secret-3", "Meeting room", "polycom", "+43123456703"),
];

/// The file of the customer database.
const CRM: &str = "crm.db";

/// A sample user: extension, name, PIN.
const USERS: [(&str, &str, &str); 3] = [
    ("1001", "Ada Lovelace", "4711"),
    ("1002", "Grace Hopper", "8240"),
    ("1003", "Alan Turing", "9173"),
];

/// The office.
pub(super) struct Office {
    folder: PathBuf,
    config: Config,
    daemon: Option<Child>,
    admin: reqwest::Client,
    /// What the helpdesk signs in with; of this demo alone.
    pub(super) password: SecretString,
    /// FreeSWITCH and its dialplan.
    pub(super) rehearsal: Rehearsal,
    /// The phones, in the order of the sample.
    pub(super) phones: Vec<Phone>,
}

impl Office {
    /// Makes the folder, starts the daemon, fills the inventory, and starts FreeSWITCH.
    pub(super) async fn open() -> anyhow::Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("hotdeskd-demo-{:08x}", rand::random::<u32>()));
        std::fs::create_dir(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let inbound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (password, digest) = helpdesk::password()?;
        let config = configure(&folder, inbound.local_addr()?, &digest)?;
        sample::write(&folder.join(CRM), &customers::CUSTOMERS).await?;
        let rehearsal = Rehearsal::new(switch(&config, inbound)?, &config)?;
        let admin = reqwest::Client::builder()
            .unix_socket(config.admin_socket())
            .timeout(Duration::from_secs(10))
            .build()?;
        let phones =
            PHONES.iter().map(|(mac, secret, ..)| Ok(rehearsal::phone(mac.parse()?, secret)));
        let phones = phones.collect::<anyhow::Result<_>>()?;
        let mut office = Self { folder, config, daemon: None, admin, password, rehearsal, phones };
        office.start_daemon().await?;
        office.fill().await?;
        Ok(office)
    }

    /// Where phones fetch their files.
    pub(super) fn phones_url(&self) -> String {
        self.config.phones_url()
    }

    /// Where operators sign in.
    pub(super) fn page_url(&self) -> String {
        let address = self.config.admin.0.as_ref().map(|listener| listener.address);
        address.map(|address| format!("http://{address}/")).unwrap_or_default()
    }

    /// Where `freeswitch install` writes.
    pub(super) fn standing(&self) -> &Path {
        &self.config.standing.folder
    }

    /// A command for this office's configuration.
    pub(super) fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--config").arg(&self.config.file).args(arguments).kill_on_drop(true);
        Ok(command)
    }

    /// Runs a command of this office to its end, which has to be good; gives what it printed.
    pub(super) async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments)?.output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`hotdeskd {}` failed: {said}", arguments.join(" "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts the daemon and waits until it answers.
    pub(super) async fn start_daemon(&mut self) -> anyhow::Result<()> {
        let log = std::fs::File::options().create(true).append(true).open(self.log())?;
        let mut command = self.command(&["serve"])?;
        let daemon = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        self.daemon = Some(daemon);
        let until = Instant::now() + STARTS;
        while self.ask(reqwest::Method::GET, "sessions", None).await.is_err() {
            if let Some(status) =
                self.daemon.as_mut().and_then(|daemon| daemon.try_wait().ok()).flatten()
            {
                bail!("the daemon ended ({status}):\n{}", self.log_tail());
            }
            if Instant::now() > until {
                bail!("the daemon did not answer in time:\n{}", self.log_tail());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// kill -9.
    pub(super) async fn kill_daemon(&mut self) -> anyhow::Result<()> {
        let Some(mut daemon) = self.daemon.take() else { return Ok(()) };
        daemon.kill().await?;
        Ok(())
    }

    /// Leaves everything running until Ctrl-C.
    pub(super) async fn stay(&mut self) -> anyhow::Result<()> {
        let exe = std::env::current_exe()?;
        let (exe, config) = (exe.display(), self.config.file.display());
        println!("\nThe office stays open until Ctrl-C. In a browser:");
        let (page, password) = (self.page_url(), self.password.expose_secret());
        println!("  {page} as {}, password {password}", helpdesk::NAME);
        println!("In another terminal:");
        println!("  {exe} -c {config} sessions list");
        println!("  {exe} -c {config} call '*11' --phone 0004132a0002 --keys '1001#4711#'");
        println!("  {exe} -c {config} call {} --from +4315550100", customers::NUMBER);
        println!("  {exe} -c {config} journal list");
        tokio::signal::ctrl_c().await?;
        Ok(())
    }

    /// Ends the daemon and takes the folder away.
    pub(super) async fn close(mut self) {
        let _ = self.kill_daemon().await;
        self.rehearsal.switch().clone().stop().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    /// The last lines of the daemon's log.
    pub(super) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("hotdeskd.log")
    }

    /// Phones, users and PINs, over the admin socket as every command does it.
    async fn fill(&self) -> anyhow::Result<()> {
        for (mac, secret, label, vendor, caller_id) in PHONES {
            let emergency = json!({ "caller_id": caller_id, "location": label });
            let phone = json!({ "label": label, "vendor": vendor, "secret": secret, "emergency": emergency });
            self.ask(reqwest::Method::PUT, &format!("phones/{mac}"), Some(phone)).await?;
        }
        for (extension, name, pin) in USERS {
            let teams = customers::TEAMS.iter().filter(|(of, _)| *of == extension);
            let teams: Vec<_> = teams.map(|(_, team)| team).collect();
            let user = json!({ "name": name, "teams": teams });
            self.ask(reqwest::Method::PUT, &format!("users/{extension}"), Some(user)).await?;
            let pin = json!({ "pin": pin });
            self.ask(reqwest::Method::PUT, &format!("users/{extension}/pin"), Some(pin)).await?;
        }
        Ok(())
    }

    async fn ask(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> anyhow::Result<()> {
        let mut request = self.admin.request(method, format!("http://hotdeskd/api/v1/{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        if !response.status().is_success() {
            bail!("the admin API refused {path}: {}", response.text().await?);
        }
        Ok(())
    }
}

/// The label of a sample phone.
pub(super) fn label(mac: &str) -> &'static str {
    let known = PHONES.iter().find(|(known, ..)| *known == mac).map(|(_, _, label, ..)| *label);
    known.or_else(|| boxes::label(mac)).unwrap_or("a phone")
}

/// Whether these keys, at this phone, are the sample's and no secret of anybody.
pub(in crate::cli) fn is_sample(phone: Mac, keys: &str) -> bool {
    let at_sample = PHONES.iter().any(|(known, ..)| known.parse() == Ok(phone));
    let is_known =
        |answer: &str| USERS.iter().any(|(extension, _, pin)| [*extension, *pin].contains(&answer));
    at_sample && keys.split('#').all(|answer| answer.is_empty() || is_known(answer))
}

fn configure(
    folder: &Path,
    freeswitch: SocketAddr,
    digest: &PasswordDigest,
) -> anyhow::Result<Config> {
    let data = folder.join("data");
    std::fs::create_dir(&data)?;
    let (event_socket, switch, phones, page) =
        (free_port()?, free_port()?, free_port()?, free_port()?);
    let file = folder.join("hotdeskd.toml");
    let text = format!(
        "# Written by `hotdeskd demo`.\n\
         domain = \"hotdesk.test\"\n\
         data = \"data\"\n\n\
         [listen]\n\
         event_socket = \"{event_socket}\"\n\
         switch = \"{switch}\"\n\
         phones = \"{phones}\"\n\
         phones_tls = false\n\
         admin = \"{page}\"\n\n\
         [[admin.user]]\n\
         name = \"{name}\"\n\
         role = \"helpdesk\"\n\
         password_hash = '{hash}'\n\n\
         [freeswitch.demo]\n\
         address = \"{freeswitch}\"\n\
         password = \"demo-event-socket\"\n\n\
         [pin]\n\
         refusal_after_ms = 500\n\n\
         [dialplan]\n\
         free_numbers = [\"0\"]\n\n\
         [emergency]\n\
         numbers = [\"999\", \"112\"]\n\
         routes = [\"sofia/gateway/trunk/$number\", \"sofia/gateway/second-trunk/$number\"]\n\
         caller_id = \"+431234567\"\n\n\
         [provisioning]\n\
         url = \"http://{phones}\"\n\n\
         [customers]\n\
         url = \"sqlite://{crm}\"\n\
         query = \"SELECT team, name, priority FROM customers WHERE phone = :number\"\n\
         country = \"AT\"\n\n\
         [service]\n\
         numbers = [\"{number}\"]\n\
         default_queue = \"reception\"\n\n\
         [[team]]\n\
         id = \"sales\"\n\
         departments = [\"42\"]\n",
        crm = folder.join(CRM).display(),
        name = helpdesk::NAME,
        hash = digest.expose(),
        number = customers::NUMBER,
    );
    std::fs::write(&file, text)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    Ok(Config::load(&file, None)?)
}

/// An address where nothing listens now.
fn free_port() -> anyhow::Result<SocketAddr> {
    // Not one of the kernel's own choice, which it could give away again before our daemon has it.
    for _ in 0..1_000 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, rand::random_range(10_000..32_000)));
        if StdListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port is free on this machine")
}

/// A simulated FreeSWITCH that asks the daemon, and without it reads the standing files.
fn switch(config: &Config, inbound: TcpListener) -> anyhow::Result<FreeSwitch> {
    let mut settings = simulator::Settings::new(config.domain.clone());
    let mut xml_curl = XmlCurl::new(format!("http://{}/freeswitch", config.switch.address));
    let user = config.switch_credentials.user.as_str().to_owned();
    xml_curl.credentials = Some((user, config.switch_password()?));
    settings.xml_curl = Some(xml_curl);
    settings.event_socket_password = SecretString::from("demo-event-socket");
    let (standing, domain) = (config.standing.folder.clone(), config.domain.to_string());
    settings.static_directory =
        Some(StaticDirectory::new(move || included(&standing.join("directory"), &domain)));
    settings.dialplan = Some(rehearsal::dialplan(config)?);
    let switch = FreeSwitch::start(settings, inbound);
    // Two messages wait for Ada.
    switch.set_mailbox("1001", 2, 0);
    Ok(switch)
}

/// The operator's `<domain>` with our groups included in it, as `freeswitch print` says.
fn included(folder: &Path, domain: &str) -> Option<String> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let groups: String =
        files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    let groups = groups.replace("<include>", "").replace("</include>", "");
    Some(format!("<domain name=\"{domain}\"><groups>{groups}</groups></domain>"))
}
