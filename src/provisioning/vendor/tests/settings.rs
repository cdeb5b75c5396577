//! Settings in the files: what an operator sets wins, and what a change of person clears.

use minijinja::Value;

use super::*;

fn rendered(vendor: &str, change: impl FnOnce(&mut Context)) -> String {
    let vendor = vendors().get(vendor).unwrap();
    let model = if vendor.name() == "snom" { "D785" } else { "VVX 500" };
    let mut context = somebody(vendor, model, "0004132a0001", "Ada Lovelace");
    change(&mut context);
    let text = vendor.render(vendor.file("settings").unwrap(), Stage::Full, &context).unwrap();
    assert_eq!(xml::fault(&text), None, "{text}");
    text
}

fn set(context: &mut Context, name: &str, value: SettingValue) {
    context.raw.insert(text(name), value);
}

#[test]
fn what_an_operator_sets_is_written_once_and_wins() {
    let snom = rendered("snom", |context| {
        set(context, "language", SettingValue::Text(text("Magyar")));
        set(context, "user_srtp.1", SettingValue::Flag(true));
        set(context, "user_mailbox.1", SettingValue::Text(text("*99")));
        set(context, "setting_server", SettingValue::Text(text("http://elsewhere.example.net/")));
        set(context, "ringer_volume", SettingValue::Number(7));
        set(context, "1 no name", SettingValue::Number(7));
    });
    for here in [
        "<language perm=\"R\">Magyar</language>",
        "<user_srtp idx=\"1\" perm=\"R\">on</user_srtp>",
        "<user_mailbox idx=\"1\" perm=\"R\">*99</user_mailbox>",
        "<setting_server perm=\"RW\">http://elsewhere.example.net/</setting_server>",
        "<ringer_volume perm=\"R\">7</ringer_volume>",
    ] {
        assert_eq!(snom.matches(here).count(), 1, "{here}: {snom}");
    }
    for name in ["<language ", "<user_srtp ", "<user_mailbox ", "<setting_server "] {
        assert_eq!(snom.matches(name).count(), 1, "{name}: {snom}");
    }
    assert!(!snom.contains("no name"), "{snom}");

    let polycom = rendered("polycom", |context| {
        set(context, "reg.1.label", SettingValue::Text(text("Reception")));
        set(context, "device.prov.serverName", SettingValue::Text(text("elsewhere.example.net")));
        set(context, "device.net.vlanId", SettingValue::Number(7));
        set(context, "tcpIpApp.sntp.daylightSavings.start.month", SettingValue::Number(4));
    });
    for here in [
        " reg.1.label=\"Reception\"",
        " device.prov.serverName.set=\"1\" device.prov.serverName=\"elsewhere.example.net\"",
        " device.net.vlanId.set=\"1\" device.net.vlanId=\"7\"",
        " tcpIpApp.sntp.daylightSavings.start.month=\"4\"",
    ] {
        assert_eq!(polycom.matches(here).count(), 1, "{here}: {polycom}");
    }
    for name in [" reg.1.label=", " device.prov.serverName=", "Savings.start.month="] {
        assert_eq!(polycom.matches(name).count(), 1, "{name}: {polycom}");
    }
}

#[test]
fn do_not_disturb_and_forwarding_go_off_at_the_handover_and_not_later() {
    let first = rendered("snom", |_| {});
    let later = rendered("snom", |context| context.handover = false);
    for cleared in ["<dnd_mode ", "<redirect_event ", "<fwd_all_enabled ", "<keyboard_lock "] {
        assert!(first.contains(cleared), "{cleared}: {first}");
        assert!(!later.contains(cleared), "{cleared}: {later}");
    }
}

#[test]
fn a_key_of_the_person_before_is_emptied() {
    let text = rendered("snom", |_| {});
    let keys = text.matches("<fkey ").count();
    assert_eq!(keys, 24, "all of a D785");
    assert_eq!(text.matches(">none</fkey>").count(), 24 - 6);
    let modules = |context: &mut Context| {
        context.settings.insert(self::text("expansion_keys"), SettingValue::Number(18));
    };
    assert_eq!(rendered("snom", modules).matches("<fkey ").count(), 24 + 18);
}

#[test]
fn a_phone_book_is_no_longer_than_the_phone_can_hold() {
    let many = |context: &mut Context| {
        let one = context.contacts.get_item_by_index(0).unwrap();
        context.contacts = Value::from_iter(vec![one; 3000]);
        context.settings.insert(text("contacts_max"), SettingValue::Number(100));
    };
    assert_eq!(rendered("snom", many).matches("<item ").count(), 100);
}

#[test]
fn a_zone_that_a_snom_has_no_word_for_is_written_as_its_offset() {
    let zone = |context: &mut Context| {
        context.settings.insert(text("time_zone"), SettingValue::Text(text("Asia/Kathmandu")));
        context.time.offset = 20_700;
    };
    let text = rendered("snom", zone);
    assert!(text.contains("<utc_offset perm=\"R\">20700</utc_offset>"), "{text}");
    assert!(!text.contains("<timezone"), "{text}");
}

#[test]
fn a_transition_in_the_nth_week_is_written_as_the_day_from_which_to_look() {
    let weeks = |context: &mut Context| {
        let summer = context.time.summer.as_mut().unwrap();
        summer.start.week = 2;
        summer.stop.week = 1;
    };
    let text = rendered("polycom", weeks);
    for (end, date) in [("start", 8), ("stop", 1)] {
        let prefix = format!(" tcpIpApp.sntp.daylightSavings.{end}");
        assert!(text.contains(&format!("{prefix}.dayOfWeek.lastInMonth=\"0\"")), "{text}");
        assert!(text.contains(&format!("{prefix}.date=\"{date}\"")), "{text}");
    }
}

#[test]
fn every_emergency_number_can_be_dialled_from_a_locked_phone() {
    let snom = rendered("snom", |_| {});
    assert!(snom.contains("<keyboard_lock_emergency perm=\"R\">112 999 0112 0999<"), "{snom}");
    let polycom = rendered("polycom", |_| {});
    for (index, number) in (1..).zip(["112", "999", "0112", "0999"]) {
        assert!(snom.contains(&format!("<TEMPLATE MATCH=\"{number}\" ")), "{snom}");
        for here in [
            format!("phoneLock.authorized.{index}.value=\"{number}\""),
            format!("dialplan.routing.emergency.{index}.value=\"{number}\""),
        ] {
            assert!(polycom.contains(&here), "{here}: {polycom}");
        }
    }
    assert!(polycom.contains("dialplan.digitmap=\"112T|999T|0112T|0999T|"), "{polycom}");
    // Without any there is nothing half.
    let none = rendered("polycom", |context| context.emergency.clear());
    assert!(none.contains("dialplan.digitmap=\"[0123456789*#].T\""), "{none}");
    assert!(none.contains("dialplan.digitmap.timeOut=\"4\""), "{none}");
    rendered("snom", |context| context.emergency.clear());
}
