//! Fanvil: the file of the model and its own, and what a version has to be.

use super::*;

const LINE: &str = "<sip><line index=\"1\"><EnableReg>1</EnableReg><PhoneNumber>0c383eaabbcc</PhoneNumber>\
    <RegisterAddr>hotdesk.test</RegisterAddr><RegisterPswd>s3cret</RegisterPswd><RegisterTTL>300</RegisterTTL>\
    <MWINum>*97</MWINum></line></sip><dsskey><dssSide index=\"1\"><Fkey index=\"1\"><Type>2</Type>\
    <Value>SIP1</Value><Title>200</Title></Fkey></dssSide><internal index=\"2\"><Fkey index=\"3\"><Type>1</Type>\
    <Value>201@1/ba</Value><Title>Bob</Title></Fkey></internal></dsskey>";

fn file(version: &str, inner: &str) -> String {
    format!("<?xml version=\"1.0\"?><sysConf><Version>{version}</Version>{inner}</sysConf>")
}

fn phone(model: &str, dhcp: String) -> Device {
    let mut settings = settings(Vendor::Fanvil, model);
    settings.dhcp = Some(dhcp);
    Device::new(settings).unwrap()
}

#[tokio::test]
async fn a_version_that_is_not_higher_is_ignored() {
    let server = Server::start().await;
    let path = "/Fanvil/0c383eaabbcc.cfg";
    let phone = phone("X6U Pro", format!("{}/Fanvil/$mac.cfg", server.url));
    let label = |text: &str| {
        format!(
            "<dsskey><dssSide index=\"1\"><Fkey index=\"1\"><Title>{text}</Title></Fkey></dssSide></dsskey>"
        )
    };
    server.file(path, file("2.0000000007", LINE));
    let boot = phone.boot().await;
    assert_eq!(boot.paths(), ["GET /Fanvil/f0X6UProhw1.100.cfg", "GET /Fanvil/0c383eaabbcc.cfg"]);
    let agent = server.requests()[0].header("user-agent").unwrap();
    assert_eq!(agent, "Fanvil X6U Pro 2.12.20 0c383eaabbcc");
    assert_eq!(phone.identity().unwrap().expires, 300);
    let keys = phone.display().keys;
    let keys: Vec<_> = keys.iter().map(|key| (key.kind.as_str(), key.value.as_str())).collect();
    assert_eq!(keys, [("line", "SIP1"), ("blf", "201@1/ba")]);
    for (version, text, expected) in [
        ("2.0000000007", "same", "200"),
        ("2.0000000006", "lower", "200"),
        ("1.9999999999", "lower", "200"),
        ("2.0000000008", "higher", "higher"),
        ("2.0000000010", "tenth", "tenth"),
        ("2.0000000009", "ninth", "tenth"),
    ] {
        server.file(path, file(version, &label(text)));
        let boot = phone.boot().await;
        assert_eq!(phone.display().label.as_deref(), Some(expected), "{version}");
        assert!(boot.from.ends_with(path), "it was read all the same");
    }
    server.file(path, "<sysConf><sip/></sysConf>");
    assert_eq!(phone.boot().await.requests[1].problem, Some(Problem::Unreadable), "no version");
}

#[tokio::test]
async fn older_models_have_a_form_of_their_own() {
    let server = Server::start().await;
    server.file("/0c383eaabbcc.cfg", file("2.1", LINE));
    let old = phone("X4", format!("{}/", server.url));
    assert_eq!(old.boot().await.requests[1].problem, Some(Problem::Unreadable));
    server.file(
        "/0c383eaabbcc.cfg",
        "<VOIP_CONFIG_FILE><version>2.0002</version><SIP_CONFIG_MODULE><SIP_Line_List><SIP_Line_List_Entry>\
         <ID>SIP1</ID><Enable_Reg>1</Enable_Reg><Phone_Number>0c383eaabbcc</Phone_Number><Register_Addr>hotdesk.test\
         </Register_Addr></SIP_Line_List_Entry></SIP_Line_List></SIP_CONFIG_MODULE><PHONE_CONFIG_MODULE>\
         <Function_Key><Function_Key_Entry><ID>Fkey1</ID><Type>2</Type><Title>200</Title></Function_Key_Entry>\
         </Function_Key></PHONE_CONFIG_MODULE></VOIP_CONFIG_FILE>",
    );
    assert!(old.boot().await.changed);
    assert_eq!(old.display().label.as_deref(), Some("200"));
    assert_eq!(old.identity().unwrap().domain, "hotdesk.test");
    let new = phone("X4U", format!("{}/", server.url));
    assert!(!new.boot().await.changed);
}

#[tokio::test]
async fn dhcp_comes_before_pnp_and_both_before_flash_until_they_are_off() {
    let server = Server::start().await;
    server.file("/own/0c383eaabbcc.cfg", file("2.2", LINE));
    server.file("/pnp/0c383eaabbcc.cfg", file("1.1", ""));
    let flash = format!(
        "<FlashServerIP>{}/own</FlashServerIP><FlashFileName>$mac.cfg</FlashFileName>\
         <FlashProtocol>4</FlashProtocol><FlashMode>1</FlashMode>",
        server.url
    );
    let no_dhcp = "<opt><DHCPOption>0</DHCPOption></opt>";
    let no_pnp = "<pnp><PNPEnable>0</PNPEnable></pnp>";
    for (off, ends) in [
        (String::new(), "/first/"),
        (no_dhcp.to_owned(), "/pnp/"),
        (format!("{no_dhcp}{no_pnp}"), "/own/"),
    ] {
        server.file("/first/0c383eaabbcc.cfg", file("2.1", &format!("<ap>{flash}{off}</ap>")));
        let mut settings = settings(Vendor::Fanvil, "X4U");
        settings.dhcp = Some(format!("{}/first/", server.url));
        settings.pnp = Some(format!("{}/pnp/", server.url));
        let phone = Device::new(settings).unwrap();
        assert!(phone.boot().await.rebooted, "it was sent to another server");
        let boot = phone.boot().await;
        assert!(boot.from.contains(ends) && !boot.rebooted, "{} {off}", boot.from);
    }
}

#[tokio::test]
async fn check_sync_fetches_and_what_a_person_did_stays_until_a_file_ends_it() {
    let server = Server::start().await;
    server.file("/0c383eaabbcc.cfg", file("2.1", LINE));
    let phone = phone("X4U", format!("{}/", server.url));
    phone.boot().await;
    assert!(phone.set_dnd(true).await.allowed && phone.set_forwarding(Some("0171")).await.allowed);
    assert!(!phone.notify("check-sync").await.unwrap().rebooted);
    assert!(phone.notify("reboot=true").await.unwrap().rebooted);
    assert_eq!(phone.notify("resync").await, None);
    let display = phone.display();
    assert!(display.dnd && display.forwarding.as_deref() == Some("0171"));
    let off = "<call><port index=\"1\"><DNDMode>0</DNDMode></port></call>\
        <sip><line index=\"1\"><AlwaysFWD>0</AlwaysFWD></line></sip>";
    server.file("/0c383eaabbcc.cfg", file("2.2", off));
    phone.notify("check-sync").await;
    let display = phone.display();
    assert!(!display.dnd && display.forwarding.is_none());
    assert_eq!(display.mailbox.as_deref(), Some("*97"));
}
