//! What FreeSWITCH is told of the queues: valid XML, whatever the names, and nothing that would be expanded.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;
use crate::support::SWITCH_PASSWORD;

/// Asks as mod_xml_curl does.
async fn ask(office: &Office, body: &str) -> String {
    let url = format!("http://{}/freeswitch", office.config.switch.address);
    let client = reqwest::Client::new();
    let request = client.post(url).basic_auth("freeswitch", Some(SWITCH_PASSWORD));
    let answer = request.body(body.to_owned()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

const WHOLE: &str = "hostname=lab-fs1&section=configuration&tag_name=configuration&key_name=name&key_value=callcenter.conf";

/// What a stranger of a parser thinks.
fn lint(xml: &str) {
    let mut lint = Command::new("xmllint").args(["--noout", "-"]).stdin(Stdio::piped()).spawn();
    let lint = lint.as_mut().expect("xmllint (libxml2-utils)");
    lint.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    assert!(lint.wait().unwrap().success(), "{xml}");
}

#[tokio::test]
async fn the_configuration_is_valid_whole_and_for_one_queue() {
    let office = office(
        "[queues]\nsettings = { dbname = \"/tmp/<cc> & ${x}\" }\n\
         params = { record-template = \"/srv/$${base}/${uuid}'\\\"<>&.wav\" }\n\
         [[team]]\nid = \"sales\"\nqueue.music = \"/srv/music & more.wav\"\n\
         [[team]]\nid = \"board\"\nhas_queue = false\n",
    )
    .await;
    join(&office, "1001", &["sales", "help", "board"]).await;
    let name = "Sons ${system(id)} $${domain} <]]> & \" '";
    office.put("users/1002", json!({ "name": name, "teams": ["help"] })).await;
    let whole = ask(&office, WHOLE).await;
    lint(&whole);
    // A `-` behind an `x` is written otherwise: FreeSWITCH looks for its own instructions in what it reads.
    let whole = whole.replace("&#45;", "-");
    assert!(!whole.contains('$') && !whole.contains(" status="), "{whole}");
    assert!(
        whole.contains("value=\"/srv/&#36;&#36;{base}/&#36;{uuid}&apos;&quot;&lt;&gt;&amp;.wav\"")
    );
    assert!(whole.contains("<param name=\"dbname\" value=\"/tmp/&lt;cc&gt; &amp; &#36;{x}\"/>"));
    assert!(whole.contains("<param name=\"max-wait-time-with-no-agent\" value=\"10\"/>"));
    for queue in ["sales", "help"] {
        assert!(whole.contains(&format!("<queue name=\"{queue}@office.test\">")), "{whole}");
    }
    assert!(!whole.contains("board") && !whole.contains("Sons"), "{whole}");
    let one = ask(&office, &format!("{WHOLE}&CC-Queue=help%40office.test")).await;
    lint(&one);
    assert!(
        one.contains("<tier queue=\"help@office.test\" agent=\"1001@office.test\" level=\"2\"")
    );
    assert!(!one.contains("sales@office.test"), "{one}");
    // What is not ours is left to FreeSWITCH's own files.
    for (from, to) in [("callcenter", "fifo"), ("callcenter", "sofia"), ("callcenter", "${x}")] {
        let other = ask(&office, &WHOLE.replace(from, to)).await;
        assert!(other.contains("status=\"not found\""), "{other}");
    }
    let other = ask(&office, &format!("{WHOLE}&CC-Queue=support%40default")).await;
    assert!(other.contains("status=\"not found\""), "{other}");
    assert_eq!(office.switch.would_have_run(), Vec::<String>::new());
}

#[tokio::test]
async fn without_a_team_the_operators_own_file_counts() {
    let office = office("").await;
    assert!(ask(&office, WHOLE).await.contains("status=\"not found\""));
}

/// The elements of a list, without what stands around them.
fn list<'x>(xml: &'x str, open: &str, close: &str) -> &'x str {
    let from = xml.find(open).unwrap() + open.len();
    let to = from + xml[from..].find(close).unwrap();
    xml[from..to].trim()
}

#[tokio::test]
async fn what_stands_on_freeswitchs_disk_is_what_is_served() {
    let office =
        office("[[team]]\nid = \"sales\"\nextension = \"700\"\nqueue.max_wait = 60\n").await;
    join(&office, "1001", &["sales"]).await;
    assert!(office.run(&["freeswitch", "install"]).status.success());
    let fragment = |name: &str| {
        let file = office.config.standing.folder.join(name).join("hotdeskd.xml");
        std::fs::read_to_string(file).unwrap_or_default()
    };
    let same = async || {
        let whole = ask(&office, WHOLE).await;
        ["queues", "agents", "tiers"].iter().all(|name| {
            let fragment = fragment(name);
            let served = list(&whole, &format!("<{name}>"), &format!("</{name}>"));
            !served.is_empty() && list(&fragment, "<include>", "</include>") == served
        })
    };
    assert!(same().await);
    // The daemon keeps it so.
    join(&office, "1002", &["sales", "help"]).await;
    until("the disk follows", same).await;
    assert!(fragment("queues").contains("help@office.test"));
    for user in ["1001", "1002"] {
        join(&office, user, &[]).await;
    }
    until("nobody is left", async || {
        list(&fragment("agents"), "<include>", "</include>").is_empty()
    })
    .await;
    let numbers = office.config.standing.folder.join("numbers/00_hotdeskd_queues.xml");
    assert!(std::fs::read_to_string(numbers).unwrap().contains("sales XML hotdesk_queues"));
    let printed = said(&office, &["freeswitch", "print", "queues"]).await;
    for part in ["<queues>", "/queues/*.xml", "/tiers/*.xml", "/numbers/*.xml", "mod_callcenter"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[tokio::test]
async fn a_freeswitch_that_starts_without_us_has_its_queues_from_its_own_disk() {
    let mut office = office("").await;
    join(&office, "1001", &["sales"]).await;
    assert!(office.run(&["freeswitch", "install"]).status.success());
    office.kill();
    let folder = office.config.standing.folder.clone();
    office
        .restart_freeswitch(|settings| {
            settings.callcenter = true;
            // The operator's callcenter.conf.xml, as `freeswitch print queues` says.
            settings.static_configuration =
                Some(hotdeskd::simulator::StaticDirectory::new(move || {
                    let lists = ["queues", "agents", "tiers"].map(|name| {
                        let file = folder.join(name).join("hotdeskd.xml");
                        format!("<{name}>{}</{name}>", std::fs::read_to_string(file).unwrap())
                    });
                    let lists = lists.concat();
                    Some(format!("<configuration name=\"callcenter.conf\">{lists}</configuration>"))
                }));
        })
        .await;
    until("the queue is there", async || queues(&office).await == ["sales@office.test"]).await;
    assert_eq!(serving(&office, "sales@office.test").await, [ADA]);
}
