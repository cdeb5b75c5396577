//! What is wanted of phones, brought about at FreeSWITCH: seen from the simulated one, and from a scripted peer.

mod auto_logout;
mod confirmation;
mod emergencies;
mod examination;
mod files;
mod hostile;
mod presence;
mod scripted;
mod telling;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hotdeskd::desk::{self, Desk, UserRecord};
use hotdeskd::event_socket::ChannelWord;
use hotdeskd::model::{
    Actor, AwayDestination, Emergency, LoginMode, Phone, Variables, Wanted, WantedKind,
};
use hotdeskd::simulator::{self, CallSetup, FreeSwitch, Notify, Origin, StaticDirectory};
use hotdeskd::store::{DatabaseError, Store, Tx};
use hotdeskd::switch::{CheckSync, Node, PhoneEvents, Settings, Switch, Waiting};
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

const DEADLINE: Duration = Duration::from_secs(40);
const ONE: &str = "0004132a0001";
const TWO: &str = "0004132a0002";

/// A store with two phones and two people, and the room over it.
struct Office {
    folder: tempfile::TempDir,
    desk: Desk,
    switch: Switch,
    _stop: DropGuard,
}

impl Office {
    async fn open(nodes: &[SocketAddr]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = furnish(&folder).await;
        Self::run(folder, desk, nodes, Arc::new(CheckSync))
    }

    fn run(
        folder: tempfile::TempDir,
        desk: Desk,
        nodes: &[SocketAddr],
        phones: Arc<dyn PhoneEvents>,
    ) -> Self {
        let word = |text: &str| ChannelWord::parse(text).unwrap();
        let node = |address: &SocketAddr| Node {
            name: address.to_string(),
            address: address.to_string(),
            password: "ClueCon".to_owned().into(),
            profiles: vec![word("internal")],
        };
        let settings = Settings {
            nodes: nodes.iter().map(node).collect(),
            domain: "hotdesk.test".parse().unwrap(),
            voicemail_profile: word("default"),
            phones,
        };
        let switch = Switch::new(desk.store().clone(), settings);
        let stop = CancellationToken::new();
        let (running, stopped) = (switch.clone(), stop.clone());
        tokio::spawn(async move { running.run(stopped).await });
        Self { folder, desk, switch, _stop: stop.drop_guard() }
    }

    async fn login(&self, phone: &str, user: &str) {
        let (phone, user) = (phone.parse().unwrap(), user.parse().unwrap());
        let now = Timestamp::now();
        self.desk.log_in(phone, user, LoginMode::Also, None, now, Actor::Command).await.unwrap();
    }

    async fn want(&self, row: Wanted) {
        let written = self.desk.store().write(async move |tx: &mut Tx<'_>| {
            tx.want(row.clone()).await?;
            Ok::<(), DatabaseError>(())
        });
        written.await.unwrap();
    }

    fn wanted(&self) -> Vec<(WantedKind, String)> {
        let memory = self.desk.store().memory();
        memory.wanted().map(|row| (row.kind, row.target.clone())).collect()
    }

    fn waits(&self, phone: &str, why: Waiting) -> bool {
        self.waiting(phone).contains(&why)
    }

    fn is_in_call(&self, phone: &str) -> bool {
        self.waiting(phone).iter().any(|why| matches!(why, Waiting::InCall { .. }))
    }

    fn waiting(&self, phone: &str) -> Vec<Waiting> {
        let waiting = self.switch.waiting(phone.parse().unwrap());
        waiting.into_iter().map(|(_, why)| why).collect()
    }

    /// The daemon stops and starts, with other nodes and phones.
    async fn again(self, nodes: &[SocketAddr], phones: Arc<dyn PhoneEvents>) -> Self {
        let folder = self.folder;
        drop((self.desk, self.switch, self._stop));
        let store = loop {
            // The first one's store closes when its tasks have ended.
            match Store::open(folder.path()).await {
                Ok(store) => break store,
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        };
        Self::run(folder, Desk::new(store, desk::Settings::default()), nodes, phones)
    }
}

async fn furnish(folder: &tempfile::TempDir) -> Desk {
    let store = Store::open(folder.path()).await.unwrap();
    let desk = Desk::new(store, desk::Settings::default());
    let now = Timestamp::now();
    for phone in [ONE, TWO] {
        let phone = Phone {
            mac: phone.parse().unwrap(),
            secret: "secret".to_owned().into(),
            vendor: None,
            model: None,
            label: None,
            desk_extension: None,
            owner: None,
            hot_desk: true,
            emergency: Emergency::default(),
            settings: Default::default(),
            handsets: Vec::new(),
            tags: Default::default(),
            logout: None,
            added: now,
        };
        desk.save_phone(phone, now, Actor::Command).await.unwrap();
    }
    for user in ["1001", "1002"] {
        let record = UserRecord {
            extension: user.parse().unwrap(),
            name: user.into(),
            hot_desk: true,
            away: AwayDestination::Voicemail,
            groups: Vec::new(),
            teams: Vec::new(),
            params: Variables::new(),
            variables: Variables::new(),
            keys: Vec::new(),
            settings: Default::default(),
        };
        desk.save_user(record, None, now, Actor::Command).await.unwrap();
    }
    desk
}

async fn freeswitch() -> (FreeSwitch, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (FreeSwitch::start(simulated(), listener), address)
}

fn simulated() -> simulator::Settings {
    // reqwest comes without TLS of its own, and makes no client before there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut settings = simulator::Settings::new("hotdesk.test".parse().unwrap());
    settings.ticks = false;
    let user = |mac| {
        format!(
            "<user id=\"{mac}\"><params><param name=\"password\" value=\"secret\"/></params></user>"
        )
    };
    let domain = format!(
        "<domain name=\"hotdesk.test\"><groups><group name=\"g\"><users>{}{}</users></group></groups></domain>",
        user(ONE),
        user(TWO)
    );
    settings.static_directory = Some(StaticDirectory::new(move || Some(domain.clone())));
    settings
}

async fn register(freeswitch: &FreeSwitch, phone: &str) -> String {
    let phone = simulator::Phone::new(phone, "secret".to_owned().into());
    freeswitch.register(&phone).await.unwrap().call_id
}

/// The NOTIFYs that came from us, as (phone, event).
fn told(freeswitch: &FreeSwitch) -> Vec<(String, String)> {
    ours(freeswitch).into_iter().map(|one| (one.user, one.event)).collect()
}

fn ours(freeswitch: &FreeSwitch) -> Vec<Notify> {
    let mut all = freeswitch.notifies();
    all.retain(|one| one.origin == Origin::SendEvent);
    all
}

fn pair(phone: &str, event: &str) -> (String, String) {
    (phone.to_owned(), event.to_owned())
}

/// Waits until it is so.
async fn until(what: &str, so: impl Fn() -> bool) {
    let wait = async {
        while !so() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// A call of that phone that goes on until it is hung up.
async fn call(freeswitch: &FreeSwitch, phone: &str) -> (simulator::Call, TcpStream) {
    let daemon = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("{}/x async full", daemon.local_addr().unwrap());
    let call = freeswitch.socket_call(&target, CallSetup::new(phone, "*11"));
    let (stream, _) = timeout(DEADLINE, daemon.accept()).await.unwrap().unwrap();
    (call, stream)
}
