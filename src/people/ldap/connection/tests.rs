use super::*;
use crate::people::ldap::told::Info;

#[test]
fn what_a_server_says_of_changes_is_understood_or_refused() {
    assert_eq!(info(b"\x80\x02ab"), Some(Info::Cookie(b"ab".to_vec())));
    let phase = |present, done, cookie: Option<&[u8]>| {
        Some(Info::Phase { cookie: cookie.map(<[u8]>::to_vec), present, done })
    };
    assert_eq!(info(b"\xa1\x00"), phase(false, true, None));
    assert_eq!(info(b"\xa2\x06\x04\x01c\x01\x01\x00"), phase(true, false, Some(b"c")));
    let ids = info(b"\xa3\x0b\x01\x01\xff\x31\x06\x04\x01x\x04\x01y");
    let uuids = vec![b"x".to_vec(), b"y".to_vec()];
    assert_eq!(ids, Some(Info::Ids { cookie: None, deleted: true, uuids }));
    for bad in [&b""[..], b"\xa3\x00", b"\xa4\x00", b"\x80\x05a"] {
        assert_eq!(info(bad), None, "{bad:?}");
    }
}

#[test]
fn what_was_refused_never_repeats_credentials() {
    let result = |rc| LdapResult {
        rc,
        matched: String::new(),
        text: "password 4711 is wrong".to_owned(),
        refs: Vec::new(),
        ctrls: Vec::new(),
    };
    let told = refusal("binding", &result(INVALID_CREDENTIALS)).to_string();
    assert!(!told.contains("4711") && told.contains("credentials are wrong"), "{told}");
    assert!(matches!(refusal("searching", &result(4)), Error::SizeLimit));
}
