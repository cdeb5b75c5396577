use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::super::{Events, Node, PhoneEvents, Switch};
use super::*;
use crate::event_socket::ChannelWord;
use crate::model::{Actor, Attempts, Emergency, Happening, NotShown, Phone, WantedKind};
use crate::store::{DatabaseError, JournalFilter, Tx};

const PHONE: &str = "0004132a0001";

struct Provisioned;

impl PhoneEvents for Provisioned {
    fn of(&self, _: &Phone) -> Events {
        Events { confirms: true, ..Events::default() }
    }
}

/// A FreeSWITCH without registrations and channels.
async fn empty_freeswitch(mut stream: TcpStream) {
    let mut buffer = String::new();
    let mut out = String::from("Content-Type: auth/request\n\n");
    loop {
        if stream.write_all(out.as_bytes()).await.is_err() {
            return;
        }
        out.clear();
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(count) => buffer.push_str(std::str::from_utf8(&bytes[..count]).unwrap()),
        }
        while let Some((command, rest)) = buffer.split_once("\n\n") {
            let job = command.lines().find_map(|line| line.strip_prefix("Job-UUID: "));
            if let Some(job) = job {
                let answer = "<profile>\n</profile>\n";
                let event = format!(
                    "Event-Name: BACKGROUND_JOB\nJob-UUID: {job}\nContent-Length: {}\n\n{answer}",
                    answer.len()
                );
                let length = event.len();
                out += &format!(
                    "Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n"
                );
                out +=
                    &format!("Content-Length: {length}\nContent-Type: text/event-plain\n\n{event}");
            } else if command.starts_with("api ") {
                let answer = "{\"row_count\": 0}\n";
                let length = answer.len();
                out += &format!("Content-Type: api/response\nContent-Length: {length}\n\n{answer}");
            } else {
                out += "Content-Type: command/reply\nReply-Text: +OK\n\n";
            }
            buffer = rest.trim_start_matches('\n').to_owned();
        }
    }
}

/// A phone whose row has waited for eleven minutes.
async fn store(folder: &tempfile::TempDir) -> Store {
    let store = Store::open(folder.path()).await.unwrap();
    let phone = Phone {
        mac: PHONE.parse().unwrap(),
        secret: SecretString::from("secret"),
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
        added: eleven_minutes_ago(),
    };
    let written = store.write(async move |tx: &mut Tx<'_>| {
        tx.save_phone(phone.clone()).await?;
        tx.want(Wanted {
            kind: WantedKind::Resync,
            target: PHONE.into(),
            value: "nobody".into(),
            since: eleven_minutes_ago(),
            expires: None,
            attempts: Attempts::default(),
        })
        .await?;
        Ok::<(), DatabaseError>(())
    });
    written.await.unwrap();
    store
}

fn eleven_minutes_ago() -> Timestamp {
    Timestamp::now() - jiff::SignedDuration::from_mins(11)
}

/// Has the room look again and again, until it is so.
async fn until(what: &str, switch: &Switch, so: impl Fn() -> bool) {
    let wait = async {
        while !so() {
            switch.changed.notify_one();
            sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), wait).await;
    done.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn who_is_not_registered_is_called_so_once_a_node_would_have_seen_it_for_ten_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let word = |text: &str| ChannelWord::parse(text).unwrap();
    let node = Node {
        name: "fs1".into(),
        address: listener.local_addr().unwrap().to_string(),
        password: SecretString::from("ClueCon"),
        profiles: vec![word("internal")],
    };
    let settings = Settings {
        nodes: vec![node],
        domain: "hotdesk.test".parse().unwrap(),
        voicemail_profile: word("default"),
        phones: Arc::new(Provisioned),
    };
    let store = store(&folder).await;
    let switch = Switch::new(store.clone(), settings);
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let running = switch.clone();
    tokio::spawn(async move { running.run(stop).await });
    tokio::spawn(async move { empty_freeswitch(listener.accept().await.unwrap().0).await });

    let why = || -> Vec<Waiting> {
        switch.waiting(PHONE.parse().unwrap()).into_iter().map(|(_, why)| why).collect()
    };
    until("connected", &switch, || switch.status().nodes[0].connected.is_some()).await;
    // Rounds enough to say it, if this were the time.
    for _ in 0..10 {
        switch.changed.notify_one();
        sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(why(), [Waiting::Unregistered], "connected a moment ago");
    switch.peers[0].view().since = Some(eleven_minutes_ago());
    let reason = NotShown::Unregistered;
    let kept = || {
        let memory = store.memory();
        let row = memory.wanted_of(WantedKind::Resync, PHONE);
        row.is_some_and(|row| row.attempts.not_shown.is_some())
    };
    until("it is given up", &switch, kept).await;
    until("it says so", &switch, || why() == [Waiting::NotShown { reason }]).await;
    for _ in 0..10 {
        switch.changed.notify_one();
        sleep(Duration::from_millis(30)).await;
    }
    let filter = JournalFilter { limit: 100, ..JournalFilter::default() };
    let journal: Vec<_> =
        store.journal(&filter).await.unwrap().into_iter().map(|one| (one.by, one.what)).collect();
    let phone = PHONE.parse().unwrap();
    assert_eq!(journal, [(Actor::Daemon, Happening::NotShown { phone, reason })]);
}
