use super::*;

/// An element.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    if length < 0x80 {
        bytes.push(u8::try_from(length).unwrap());
    } else {
        bytes.extend([0x84]);
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
    }
    bytes.extend(content);
    bytes
}

fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn message(id: u8, op: Vec<u8>) -> Vec<u8> {
    seq(&[tlv(2, &[id]), op])
}

fn result(tag: u8) -> Vec<u8> {
    tlv(tag, &[tlv(10, &[0]), tlv(4, b""), tlv(4, b"")].concat())
}

fn entry(values: usize) -> Vec<u8> {
    let values: Vec<u8> = (0..values).flat_map(|_| tlv(4, b"value")).collect();
    let attribute = seq(&[tlv(4, b"cn"), tlv(0x31, &values)]);
    tlv(ENTRY, &[tlv(4, b"cn=x"), seq(&[attribute])].concat())
}

fn search() -> HashMap<u32, u8> {
    HashMap::from([(7, SEARCH), (8, BIND)])
}

#[test]
fn what_belongs_to_a_request_is_let_through() {
    let control = seq(&[tlv(4, b"1.2.3"), tlv(1, &[0xff]), tlv(4, b"x")]);
    let controlled = seq(&[tlv(2, &[7]), result(DONE), tlv(0xa0, &control)]);
    let referral = tlv(REFERENCE, &tlv(4, b"ldap://other/"));
    let info = tlv(INTERMEDIATE, &[tlv(0x80, b"1.2.3"), tlv(0x81, b"\xa1\x00")].concat());
    for good in [
        message(7, entry(1)),
        message(7, entry(10_000)),
        message(7, referral),
        message(7, info),
        message(7, result(DONE)),
        controlled,
        message(8, result(0x61)),
    ] {
        assert_eq!(answers(&good, &mut search()).unwrap(), (good.len(), 1), "{good:?}");
        let half = good.get(..good.len() - 1).unwrap();
        assert_eq!(answers(half, &mut search()).unwrap(), (0, 0));
    }
    let mut pending = search();
    answers(&message(8, result(0x61)), &mut pending).unwrap();
    assert!(!pending.contains_key(&8));
}

#[test]
fn what_ldap3_would_stumble_over_is_not() {
    let nested = (0..100_000).fold(Vec::new(), |inner, _| {
        let mut outer = vec![0x30, 0x84];
        outer.extend(u32::try_from(inner.len()).unwrap().to_be_bytes());
        if inner.len() < 100_000 { [outer, inner].concat() } else { inner }
    });
    let mut cut = entry(1);
    cut[1] -= 1;
    let bad = [
        // Not LDAP, or without end.
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        vec![0x30, 0x80, 0, 0],
        vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff],
        // An answer to nothing, or of another kind.
        message(9, result(DONE)),
        message(0, result(0x78)),
        message(7, result(0x61)),
        message(8, entry(1)),
        message(7, result(0x6b)),
        // Of a wrong form.
        message(7, nested),
        message(7, cut),
        message(7, tlv(ENTRY, b"")),
        message(7, tlv(ENTRY, &[tlv(4, b"\xff"), seq(&[])].concat())),
        message(7, tlv(ENTRY, &[tlv(4, b"cn=x"), tlv(4, b"")].concat())),
        message(7, tlv(DONE, &tlv(10, &[0]))),
        message(7, tlv(DONE, &[tlv(10, b""), tlv(4, b""), tlv(4, b"")].concat())),
        message(7, tlv(REFERENCE, &tlv(2, &[1]))),
        message(7, tlv(INTERMEDIATE, &tlv(0x81, b"x"))),
        seq(&[tlv(2, &[7]), result(DONE), tlv(0xa0, &tlv(4, b"x"))]),
        seq(&[tlv(2, &[7]), result(DONE), tlv(0x8a, b"1.2")]),
        seq(&[tlv(2, b""), result(DONE)]),
        seq(&[]),
    ];
    for bad in bad {
        assert!(answers(&bad, &mut search()).is_err(), "{:?}", bad.get(..bad.len().min(40)));
    }
}

#[tokio::test]
async fn no_more_is_on_its_way_than_there_is_credit_for() {
    let (server, mut far) = tokio::io::duplex(1 << 20);
    let (ours, mut client) = UnixStream::pair().unwrap();
    let credit = Arc::new(Semaphore::new(3));
    let relay = tokio::spawn(run(Box::new(server), ours, credit.clone()));
    let request = message(7, tlv(SEARCH, b""));
    client.write_all(&request).await.unwrap();
    let mut got = vec![0; request.len()];
    far.read_exact(&mut got).await.unwrap();
    let one = message(7, entry(1));
    far.write_all(&one.repeat(10)).await.unwrap();
    let mut got = vec![0; one.len() * 3];
    client.read_exact(&mut got).await.unwrap();
    let wait = std::time::Duration::from_millis(50);
    let mut more = vec![0; one.len()];
    assert!(tokio::time::timeout(wait, client.read_exact(&mut more)).await.is_err());
    credit.add_permits(7);
    let mut got = vec![0; one.len() * 7];
    client.read_exact(&mut got).await.unwrap();
    drop(client);
    relay.await.unwrap().unwrap();
}
