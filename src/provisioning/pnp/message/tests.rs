use proptest::prelude::*;

use super::*;

/// The SUBSCRIBEs as phones send them.
const SUBSCRIBES: [(&str, &[u8]); 10] = [
    ("snom370", include_bytes!("../../../../tests/fixtures/pnp/snom370.sip")),
    ("snom-oem", include_bytes!("../../../../tests/fixtures/pnp/snom-oem.sip")),
    ("snomD120", include_bytes!("../../../../tests/fixtures/pnp/snomD120.sip")),
    ("snomM700", include_bytes!("../../../../tests/fixtures/pnp/snomM700.sip")),
    ("yealinkW52P", include_bytes!("../../../../tests/fixtures/pnp/yealinkW52P.sip")),
    ("yealinkT53W", include_bytes!("../../../../tests/fixtures/pnp/yealinkT53W.sip")),
    ("grandstream", include_bytes!("../../../../tests/fixtures/pnp/grandstream.sip")),
    ("planet", include_bytes!("../../../../tests/fixtures/pnp/planet.sip")),
    ("gigaset-maxwell", include_bytes!("../../../../tests/fixtures/pnp/gigaset-maxwell.sip")),
    ("audiocodes", include_bytes!("../../../../tests/fixtures/pnp/audiocodes.sip")),
];

fn request(bytes: &[u8]) -> Request<'_> {
    match Message::parse(bytes) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}: {}", String::from_utf8_lossy(bytes)),
    }
}

#[test]
fn every_subscribe_that_was_seen_is_read() {
    for (name, bytes) in SUBSCRIBES {
        let request = request(bytes);
        assert_eq!(request.method, "SUBSCRIBE", "{name}");
        let (event, parameters) = request.event().unwrap();
        assert_eq!(event, "ua-profile", "{name}");
        assert!(parameters.iter().any(|parameter| parameter.is("profile-type")), "{name}");
        assert!(request.from.tag().is_some() && request.to.tag().is_none(), "{name}");
        assert!(request.contact().is_some(), "{name}");
        let has_branch = !name.starts_with("snom") || name == "snomM700";
        assert_eq!(request.via.branch().is_some(), has_branch, "{name}");
    }
}

/// What RFC 4475 calls valid is read; what it calls invalid is malformed, as far as we look at what is wrong.
#[test]
fn the_torture_messages_are_read_or_refused_as_the_rfc_says() {
    use Malformed as M;
    let verdicts: [(&str, Result<(), Malformed>); 49] = [
        // Valid.
        ("wsinv", Ok(())),
        ("intmeth", Ok(())),
        ("esc01", Ok(())),
        ("escnull", Ok(())),
        ("esc02", Ok(())),
        ("lwsdisp", Ok(())),
        ("longreq", Ok(())),
        ("dblreq", Ok(())),
        ("semiuri", Ok(())),
        ("transports", Ok(())),
        ("mpart01", Ok(())),
        ("unreason", Ok(())),
        ("noreason", Ok(())),
        // Invalid.
        ("badinv01", Err(M::Header("Via"))),
        ("clerr", Err(M::Length)),
        ("ncl", Err(M::Length)),
        ("scalar02", Err(M::Header("CSeq"))),
        ("scalarlg", Err(M::Header("CSeq"))),
        ("quotbal", Err(M::Header("To"))),
        ("ltgtruri", Err(M::StartLine)),
        ("lwsruri", Err(M::StartLine)),
        ("lwsstart", Err(M::StartLine)),
        ("trws", Err(M::StartLine)),
        ("badaspec", Err(M::Header("To"))),
        ("baddn", Err(M::Header("From"))),
        ("badvers", Err(M::StartLine)),
        ("mismatch01", Err(M::OtherMethod)),
        ("mismatch02", Err(M::OtherMethod)),
        ("bigcode", Err(M::StartLine)),
        // Invalid in what a SUBSCRIBE's receiver never looks at: Date, Contact, headers in a Request-URI.
        ("baddate", Ok(())),
        ("regbadct", Ok(())),
        ("escruri", Ok(())),
        // For others than the parser to refuse.
        ("badbranch", Ok(())),
        ("insuf", Err(M::Missing("Call-ID"))),
        ("unkscm", Ok(())),
        ("novelsc", Ok(())),
        ("unksm2", Ok(())),
        ("bext01", Ok(())),
        ("invut", Ok(())),
        ("regaut01", Ok(())),
        ("multi01", Err(M::Twice("CSeq"))),
        ("mcl01", Err(M::Length)),
        ("bcast", Ok(())),
        ("zeromf", Ok(())),
        ("cparam01", Ok(())),
        ("cparam02", Ok(())),
        ("regescrt", Ok(())),
        ("sdp01", Ok(())),
        ("inv2543", Ok(())),
    ];
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sip_torture");
    let mut wrong = Vec::new();
    for (name, verdict) in verdicts {
        let bytes = std::fs::read(folder.join(format!("{name}.dat"))).unwrap();
        let read = Message::parse(&bytes).map(drop);
        if read != verdict {
            wrong.push((name, read, verdict));
        }
    }
    assert_eq!(wrong, [], "name, as it was read, as it should be");
    let there = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(there, verdicts.len() + 1, "each has its verdict");
}

#[test]
fn a_line_may_be_folded_a_name_short_and_blanks_anywhere() {
    let bytes = b"\r\n\r\nSUBSCRIBE sip:MAC%3a000413AABB01@x SIP/2.0\r\n\
        v :  SIP  /   2.0\r\n /UDP\r\n\t192.0.2.2 : 2048 ; rport ;\r\n branch = 390skdjuw , SIP/2.0/UDP 192.0.2.3\r\n\
        f: \"Desk \\\"1\\\", <floor 2>\"   <sip:MAC%3a000413AABB01@x>\r\n  ; tag\r\n = 98asjd8\r\n\
        TO :\r\n sip:MAC%3a000413AABB01@x ;x\r\n\
        I: a@b\r\ncSeQ: 0009\r\n  SUBSCRIBE\r\n\
        o: ua-profile ; vendor = \"sn\\om\" ;profile-type=device\r\nl:0\r\n\r\n";
    let request = request(bytes);
    assert_eq!((request.sequence, request.call_id()), (9, "a@b"));
    assert_eq!(
        (request.via.sent_by.as_str(), request.via.branch()),
        ("192.0.2.2:2048", Some("390skdjuw"))
    );
    assert_eq!(request.from.tag(), Some("98asjd8"));
    assert_eq!(request.to.uri, "sip:MAC%3a000413AABB01@x");
    let (name, parameters) = request.event().unwrap();
    let vendor = parameters.iter().find(|parameter| parameter.is("VENDOR")).unwrap();
    assert_eq!((name.as_str(), vendor.value.as_deref()), ("ua-profile", Some("snom")));
    // What goes back is on lines of its own again, and the second Via is still there.
    let from = "192.0.2.9:4000".parse().unwrap();
    let ok = ok(&request, &Ok200 { from, here: "192.0.2.5:7000".parse().unwrap(), tag: "t" });
    let text = String::from_utf8(ok).unwrap();
    let via = "Via: SIP/2.0/UDP 192.0.2.2:2048;rport=4000;branch=390skdjuw;received=192.0.2.9, SIP/2.0/UDP 192.0.2.3\r\n";
    assert!(text.contains(via), "{text}");
    let Message::Response(response) = Message::parse(text.as_bytes()).unwrap() else {
        panic!("{text}")
    };
    assert_eq!((response.status, response.method.as_str()), (200, "SUBSCRIBE"));
}

#[test]
fn what_is_too_long_or_too_much_is_refused() {
    let head = "SUBSCRIBE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\n\
                Call-ID: 1\r\nCSeq: 1 SUBSCRIBE\r\n";
    let with = |more: &str| Message::parse(format!("{head}{more}\r\n").as_bytes()).map(drop);
    assert_eq!(with(""), Ok(()));
    assert_eq!(with(&"A: b\r\n".repeat(MOST_HEADERS - 5)), Ok(()));
    assert_eq!(with(&"A: b\r\n".repeat(MOST_HEADERS - 4)), Err(Malformed::TooManyHeaders));
    assert_eq!(with(&format!("A: {}\r\n", "b".repeat(MOST_BYTES))), Err(Malformed::TooLong));
    for (more, why) in [
        ("A b\r\n", Malformed::Line),
        (": b\r\n", Malformed::Line),
        ("A: b\rC: d\r\n", Malformed::Line),
        ("To: <sip:c@d>\r\n", Malformed::Twice("To")),
        ("t: <sip:c@d>\r\n", Malformed::Twice("To")),
        ("Content-Length: 1\r\n", Malformed::Length),
        ("Content-Length: +0\r\n", Malformed::Length),
        ("Content-Length: 99999999999999999999999\r\n", Malformed::Length),
        ("l: 0\r\nContent-Length: 1\r\n", Malformed::Length),
    ] {
        assert_eq!(with(more), Err(why), "{more:?}");
    }
    assert_eq!(Message::parse(head.as_bytes()), Err(Malformed::Truncated));
    assert_eq!(Message::parse(b""), Err(Malformed::Truncated));
    let latin1 = [head.as_bytes(), b"Subject: caf\xe9\r\n\r\n"].concat();
    assert_eq!(Message::parse(&latin1), Err(Malformed::NotUtf8));
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Message::parse(&bytes);
    }

    /// A SUBSCRIBE of a phone with some bytes changed, taken out or doubled: whatever is read can be answered,
    /// and what is written is read again.
    #[test]
    fn a_changed_subscribe_is_answered_in_good_form_or_refused(
        which in 0..SUBSCRIBES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>()), 1..6),
    ) {
        let mut bytes = SUBSCRIBES[which].1.to_vec();
        for (at, kind, byte) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, b"\r\n \t;,<>\"\\:%@=/"[usize::from(byte) % 15]),
                _ => bytes.splice(at..at, SUBSCRIBES[which].1[..at.min(80)].to_vec()).for_each(drop),
            }
        }
        if let Ok(Message::Request(request)) = Message::parse(&bytes) {
            let here = "192.0.2.5:7000".parse().unwrap();
            let from = "192.0.2.9:4000".parse().unwrap();
            let ok = ok(&request, &Ok200 { from, here, tag: "t" });
            let is_ok = matches!(Message::parse(&ok), Ok(Message::Response(_)) | Err(Malformed::TooLong));
            prop_assert!(is_ok, "{}", String::from_utf8_lossy(&ok));
            let uri = request.contact().map_or("sip:a@b".to_owned(), |contact| contact.uri);
            let (branch, url) = ("z9hG4bK1", "http://prov.example.net:8085/provision/");
            let notify = notify(&request, &Notify { here, uri: &uri, tag: "t", branch, url, header: None });
            match Message::parse(&notify) {
                Ok(Message::Request(notify)) => {
                    prop_assert_eq!(notify.call_id(), request.call_id());
                    prop_assert_eq!(notify.to.uri, request.from.uri);
                }
                Err(Malformed::TooLong) => {}
                other => prop_assert!(false, "{:?}: {}", other, String::from_utf8_lossy(&notify)),
            }
        }
    }
}
