use super::*;
use crate::event_socket::{ChannelWord, WireText};
use crate::model::Location;

fn phone() -> Mac {
    "0004132a0001".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn seen(node: &str, address: &str) -> Sighting {
    let word = |text: &str| ChannelWord::parse(text).unwrap();
    Sighting {
        node: node.to_owned(),
        registration: Registration {
            phone: phone(),
            profile: word("internal"),
            user: word("0004132a0001"),
            host: word("hotdesk.test"),
            call_id: WireText::parse("1-2@192.0.2.7").unwrap(),
            contact: format!("<sip:0004132a0001@{address}:5060>"),
            agent: "snomD785/10.1".into(),
            address: address.parse().ok(),
            mailbox: None,
            seconds: 180,
            appeared: None,
        },
    }
}

fn stored(node: &str, address: &str) -> PhoneRegistration {
    PhoneRegistration {
        first: at(1),
        since: at(2),
        ended: None,
        node: node.into(),
        address: address.parse().ok(),
        agent: "snomD785/10.1".into(),
        moved: None,
    }
}

#[test]
fn a_phone_that_registers_again_as_it_was_is_nothing_new() {
    let old = stored("fs1", "192.0.2.7");
    assert_eq!(follow(Some(&old), &[seen("fs1", "192.0.2.7")], None, at(9)), Some(old.clone()));
    // Nor at a second node, nor while nobody says that it is gone.
    let both = [seen("fs2", "192.0.2.7"), seen("fs1", "192.0.2.7")];
    assert_eq!(follow(Some(&old), &both, None, at(9)), Some(old.clone()));
    assert_eq!(follow(Some(&old), &[], None, at(9)), Some(old));
    assert_eq!(follow(None, &[], None, at(9)), None);
}

#[test]
fn another_address_is_a_new_beginning_and_another_node_is_not() {
    let old = stored("fs1", "192.0.2.7");
    let moved = follow(Some(&old), &[seen("fs1", "198.51.100.7")], None, at(9)).unwrap();
    assert_eq!((moved.first, moved.since, moved.ended), (at(1), at(9), None));
    let failed_over = follow(Some(&old), &[seen("fs2", "192.0.2.7")], None, at(9)).unwrap();
    assert_eq!((failed_over.since, failed_over.node.as_str()), (at(2), "fs2"));
    let first = follow(None, &[seen("fs1", "192.0.2.7")], None, at(9)).unwrap();
    assert_eq!((first.first, first.since), (at(9), at(9)));
}

#[test]
fn a_phone_that_is_gone_ends_and_begins_anew_when_it_comes_back() {
    let old = stored("fs1", "192.0.2.7");
    let gone = follow(Some(&old), &[], Some(at(5)), at(9)).unwrap();
    assert_eq!((gone.since, gone.ended), (at(2), Some(at(5))));
    assert_eq!(follow(Some(&gone), &[], Some(at(20)), at(20)), Some(gone.clone()));
    let back = follow(Some(&gone), &[seen("fs1", "192.0.2.7")], None, at(30)).unwrap();
    assert_eq!((back.first, back.since, back.ended), (at(1), at(30), None));
}

#[test]
fn a_move_is_told_once_and_the_way_back_too() {
    let location = |name: &str, network: &str| Location {
        name: name.into(),
        networks: vec![network.parse().unwrap()],
    };
    let all = Locations::new(vec![
        location("Vienna", "192.0.2.0/24"),
        location("Graz", "198.51.100.0/24"),
    ]);
    let mut told = Vec::new();
    let mut registration = stored("fs1", "192.0.2.7");
    let mut go = |address: &str, emergency: Option<&str>, second: i64| {
        registration.address = address.parse().ok();
        told.extend(compare(phone(), emergency, &all, &mut registration, at(second)));
        registration.moved.clone()
    };
    let vienna = Some("Vienna, room 1");
    assert_eq!(go("192.0.2.7", vienna, 1), None);
    assert_eq!(go("198.51.100.9", vienna, 2), Some((at(2), "Vienna".into())));
    assert_eq!(go("203.0.113.1", vienna, 3), Some((at(2), "Vienna".into())), "still the same move");
    assert_eq!(go("192.0.2.8", vienna, 4), None);
    assert_eq!(go("198.51.100.9", vienna, 5), Some((at(5), "Vienna".into())));
    // Somebody writes into the inventory where it is now.
    assert_eq!(go("198.51.100.9", Some("Graz"), 6), None);
    assert_eq!(go("192.0.2.7", Some("Linz"), 7), None, "of which nobody knows the networks");
    let what: Vec<_> = told
        .iter()
        .map(|what| match what {
            Happening::PhoneMoved { from, network, location, .. } => {
                format!("moved {from} {network:?} {location}")
            }
            Happening::PhoneReturned { from, location, .. } => format!("back {from} {location}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        what,
        [
            "moved 198.51.100.9 Some(198.51.100.0/24) Vienna",
            "back 192.0.2.8 Vienna",
            "moved 198.51.100.9 Some(198.51.100.0/24) Vienna",
            "back 198.51.100.9 Graz",
        ]
    );
}

#[test]
fn news_is_bounded() {
    let mut news = News::default();
    for n in 0..2 * MOST as u64 {
        news.gone(format!("02{n:010x}").parse().unwrap());
    }
    assert!(news.all && news.some.len() <= MOST && news.gone.len() <= MOST);
}
