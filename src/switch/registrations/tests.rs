use bytes::BytesMut;
use tokio_util::codec::Decoder as _;

use super::*;
use crate::event_socket::{Codec, Limits};

/// What a FreeSWITCH sent while two phones registered and called each other, one unregistered and one was flushed.
pub(in crate::switch) fn recorded() -> Vec<Message> {
    let mut bytes =
        BytesMut::from(&include_bytes!("../../../tests/fixtures/switch/events.txt")[..]);
    let mut codec = Codec::new(Limits::default());
    let mut all = Vec::new();
    while let Some(message) = codec.decode(&mut bytes).unwrap() {
        all.push(message);
    }
    assert!(bytes.is_empty());
    all
}

fn internal() -> ChannelWord {
    ChannelWord::parse("internal").unwrap()
}

/// An answer that FreeSWITCH gave when it was recorded.
fn answer(command: &str) -> String {
    let file = include_str!("../../../tests/fixtures/freeswitch/api/answers.jsonl");
    file.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find(|line| line["api"] == command)
        .and_then(|line| line["answer"].as_str().map(str::to_owned))
        .unwrap()
}

fn listed(call_id: &str, user: &str, seconds: i64) -> String {
    format!(
        "    <registration>\n        <call-id>{call_id}</call-id>\n        <user>{user}@hotdesk.test</user>\n\
         \x20       <status>Registered(UDP)(unknown) exp(2026-11-21 20:27:47) expsecs({seconds})</status>\n    </registration>\n"
    )
}

fn list(rows: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<profile>\n  <registrations>\n{}  </registrations>\n</profile>\n",
        rows.concat()
    )
}

#[test]
fn the_recorded_list_names_both_phones() {
    let all = read(answer("sofia xmlstatus profile internal reg").as_bytes(), &internal()).unwrap();
    let seen: Vec<_> =
        all.iter().map(|one| (one.phone.to_string(), one.call_id.as_str(), one.seconds)).collect();
    let wanted = [
        ("0004132a0001".to_owned(), "1-8809@127.0.0.1", 659),
        ("0004132a0002".to_owned(), "2-8809@127.0.0.1", 659),
    ];
    assert_eq!(seen, wanted);
    assert_eq!(all[0].contact, "\"\" <sip:0004132a0001@127.0.0.1:6702>");
    assert_eq!(all[0].address(), Some("0004132a0001@127.0.0.1:6702"));
    assert_eq!(all[0].agent, "snomD735/10.1.159.12 000413AA0001");
    assert_eq!(all[0].mailbox.as_deref(), Some("1001@hotdesk.test"));
}

#[test]
fn what_is_no_list_is_told_from_an_empty_one() {
    for text in [
        answer("sofia status profile nosuch"),
        String::new(),
        "-ERR sofia Command not found!".into(),
    ] {
        assert_eq!(read(text.as_bytes(), &internal()), Err(NoProfile), "{text}");
    }
    assert_eq!(read(list(&[]).as_bytes(), &internal()), Ok(Vec::new()));
}

#[test]
fn a_call_id_with_markup_neither_ends_the_list_nor_speaks_for_another_phone() {
    let evil = "x</call-id><user>0004132a0002@hotdesk.test</user></registration></profile>&";
    let rows = [listed(evil, "0004132a0001", 1), listed("honest", "0004132a0002", 2)];
    let all = read(list(&rows).as_bytes(), &internal()).unwrap();
    let seen: Vec<_> =
        all.iter().map(|one| (one.phone.to_string(), one.call_id.as_str())).collect();
    assert_eq!(seen, [("0004132a0001".to_owned(), evil), ("0004132a0002".to_owned(), "honest")]);
}

#[test]
fn only_phones_count_and_never_without_a_call_id() {
    let rows = [
        listed("a", "1001", 1),
        listed("b", "", 1),
        listed("", "0004132a0001", 1),
        listed("c", "0004132a000", 1),
        listed("d", "0004132A0002", 1),
        listed(&"e".repeat(600), "0004132a0003", 1),
    ];
    let all = read(list(&rows).as_bytes(), &internal()).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].call_id.as_str(), "d");
    assert_eq!(all[0].user.as_str(), "0004132A0002", "as it registered");
}

#[test]
fn latin_1_and_utf_8_are_both_read() {
    let mut rows = listed("a", "0004132a0001", 1).into_bytes();
    let at = rows.len() - "    </registration>\n".len();
    rows.splice(at..at, b"        <agent>T\xe9l\xe9phone</agent>\n".iter().copied());
    let text = [&b"<profile>\n"[..], &rows].concat();
    assert_eq!(read(&text, &internal()).unwrap()[0].agent, "Téléphone");
    let text = String::from_utf8(text.iter().copied().filter(|byte| *byte != 0xe9).collect());
    let text = text.unwrap().replace("Tlphone", "Téléphone");
    assert_eq!(read(text.as_bytes(), &internal()).unwrap()[0].agent, "Téléphone");
}

#[test]
fn the_newest_stands_first() {
    let rows = [
        listed("old", "0004132a0001", 10),
        listed("new", "0004132a0001", 600),
        listed("older", "0004132a0001", 3),
    ];
    let mut registrations = Registrations::default();
    registrations.replace(read(list(&rows).as_bytes(), &internal()).unwrap(), at(1));
    let phone = "0004132a0001".parse().unwrap();
    let order = |registrations: &Registrations| -> Vec<String> {
        registrations.of(phone).iter().map(|one| one.call_id.to_string()).collect()
    };
    assert_eq!(order(&registrations), ["new", "old", "older"]);
    let again = registrations.of(phone)[2].clone();
    registrations.add(again, at(2));
    assert_eq!(order(&registrations), ["older", "new", "old"], "registered again just now");
    registrations.replace_of(phone, Vec::new(), at(3));
    assert_eq!(registrations.count(), 0);
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_registration_appeared_if_it_was_not_there_when_all_were_read() {
    let phone = "0004132a0001".parse().unwrap();
    let rows = |ids: &[&str]| {
        let rows: Vec<String> = ids.iter().map(|id| listed(id, "0004132a0001", 600)).collect();
        read(list(&rows).as_bytes(), &internal()).unwrap()
    };
    let mut registrations = Registrations::default();
    let seen = |registrations: &Registrations, id: &str| {
        let all = registrations.of(phone);
        all.iter().find(|one| one.call_id.as_str() == id).unwrap().appeared
    };
    registrations.add(rows(&["early"]).remove(0), at(1));
    registrations.replace(rows(&["early", "old"]), at(2));
    assert_eq!(seen(&registrations, "early"), None, "heard of before all were read");
    assert_eq!(seen(&registrations, "old"), None);
    registrations.add(rows(&["old"]).remove(0), at(3));
    assert_eq!(seen(&registrations, "old"), None, "a refresh");
    registrations.add(rows(&["new"]).remove(0), at(4));
    registrations.add(rows(&["new"]).remove(0), at(5));
    registrations.replace_of(phone, rows(&["old", "new", "newer"]), at(6));
    registrations.replace(rows(&["old", "new", "newer", "newest"]), at(7));
    let found = ["old", "new", "newer", "newest"].map(|id| seen(&registrations, id));
    assert_eq!(found, [None, Some(at(4)), Some(at(6)), Some(at(7))]);
    let profile = "internal".to_owned();
    registrations.remove(&Gone { phone, profile, call_id: "old".into(), contact: None });
    registrations.add(rows(&["old"]).remove(0), at(8));
    assert_eq!(seen(&registrations, "old"), Some(at(8)), "it was gone");
}

#[test]
fn one_phone_cannot_fill_the_memory() {
    let mut registrations = Registrations::default();
    let rows: Vec<String> =
        (0..100).map(|at| listed(&format!("c{at}"), "0004132a0001", at)).collect();
    registrations.replace(read(list(&rows).as_bytes(), &internal()).unwrap(), at(1));
    let kept = registrations.of("0004132a0001".parse().unwrap());
    assert_eq!(kept.len(), MOST_OF_ONE);
    assert_eq!(kept[0].call_id.as_str(), "c99");
}

#[test]
fn the_registrations_of_handsets_are_those_of_their_base() {
    let mut registrations = Registrations::default();
    let users = ["0004139000aa-1", "0004139000aa-2", "0004139000aa-250", "0004139000aa-x", "-1"];
    let rows: Vec<String> = (0..100)
        .flat_map(|at| users.map(|user| listed(&format!("{user}/{at}"), user, at)))
        .collect();
    registrations.replace(read(list(&rows).as_bytes(), &internal()).unwrap(), at(1));
    let kept = registrations.of("0004139000aa".parse().unwrap());
    assert_eq!(kept.len(), 3 * MOST_OF_ONE, "as many of each handset as of a phone");
    assert_eq!(registrations.count(), kept.len());
    assert!(kept.iter().all(Registration::is_handset));
    let phone = listed("a", "0004132a0001", 1);
    let phone = read(list(&[phone]).as_bytes(), &internal()).unwrap();
    assert!(!phone[0].is_handset());
}

#[test]
fn recorded_events_add_and_remove() {
    let mut registrations = Registrations::default();
    let mut counts = Vec::new();
    for event in recorded() {
        let Some(subclass) = event.field("Event-Subclass") else { continue };
        match &*subclass.text() {
            "sofia::register" => {
                registrations.add(Registration::of_event(&event).unwrap(), at(1));
            }
            _ => registrations.remove(&Gone::of_event(&event).unwrap()),
        }
        counts.push(registrations.count());
    }
    assert_eq!(counts, [1, 2, 1, 0], "two register, one unregisters, one expires");
}

#[test]
fn a_phone_that_forgot_its_call_id_ends_its_registration_by_the_contact() {
    let mut registrations = Registrations::default();
    let mut events = recorded();
    let register = events.remove(0);
    let one = Registration::of_event(&register).unwrap();
    registrations.add(one.clone(), at(1));
    let gone = |contact: Option<String>| Gone {
        phone: one.phone,
        profile: one.profile.as_str().to_owned(),
        call_id: "another".to_owned(),
        contact,
    };
    // What expires has perhaps another one in its place by now, with the same Contact.
    registrations.remove(&gone(None));
    registrations.remove(&gone(Some("<sip:0004132a0001@192.0.2.99:5060>".to_owned())));
    assert_eq!(registrations.count(), 1);
    let address = one.address().unwrap();
    registrations.remove(&gone(Some(format!("\"\" <sip:{address};line=x>;expires=0"))));
    assert_eq!(registrations.count(), 0);
}

#[test]
fn a_contact_gives_the_address_that_calls_go_to() {
    let all = read(list(&[listed("a", "0004132a0001", 1)]).as_bytes(), &internal()).unwrap();
    for (contact, address) in [
        (
            "\"\" <sip:x9@192.0.2.7:5060;line=abc;fs_nat=yes;fs_path=sip%3Ax>",
            Some("x9@192.0.2.7:5060"),
        ),
        ("<sips:x9@[fd00::7]:5061;transport=tls>", Some("x9@[fd00::7]:5061")),
        ("sip:x9@192.0.2.7", Some("x9@192.0.2.7")),
        ("<sip:>", None),
        ("", None),
    ] {
        let one = Registration { contact: contact.into(), ..all[0].clone() };
        assert_eq!(one.address(), address, "{contact}");
    }
}
