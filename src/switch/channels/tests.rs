use super::super::registrations::{self, tests::recorded};
use super::*;

/// Whether the phone has a channel; both ways to ask must agree.
fn busy(channels: &Channels, phone: Mac, registrations: &[Registration]) -> bool {
    let busy = channels.has(phone, registrations);
    assert_eq!(channels.calls().since(phone, registrations).is_some(), busy);
    busy
}

fn phone(last: u8) -> Mac {
    format!("0004132a000{last}").parse().unwrap()
}

/// `show channels as json` of one channel.
fn shown(fields: &[(&str, &str)]) -> Vec<Channel> {
    let row: serde_json::Map<_, _> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    read(&serde_json::json!({ "row_count": 1, "rows": [row] }).to_string()).unwrap()
}

fn registered_at(contact: &str) -> Vec<Registration> {
    let profile = crate::event_socket::ChannelWord::parse("internal").unwrap();
    let text = format!(
        "<profile>\n    <registration>\n        <call-id>a</call-id>\n        <user>0004132a0001@d</user>\n\
         \x20       <contact>&lt;{contact}&gt;</contact>\n    </registration>\n"
    );
    registrations::read(text.as_bytes(), &profile).unwrap()
}

#[test]
fn a_call_of_any_handset_is_its_bases() {
    let base: Mac = "0004139000aa".parse().unwrap();
    let tables: [&[(&str, &str)]; 3] = [
        &[("direction", "inbound"), ("name", "sofia/internal/0004139000aa-7@d")],
        &[("direction", "outbound"), ("name", "sofia/internal/x@d"), ("dest", "0004139000aa-7")],
        &[
            ("direction", "inbound"),
            ("name", "sofia/internal/1@d"),
            ("presence_id", "0004139000aa-7@d"),
        ],
    ];
    for fields in tables {
        let mut channels = Channels::default();
        let mut fields = fields.to_vec();
        fields.push(("uuid", "u"));
        channels.replace(shown(&fields), Instant::now());
        assert!(busy(&channels, base, &[]), "{fields:?}");
        assert!(!busy(&channels, phone(1), &[]), "{fields:?}");
    }
    let mut channels =
        shown(&[("uuid", "u"), ("direction", "inbound"), ("name", "sofia/internal/1@d")]);
    channels[0].authenticated_as("0004139000aa-3");
    assert!(channels[0].has(base, &[]));
}

#[test]
fn a_phone_is_found_as_caller_and_as_callee() {
    type Fields = &'static [(&'static str, &'static str)];
    let table: &[(&str, Fields, bool)] = &[
        ("calls", &[("direction", "inbound"), ("name", "sofia/internal/0004132a0001@d")], true),
        (
            "calls, upper case",
            &[("direction", "inbound"), ("name", "sofia/internal/0004132A0001@d")],
            true,
        ),
        (
            "calls, From is the person's",
            &[
                ("direction", "inbound"),
                ("name", "sofia/internal/1001@d"),
                ("initial_cid_num", "0004132a0001"),
            ],
            true,
        ),
        (
            "calls, presence id",
            &[
                ("direction", "inbound"),
                ("name", "sofia/internal/x@d"),
                ("presence_id", "0004132a0001@d"),
            ],
            true,
        ),
        (
            "is called",
            &[("direction", "outbound"), ("name", "sofia/internal/0004132a0001@192.0.2.7:5060")],
            true,
        ),
        (
            "is called, with sip:",
            &[
                ("direction", "outbound"),
                ("name", "sofia/internal/sip:0004132a0001@192.0.2.7:5060"),
            ],
            true,
        ),
        (
            "is called, by number",
            &[
                ("direction", "outbound"),
                ("name", "sofia/internal/z@192.0.2.9"),
                ("dest", "0004132a0001"),
            ],
            true,
        ),
        (
            "is called, another contact user",
            &[("direction", "outbound"), ("name", "sofia/internal/x9@192.0.2.7:5060")],
            true,
        ),
        (
            "another contact user, another port",
            &[("direction", "outbound"), ("name", "sofia/internal/x9@192.0.2.7:5061")],
            false,
        ),
        (
            "another phone",
            &[("direction", "inbound"), ("name", "sofia/internal/0004132a0002@d")],
            false,
        ),
        (
            "calls a number that is a phone's",
            &[
                ("direction", "inbound"),
                ("name", "sofia/internal/1002@d"),
                ("dest", "0004132a0001"),
            ],
            false,
        ),
        ("a longer number", &[("direction", "outbound"), ("dest", "0004132a00011")], false),
        (
            "a trunk",
            &[("direction", "outbound"), ("name", "sofia/external/43123"), ("dest", "43123")],
            false,
        ),
        ("nothing at all", &[], false),
    ];
    let registrations = registered_at("sip:x9@192.0.2.7:5060;line=1");
    for (what, fields, wanted) in table {
        let mut channels = Channels::default();
        let fields: Vec<_> = fields.iter().copied().chain([("uuid", "u")]).collect();
        channels.replace(shown(&fields), Instant::now());
        assert_eq!(channels.count(), 1, "{what}");
        assert_eq!(busy(&channels, phone(1), &registrations), *wanted, "{what}");
    }
}

/// The recorded call: phone 1, with 1001 in its From, calls 1001, which rings phone 1 itself and phone 2, whose Contact
/// does not name it.
#[test]
fn the_recorded_call_holds_both_phones_until_its_channels_are_gone() {
    let mut channels = Channels::default();
    let two = registrations_of_phone_2();
    let now = Instant::now();
    let mut story = Vec::new();
    for event in recorded() {
        match &*event.event_name().unwrap() {
            "CHANNEL_CREATE" => channels.begin(Channel::of_event(&event).unwrap(), now),
            "CHANNEL_DESTROY" => channels.end(ended(&event).unwrap(), now),
            _ => continue,
        }
        story.push((busy(&channels, phone(1), &[]), busy(&channels, phone(2), &two)));
    }
    let wanted =
        [(true, false), (true, false), (true, true), (true, false), (true, false), (false, false)];
    assert_eq!(story, wanted);
}

fn registrations_of_phone_2() -> Vec<Registration> {
    let all: Vec<_> = recorded().iter().filter_map(Registration::of_event).collect();
    all.into_iter().filter(|one| one.phone == phone(2)).take(1).collect()
}

#[test]
fn answers_that_are_no_list_are_not_taken_for_no_calls() {
    for answer in ["", "-ERR no", "{}", "[]", "{\"row_count\":2,\"rows\":[]}", "{\"row_count\":1}"]
    {
        assert!(read(answer).is_err(), "{answer}");
    }
    assert_eq!(read("{\"row_count\": 0}\n").unwrap(), Vec::new());
}

#[test]
fn the_list_lags_behind_the_events_and_wins_in_the_end() {
    let now = Instant::now();
    let call = || {
        shown(&[("uuid", "u"), ("direction", "inbound"), ("name", "sofia/internal/0004132a0001@d")])
    };
    let has = |channels: &Channels| busy(channels, phone(1), &[]);

    let mut channels = Channels::default();
    channels.begin(call().remove(0), now);
    channels.replace(Vec::new(), now);
    assert!(has(&channels), "began a moment ago, not listed yet");
    channels.replace(Vec::new(), now + LAG);
    assert!(!has(&channels), "the event of its end was lost");

    channels.begin(call().remove(0), now);
    channels.end("u".into(), now);
    channels.replace(call(), now);
    assert!(!has(&channels), "ended a moment ago, still listed");
    channels.replace(call(), now + LAG);
    assert!(has(&channels), "a call that is listed and whose end nobody told");
}

#[test]
fn what_an_event_told_of_a_channel_outlives_a_list_that_tells_less() {
    let now = Instant::now();
    let listed =
        || shown(&[("uuid", "u"), ("direction", "inbound"), ("name", "sofia/internal/1001@d")]);
    let mut channels = Channels::default();
    assert!(channels.is_riddle(&listed()[0]));
    let mut told = listed().remove(0);
    told.authenticated_as("0004132a0001");
    channels.begin(told, now);
    assert!(!channels.is_riddle(&listed()[0]), "known: nobody need be asked");
    channels.replace(listed(), now);
    assert!(busy(&channels, phone(1), &[]));
}

#[test]
fn with_more_channels_than_can_be_kept_every_phone_is_busy() {
    let mut channels = Channels::default();
    let channel = |at: usize| Channel { uuid: at.to_string(), ..Channel::default() };
    (0..=MOST).for_each(|at| channels.begin(channel(at), Instant::now()));
    assert!(busy(&channels, phone(1), &[]));
    channels.replace(Vec::new(), Instant::now() + LAG);
    assert!(!busy(&channels, phone(1), &[]));
}

#[test]
fn a_phone_in_several_calls_is_busy_since_the_first() {
    let now = Instant::now();
    let at = |seconds| now + Duration::from_secs(seconds);
    let mut channels = Channels::default();
    let call = |uuid| {
        shown(&[
            ("uuid", uuid),
            ("direction", "inbound"),
            ("name", "sofia/internal/0004132a0001@d"),
        ])
    };
    for (uuid, seconds) in [("b", 20), ("a", 10), ("c", 30)] {
        channels.begin(call(uuid).remove(0), at(seconds));
    }
    assert_eq!(channels.calls().since(phone(1), &[]), Some(at(10)));
    channels.end("a".into(), at(40));
    assert_eq!(channels.calls().since(phone(1), &[]), Some(at(20)));
    assert_eq!(channels.calls().since(phone(2), &[]), None);
}
