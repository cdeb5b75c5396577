//! Phones that nobody added: from a network that is listed they are added as nobody's desk.

use hotdeskd::simulator::device::{Device, DeviceSettings, Vendor};

use crate::support::{Office, Plan};

async fn office(table: &str) -> Office {
    Office::with(Plan {
        provisioning: format!("[provisioning.enrolment]\n{table}\n"),
        ..Plan::default()
    })
    .await
}

fn device(office: &Office, mac: &str) -> Device {
    let mut settings = DeviceSettings::new(Vendor::Snom, "D785", mac.parse().unwrap());
    settings.dhcp = Some(format!("{}/provision/", office.config.phones_url()));
    let device = Device::new(settings).unwrap();
    assert!(office.switch.attach(&device));
    device
}

#[tokio::test]
async fn a_phone_from_a_listed_network_is_added_as_nobodys_desk() {
    let office = office("add_unknown_from = [\"127.0.0.0/8\"]").await;
    let device = device(&office, "000413aa0077");
    let booted = device.boot().await;
    assert!(booted.from.contains("/p/"), "{booted:#?}");
    assert!(device.registration().unwrap().is_ok());
    let phone = office.get("phones/000413aa0077").await;
    assert_eq!((phone["vendor"].as_str(), phone["model"].as_str()), (Some("snom"), Some("D785")));
    assert_eq!(phone["owner"], serde_json::Value::Null);
    // Only what could be a phone: an address of no vendor that we know is nobody.
    let bare = format!("{}/provision/020000000001.cfg", office.config.phones_url());
    assert_eq!(reqwest::get(bare).await.unwrap().status(), 401);
    assert!(office.admin(reqwest::Method::GET, "phones/020000000001", None).await.is_err());
}

#[tokio::test]
async fn a_phone_from_anywhere_else_is_not() {
    let office = office("add_unknown_from = [\"192.0.2.0/24\"]").await;
    let device = device(&office, "000413aa0077");
    assert!(!device.boot().await.from.contains("/p/"));
    assert!(office.admin(reqwest::Method::GET, "phones/000413aa0077", None).await.is_err());
}
