//! Snom: where it asks, what it takes from a file, what makes it start anew.

use super::*;

const ACCOUNT: &str = r#"
  <user_active idx="1" perm="R">on</user_active>
  <user_name idx="1" perm="R">000413aabbcc</user_name>
  <user_pass idx="1" perm="R">s3cret</user_pass>
  <user_host idx="1" perm="R">hotdesk.test</user_host>
  <user_outbound idx="1" perm="R">192.0.2.5:5060;transport=tcp</user_outbound>
  <user_expiry idx="1" perm="R">300</user_expiry>
  <user_realname idx="1" perm="R">Ann Doe</user_realname>
  <user_idle_text idx="1" perm="R">200 Ann</user_idle_text>
  <user_mailbox idx="1" perm="R">*97</user_mailbox>"#;

#[tokio::test]
async fn a_folder_is_asked_for_the_type_and_for_the_phone() {
    let server = Server::start().await;
    server.file("/snomD785.htm", phone_settings("<language>Deutsch</language>"));
    server.file("/snomD785-000413AABBCC.htm", phone_settings(ACCOUNT));
    let phone = snom(server.url.clone());
    assert!(phone.identity().is_none());
    let boot = phone.boot().await;
    assert_eq!(boot.paths(), ["GET /snomD785.htm", "GET /snomD785-000413AABBCC.htm"]);
    assert!(boot.changed && !boot.rebooted);
    assert_eq!(
        server.requests()[0].header("user-agent").unwrap(),
        "Mozilla/4.0 (compatible; snomD785-SIP 10.1.33.33 2010.12-00004-g9ba52f5 000413AABBCC SXM:0 UXM:0)"
    );
    assert_eq!(server.requests()[0].header("authorization"), None);
    let identity = phone.identity().unwrap();
    assert_eq!(
        (identity.user.as_str(), identity.domain.as_str()),
        ("000413aabbcc", "hotdesk.test")
    );
    assert_eq!(
        (identity.registrar.as_str(), identity.expires),
        ("192.0.2.5:5060;transport=tcp", 300)
    );
    let display = phone.display();
    assert_eq!(display.label.as_deref(), Some("Ann Doe"));
    assert_eq!(display.idle.as_deref(), Some("200 Ann"));
    assert_eq!(display.mailbox.as_deref(), Some("*97"));
    assert_eq!(display.language.as_deref(), Some("Deutsch"));
    assert!(!phone.boot().await.changed, "the same files change nothing");
}

#[tokio::test]
async fn a_file_name_without_mac_is_followed_by_one_for_the_phone_and_one_with_mac_is_not() {
    let server = Server::start().await;
    server.file("/p/settings.xml?a=b", phone_settings(ACCOUNT));
    let boot = snom(format!("{}/p/settings.xml?a=b", server.url)).boot().await;
    assert_eq!(boot.paths(), ["GET /p/settings.xml?a=b", "GET /p/settings-000413AABBCC.xml?a=b"]);
    assert_eq!(statuses(&boot), [200, 404]);
    assert!(boot.changed);
    server.file("/provision/index.php?mac=000413AABBCC&manuf=snom", phone_settings(ACCOUNT));
    let boot =
        snom(format!("{}/provision/index.php?mac={{mac}}&manuf=snom", server.url)).boot().await;
    assert_eq!(boot.paths(), ["GET /provision/index.php?mac=000413AABBCC&manuf=snom"]);
    assert_eq!(
        boot.from,
        format!("{}/provision/index.php?mac=000413AABBCC&manuf=snom", server.url)
    );
}

#[tokio::test]
async fn the_first_file_sends_the_phone_to_its_own_url_and_it_ends_there_at_every_boot() {
    let server = Server::start().await;
    let own = format!("{}/p/k3y/{{mac}}.xml", server.url);
    server.file(
        "/bare.php?mac=000413AABBCC",
        phone_settings(&format!("<setting_server perm=\"RW\">{own}</setting_server>")),
    );
    server.file("/p/k3y/000413AABBCC.xml", phone_settings(ACCOUNT));
    let phone = snom(format!("{}/bare.php?mac={{mac}}", server.url));
    let first = phone.boot().await;
    assert_eq!(first.paths(), ["GET /bare.php?mac=000413AABBCC", "GET /p/k3y/000413AABBCC.xml"]);
    for _ in 0..3 {
        let boot = phone.boot().await;
        assert_eq!(boot.paths(), ["GET /p/k3y/000413AABBCC.xml"]);
        assert_eq!(boot.from, format!("{}/p/k3y/000413AABBCC.xml", server.url));
    }
    // After a factory reset DHCP is all it knows.
    phone.forget().await;
    assert!(phone.identity().is_none());
    assert_eq!(phone.boot().await.requests.len(), 2);
}

#[tokio::test]
async fn without_a_setting_server_or_with_dhcp_first_the_bare_url_wins_again() {
    let server = Server::start().await;
    server.file("/bare?000413AABBCC", phone_settings(ACCOUNT));
    let phone = snom(format!("{}/bare?{{mac}}", server.url));
    phone.boot().await;
    assert_eq!(phone.boot().await.paths(), ["GET /bare?000413AABBCC"]);

    let order = "<provisioning_order>dhcp:stop redirection:stop</provisioning_order>";
    let own = format!("<setting_server>{}/own?{{mac}}</setting_server>", server.url);
    server.file("/bare?000413AABBCC", phone_settings(&format!("{order}{own}")));
    server.file("/own?000413AABBCC", phone_settings(""));
    phone.boot().await;
    let boot = phone.boot().await;
    assert_eq!(boot.paths(), ["GET /bare?000413AABBCC"], "DHCP comes first in that order");
}

#[tokio::test]
async fn redirection_comes_before_pnp_and_pnp_before_dhcp_and_in_old_firmware_last() {
    let server = Server::start().await;
    for path in ["/r?000413AABBCC", "/p?000413AABBCC", "/d?000413AABBCC"] {
        server.file(path, phone_settings(ACCOUNT));
    }
    let url = |letter: &str| Some(format!("{}/{letter}?{{mac}}", server.url));
    let mut settings = settings(Vendor::Snom, "D785");
    (settings.redirection, settings.pnp, settings.dhcp) = (url("r"), url("p"), url("d"));
    let boot = Device::new(settings.clone()).unwrap().boot().await;
    assert_eq!(boot.paths(), ["GET /r?000413AABBCC"]);
    server.remove("/r?000413AABBCC");
    let boot = Device::new(settings.clone()).unwrap().boot().await;
    assert_eq!(boot.paths(), ["GET /r?000413AABBCC", "GET /p?000413AABBCC"]);
    (settings.model, settings.firmware) = ("370".into(), "8.4.35".into());
    let boot = Device::new(settings).unwrap().boot().await;
    assert_eq!(boot.paths(), ["GET /p?000413AABBCC"]);
}

#[tokio::test]
async fn another_provisioning_order_starts_the_search_anew() {
    let server = Server::start().await;
    let order = "<provisioning_order>dhcp:proceed pnp:stop</provisioning_order>";
    server.file("/d?000413AABBCC", phone_settings(order));
    server.file("/p?000413AABBCC", phone_settings(ACCOUNT));
    let mut settings = settings(Vendor::Snom, "D785");
    settings.dhcp = Some(format!("{}/d?{{mac}}", server.url));
    settings.pnp = Some(format!("{}/p?{{mac}}", server.url));
    settings.redirection = Some(format!("{}/missing?{{mac}}", server.url));
    server.file("/missing?000413AABBCC", "no settings at all");
    server.remove("/p?000413AABBCC");
    let phone = Device::new(settings).unwrap();
    let boot = phone.boot().await;
    assert_eq!(
        boot.paths(),
        [
            "GET /missing?000413AABBCC",
            "GET /p?000413AABBCC",
            "GET /d?000413AABBCC",
            "GET /d?000413AABBCC",
            "GET /p?000413AABBCC"
        ]
    );
    assert_eq!(boot.requests[0].problem, Some(Problem::Unreadable));
    assert_eq!(phone.boot().await.paths(), ["GET /d?000413AABBCC", "GET /p?000413AABBCC"]);
}

#[tokio::test]
async fn servers_that_send_a_phone_in_a_circle_are_given_up() {
    let server = Server::start().await;
    let to = |path: &str| {
        phone_settings(&format!("<setting_server>{}/{path}?{{mac}}</setting_server>", server.url))
    };
    server.file("/a?000413AABBCC", to("b"));
    server.file("/b?000413AABBCC", to("a"));
    let boot = snom(format!("{}/a?{{mac}}", server.url)).boot().await;
    assert_eq!(boot.requests.len(), 8);
}

#[tokio::test]
async fn what_may_be_changed_at_the_phone_is_what_perm_says() {
    let server = Server::start().await;
    let values = |value: &str| {
        let setting = |name: &str, perm: &str| format!("<{name} perm=\"{perm}\">{value}</{name}>");
        phone_settings(
            &[
                ("first", "!"),
                ("r", "R"),
                ("amp", "&amp;"),
                ("blank", " "),
                ("rw", "RW"),
                ("dollar", "$"),
                ("empty", ""),
            ]
            .map(|(name, perm)| setting(name, perm))
            .concat(),
        )
    };
    server.file("/f?000413AABBCC", values("server"));
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    phone.boot().await;
    for (name, allowed) in [
        ("first", true),
        ("r", false),
        ("amp", false),
        ("blank", false),
        ("rw", true),
        ("dollar", true),
        ("empty", true),
    ] {
        assert_eq!(phone.set(name, 0, "person").await.allowed, allowed, "{name}");
    }
    server.file("/f?000413AABBCC", values("again"));
    phone.boot().await;
    let value = |name: &str| phone.setting(name, 0).unwrap();
    assert_eq!(value("first"), "person");
    for name in ["r", "amp", "blank", "rw", "dollar", "empty"] {
        assert_eq!(value(name), "again", "{name}");
    }
}

#[tokio::test]
async fn what_a_file_does_not_mention_stays_as_it_was() {
    let server = Server::start().await;
    let keys = r#"<settings><functionKeys e="2">
      <fkey idx="0" context="1" label="200" perm="R">line</fkey>
      <fkey idx="4" context="1" label="Bob &#8364;" perm="R">blf &lt;sip:201@hotdesk.test&gt;|*8</fkey>
      </functionKeys></settings>"#;
    server.file("/f?000413AABBCC", keys);
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    phone.boot().await;
    server.file(
        "/f?000413AABBCC",
        r#"<functionKeys><fkey idx="0" context="1" label="300">line</fkey></functionKeys>"#,
    );
    phone.boot().await;
    let keys: Vec<_> = phone
        .display()
        .keys
        .into_iter()
        .map(|key| (key.position, key.kind, key.value, key.label))
        .collect();
    assert_eq!(
        keys,
        [
            (1, "line".into(), String::new(), "300".into()),
            (5, "blf".into(), "<sip:201@hotdesk.test>|*8".into(), "Bob €".into())
        ]
    );
    assert_eq!(phone.display().label.as_deref(), Some("300"));
}

#[tokio::test]
async fn an_account_with_idx_0_is_none() {
    let server = Server::start().await;
    server.file("/f?000413AABBCC", phone_settings(&ACCOUNT.replace("idx=\"1\"", "idx=\"0\"")));
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    let boot = phone.boot().await;
    assert_eq!(boot.requests[0].problem, None);
    assert!(phone.identity().is_none() && !boot.changed);
}

#[tokio::test]
async fn only_a_complete_phone_book_takes_entries_away() {
    let server = Server::start().await;
    let book =
        |attributes: &str, items: &str| format!("<tbook e=\"2\" {attributes}>{items}</tbook>");
    let item = |index: &str, name: &str, number: &str| {
        format!(
            "<item context=\"active\" {index}><name>{name}</name><number>{number}</number></item>"
        )
    };
    let items = item("index=\"0\"", "Ann", "201") + &item("", "Bob", "202");
    server.file("/f?000413AABBCC", book("", &items));
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    phone.boot().await;
    phone.add_contact("Mum", "0123").await;
    let items = item("index=\"0\"", "Anna", "209") + &item("", "Robert", "202");
    server.file("/f?000413AABBCC", book("", &items));
    phone.boot().await;
    let names = |phone: &Device| {
        let book = phone.display().phone_book;
        book.into_iter().map(|c| format!("{} {}", c.name, c.number)).collect::<Vec<_>>()
    };
    assert_eq!(names(&phone), ["Anna 209", "Robert 202", "Mum 0123"]);
    server.file("/f?000413AABBCC", book("complete=\"true\"", &item("index=\"7\"", "Cy", "203")));
    assert!(phone.boot().await.changed);
    assert_eq!(names(&phone), ["Cy 203"]);
    let contact = "<contact fav=\"true\"><first_name>Di</first_name><last_name>Doe</last_name><numbers><number no=\"1\"/><number no=\"2\"/></numbers></contact>";
    server.file("/f?000413AABBCC", book("version=\"2.0\" complete=\"true\"", contact));
    phone.boot().await;
    assert_eq!(names(&phone), ["Di Doe 1", "Di Doe 2"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_changes_nothing() {
    let server = Server::start().await;
    server.file("/f?000413AABBCC", phone_settings(ACCOUNT));
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    phone.boot().await;
    let before = phone.display();
    let good = phone_settings("<user_realname idx=\"1\">Bob</user_realname>");
    for broken in [
        good.replace("</settings>", ""),
        good.replace("Bob", "B&ob"),
        good.replace("Bob", "B\u{1}ob"),
        format!("{good}<x/>"),
        "<html><body>Welcome</body></html>".to_owned(),
        String::new(),
    ] {
        server.file("/f?000413AABBCC", broken.as_str());
        let boot = phone.boot().await;
        assert_eq!(boot.requests[0].problem, Some(Problem::Unreadable), "{broken}");
        assert!(!boot.changed && boot.from.is_empty());
        assert_eq!(phone.display(), before);
    }
    server.file("/f?000413AABBCC", good);
    assert!(phone.boot().await.changed);
}

#[tokio::test]
async fn a_container_names_files_and_a_container_in_it_leads_nowhere() {
    let server = Server::start().await;
    let container = |files: &[String]| {
        let files: String = files.iter().map(|url| format!("<file url=\"{url}\"/>")).collect();
        format!("<setting-files>{files}</setting-files>")
    };
    let url = &server.url;
    server.file(
        "/f?000413AABBCC",
        container(&[format!("{url}/a-{{mac}}.xml"), "b.xml".into(), format!("{url}/c.xml")]),
    );
    server.file("/a-000413AABBCC.xml", phone_settings(ACCOUNT));
    server.file("/c.xml", container(&[format!("{url}/d.xml")]));
    let phone = snom(format!("{url}/f?{{mac}}"));
    let paths = phone.boot().await.paths();
    assert_eq!(
        paths,
        ["GET /f?000413AABBCC", "GET /a-000413AABBCC.xml", "GET /b.xml", "GET /c.xml"]
    );
    assert!(phone.identity().is_some());
}

#[tokio::test]
async fn check_sync_is_refused_until_the_challenge_is_off() {
    let server = Server::start().await;
    server.file("/f?000413AABBCC", phone_settings(ACCOUNT));
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    phone.boot().await;
    assert_eq!(phone.notify("check-sync;reboot=false").await, None);
    let off = "<challenge_checksync perm=\"R\">off</challenge_checksync>";
    server.file("/f?000413AABBCC", phone_settings(&format!("{ACCOUNT}{off}")));
    phone.boot().await;
    let reload = phone.notify("check-sync;reboot=false").await.unwrap();
    assert!(!reload.rebooted && !reload.changed && reload.requests.len() == 1);
    assert!(phone.notify("check-sync;reboot=true").await.unwrap().rebooted);
    assert_eq!(phone.notify("message-summary").await, None);
    assert_eq!(phone.notify("resync").await, None);
}

#[tokio::test]
async fn checksync_action_overrules_the_event_in_firmware_that_knows_it() {
    let server = Server::start().await;
    let action = "<challenge_checksync>off</challenge_checksync><checksync_action>factory-reset</checksync_action>";
    server.file("/f?000413AABBCC", phone_settings(action));
    let mut settings = settings(Vendor::Snom, "D785");
    settings.dhcp = Some(format!("{}/f?{{mac}}", server.url));
    for (firmware, reset) in [("10.1.169.16", false), ("10.1.180.1", true)] {
        settings.firmware = firmware.into();
        let phone = Device::new(settings.clone()).unwrap();
        phone.boot().await;
        phone.dial("999").await;
        let boot = phone.notify("check-sync;reboot=false").await.unwrap();
        assert_eq!(boot.rebooted, reset);
        assert_eq!(phone.display().calls.is_empty(), reset);
    }
}

#[tokio::test]
async fn a_setting_that_needs_a_reboot_causes_one_only_behind_the_switch() {
    let server = Server::start().await;
    let auto = "<auto_reboot_on_setting_change>on</auto_reboot_on_setting_change>";
    let port = "<network_id_port>5060</network_id_port>";
    for (inner, reboots) in [(format!("{port}{auto}"), false), (format!("{auto}{port}"), true)] {
        server.file("/f?000413AABBCC", phone_settings(&inner));
        let phone = snom(format!("{}/f?{{mac}}", server.url));
        let boot = phone.boot().await;
        assert_eq!(boot.rebooted, reboots);
        assert!(!phone.boot().await.rebooted, "it has the value already");
    }
}

#[tokio::test]
async fn firmware_is_fetched_only_with_auto_update() {
    let server = Server::start().await;
    let file = |policy: &str| {
        phone_settings(&format!(
            "{policy}<firmware_status>{}/firmware.xml</firmware_status>",
            server.url
        ))
    };
    server.file(
        "/firmware.xml",
        format!(
            "<firmware-settings><firmware>{}/fw/snomD785-10.1.169.16-SIP-r.bin</firmware></firmware-settings>",
            server.url
        ),
    );
    server.file("/f?000413AABBCC", file(""));
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    assert_eq!(phone.boot().await.requests.len(), 1);
    server.file("/f?000413AABBCC", file("<update_policy>auto_update</update_policy>"));
    let boot = phone.boot().await;
    assert_eq!(statuses(&boot), [200, 200, 404]);
    assert!(!boot.rebooted);
    server.file("/fw/snomD785-10.1.169.16-SIP-r.bin", "firmware");
    let boot = phone.boot().await;
    assert_eq!(statuses(&boot), [200, 200, 200, 200, 200]);
    assert!(boot.rebooted);
    let agent = server.requests().last().unwrap().header("user-agent").unwrap();
    assert!(agent.contains("snomD785-SIP 10.1.169.16"), "{agent}");
}
