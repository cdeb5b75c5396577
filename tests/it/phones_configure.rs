//! Phones configure themselves: each vendor's phone from its box to somebody's desk and back, with DHCP's
//! bare URL still there at every boot.

use hotdeskd::simulator::device::{Device, DeviceSettings, Vendor};
use serde_json::json;

use crate::support::{Office, USERS, until};

/// A phone of each vendor, as its box says it.
struct Sample {
    vendor: Vendor,
    name: &'static str,
    /// As its User-Agent says it.
    model: &'static str,
    /// As the inventory has it.
    listed: &'static str,
    mac: &'static str,
    /// What DHCP says, behind the address of the phones' listener.
    dhcp: &'static str,
    /// Its own URL ends like this.
    own: &'static str,
}

const SAMPLES: &[Sample] = &[
    Sample {
        vendor: Vendor::Snom,
        name: "snom",
        model: "D785",
        listed: "D785",
        mac: "000413aa0001",
        dhcp: "/provision/index.php?mac={mac}&manuf=snom",
        own: "/000413AA0001.xml",
    },
    Sample {
        vendor: Vendor::Snom,
        name: "snom",
        model: "320",
        listed: "320",
        mac: "000413aa0002",
        dhcp: "/provision/",
        own: "/000413AA0002.xml",
    },
    Sample {
        vendor: Vendor::Polycom,
        name: "polycom",
        model: "VVX_500",
        listed: "VVX 500",
        mac: "0004f2aa0011",
        dhcp: "/provision/",
        own: "/",
    },
    Sample {
        vendor: Vendor::Polycom,
        name: "polycom",
        model: "SPIP_335",
        listed: "SoundPoint IP 335",
        mac: "0004f2aa0012",
        dhcp: "/provision/",
        own: "/",
    },
    Sample {
        vendor: Vendor::Yealink,
        name: "yealink",
        model: "T54W",
        listed: "T54W",
        mac: "805ec0aa0021",
        dhcp: "/provision/",
        own: "/805ec0aa0021.cfg",
    },
    Sample {
        vendor: Vendor::Yealink,
        name: "yealink",
        model: "T46G",
        listed: "SIP-T46G",
        mac: "001565aa0022",
        dhcp: "/provision/index.php?mac=$MAC&manuf=yealink",
        own: "/001565aa0022.cfg",
    },
    Sample {
        vendor: Vendor::Grandstream,
        name: "grandstream",
        model: "GXP2135",
        listed: "GXP2135",
        mac: "000b82aa0031",
        dhcp: "/provision",
        own: "/cfg000b82aa0031.xml",
    },
    Sample {
        vendor: Vendor::Grandstream,
        name: "grandstream",
        model: "GXP1628",
        listed: "GXP1628",
        mac: "c074adaa0032",
        dhcp: "/provision/",
        own: "/cfgc074adaa0032.xml",
    },
    Sample {
        vendor: Vendor::Fanvil,
        name: "fanvil",
        model: "X4U",
        listed: "X4U",
        mac: "0c383eaa0041",
        dhcp: "/provision/$mac.cfg",
        own: "/0c383eaa0041.cfg",
    },
    Sample {
        vendor: Vendor::Fanvil,
        name: "fanvil",
        model: "X4",
        listed: "X4",
        mac: "00a859aa0042",
        dhcp: "/provision/Fanvil/$mac.cfg",
        own: "/00a859aa0042.cfg",
    },
    // A file name without a MAC address: the User-Agent has it.
    Sample {
        vendor: Vendor::Cisco,
        name: "cisco",
        model: "SPA504G",
        listed: "SPA504G",
        mac: "8843e1aa0021",
        dhcp: "/provision/spa$PSN.cfg",
        own: "/8843e1aa0021.xml",
    },
    // A serial number in the User-Agent that looks like a MAC address.
    Sample {
        vendor: Vendor::Cisco,
        name: "cisco",
        model: "SPA-942",
        listed: "SPA942",
        mac: "00e16daa0022",
        dhcp: "/provision/index.php?mac=$MA&manuf=cisco",
        own: "/00e16daa0022.xml",
    },
    Sample {
        vendor: Vendor::Cisco,
        name: "cisco",
        model: "8851",
        listed: "CP-8851-3PCC",
        mac: "00562baa0023",
        dhcp: "/provision/$MA.xml",
        own: "/00562baa0023.xml",
    },
];

const ADA: &str = "1001";

impl Sample {
    /// The phone, on a network whose DHCP points at the daemon, and in the inventory.
    async fn plugged_into(&self, office: &Office) -> Device {
        let phone = json!({ "vendor": self.name, "model": self.listed, "label": "Desk 12" });
        office.put(&format!("phones/{}", self.mac), phone).await;
        let mut settings = DeviceSettings::new(self.vendor, self.model, self.mac.parse().unwrap());
        settings.dhcp = Some(format!("{}{}", office.config.phones_url(), self.dhcp));
        let device = Device::new(settings).unwrap();
        assert!(office.switch.attach(&device));
        device
    }

    async fn shows(&self, office: &Office, device: &Device, label: &str) {
        until(&format!("{} shows {label}", self.model), async || {
            device.display().label.as_deref() == Some(label)
        })
        .await;
        until("the change is confirmed", async || {
            let phone = office.get(&format!("phones/{}", self.mac)).await;
            !phone["pending"].as_array().unwrap().contains(&json!("resync"))
        })
        .await;
    }
}

#[tokio::test]
async fn a_phone_ends_at_its_own_files_at_each_boot_although_dhcp_says_otherwise() {
    let office = Office::open().await;
    for sample in SAMPLES {
        let device = sample.plugged_into(&office).await;
        for boot in 1..=3 {
            let booted = device.boot().await;
            let told = format!("{} boot {boot}: {booted:#?}", sample.model);
            assert!(booted.from.contains("/p/"), "{told}");
            assert!(booted.from.ends_with(sample.own), "{told}");
            let identity = device.identity().expect(&told);
            assert_eq!(
                (identity.user.as_str(), identity.domain.as_str()),
                (sample.mac, "office.test")
            );
            assert!((120..=300).contains(&identity.expires), "{told}");
            assert!(device.registration().expect(&told).is_ok(), "{told}");
            let display = device.display();
            assert_eq!(display.label.as_deref(), Some("Desk 12"), "{told}");
            assert_eq!(display.mailbox, None, "{told}");
            assert!(display.keys.iter().any(|key| key.value.contains("*11")), "{display:#?}");
            assert!(
                display.phone_book.iter().any(|contact| contact.number == ADA),
                "{:?}",
                display.phone_book
            );
        }
        // The window was used up by the first boot.
        let bare = format!("{}/provision/{}.cfg", office.config.phones_url(), sample.mac);
        assert_eq!(reqwest::get(bare).await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn a_phone_becomes_its_users_and_nobodys_again_without_a_reboot() {
    let office = Office::open().await;
    let keys =
        json!([{ "number": "1002", "label": "Grace" }, { "kind": "speed", "number": "0800123" }]);
    office.user(ADA, json!({ "name": "Ada Lovelace", "keys": keys }), USERS[0].2).await;
    for sample in SAMPLES {
        let device = sample.plugged_into(&office).await;
        device.boot().await;
        let phone = device.phone().unwrap();
        office.log_in(&phone, &format!("*11{ADA}"), USERS[0].2).await;
        sample.shows(&office, &device, ADA).await;
        let display = device.display();
        assert_eq!(display.mailbox.as_deref(), Some("*98"), "{display:#?}");
        let has = |value: &str| display.keys.iter().any(|key| key.value.contains(value));
        assert!(has("*13"), "{display:#?}");
        // Ada's own, where the model has keys for them.
        assert_eq!(has("1002"), sample.model != "SPIP_335", "{display:#?}");
        assert_eq!(display.forwarding, None, "another desk's: {}", sample.model);
        // What Ada does at the phone is gone with her.
        let forwards = device.set_forwarding(Some("0800555")).await.allowed;
        assert_eq!(forwards, sample.vendor != Vendor::Grandstream, "it has no forwarding");
        assert_eq!(device.display().forwarding.is_some(), forwards, "{}", sample.model);
        let heard = office.converse(&phone, "*13", &[&format!("{}#", USERS[0].2)]).await;
        assert!(!heard.is_empty());
        sample.shows(&office, &device, "Desk 12").await;
        let display = device.display();
        assert_eq!((display.mailbox, display.forwarding), (None, None), "{}", sample.model);
        assert!(!display.keys.iter().any(|key| key.value.contains("1002")), "{:#?}", display.keys);
        let why = office.run(&["phones", "why", sample.mac]);
        let why = String::from_utf8(why.stdout).unwrap();
        assert!(why.contains("It is enrolled, by its key."), "{why}");
        assert!(why.contains("It shows what it should: nobody."), "{why}");
    }
    let (happened, _) = office.happened(0).await;
    let times = |what: &str| happened.iter().filter(|happened| *happened == what).count();
    assert_eq!(times("phone-enrolled"), SAMPLES.len());
    assert_eq!(times("shown"), 2 * SAMPLES.len(), "{happened:?}");
    assert_eq!(times("not-shown"), 0);
}
