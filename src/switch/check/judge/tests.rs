use super::*;

fn domain() -> Domain {
    "hotdesk.test".parse().unwrap()
}

fn word(text: &str) -> ChannelWord {
    ChannelWord::parse(text).unwrap()
}

const RUNNING: &str = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<profile>\n  <profile-info>\n    <name>internal</name>\n    <challenge-realm>hotdesk.test</challenge-realm>\n  </profile-info>\n</profile>\n";

/// As `xml_locate` prints it.
fn sofia(params: &[(&str, &str)]) -> String {
    let params: String = params
        .iter()
        .map(|(name, value)| format!("<param name=\"{name}\" value=\"{value}\"></param>\n"))
        .collect();
    format!(
        "<configuration name=\"sofia.conf\"><profiles><profile name=\"external\"><settings/></profile>\
         <profile name=\"internal\"><gateways><gateway name=\"t\"><param name=\"password\" value=\"hush\"></param></gateway></gateways>\
         <settings>{params}</settings></profile></profiles></configuration>\n"
    )
}

fn right() -> Vec<(&'static str, &'static str)> {
    vec![
        ("auth-calls", "$${internal_auth_calls}"),
        ("auth-calls", "true"),
        ("inbound-reg-force-matching-username", "yes"),
        ("accept-blind-auth", "false"),
        ("challenge-realm", "hotdesk.test"),
        ("force-register-domain", "hotdesk.test"),
        ("force-register-db-domain", "hotdesk.test"),
        ("force-subscription-domain", "hotdesk.test"),
    ]
}

/// What is not good, as the last word of the subject and the verdict.
fn faults(findings: &[Finding]) -> Vec<(String, Verdict)> {
    let bad = findings.iter().filter(|one| one.verdict != Verdict::Good);
    bad.map(|one| (one.subject.rsplit(' ').next().unwrap().to_owned(), one.verdict)).collect()
}

#[test]
fn a_profile_is_judged_setting_by_setting() {
    let judge = |params: &[(&str, &str)], running: &str| {
        profile(&word("internal"), &sofia(params), running, &domain())
    };
    let good = judge(&right(), RUNNING);
    assert_eq!((good.len(), faults(&good)), (8, vec![]));
    assert!(good.iter().all(|one| one.advice.is_none() && !one.found.contains("hush")));

    let mut params = right();
    params.push(("auth-calls", "false"));
    params.retain(|(name, _)| *name != "inbound-reg-force-matching-username");
    params.push(("apply-inbound-acl", "domains"));
    let wanted = [
        ("auth-calls".to_owned(), Verdict::Bad),
        ("inbound-reg-force-matching-username".to_owned(), Verdict::Bad),
        ("apply-inbound-acl".to_owned(), Verdict::Warning),
    ];
    assert_eq!(faults(&judge(&params, RUNNING)), wanted);

    let old = RUNNING.replace("<challenge-realm>hotdesk.test", "<challenge-realm>auto_from");
    assert_eq!(faults(&judge(&right(), &old)), [("force".to_owned(), Verdict::Bad)]);
    assert_eq!(
        faults(&judge(&right(), "Invalid Profile!\n")),
        [("internal".to_owned(), Verdict::Bad)]
    );
    let unread = profile(&word("internal"), "can't find anything\n", RUNNING, &domain());
    assert_eq!(faults(&unread), [("internal".to_owned(), Verdict::Warning)]);
}

#[test]
fn the_first_context_of_a_name_counts() {
    let with = |extension: &str| {
        format!(
            "<context name=\"x\">\n<extension name=\"{extension}\"></extension>\n<extension name=\"hotdeskd_login\"/></context>\n"
        )
    };
    let gone = "can't find anything\n".to_owned();
    for (need, answer, verdict) in [
        (Context::Ours, with("hotdeskd_emergency"), Verdict::Good),
        (Context::Ours, with("somebody_elses"), Verdict::Bad),
        (Context::Ours, "<context name=\"x\"></context>".into(), Verdict::Bad),
        (Context::Ours, gone.clone(), Verdict::Bad),
        (Context::Operators, with("anything"), Verdict::Good),
        (Context::Operators, gone.clone(), Verdict::Bad),
        (Context::Callback, with("hotdeskd_emergency_callback"), Verdict::Good),
        (Context::Callback, with("public_did"), Verdict::Bad),
        (Context::Service, with("hotdeskd_service"), Verdict::Good),
        (Context::Service, with("hotdeskd_emergency_callback"), Verdict::Bad),
        (Context::Callback, gone, Verdict::Bad),
    ] {
        assert_eq!(context("x", need, &answer).verdict, verdict, "{need:?} {answer}");
    }
}

#[test]
fn a_phone_must_be_what_hotdeskd_says() {
    let mac = "0004132a0001".parse().unwrap();
    for (used, answer, verdict) in [
        (true, "hotdesk", Verdict::Good),
        (false, "restricted\n", Verdict::Good),
        (true, "restricted", Verdict::Warning),
        (false, "hotdesk", Verdict::Warning),
        (false, "default", Verdict::Bad),
        (false, "-ERR no reply\n", Verdict::Bad),
        (false, "", Verdict::Bad),
    ] {
        assert_eq!(phone(mac, used, answer).verdict, verdict, "{used} {answer}");
    }
}

#[test]
fn the_static_directory_must_have_our_groups_in_its_first_domain() {
    let group = |name: &str, users: &[&str]| {
        let users: String = users.iter().map(|id| format!("<user id=\"{id}\"></user>")).collect();
        format!("<group name=\"{name}\"><users>{users}</users></group>")
    };
    let domain_of =
        |groups: &str| format!("<domain name=\"hotdesk.test\"><groups>{groups}</groups></domain>");
    let directory = |domains: &str| format!("<section name=\"directory\">{domains}</section>");
    let ours = group("hotdeskd_0000", &["0004132a0001"]);
    let stock = group("default", &["1000"]);
    let thief = group("default", &["0004132A0001"]);
    for (what, answer, verdict) in [
        ("as it should be", directory(&domain_of(&(stock.clone() + &ours))), Verdict::Good),
        ("not included", directory(&domain_of(&stock)), Verdict::Bad),
        (
            "in a second domain of the name",
            directory(&(domain_of(&stock) + &domain_of(&ours))),
            Verdict::Bad,
        ),
        (
            "another entry of the name first",
            directory(&domain_of(&(thief.clone() + &ours))),
            Verdict::Bad,
        ),
        (
            "another entry of the name behind",
            directory(&domain_of(&(ours + &thief))),
            Verdict::Good,
        ),
        ("without the phone", directory(&domain_of(&group("hotdeskd_0000", &[]))), Verdict::Bad),
        ("another domain", directory("<domain name=\"example.net\"/>"), Verdict::Bad),
        ("nothing", "can't find anything\n".into(), Verdict::Bad),
        ("broken", "<section><domain".into(), Verdict::Bad),
    ] {
        let finding = static_directory(&answer, &domain(), &["0004132a0001".parse().unwrap()]);
        assert_eq!(finding.verdict, verdict, "{what}");
        assert_eq!(finding.advice.is_some(), verdict != Verdict::Good, "{what}");
    }
}

#[test]
fn the_rest() {
    use std::time::Duration;
    assert_eq!(stock_users(&[]).verdict, Verdict::Good);
    let open = stock_users(&[1000, 1019]);
    assert!(open.verdict == Verdict::Bad && open.found.starts_with("1000, 1019 "));
    assert_eq!(voicemail(&word("default"), "0:0:0:0").verdict, Verdict::Good);
    assert_eq!(voicemail(&word("default"), "-ERR No such profile\n").verdict, Verdict::Bad);
    assert_eq!(module("mod_db", "why", true).verdict, Verdict::Good);
    assert_eq!(module("mod_db", "why", false).verdict, Verdict::Bad);
    let took = |ms| reload(&Ok(Reloaded { took: Duration::from_millis(ms) })).verdict;
    assert_eq!((took(20), took(5000)), (Verdict::Good, Verdict::Warning));
    let failed = reload(&Err(ReloadError::Failed { reason: "XML Root!".into() }));
    assert!(failed.verdict == Verdict::Bad && failed.found.contains("XML Root!"));
}

#[test]
fn a_queue_module_should_have_its_configuration_from_us() {
    let verdict = |located: &str| queue_configuration("callcenter.conf", located).verdict;
    let ours = "<configuration name=\"callcenter.conf\" description=\"hotdeskd\">";
    assert_eq!(verdict(ours), Verdict::Good);
    let queue = "<queues><queue name=\"sales@office.test\"></queue></queues>";
    assert_eq!(verdict(queue), Verdict::Warning);
    assert_eq!(verdict("-ERR can't find anything\n"), Verdict::Bad);
    assert_eq!(verdict("<configuration><queues></queues></configuration>"), Verdict::Bad);
}
