//! What a person does at the phone, what the phone tells the server of it, and what takes it away.

use std::process::Stdio;

use tokio::process::Command;

use super::*;

const ODD: &str = "Zoë \"Ann\" <O'Neil> & Söhne ]]> $x 🙂";

/// Whether an independent parser reads it.
async fn is_xml(text: &str) -> bool {
    let mut xmllint = Command::new("xmllint")
        .args(["--noout", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = xmllint.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).await.unwrap();
    drop(stdin);
    xmllint.wait().await.unwrap().success()
}

#[tokio::test]
async fn a_polycom_puts_what_a_person_did_where_its_master_file_says() {
    let server = Server::start().await;
    server.file(
        "/0004f2aabbcc.cfg",
        "<APPLICATION CONFIG_FILES='' OVERRIDES_DIRECTORY='o' CONTACTS_DIRECTORY='' CALL_LISTS_DIRECTORY='c'/>",
    );
    let phone = vvx(server.url.clone());
    assert!(phone.set_dnd(true).await.uploads.is_empty(), "it does not know where to yet");
    phone.boot().await;
    let forwarded = phone.set_forwarding(Some("0171 & 5")).await;
    assert_eq!(forwarded.uploads.len(), 1);
    phone.dial("201").await;
    phone.dial("0123<").await;
    phone.add_contact(ODD, "202").await;
    let display = phone.display();
    assert!(display.dnd);
    assert_eq!(display.forwarding.as_deref(), Some("0171 & 5"));
    assert_eq!(display.calls, ["0123<", "201"]);
    assert_eq!(display.redial.as_deref(), Some("0123<"));
    assert_eq!(display.phone_book, [Contact { name: ODD.into(), number: "202".into() }]);
    let paths =
        ["/o/0004f2aabbcc-phone.cfg", "/c/0004f2aabbcc-calls.xml", "/0004f2aabbcc-directory.xml"];
    let uploads = paths.map(|path| server.put(path).unwrap());
    for upload in &uploads {
        assert!(is_xml(upload).await, "{upload}");
    }
    // Another phone that is given the three files is this person's.
    for (path, upload) in paths.iter().zip(&uploads) {
        server.file(path, upload);
    }
    let other = vvx(server.url.clone());
    other.boot().await;
    assert_eq!(other.display(), display);
}

#[tokio::test]
async fn a_missing_personal_file_leaves_a_polycom_as_it_is_and_an_empty_one_clears_it() {
    let server = Server::start().await;
    server.file("/0004f2aabbcc.cfg", "<APPLICATION CONFIG_FILES=''/>");
    let phone = vvx(server.url.clone());
    phone.boot().await;
    phone.set_dnd(true).await;
    phone.set_forwarding(Some("0171")).await;
    phone.dial("201").await;
    phone.add_contact("Ann", "202").await;
    let before = phone.display();
    phone.boot().await;
    assert_eq!(phone.display(), before);
    server
        .file("/0004f2aabbcc-phone.cfg", "<PHONE_CONFIG><OVERRIDES/></PHONE_CONFIG>")
        .file("/0004f2aabbcc-calls.xml", "<callList/>")
        .file("/0004f2aabbcc-directory.xml", "<directory><item_list/></directory>");
    assert!(phone.boot().await.changed);
    assert_eq!(phone.display(), Display::default());
}

#[tokio::test]
async fn an_override_at_the_phone_wins_over_every_file() {
    let server = Server::start().await;
    server.file("/0004f2aabbcc.cfg", "<APPLICATION CONFIG_FILES='a.cfg'/>");
    server.file("/a.cfg", "<a divert.dnd.1.enabled='0' lcl.ml.lang='German_Germany'/>");
    server.file("/0004f2aabbcc-web.cfg", "<a lcl.ml.lang='French_France'/>");
    let phone = vvx(server.url.clone());
    phone.boot().await;
    assert_eq!(phone.display().language.as_deref(), Some("French_France"));
    phone.set_dnd(true).await;
    phone.boot().await;
    assert!(phone.display().dnd, "a file that says 0 is not enough");
}

#[tokio::test]
async fn the_directory_of_all_phones_is_a_seed_till_5_4_0_and_stands_beside_the_own_one_later() {
    let server = Server::start().await;
    let book = |name: &str, sd: &str| {
        format!(
            "<directory><item_list><item><ln>{name}</ln><ct>9</ct><sd>{sd}</sd></item></item_list></directory>"
        )
    };
    server.file("/0004f2aabbcc.cfg", "<APPLICATION CONFIG_FILES=''/>");
    server.file("/000000000000-directory.xml", book("Seed", ""));
    let mut settings = settings(Vendor::Polycom, "VVX_500");
    settings.dhcp = Some(server.url.clone());
    for (firmware, expected) in [("5.4.0.1", vec!["Own"]), ("5.9.7.1", vec!["Own", "Seed"])] {
        settings.firmware = firmware.into();
        server.remove("/0004f2aabbcc-directory.xml");
        let phone = Device::new(settings.clone()).unwrap();
        let names = |phone: &Device| {
            phone.display().phone_book.into_iter().map(|c| c.name).collect::<Vec<_>>()
        };
        phone.boot().await;
        assert_eq!(names(&phone), ["Seed"]);
        server.file("/0004f2aabbcc-directory.xml", book("Own", "3"));
        phone.boot().await;
        assert_eq!(names(&phone), expected);
        let key = &phone.display().keys[0];
        assert_eq!(
            (key.kind.as_str(), key.value.as_str(), key.label.as_str()),
            ("speed", "9", "Own")
        );
    }
}

#[tokio::test]
async fn a_snom_keeps_what_a_person_did_until_a_file_says_otherwise() {
    let server = Server::start().await;
    server.file("/f?000413AABBCC", phone_settings(""));
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    phone.boot().await;
    assert!(phone.set_dnd(true).await.allowed);
    assert!(phone.set_forwarding(Some("0171")).await.allowed);
    phone.dial("201").await;
    phone.boot().await;
    let display = phone.display();
    assert!(display.dnd);
    assert_eq!(display.forwarding.as_deref(), Some("0171"));
    let off = "<dnd_mode idx=\"1\" perm=\"\">off</dnd_mode><fwd_all_enabled idx=\"1\" perm=\"\">off</fwd_all_enabled>";
    server.file("/f?000413AABBCC", phone_settings(off));
    phone.boot().await;
    let display = phone.display();
    assert!(!display.dnd && display.forwarding.is_none());
    assert_eq!(display.redial.as_deref(), Some("201"), "no file clears the call list");
    let locked = "<dnd_mode perm=\"R\">off</dnd_mode>";
    server.file("/f?000413AABBCC", phone_settings(locked));
    phone.boot().await;
    assert!(!phone.set_dnd(true).await.allowed);
    assert!(!phone.display().dnd);
}
