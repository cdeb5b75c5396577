//! `hotdeskd dhcp print`: the real servers take it, and tell phones what they should.

mod client;
mod servers;

use std::path::Path;

use serde_json::json;

use crate::support::Office;
use crate::support::network::Network;
use client::{Offer, discover};
use servers::{Kind, Running, test};

const SERVERS: [(&str, Kind); 3] =
    [("isc", Kind::Isc), ("kea", Kind::Kea), ("dnsmasq", Kind::Dnsmasq)];

fn printed(office: &Office, arguments: &[&str]) -> String {
    let output = office.run(&[&["dhcp", "print"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_inventory_says_for_which_vendors_and_an_empty_one_for_all() {
    let office = Office::closed(Default::default()).await;
    for (server, _) in SERVERS {
        let all = printed(&office, &[server]);
        for title in ["Cisco", "Fanvil", "Gigaset", "Grandstream", "Polycom", "Snom", "Yealink"] {
            assert!(all.contains(&format!(" {title}\n")), "{server}: {title}: {all}");
        }
        assert_eq!(printed(&office, &[server, "--all"]), all);
    }
    office.start().await;
    for (mac, vendor) in [("805ec0aa0001", None), ("00aabb000001", Some("snom"))] {
        office.put(&format!("phones/{mac}"), json!({ "vendor": vendor })).await;
    }
    for (server, _) in SERVERS {
        let some = printed(&office, &[server]);
        assert!(some.contains(" Yealink\n") && some.contains(" Snom\n"), "{some}");
        assert!(!some.contains("Polycom") && !some.contains("Cisco"), "{some}");
        // The phones' own keys are in no file that others read.
        assert!(!some.contains("/p/") && some.contains(&office.config.phones_url()), "{some}");
        assert!(printed(&office, &[server, "--all"]).contains(" Polycom\n"));
    }
    // Before there is a configuration.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hotdeskd"));
    let output =
        command.args(["--config", "/nowhere/hotdeskd.toml", "dhcp", "print", "kea"]).output();
    let told = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(told.contains("no configuration yet") && told.contains("example.net:8085"), "{told}");
}

#[tokio::test]
async fn each_server_takes_its_file() {
    let office = Office::closed(Default::default()).await;
    let folder = tempfile::tempdir().unwrap();
    for (server, kind) in SERVERS {
        test(kind, &printed(&office, &[server]), folder.path()).unwrap();
        // That what it refuses is seen.
        assert!(test(kind, "dhcp-optin x;", folder.path()).is_err(), "{server}");
    }
}

/// What a device is told that says it is one of these.
struct Device {
    name: &'static str,
    mac: &'static str,
    /// Its vendor class.
    class: Option<&'static [u8]>,
    /// Options 66, 67, 160, 114.
    told: [Option<&'static str>; 4],
    /// Option 43: as `66 <length> … 67 <length> …`, as a text, or none.
    inside: Inside,
}

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Nothing,
    ServerAndPath,
    Text(&'static str),
}

const FOLDER: Option<&str> = Some("URL/provision/");
const SNOM: [Option<&str>; 4] =
    [Some("URL"), Some("provision/index.php?mac={mac}&manuf=snom"), None, None];
const CISCO: [Option<&str>; 4] = [Some("URL/provision/$MA.xml"), None, None, None];
const FANVIL: &str = "URL/provision/$mac.cfg";
const NOTHING: [Option<&str>; 4] = [None; 4];

const fn device(
    name: &'static str,
    mac: &'static str,
    class: Option<&'static [u8]>,
    told: [Option<&'static str>; 4],
) -> Device {
    Device { name, mac, class, told, inside: Inside::Nothing }
}

/// Number 13885 of RFC 3925, and a part number in a suboption.
const POLYCOM: &[u8] = b"\x00\x00\x36\x3d\x10\x01\x0e3111-46135-002";

const DEVICES: [Device; 16] = [
    Device {
        inside: Inside::ServerAndPath,
        ..device("Snom", "000413aabb01", Some(b"snomD785"), SNOM)
    },
    Device {
        inside: Inside::ServerAndPath,
        ..device("Snom's M700", "00087baabb01", Some(b"snomM700"), SNOM)
    },
    // dnsmasq puts nothing inside where there is no class; what is inside is looked at below.
    device("an old Snom", "000413aabb02", None, SNOM),
    device("Polycom", "0004f2aabb01", Some(POLYCOM), [FOLDER, None, FOLDER, None]),
    device(
        "Polycom set to ASCII",
        "64167faabb01",
        Some(b"Polycom-VVX500"),
        [FOLDER, None, FOLDER, None],
    ),
    device("Yealink", "805ec0aabb01", Some(b"yealink"), [FOLDER, None, None, None]),
    device(
        "Grandstream",
        "c074adaabb01",
        Some(b"Grandstream GXP2135"),
        [Some("URL/provision"), None, None, None],
    ),
    device("SPA504G", "0011229900aa", Some(b"Cisco SPA504G"), CISCO),
    device("SPA504G, long", "0011229900ab", Some(b"Cisco Systems, Inc. IP Phone SPA504G"), CISCO),
    device("SPA-942", "0011229900ac", Some(b"LINKSYS SPA-942"), CISCO),
    device("MPP", "0011229900ad", Some(b"CP-7841-3PCC"), CISCO),
    device(
        "Cisco's call manager's",
        "00562b9900ae",
        Some(b"Cisco Systems, Inc. IP Phone CP-7841"),
        NOTHING,
    ),
    device("a switch of Cisco's", "8843e19900af", None, NOTHING),
    Device {
        inside: Inside::Text(FANVIL),
        ..device("Fanvil", "0c383eaabb01", None, [Some(FANVIL), None, None, None])
    },
    device(
        "N720",
        "7c2f80aabb01",
        Some(b"Gigaset_N720_DM_PRO"),
        [Some("URL/provision/%MACD.xml"), None, None, Some("URL/provision/%MACD.xml")],
    ),
    device("somebody's computer", "0011229900b0", Some(b"MSFT 5.0"), NOTHING),
];

fn check(kind: Kind, device: &Device, offer: &Offer, url: &str) {
    let name = format!("{kind:?}: {}", device.name);
    for (code, told) in [66, 67, 160, 114].into_iter().zip(device.told) {
        let told = told.map(|told| told.replace("URL", url));
        assert_eq!(offer.text(code), told, "{name}: option {code}");
    }
    match device.inside {
        Inside::Text(text) => assert_eq!(offer.text(43), Some(text.replace("URL", url)), "{name}"),
        Inside::ServerAndPath => {
            let inside = offer.inside();
            let [server, path, ..] = device.told;
            let told = |text: Option<&str>| text.map(|text| text.replace("URL", url));
            assert_eq!(inside.text(66), told(server), "{name}");
            assert_eq!(inside.text(67), told(path), "{name}");
        }
        // What it says without a class is no harm, and not the same everywhere.
        Inside::Nothing if device.class.is_none() && device.told[1].is_some() => {}
        Inside::Nothing => assert_eq!(offer.text(43), None, "{name}"),
    }
}

async fn answers(kind: Kind, server: &str, network: &Network) {
    let office = Office::closed(Default::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let url = office.config.phones_url();
    let _running = Running::start(kind, &printed(&office, &[server]), folder.path(), network);
    for device in &DEVICES {
        let offer = discover(device.mac, device.class);
        check(kind, device, &offer, &url);
    }
    // Where only the class tells; dnsmasq cannot look for bytes.
    let offer = discover("0011229900b1", Some(POLYCOM));
    let told = (kind != Kind::Dnsmasq).then(|| format!("{url}/provision/"));
    assert_eq!((offer.text(66), offer.text(160)), (told.clone(), told), "{kind:?}");
}

#[tokio::test]
async fn phones_are_told_by_dnsmasq() {
    let Some(network) = Network::enter("dhcp::phones_are_told_by_dnsmasq") else { return };
    answers(Kind::Dnsmasq, "dnsmasq", &network).await;
}

#[tokio::test]
async fn phones_are_told_by_kea() {
    let Some(network) = Network::enter("dhcp::phones_are_told_by_kea") else { return };
    answers(Kind::Kea, "kea", &network).await;
}

#[tokio::test]
async fn phones_are_told_by_dhcpd() {
    let Some(network) = Network::enter("dhcp::phones_are_told_by_dhcpd") else { return };
    answers(Kind::Isc, "isc", &network).await;
}

/// Writes a file of the test.
fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
