//! Grandstream: what its phones say they are and ask for, and what their files hold.

use super::routes::meaning;
use super::*;

#[test]
fn every_known_user_agent_is_read_rightly() {
    for (agent, model, version, mac) in [
        (
            "Grandstream Model HW GXP2135 SW 1.0.7.97 DevId 000b828aa872",
            "GXP2135",
            "1.0.7.97",
            "000b828aa872",
        ),
        (
            "Grandstream Model HW GXV3350  V1.3A SW 1.0.1.8 DevId c074ad150b88",
            "GXV3350",
            "1.0.1.8",
            "c074ad150b88",
        ),
        (
            "Grandstream Model HW GXV3240 V1.6B SW 1.0.1.27 DevId 000b82632815",
            "GXV3240",
            "1.0.1.27",
            "000b82632815",
        ),
        (
            "Grandstream GXP2000 (gxp2000e.bin:1.2.5.3/boot55e.bin:1.1.6.9) DevId 000b822726c8",
            "GXP2000",
            "1.2.5.3",
            "000b822726c8",
        ),
        ("Grandstream GRP2614 1.0.5.15", "GRP2614", "1.0.5.15", ""),
    ] {
        let (vendor, found, found_version, found_mac) = agents::read(agent).expect(agent);
        assert_eq!(vendor, "grandstream", "{agent}");
        assert_eq!((found.as_deref(), found_version.as_deref()), (Some(model), Some(version)));
        assert_eq!(found_mac.unwrap_or_default(), mac, "{agent}");
    }
}

#[test]
fn every_form_of_url_means_its_file() {
    let mac = "000b82123456";
    for (path, meant) in [
        ("cfg000b82123456.xml", format!("settings {mac}")),
        ("CFG000B82123456.XML", format!("settings {mac}")),
        ("index.php?mac=000b82123456&manuf=grandstream", format!("settings {mac}")),
        ("cfg000b82123456", text("absent")),
        ("cfg000b82123456.bin", text("absent")),
        ("cfggxp2135.xml", text("absent")),
        ("cfg.xml", text("absent")),
        ("phonebook.xml", text("book")),
        ("000b82123456/gs_phonebook.xml", format!("book {mac}")),
        ("GXP2170-1.0.11.79/gxp2170fw.bin", text("firmware GXP2170-1.0.11.79-gxp2170fw.bin")),
        ("gxp2170fw.bin", text("firmware gxp2170fw.bin")),
        ("GXP2170-1.0.11.79/../gxp2170fw.bin", text("nothing")),
        ("x/cfg000b82123456.xml", text("nothing")),
    ] {
        assert_eq!(meaning("grandstream", path), meant, "{path}");
    }
}

fn render(model: &str, change: impl FnOnce(&mut Context)) -> String {
    let grandstream = vendors().get("grandstream").unwrap();
    let mut context = somebody(grandstream, model, "000b82123456", "Ada Lovelace");
    change(&mut context);
    grandstream.render(grandstream.file("settings").unwrap(), Stage::Full, &context).unwrap()
}

#[test]
fn a_file_has_numbers_or_names_and_never_both() {
    for (model, named) in
        [("GXP2135", true), ("GRP2601P", true), ("GXP1628", false), ("GXV3350", false)]
    {
        let file = render(model, |context| {
            context.raw.insert(text("P9999"), SettingValue::Number(7));
            context.raw.insert(text("a.name"), SettingValue::Number(8));
        });
        assert_eq!(file.contains("<config version=\"2\">"), named, "{model}");
        assert_eq!(file.contains("<item name=\"a.name\">8</item>"), named, "{model}");
        assert_eq!(file.contains("<P9999>7</P9999>"), !named, "{model}");
        assert_eq!(file.contains("<item "), named, "{model}");
        assert_eq!(file.matches("<P").count() == 0, named, "{model}");
    }
}

#[test]
fn no_setting_stands_twice_and_the_operators_is_the_one() {
    for model in ["GXP2135", "GXP2160", "GXP1628", "GXP2120", "GXV3350"] {
        let file = render(model, |context| {
            context.raw.insert(text("P270"), SettingValue::Text(text("mine")));
            context.raw.insert(text("account.1.name"), SettingValue::Text(text("mine")));
        });
        assert_eq!(file.matches("mine").count(), 1, "{model}");
        let mut names = std::collections::BTreeSet::new();
        for line in
            file.lines().map(str::trim).filter(|l| l.starts_with("<P") || l.starts_with("<item"))
        {
            let name = line.split('>').next().unwrap();
            assert!(names.insert(name.to_owned()), "{model} {line}");
        }
    }
}

#[test]
fn times_are_as_the_phone_counts_them() {
    let file = render("GXP1628", |context| context.account.expires = 299);
    assert!(file.contains("<P32>4</P32>"), "minutes, and no more than were meant");
    for (offset, summer, zone) in [
        (3600, true, "STD-1DST-2,M3.5.0/2,M10.5.0/3"),
        (-12600, false, "STD3:30"),
        (0, false, "STD0"),
    ] {
        let file = render("GXP2135", |context| {
            context.time.offset = offset;
            context.time.summer = context.time.summer.take().filter(|_| summer);
        });
        let line = format!("<item name=\"dateTime.timezone.custom\">{zone}</item>");
        assert!(file.contains(&line), "{file}");
    }
}

#[test]
fn firmware_is_a_folder_of_its_model_and_version() {
    let firmware = |url: &str| {
        let firmware =
            crate::provisioning::context::Firmware { url: text(url), version: text("1") };
        render("GXP1628", |context| context.firmware = Some(firmware))
    };
    let file = firmware("https://prov.example.net/provision/GXP1628-1.0.7.13-gxp1600fw.bin");
    assert!(file.contains("<P192>prov.example.net/provision/GXP1628-1.0.7.13</P192>"), "{file}");
    let file =
        vendors().get("grandstream").unwrap().firmware_file("GXP1628-1.0.7.13-gxp1600fw.bin");
    let file = file.unwrap();
    assert_eq!(
        (file.model.as_deref(), file.version.as_deref()),
        (Some("GXP1628"), Some("1.0.7.13"))
    );
}
