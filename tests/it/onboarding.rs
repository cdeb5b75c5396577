//! From a list of MAC addresses to phones that work: imported, registered with the redirection service, first contact
//! there or by SIP PnP, configured, registered at FreeSWITCH, confirmed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotdeskd::simulator::device::{Device, DeviceSettings, Vendor};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::redirection::ok;
use crate::support::redirection::RedirectionServer;
use crate::support::{Office, Plan, free_address};

/// How many phones start at the same time, as when a floor is unpacked.
const AT_ONCE: usize = 32;

/// A phone of the list, and how it finds us.
struct Boxed {
    mac: String,
    vendor: Vendor,
    model: &'static str,
    by_pnp: bool,
}

/// Four of five are Snom's and come by the redirection service, the fifth is Yealink's and asks its network.
fn delivered(count: usize) -> Vec<Boxed> {
    let one = |at| match at % 5 {
        4 => Boxed {
            mac: format!("805ec0{at:06x}"),
            vendor: Vendor::Yealink,
            model: "T54W",
            by_pnp: true,
        },
        _ => Boxed {
            mac: format!("000413{at:06x}"),
            vendor: Vendor::Snom,
            model: "D785",
            by_pnp: false,
        },
    };
    (0..count).map(one).collect()
}

/// The list as the one who bought them has it.
fn list(phones: &[Boxed]) -> String {
    let mut text = "MAC address;Model;Name;Location;Tags\r\n".to_owned();
    for (at, phone) in phones.iter().enumerate() {
        let mac = phone.mac.to_uppercase();
        let floor = at / 40 + 1;
        let _ = write!(
            text,
            "{mac};{};Desk {};Building 1, floor {floor};new floor-{floor}\r\n",
            phone.model,
            at + 1
        );
    }
    text
}

/// The phone out of its box: the URL that its way gives it, then all that it does by itself.
async fn unpack(phone: Boxed, office: &Office, redirected: Option<String>, pnp: SocketAddr) {
    let mut settings = DeviceSettings::new(phone.vendor, phone.model, phone.mac.parse().unwrap());
    settings.redirection = redirected;
    if phone.by_pnp {
        let url = settings.ask_by_pnp(pnp).await.unwrap().expect(&phone.mac);
        assert!(!url.contains("/p/"), "a URL with a key: {url}");
    }
    settings.deadline = Duration::from_secs(30);
    let device = Device::new(settings).unwrap();
    assert!(office.switch.attach(&device));
    let booted = device.boot().await;
    assert!(booted.from.contains("/p/"), "{}: {booted:#?}", phone.mac);
    assert!(device.registration().expect(&phone.mac).is_ok(), "{}: {booted:#?}", phone.mac);
}

/// How many phones are at each stage.
fn stages(office: &Office) -> BTreeMap<String, u64> {
    let told: Value =
        serde_json::from_str(&ok(office, &["phones", "stages", "--json"])).expect("JSON");
    let stages = told["stages"].as_object().unwrap().iter();
    stages.map(|(stage, count)| (stage.clone(), count.as_u64().unwrap())).collect()
}

/// So many phones, the whole way. Tells each step with its time.
async fn onboard(count: usize) {
    let step = |what: &str, since: Instant, told: &str| {
        let seconds = since.elapsed().as_secs_f64();
        println!(
            "{what:<34} {seconds:>7.1} s   {}",
            told.lines().rfind(|line| line.ends_with('.')).unwrap_or_default()
        );
    };
    let service = RedirectionServer::start();
    let pnp = free_address();
    let tables = service.table("")
        + &format!(
            "[pnp]\nenabled = true\nmulticast = false\nlisten = \"{pnp}\"\nper_second = 1000\n"
        );
    let office = Arc::new(Office::closed(Plan { tables, ..Plan::default() }).await);
    office.start().await;
    let (begun, phones) = (Instant::now(), delivered(count));
    let snoms = phones.iter().filter(|phone| !phone.by_pnp).count();
    let file = office.path("delivered.csv");
    std::fs::write(&file, list(&phones)).unwrap();
    let file = file.to_str().unwrap();

    let at = Instant::now();
    let told = ok(&office, &["phones", "import", file, "--dry-run"]);
    assert!(told.contains(&format!("A dry run: {count} new, 0 changed")), "{told}");
    step("phones import --dry-run", at, &told);
    let at = Instant::now();
    let told = ok(&office, &["phones", "import", file]);
    assert!(told.contains(&format!("Imported: {count} new, 0 changed")), "{told}");
    step("phones import", at, &told);
    let at = Instant::now();
    let told = ok(&office, &["redirection", "plan"]);
    assert!(told.contains(&format!("{snoms} to register")), "{told}");
    step("redirection plan", at, &told);
    let at = Instant::now();
    let told = ok(&office, &["redirection", "apply"]);
    assert!(told.contains(&format!("{snoms} registered, 0 changed")), "{told}");
    step("redirection apply", at, &told);
    let there = stages(&office);
    assert_eq!(there["redirected"], snoms as u64, "{there:?}");
    assert_eq!(there["imported"], (count - snoms) as u64, "{there:?}");

    let at = Instant::now();
    let held = service.phones();
    let (turn, mut unpacked) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for phone in phones {
        let (office, turn) = (office.clone(), turn.clone());
        // The service keeps MAC addresses in upper case.
        let redirected = held.get(&phone.mac.to_uppercase()).map(|(_, url)| url.clone());
        assert_eq!(redirected.is_none(), phone.by_pnp, "{}", phone.mac);
        unpacked.spawn(async move {
            let _turn = turn.acquire_owned().await.unwrap();
            unpack(phone, &office, redirected, pnp).await;
        });
    }
    while let Some(done) = unpacked.join_next().await {
        done.unwrap();
    }
    step("out of their boxes, and registered", at, "");
    let at = Instant::now();
    let until = at + Duration::from_secs(120);
    while stages(&office)["shown"] < count as u64 {
        assert!(Instant::now() < until, "{}", ok(&office, &["phones", "stages"]));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    step("all of them known to show it", at, "");
    let table = ok(&office, &["phones", "stages"]);
    assert!(table.contains("0 stuck") && table.contains("0 moved"), "{table}");
    step("from the list to the last phone", begun, "");
    println!("\n{table}");
    assert_eq!(ok(&office, &["phones", "list", "--stuck"]).trim(), "No phone is stuck.");
    // Once each, and nothing is left to do.
    let registered = service.count("redirect.registerPhone");
    assert_eq!((registered.len(), registered.values().max()), (snoms, Some(&1)));
    let told = ok(&office, &["redirection", "plan"]);
    assert!(told.contains(&format!("{snoms} fine")), "{told}");
    // Told by hand of one of them.
    let told = ok(&office, &["phones", "why", "000413000001"]);
    assert!(told.contains("It is enrolled, by its key."), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_of_phones_goes_from_a_list_to_desks() {
    onboard(60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "as long as a real delivery: `tests/run --all`, `benches/onboarding`"]
async fn a_thousand_phones_go_from_a_list_to_desks() {
    onboard(1_000).await;
}
