//! Entries that wish ill, or are only strange: nobody is harmed by them, and they are told.

use super::{ASKED, TOLD, comes_to, people, plan};
use crate::support::slapd::{Directory, SUFFIX, Slapd};
use crate::support::{Office, Plan, until};

#[tokio::test]
async fn strange_entries_are_told_with_their_names_and_the_others_are_taken_over() {
    let slapd = Slapd::start(Directory::default());
    slapd.person("good", "Good", "2001", "");
    slapd.person("word", "Word", "reception", "");
    slapd.person("twin1", "Twin", "2002", "");
    slapd.person("twin2", "Twin", "2002", "");
    let dn = format!("cn=\\22Quote\\2C \\2BPlus\\22\\3Cx\\3E,ou=people,{SUFFIX}");
    slapd
        .add(&format!("dn: {dn}\nobjectClass: inetOrgPerson\nsn: x\ntelephoneNumber: (20) 0-/3\n"));
    slapd.add(&format!(
        "dn: uid=star,ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: star\nsn: x\ncn: *)(uid=*\ntelephoneNumber: 2005?call=me\n"
    ));
    // cn is base64 for `$${domain}`, a newline and a bell; jpegPhoto is no text.
    slapd.add(&format!(
        "dn: uid=bytes,ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: bytes\nsn: x\ncn:: JCR7ZG9tYWlufQoH\n\
         telephoneNumber: 2004\njpegPhoto:: /9j/4AAQ\ndepartmentNumber: ${{system(id)}}\nemployeeType: ${{system(id)}}\n"
    ));
    for more in [ASKED, TOLD] {
        let more = format!(
            "{more}\nvariables = {{ photo = \"jpegPhoto\", toll_allow = \"employeeType\" }}"
        );
        let office = Office::with(Plan { recorded: true, ..plan(&slapd, &more) }).await;
        // Taken already, by a user of our own.
        slapd.person("taken", "Taken", "1001", "");
        let wanted =
            ["2001 Good", "2002 Twin", "2003 \"Quote, +Plus\"<x>", "2004 $${domain}\n\u{7}"];
        comes_to(&office, &wanted).await;
        let told = async || {
            let status = office.get("users/sync").await;
            let examples = status["examples"].as_array().unwrap().clone();
            let why = |dn: &str| {
                let named =
                    examples.iter().find(|example| example["dn"].as_str().unwrap().contains(dn));
                named.map(|example| example["why"].as_str().unwrap().to_owned()).unwrap_or_default()
            };
            let twins = [why("twin1"), why("twin2")].concat();
            why("word").contains("`reception` is no extension")
                && why("star").contains("`2005?call=me` is no extension")
                && why("taken").contains("comes from elsewhere")
                && twins.contains("somebody else's already")
                && why("bytes").contains("is no team")
        };
        until("each is told", told).await;
        // Nothing of a name is expanded where FreeSWITCH reads it.
        office.rings("2004").await;
        let answers = office.answers().concat();
        let expanded = answers.contains("${");
        assert!(!expanded && answers.contains("&#36;{system(id)}"), "{answers}");
        let checked = office.run(&["check"]);
        let told = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(told.contains("uid=word") && !told.contains('\u{7}'), "{told}");
        slapd.delete(&Slapd::dn("taken"));
    }
}

#[tokio::test]
async fn a_twin_gets_the_number_once_the_other_is_gone() {
    for more in [ASKED, TOLD] {
        let slapd = Slapd::start(Directory::default());
        slapd.person("other", "Other", "2001", "");
        slapd.person("twin1", "First", "2002", "");
        let office = Office::with(plan(&slapd, more)).await;
        comes_to(&office, &["2001 Other", "2002 First"]).await;
        slapd.person("twin2", "Second", "2002", "");
        until("it is told", async || office.get("users/sync").await["skipped"] == 1).await;
        assert_eq!(people(&office).await, ["2001 Other", "2002 First"]);
        slapd.delete(&Slapd::dn("twin1"));
        comes_to(&office, &["2001 Other", "2002 Second"]).await;
        until("nothing is wrong", async || office.get("users/sync").await["skipped"] == 0).await;
    }
}

#[tokio::test]
async fn ten_thousand_values_of_one_attribute_are_survived() {
    let slapd = Slapd::start(Directory::default());
    slapd.person("good", "Good", "2001", "");
    let teams: String = (0..10_000).map(|n| format!("departmentNumber: team-{n}\n")).collect();
    slapd.person("busy", "Busy", "2002", &teams);
    for more in [ASKED, TOLD] {
        let office = Office::with(plan(&slapd, more)).await;
        comes_to(&office, &["2001 Good", "2002 Busy"]).await;
        let user = office.get("users/2002").await;
        assert_eq!(user["teams"].as_array().unwrap().len(), 100);
    }
}

#[tokio::test]
async fn referrals_are_counted_and_not_followed() {
    let slapd = Slapd::start(Directory::default());
    slapd.person("good", "Good", "2001", "");
    slapd.add(&format!(
        "dn: ou=elsewhere,ou=people,{SUFFIX}\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\n\
         ref: ldap://127.0.0.1:1/ou=elsewhere,{SUFFIX}\n"
    ));
    let office = Office::with(plan(&slapd, ASKED)).await;
    comes_to(&office, &["2001 Good"]).await;
    let done = office.run(&["users", "sync"]);
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && told.contains("1 referrals to other servers"), "{told}");
    let checked = office.run(&["check"]);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(told.contains("1 referrals"), "{told}");
    assert!(told.contains("1 people below ou=people"), "{told}");
}
