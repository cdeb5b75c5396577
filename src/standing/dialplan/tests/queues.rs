//! The context of the queues, word for word and walked.

use super::*;
use crate::model::{QueueModule, QueueSettings, TeamSettings, Teams};

fn rules(change: impl FnOnce(&mut CallCenterRules)) -> CallCenterRules {
    let team = |id: &str, overflow: &str| {
        let mut team = TeamSettings::new(id.parse().unwrap());
        team.queue.overflow = Some(overflow.parse().unwrap());
        team
    };
    let mut sales = team("sales", "queue:help.desk");
    sales.extension = Some("700".parse().unwrap());
    let mut help = team("help.desk", "+43555");
    help.extension = Some("701".parse().unwrap());
    let board = TeamSettings { has_queue: false, ..team("board", "queue:board") };
    let teams: Teams = [sales, help, board].map(|team| (team.id.clone(), team)).into();
    let settings = QueueSettings::default();
    let mut rules = CallCenterRules { domain: "example.net".parse().unwrap(), settings, teams };
    change(&mut rules);
    rules
}

fn files(rules: &CallCenterRules) -> Vec<RenderedFile> {
    let settings = Settings::new("", "");
    let domain = "example.net".parse().unwrap();
    let plan = Plan {
        domain: &domain,
        dialplan: &settings.dialplan,
        emergency: &settings.emergency,
        hosts: &settings.hosts,
        service: None,
        queues: Some(rules),
    };
    plan.render().unwrap()
}

fn text(files: &[RenderedFile], path: &str) -> String {
    files.iter().find(|file| file.path.to_str() == Some(path)).unwrap().text.clone()
}

#[test]
fn the_queues_are_these_word_for_word() {
    let files = files(&rules(|_| {}));
    let told = include_str!("../../../../tests/fixtures/standing/queues.xml");
    let numbers = text(&files, "numbers/00_hotdeskd_queues.xml");
    assert_eq!(text(&files, "dialplan/queues.xml") + &numbers, told);
}

/// The applications that a number leads to in the context of the queues, and how it ends.
fn walked(rules: &CallCenterRules, number: &str) -> (Vec<String>, End) {
    let operators = "<context name=\"default\"><extension name=\"all\"><condition field=\"destination_number\" \
        expression=\"^(.+)$\"><action application=\"bridge\" data=\"user/$1\"/></condition></extension></context>";
    let files = files(rules);
    let texts = files.iter().filter(|file| file.path.starts_with("dialplan"));
    let texts = texts.map(|file| file.text.as_str()).chain([operators]);
    let walk = Walk::from_texts(texts).unwrap();
    let call = Call::new(QUEUES_CONTEXT, number);
    let story = walk.walk(&call, &Policy::daemon_dead(), &mut Memory::default()).unwrap();
    let steps = story.steps.iter().filter_map(|step| match step {
        Step::PassesOver { application, data } => Some(format!("{application} {data}")),
        Step::Enters { context, number } => Some(format!("> {number} in {context}")),
        _ => None,
    });
    (steps.collect(), story.end)
}

#[test]
fn a_caller_whom_a_queue_does_not_take_goes_on_and_nowhere_round_for_ever() {
    let rules = rules(|_| {});
    let (steps, _) = walked(&rules, "sales");
    assert_eq!(
        steps,
        [
            "> sales in hotdesk_queues",
            "callcenter sales@example.net",
            "> help.desk in hotdesk_queues",
            "callcenter help.desk@example.net",
            "> +43555 in default",
        ]
    );
    // Nothing is said of this team.
    let (steps, end) = walked(&rules, "crew_7");
    assert_eq!(steps, ["> crew_7 in hotdesk_queues", "callcenter crew_7@example.net"]);
    assert!(matches!(&end, End::HungUp { cause } if cause == "NORMAL_CLEARING"), "{end:?}");
    // It has no queue, and itself as the way out.
    let (steps, end) = walked(&rules, "board");
    assert_eq!(steps, ["> board in hotdesk_queues"]);
    assert!(matches!(end, End::HungUp { .. }), "{end:?}");
    // A dot is a dot, and what is no team is no queue.
    for number in ["helpXdesk", "a b", "$1", "${system(id)}", "x'y"] {
        let (steps, _) = walked(&rules, number);
        let own = format!("callcenter {number}@example.net");
        assert!(steps.len() == 1 || steps[1] == own && number == "helpXdesk", "{steps:?}");
    }
}

#[test]
fn with_mod_fifo_a_caller_waits_there() {
    let rules = rules(|rules| {
        rules.settings.module = QueueModule::Fifo;
        rules.settings.max_wait = 30;
    });
    let (steps, _) = walked(&rules, "help.desk");
    assert_eq!(steps[1], "fifo help.desk@example.net in");
    let text = text(&files(&rules), "dialplan/queues.xml");
    assert!(text.contains("data=\"fifo_orbit_exten=_continue_:30\""), "{text}");
    assert!(
        text.contains("data=\"fifo_music=local_stream://moh\"") && !text.contains("callcenter")
    );
}

#[test]
fn what_is_rendered_is_one_xml_document_whatever_the_settings_say() {
    let rules = rules(|rules| {
        rules.settings.module = QueueModule::Fifo;
        rules.settings.music = "/srv/a & b.wav".parse().unwrap();
    });
    for file in files(&rules) {
        assert!(crate::standing::tree::parse(&file.text).is_ok(), "{}", file.text);
    }
}
