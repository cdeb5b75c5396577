//! The server is restarted, cut off, slow, dead, or mistaken: the mirror stays, and catches up.

use std::time::Duration;

use super::{ASKED, TOLD, comes_to, people, plan, table};
use crate::support::cut::{Cut, Wire};
use crate::support::slapd::{Directory, SUFFIX, Slapd, person};
use crate::support::{Office, PHONES, Plan, until};

/// Adds so many people, 2000 and up.
fn fill(slapd: &Slapd, count: usize) {
    let ldif: String = (0..count)
        .map(|n| {
            person(&format!("u{n}"), &format!("Person {n}"), &format!("{}", 2000 + n), "") + "\n"
        })
        .collect();
    slapd.add(&ldif);
}

async fn count(office: &Office, wanted: usize) {
    until(&format!("{wanted} people"), async || people(office).await.len() == wanted).await;
}

#[tokio::test]
async fn a_server_that_is_restarted_is_followed_again() {
    let mut slapd = Slapd::start(Directory::default());
    fill(&slapd, 3);
    let office = Office::with(plan(&slapd, TOLD)).await;
    count(&office, 3).await;
    slapd.stop();
    until("it is noticed", async || !office.get("users/sync").await["error"].is_null()).await;
    count(&office, 3).await;
    slapd.run();
    slapd.delete(&Slapd::dn("u1"));
    slapd.person("ken", "Ken", "2500", "");
    comes_to(&office, &["2000 Person 0", "2002 Person 2", "2500 Ken"]).await;
    until("it is well", async || office.get("users/sync").await["error"].is_null()).await;
}

#[tokio::test]
async fn while_the_server_is_dead_everything_works_also_after_a_restart_of_ours() {
    let mut slapd = Slapd::start(Directory::default());
    slapd.person("edsger", "Edsger", "2002", "employeeNumber: 815471\n");
    slapd.person("ken", "Ken", "2003", "");
    let office = Office::with(plan(&slapd, TOLD)).await;
    count(&office, 2).await;
    slapd.stop();
    office.kill();
    office.start().await;
    let desk = office.phone(0);
    office.switch.register(&desk).await.unwrap();
    office.log_in(&desk, "*112002", "815471").await;
    assert_eq!(office.rings("2002").await, [PHONES[0].0]);
    let status = office.get("users/sync").await;
    assert!(status["error"].as_str().unwrap().contains("no LDAP server"), "{status}");
    assert!(status["current_at"].is_string(), "{status}");
    // What happened while both were away is caught up with, and the desk stays.
    slapd.run();
    slapd.replace("edsger", "telephoneNumber", &["2012"]);
    slapd.person("barbara", "Barbara", "2004", "");
    comes_to(&office, &["2003 Ken", "2004 Barbara", "2012 Edsger"]).await;
    assert_eq!(office.whose(&desk).await.as_deref(), Some("2012"));
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_takes_nobody_away() {
    let slapd = Slapd::start(Directory::default());
    fill(&slapd, 60);
    for more in [ASKED, "poll_seconds = 1"] {
        let wire = Cut::before(slapd.address).await;
        let url = format!("ldap://{}", wire.address);
        let more = format!("{more}\npage_size = 7\nfull_minutes = 1");
        let office = Office::with(Plan { tables: table(&url, &more), ..Plan::default() }).await;
        count(&office, 60).await;
        // Shorter than all, longer than a page.
        wire.set(Wire::CutAfter(6_000));
        office.kill();
        office.start().await;
        for _ in 0..2 {
            let ended = office.get("users/sync").await["ended"].as_u64().unwrap();
            office.post("users/sync", serde_json::json!({ "accept": true })).await;
            until("a reading ended", async || {
                office.get("users/sync").await["ended"].as_u64().unwrap() > ended
            })
            .await;
            let status = office.get("users/sync").await;
            assert!(status["last"]["error"].is_string(), "{status}");
        }
        assert_eq!(people(&office).await.len(), 60);
        wire.set(Wire::Sound);
        slapd.delete(&Slapd::dn("u7"));
        count(&office, 59).await;
        slapd.person("u7", "Person 7", "2007", "");
        count(&office, 60).await;
    }
}

#[tokio::test]
async fn a_slow_server_is_waited_for_and_one_that_hangs_is_not() {
    let slapd = Slapd::start(Directory::default());
    fill(&slapd, 20);
    let wire = Cut::before(slapd.address).await;
    wire.set(Wire::Slow(Duration::from_millis(100)));
    let url = format!("ldap://{}", wire.address);
    let more = format!("{ASKED}\npage_size = 5\ndeadline_seconds = 1");
    let office = Office::with(Plan { tables: table(&url, &more), ..Plan::default() }).await;
    count(&office, 20).await;
    let before = wire.connections();
    wire.set(Wire::Dead);
    let late = async || {
        let status = office.get("users/sync").await;
        status["error"].as_str().is_some_and(|error| error.contains("took too long"))
    };
    until("the deadline has passed", late).await;
    assert!(wire.connections() > before);
    assert_eq!(people(&office).await.len(), 20);
    wire.set(Wire::Sound);
    slapd.delete(&Slapd::dn("u0"));
    count(&office, 19).await;
}

#[tokio::test]
async fn far_fewer_people_than_before_are_not_believed_unless_somebody_says_so() {
    for more in [ASKED, TOLD] {
        let slapd = Slapd::start(Directory::default());
        fill(&slapd, 12);
        let office = Office::with(plan(&slapd, more)).await;
        count(&office, 12).await;
        // All of them lose their numbers at once, but for two.
        slapd.modify(
            &(2..12)
                .map(|n| {
                    format!(
                        "dn: {}\nchangetype: modify\ndelete: telephoneNumber\n\n",
                        Slapd::dn(&format!("u{n}"))
                    )
                })
                .collect::<String>(),
        );
        let doubted = async || !office.get("users/sync").await["disbelieved"].is_null();
        until("it is not believed", doubted).await;
        let left = people(&office).await.len();
        assert!(left >= 6, "{left}");
        let (happened, _) = office.happened(0).await;
        let told = happened.iter().filter(|what| *what == "people-disbelieved").count();
        assert_eq!(told, 1, "{happened:?}");
        let checked = office.run(&["check"]);
        let told = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(told.contains("not believed") && told.contains("--accept"), "{told}");
        let refused = office.run(&["users", "sync"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{told}");
        assert!(told.contains("--accept"), "{told}");
        let done = office.run(&["users", "sync", "--accept"]);
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success() && told.contains("2 people read"), "{told}");
        comes_to(&office, &["2000 Person 0", "2001 Person 1"]).await;
        slapd.person("ken", "Ken", "2500", "");
        comes_to(&office, &["2000 Person 0", "2001 Person 1", "2500 Ken"]).await;
    }
}

#[tokio::test]
async fn a_server_that_gives_only_some_is_not_taken_for_all() {
    let slapd = Slapd::start(Directory {
        database: "limits dn.exact=\"uid=reader,ou=people,dc=office,dc=test\" size=5\n\
                   access to * by * read"
            .to_owned(),
        ..Directory::default()
    });
    slapd.add(&format!(
        "dn: uid=reader,ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: reader\ncn: r\nsn: r\nuserPassword: reading\n"
    ));
    fill(&slapd, 9);
    let reader = format!("uid=reader,ou=people,{SUFFIX}");
    for more in [ASKED, TOLD] {
        let ldap = table(&slapd.url(), more)
            .replace(crate::support::slapd::ADMIN, &reader)
            .replace(crate::support::slapd::ADMIN_PASSWORD, "reading");
        let office = Office::with(Plan { tables: ldap, ..Plan::default() }).await;
        let limited = async || {
            let status = office.get("users/sync").await;
            status["error"].as_str().is_some_and(|error| error.contains("limit"))
        };
        until("the limit is told", limited).await;
        assert_eq!(people(&office).await.len(), 0);
    }
}

#[tokio::test]
async fn the_second_server_is_asked_where_the_first_is_not_there() {
    let slapd = Slapd::start(Directory::default());
    fill(&slapd, 2);
    let nowhere = crate::support::free_address();
    let both = format!("ldap://{nowhere}\", \"{}", slapd.url());
    let office = Office::with(Plan { tables: table(&both, TOLD), ..Plan::default() }).await;
    count(&office, 2).await;
    let status = office.get("users/sync").await;
    assert_eq!(status["server"], slapd.url(), "{status}");
}

/// As many as there may be; `tests/long` runs it.
#[tokio::test]
#[ignore = "takes minutes"]
async fn a_hundred_thousand_people_come_and_one_of_them_changes() {
    let mut slapd = Slapd::start(Directory::default());
    slapd.stop();
    let ldif: String = (0..100_000)
        .map(|n| {
            let more = format!("departmentNumber: team{}\n", n % 100);
            person(&format!("u{n}"), &format!("Person {n}"), &format!("{}", 1_000_000 + n), &more)
                + "\n"
        })
        .collect();
    let file = slapd.path("people.ldif");
    std::fs::write(&file, ldif).unwrap();
    slapd.load(&file);
    slapd.run();
    for more in [ASKED, TOLD] {
        let office = Office::with(plan(&slapd, more)).await;
        let begun = std::time::Instant::now();
        let count = async || office.get("users/sync").await["people"].as_u64().unwrap();
        while count().await < 100_000 {
            assert!(begun.elapsed() < Duration::from_secs(600), "{}", count().await);
            // Whoever calls somebody meanwhile is answered.
            let desk = office.phone(0);
            office.switch.register(&desk).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        eprintln!("{more}: 100,000 people after {:?}", begun.elapsed());
        let named = async |name: &str| office.get("users/1050000").await["name"] == name;
        slapd.replace("u50000", "displayName", &["Somebody Else"]);
        until("the change is there", async || named("Somebody Else").await).await;
        slapd.replace("u50000", "displayName", &[]);
        until("the change is taken back", async || named("Person 50000").await).await;
        let (happened, _) = office.happened(0).await;
        let lines = happened.iter().filter(|what| what.starts_with("people")).count();
        assert_eq!(lines, 1, "{} lines", happened.len());
    }
}

#[tokio::test]
async fn a_server_that_hangs_while_it_is_followed_is_noticed_and_followed_again() {
    let slapd = Slapd::start(Directory::default());
    fill(&slapd, 3);
    let office = Office::with(plan(&slapd, &format!("{TOLD}\ndeadline_seconds = 1"))).await;
    count(&office, 3).await;
    slapd.signal("STOP");
    // Silence is no sign; whoever asks is told within the deadline.
    let done = office.run(&["users", "sync"]);
    slapd.signal("CONT");
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success() && told.contains("took too long"), "{told}");
    slapd.person("ken", "Ken", "2500", "");
    count(&office, 4).await;
}
