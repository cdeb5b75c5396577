//! Cisco: rules and their macros, DHCP before them, what an event does, what a key dials.

use super::*;

const ACCOUNT: &str = r#"
  <Line_Enable_1_ ua="na">Yes</Line_Enable_1_><Proxy_1_>hotdesk.test</Proxy_1_>
  <Outbound_Proxy_1_>192.0.2.5:5060</Outbound_Proxy_1_><SIP_Transport_1_>TCP</SIP_Transport_1_>
  <User_ID_1_>8843e1aabbcc</User_ID_1_><Password_1_>s3cret</Password_1_><Register_Expires_1_>300</Register_Expires_1_>
  <Extension_1_>1</Extension_1_><Short_Name_1_>200</Short_Name_1_><Voice_Mail_Number>*97</Voice_Mail_Number>
  <Extension_2_>Disabled</Extension_2_><Short_Name_2_>Bob</Short_Name_2_>
  <Extended_Function_2_>fnc=blf+sd;sub=201@hotdesk.test;ext=201@hotdesk.test;nme=Bob</Extended_Function_2_>
  <Extension_3_>3</Extension_3_><Extended_Function_3_>fnc=sd;ext=202@hotdesk.test;nme=No</Extended_Function_3_>
  <Extension_5_>Disabled</Extension_5_><Extended_Function_5_>fnc=sd;ext=203@hotdesk.test</Extended_Function_5_>"#;

const UNCHALLENGED: &str = "<Auth_Resync-Reboot_1_>No</Auth_Resync-Reboot_1_>";

fn profile(inner: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<flat-profile>{inner}</flat-profile>")
}

fn phone(model: &str, dhcp: String) -> Device {
    let mut settings = settings(Vendor::Cisco, model);
    settings.dhcp = Some(dhcp);
    Device::new(settings).unwrap()
}

#[tokio::test]
async fn a_rule_of_the_first_profile_is_followed_in_the_same_resync() {
    let server = Server::start().await;
    let url = &server.url;
    let rules = format!(
        "<Profile_Rule_B>($PN eq SPA508G) ? {url}/no | {url}/common.xml</Profile_Rule_B>\
         <Profile_Rule_C>{url}/$PSN/$MA-$MAU-$MAC.xml</Profile_Rule_C>"
    );
    server
        .file("/spa504G.cfg", profile(&rules))
        .file("/common.xml", profile("<Short_Name_1_>wrong</Short_Name_1_>"))
        .file("/504G/8843e1aabbcc-8843E1AABBCC-88:43:E1:AA:BB:CC.xml", profile(ACCOUNT));
    let phone = phone("SPA504G", format!("{url}/spa$PSN.cfg"));
    let boot = phone.boot().await;
    assert_eq!(
        boot.paths(),
        [
            "GET /spa504G.cfg",
            "GET /common.xml",
            "GET /504G/8843e1aabbcc-8843E1AABBCC-88:43:E1:AA:BB:CC.xml"
        ]
    );
    assert!(boot.changed && !boot.rebooted);
    assert_eq!(
        server.requests()[0].header("user-agent").unwrap(),
        "Cisco/SPA504G-7.4.4 (8843E1AABBCC)(CBT141100HR)"
    );
    let identity = phone.identity().unwrap();
    assert_eq!(
        (identity.user.as_str(), identity.domain.as_str()),
        ("8843e1aabbcc", "hotdesk.test")
    );
    // The switch for the outbound proxy is off.
    assert_eq!(identity.registrar, "hotdesk.test;transport=tcp");
    assert_eq!(identity.expires, 300);
    let display = phone.display();
    assert_eq!(display.label.as_deref(), Some("200"));
    assert_eq!(display.mailbox.as_deref(), Some("*97"));
    let keys: Vec<_> = display
        .keys
        .iter()
        .map(|key| (key.position, key.kind.as_str(), key.value.as_str()))
        .collect();
    // The third is a line, whatever function it has; there is no fifth on this model.
    assert_eq!(
        keys,
        [(1, "line", "8843e1aabbcc"), (2, "blf", "201@hotdesk.test"), (3, "line", "8843e1aabbcc")]
    );
}

#[tokio::test]
async fn dhcp_wins_over_the_rule_until_no_option_is_looked_at() {
    let server = Server::start().await;
    let rule =
        format!("<Profile_Rule>[--uid ann --pwd s3cret]{}/own/$MA.xml</Profile_Rule>", server.url);
    server.file("/bare.xml", profile(&rule));
    let challenges = vec!["Digest realm=\"r\", nonce=\"fresh\", qop=\"auth\"".to_owned()];
    let file = profile(ACCOUNT);
    server.reply(
        "/own/8843e1aabbcc.xml",
        Reply::Locked { challenges, user: "ann", password: "s3cret", file },
    );
    let phone = phone("8851", format!("{}/bare.xml", server.url));
    for _ in 0..2 {
        assert_eq!(phone.boot().await.paths(), ["GET /bare.xml"], "DHCP says so");
    }
    let none = "<DHCP_Option_To_Use></DHCP_Option_To_Use>";
    server.file("/bare.xml", profile(&format!("{rule}{none}")));
    let boot = phone.boot().await;
    assert_eq!(statuses(&boot), [200, 401, 200]);
    assert!(boot.rebooted);
    for _ in 0..2 {
        assert_eq!(statuses(&phone.boot().await), [401, 200]);
    }
    assert_eq!(phone.identity().unwrap().registrar, "192.0.2.5:5060;transport=tcp");
    phone.forget().await;
    assert_eq!(phone.boot().await.requests.len(), 3);
}

#[tokio::test]
async fn a_missing_file_ends_the_resync_unless_that_is_no_failure() {
    let server = Server::start().await;
    let rules = |fails: &str| {
        profile(&format!(
            "<Resync_Fails_On_FNF>{fails}</Resync_Fails_On_FNF><Profile_Rule_B>{0}/no</Profile_Rule_B><Profile_Rule_C>{0}/c</Profile_Rule_C>",
            server.url
        ))
    };
    server.file("/a", rules("Yes")).file("/c", profile(ACCOUNT));
    let phone = phone("SPA525G", format!("{}/a", server.url));
    assert_eq!(phone.boot().await.paths(), ["GET /a", "GET /no"]);
    server.file("/a", rules("No"));
    assert_eq!(phone.boot().await.paths(), ["GET /a", "GET /no", "GET /c"]);
    let before = phone.display();
    for broken in ["<flat-profile><a>", "<settings/>", ""] {
        server.file("/a", broken);
        let boot = phone.boot().await;
        assert_eq!(boot.requests[0].problem, Some(Problem::Unreadable), "{broken}");
        assert!(!boot.changed && boot.requests.len() == 1 && phone.display() == before);
    }
    let off = "<Resync_On_Reset>No</Resync_On_Reset>";
    server.file("/a", profile(&format!("{off}{UNCHALLENGED}")));
    phone.boot().await;
    assert!(phone.boot().await.requests.is_empty());
    assert!(!phone.notify("resync").await.unwrap().requests.is_empty(), "told to, it looks");
}

#[tokio::test]
async fn resync_is_challenged_until_a_profile_says_otherwise() {
    let server = Server::start().await;
    server.file("/a", profile(ACCOUNT));
    for (model, check_sync, reboot) in [("SPA504G", false, true), ("8851", true, false)] {
        server.file("/a", profile(ACCOUNT));
        let phone = phone(model, format!("{}/a", server.url));
        phone.boot().await;
        assert_eq!(phone.notify("resync").await, None);
        server.file("/a", profile(&format!("{ACCOUNT}{UNCHALLENGED}")));
        phone.boot().await;
        let resync = phone.notify("resync").await.unwrap();
        assert!(!resync.rebooted && !resync.changed && resync.requests.len() == 1);
        assert_eq!(phone.notify("check-sync").await.is_some(), check_sync, "{model}");
        let rebooted = phone.notify("reboot").await.map(|boot| boot.rebooted);
        assert_eq!(rebooted, reboot.then_some(true), "{model}");
        server.file("/a", profile("<Resync_From_SIP>No</Resync_From_SIP>"));
        phone.boot().await;
        assert_eq!(phone.notify("resync").await, None);
    }
}

#[tokio::test]
async fn a_person_changes_what_the_profile_leaves_open_and_the_profile_takes_it_back() {
    let server = Server::start().await;
    server.file("/a", profile("<DND_Setting ua=\"na\">No</DND_Setting><Cfwd_All_Dest ua=\"rw\"/>"));
    let phone = phone("8851", format!("{}/a", server.url));
    phone.boot().await;
    assert!(!phone.set_dnd(true).await.allowed);
    assert!(phone.set_forwarding(Some("0123")).await.allowed);
    server.file("/a", profile(""));
    phone.boot().await;
    assert_eq!(phone.display().forwarding.as_deref(), Some("0123"), "nothing was said of it");
    server.file("/a", profile("<Cfwd_All_Dest ua=\"rw\"/>"));
    phone.boot().await;
    assert_eq!(phone.display().forwarding, None);
}

#[tokio::test]
async fn soft_keys_are_those_that_the_list_names_and_the_directory_is_a_file_of_its_own() {
    let server = Server::start().await;
    let soft = format!(
        "<Programmable_Softkey_Enable>Yes</Programmable_Softkey_Enable><Idle_Key_List>psk2|1;redial|2</Idle_Key_List>\
         <PSK_1>fnc=sd;ext=1@a;nme=One</PSK_1><PSK_2>fnc=sd;ext=*11@a;nme=x;fnc=sd;ext=*12@a;nme=Two</PSK_2>\
         <XML_Directory_Service_URL>{}/book.xml</XML_Directory_Service_URL>",
        server.url
    );
    server.file("/a", profile(&format!("{ACCOUNT}{soft}")));
    server.file(
        "/book.xml",
        "<CiscoIPPhoneDirectory><DirectoryEntry><Name>Ann &amp; Bob</Name><Telephone>201</Telephone></DirectoryEntry></CiscoIPPhoneDirectory>",
    );
    let phone = phone("SPA502G", format!("{}/a", server.url));
    assert_eq!(phone.boot().await.paths(), ["GET /a", "GET /book.xml"]);
    let display = phone.display();
    let keys: Vec<_> = display
        .keys
        .iter()
        .map(|key| (key.kind.as_str(), key.value.as_str(), key.label.as_str()))
        .collect();
    assert_eq!(keys, [("line", "8843e1aabbcc", "200"), ("softkey", "*12@a", "Two")]);
    assert_eq!(display.phone_book, [Contact { name: "Ann & Bob".into(), number: "201".into() }]);
}
