//! Polycom: the order of its requests, which parameter wins, what goes into flash.

use super::*;

const MASTER: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<APPLICATION APP_FILE_PATH="[PHONE_PART_NUMBER].sip.ld" CONFIG_FILES="[PHONE_MAC_ADDRESS]-user.cfg, common.cfg"
  MISC_FILES="" LOG_FILE_DIRECTORY="logs" OVERRIDES_DIRECTORY="ovr" CONTACTS_DIRECTORY="dir"
  LICENSE_DIRECTORY="" USER_PROFILES_DIRECTORY="" CALL_LISTS_DIRECTORY="calls"/>"#;

const USER: &str = r#"<polycomConfig reg.1.address="0004f2aabbcc" reg.1.auth.userId="0004f2aabbcc"
  reg.1.auth.password="s3cret" reg.1.displayName="Ann Doe" reg.1.label="200"
  msg.mwi.1.callBackMode="contact" msg.mwi.1.callBack="*97"
  attendant.resourceList.1.address="201" attendant.resourceList.1.label="Bob"/>"#;

const COMMON: &str = r#"<PHONE><REGISTRATION reg.1.label="wrong" reg.1.server.1.address="hotdesk.test"
  reg.1.server.1.port="5060" reg.1.server.1.transport="UDPOnly" reg.1.server.1.expires="300"/>
  <feature feature.enhancedFeatureKeys.enabled="1" softkey.1.label="Log in" softkey.1.enable="1" softkey.1.action="!login"/>
  <efk efk.efklist.1.mname="login" efk.efklist.1.action.string="*11$Tinvite$"/></PHONE>"#;

/// A server with a master file and two configuration files in `/p/`.
async fn served() -> (Server, Device) {
    let server = Server::start().await;
    server
        .file("/p/0004f2aabbcc.cfg", MASTER)
        .file("/p/0004f2aabbcc-user.cfg", USER)
        .file("/p/common.cfg", COMMON);
    let phone = vvx(format!("{}/p", server.url));
    (server, phone)
}

#[tokio::test]
async fn a_vvx_asks_in_the_order_that_was_seen() {
    let (server, phone) = served().await;
    let boot = phone.boot().await;
    assert_eq!(
        boot.paths(),
        [
            "PUT /p/0004f2aabbcc-boot.log",
            "GET /p/0004f2aabbcc.cfg",
            "GET /p/3111-44500-001.3111-44500-001.sip.ld",
            "GET /p/0004f2aabbcc-user.cfg",
            "GET /p/common.cfg",
            "GET /p/ovr/0004f2aabbcc-phone.cfg",
            "GET /p/ovr/0004f2aabbcc-web.cfg",
            "GET /p/000000000000-license.cfg",
            "GET /p/0004f2aabbcc-license.cfg",
            "GET /p/calls/0004f2aabbcc-calls.xml",
            "GET /p/dir/0004f2aabbcc-directory.xml",
            "GET /p/dir/000000000000-directory.xml",
            "HEAD /p/logs/0004f2aabbcc-app.log",
            "PUT /p/logs/0004f2aabbcc-app.log",
        ]
    );
    assert!(boot.changed && !boot.rebooted);
    assert_eq!(boot.from, format!("{}/p", server.url));
    let agents: Vec<_> =
        server.requests().iter().map(|request| request.header("user-agent").unwrap()).collect();
    assert!(agents[..3].iter().all(|agent| {
        agent.starts_with("FileTransport PolycomVVX-VVX_500-UA/5.0.2.6871")
            && agent.ends_with("Type/Updater")
    }));
    assert!(agents[3..].iter().all(|agent| {
        agent == "FileTransport PolycomVVX-VVX_500-UA/5.9.7.3480 Type/Application"
    }));
}

#[tokio::test]
async fn the_first_file_that_sets_a_parameter_wins() {
    let (server, phone) = served().await;
    phone.boot().await;
    let identity = phone.identity().unwrap();
    assert_eq!(
        (identity.user.as_str(), identity.domain.as_str()),
        ("0004f2aabbcc", "hotdesk.test")
    );
    assert_eq!(identity.registrar, "hotdesk.test:5060;transport=UDPOnly");
    assert_eq!(identity.expires, 300);
    let display = phone.display();
    assert_eq!(display.label.as_deref(), Some("200"));
    assert_eq!(display.mailbox.as_deref(), Some("*97"));
    let keys: Vec<_> = display
        .keys
        .iter()
        .map(|key| (key.position, key.kind.as_str(), key.value.as_str(), key.label.as_str()))
        .collect();
    assert_eq!(
        keys,
        [
            (1, "line", "0004f2aabbcc", "200"),
            (2, "blf", "201", "Bob"),
            (3, "softkey", "*11$Tinvite$", "Log in")
        ]
    );
    let proxy =
        "reg.1.outboundProxy.address=\"192.0.2.9\" reg.1.outboundProxy.port=\"5080\" reg.1.label";
    server.file("/p/0004f2aabbcc-user.cfg", USER.replace("reg.1.label", proxy));
    phone.boot().await;
    assert_eq!(phone.identity().unwrap().registrar, "192.0.2.9:5080;transport=DNSnaptr");
}

#[tokio::test]
async fn a_soundpoint_takes_the_master_of_all_phones_and_asks_for_less() {
    let server = Server::start().await;
    server.file(
        "/000000000000.cfg",
        "<APPLICATION APP_FILE_PATH='sip.ld' CONFIG_FILES='common.cfg'/>",
    );
    server.file("/common.cfg", COMMON);
    let mut settings = settings(Vendor::Polycom, "SPIP_335");
    settings.firmware = "4.0.15.1009".into();
    settings.part_number = Some("2345-12375-001".into());
    settings.dhcp = Some(server.url.clone());
    let phone = Device::new(settings.clone()).unwrap();
    assert_eq!(
        phone.boot().await.paths(),
        [
            "GET /0004f2aabbcc.cfg",
            "GET /000000000000.cfg",
            "GET /2345-12375-001.sip.ld",
            "GET /common.cfg",
            "GET /0004f2aabbcc-phone.cfg",
            "GET /0004f2aabbcc-web.cfg",
            "GET /000000000000-license.cfg",
            "GET /0004f2aabbcc-directory.xml",
            "GET /000000000000-directory.xml",
            "PUT /0004f2aabbcc-app.log",
        ]
    );
    settings.firmware = "3.2.1.0078".into();
    Device::new(settings).unwrap().boot().await;
    assert_eq!(
        server.requests().last().unwrap().header("user-agent").unwrap(),
        "FileTransport PolycomSoundPointIP-SPIP_335-UA/3.2.1.0078"
    );
}

#[tokio::test]
async fn a_url_that_names_a_master_file_is_that_file_and_another_status_than_404_is_the_end() {
    let server = Server::start().await;
    server.file("/a/site.cfg", "<APPLICATION CONFIG_FILES='common.cfg'/>");
    server.file("/a/common.cfg", COMMON);
    let boot = vvx(format!("{}/a/site.cfg", server.url)).boot().await;
    assert!(boot.paths().contains(&"GET /a/common.cfg".to_owned()), "{:?}", boot.paths());
    server.reply(
        "/b/0004f2aabbcc.cfg",
        Reply::Raw("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n".into()),
    );
    server.file("/b/000000000000.cfg", "<APPLICATION CONFIG_FILES='../a/common.cfg'/>");
    let boot = vvx(format!("{}/b", server.url)).boot().await;
    assert_eq!(boot.paths(), ["PUT /b/0004f2aabbcc-boot.log", "GET /b/0004f2aabbcc.cfg"]);
}

#[tokio::test]
async fn the_bare_master_sends_the_phone_to_its_own_url_and_it_ends_there_at_every_boot() {
    let (server, _) = served().await;
    let own = format!("{}/p", server.url);
    server.file(
        "/000000000000.cfg",
        format!("<APPLICATION APP_FILE_PATH='' CONFIG_FILES='{own}/enrol.cfg'/>"),
    );
    let device =
        |name: &str, value: &str| format!("device.{name}='{value}' device.{name}.set='1' ");
    let enrol = [
        device("prov.serverName", &own),
        device("prov.user", "phone"),
        device("prov.password", "w0rd"),
        device("prov.tagSerialNo", "1"),
    ]
    .concat();
    let stays = device("dhcp.bootSrvUseOpt", "Static");
    // Without `device.set` nothing goes into flash, and without `Static` DHCP wins again.
    for (switch, more, own_server) in
        [("0", stays.as_str(), false), ("1", "", false), ("1", stays.as_str(), true)]
    {
        server.file("/p/enrol.cfg", format!("<a device.set='{switch}' {enrol} {more}/>"));
        let phone = vvx(server.url.clone());
        let first = phone.boot().await;
        assert_eq!(first.rebooted, switch == "1");
        for _ in 0..3 {
            let boot = phone.boot().await;
            assert_eq!(boot.from == own, own_server, "{switch} {more}");
            assert_eq!(phone.identity().is_some(), own_server);
        }
    }
    let agent = server.requests().last().unwrap().header("user-agent").unwrap();
    assert!(agent.contains(" (SN:0004f2aabbcc) Type/"), "{agent}");
}

#[tokio::test]
async fn the_factory_login_answers_a_401_until_the_phone_has_another() {
    let (server, phone) = served().await;
    let locked = |user, password| Reply::Locked {
        challenges: vec!["Digest realm=\"r\", nonce=\"n\", qop=\"auth\"".into()],
        user,
        password,
        file: MASTER.into(),
    };
    server.reply("/p/0004f2aabbcc.cfg", locked("PlcmSpIp", "PlcmSpIp"));
    let boot = phone.boot().await;
    assert_eq!(statuses(&boot)[..3], [201, 401, 200]);
    phone.set("device.prov.user", 0, "phone").await;
    phone.set("device.prov.password", 0, "w0rd").await;
    assert_eq!(statuses(&phone.boot().await), [201, 401, 401]);
    server.reply("/p/0004f2aabbcc.cfg", locked("phone", "w0rd"));
    assert_eq!(statuses(&phone.boot().await)[..3], [201, 401, 200]);
}

#[tokio::test]
async fn with_one_file_broken_or_missing_the_phone_keeps_what_it_had() {
    let (server, phone) = served().await;
    phone.boot().await;
    let before = phone.display();
    server.file("/p/0004f2aabbcc-user.cfg", USER.replace("Ann Doe", "Bob"));
    for broken in [Some("<PHONE a.b='1'>"), Some("<PHONE a.b='1' a.b='2'/>"), None] {
        match broken {
            Some(text) => drop(server.file("/p/common.cfg", text)),
            None => server.remove("/p/common.cfg"),
        }
        let boot = phone.boot().await;
        assert!(!boot.changed && boot.from.is_empty(), "{broken:?}");
        assert_eq!(phone.display(), before);
        assert!(phone.identity().is_some());
    }
    server.file("/p/common.cfg", COMMON);
    assert!(phone.boot().await.changed);
    assert_eq!(phone.display().idle.as_deref(), Some("Bob"));
    // A broken master is no master, but not a missing one either.
    server.file("/p/0004f2aabbcc.cfg", "<APPLICATION");
    server.file("/p/000000000000.cfg", MASTER);
    let boot = phone.boot().await;
    assert_eq!(boot.requests.last().unwrap().problem, Some(Problem::Unreadable));
    assert!(!boot.changed);
}

#[tokio::test]
async fn check_sync_looks_first_and_acts_only_where_something_changed() {
    let (server, phone) = served().await;
    phone.boot().await;
    let look = phone.notify("check-sync").await.unwrap();
    assert_eq!(
        look.paths(),
        [
            "GET /p/0004f2aabbcc.cfg",
            "GET /p/3111-44500-001.3111-44500-001.sip.ld",
            "GET /p/0004f2aabbcc-user.cfg",
            "GET /p/common.cfg"
        ]
    );
    assert!(!look.changed && !look.rebooted);
    server.file("/p/0004f2aabbcc-user.cfg", USER.replace("Ann Doe", "Bob"));
    let look = phone.notify("check-sync;reboot=true").await.unwrap();
    assert!(look.changed && !look.rebooted);
    assert!(look.paths().contains(&"GET /p/dir/0004f2aabbcc-directory.xml".to_owned()));
    let always = "voIpProt.SIP.specialEvent.checkSync.alwaysReboot=\"1\" reg.1.address";
    server.file("/p/0004f2aabbcc-user.cfg", USER.replacen("reg.1.address", always, 1));
    phone.notify("check-sync").await.unwrap();
    let boot = phone.notify("check-sync").await.unwrap();
    assert!(boot.rebooted && boot.paths()[0].starts_with("PUT "));
    for unknown in ["resync", "message-summary", "reboot"] {
        assert_eq!(phone.notify(unknown).await, None);
    }
}

#[tokio::test]
async fn a_soundpoint_starts_anew_when_something_changed() {
    let (server, _) = served().await;
    let mut settings = settings(Vendor::Polycom, "SPIP_335");
    settings.firmware = "4.0.15.1009".into();
    settings.dhcp = Some(format!("{}/p/", server.url));
    let phone = Device::new(settings).unwrap();
    phone.boot().await;
    assert!(!phone.notify("check-sync").await.unwrap().rebooted);
    server.file("/p/0004f2aabbcc-user.cfg", USER.replace("Ann Doe", "Bob"));
    let boot = phone.notify("check-sync").await.unwrap();
    assert!(boot.rebooted && boot.changed);
    assert_eq!(phone.display().idle.as_deref(), Some("Bob"));
}
