//! Phones that fetch their configuration from us: told until they have, and then no more.
//!
//! Time does not stand still for sockets and for the store's thread, so these tests do not wait: they set back what the
//! store says of when a phone was told.

use hotdeskd::model::{Attempts, Happening, Mac, NotShown};
use hotdeskd::store::JournalFilter;
use hotdeskd::switch::Events;

use jiff::SignedDuration;

use super::*;

/// Phones with words of their own that fetch from us.
struct Provisioned;

impl PhoneEvents for Provisioned {
    fn of(&self, _: &Phone) -> Events {
        Events {
            reload: "resync".into(),
            reboot: Some("reboot_now".into()),
            confirms: true,
            may_restart: true,
        }
    }
}

async fn open(nodes: &[SocketAddr]) -> Office {
    let folder = tempfile::tempdir().unwrap();
    let desk = furnish(&folder).await;
    Office::run(folder, desk, nodes, Arc::new(Provisioned))
}

impl Office {
    /// What the store says of a phone's row.
    fn resync(&self, phone: &str) -> Option<Wanted> {
        let memory = self.desk.store().memory();
        memory.wanted_of(WantedKind::Resync, phone).map(|row| Wanted::clone(row))
    }

    fn tries(&self, phone: &str) -> u32 {
        self.resync(phone).map_or(0, |row| row.attempts.tries)
    }

    /// The phone has fetched its file.
    async fn fetched(&self, phone: &str) {
        let row = self.resync(phone).unwrap();
        let written = self.desk.store().write(async move |tx: &mut Tx<'_>| tx.settle(&row).await);
        written.await.unwrap();
    }

    /// So many seconds pass for this phone's row; `wake` lets the room see it at once.
    async fn pass(&self, phone: &str, seconds: i64, wake: bool) {
        let row = self.resync(phone).unwrap();
        let earlier = |at: Option<Timestamp>| at.map(|at| at - SignedDuration::from_secs(seconds));
        let Attempts { told, not_shown, .. } = row.attempts;
        let attempts =
            Attempts { told: earlier(told), not_shown: earlier(not_shown), ..row.attempts };
        let written = self.desk.store().write(async move |tx: &mut Tx<'_>| {
            tx.attempted(&row, attempts).await?;
            if wake {
                let phone = TWO.parse().unwrap();
                let what = Happening::PhoneSaved { phone };
                tx.journal(Timestamp::now(), Actor::Command, what).await?;
            }
            Ok::<(), DatabaseError>(())
        });
        written.await.unwrap();
    }

    async fn not_shown(&self) -> Vec<(Mac, NotShown)> {
        let filter = JournalFilter { limit: 1_000, ..JournalFilter::default() };
        let journal = self.desk.store().journal(&filter).await.unwrap();
        let entries = journal.into_iter().filter_map(|entry| match entry.what {
            Happening::NotShown { phone, reason } => Some((phone, reason)),
            _ => None,
        });
        entries.collect()
    }
}

/// The check-syncs that a phone got.
fn syncs(freeswitch: &FreeSwitch, phone: &str) -> Vec<String> {
    let told = told(freeswitch).into_iter().filter(|(to, _)| to == phone);
    told.map(|(_, event)| event).filter(|event| event != "message-summary").collect()
}

#[tokio::test]
async fn a_row_stays_until_the_phone_has_fetched() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = open(&[address]).await;
    office.login(ONE, "1001").await;
    until("it was told", || office.tries(ONE) == 1).await;
    until("the lamp is set", || office.wanted().len() == 1).await;
    assert_eq!(told(&freeswitch), [pair(ONE, "message-summary"), pair(ONE, "resync")]);
    let next = || match office.waiting(ONE)[..] {
        [Waiting::Unconfirmed { tries: 1, next }] => Some(next),
        _ => None,
    };
    until("it waits for the fetch", || next().is_some()).await;
    let pause = next().unwrap().duration_since(Timestamp::now()).as_secs();
    assert!((20..=30).contains(&pause), "{pause}");
    office.fetched(ONE).await;
    assert_eq!(office.waiting(ONE), [], "known at once");
    // What is wanted anew begins anew.
    office
        .desk
        .log_out(ONE.parse().unwrap(), None, Timestamp::now(), Actor::Command)
        .await
        .unwrap();
    until("it was told", || office.tries(ONE) == 1).await;
    assert_eq!(syncs(&freeswitch, ONE), ["resync", "resync"]);
}

#[tokio::test]
async fn a_silent_phone_goes_all_the_way_and_the_users_other_phone_hears_nothing_of_it() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    register(&freeswitch, TWO).await;
    let office = open(&[address]).await;
    office.login(TWO, "1001").await;
    until("the other phone was told", || office.tries(TWO) == 1).await;
    office.fetched(TWO).await;
    office.login(ONE, "1001").await;
    for (tries, pause) in [(1, 30), (2, 60), (3, 120), (4, 240), (5, 180)] {
        until("it was told", || office.tries(ONE) == tries).await;
        office.pass(ONE, pause, true).await;
    }
    until("it is given up", || office.resync(ONE).unwrap().attempts.not_shown.is_some()).await;
    let all = ["resync", "resync", "resync", "resync", "reboot_now"];
    assert_eq!(syncs(&freeswitch, ONE), all);
    let reason = NotShown::Silent { tries: 5, restarted: true };
    until("it says so", || office.waits(ONE, Waiting::NotShown { reason })).await;
    assert_eq!(office.not_shown().await, [(ONE.parse().unwrap(), reason)]);

    // It registers anew: told once more, and not restarted.
    office.pass(ONE, 600, true).await;
    freeswitch.expire(ONE);
    let gone = || office.switch.registrations(ONE.parse().unwrap()).is_empty();
    until("it is gone", gone).await;
    sleep(Duration::from_millis(1_100)).await;
    register(&freeswitch, ONE).await;
    until("it was told", || office.tries(ONE) == 6).await;
    assert_eq!(syncs(&freeswitch, ONE)[5..], ["resync"]);
    // An hour passes.
    office.pass(ONE, 3_600, true).await;
    until("it was told", || office.tries(ONE) == 7).await;
    assert_eq!(syncs(&freeswitch, ONE)[6..], ["resync"]);
    assert_eq!(office.not_shown().await.len(), 1, "the journal says it once");
    assert_eq!(syncs(&freeswitch, TWO), ["resync"], "the phone that had fetched");
}

#[tokio::test]
async fn the_next_step_comes_by_itself_when_it_is_due() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = open(&[address]).await;
    office.login(ONE, "1001").await;
    until("it was told", || office.tries(ONE) == 1).await;
    office.pass(ONE, 27, true).await;
    let next = |why: Option<&Waiting>| match why {
        Some(Waiting::Unconfirmed { next, .. }) => next.duration_since(Timestamp::now()).as_secs(),
        _ => 30,
    };
    until("it is due soon", || next(office.waiting(ONE).first()) < 5).await;
    assert_eq!(syncs(&freeswitch, ONE).len(), 1, "and not before");
    let begin = std::time::Instant::now();
    until("it was told", || syncs(&freeswitch, ONE).len() == 2).await;
    assert!(begin.elapsed() < Duration::from_secs(15), "not by the next comparison");
}

#[tokio::test]
async fn a_daemon_that_starts_again_goes_on_where_it_was() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = open(&[address]).await;
    office.login(ONE, "1001").await;
    for (tries, pause) in [(1, 30), (2, 60)] {
        until("it was told", || office.tries(ONE) == tries).await;
        office.pass(ONE, pause, true).await;
    }
    until("it was told", || office.tries(ONE) == 3).await;
    let before = office.resync(ONE).unwrap();
    let office = office.again(&[address], Arc::new(Provisioned)).await;
    let waits = || matches!(office.waiting(ONE)[..], [Waiting::Unconfirmed { tries: 3, .. }]);
    until("it goes on", waits).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    assert_eq!(office.resync(ONE).unwrap().attempts, before.attempts);
    // Another phone is told, so this one would have been.
    register(&freeswitch, TWO).await;
    office.login(TWO, "1002").await;
    until("the other phone was told", || office.tries(TWO) == 1).await;
    assert_eq!(syncs(&freeswitch, ONE).len(), 3);
    for (tries, pause) in [(4, 120), (5, 240)] {
        office.pass(ONE, pause, true).await;
        until("it was told", || office.tries(ONE) == tries).await;
    }
    assert_eq!(syncs(&freeswitch, ONE)[3..], ["resync", "reboot_now"]);
}

#[tokio::test]
async fn a_phone_in_a_call_is_neither_told_again_nor_restarted() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    register(&freeswitch, TWO).await;
    let office = open(&[address]).await;
    office.login(ONE, "1001").await;
    for (tries, pause) in [(1, 30), (2, 60), (3, 120)] {
        until("it was told", || office.tries(ONE) == tries).await;
        office.pass(ONE, pause, true).await;
    }
    until("it was told", || office.tries(ONE) == 4).await;
    let (talk, _stream) = call(&freeswitch, ONE).await;
    until("the call is seen", || office.switch.status().nodes[0].channels == 1).await;
    office.pass(ONE, 240, true).await;
    until("it waits", || office.is_in_call(ONE)).await;
    let told_other = || syncs(&freeswitch, TWO).len() == 1;
    office.login(TWO, "1002").await;
    until("the other phone is told", told_other).await;
    assert_eq!(syncs(&freeswitch, ONE).len(), 4);
    talk.hang_up();
    until("it restarts", || office.tries(ONE) == 5).await;
    assert_eq!(syncs(&freeswitch, ONE)[4..], ["reboot_now"]);
}

#[tokio::test]
async fn a_restart_that_was_asked_for_speaks_the_phones_language_and_is_done_when_it_is_taken() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = open(&[address]).await;
    office.desk.restart(ONE.parse().unwrap(), Timestamp::now(), Actor::Command).await.unwrap();
    until("all is done", || office.wanted().is_empty()).await;
    assert_eq!(syncs(&freeswitch, ONE), ["reboot_now"]);
}

#[tokio::test]
async fn a_phone_is_not_told_again_and_again_because_the_store_cannot_write_that_it_was() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = open(&[address]).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    let file = office.folder.path().join("hotdeskd.db");
    let url = format!("sqlite://{}", file.display());
    let mut other = <sqlx::AnyConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let refuse =
        "CREATE TRIGGER refuse BEFORE UPDATE ON wanted BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(refuse).execute(&mut other).await.unwrap();
    office.login(ONE, "1001").await;
    until("it was told", || syncs(&freeswitch, ONE).len() == 1).await;
    // A round a second, as long as something was sent.
    sleep(Duration::from_millis(3_500)).await;
    assert_eq!(told(&freeswitch), [pair(ONE, "message-summary"), pair(ONE, "resync")]);
    assert_eq!(office.tries(ONE), 0);
    sqlx::query("DROP TRIGGER refuse").execute(&mut other).await.unwrap();
    office.pass(ONE, 0, true).await;
    until("it is written down", || office.tries(ONE) == 1).await;
    assert_eq!(syncs(&freeswitch, ONE).len(), 1);
}
