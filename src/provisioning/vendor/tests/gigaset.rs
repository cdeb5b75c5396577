//! Gigaset's files: texts in quotes within quotes, handsets that are gone, what an operator sets.

use super::*;

fn rendered(model: &str, change: impl FnOnce(&mut Context)) -> String {
    let vendor = vendors().get("gigaset").unwrap();
    let mut context = nobody(vendor, model, "7c2f80000001");
    context.handsets = ["-1", "-2"].map(|n| account(&format!("7c2f80000001{n}"))).into();
    change(&mut context);
    let text = vendor.render(vendor.file("settings").unwrap(), Stage::Full, &context).unwrap();
    assert_eq!(xml::fault(&text), None, "{text}");
    text
}

fn set(context: &mut Context, name: &str, value: &str) {
    context.raw.insert(text(name), SettingValue::Text(text(value)));
}

#[test]
fn a_name_stays_within_its_quotes() {
    for (model, name) in [
        ("N510", "BS_IP_Data1.aucS_SIP_DISPLAYNAME\""),
        ("N720", "BS_VOIP_Data.astVoipAccounts[0].aucS_SIP_DISPLAYNAME[0]\""),
    ] {
        let text = rendered(model, |context| {
            context.handsets[0].display_name = self::text("A\" <x> 'B' & \u{1}\n\u{1f980}");
        });
        let value = "\"A&#39; &lt;x&gt; &#39;B&#39; &amp; &#10;\u{1f980}\"";
        let here = format!("<SYMB_ITEM ID=\"{name} class=\"symb_item\" value='{value}'/>");
        assert!(text.contains(&here), "{here}: {text}");
    }
    let nx70 = rendered("N870", |context| {
        context.handsets[0].display_name = text("A\" <x>");
    });
    assert!(nx70.contains("DisplayName\" value=\"A&quot; &lt;x&gt;\"/>"), "{nx70}");
}

#[test]
fn a_handset_that_is_gone_has_no_account() {
    let one = |context: &mut Context| context.handsets.truncate(1);
    let n510 = rendered("N510", one);
    assert!(n510.contains("ucB_SIP_ACCOUNT_IS_ACTIVE_1\" class=\"symb_item\" value=\"0x1\""));
    assert!(n510.contains("ucB_SIP_ACCOUNT_IS_ACTIVE_2\" class=\"symb_item\" value=\"0x0\""));
    assert!(n510.contains("aucS_SIP_PASSWORD_2\" class=\"symb_item\" value='\"\"'"));
    let n720 = rendered("N720", one);
    let all = n720.find("astVoipAccounts[%].ucB_SIP_ACCOUNT_IS_ACTIVE_1").unwrap();
    let first = n720.find("astVoipAccounts[0].ucB_SIP_ACCOUNT_IS_ACTIVE_1").unwrap();
    assert!(all < first && !n720.contains("astVoipAccounts[1]."), "{n720}");
    let nx70 = rendered("N870", one);
    let gone = nx70.find("<oper name=\"DeleteNotProvisionedHS\"/>").unwrap();
    assert!(gone < nx70.find("add_hs").unwrap() && !nx70.contains("00002"), "{nx70}");
}

#[test]
fn a_base_takes_as_many_handsets_as_its_file_can_name() {
    let many = |context: &mut Context| {
        context.handsets = (1..=300).map(|n| account(&format!("7c2f80000001-{n}"))).collect();
    };
    let n510 = rendered("N510", many);
    assert!(n510.contains("\"7c2f80000001-6\"") && !n510.contains("\"7c2f80000001-7\""));
    let n720 = rendered("N720", many);
    assert!(n720.contains("astVoipAccounts[99].") && !n720.contains("astVoipAccounts[100]."));
    assert!(rendered("N870", many).contains("SipAccount.00300.AuthName"));
}

#[test]
fn what_an_operator_sets_is_written_once_and_wins() {
    let nx70 = rendered("N870", |context| {
        set(context, "Telephony.0.ToneScheme", "Austria");
        set(context, "Provisioning.global.ProvisioningServer", "http://elsewhere.example.net/");
        set(context, "BS_IP_Data1.x", "1");
    });
    for (name, value) in [
        ("Telephony.0.ToneScheme", "Austria"),
        ("Provisioning.global.ProvisioningServer", "http://elsewhere.example.net/"),
    ] {
        let here = format!("<param name=\"{name}\" value=\"{value}\"/>");
        assert_eq!(nx70.matches(&here).count(), 1, "{nx70}");
        assert_eq!(nx70.matches(name).count(), 1, "{nx70}");
    }
    assert!(!nx70.contains("BS_IP_Data1"), "{nx70}");
    let n510 = rendered("N510", |context| {
        set(context, "BS_IP_Data1.aucS_TIME_NTP_SERVER", "\"time.example.net\"");
        set(context, "S_CONFIGFILE_URL", "\"elsewhere.example.net/%MACD.xml\"");
        set(context, "DmGlobal.0.NtpServer", "none");
    });
    assert!(n510.contains("value=\"&quot;time.example.net&quot;\"/>"), "{n510}");
    assert_eq!(n510.matches("aucS_TIME_NTP_SERVER").count(), 1, "{n510}");
    assert_eq!(n510.matches("S_CONFIGFILE_URL").count(), 1, "{n510}");
    assert!(!n510.contains("DmGlobal"), "{n510}");
}

#[test]
fn a_bare_base_is_told_where_to_ask_and_nothing_else() {
    let vendor = vendors().get("gigaset").unwrap();
    for (model, has_login) in [("N510 IP PRO", true), ("N720 DM PRO", true), ("N870 IP PRO", false)]
    {
        let mut context = nobody(vendor, model, "7c2f80000001");
        context.handsets = vec![account("7c2f80000001-1")];
        let file = vendor.file("settings").unwrap();
        let told = vendor.render(file, Stage::Bootstrap, &context).unwrap();
        assert!(told.contains("/p/k3yk3yk3yk3yk3yk3yk3yk/%MACD.xml"), "{told}");
        assert_eq!(told.contains("http-password"), has_login, "{told}");
        for absent in ["sip-secret", "web-password", "Desk 12", "7c2f80000001-1", "192.0.2.10"] {
            assert!(!told.contains(absent), "{absent}: {told}");
        }
        context.urls.scheme = text("https");
        context.urls.keyed = context.urls.keyed.replace("http:", "https:");
        let told = vendor.render(file, Stage::Bootstrap, &context).unwrap();
        assert!(told.contains("https://prov.example.net"), "{told}");
    }
    // Once somebody knows what an Nx70 calls them.
    let mut context = nobody(vendor, "N870", "7c2f80000001");
    for name in ["user_parameter", "password_parameter"] {
        let value = format!("Provisioning.global.{name}");
        context.settings.insert(text(name), SettingValue::Text(value));
    }
    let file = vendor.file("settings").unwrap();
    let told = vendor.render(file, Stage::Bootstrap, &context).unwrap();
    assert!(told.contains("\"Provisioning.global.password_parameter\" value=\"http-password\""));
}
