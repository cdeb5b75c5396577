//! People come, change and go.

use std::time::Instant;

use super::{ASKED, TOLD, comes_to, plan};
use crate::support::slapd::{Directory, SUFFIX, Slapd};
use crate::support::{LOGGED_IN, Office, PHONES, heard_times, until};

/// The day of an office whose server tells what changes, or is asked.
async fn a_day(more: &str) {
    let slapd = Slapd::start(Directory::default());
    slapd.person("barbara", "Barbara Liskov", "+43 (1) 2001", "employeeNumber: 471108\n");
    let office =
        Office::with(plan(&slapd, &format!("{more}\nextension_pattern = '(\\d{{4}})$'"))).await;
    comes_to(&office, &["2001 Barbara Liskov"]).await;
    let desk = office.phone(0);
    office.switch.register(&desk).await.unwrap();

    // Somebody new can log in.
    let begun = Instant::now();
    slapd.person("edsger", "Edsger Dijkstra", "2002", "employeeNumber: 815471\n");
    comes_to(&office, &["2001 Barbara Liskov", "2002 Edsger Dijkstra"]).await;
    eprintln!("known after {:?}", begun.elapsed());
    let heard = office.converse(&desk, "*112002", &["815471#"]).await;
    assert_eq!(heard_times(&heard, LOGGED_IN), 1, "{heard:?}");
    assert_eq!(office.whose(&desk).await.as_deref(), Some("2002"));

    // The name changes, then the number: the desk stays Edsger's.
    slapd.replace("edsger", "displayName", &["E. W. Dijkstra"]);
    comes_to(&office, &["2001 Barbara Liskov", "2002 E. W. Dijkstra"]).await;
    slapd.replace("edsger", "telephoneNumber", &["2007"]);
    comes_to(&office, &["2001 Barbara Liskov", "2007 E. W. Dijkstra"]).await;
    assert_eq!(office.whose(&desk).await.as_deref(), Some("2007"));
    assert_eq!(office.rings("2007").await, [PHONES[0].0]);
    assert_eq!(office.sessions().await, [(PHONES[0].0.to_owned(), "2007".to_owned())]);
    let heard = office.converse(&office.phone(1), "*112007", &["815471#"]).await;
    assert_eq!(heard_times(&heard, LOGGED_IN), 1, "{heard:?}");

    // Who disappears is logged out everywhere.
    slapd.delete(&Slapd::dn("edsger"));
    comes_to(&office, &["2001 Barbara Liskov"]).await;
    assert_eq!(office.sessions().await, []);
    assert_eq!(office.whose(&desk).await, None);

    // Who no longer has a number is nobody either; and comes back with one.
    slapd.person("ken", "Ken Thompson", "2003", "");
    comes_to(&office, &["2001 Barbara Liskov", "2003 Ken Thompson"]).await;
    slapd.replace("barbara", "telephoneNumber", &[]);
    comes_to(&office, &["2003 Ken Thompson"]).await;
    slapd.replace("barbara", "telephoneNumber", &["2001"]);
    comes_to(&office, &["2001 Barbara Liskov", "2003 Ken Thompson"]).await;
}

#[tokio::test]
async fn what_the_server_tells_is_so_at_once() {
    a_day(TOLD).await;
}

#[tokio::test]
async fn what_a_server_does_not_tell_is_asked() {
    a_day(ASKED).await;
}

#[tokio::test]
async fn a_server_that_cannot_tell_is_asked() {
    let slapd = Slapd::start(Directory { no_syncprov: true, ..Directory::default() });
    slapd.person("barbara", "Barbara Liskov", "2001", "");
    let office = Office::with(plan(&slapd, "poll_seconds = 1")).await;
    comes_to(&office, &["2001 Barbara Liskov"]).await;
    slapd.person("ken", "Ken Thompson", "2003", "");
    comes_to(&office, &["2001 Barbara Liskov", "2003 Ken Thompson"]).await;
    let status = office.get("users/sync").await;
    assert_eq!(status["follows"], false, "{status}");
    assert_eq!(status["error"], serde_json::Value::Null, "{status}");
}

#[tokio::test]
async fn groups_describe_the_queues_of_their_teams() {
    let slapd = Slapd::start(Directory::default());
    slapd.person("ken", "Ken Thompson", "2003", "departmentNumber: sales\n");
    let group = |name: &str, more: &str| {
        let groups = format!("ou=groups,{SUFFIX}");
        format!(
            "dn: cn={name},{groups}\nobjectClass: groupOfNames\nobjectClass: extensibleObject\ncn: {name}\nmember: {SUFFIX}\n{more}\n"
        )
    };
    slapd.add(&format!("dn: ou=groups,{SUFFIX}\nobjectClass: organizationalUnit\nou: groups\n"));
    slapd.add(&group(
        "sales",
        "description: round-robin\ntelephoneNumber: 700\ninitials: 30\nl: queue:help\n",
    ));
    slapd.add(&group("no team", "description: random\n"));
    slapd.add(&group("help", "description: ${system(id)}\n"));
    for more in [ASKED, TOLD] {
        let table = format!(
            "[people.ldap.teams]\nbase = \"ou=groups,{SUFFIX}\"\nstrategy = \"description\"\n\
             extension = \"telephoneNumber\"\nmax_wait = \"initials\"\noverflow = \"l\"\n"
        );
        let mut plan = plan(&slapd, more);
        plan.tables += &table;
        let office = Office::with(plan).await;
        comes_to(&office, &["2003 Ken Thompson"]).await;
        let told = async || office.get("users/sync").await["skipped"] == 2;
        until("two groups are told", told).await;
        let status = office.get("users/sync").await;
        assert!(status["examples"].to_string().contains("cn=no team"), "{status}");
        assert!(status["examples"].to_string().contains("says nothing of a queue"), "{status}");
        office.kill();
        let store = hotdeskd::store::Store::open(&office.config.data).await.unwrap();
        let memory = store.memory();
        let sales = &memory.teams()[&"sales".parse().unwrap()];
        assert_eq!(sales.queue.strategy, Some(hotdeskd::model::Strategy::RoundRobin));
        assert_eq!(sales.queue.max_wait, Some(30));
        assert_eq!(sales.queue.overflow.as_ref().unwrap().to_string(), "queue:help");
        assert_eq!(sales.extension.as_ref().unwrap().as_str(), "700");
        assert_eq!(memory.teams().len(), 2);
    }
}
