//! One socket's responder, without the socket: what is said to whom.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::answer::{Asked, Phones, Silence};
use super::identity::Identity;
use super::message::{Message, Request};
use super::responder::{Heard, Responder};
use crate::model::{Mac, Told};

/// An inventory with these phones, and 198.51.100.0/24 allowed.
struct Inventory(Vec<Mac>);

impl Phones for Inventory {
    fn known(&self, mac: Mac, identity: &Identity, from: IpAddr) -> Result<Asked, Silence> {
        let is_ours = self.0.contains(&mac);
        if !is_ours && !from.to_string().starts_with("198.51.100.") {
            return Err(Silence::Stranger);
        }
        let url = "http://prov.example.net:8085/provision/".to_owned();
        let header = identity.vendor.as_deref() == Some("Grandstream");
        let header = header.then(|| "MessageBody".to_owned());
        Ok(Asked { mac, is_ours, url, header, agent: identity.agent.clone() })
    }
}

const HERE: &str = "192.0.2.5:40000";

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pnp");
    std::fs::read_to_string(folder.join(format!("{name}.sip"))).unwrap()
}

fn responder() -> Responder<Inventory> {
    let phones = [
        "000413aabb01",
        "000413aabb02",
        "000413aabb03",
        "000413aabb04",
        "00156500aa01",
        "805ec0aa0001",
        "c074ad112233",
        "00304fa99948",
        "7c2f8030d21e",
    ];
    Responder::new(Inventory(phones.map(|mac| mac.parse().unwrap()).to_vec()), 200)
}

fn hear(responder: &mut Responder<Inventory>, text: &str, from: &str, now: Instant) -> Heard {
    let at = Timestamp::UNIX_EPOCH;
    let here = |_| HERE.parse().unwrap();
    responder.hear(text.as_bytes(), from.parse().unwrap(), here, (now, at))
}

/// The 200 and the NOTIFY, as texts, and where each goes.
fn both(heard: &Heard) -> [(String, SocketAddr); 2] {
    let sent =
        heard.send.iter().map(|(bytes, to)| (String::from_utf8(bytes.to_vec()).unwrap(), *to));
    sent.collect::<Vec<_>>().try_into().unwrap_or_else(|sent| panic!("{sent:?}"))
}

fn request(text: &str) -> Request<'_> {
    match Message::parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// The phone's answer to a NOTIFY.
fn answered(notify: &str, status: &str) -> String {
    let request = request(notify);
    let copied = ["Via", "From", "To", "Call-ID", "CSeq"];
    let copied = copied.map(|name| format!("{name}: {}\r\n", request.headers.first(name)));
    format!("SIP/2.0 {status}\r\n{}Content-Length: 0\r\n\r\n", copied.concat())
}

#[test]
fn every_phone_gets_200_and_a_notify_in_the_form_of_the_rfc() {
    for (name, from, notify_to) in [
        // The first line of its Via says where it listens for the answer, its Contact where for requests.
        ("snom370", "192.0.2.30:2048", "192.0.2.30:5060"),
        ("snom-oem", "192.0.2.35:2048", "192.0.2.35:5060"),
        ("snomD120", "192.0.2.36:2048", "192.0.2.36:5060"),
        ("snomM700", "192.0.2.37:5060", "192.0.2.37:5060"),
        ("yealinkW52P", "192.0.2.31:5059", "192.0.2.31:5059"),
        ("yealinkT53W", "192.0.2.38:5060", "192.0.2.38:5060"),
        ("grandstream", "192.0.2.32:5060", "192.0.2.32:5060"),
        ("planet", "192.0.2.33:5060", "192.0.2.33:5060"),
        ("gigaset-maxwell", "192.0.2.34:5060", "192.0.2.34:5060"),
    ] {
        let asked = fixture(name);
        let heard = hear(&mut responder(), &asked, from, Instant::now());
        let [(ok, ok_to), (notify, to)] = both(&heard);
        assert_eq!(
            (ok_to.to_string().as_str(), to.to_string().as_str()),
            (from, notify_to),
            "{name}"
        );
        let asked = request(&asked);
        for kept in ["From", "Call-ID", "CSeq"] {
            let line = format!("\r\n{kept}: {}\r\n", asked.headers.first(kept));
            assert!(ok.contains(&line), "{name}: {ok}");
        }
        assert!(
            ok.starts_with("SIP/2.0 200 OK\r\n") && ok.ends_with("\r\nContent-Length: 0\r\n\r\n"),
            "{ok}"
        );
        assert!(
            ok.contains("\r\nExpires: 0\r\n")
                && ok.contains("\r\nContact: <sip:192.0.2.5:40000>\r\n"),
            "{ok}"
        );
        let rport = format!(";rport={};received={}", ok_to.port(), ok_to.ip());
        let says_rport = asked.headers.first("Via").contains(";rport");
        assert_eq!(ok.contains(&rport), says_rport, "{name}: {ok}");
        let sent = request(&notify);
        assert_eq!(
            (sent.method, Some(sent.uri.to_owned())),
            ("NOTIFY", asked.contact().map(|c| c.uri))
        );
        // The dialog, turned around: our tag is that of the 200.
        assert_eq!(sent.headers.first("To"), asked.headers.first("From"), "{name}");
        assert_eq!(sent.from.uri, asked.to.uri, "{name}");
        let tag = sent.from.tag().unwrap();
        assert!(ok.contains(&format!(";tag={tag}\r\nCall-ID")), "{name}: {ok}");
        assert_eq!(sent.headers.first("Event"), asked.headers.first("Event"), "{name}");
        assert_eq!(sent.headers.first("Subscription-State"), "terminated;reason=timeout");
        assert_eq!(sent.headers.first("Content-Type"), "application/url");
        assert!(sent.via.branch().unwrap().starts_with("z9hG4bK"));
        let (_, body) = notify.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "http://prov.example.net:8085/provision/");
        assert_eq!(sent.headers.first("Content-Length"), body.len().to_string());
        let header = if name == "grandstream" { body } else { "" };
        assert_eq!(sent.headers.first("MessageBody"), header, "{name}");
    }
}

#[test]
fn who_is_not_ours_hears_nothing() {
    let silent = |text: &str, from: &str| {
        let mut responder = responder();
        let heard = hear(&mut responder, text, from, Instant::now());
        assert_eq!(heard, Heard::default(), "{text}");
        let counts = responder.counts();
        assert_eq!(counts.answered, 0);
        counts.silent.into_keys().next().unwrap()
    };
    let snom = fixture("snom370");
    let stranger = snom.replace("000413AABB01", "000413AABBFF");
    assert_eq!(silent(&stranger, "192.0.2.30:2048"), Silence::Stranger);
    assert_eq!(silent(&fixture("audiocodes"), "198.51.100.7:5060"), Silence::NoMac);
    for (text, why) in [
        (snom.replace("ua-profile", "message-summary"), Silence::NoQuestion),
        (snom.replace("SUBSCRIBE", "NOTIFY"), Silence::NoQuestion),
        (snom.replace("SUBSCRIBE", "OPTIONS"), Silence::NoQuestion),
        (snom.replace("SUBSCRIBE", "subscribe"), Silence::NoQuestion),
        (snom.replace("example.net>\r\nCall", "example.net>;tag=x\r\nCall"), Silence::NoQuestion),
        ("x".repeat(1_400), Silence::NoQuestion),
        (String::new(), Silence::NoQuestion),
        // As RFC 4475 has it wrong.
        (snom.replace("Content-Length: 0", "Content-Length: 9999"), Silence::Malformed),
        (snom.replace("Content-Length: 0", "Content-Length: -999"), Silence::Malformed),
        (
            snom.replace("CSeq: 1 SUBSCRIBE", "CSeq: 36893488147419103232 SUBSCRIBE"),
            Silence::Malformed,
        ),
        (snom.replace("CSeq: 1 SUBSCRIBE", "CSeq: 1 INVITE"), Silence::Malformed),
        (snom.replace("To: <sip", "To: \"Mr. J. User <sip"), Silence::Malformed),
        (
            snom.replace(
                "SUBSCRIBE sip:MAC%3a000413AABB01@intern.example.net",
                "SUBSCRIBE <sip:MAC%3a000413AABB01@x>",
            ),
            Silence::Malformed,
        ),
        (snom.replace("example.net SIP/2.0", "example.net; lr SIP/2.0"), Silence::Malformed),
        (snom.replace("SUBSCRIBE sip", "SUBSCRIBE  sip"), Silence::Malformed),
        (snom.replace("SIP/2.0\r\nVia", "SIP/2.0  \r\nVia"), Silence::Malformed),
        (snom.replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"), Silence::Malformed),
        (
            snom.replace(
                "Via: SIP/2.0/UDP 192.0.2.30:2048;rport",
                "Via: SIP/2.0/UDP 192.0.2.15;;,;,,",
            ),
            Silence::Malformed,
        ),
        (snom.replace("Call-ID: 9xyz\r\n", ""), Silence::Malformed),
        (snom.replace("Call-ID: 9xyz", "Call-ID: 9xyz\r\nCall-ID: 9xyz"), Silence::Malformed),
    ] {
        assert_eq!(silent(&text, "192.0.2.30:2048"), why, "{text}");
    }
}

#[test]
fn a_network_that_is_allowed_has_its_strangers_answered_and_they_are_not_written_down() {
    let (mut responder, now) = (responder(), Instant::now());
    let stranger = fixture("snom370").replace("000413AABB01", "000413AABBFF");
    let heard = hear(&mut responder, &stranger, "198.51.100.7:2048", now);
    let [_, (notify, to)] = both(&heard);
    // Its Contact is elsewhere, and nobody has us send there.
    assert_eq!(to.to_string(), "198.51.100.7:2048");
    let heard = hear(&mut responder, &answered(&notify, "200 OK"), "198.51.100.7:2048", now);
    assert_eq!(heard, Heard::default());
}

#[test]
fn what_comes_again_gets_the_same_200_and_no_second_notify() {
    let (mut responder, now) = (responder(), Instant::now());
    let asked = fixture("snom370");
    let first = hear(&mut responder, &asked, "192.0.2.30:2048", now);
    for _ in 0..20 {
        let again = hear(&mut responder, &asked, "192.0.2.30:2048", now + Duration::from_secs(1));
        assert_eq!(again.send, first.send[..1]);
    }
    assert_eq!(responder.counts().answered, 1);
    // Another question of the same phone is one of its own.
    let anew = asked.replace("9xyz", "9xyy");
    assert_eq!(hear(&mut responder, &anew, "192.0.2.30:2048", now).send.len(), 2);
}

#[test]
fn what_a_phone_was_sent_is_written_down_with_whether_it_took_it() {
    for (status, taken) in [("200 OK", true), ("481 Subscription Does Not Exist", false)] {
        let (mut responder, now) = (responder(), Instant::now());
        let heard = hear(&mut responder, &fixture("snomD120"), "192.0.2.36:2048", now);
        let [_, (notify, _)] = both(&heard);
        let told = answered(&notify, status);
        // Who does not know the branch cannot say it in the phone's place.
        let guessed = told.replace("branch=z9hG4bK", "branch=z9hG4bK0");
        assert_eq!(hear(&mut responder, &guessed, "192.0.2.66:5060", now).note, None);
        let note = hear(&mut responder, &told, "192.0.2.36:5060", now).note.unwrap();
        let url = "http://prov.example.net:8085/provision/".to_owned();
        assert_eq!(
            (note.why, note.status),
            (Told::Pnp { url, taken }, status[..3].parse().unwrap())
        );
        assert_eq!(
            (note.phone.to_string().as_str(), note.agent.as_str()),
            ("000413aabb03", "snomD120/10.1.39.11")
        );
        assert_eq!(note.from.to_string(), "192.0.2.36");
        assert_eq!(hear(&mut responder, &told, "192.0.2.36:5060", now).note, None, "once");
    }
}

#[test]
fn a_phone_that_does_not_answer_is_written_down_when_it_is_given_up() {
    let (mut responder, start) = (responder(), Instant::now());
    let heard = hear(&mut responder, &fixture("yealinkW52P"), "192.0.2.31:5059", start);
    let [_, notify] = &heard.send[..] else { panic!("{heard:?}") };
    let (mut sent, mut notes) = (Vec::new(), Vec::new());
    while let Some(at) = responder.next() {
        while let Some(heard) = responder.due(at) {
            sent.extend(heard.send);
            notes.extend(heard.note);
        }
    }
    assert_eq!(sent, [notify.clone(), notify.clone(), notify.clone()], "the very same each time");
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert!(matches!(note.why, Told::Pnp { taken: false, .. }) && note.status == 408);
}

#[test]
fn whoever_says_a_phones_name_a_thousand_times_fills_nothing() {
    let (mut responder, now) = (responder(), Instant::now());
    let mut notes = 0;
    for n in 0..1_000 {
        let asked = fixture("snom370").replace("9xyz", &format!("9xyz{n}"));
        let heard = hear(&mut responder, &asked, "192.0.2.30:2048", now);
        if !heard.send.is_empty() {
            let [_, (notify, _)] = both(&heard);
            let heard = hear(&mut responder, &answered(&notify, "200 OK"), "192.0.2.30:5060", now);
            notes += usize::from(heard.note.is_some());
        }
    }
    let counts = responder.counts();
    assert_eq!((counts.answered, counts.silent[&Silence::TooOften], notes), (6, 994, 1));
    // Another phone is answered all the same.
    assert_eq!(hear(&mut responder, &fixture("grandstream"), "192.0.2.32:5060", now).send.len(), 2);
}
