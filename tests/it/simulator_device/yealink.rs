//! Yealink: boot file or common and own file, what a file has to begin with, what it does a second time.

use super::*;

const OWN: &str = "#!version:1.0.0.1\n## a remark\naccount.1.enable = 1\naccount.1.label = 200\n\
    account.1.user_name=805ec0aabbcc\naccount.1.password = s3=cr#et\n\
    account.1.sip_server.1.address = hotdesk.test\naccount.1.sip_server.1.expires = 300\n\
    voice_mail.number.1 = *97\nlinekey.1.type = 15\nlinekey.2.type = 16\nlinekey.2.value = 201\n\
    linekey.2.label = Bob\nlinekey.3.type = 0\nsip.notify_reboot_enable = 0\n";

fn phone(firmware: &str, dhcp: String) -> Device {
    let mut settings = settings(Vendor::Yealink, "T54W");
    settings.firmware = firmware.into();
    settings.dhcp = Some(dhcp);
    Device::new(settings).unwrap()
}

#[tokio::test]
async fn a_boot_file_says_what_to_fetch_and_without_one_there_are_two_files() {
    let server = Server::start().await;
    server.file("/p/805ec0aabbcc.cfg", OWN);
    let url = format!("{}/p/", server.url);
    let boot = phone("96.86.0.100", url.clone()).boot().await;
    let both = ["GET /p/y000000000096.cfg", "GET /p/805ec0aabbcc.cfg"];
    let first = ["GET /p/805ec0aabbcc.boot", "GET /p/y000000000000.boot"];
    assert_eq!(boot.paths(), [first, both].concat());
    // Before version 81 nobody asks for a boot file.
    let boot = phone("28.72.0.1", url.clone()).boot().await;
    assert_eq!(boot.paths(), ["GET /p/y000000000028.cfg", "GET /p/805ec0aabbcc.cfg"]);
    let agent = server.requests().last().unwrap().header("user-agent").unwrap();
    assert_eq!(agent, "Yealink SIP-T54W 28.72.0.1 80:5e:c0:aa:bb:cc");
    server.file("/p/805ec0aabbcc.boot", "#!version:1.0.0.1\ninclude:config \"other/a.cfg\"\n");
    server.file("/p/other/a.cfg", OWN.replace("= 200", "= 300"));
    let phone = phone("96.86.0.100", url);
    let boot = phone.boot().await;
    assert_eq!(boot.paths(), ["GET /p/805ec0aabbcc.boot", "GET /p/other/a.cfg"]);
    assert_eq!(phone.display().label.as_deref(), Some("300"));
}

#[tokio::test]
async fn a_file_without_its_version_line_is_none_and_one_that_is_as_it_was_does_nothing() {
    let server = Server::start().await;
    let own = "/p/805ec0aabbcc.cfg";
    server.file(own, format!("\n{OWN}"));
    let phone = phone("28.72.0.1", format!("{}/p", server.url) + "/");
    let boot = phone.boot().await;
    assert_eq!(boot.requests[1].problem, Some(Problem::Unreadable));
    assert!(phone.identity().is_none() && boot.from.is_empty());
    server.file(own, OWN);
    assert!(phone.boot().await.changed);
    let identity = phone.identity().unwrap();
    assert_eq!((identity.expires, identity.domain.as_str()), (300, "hotdesk.test"));
    let secret = secrecy::ExposeSecret::expose_secret(&identity.secret).to_owned();
    assert_eq!(secret, "s3=cr#et");
    let keys: Vec<_> = phone.display().keys.iter().map(|key| key.kind.clone()).collect();
    assert_eq!(keys, ["line", "blf"]);
    // Somebody's own label stays as long as the file is the same one.
    phone.set("account.1.label", 0, "mine").await;
    assert!(!phone.boot().await.changed);
    assert_eq!(phone.display().label.as_deref(), Some("mine"));
    server.file(own, "#!version:1.0.0.1\nvoice_mail.number.1 = \naccount.1.label = 201\n");
    phone.boot().await;
    assert_eq!(phone.display().mailbox.as_deref(), Some("*97"), "an empty line says nothing");
    server.file(own, "#!version:1.0.0.1\nvoice_mail.number.1 = %NULL%\n");
    phone.boot().await;
    let display = phone.display();
    assert_eq!((display.mailbox, display.label.as_deref()), (None, Some("201")));
}

#[tokio::test]
async fn what_a_phone_does_at_a_check_sync_is_a_parameter() {
    let server = Server::start().await;
    let phone = phone("28.72.0.1", format!("{}/", server.url));
    for (value, events) in [
        ("", [Some(true), Some(true)]),
        ("0", [Some(false), Some(true)]),
        ("1", [Some(true), Some(true)]),
        ("2", [None, None]),
    ] {
        phone.set("sip.notify_reboot_enable", 0, value).await;
        let [reload, reboot] = events;
        let heard = async |event: &str| phone.notify(event).await.map(|boot| boot.rebooted);
        assert_eq!(heard("check-sync;reboot=false").await, reload, "{value}");
        assert_eq!(heard("check-sync;reboot=true").await, reboot, "{value}");
        assert_eq!(heard("resync").await, None);
    }
}

#[tokio::test]
async fn dhcp_comes_before_what_is_in_flash_until_it_is_off() {
    let server = Server::start().await;
    for (firmware, start, other) in [("96.86.0.100", "static.", ""), ("28.72.0.1", "", "static.")] {
        let url = format!("{}/own/", server.url);
        let file = |name: &str, off: &str| {
            format!("#!version:1.0.0.1\n{name}auto_provision.server.url = {url}\n{off}\n")
        };
        server.file("/own/805ec0aabbcc.cfg", OWN);
        let phone = phone(firmware, format!("{}/", server.url));
        let off = format!("{start}auto_provision.dhcp_option.enable = 0");
        for (name, off, own) in
            [(other, off.as_str(), false), (start, "", false), (start, off.as_str(), true)]
        {
            phone.forget().await;
            server.file("/805ec0aabbcc.cfg", file(name, off));
            phone.boot().await;
            let boot = phone.boot().await;
            assert_eq!(boot.from.ends_with("/own/805ec0aabbcc.cfg"), own, "{name} {off}");
        }
    }
}

#[tokio::test]
async fn the_remote_phone_book_is_read_anew_each_time() {
    let server = Server::start().await;
    server.file(
        "/805ec0aabbcc.cfg",
        format!("{OWN}remote_phonebook.data.1.url = {}/b.xml\n", server.url),
    );
    server.file(
        "/b.xml",
        "<YealinkIPPhoneDirectory><DirectoryEntry><Name>Ann &amp; Bob</Name>\
        <Telephone>201</Telephone></DirectoryEntry></YealinkIPPhoneDirectory>",
    );
    let phone = phone("28.72.0.1", format!("{}/", server.url));
    phone.boot().await;
    let book = phone.display().phone_book;
    assert_eq!((book[0].name.as_str(), book[0].number.as_str()), ("Ann & Bob", "201"));
    server.file("/b.xml", "<YealinkIPPhoneDirectory/>");
    phone.boot().await;
    assert!(phone.display().phone_book.is_empty());
}
