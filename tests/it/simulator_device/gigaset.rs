//! Gigaset bases: DHCP before the server in flash, Digest only and with the factory's credentials first,
//! whose file it is, what becomes of handsets.

use super::*;

fn base(model: &str, dhcp: String) -> Device {
    let mut settings = settings(Vendor::Gigaset, model);
    settings.dhcp = Some(dhcp);
    Device::new(settings).unwrap()
}

fn nvm(inner: &str) -> String {
    format!("<provisioning version=\"1.1\" productID=\"e2\"><nvm>{inner}</nvm></provisioning>")
}

fn param(name: &str, value: &str) -> String {
    format!("<param name=\"{name}\" value=\"{value}\"/>")
}

/// A handset of an Nx70 with its account.
fn handset(number: &str, user: &str) -> String {
    let of = |name: &str, value: &str| param(&format!("SipAccount.{number}.{name}"), value);
    format!(
        "<oper value=\"{number}\" name=\"add_hs\"><param name=\"hs.RegStatus\" value=\"ToReg\"/></oper>{}{}{}{}",
        of("AuthName", user),
        of("UserName", user),
        of("AuthPassword", "s3cret"),
        of("DisplayName", "Ann")
    )
}

fn provider() -> String {
    [("Domain", "hotdesk.test"), ("RegServerAddress", "192.0.2.5"), ("RegServerPort", "5080")]
        .map(|(name, value)| param(&format!("SipProvider.0.{name}"), value))
        .concat()
}

fn frame(mac: &str, inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><ProviderFrame><Provider><MAC_ADDRESS value=\"{mac}\"/>{inner}</Provider></ProviderFrame>"
    )
}

fn item(name: &str, value: &str) -> String {
    format!("<SYMB_ITEM ID=\"{name}\" class=\"symb_item\" value='{value}'/>")
}

#[tokio::test]
async fn a_new_server_is_followed_and_dhcp_is_asked_first_all_the_same() {
    let server = Server::start().await;
    let own = param("Provisioning.global.ProvisioningServer", &format!("{}/own/", server.url));
    server.file("/bare/7C2F80AABBCC.xml", nvm(&own));
    server.file("/own/7c2f80aabbcc.xml", nvm(&(provider() + &handset("00001", "7c2f80aabbcc-1"))));
    let base = base("N870", format!("{}/bare/%MACD.xml", server.url));
    let first = base.boot().await;
    assert_eq!(first.paths(), ["GET /bare/7C2F80AABBCC.xml", "GET /bare/7C2F80AABBCC.xml"]);
    assert!(base.identity().is_none(), "DHCP's file says nothing of it");
    // When DHCP's server gives nothing, the one in flash does.
    server.remove("/bare/7C2F80AABBCC.xml");
    let boot = base.boot().await;
    assert_eq!(boot.paths(), ["GET /bare/7C2F80AABBCC.xml", "GET /own/7c2f80aabbcc.xml"]);
    assert_eq!(
        server.requests()[0].header("user-agent").unwrap(),
        "Gigaset N870 IP PRO/83.V2.43.0+build.5f0a106;7C2F80AABBCC;Handset=50"
    );
    let identity = base.identity().unwrap();
    assert_eq!(
        (identity.user.as_str(), identity.domain.as_str()),
        ("7c2f80aabbcc-1", "hotdesk.test")
    );
    assert_eq!(identity.registrar, "192.0.2.5:5080;transport=udp");
    assert_eq!(base.display().label.as_deref(), Some("Ann"));
}

#[tokio::test]
async fn the_factorys_credentials_are_tried_before_the_configured_ones_and_none_in_clear() {
    let server = Server::start().await;
    let login = "<S_PROV_USERNAME class=\"string\" value='\"ann\"'/><S_PROV_PASSWORD class=\"string\" value='\"s3cret\"'/>";
    server.file("/7C2F80AABBCC.xml", frame("7C2F80AABBCC", login));
    let base = base("N510", server.url.clone());
    base.boot().await;
    let digest = "Digest realm=\"r\", nonce=\"fresh\", qop=\"auth\"".to_owned();
    let file = frame("7C2F80AABBCC", &item("BS_IP_Data1.aucS_SIP_DISPLAYNAME", "\"Ann\""));
    let locked = |challenge: &str| Reply::Locked {
        challenges: vec![challenge.to_owned()],
        user: "ann",
        password: "s3cret",
        file: file.clone(),
    };
    server.reply("/7C2F80AABBCC.xml", locked(&digest));
    assert_eq!(statuses(&base.boot().await), [401, 401, 200]);
    let requests = server.requests();
    let names: Vec<_> = requests[1..]
        .iter()
        .map(|request| {
            let sent = request.header("authorization").unwrap_or_default();
            sent.split("username=\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned())
        })
        .collect();
    assert_eq!(names, [None, Some("7C2F80AABBCC".to_owned()), Some("ann".to_owned())]);
    server.reply("/7C2F80AABBCC.xml", locked("Basic realm=\"r\""));
    assert_eq!(statuses(&base.boot().await), [401]);
}

#[tokio::test]
async fn a_file_for_another_base_sets_nothing() {
    let server = Server::start().await;
    let name = item("BS_IP_Data1.aucS_SIP_DISPLAYNAME", "\"Ann\"");
    for broken in [
        frame("7C2F80AABBCD", &name),
        frame("7c2f80aabbcc", &name),
        nvm(&name),
        frame("7C2F80AABBCC", &name).replace("</Provider>", ""),
    ] {
        server.file("/a.xml", broken.as_str());
        let boot = base("N510", format!("{}/a.xml", server.url)).boot().await;
        assert_eq!(boot.requests[0].problem, Some(Problem::Unreadable), "{broken}");
        assert!(!boot.changed && boot.from.is_empty());
    }
    server.file("/a.xml", frame("7C2F80AABBCC", &name));
    let base = base("N510", format!("{}/a.xml", server.url));
    assert!(base.boot().await.changed);
    assert_eq!(base.display().label.as_deref(), Some("Ann"));
    // A quote within ends the text.
    server.file(
        "/a.xml",
        frame("7C2F80AABBCC", &item("BS_IP_Data1.aucS_SIP_DISPLAYNAME", "\"A\"nn\"")),
    );
    base.boot().await;
    assert_eq!(base.display().label.as_deref(), Some("A"));
}

#[tokio::test]
async fn handsets_that_a_file_leaves_out_stay_until_it_says_that_they_go() {
    let server = Server::start().await;
    server.file("/a.xml", nvm(&(provider() + &handset("00001", "one") + &handset("00002", "two"))));
    let base = base("N670", format!("{}/a.xml", server.url));
    base.boot().await;
    server.file("/a.xml", nvm(&handset("00002", "other")));
    base.boot().await;
    assert_eq!(base.identity().unwrap().user, "one");
    server.file(
        "/a.xml",
        nvm(&format!("<oper name=\"DeleteNotProvisionedHS\"/>{}", handset("00002", "other"))),
    );
    base.boot().await;
    assert_eq!(base.identity().unwrap().user, "other");
    server.file("/a.xml", nvm("<oper name=\"DeleteNotProvisionedHS\"/>"));
    base.boot().await;
    assert!(base.identity().is_none());

    let account = |n: &str, name: &str, value: &str| {
        item(&format!("BS_VOIP_Data.astVoipAccounts[{n}].{name}"), value)
    };
    let domain = item("BS_VOIP_Data.astVoipProviders[0].aucSIP_DOMAIN[%]", "\"hotdesk.test\"");
    let user = account("0", "aucS_SIP_USER_ID[0]", "\"one\"");
    let on = account("0", "ucB_SIP_ACCOUNT_IS_ACTIVE_1", "1");
    let off = account("%", "ucB_SIP_ACCOUNT_IS_ACTIVE_1", "0");
    let base = self::base("N720", format!("{}/b.xml", server.url));
    for (parts, active) in [(format!("{off}{on}"), true), (off.clone(), false), (on, true)] {
        server.file("/b.xml", frame("7C2F80AABBCC", &format!("{domain}{user}{parts}")));
        base.boot().await;
        assert_eq!(base.identity().is_some(), active, "{parts}");
    }
}

#[tokio::test]
async fn a_check_sync_reaches_a_base_with_a_handset_and_restarts_it_only_where_that_is_on() {
    let server = Server::start().await;
    let account = provider() + &handset("00001", "one");
    server.file("/a.xml", nvm(""));
    let base = base("N870", format!("{}/a.xml", server.url));
    base.boot().await;
    assert_eq!(base.notify("check-sync").await, None);
    server.file("/a.xml", nvm(&account));
    base.boot().await;
    assert!(!base.notify("check-sync;reboot=true").await.unwrap().rebooted);
    let on = param("SystemSettings.global.CheckSyncRebootEnabled", "1");
    server.file("/a.xml", nvm(&(account + &on)));
    assert!(base.notify("check-sync").await.unwrap().changed);
    assert!(base.notify("check-sync;reboot=true").await.unwrap().rebooted);
    assert_eq!(base.notify("resync").await, None);
}

#[tokio::test]
async fn the_central_phone_book_is_a_list_of_entries() {
    let server = Server::start().await;
    let url = param("CentralBook.0.ServerURL", &format!("{}/book.xml", server.url));
    server.file("/a.xml", nvm(&url));
    server.file(
        "/book.xml",
        "<?xml version=\"1.0\"?><!DOCTYPE LocalDirectory><list><entry surname=\"Doe\" name=\"Ann\" office1=\"\" mobile1=\"201\"/><entry surname=\"No number\"/></list>",
    );
    let base = base("N610", format!("{}/a.xml", server.url));
    assert_eq!(base.boot().await.requests.len(), 1, "it is not switched on");
    server.file("/a.xml", nvm(&(url + &param("Netdir.21.Activated", "1"))));
    base.boot().await;
    let book = base.display().phone_book;
    assert_eq!(book, [Contact { name: "Ann Doe".into(), number: "201".into() }]);
}
