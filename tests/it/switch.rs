//! What is wanted of phones, brought about at FreeSWITCH: seen from the simulated one, and from a scripted peer.

use std::net::SocketAddr;
use std::time::Duration;

use hotdeskd::desk::{self, Desk, UserRecord};
use hotdeskd::event_socket::ChannelWord;
use hotdeskd::model::{
    Actor, AwayDestination, DirectoryRules, Emergency, LoginMode, Mac, Phone, UnusableHash,
    Variables, Wanted, WantedKind,
};
use hotdeskd::simulator::{
    self, BracketAnswer, CallSetup, FreeSwitch, Notify, Origin, StaticDirectory,
};
use hotdeskd::standing::disk::Folder;
use hotdeskd::store::{DatabaseError, Store, Tx};
use hotdeskd::switch::{Node, ReloadError, Settings, StandingFiles, Switch, Waiting};
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
        Self::run(folder, desk, nodes)
    }

    fn run(folder: tempfile::TempDir, desk: Desk, nodes: &[SocketAddr]) -> Self {
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
        let pending = self.switch.status().pending;
        pending.iter().any(|(row, waits)| row.target == phone && *waits == why)
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

#[tokio::test]
async fn a_login_reaches_that_phone_and_no_other() {
    let (freeswitch, address) = freeswitch().await;
    freeswitch.set_mailbox("1001", 2, 1);
    let call_id = register(&freeswitch, ONE).await;
    register(&freeswitch, TWO).await;
    let office = Office::open(&[address]).await;
    office.login(ONE, "1001").await;
    until("all is done", || office.wanted().is_empty()).await;
    let told = ours(&freeswitch);
    let notify = |event: &str, body: &str| Notify {
        user: ONE.into(),
        call_id: call_id.clone(),
        event: event.into(),
        content_type: "application/simple-message-summary".into(),
        body: body.into(),
        origin: Origin::SendEvent,
    };
    let lamp = "Messages-Waiting: yes\r\nMessage-Account: sip:1001@hotdesk.test\r\nVoice-Message: 2/1 (0/0)\r\n";
    assert_eq!(told, [notify("message-summary", lamp), notify("check-sync;reboot=false", "")]);
    assert!(office.switch.status().pending.is_empty());

    let now = Timestamp::now();
    office.desk.log_out(ONE.parse().unwrap(), None, now, Actor::Command).await.unwrap();
    until("the lamp is dark", || ours(&freeswitch).len() == 4).await;
    let dark = format!(
        "Messages-Waiting: no\r\nMessage-Account: sip:{ONE}@hotdesk.test\r\nVoice-Message: 0/0 (0/0)\r\n"
    );
    assert_eq!(ours(&freeswitch)[2], notify("message-summary", &dark));
}

#[tokio::test]
async fn a_phone_in_a_call_is_told_when_the_call_is_over() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    register(&freeswitch, TWO).await;
    let (before, _stream) = call(&freeswitch, ONE).await;
    let office = Office::open(&[address]).await;
    office.login(ONE, "1001").await;
    office.desk.restart(ONE.parse().unwrap(), Timestamp::now(), Actor::Command).await.unwrap();
    until("it waits", || office.waits(ONE, Waiting::InCall)).await;
    // Another call begins while the room listens, so that there is one that it saw on connecting and one that it heard.
    let (after, _stream) = call(&freeswitch, ONE).await;
    before.hang_up();
    until("the first call is over", || office.switch.status().nodes[0].channels == 1).await;
    // By the time that the other phone is told, this one would have been.
    office.login(TWO, "1002").await;
    until("the other phone is told", || {
        told(&freeswitch).contains(&pair(TWO, "check-sync;reboot=false"))
    })
    .await;
    assert!(told(&freeswitch).iter().all(|(phone, _)| phone == TWO));
    assert!(office.waits(ONE, Waiting::InCall));
    after.hang_up();
    until("all is done", || office.wanted().is_empty()).await;
    let told: Vec<_> = told(&freeswitch).into_iter().filter(|(phone, _)| phone == ONE).collect();
    // The restart fetches the configuration too.
    assert_eq!(told, [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=true")]);
}

#[tokio::test]
async fn a_phone_that_is_away_is_told_when_it_registers() {
    let (freeswitch, address) = freeswitch().await;
    let office = Office::open(&[address]).await;
    office.login(ONE, "1001").await;
    until("it waits", || office.waits(ONE, Waiting::Unregistered)).await;
    register(&freeswitch, ONE).await;
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(
        told(&freeswitch),
        [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=false")]
    );
    assert_eq!(office.switch.registrations(ONE.parse().unwrap()).len(), 1);
    freeswitch.expire(ONE);
    until("it is away again", || office.switch.registrations(ONE.parse().unwrap()).is_empty())
        .await;
}

#[tokio::test]
async fn what_was_wanted_before_the_start_is_done_after_it() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = Office::open(&[]).await;
    office.login(ONE, "1001").await;
    until("it waits", || office.waits(ONE, Waiting::Unregistered)).await;
    let folder = office.folder;
    drop((office.desk, office.switch, office._stop));
    let store = loop {
        // The first one's store closes when its tasks have ended.
        match Store::open(folder.path()).await {
            Ok(store) => break store,
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    };
    let office = Office::run(folder, Desk::new(store, desk::Settings::default()), &[address]);
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(
        told(&freeswitch),
        [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=false")]
    );
}

#[tokio::test]
async fn freeswitch_goes_and_comes_back() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = Office::open(&[address]).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    let node = office.switch.status().nodes.remove(0);
    assert_eq!(node.registrations, 1);
    assert!(node.version.unwrap().starts_with("FreeSWITCH Version 1.11"));
    freeswitch.stop().await;
    until("gone", || office.switch.status().nodes[0].connected.is_none()).await;
    assert_eq!(office.switch.status().nodes[0].registrations, 0, "nothing is believed of it now");
    assert!(office.switch.status().nodes[0].trouble.is_some());
    office.login(ONE, "1001").await;
    until("it waits", || office.waits(ONE, Waiting::Unregistered)).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let freeswitch = FreeSwitch::start(simulated(), listener);
    register(&freeswitch, ONE).await;
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(
        told(&freeswitch),
        [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=false")]
    );
}

#[tokio::test]
async fn a_call_at_one_node_protects_the_phone_at_the_other() {
    let (one, first) = freeswitch().await;
    let (two, second) = freeswitch().await;
    register(&one, ONE).await;
    let (busy, _stream) = call(&two, ONE).await;
    let office = Office::open(&[first, second]).await;
    until("connected", || office.switch.status().nodes.iter().all(|node| node.connected.is_some()))
        .await;
    office.login(ONE, "1001").await;
    until("it waits", || office.waits(ONE, Waiting::InCall)).await;
    assert_eq!(told(&one), []);
    busy.hang_up();
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(told(&one).len(), 2);
    assert_eq!(told(&two), []);
}

#[tokio::test]
async fn a_restart_that_comes_too_late_and_a_phone_that_is_no_more_are_given_up() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = Office::open(&[address]).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    let row = |kind, target: &str| Wanted {
        kind,
        target: target.into(),
        value: "asked".into(),
        since: Timestamp::now(),
        expires: None,
    };
    let late = Timestamp::now() - SignedDuration::from_secs(1);
    office.want(Wanted { expires: Some(late), ..row(WantedKind::Restart, ONE) }).await;
    office.want(row(WantedKind::Resync, "0004132a0009")).await;
    // A happening wakes the room.
    office.login(ONE, "1001").await;
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(
        told(&freeswitch),
        [pair(ONE, "message-summary"), pair(ONE, "check-sync;reboot=false")]
    );
}

#[tokio::test]
async fn a_reload_is_judged_by_its_brackets() {
    let (freeswitch, address) = freeswitch().await;
    let office = Office::open(&[address]).await;
    let name = address.to_string();
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    let reloaded = office.switch.reload_xml().await.remove(0);
    assert_eq!(reloaded.0, name);
    assert!(reloaded.1.is_ok());
    freeswitch.set_reload_answer(BracketAnswer::CannotOpen);
    let reason = "Cannot Open log directory or XML Root!".to_owned();
    assert_eq!(
        office.switch.reload_xml().await,
        [(name.clone(), Err(ReloadError::Failed { reason }))]
    );
    freeswitch.stop().await;
    until("gone", || office.switch.status().nodes[0].connected.is_none()).await;
    assert_eq!(office.switch.reload_xml().await, [(name, Err(ReloadError::NotConnected))]);
}

/// Keeps the standing files of an office in a folder of their own.
fn keep_files(office: &Office) -> std::path::PathBuf {
    let folder = office.folder.path().join("standing");
    std::fs::create_dir(&folder).unwrap();
    let files = StandingFiles {
        folder: Folder::new(&folder, None),
        rules: DirectoryRules {
            domain: "hotdesk.test".parse().unwrap(),
            context: "default".into(),
            unusable: UnusableHash::new([7; 16]),
        },
        gather: Duration::from_millis(10),
        retry: Duration::from_millis(100),
    };
    let switch = office.switch.clone();
    tokio::spawn(async move { switch.keep_files(files, CancellationToken::new()).await });
    folder.join("directory")
}

fn reloads(freeswitch: &FreeSwitch) -> usize {
    freeswitch.api_log().iter().filter(|line| line.contains("reloadxml")).count()
}

#[tokio::test]
async fn a_node_that_is_away_does_not_make_the_others_reload_again_and_again() {
    let (one, first) = freeswitch().await;
    let (two, second) = freeswitch().await;
    two.stop().await;
    let office = Office::open(&[first, second]).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    keep_files(&office);
    until("the one that is there has read them", || reloads(&one) > 0).await;
    sleep(Duration::from_millis(500)).await;
    let two = FreeSwitch::start(simulated(), TcpListener::bind(second).await.unwrap());
    until("the other one has read them", || reloads(&two) > 0).await;
    assert_eq!((reloads(&one), reloads(&two)), (1, 1));
}

#[tokio::test]
async fn files_that_could_not_be_written_are_written_later() {
    let office = Office::open(&[]).await;
    let blocked = office.folder.path().join("standing/directory");
    let directory = keep_files(&office);
    until("they are written", || directory.is_dir()).await;
    std::fs::rename(&directory, directory.with_extension("away")).unwrap();
    std::fs::write(&blocked, "in the way").unwrap();
    office.login(ONE, "1001").await;
    sleep(Duration::from_millis(1500)).await;
    std::fs::remove_file(&blocked).unwrap();
    let text = || std::fs::read_to_string(directory.join("hotdeskd_0000.xml")).unwrap_or_default();
    until("they are written", || text().contains("name=\"hotdesk_user\" value=\"1001\"")).await;
}

/// A FreeSWITCH that answers what it is told to, and remembers what it was asked.
struct Scripted {
    stream: TcpStream,
    buffer: String,
    asked: Vec<String>,
}

impl Scripted {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();
        let mut peer = Self { stream, buffer: String::new(), asked: Vec::new() };
        peer.say("Content-Type: auth/request\n\n").await;
        peer
    }

    async fn say(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes()).await;
    }

    /// The next command, without its end; `None` when the other side has left.
    async fn command(&mut self) -> Option<String> {
        loop {
            if let Some((command, rest)) = self.buffer.split_once("\n\n") {
                let command = command.to_owned();
                self.buffer = rest.trim_start_matches('\n').to_owned();
                self.asked.push(command.clone());
                return Some(command);
            }
            let mut bytes = [0; 4096];
            let count = timeout(DEADLINE, self.stream.read(&mut bytes)).await.unwrap().unwrap_or(0);
            if count == 0 {
                return None;
            }
            self.buffer.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
    }

    /// Answers until the other side leaves or `enough` says so: commands with `+OK`, questions by `answers`.
    async fn serve(&mut self, answers: impl Fn(&str) -> String, enough: impl Fn(&str) -> bool) {
        while let Some(command) = self.command().await {
            let mut lines = command.lines();
            let first = lines.next().unwrap_or_default();
            if let Some(question) = first.strip_prefix("api ") {
                let answer = answers(question);
                let length = answer.len();
                self.say(&format!(
                    "Content-Type: api/response\nContent-Length: {length}\n\n{answer}"
                ))
                .await;
            } else if let Some(question) = first.strip_prefix("bgapi ") {
                let job =
                    lines.find_map(|line| line.strip_prefix("Job-UUID: ")).unwrap().to_owned();
                let answer = answers(question);
                let event = format!(
                    "Event-Name: BACKGROUND_JOB\nJob-UUID: {job}\nContent-Length: {}\n\n{answer}",
                    answer.len()
                );
                self.say(&format!("Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n")).await;
                self.say(&format!(
                    "Content-Length: {}\nContent-Type: text/event-plain\n\n{event}",
                    event.len()
                ))
                .await;
            } else {
                self.say("Content-Type: command/reply\nReply-Text: +OK\n\n").await;
            }
            if enough(&command) {
                return;
            }
        }
    }

    fn sent_a_notify(&self) -> bool {
        self.asked.iter().any(|command| command.starts_with("sendevent"))
    }
}

fn one_registration() -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<profile>\n  <registrations>\n    <registration>\n\
         \x20       <call-id>c1</call-id>\n        <user>{ONE}@hotdesk.test</user>\n    </registration>\n\
         \x20 </registrations>\n</profile>\n"
    )
}

fn usual(question: &str) -> String {
    match question {
        "version" => "FreeSWITCH Version 1.11\n".into(),
        "show channels as json" => "{\"row_count\": 0}\n".into(),
        question if question.starts_with("sofia xmlstatus") => one_registration(),
        question if question.starts_with("vm_boxcount") => "0:0:0:0".into(),
        _ => "-ERR no reply\n".into(),
    }
}

#[tokio::test]
async fn nobody_is_told_while_the_channels_cannot_be_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let office = Office::open(&[listener.local_addr().unwrap()]).await;
    office.login(ONE, "1001").await;
    // Garbage on connecting: no connection that could be used.
    let mut peer = Scripted::accept(&listener).await;
    let garbage = |question: &str| match question {
        "show channels as json" => "{\"row_count\":".into(),
        question => usual(question),
    };
    peer.serve(garbage, |_| false).await;
    assert!(!peer.sent_a_notify());
    // Garbage later, right before a NOTIFY would go out: it does not. (The first answer is good.)
    let mut peer = Scripted::accept(&listener).await;
    peer.serve(usual, |command| command == "api show channels as json").await;
    peer.serve(garbage, |command| command == "api show channels as json").await;
    assert!(!peer.sent_a_notify());
    assert_eq!(office.wanted().len(), 2);
    drop(peer);
    let mut peer = Scripted::accept(&listener).await;
    peer.serve(usual, |command| command.contains("check-sync")).await;
    until("all is done", || office.wanted().is_empty()).await;
}

#[tokio::test]
async fn a_call_whose_from_names_another_is_the_phones_that_authenticated() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let office = Office::open(&[listener.local_addr().unwrap()]).await;
    office.login(ONE, "1001").await;
    let mut peer = Scripted::accept(&listener).await;
    let spoofed = |question: &str| {
        match question {
        "show channels as json" => "{\"row_count\":1,\"rows\":[{\"uuid\":\"u1\",\"direction\":\"inbound\",\
             \"name\":\"sofia/internal/1001@hotdesk.test\",\"cid_num\":\"1001\",\"presence_id\":\"1001@hotdesk.test\"}]}"
            .into(),
        "uuid_getvar u1 sip_auth_username" => ONE.into(),
        question => usual(question),
    }
    };
    let asked = |command: &str| command.starts_with("api uuid_getvar");
    peer.serve(spoofed, asked).await;
    let waits = until("it waits", || office.waits(ONE, Waiting::InCall));
    tokio::select! {
        () = waits => {}
        () = peer.serve(spoofed, |_| false) => panic!("it left"),
    }
    assert!(!peer.sent_a_notify());
}

#[tokio::test]
async fn a_mailbox_that_cannot_be_counted_does_not_keep_a_phone_from_its_resync() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let office = Office::open(&[listener.local_addr().unwrap()]).await;
    office.login(ONE, "1001").await;
    let mut peer = Scripted::accept(&listener).await;
    let no_voicemail = |question: &str| match question {
        question if question.starts_with("vm_boxcount") => "-ERR No such profile\n".into(),
        question => usual(question),
    };
    peer.serve(no_voicemail, |command| command.contains("check-sync")).await;
    until("all is done", || office.wanted().is_empty()).await;
    let notifies: Vec<_> =
        peer.asked.iter().filter(|command| command.starts_with("sendevent")).collect();
    assert_eq!(notifies.len(), 1, "no lamp is set to a number that nobody knows");
    let phone: Mac = ONE.parse().unwrap();
    assert!(notifies[0].contains(&format!("user: {phone}")));
}

#[tokio::test]
async fn an_examination_changes_nothing_and_asks_about_everything() {
    use hotdeskd::switch::check::{Questions, Verdict, examine};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let desk = furnish(&folder).await;
    let word = |text: &str| ChannelWord::parse(text).unwrap();
    let node = Node {
        name: "fs1".into(),
        address,
        password: "ClueCon".to_owned().into(),
        profiles: vec![word("internal")],
    };
    let mut questions = Questions {
        domain: "hotdesk.test".parse().unwrap(),
        voicemail_profile: word("default"),
        context: word("default"),
        callback_context: Some(word("public")),
        reload: false,
    };
    let answers = |question: &str| match question {
        "user_data 1003@hotdesk.test param password" => "1234".into(),
        "reloadxml" => "+OK [Success]\n".into(),
        question if question.starts_with("module_exists") => "true".into(),
        question if question.starts_with("user_data 0004132a0001@hotdesk.test var") => {
            "restricted".into()
        }
        question => usual(question),
    };
    for reload in [false, true] {
        questions.reload = reload;
        let scripted = async {
            let mut peer = Scripted::accept(&listener).await;
            peer.serve(answers, |_| false).await;
            peer.asked
        };
        let ask = async { timeout(DEADLINE, examine(&node, desk.store(), &questions)).await };
        let (asked, findings) = tokio::join!(scripted, ask);
        let findings = findings.unwrap().unwrap();
        let verdict = |subject: &str| {
            let found = findings.iter().find(|one| one.subject.contains(subject));
            found.unwrap_or_else(|| panic!("nothing about {subject}")).verdict
        };
        for good in ["mod_sofia", "phone 0004132a0001", "voicemail profile default"] {
            assert_eq!(verdict(good), Verdict::Good, "{good}");
        }
        for bad in
            ["SIP profile internal", "context restricted", "context hotdesk", "context default"]
        {
            assert_eq!(verdict(bad), Verdict::Bad, "{bad}");
        }
        for bad in ["context public", "phone 0004132a0002", "stock users", "static directory"] {
            assert_eq!(verdict(bad), Verdict::Bad, "{bad}");
        }
        assert!(findings.iter().all(|one| (one.verdict == Verdict::Good) == one.advice.is_none()));
        let reads = |command: &String| {
            let command = command.trim_start_matches("bg");
            let reads =
                ["module_exists", "xml_locate", "sofia xmlstatus", "user_data", "vm_boxcount"];
            reads.iter().any(|read| command.starts_with(&format!("api {read} ")))
        };
        let mut others: Vec<&str> =
            asked.iter().filter(|one| !reads(one)).map(String::as_str).collect();
        others.retain(|one| {
            !one.starts_with("event plain") && !["auth ClueCon", "exit"].contains(one)
        });
        let reloads = others.iter().filter(|one| one.starts_with("bgapi reloadxml\n")).count();
        assert_eq!(
            (others.len(), reloads),
            (usize::from(reload), usize::from(reload)),
            "{others:?}"
        );
    }
}
