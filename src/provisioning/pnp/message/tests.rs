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
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sip_torture");
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
