use secrecy::SecretString;

use super::super::{CheckSync, Settings};
use super::*;
use crate::desk;
use crate::model::{
    Actor, AgentStatus, AwayDestination, Emergency, EndReason, Extension, Happening, LoginMode,
    Phone, PhoneRegistration, UserRecord, WantedKind,
};
use crate::store::{JournalFilter, Store};

/// An office in Vienna: a phone with an owner, and phones without.
struct Office {
    _folder: tempfile::TempDir,
    desk: Desk,
    switch: Switch,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn mac(last: u32) -> Mac {
    format!("0004132a{last:04x}").parse().unwrap()
}

fn settings(text: &str) -> LogoutSettings {
    toml::from_str(&format!("time_zone = \"Europe/Vienna\"\n{text}")).unwrap()
}

impl Office {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let desk = Desk::new(store, desk::Settings::default());
        for user in ["1001", "1002", "1003"] {
            let record = UserRecord {
                extension: user.parse().unwrap(),
                name: user.into(),
                hot_desk: true,
                away: AwayDestination::Voicemail,
                groups: Vec::new(),
                teams: vec!["sales".parse().unwrap()],
                params: Default::default(),
                variables: Default::default(),
                keys: Vec::new(),
                settings: Default::default(),
            };
            desk.save_user(record, None, at("2026-01-01T00:00:00Z"), Actor::Command).await.unwrap();
        }
        let settings = Settings {
            nodes: Vec::new(),
            domain: "hotdesk.test".parse().unwrap(),
            voicemail_profile: crate::event_socket::ChannelWord::parse("default").unwrap(),
            phones: std::sync::Arc::new(CheckSync),
        };
        let switch = Switch::new(desk.store().clone(), settings);
        let office = Self { _folder: folder, desk, switch };
        office.phone(1, None, None).await;
        office.phone(2, None, None).await;
        office
    }

    async fn phone(&self, last: u32, owner: Option<&str>, logout: Option<&str>) {
        let phone = Phone {
            mac: mac(last),
            secret: SecretString::from("secret"),
            vendor: None,
            model: None,
            label: None,
            desk_extension: None,
            owner: owner.map(|owner| owner.parse().unwrap()),
            hot_desk: true,
            emergency: Emergency::default(),
            settings: Default::default(),
            handsets: Vec::new(),
            tags: Default::default(),
            logout: logout.map(|rule| rule.parse().unwrap()),
            added: at("2026-01-01T00:00:00Z"),
        };
        self.desk.save_phone(phone, at("2026-01-01T00:00:00Z"), Actor::Command).await.unwrap();
    }

    async fn login(&self, last: u32, user: &str, when: &str) {
        let user: Extension = user.parse().unwrap();
        let login =
            self.desk.log_in(mac(last), user, LoginMode::Only, None, at(when), Actor::Command);
        login.await.unwrap();
    }

    fn seated(&self, last: u32) -> Option<String> {
        self.desk.seated(mac(last)).map(|seated| seated.user.to_string())
    }

    async fn keeper(&self, text: &str) -> Keeper<'_> {
        let mut keeper = Keeper::new(&self.switch, self.desk.clone(), &settings(text));
        keeper.remember().await;
        keeper
    }

    /// Who was logged out and why, as the journal has it.
    async fn logouts(&self) -> Vec<(String, EndReason)> {
        let what = vec!["logout".parse().unwrap()];
        let filter = JournalFilter { what, limit: 100, ..JournalFilter::default() };
        let entries = self.desk.store().journal(&filter).await.unwrap().into_iter();
        let told = entries.filter_map(|entry| match entry.what {
            Happening::Logout { user, reason, .. } if entry.by == Actor::Daemon => {
                Some((user.to_string(), reason))
            }
            _ => None,
        });
        told.collect()
    }
}

/// Looks at these times, a real ten seconds after one another.
async fn look(keeper: &mut Keeper<'_>, times: &[&str]) {
    let begin = Instant::now();
    for (count, time) in (0..).zip(times) {
        keeper.round(at(time), begin + Duration::from_secs(10 * count)).await;
    }
}

#[tokio::test]
async fn in_the_evening_everybody_is_logged_out_once_and_the_queue_hears_of_it() {
    let office = Office::new().await;
    office.login(1, "1001", "2026-07-01T07:00:00Z").await;
    office.phone(3, None, Some("never")).await;
    office.login(3, "1003", "2026-07-01T07:00:00Z").await;
    let mut keeper = office.keeper("at = \"20:00\"").await;
    look(&mut keeper, &["2026-07-01T17:59:50Z"]).await;
    assert_eq!(office.seated(1).as_deref(), Some("1001"));
    look(&mut keeper, &["2026-07-01T17:59:50Z", "2026-07-01T18:00:00Z", "2026-07-01T18:00:10Z"])
        .await;
    assert_eq!((office.seated(1), office.seated(3).as_deref()), (None, Some("1003")));
    assert_eq!(office.logouts().await, [("1001".to_owned(), EndReason::TimeOfDay)]);
    let status = {
        let memory = office.desk.store().memory();
        memory.wanted_of(WantedKind::Agent, "1001").unwrap().value.clone()
    };
    assert_eq!(status, AgentStatus::LoggedOut.to_string());
    // Who comes back in the evening stays.
    office.login(1, "1001", "2026-07-01T18:05:00Z").await;
    look(&mut keeper, &["2026-07-01T18:00:20Z", "2026-07-01T18:01:10Z"]).await;
    let mut keeper = office.keeper("at = \"20:00\"").await;
    look(&mut keeper, &["2026-07-01T23:00:00Z"]).await;
    assert_eq!(office.seated(1).as_deref(), Some("1001"));
}

#[tokio::test]
async fn a_daemon_that_was_not_there_does_it_when_it_is_and_only_once() {
    let office = Office::new().await;
    office.login(1, "1001", "2026-07-01T07:00:00Z").await;
    office.login(2, "1002", "2026-07-01T18:30:00Z").await;
    let mut keeper = office.keeper("at = \"20:00\"").await;
    look(&mut keeper, &["2026-07-02T05:00:00Z", "2026-07-02T05:00:10Z"]).await;
    assert_eq!((office.seated(1), office.seated(2).as_deref()), (None, Some("1002")));
    assert_eq!(office.logouts().await.len(), 1);
}

#[tokio::test]
async fn the_owner_comes_back_and_is_never_logged_out_at_the_own_desk() {
    let office = Office::new().await;
    office.phone(4, Some("1003"), None).await;
    office.login(4, "1001", "2026-07-01T07:00:00Z").await;
    office.login(1, "1003", "2026-07-01T07:10:00Z").await;
    let mut keeper = office.keeper("at = \"20:00\"\nidle_hours = 1").await;
    look(&mut keeper, &["2026-07-01T18:00:00Z", "2026-07-01T18:00:10Z"]).await;
    assert_eq!((office.seated(4).as_deref(), office.seated(1)), (Some("1003"), None));
    let mut keeper = office.keeper("at = \"20:00\"\nidle_hours = 1").await;
    look(&mut keeper, &["2026-07-05T18:00:00Z"]).await;
    assert_eq!(office.seated(4).as_deref(), Some("1003"));
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_and_back_logs_nobody_out() {
    let office = Office::new().await;
    office.login(1, "1001", "2026-07-01T07:00:00Z").await;
    let mut keeper = office.keeper("at = \"20:00\"\nidle_hours = 8").await;
    let jump = ["2026-07-01T09:00:00Z", "2027-07-01T09:00:10Z", "2026-07-01T09:00:20Z"];
    look(&mut keeper, &jump).await;
    assert_eq!(office.seated(1).as_deref(), Some("1001"));
    // One that was put right for good does, when it has gone on for a while.
    let begin = Instant::now();
    for (real, time) in [
        (0, "2026-07-01T09:00:00Z"),
        (10, "2026-07-02T09:00:00Z"),
        (300, "2026-07-02T09:04:50Z"),
        (320, "2026-07-02T09:05:10Z"),
    ] {
        assert_eq!(office.seated(1).as_deref(), Some("1001"), "{time}");
        keeper.round(at(time), begin + Duration::from_secs(600 + real)).await;
    }
    assert_eq!(office.seated(1), None);
}

#[tokio::test]
async fn who_logged_in_by_a_clock_that_was_a_year_ahead_is_logged_out_all_the_same() {
    let office = Office::new().await;
    office.login(1, "1001", "2027-07-01T07:00:00Z").await;
    let mut keeper = office.keeper("at = \"20:00\"").await;
    look(&mut keeper, &["2026-07-01T17:59:50Z", "2026-07-01T18:00:00Z"]).await;
    assert_eq!(office.seated(1), None);
}

#[tokio::test]
async fn after_an_emergency_call_nobody_is_logged_out_there_for_a_while() {
    let office = Office::new().await;
    office.login(1, "1001", "2026-07-01T07:00:00Z").await;
    let called = at("2026-07-01T17:50:00Z");
    let noted = office.desk.store().write(async move |tx: &mut Tx<'_>| {
        Ok::<_, DatabaseError>((
            tx.note_emergency_call("one", Some(mac(1)), called).await?,
            tx.note_emergency_call("one", Some(mac(1)), called).await?,
        ))
    });
    assert_eq!(noted.await.unwrap(), (true, false));
    let mut keeper = office.keeper("at = \"20:00\"\nafter_emergency_minutes = 30").await;
    let times: Vec<String> = (0..120)
        .map(|count| {
            (at("2026-07-01T18:00:10Z") + SignedDuration::from_secs(10 * count)).to_string()
        })
        .collect();
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    look(&mut keeper, &times[..119]).await;
    assert_eq!(office.seated(1).as_deref(), Some("1001"));
    look(&mut keeper, &times[117..]).await;
    assert_eq!(office.seated(1), None);
}

#[tokio::test]
async fn a_phone_whose_freeswitch_is_not_there_may_be_in_a_call() {
    let mut office = Office::new().await;
    office.login(1, "1001", "2026-07-01T07:00:00Z").await;
    office.login(2, "1002", "2026-07-01T07:00:00Z").await;
    let node = super::super::Node {
        name: "fs1".into(),
        address: "127.0.0.1:9".into(),
        password: "x".to_owned().into(),
        profiles: Vec::new(),
    };
    let settings = Settings { nodes: vec![node], ..(*office.switch.settings).clone() };
    office.switch = Switch::new(office.desk.store().clone(), settings);
    let there = PhoneRegistration {
        first: at("2026-07-01T06:00:00Z"),
        since: at("2026-07-01T06:00:00Z"),
        ended: None,
        node: "fs1".into(),
        address: None,
        agent: "x".into(),
        moved: None,
    };
    let gone = PhoneRegistration { ended: Some(at("2026-07-01T06:30:00Z")), ..there.clone() };
    let written = office.desk.store().write(async move |tx: &mut Tx<'_>| {
        tx.save_registration(mac(1), there.clone()).await?;
        tx.save_registration(mac(2), gone.clone()).await?;
        Ok::<_, DatabaseError>(())
    });
    written.await.unwrap();
    let mut keeper = office.keeper("at = \"20:00\"").await;
    look(&mut keeper, &["2026-07-01T18:00:00Z"]).await;
    assert_eq!((office.seated(1).as_deref(), office.seated(2)), (Some("1001"), None));
}

#[tokio::test]
async fn hours_without_a_call_count_from_the_last_one_across_a_restart() {
    let office = Office::new().await;
    office.login(1, "1001", "2026-07-01T07:00:00Z").await;
    office.login(2, "1002", "2026-07-01T07:00:00Z").await;
    let called = at("2026-07-01T10:00:00Z");
    let written = office.desk.store().write(async move |tx: &mut Tx<'_>| {
        let unknown = "0004132a00ff".parse().unwrap();
        tx.save_last_calls(&[(mac(1), called), (unknown, called)], called).await?;
        Ok::<_, DatabaseError>(())
    });
    written.await.unwrap();
    let kept = office.desk.store().last_calls().await.unwrap();
    assert_eq!(kept.into_iter().collect::<Vec<_>>(), [(mac(1), called)]);
    let mut keeper = office.keeper("idle_hours = 4").await;
    look(&mut keeper, &["2026-07-01T11:00:00Z"]).await;
    assert_eq!((office.seated(1).as_deref(), office.seated(2)), (Some("1001"), None));
    let mut keeper = office.keeper("idle_hours = 4").await;
    look(&mut keeper, &["2026-07-01T13:59:50Z", "2026-07-01T14:00:00Z"]).await;
    assert_eq!(office.seated(1), None);
    let idle = |user: &str| (user.to_owned(), EndReason::Idle);
    assert_eq!(office.logouts().await, [idle("1002"), idle("1001")]);
}
