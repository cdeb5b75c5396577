//! Whoever wishes ill: in the display name, in the number, in the database.

use super::*;

const HOSTILE: [&str; 12] = [
    "${system(id)}",
    "$${domain}",
    "^^|a=b",
    "|hotdesk_evil=1",
    "x|y~z;a!b#c,hotdesk_evil=1",
    "a\r\nb",
    "a\n\napi system id",
    "a\0b",
    "'O' 'Neil'|hotdesk_evil=1",
    "\\${system(id)}",
    "reload mod_event_socket",
    "ARRAY::a|:b",
];

#[tokio::test]
async fn nothing_of_a_name_is_expanded_or_sets_anything() {
    let mut known = Known::default();
    for (at, name) in HOSTILE.iter().enumerate() {
        known = known.with(&format!("+43155501{at:02}"), found("sales", name));
        known = known.with(&format!("+43155502{at:02}"), found(name, name));
    }
    let counter = Counter::open(Plan { known, ..Plan::default() }).await;
    for (at, name) in HOSTILE.iter().enumerate() {
        for (number, caller_name, to) in [
            (format!("+43155501{at:02}"), "ACME", "sales@hotdesk_queues"),
            (format!("+43155502{at:02}"), "ACME", "reception@hotdesk_queues"),
            ("+4315559999".to_owned(), *name, "reception@hotdesk_queues"),
            ((*name).to_owned(), *name, "reception@hotdesk_queues"),
        ] {
            let mut call = counter.call(&number, caller_name);
            assert_eq!(went(&mut call).await, to, "{number:?} {caller_name:?} {name:?}");
            assert_eq!(call.variable("hotdesk_evil"), None, "{name:?}");
            assert_eq!(call.variable("a"), None, "{name:?}");
            let shown = call.variable("effective_caller_id_name").unwrap();
            let syntax: &[char] = &['$', '{', '}', '|', '^', '=', '~', ';', '\\', '\r', '\n', '\0'];
            assert!(!shown.contains(syntax) && !shown.is_empty(), "{shown:?}");
            let shown = call.variable("effective_caller_id_number").unwrap();
            assert!(shown == number || shown == "anonymous", "{shown:?}");
        }
    }
    assert_eq!(counter.switch.would_have_run(), [""; 0]);
    assert_eq!(counter.switch.traps(), [""; 0]);
    assert_eq!(counter.switch.api_log(), [""; 0]);
}

#[tokio::test]
async fn a_hostile_name_can_be_read_in_the_journal() {
    let known =
        Known::default().with("+4315550100", found("\u{1b}[31msales\r\n", "a\r\n\u{1b}[2J"));
    let counter = Counter::open(Plan { known, ..Plan::default() }).await;
    went(&mut counter.call("+4315550100", "ACME")).await;
    for _ in 0..200 {
        if counter.journal().await.last().is_some_and(|entry| entry.by == Actor::Outside) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", counter.journal().await);
}
