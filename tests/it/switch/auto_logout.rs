//! Who is logged out by themselves, with a FreeSWITCH that says who is in a call.

use hotdeskd::model::LogoutSettings;
use hotdeskd::switch::AutoLogouts;
use jiff::{SignedDuration, ToSpan as _, Zoned};

use super::*;

fn ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

/// Logs out by these settings, looking often.
fn keep(office: &Office, settings: &str) {
    let (switch, desk) = (office.switch.clone(), office.desk.clone());
    // Nobody is logged out before the emergency calls are known.
    let (listens, at_desk) = (switch.clone(), desk.clone());
    tokio::spawn(async move { listens.keep_emergencies(at_desk, CancellationToken::new()).await });
    let settings: LogoutSettings = toml::from_str(settings).unwrap();
    let look = Duration::from_millis(50);
    let logouts = AutoLogouts { look, ..AutoLogouts::new(settings) };
    tokio::spawn(async move { switch.keep_logouts(desk, logouts, CancellationToken::new()).await });
}

async fn sit_down(office: &Office, phone: &str, user: &str, when: Timestamp) {
    let (phone, user) = (phone.parse().unwrap(), user.parse().unwrap());
    office.desk.log_in(phone, user, LoginMode::Also, None, when, Actor::Command).await.unwrap();
}

fn is_seated(office: &Office, phone: &str) -> bool {
    office.desk.seated(phone.parse().unwrap()).is_some()
}

/// The time of the day of some minutes ago, in UTC.
fn some_minutes_ago() -> String {
    let then = Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC) - 5.minutes();
    format!("at = \"{}\"\ntime_zone = \"UTC\"", then.strftime("%H:%M"))
}

#[tokio::test]
async fn who_is_in_a_call_is_logged_out_when_it_is_over() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    register(&freeswitch, TWO).await;
    let (call, _stream) = call(&freeswitch, ONE).await;
    let office = Office::open(&[address]).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    sit_down(&office, ONE, "1001", ago(30)).await;
    sit_down(&office, TWO, "1002", ago(30)).await;
    keep(&office, &some_minutes_ago());
    until("the other one is logged out", || !is_seated(&office, TWO)).await;
    sleep(Duration::from_millis(300)).await;
    assert!(is_seated(&office, ONE));
    call.hang_up();
    until("the first one is too", || !is_seated(&office, ONE)).await;
    // And both phones are told.
    until("all is done", || office.wanted().is_empty()).await;
}

#[tokio::test]
async fn a_call_that_nobody_looked_at_while_it_lasted_counts_too() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    register(&freeswitch, TWO).await;
    let office = Office::open(&[address]).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    let watched = office
        .desk
        .store()
        .write(async |tx: &mut Tx<'_>| tx.save_last_calls(&[], Timestamp::now()).await);
    let watched: Result<(), hotdeskd::store::WriteError<DatabaseError>> = watched.await;
    watched.unwrap();
    sit_down(&office, ONE, "1001", ago(5)).await;
    sit_down(&office, TWO, "1002", ago(5)).await;
    let (call, _stream) = call(&freeswitch, ONE).await;
    until("it is seen", || office.switch.status().nodes[0].channels == 1).await;
    call.hang_up();
    until("it is over", || office.switch.status().nodes[0].channels == 0).await;
    keep(&office, "idle_hours = 4");
    until("the other one is logged out", || !is_seated(&office, TWO)).await;
    sleep(Duration::from_millis(300)).await;
    assert!(is_seated(&office, ONE));
    let kept = office.desk.store().last_calls().await.unwrap();
    assert!(kept.contains_key(&ONE.parse().unwrap()) && kept.len() == 1, "{kept:?}");
}

/// A daemon that was away for long does not know who called meanwhile.
#[tokio::test]
async fn after_a_long_absence_nobody_is_idle_yet() {
    let (freeswitch, address) = freeswitch().await;
    register(&freeswitch, ONE).await;
    let office = Office::open(&[address]).await;
    let stop = CancellationToken::new();
    let (switch, stopped) = (office.switch.clone(), stop.clone());
    tokio::spawn(async move { switch.keep_presence(Default::default(), stopped).await });
    until("the registration is kept", || {
        office.desk.store().memory().registration(ONE.parse().unwrap()).is_some()
    })
    .await;
    sit_down(&office, ONE, "1001", ago(5)).await;
    sit_down(&office, TWO, "1002", ago(5)).await;
    keep(&office, "idle_hours = 4");
    // Nobody can have called from a phone that was registered nowhere.
    until("the other one is logged out", || !is_seated(&office, TWO)).await;
    sleep(Duration::from_millis(300)).await;
    assert!(is_seated(&office, ONE));
    drop(stop);
}
