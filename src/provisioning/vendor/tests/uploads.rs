//! What a phone sends: what of it is a person's, and what is nobody's.

use super::*;

fn polycom(file: &str) -> (&'static File, &'static Personal) {
    let file = vendors().get("polycom").unwrap().file(file).unwrap();
    (file, file.personal.as_ref().unwrap())
}

#[test]
fn of_a_phones_overrides_only_what_is_the_persons_is_kept() {
    let (file, personal) = polycom("phone");
    let body = br#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <PHONE_CONFIG><!-- x --><OVERRIDES up.backlight.idleIntensity="1" bg.hiRes.gray.selection="2,2"
          divert.1.contact="0664&amp;1234567" reg.1.address="6666" reg.1.auth.password="stolen"
          device.prov.serverName="http://evil.example.net" device.set="1" dialplan.digitmap="999T"
          dialplan.routing.emergency.1.value="1" voIpProt.server.1.address="evil.example.net"
          phoneLock.enabled="1"/><other up.x="&quot;&#10;"/></PHONE_CONFIG>"#;
    let kept = personal.accept(file.kind, body).unwrap();
    assert_eq!(xml::fault(&kept), None);
    for here in [
        "up.backlight.idleIntensity=\"1\"",
        "bg.hiRes",
        "divert.1.contact=\"0664&amp;1234567\"",
        "up.x=\"&quot;&#10;\"",
    ] {
        assert!(kept.contains(here), "{here}: {kept}");
    }
    for gone in ["reg.", "device.", "dialplan.", "voIpProt", "stolen", "evil", "phoneLock"] {
        assert!(!kept.contains(gone), "{gone}: {kept}");
    }
    let at_login = personal.at_login(file.kind, &kept).unwrap();
    assert!(at_login.contains("up.backlight"), "{at_login}");
    assert!(!at_login.contains("divert."), "a forwarding ends with the stay: {at_login}");
    assert_eq!(personal.accept(file.kind, kept.as_bytes()).unwrap(), kept);
}

#[test]
fn a_directory_and_call_lists_are_kept_as_they_came() {
    for name in ["directory", "calls"] {
        let (file, personal) = polycom(name);
        let body = "<directory><item_list><item><ln>Zoë</ln></item></item_list></directory>";
        assert_eq!(personal.accept(file.kind, body.as_bytes()).unwrap(), body);
        assert_eq!(personal.at_login(file.kind, body).unwrap(), body);
    }
}

#[test]
fn what_is_no_file_of_that_kind_is_refused() {
    for name in ["phone", "directory", "calls"] {
        let (file, personal) = polycom(name);
        let refused = |body: &[u8]| personal.accept(file.kind, body).unwrap_err();
        for body in [
            "",
            "not xml",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a b=\"1\" b=\"2\"/>",
            "<a b=1/>",
            "<a>&unknown;</a>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            &format!("{}{}", "<a>".repeat(100), "</a>".repeat(100)),
        ] {
            assert_eq!(refused(body.as_bytes()), Unacceptable::NotXml, "{body}");
        }
        assert_eq!(refused(b"<a>\xff</a>"), Unacceptable::Encoding);
        let long = format!("<a>{}</a>", "x".repeat(personal.max_bytes));
        assert_eq!(refused(long.as_bytes()), Unacceptable::TooLong);
    }
}

#[test]
fn what_a_person_has_who_never_sent_anything_is_empty_and_valid() {
    let polycom = vendors().get("polycom").unwrap();
    let context = somebody(polycom, "VVX 500", "0004f2aabbcc", "Ada Lovelace");
    let render =
        |file: &str| polycom.render(polycom.file(file).unwrap(), Stage::Empty, &context).unwrap();
    assert!(render("phone").contains("<OVERRIDES/>"));
    assert!(render("directory").contains("<ct>1002</ct>"), "the site's phone book");
    assert_eq!(xml::fault(&render("calls")), None);
    assert!(polycom.file("web").unwrap().discards);
}

#[test]
fn a_bare_mac_address_is_told_the_url_and_nothing_else() {
    for vendor in vendors().all() {
        let context = somebody(vendor, "", "0004132a0001", "Ada Lovelace");
        let bootstraps = vendor.files().iter().filter(|file| file.has_bootstrap());
        for file in bootstraps {
            let told = vendor.render(file, Stage::Bootstrap, &context).unwrap();
            assert!(told.contains("/p/k3yk3yk3yk3yk3yk3yk3yk"), "{told}");
            for secret in ["sip-secret", "web-password", "Ada", "1001", "Desk 12", "192.0.2"] {
                assert!(!told.contains(secret), "{secret} in {told}");
            }
        }
        let main = vendor.files().iter().find(|file| file.main).unwrap();
        assert!(main.has_bootstrap(), "{}", vendor.name());
        // Files that anybody may ask for.
        for file in vendor.files().iter().filter(|file| file.site) {
            let told = vendor.render(file, Stage::Full, &context).unwrap();
            for secret in ["sip-secret", "http-password", "k3yk3y", "Ada", "1001", "Desk 12"] {
                assert!(!told.contains(secret), "{secret} in {told}");
            }
        }
    }
}
