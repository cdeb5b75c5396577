//! The story's second half: phones out of their boxes, that fetch their files and follow the people.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use jiff::tz::TimeZone;
use tokio::time::{Instant, sleep};

use super::office::Office;
use super::story::{converse, is_nobodys, is_of, scene, seen, words};
use crate::model::Stage;
use crate::provisioning::WayView;
use crate::simulator::Phone;
use crate::simulator::device::{Device, DeviceSettings, Vendor};

/// How long a phone may take until it shows who sits there.
const SOON: Duration = Duration::from_secs(15);

/// A phone in its box: vendor, the inventory's name of it and its model, its User-Agent's model, MAC
/// address, label, what DHCP says behind the address of the phones' listener.
type Boxed =
    (Vendor, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const BOXES: [Boxed; 2] = [
    (
        Vendor::Snom,
        "snom",
        "D785",
        "D785",
        "000413aa0012",
        "Desk 12",
        "/provision/index.php?mac={mac}&manuf=snom",
    ),
    (Vendor::Polycom, "polycom", "VVX 500", "VVX_500", "0004f2aa0013", "Desk 13", "/provision/"),
];

/// Who logs in at them: extension, name, keys.
const PEOPLE: [(&str, &str, &str); 2] =
    [("1001", "Ada Lovelace", "4711#"), ("1002", "Grace Hopper", "8240#")];

/// The label of a phone that came out of a box.
pub(super) fn label(mac: &str) -> Option<&'static str> {
    BOXES.iter().find(|(.., known, _, _)| *known == mac).map(|(.., label, _)| *label)
}

/// Tells it.
///
/// # Errors
/// A scene went otherwise.
pub(super) async fn tell(office: &Office) -> anyhow::Result<()> {
    let devices = unpack(office).await.context("phones out of their boxes")?;
    power_cut(office, &devices).await.context("a power cut")?;
    people_come(office, &devices).await.context("people at new phones")?;
    somebody_else(office, &devices).await.context("a new face at a new phone")?;
    people_go(office, &devices).await.context("new phones are nobody's again")
}

fn title(device: &Device) -> &'static str {
    title_of(&device.settings().mac.to_string())
}

fn phone(device: &Device) -> anyhow::Result<Phone> {
    device.phone().with_context(|| format!("{} was told nobody to be", title(device)))
}

async fn unpack(office: &Office) -> anyhow::Result<Vec<Device>> {
    scene(
        "Two phones come out of their boxes. DHCP tells them where hotdeskd is, and nothing else.",
    );
    let mut devices = Vec::new();
    for (vendor, name, model, agent, mac, label, dhcp) in BOXES {
        office
            .run(&["phones", "add", mac, "--vendor", name, "--model", model, "--label", label])
            .await?;
        let mut settings = DeviceSettings::new(vendor, agent, mac.parse()?);
        settings.dhcp = Some(format!("{}{dhcp}", office.phones_url()));
        let device = Device::new(settings)?;
        ensure!(office.rehearsal.switch().attach(&device), "too many phones");
        let booted = device.boot().await;
        ensure!(booted.from.contains("/p/"), "{label} ended at {}", booted.from);
        let registered = device.registration().context("it never registered")?;
        registered.with_context(|| format!("{label} cannot register"))?;
        is_nobodys(office, &phone(&device)?).await?;
        seen(&format!(
            "{label}, a {name} {model}: asked with its bare MAC address, was given a URL of its own and nothing else,"
        ));
        seen(&format!(
            "fetched its files there ({} requests), and registered as itself. {}",
            booted.requests.len(),
            display(&device)
        ));
        devices.push(device);
    }
    way(office, &devices).await?;
    Ok(devices)
}

/// What `phones show` says of a phone's way.
#[derive(serde::Deserialize)]
struct OnItsWay {
    way: WayView,
}

/// Tells the way of the first of them, once it is at its end.
async fn way(office: &Office, devices: &[Device]) -> anyhow::Result<()> {
    let mac = devices.first().context("two phones")?.settings().mac.to_string();
    let until = Instant::now() + SOON;
    let steps = loop {
        let shown = office.run(&["phones", "show", &mac, "--json"]).await?;
        let OnItsWay { way } = serde_json::from_str(&shown)?;
        if way.stage == Stage::Shown {
            break way.steps;
        }
        ensure!(Instant::now() < until, "{} is only {}", title_of(&mac), way.stage);
        sleep(Duration::from_millis(100)).await;
    };
    let told = steps.iter().map(|step| {
        let at =
            step.at.map(|at| at.to_zoned(TimeZone::system()).strftime(" %H:%M:%S").to_string());
        format!("{}{}", step.stage.title(), at.unwrap_or_default())
    });
    let told: Vec<String> = told.collect();
    seen(&format!("The way of {}, as `hotdeskd phones show {mac}` has it:", title_of(&mac)));
    seen(&format!("{}. Whatever stops is in `hotdeskd phones list --stuck`.", told.join(", ")));
    Ok(())
}

fn title_of(mac: &str) -> &'static str {
    label(mac).unwrap_or("a phone")
}

/// What a person in front of the phone sees.
fn display(device: &Device) -> String {
    let shown = device.display();
    let keys: Vec<String> = shown.keys.iter().map(|key| key.label.clone()).collect();
    let idle = shown.idle.map(|idle| format!(", \"{idle}\"")).unwrap_or_default();
    format!("Its display: {}{idle}; keys: {}.", shown.label.unwrap_or_default(), keys.join(", "))
}

async fn power_cut(office: &Office, devices: &[Device]) -> anyhow::Result<()> {
    scene("A power cut. Both boot again, and DHCP still says what it said.");
    for device in devices {
        let booted = device.boot().await;
        ensure!(booted.from.contains("/p/"), "{} ended at {}", title(device), booted.from);
        is_nobodys(office, &phone(device)?).await?;
        seen(&format!("{} ended at its own files again.", title(device)));
    }
    Ok(())
}

/// Waits until the phone shows this label, and the daemon knows that it does. Gives how long it took.
async fn shows(office: &Office, device: &Device, label: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < SOON {
        let there = device.display().label.as_deref() == Some(label);
        let mac = device.settings().mac.to_string();
        if there && office.run(&["phones", "why", &mac]).await?.contains("It shows what it should")
        {
            return Ok(begun.elapsed());
        }
        sleep(Duration::from_millis(50)).await;
    }
    bail!("{} still shows {:?}", title(device), device.display().label)
}

async fn people_come(office: &Office, devices: &[Device]) -> anyhow::Result<()> {
    scene("Ada sits down at Desk 12, Grace at Desk 13.");
    for (device, (extension, name, pin)) in devices.iter().zip(PEOPLE) {
        let phone = phone(device)?;
        let heard = converse(office, &phone, &format!("*11{extension}"), &[pin]).await?;
        is_of(office, &phone, extension, name).await.with_context(|| words(&heard))?;
        let took = shows(office, device, extension).await?;
        let book = device.display().phone_book.len();
        seen(&format!(
            "{} is {name}'s. After {:.1} s it shows that, without a reboot, and hotdeskd knows that it does.",
            title(device),
            took.as_secs_f64()
        ));
        seen(&format!("{} The phone book has {book} entries.", display(device)));
    }
    Ok(())
}

async fn somebody_else(office: &Office, devices: &[Device]) -> anyhow::Result<()> {
    scene(
        "Ada forwards her calls at Desk 12 and goes. Alan (1003) takes the desk over with *12: he keeps Desk 1.",
    );
    let [snom, ..] = devices else { bail!("two phones") };
    ensure!(snom.set_forwarding(Some("0800555")).await.allowed, "Ada may not forward");
    let phone = phone(snom)?;
    converse(office, &phone, "*121003", &["9173#"]).await?;
    is_of(office, &phone, "1003", "Alan Turing").await?;
    shows(office, snom, "1003").await?;
    ensure!(snom.display().forwarding.is_none(), "Ada's forwarding stayed");
    seen(&format!("Nothing of Ada's is left, her forwarding is off. {}", display(snom)));
    Ok(())
}

async fn people_go(office: &Office, devices: &[Device]) -> anyhow::Result<()> {
    scene("Both leave, and dial *13.");
    for (device, pin) in devices.iter().zip(["9173#", "8240#"]) {
        let phone = phone(device)?;
        converse(office, &phone, "*13", &[pin]).await?;
        is_nobodys(office, &phone).await?;
        shows(office, device, title(device)).await?;
        seen(&format!("{} is nobody's. {}", title(device), display(device)));
    }
    let mac = devices.first().context("two phones")?.settings().mac.to_string();
    let why = office.run(&["phones", "why", &mac]).await?;
    let last = why.lines().last().context("`phones why` is silent")?;
    seen(&format!("`hotdeskd phones why {mac}` has each request, and ends: {}", last.trim()));
    Ok(())
}
