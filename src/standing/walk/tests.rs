//! The walk against FreeSWITCH: what each number of `walk_cases.xml` logs was read off a running
//! FreeSWITCH (1.11.3-dev, cc93a683) that was called with each of them.

use std::fs;

use super::*;

const CASES: &str = include_str!("../../../tests/fixtures/standing/walk_cases.xml");

/// Number, context, what it logs.
const SEEN: [(&str, &str, &[&str]); 31] = [
    // continue, and the end of the hunt
    ("c01", "cases", &["a", "b"]),
    // break: on-false (what was collected before stays collected), never, on-true, always
    ("c02", "cases", &["a", "next"]),
    ("c03", "cases", &["a", "c"]),
    ("c04", "cases", &["a"]),
    ("c05", "cases", &["next"]),
    // an anti-action makes its extension the one that took the call
    ("c06", "cases", &["anti"]),
    // conditions in conditions
    ("c07", "cases", &["a", "nested", "next"]),
    ("c08", "cases", &["b"]),
    ("c27", "cases2", &["after"]),
    // regex="all", regex="any"
    ("c093", "cases", &["all 3"]),
    ("c103", "cases", &["any 3"]),
    ("c104x", "cases", &["not any"]),
    // only inline actions are seen by later conditions
    ("c11", "cases2", &["early seen, late yes"]),
    // $1 means something only where the pattern has groups
    ("c12", "cases2", &["$1 "]),
    ("c12b", "cases2", &["b b - c12b  $x"]),
    ("c13", "cases2", &["from text"]),
    ("c14", "cases2", &["thrice", "thrice", "thrice"]),
    ("c15", "cases2", &["insensitive"]),
    ("c16789", "cases2", &["789 16 . c16789"]),
    // the first context of a name, and the context `global`
    ("c17", "cases2", &["first"]),
    ("c18", "cases2", &["global"]),
    ("c19", "cases2", &["c19 9"]),
    ("c20", "cases2", &["still here"]),
    ("c21", "cases2", &["${destination_number} \\ c21c21 $5 ."]),
    ("c22", "cases2", &["two empty longer"]),
    // time conditions, taken not to hold
    ("c23", "cases2", &["not then"]),
    ("c24", "cases2", &["field outweighs time"]),
    ("c25", "cases2", &["c25 c25"]),
    ("c26", "cases2", &[". 1 2 3"]),
    ("c30", "cases2", &["after busy"]),
    ("c31", "cases2", &["1001"]),
];

fn told(story: &Story) -> Vec<&str> {
    let said = story.steps.iter().filter_map(|step| match step {
        Step::PassesOver { application, data } if application == "log" => {
            data.strip_prefix("WARNING ")
        }
        _ => None,
    });
    said.collect()
}

fn answers_as_freeswitch(target: &str) -> Dialled {
    match target.strip_prefix("error/") {
        Some(cause) => Dialled::Failed(cause.to_ascii_uppercase()),
        None => Dialled::Answered,
    }
}

fn walked(walk: &Walk, context: &str, number: &str) -> Result<Story, WalkError> {
    let policy = Policy { dial: &answers_as_freeswitch, ..Policy::daemon_dead() };
    let call = Call::new(context, number).with("caller_id_number", "out");
    walk.walk(&call, &policy, &mut Memory::default())
}

#[test]
fn every_number_does_what_it_did_in_freeswitch() {
    let walk = Walk::from_texts([CASES]).unwrap();
    for (number, context, expected) in SEEN {
        let story = walked(&walk, context, number).unwrap();
        assert_eq!(told(&story), expected, "{number}: {story}");
    }
}

#[test]
fn a_failed_bridge_ends_the_call_unless_it_may_go_on() {
    let walk = Walk::from_texts([CASES]).unwrap();
    let busy = walked(&walk, "cases2", "c28").unwrap();
    assert_eq!(busy.end, End::HungUp { cause: "USER_BUSY".to_owned() });
    assert_eq!(told(&busy), Vec::<&str>::new());
    let unanswered = walked(&walk, "cases2", "c29").unwrap();
    assert_eq!(told(&unanswered), ["after no answer"]);
}

#[test]
fn a_story_reads_like_one() {
    let walk = Walk::from_texts([
        "<context name=\"a\"><extension name=\"hand over\"><condition field=\"destination_number\" \
         expression=\"^(1)$\"><action application=\"set\" data=\"x=$1\"/>\
         <action application=\"transfer\" data=\"2 XML b\"/></condition></extension></context>\
         <context name=\"b\"><extension name=\"call\"><condition>\
         <action application=\"socket\" data=\"127.0.0.1:8084/hotdesk/login async full\"/>\
         <action application=\"answer\"/><action application=\"playback\" data=\"hello.wav\"/>\
         <action application=\"bridge\" data=\"{a=b}[c=d]error/user_busy|user/2@x\"/>\
         </condition></extension></context>",
    ])
    .unwrap();
    assert_eq!(
        walked(&walk, "a", "1").unwrap().to_string(),
        "1 in context a\n  matches hand over\n  sets x to 1\n2 in context b\n  matches call\n  \
         calls the daemon at 127.0.0.1:8084/hotdesk/login: nobody there\n  answers\n  \
         plays hello.wav\n  dials error/user_busy: USER_BUSY\n  dials user/2@x: answered\n\
         connected to user/2@x"
    );
    let policy = Policy { daemon: Daemon::Alive, ..Policy::daemon_dead() };
    let story = walk.walk(&Call::new("b", "2"), &policy, &mut Memory::default()).unwrap();
    assert_eq!(story.end, End::InConversation { path: "hotdesk/login".to_owned() });
}

#[test]
fn includes_are_read_in_order_and_the_first_context_wins() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("dialplan")).unwrap();
    fs::create_dir(at("public")).unwrap();
    let context = |name: &str, says: &str| {
        format!(
            "<include>\n<context name=\"{name}\"><extension name=\"x\"><condition>\
             <action application=\"log\" data=\"WARNING {says} $${{greeting}}\"/>\
             </condition></extension></context>\n</include>\n"
        )
    };
    fs::write(at("dialplan/b.xml"), context("default", "second")).unwrap();
    fs::write(at("dialplan/a.xml"), context("default", "first")).unwrap();
    fs::write(at("dialplan/.hidden.xml"), context("hidden", "never")).unwrap();
    fs::write(at("dialplan/note.txt"), "not XML at all <<<").unwrap();
    fs::write(
        at("dialplan/public.xml"),
        "<include>\n<context name=\"public\">\n<!-- a comment hides nothing from the preprocessor\n\
         <X-PRE-PROCESS cmd=\"set\" data=\"in_comment=yes\"/>\n-->\n\
         <X-PRE-PROCESS cmd=\"include\" data=\"../public/*.xml\"/>\n\
         <extension name=\"main\"><condition><action application=\"log\" data=\"WARNING $${in_comment}\"/>\
         </condition></extension></context>\n</include>\n",
    )
    .unwrap();
    fs::write(
        at("public/00.xml"),
        "<include>\n<extension name=\"00\" continue=\"true\"><condition>\
         <action application=\"log\" data=\"WARNING fragment\"/></condition></extension>\n</include>\n",
    )
    .unwrap();
    fs::write(
        at("freeswitch.xml"),
        "<?xml version=\"1.0\"?>\n<document type=\"freeswitch/xml\">\n\
         <X-PRE-PROCESS cmd=\"set\" data=\"greeting = hello\"/>\n\
         <X-PRE-PROCESS cmd=\"exec\" data=\"touch never\"/>\n\
         <X-PRE-PROCESS cmd=\"include\" data=\"nothing/*.xml\"/>\n\
         <section name=\"configuration\"/>\n<section name=\"dialplan\">\n\
         <X-PRE-PROCESS cmd=\"include\" data=\"dialplan/*.xml\"/>\n</section>\n</document>\n",
    )
    .unwrap();
    let whole = Walk::load(&at("freeswitch.xml")).unwrap();
    assert_eq!(whole.contexts(), ["default", "public"]);
    assert_eq!(told(&walked(&whole, "default", "1").unwrap()), ["first hello"]);
    assert_eq!(told(&walked(&whole, "public", "1").unwrap()), ["fragment", "yes"]);
    let dialplan_only = Walk::load(&at("dialplan")).unwrap();
    assert_eq!(told(&walked(&dialplan_only, "default", "1").unwrap()), ["first "]);
    let missing = walked(&whole, "nowhere", "1").unwrap();
    assert_eq!(missing.end, End::NoContext { context: "nowhere".to_owned() });
}

#[test]
fn what_cannot_be_read_is_said_with_its_place() {
    let fault = Walk::load(Path::new("/nonexistent/freeswitch.xml")).unwrap_err().to_string();
    assert!(fault.contains("/nonexistent/freeswitch.xml"), "{fault}");
    for (text, says) in [
        ("<context name=\"a\">\n<extension>\n</context>", "line 3"),
        ("<context name=\"a\">", "<context> is never closed"),
    ] {
        let fault = Walk::from_texts([text]).unwrap_err().to_string();
        assert!(fault.contains(says), "{fault}");
    }
    let folder = tempfile::tempdir().unwrap();
    let round = folder.path().join("round.xml");
    fs::write(&round, "<X-PRE-PROCESS cmd=\"include\" data=\"round.xml\"/>\n").unwrap();
    assert!(matches!(Walk::load(&round), Err(WalkError::Tree(TreeError::TooLarge))));
    let deep = "<a>".repeat(100) + &"</a>".repeat(100);
    assert!(matches!(Walk::from_texts([deep.as_str()]), Err(WalkError::Tree(TreeError::TooLarge))));
}

#[test]
fn a_pattern_that_cannot_be_judged_is_named() {
    let walk = |pattern: &str| {
        let context = format!(
            "<context name=\"a\"><extension name=\"e\"><condition field=\"destination_number\" \
             expression=\"{pattern}\"/></extension></context>"
        );
        walked(&Walk::from_texts([context.as_str()]).unwrap(), "a", "1")
    };
    for pattern in ["^(?!9)\\d+$", "(", "/1", "_1XXX", "(\\d)\\1"] {
        let fault = walk(pattern).unwrap_err().to_string();
        assert!(fault.contains("extension e of context a"), "{fault}");
        assert!(fault.contains(pattern), "{fault}");
    }
}

#[test]
fn every_walk_ends() {
    let forever = |action: &str| {
        let context = format!(
            "<context name=\"a\"><extension name=\"e\"><condition>{action}</condition></extension></context>"
        );
        walked(&Walk::from_texts([context.as_str()]).unwrap(), "a", "1")
    };
    let round = "<action application=\"transfer\" data=\"1 XML a\"/>";
    assert!(matches!(forever(round), Err(WalkError::Endless(_))));
    let often = "<action application=\"log\" data=\"x\" loop=\"999999999\"/>";
    assert!(matches!(forever(often), Err(WalkError::Endless(_))));
    // A variable that holds itself, and one that doubles at each turn.
    let own = "<action application=\"set\" data=\"x=\\${x}${x}\" inline=\"true\"/>\
               <action application=\"log\" data=\"WARNING ${x}\"/>";
    forever(own).unwrap();
    let doubling = "<action application=\"set\" data=\"x=xx\"/>".to_owned()
        + &"<action application=\"set\" data=\"x=${x}${x}\"/>".repeat(64)
        + "<action application=\"log\" data=\"WARNING ${x}\"/>";
    let story = forever(&doubling).unwrap();
    let longest = story.steps.iter().map(|step| step.to_string().len()).max();
    assert!(longest.unwrap_or_default() < 1 << 20, "{longest:?}");
    let nested = "<condition>".repeat(50) + &"</condition>".repeat(50);
    forever(&nested).unwrap();
}

#[test]
fn a_function_that_only_freeswitch_knows_is_noted() {
    let walk = Walk::from_texts([
        "<context name=\"a\"><extension name=\"e\"><condition field=\"${sofia_contact(1@x)}\" \
         expression=\"^$\"><action application=\"park\"/></condition></extension></context>",
    ])
    .unwrap();
    let story = walked(&walk, "a", "1").unwrap();
    let function = "sofia_contact(1@x)".to_owned();
    assert!(story.steps.contains(&Step::Unanswered { function }), "{story}");
    assert_eq!(story.end, End::Parked);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_walk_panic_or_hang(text in ".{0,200}", number in ".{0,40}") {
        let context = format!(
            "<context name=\"a\"><extension name=\"e\"><condition field=\"destination_number\" \
             expression=\"^(.*)$\"><action application=\"set\" data=\"x={0}$1\" inline=\"true\"/>\
             <action application=\"bridge\" data=\"{0}${{x}}\"/></condition></extension></context>",
            crate::model::escape_xml(&text),
        );
        let walk = Walk::from_texts([context.as_str()]).unwrap();
        let _ = walked(&walk, "a", &number);
        let _ = Walk::from_texts([text.as_str()]);
    }

    #[test]
    fn no_dialplan_like_text_makes_a_walk_panic_or_hang(
        parts in proptest::collection::vec(0usize..PARTS.len(), 0..40),
    ) {
        let text: String = parts.iter().filter_map(|part| PARTS.get(*part)).copied().collect();
        let expression = text.replace('"', "");
        let context = format!(
            "<context name=\"a\"><extension name=\"e\"><condition field=\"{0}\" expression=\"^.*$\">\
             <action application=\"set\" data=\"x={0}\"/><action application=\"transfer\" \
             data=\"${{x}} XML a\"/></condition></extension></context>",
            crate::model::escape_xml(&expression),
        );
        let walk = Walk::from_texts([context.as_str()]).unwrap();
        let _ = walked(&walk, "a", "1");
    }
}

/// What expansions are made of.
const PARTS: [&str; 22] = [
    "${",
    "}",
    "$",
    "{",
    "(",
    ")",
    ":",
    "-",
    "1",
    "99999999999999999999",
    "[",
    "]",
    "\\",
    "'",
    "x",
    "é",
    "cond",
    "expr",
    "db(insert/a/b/",
    " < ",
    "?",
    "strepoch()",
];
