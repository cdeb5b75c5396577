use proptest::prelude::*;

use super::*;

/// Phones are 1 to 9, users are a letter: `floor("1:a 2:b/ 3")` has phone 1 owned by a, phone 2 owned
/// by b and closed to others, phone 3 nobody's. Users a, b, c may hot-desk, x may not.
fn floor(phones: &str) -> Floor {
    let mut floor = Floor::default();
    for (letter, may) in [('a', true), ('b', true), ('c', true), ('x', false)] {
        floor.users.insert(user(letter), may);
    }
    for word in phones.split(' ') {
        let mut chars = word.chars();
        let number = chars.next().unwrap();
        let owner = word.contains(':').then(|| user(word.chars().nth(2).unwrap()));
        floor.place(phone(number), Seat { owner, hot_desk: !word.ends_with('/') }, at(0));
    }
    floor
}

fn phone(number: char) -> Mac {
    format!("00041300000{number}").parse().unwrap()
}

fn user(letter: char) -> Extension {
    format!("10{}", u32::from(letter) - u32::from('a') + 10).parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// One act: `1<a` a logs in at 1 here only, `1+a` here too, `1>` logs out at 1, `*a` everywhere,
/// `-a` user removed, `/a` may not hot-desk, `#1` phone removed, `1=a` owner set.
fn act(floor: &mut Floor, act: &str, second: i64) -> Result<Vec<Change>, Refusal> {
    let chars: Vec<char> = act.chars().collect();
    let now = at(second);
    Ok(match chars[..] {
        [p, '<', u] => floor.log_in(phone(p), &user(u), LoginMode::Only, now)?,
        [p, '+', u] => floor.log_in(phone(p), &user(u), LoginMode::Also, now)?,
        [p, '>'] => floor.log_out(phone(p), now),
        ['*', u] => floor.log_out_everywhere(&user(u), now),
        ['-', u] => floor.remove_user(&user(u), now),
        ['/', u] => floor.forbid(&user(u), now),
        ['#', p] => floor.remove_phone(phone(p), now),
        [p, '=', u] => floor.place(phone(p), Seat { owner: Some(user(u)), hot_desk: true }, now),
        [p, '='] => floor.place(phone(p), Seat { owner: None, hot_desk: true }, now),
        _ => panic!("{act}"),
    })
}

/// Who sits where, as `1a 2b`.
fn sits(floor: &Floor) -> String {
    let letter = |user: &Extension| {
        let number: u32 = user.as_str()[2..].parse().unwrap();
        char::from_u32(number - 10 + u32::from('a')).unwrap()
    };
    let words: Vec<String> = floor
        .sessions
        .values()
        .map(|s| format!("{}{}", s.phone.to_string().chars().last().unwrap(), letter(&s.user)))
        .collect();
    words.join(" ")
}

#[test]
fn who_sits_where_after_each_act() {
    let cases: &[(&str, &str, &str)] = &[
        // Login here only, here too, take-over, logout.
        ("1 2", "1<a", "1a"),
        ("1 2", "1<a 2<a", "2a"),
        ("1 2", "1<a 2+a", "1a 2a"),
        ("1 2 3", "1<a 2+a 3<a", "3a"),
        ("1 2", "1<a 2+a 1<a", "1a"),
        ("1 2", "1<a 1<b", "1b"),
        ("1 2", "1<a 2<b 1<b", "1b"),
        ("1 2", "1<a 2+a 1>", "2a"),
        ("1 2", "1<a 2+a *a", ""),
        ("1 2", "1<a 2<b *a", "2b"),
        ("1 2", "1> *a", ""),
        ("1 2", "1<a #1 2<b -b", ""),
        ("1 2", "1<a /a", ""),
        // The owner is there unasked; a guest displaces, and the owner returns.
        ("1:a 2", "2<b", "1a 2b"),
        ("1:a 2", "1<b", "1b"),
        ("1:a 2", "1<b 1>", "1a"),
        ("1:a 2", "1<b 2<b", "1a 2b"),
        ("1:a 2", "1<b *b", "1a"),
        ("1:a 2", "1<b -b", "1a"),
        ("1:a 2", "1<b /b", "1a"),
        // The owner goes elsewhere: "here only" leaves the desk nobody's until logged out there.
        ("1:a 2", "2<a", "2a"),
        ("1:a 2", "2<a 2>", "1a"),
        ("1:a 2", "2<a 2<b", "1a 2b"),
        ("1:a 2", "2+a", "1a 2a"),
        ("1:a 2", "2+a 2>", "1a"),
        ("1:a 2", "2<a 1<b 1>", "2a"),
        ("1:a 2", "2<a 1<b 2>", "1b"),
        ("1:a 2", "1<b 2<a 2> 1>", "1a"),
        ("1:a 2", "1<b 2+a 1>", "1a 2a"),
        ("1:a 2", "2<a #2", "1a"),
        // The owner leaves the own desk on purpose.
        ("1:a 2", "1>", ""),
        ("1:a 2", "1> 1<a", "1a"),
        ("1:a 2", "1> 2<a 2>", "1a"),
        ("1:a 2", "1> 1<b 1>", "1a"),
        ("1:a 2", "*a", ""),
        ("1:a 2:a", "", "1a 2a"),
        ("1:a 2:a", "1<a", "1a"),
        ("1:a 2:b", "1<b", "1b"),
        ("1:a 2:b", "1<b 1>", "1a 2b"),
        ("1:a 2:b", "1<b 1<a", "1a 2b"),
        ("1:a 2:b", "1<b 2<a", "1b 2a"),
        ("1:a 2:b", "1<b 2<a 1>", "2a"),
        ("1:a 2:b", "1<b 2<a 1> 2>", "1a 2b"),
        // Owner set, changed, removed.
        ("1 2", "1=a", "1a"),
        ("1 2", "1=a 1=b", "1b"),
        ("1 2", "1=a 1=", ""),
        ("1 2", "1<b 1=a", "1b"),
        ("1 2", "2<a 1=a", "2a"),
        ("1:a 2", "-a", ""),
        ("1:a 2", "/a", "1a"),
        ("1:x/ 2", "1<x", "1x"),
    ];
    for (phones, acts, after) in cases {
        let mut floor = floor(phones);
        for (second, word) in acts.split_whitespace().enumerate() {
            act(&mut floor, word, second as i64)
                .unwrap_or_else(|r| panic!("{phones} | {acts}: {r}"));
        }
        assert_eq!(sits(&floor), *after, "{phones} | {acts}");
    }
}

#[test]
fn a_refused_login_changes_nothing() {
    for (phones, word, refusal) in [
        ("1 2", "3<a", Refusal::UnknownPhone),
        ("1 2", "1<d", Refusal::UnknownUser),
        ("1 2", "1<x", Refusal::UserMayNot),
        ("1:b/ 2", "1<a", Refusal::PhoneMayNot),
        ("1/ 2", "1+a", Refusal::PhoneMayNot),
    ] {
        let mut floor = floor(phones);
        let before = floor.clone();
        assert_eq!(act(&mut floor, word, 1), Err(refusal), "{phones} | {word}");
        assert_eq!(floor, before);
    }
}

#[test]
fn changes_tell_who_was_displaced_and_why() {
    let mut floor = floor("1:b 2 3");
    act(&mut floor, "2<a", 5).unwrap();
    let changes = act(&mut floor, "1<a", 9).unwrap();
    let told: Vec<String> = changes
        .iter()
        .map(|change| match change {
            Change::Began(s) => format!("began {} {} at {}", s.phone, s.user, s.since.as_second()),
            Change::Ended(s, why) => format!("ended {} {} {why:?}", s.phone, s.user),
        })
        .collect();
    assert_eq!(
        told,
        [
            "ended 000413000002 1010 LoggedInElsewhere(000413000001)",
            "ended 000413000001 1011 TakenOver(1010)",
            "began 000413000001 1010 at 9",
        ]
    );
}

proptest! {
    #[test]
    fn the_changes_are_exactly_the_difference(acts in proptest::collection::vec("[1-4][<+][abcx]|[1-4]>|\\*[abc]|/[abc]|#[34]|[1-3]=[abc]|[1-3]=", 1..40)) {
        let mut floor = floor("1:a 2:b 3 4");
        for (second, word) in acts.iter().enumerate() {
            let mut before = floor.sessions.clone();
            let Ok(changes) = act(&mut floor, word, second as i64 + 1) else {
                prop_assert_eq!(&floor.sessions, &before);
                continue;
            };
            for change in changes {
                match change {
                    Change::Began(session) => { before.insert(session.phone, session); }
                    Change::Ended(session, _) => {
                        prop_assert_eq!(before.remove(&session.phone), Some(session));
                    }
                }
            }
            prop_assert_eq!(&floor.sessions, &before, "{:?}", word);
            for session in floor.sessions.values() {
                prop_assert!(floor.users.contains_key(&session.user));
                let seat = &floor.seats[&session.phone];
                prop_assert_eq!(session.origin == SessionOrigin::Owner, seat.owner.as_ref() == Some(&session.user));
            }
        }
    }
}

proptest! {
    #[test]
    fn many_phones_at_once_are_placed_as_one_after_the_other(
        acts in proptest::collection::vec("[1-4][<+][abc]|[1-4]>|\\*[abc]|[1-3]=[abc]|[1-3]=", 0..20),
        owners in proptest::collection::btree_map("[1-7]", "[abcx]?", 1..7),
    ) {
        let mut floor = floor("1:a 2:b 3 4");
        for (second, word) in acts.iter().enumerate() {
            let _ = act(&mut floor, word, second as i64 + 1);
        }
        let seats: Vec<(Mac, Seat)> = owners
            .iter()
            .map(|(number, owner)| {
                let seat = Seat { owner: owner.chars().next().map(user), hot_desk: true };
                (phone(number.chars().next().unwrap()), seat)
            })
            .collect();
        let mut one_by_one = floor.clone();
        for (phone, seat) in seats.clone() {
            one_by_one.place(phone, seat, at(99));
        }
        let mut before = floor.sessions.clone();
        for change in floor.place_all(seats, at(99)) {
            match change {
                Change::Began(session) => { before.insert(session.phone, session); }
                Change::Ended(session, _) => {
                    prop_assert_eq!(before.remove(&session.phone), Some(session));
                }
            }
        }
        prop_assert_eq!(&floor.sessions, &before);
        prop_assert_eq!(floor, one_by_one);
    }
}
