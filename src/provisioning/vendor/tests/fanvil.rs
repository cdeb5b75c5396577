//! Fanvil: what its phones say they are and ask for, and what their files hold.

use super::routes::meaning;
use super::*;

#[test]
fn every_known_user_agent_is_read_rightly() {
    for (agent, model, version, mac) in [
        // A model may hold a blank.
        ("Fanvil X6U Pro 0.0.10 0c383e2cd782", "X6U Pro", "0.0.10", "0c383e2cd782"),
        ("Fanvil X4 2.10.2.6887 0c383e07e16c", "X4", "2.10.2.6887", "0c383e07e16c"),
        ("Fanvil X5U-V2 2.12.16.17 0c383e557eb1", "X5U-V2", "2.12.16.17", "0c383e557eb1"),
        ("Fanvil i10SV 2.12.10.1 0c383e2397f4", "i10SV", "2.12.10.1", "0c383e2397f4"),
        ("Fanvil X4U 2.12.20", "X4U", "2.12.20", ""),
    ] {
        let (vendor, found, found_version, found_mac) = agents::read(agent).expect(agent);
        assert_eq!(vendor, "fanvil", "{agent}");
        assert_eq!((found.as_deref(), found_version.as_deref()), (Some(model), Some(version)));
        assert_eq!(found_mac.unwrap_or_default(), mac, "{agent}");
    }
}

#[test]
fn every_form_of_url_means_its_file() {
    let mac = "0c383e2cd782";
    for (path, meant) in [
        ("0c383e2cd782.cfg", format!("settings {mac}")),
        ("Fanvil/0C383E2CD782.cfg", format!("settings {mac}")),
        ("index.php?mac=0c383e2cd782&manuf=Fanvil", format!("settings {mac}")),
        ("F0V00X200000.cfg", text("absent")),
        ("Fanvil/f0X2hw1.100.cfg", text("absent")),
        ("fanvil_x4u_v2_hwv2_0.txt", text("absent")),
        ("book.xml", text("book")),
        ("firmware/X4-2.14.0.z", text("firmware X4-2.14.0.z")),
        ("Fanvil/firmware/x4upro-fanvil-release.z", text("firmware x4upro-fanvil-release.z")),
        ("firmware/../x.z", text("nothing")),
        ("x/0c383e2cd782.cfg", text("nothing")),
    ] {
        assert_eq!(meaning("fanvil", path), meant, "{path}");
    }
}

fn render(model: &str, stage: Stage, change: impl FnOnce(&mut Context)) -> String {
    let fanvil = vendors().get("fanvil").unwrap();
    let mut context = somebody(fanvil, model, "0c383e2cd782", "Ada Lovelace");
    change(&mut context);
    fanvil.render(fanvil.file("settings").unwrap(), stage, &context).unwrap()
}

#[test]
fn a_model_is_given_its_own_form_with_a_version_that_sorts() {
    for (model, root) in [
        ("X4", "VOIP_CONFIG_FILE"),
        ("X5S", "VOIP_CONFIG_FILE"),
        ("X4U", "sysConf"),
        ("X6U Pro", "sysConf"),
        ("V65", "sysConf"),
        ("unheard of", "sysConf"),
    ] {
        for stage in [Stage::Full, Stage::Bootstrap] {
            let file = render(model, stage, |context| context.revision = 217_000_000);
            assert!(file.contains(&format!("<{root}>")), "{model}");
            assert!(file.to_lowercase().contains("<version>2.0217000000</version>"), "{file}");
        }
    }
}

#[test]
fn every_key_is_told_once_and_those_of_the_person_before_are_emptied() {
    for (model, keys) in [("X4U", 33), ("X6U", 65), ("X210", 106), ("X4", 30), ("X3S", 6)] {
        let file = render(model, Stage::Full, |_| {});
        assert_eq!(file.matches("<Type>").count(), keys, "{model}");
        assert_eq!(file.matches("<Value>1002@1/ba</Value>").count(), 1, "{model}");
        assert_eq!(file.matches("<Type>0</Type><Value></Value>").count(), keys - 6, "{model}");
    }
}

#[test]
fn what_an_operator_sets_stands_in_its_module_in_place_of_ours() {
    let with = |model: &str, settings: &[(&str, &str)]| {
        render(model, Stage::Full, |context| {
            for (name, value) in settings {
                context.raw.insert(text(name), SettingValue::Text(text(value)));
            }
        })
    };
    let file = with(
        "X4U",
        &[
            ("sip.line.DTMFMode", "2"),
            ("phone.MenuPassword", "mine"),
            ("net.MTU", "1400"),
            ("net.a b", "x"),
        ],
    );
    let line = file.split("<line index=\"1\">").nth(1).unwrap().split("</line>").next().unwrap();
    assert!(line.contains("<DTMFMode>2</DTMFMode>"), "{file}");
    assert!(file.contains("<MenuPassword>mine</MenuPassword>"));
    assert_eq!(file.matches("MenuPassword").count(), 2);
    assert!(file.contains("<net>") && file.contains("<MTU>1400</MTU>") && !file.contains("a b"));
    let file =
        with("X4", &[("SIP1.DTMF_Mode", "2"), ("AUTOUPDATE_CONFIG_MODULE.Download_Mode", "0")]);
    assert!(file.contains("<DTMF_Mode>2</DTMF_Mode>"));
    assert_eq!(file.matches("<Download_Mode>").count(), 1);
    assert!(file.contains("<Download_Mode>0</Download_Mode>"));
}
