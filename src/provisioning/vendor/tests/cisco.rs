//! Cisco's profile: what a label cannot do, soft keys and consoles, time, what an operator sets.

use std::process::{Command, Stdio};

use super::*;

/// The value of a parameter, read by another program.
fn value(profile: &str, name: &str) -> Option<String> {
    use std::io::Write as _;
    let path = format!("/flat-profile/*[name()='{name}']");
    let query = format!("concat(count({path}), ' ', {path})");
    let mut xmllint = Command::new("xmllint")
        .args(["--xpath", &query, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("xmllint is in Debian's package libxml2-utils");
    xmllint.stdin.take().unwrap().write_all(profile.as_bytes()).unwrap();
    let told = xmllint.wait_with_output().unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    let (count, value) = text.trim_end_matches('\n').split_once(' ').unwrap();
    match count {
        "0" => None,
        "1" => Some(value.to_owned()),
        _ => panic!("{name} stands {count} times in {profile}"),
    }
}

fn rendered(model: &str, change: impl FnOnce(&mut Context)) -> String {
    let vendor = vendors().get("cisco").unwrap();
    let mut context = somebody(vendor, model, "8843e1000001", "Ada Lovelace");
    change(&mut context);
    vendor.render(vendor.file("profile").unwrap(), Stage::Full, &context).unwrap()
}

fn set(context: &mut Context, name: &str, value: impl Into<String>) {
    context.raw.insert(text(name), SettingValue::Text(value.into()));
}

#[test]
fn a_label_cannot_make_a_key_dial_something_else() {
    let profile = rendered("8851", |context| {
        context.keys[4].label = text("A;sub=900@evil <&>");
        context.keys[5].label = text("B;fnc=sd;ext=900");
    });
    assert_eq!(
        value(&profile, "Extended_Function_5_").unwrap(),
        "fnc=blf+sd;sub=1002@example.net;ext=1002@example.net;nme=A,sub=900@evil <&>"
    );
    assert_eq!(
        value(&profile, "Extended_Function_6_").unwrap(),
        "fnc=sd;ext=+436641234567@example.net;nme=B,fnc=sd,ext=900"
    );
    assert_eq!(value(&profile, "Short_Name_6_").unwrap(), "B;fnc=sd;ext=900");
}

#[test]
fn what_a_model_has_no_keys_for_is_on_a_console_or_on_soft_keys() {
    let soft = rendered("SPA502G", |context| context.keys.truncate(3));
    assert_eq!(value(&soft, "Extension_1_").unwrap(), "1");
    assert_eq!(value(&soft, "Extended_Function_2_"), None);
    assert_eq!(value(&soft, "PSK_1").unwrap(), "fnc=sd;ext=*13@example.net;nme=Log out");
    assert_eq!(value(&soft, "Idle_Key_List").unwrap(), "psk1|1;psk2|2;redial;dir;cfwd;dnd;lcr");
    assert_eq!(value(&soft, "PSK_3").unwrap(), "", "that of the person before");
    for (model, last) in [("SPA504G", "Unit_2_Key_1"), ("8851", "Unit_2_Key_1_")] {
        let consoles = |context: &mut Context| {
            context.settings.insert(text("expansion_keys"), SettingValue::Number(33));
        };
        let profile = rendered(model, consoles);
        assert_eq!(value(&profile, last).unwrap(), "", "{model}");
        assert_eq!(value(&profile, "Programmable_Softkey_Enable").unwrap(), "No", "{model}");
        let first = last.replace('2', "1");
        let watched = model == "SPA504G";
        assert_eq!(value(&profile, &first).unwrap().contains("sub=1002"), watched, "{model}");
    }
}

#[test]
fn what_an_operator_sets_is_written_once_and_wins() {
    let profile = rendered("8851", |context| {
        set(context, "Dial_Plan_1_", "(xxxx)");
        set(context, "Profile_Rule", "http://elsewhere.example.net/$MA.xml");
        set(context, "Extended_Function_2_", "");
        set(context, "DHCP_Option_To_Use", "66");
        set(context, "Ringer_Volume", "7");
    });
    for (name, wanted) in [
        ("Dial_Plan_1_", "(xxxx)"),
        ("Profile_Rule", "http://elsewhere.example.net/$MA.xml"),
        ("Extended_Function_2_", ""),
        ("DHCP_Option_To_Use", "66"),
        ("Ringer_Volume", "7"),
    ] {
        assert_eq!(value(&profile, name).as_deref(), Some(wanted), "{name}");
    }
}

#[test]
fn a_time_zone_is_an_offset_and_two_days_with_monday_as_the_first() {
    let zone = |offset, week, weekday| {
        rendered("8851", move |context| {
            context.time.offset = offset;
            if let Some(summer) = context.time.summer.as_mut() {
                (summer.start.week, summer.start.weekday) = (week, weekday);
            }
        })
    };
    let new_york = zone(-18_000, 2, 1);
    assert_eq!(value(&new_york, "Time_Zone").unwrap(), "GMT-05:00");
    let rule = value(&new_york, "Daylight_Saving_Time_Rule").unwrap();
    assert_eq!(rule, "start=3/8/7/2:0:0;end=10/-1/7/3:0:0;save=1:0:0");
    assert_eq!(value(&zone(-12_600, 5, 2), "Time_Zone").unwrap(), "GMT-03:30");
    let rule = value(&zone(0, 5, 2), "Daylight_Saving_Time_Rule").unwrap();
    assert!(rule.starts_with("start=3/-1/1/"), "{rule}");
    assert_eq!(value(&zone(0, 5, 2), "Time_Zone").unwrap(), "GMT");
    let none = rendered("8851", |context| context.time.summer = None);
    assert_eq!(value(&none, "Daylight_Saving_Time_Enable").unwrap(), "No");
    assert_eq!(value(&none, "Daylight_Saving_Time_Rule"), None);
}

#[test]
fn do_not_disturb_and_forwarding_go_off_at_the_handover_and_not_later() {
    let first = rendered("SPA504G", |_| {});
    let later = rendered("SPA504G", |context| context.handover = false);
    for (name, off) in [("DND_Setting", "No"), ("Cfwd_All_Dest", ""), ("Speed_Dial_2", "")] {
        assert_eq!(value(&first, name).as_deref(), Some(off), "{name}");
        assert_eq!(value(&later, name), None, "{name}");
    }
}

#[test]
fn a_bare_phone_is_told_where_to_ask_and_nothing_else() {
    let vendor = vendors().get("cisco").unwrap();
    for (model, rule) in
        [("8851", "[--uid 8843e1000001 --pwd http-password]http://"), ("SPA942", "http://")]
    {
        let context = somebody(vendor, model, "8843e1000001", "Ada Lovelace");
        let file = vendor.file("profile").unwrap();
        let text = vendor.render(file, Stage::Bootstrap, &context).unwrap();
        assert!(value(&text, "Profile_Rule").unwrap().starts_with(rule), "{text}");
        assert_eq!(value(&text, "DHCP_Option_To_Use").as_deref(), Some(""));
        for absent in ["sip-secret", "web-password", "Ada", "1001", "Desk 12"] {
            assert!(!text.contains(absent), "{absent}: {text}");
        }
    }
}
