//! The service number, walked with the daemon alive and dead; and whoever served the caller before.

use super::*;

fn site(agent_seconds: Option<u16>) -> Settings {
    let mut site = Settings::new("", ROUTES);
    site.service = Some(Service {
        numbers: vec!["0800123".parse().unwrap(), "+43800123".parse().unwrap()],
        default_queue: "reception".parse().unwrap(),
        agent_seconds,
    });
    site
}

fn call(number: &str) -> Call {
    Call::new("public", number)
        .with("caller_id_number", "${system(id)}")
        .with("caller_id_name", "${system(id)}")
}

#[test]
fn a_call_to_the_service_number_goes_to_the_daemon_and_without_it_to_the_default_queue() {
    let walk = site(None).walk();
    for number in ["0800123", "+0800123", "43800123", "+43800123"] {
        let mut policy = Policy { daemon: Daemon::Alive, ..Policy::daemon_dead() };
        let story = walk.walk(&call(number), &policy, &mut Memory::default()).unwrap();
        let path = "customer-service".to_owned();
        assert_eq!(story.end, End::InConversation { path }, "{number}\n{story}");
        policy.daemon = Daemon::Dead;
        let story = walk.walk(&call(number), &policy, &mut Memory::default()).unwrap();
        let enters = Step::Enters { context: "hotdesk_queues".into(), number: "reception".into() };
        assert!(story.steps.contains(&enters), "{number}\n{story}");
        // Whoever takes the call later is not cut off.
        assert_eq!(story.value("park_timeout"), Some(""), "{number}\n{story}");
        assert!(!story.to_string().contains("system("), "{story}");
    }
    for number in ["08001234", "80123", "0800123x", "123456"] {
        let policy = Policy { daemon: Daemon::Alive, ..Policy::daemon_dead() };
        let story = walk.walk(&call(number), &policy, &mut Memory::default()).unwrap();
        assert!(!story.steps.iter().any(|step| matches!(step, Step::Socket { .. })), "{number}");
    }
}

#[test]
fn the_service_number_has_files_only_where_there_is_one() {
    let names = |site: &Settings| {
        let files = site.files().into_iter();
        files.map(|file| file.path.display().to_string()).collect::<Vec<_>>()
    };
    let (fragment, context) = ("public/10_hotdeskd_service.xml", "dialplan/last_agent.xml");
    let all = names(&site(Some(15)));
    assert!([fragment, context].iter().all(|name| all.iter().any(|file| file == name)), "{all:?}");
    let all = names(&site(None));
    assert!(all.iter().any(|file| file == fragment) && !all.iter().any(|file| file == context));
    let mut unnumbered = site(Some(15));
    unnumbered.service.as_mut().unwrap().numbers.clear();
    assert!(!names(&unnumbered).iter().any(|file| file == fragment));
    let none = names(&Settings::new("", ROUTES));
    assert!(!none.iter().any(|file| file == fragment || file == context), "{none:?}");
}

/// Whether somebody is free only a running FreeSWITCH knows: to a walk nobody is, as without mod_callcenter.
#[test]
fn whoever_served_the_caller_and_is_not_free_is_passed_over() {
    let walk = site(Some(15)).walk();
    for (number, team) in [("1001-sales", "sales"), ("1001-2-night.shift", "2-night.shift")] {
        let asked = Call::new("hotdesk_last_agent", number);
        let policy = Policy::daemon_dead();
        let story = walk.walk(&asked, &policy, &mut Memory::default()).unwrap();
        let enters = Step::Enters { context: "hotdesk_queues".into(), number: team.into() };
        assert!(story.steps.contains(&enters), "{number}\n{story}");
        assert!(story.dialled().is_empty(), "{story}");
    }
    for number in ["sales", "1001-", "1001-a b", "1001-${system(id)}", "x-sales"] {
        let asked = Call::new("hotdesk_last_agent", number);
        let policy = Policy::daemon_dead();
        let story = walk.walk(&asked, &policy, &mut Memory::default()).unwrap();
        let end = End::NoRoute { context: "hotdesk_last_agent".into() };
        assert_eq!(story.end, end, "{number}");
    }
}

/// What is executed when the agent is free, read off the file: a walk does not come there.
#[test]
fn whoever_served_the_caller_is_rung_as_a_person_and_counts_as_busy() {
    let files = site(Some(15)).files();
    let file = files.iter().find(|file| file.path.ends_with("last_agent.xml")).unwrap();
    for part in [
        r#"data="call_timeout=15""#,
        "${callcenter_config(agent get status ${hotdesk_agent}@example.net)}",
        "${callcenter_config(agent get state ${hotdesk_agent}@example.net)}",
        "execute_on_answer_1=callcenter_track ${hotdesk_agent}@example.net;",
        "Event-Subclass=hotdeskd::answered,Hotdesk-Call=${uuid},",
        "}user/${hotdesk_agent}@example.net\"",
        "data=\"${hotdesk_team} XML hotdesk_queues\"",
    ] {
        assert!(file.text.contains(part), "{part}\n{}", file.text);
    }
}
