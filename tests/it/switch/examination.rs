//! Is FreeSWITCH as it must be.

use super::scripted::{Scripted, usual};
use super::*;

#[tokio::test]
async fn an_examination_changes_nothing_and_asks_about_everything() {
    use hotdeskd::switch::check::{Questions, QueueQuestions, Verdict, examine};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let desk = furnish(&folder).await;
    let word = |text: &str| ChannelWord::parse(text).unwrap();
    let node = Node {
        name: "fs1".into(),
        address,
        password: "ClueCon".to_owned().into(),
        profiles: vec![word("internal")],
    };
    let mut questions = Questions {
        domain: "hotdesk.test".parse().unwrap(),
        voicemail_profile: word("default"),
        context: word("default"),
        callback_context: Some(word("public")),
        service_context: Some(word("public")),
        queues: Some(QueueQuestions { module: "mod_callcenter", file: "callcenter.conf" }),
        reload: false,
    };
    let answers = |question: &str| match question {
        "user_data 1003@hotdesk.test param password" => "1234".into(),
        "reloadxml" => "+OK [Success]\n".into(),
        question if question.starts_with("module_exists") => "true".into(),
        question if question.starts_with("user_data 0004132a0001@hotdesk.test var") => {
            "restricted".into()
        }
        question => usual(question),
    };
    for reload in [false, true] {
        questions.reload = reload;
        let scripted = async {
            let mut peer = Scripted::accept(&listener).await;
            peer.serve(answers, |_| false).await;
            peer.asked
        };
        let ask = async { timeout(DEADLINE, examine(&node, desk.store(), &questions)).await };
        let (asked, findings) = tokio::join!(scripted, ask);
        let findings = findings.unwrap().unwrap();
        let verdict = |subject: &str| {
            let found = findings.iter().find(|one| one.subject.contains(subject));
            found.unwrap_or_else(|| panic!("nothing about {subject}")).verdict
        };
        for good in
            ["mod_sofia", "mod_callcenter", "phone 0004132a0001", "voicemail profile default"]
        {
            assert_eq!(verdict(good), Verdict::Good, "{good}");
        }
        for bad in [
            "SIP profile internal",
            "context restricted",
            "context hotdesk_queues",
            "callcenter.conf",
        ] {
            assert_eq!(verdict(bad), Verdict::Bad, "{bad}");
        }
        for bad in ["context public", "phone 0004132a0002", "stock users", "static directory"] {
            assert_eq!(verdict(bad), Verdict::Bad, "{bad}");
        }
        assert!(findings.iter().all(|one| (one.verdict == Verdict::Good) == one.advice.is_none()));
        let reads = |command: &String| {
            let command = command.trim_start_matches("bg");
            let reads =
                ["module_exists", "xml_locate", "sofia xmlstatus", "user_data", "vm_boxcount"];
            reads.iter().any(|read| command.starts_with(&format!("api {read} ")))
        };
        let mut others: Vec<&str> =
            asked.iter().filter(|one| !reads(one)).map(String::as_str).collect();
        others.retain(|one| {
            !one.starts_with("event plain") && !["auth ClueCon", "exit"].contains(one)
        });
        let reloads = others.iter().filter(|one| one.starts_with("bgapi reloadxml\n")).count();
        assert_eq!(
            (others.len(), reloads),
            (usize::from(reload), usize::from(reload)),
            "{others:?}"
        );
    }
}
