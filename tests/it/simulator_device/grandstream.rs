//! Grandstream: four names for its file, whose file it is, what it does a second time.

use super::*;

fn file(mac: &str, settings: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><gs_provision version=\"1\">{mac}<config version=\"1\">{settings}</config></gs_provision>"
    )
}

const ACCOUNT: &str = "<P271>1</P271><P270>200</P270><P47>hotdesk.test:5080</P47>\
    <P35>000b82aabbcc</P35><P34>s3cret</P34><P32>3</P32><P1363>0</P1363><P1365>11</P1365>\
    <P1468>201</P1468><P1467>Bob</P1467><P323>0</P323><P303>*11</P303><P324>0</P324>";

fn phone(model: &str, dhcp: String) -> Device {
    let mut settings = settings(Vendor::Grandstream, model);
    settings.dhcp = Some(dhcp);
    Device::new(settings).unwrap()
}

#[tokio::test]
async fn a_file_has_four_names_and_is_for_this_phone_or_for_all() {
    let server = Server::start().await;
    server.file("/p/cfg000b82aabbcc", "binary").file("/p/cfg.xml", file("", ACCOUNT));
    let other = file("<mac>000b82aabbcd</mac>", "<P270>300</P270>");
    server.file("/p/cfg000b82aabbcc.xml", other);
    let device = phone("GXP1628", format!("{}/p/", server.url));
    let boot = device.boot().await;
    let names = ["cfg000b82aabbcc", "cfg000b82aabbcc.xml", "cfggxp1628.xml", "cfg.xml"];
    assert_eq!(boot.paths(), names.map(|name| format!("GET /p/{name}")));
    let unreadable = Some(Problem::Unreadable);
    assert_eq!((boot.requests[0].problem, boot.requests[1].problem), (unreadable, unreadable));
    let agent = server.requests()[0].header("user-agent").unwrap();
    assert_eq!(agent, "Grandstream Model HW GXP1628 SW 1.0.7.97 DevId 000b82aabbcc");
    let identity = device.identity().unwrap();
    assert_eq!(identity.expires, 180, "P32 is minutes");
    assert_eq!(
        (identity.domain.as_str(), identity.registrar.as_str()),
        ("hotdesk.test", "hotdesk.test:5080;transport=udp")
    );
    let keys = device.display().keys;
    let keys: Vec<_> = keys.iter().map(|key| (key.kind.as_str(), key.value.as_str())).collect();
    assert_eq!(keys, [("line", ""), ("blf", "201"), ("speed", "*11")]);
    server.file("/p/cfg000b82aabbcc.xml", file("<mac>000B82AABBCC</mac>", "<P270>300</P270>"));
    assert_eq!(device.boot().await.requests.len(), 2);
    assert_eq!(device.display().label.as_deref(), Some("300"));
}

#[tokio::test]
async fn a_file_that_is_as_it_was_does_nothing_and_names_are_for_newer_phones() {
    let server = Server::start().await;
    server.file("/cfg000b82aabbcc.xml", file("", ACCOUNT));
    let device = phone("GXP2135", server.url.clone());
    assert!(device.boot().await.changed);
    device.set("P270", 0, "mine").await;
    assert!(!device.boot().await.changed);
    assert_eq!(device.display().label.as_deref(), Some("mine"));
    let named = "<gs_provision version=\"1\"><config version=\"2\"><item name=\"account.1.name\">201</item>\
        <item name=\"pks.vpk.2.keyMode\">SpeedDial</item><item name=\"pks.vpk.2.value\">*13</item>\
        </config></gs_provision>";
    server.file("/cfg000b82aabbcc.xml", named);
    device.boot().await;
    let display = device.display();
    assert_eq!(display.label.as_deref(), Some("201"));
    assert_eq!(display.keys.last().unwrap().value, "*13");
    let old = phone("GXP1628", server.url.clone());
    assert!(!old.boot().await.changed);
}

#[tokio::test]
async fn dhcp_comes_first_until_it_is_off_and_a_new_server_is_a_restart() {
    let server = Server::start().await;
    let own = server.url.replace("http://", "") + "/own";
    server.file("/own/cfg000b82aabbcc.xml", file("", ACCOUNT));
    for (off, is_own) in [("", false), ("<P145>0</P145>", true)] {
        let url = format!("<P212>1</P212><P237>{own}</P237>{off}");
        server.file("/cfg000b82aabbcc.xml", file("", &url));
        let device = phone("GXP1628", server.url.clone());
        assert!(device.boot().await.rebooted);
        let boot = device.boot().await;
        assert_eq!((boot.from.contains("/own/"), boot.rebooted), (is_own, false), "{off}");
    }
}

#[tokio::test]
async fn a_notify_is_challenged_until_it_is_switched_off() {
    let server = Server::start().await;
    server.file("/cfg000b82aabbcc.xml", file("", ACCOUNT));
    for (name, value) in [("P4428", "1"), ("sip.notify.challenge", "No")] {
        let device = phone("GXP2135", server.url.clone());
        device.boot().await;
        assert_eq!(device.notify("resync").await, None);
        device.set(name, 0, value).await;
        assert!(!device.notify("resync").await.unwrap().rebooted);
        assert!(device.notify("check-sync;reboot=true").await.unwrap().rebooted);
        assert_eq!(device.notify("check-sync").await, None);
    }
}

#[tokio::test]
async fn the_phone_book_takes_what_somebody_added_with_it_and_features_can_be_off() {
    let server = Server::start().await;
    let path = server.url.replace("http://", "");
    let book = format!("{ACCOUNT}<P330>1</P330><P331>{path}/b</P331>");
    server.file("/cfg000b82aabbcc.xml", file("", &book));
    server.file("/b/phonebook.xml", "<AddressBook><Contact><FirstName>Ann</FirstName><LastName>Doe\
        </LastName><Phone type=\"Work\"><phonenumber>201</phonenumber></Phone></Contact></AddressBook>");
    let device = phone("GXP1628", server.url.clone());
    device.boot().await;
    device.add_contact("Own", "1").await;
    assert_eq!(device.display().phone_book.len(), 2);
    device.boot().await;
    let book = device.display().phone_book;
    assert_eq!((book.len(), book[0].name.as_str(), book[0].number.as_str()), (1, "Ann Doe", "201"));
    assert!(device.set_dnd(true).await.allowed && device.set_forwarding(Some("1")).await.allowed);
    device.set("P191", 0, "0").await;
    device.set("P1340", 0, "1").await;
    assert!(!device.set_forwarding(None).await.allowed && !device.set_dnd(false).await.allowed);
}
