//! Active Directory's ways, as far as slapd can play them: Microsoft's attributes, and a number that grows with
//! each change instead of a clock.

use super::{comes_to, people};
use crate::support::slapd::{ADMIN, ADMIN_PASSWORD, Directory, SUFFIX, Slapd};
use crate::support::{Office, Plan};

/// The server's own entry, which has its name and its newest number.
fn root(slapd: &Slapd, name: &str, newest: u32) {
    let text =
        format!("dn:\nobjectClass: top\ndsServiceName: {name}\nhighestCommittedUSN: {newest}\n");
    std::fs::write(slapd.path("root.ldif"), text).unwrap();
}

/// A person as there: a binary key, and the number of the last change.
fn person(uid: &str, number: &str, guid: &str, usn: u32) -> String {
    let more = format!(
        "objectClass: extensibleObject\nobjectGUID:: {guid}\nuSNChanged: {usn}\ndepartment: Sales\ndisplayName: {uid} of the directory\n"
    );
    crate::support::slapd::person(uid, uid, number, &more)
}

#[tokio::test]
async fn changes_are_found_by_the_number_and_another_server_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("root.ldif");
    std::fs::write(&ldif, "dn:\nobjectClass: top\n").unwrap();
    let attribute = |number: u32, name: &str, matching: &str, syntax: u32| {
        format!(
            "attributetype ( 1.3.6.1.4.1.99999.{number} NAME '{name}' {matching} \
             SYNTAX 1.3.6.1.4.1.1466.115.121.1.{syntax} SINGLE-VALUE )\n"
        )
    };
    let number = "EQUALITY integerMatch ORDERING integerOrderingMatch";
    let schema = [
        attribute(1, "dsServiceName", "EQUALITY caseIgnoreMatch", 15),
        attribute(2, "highestCommittedUSN", number, 27),
        attribute(3, "uSNChanged", number, 27),
        attribute(4, "objectGUID", "EQUALITY octetStringMatch", 40),
        attribute(5, "department", "EQUALITY caseIgnoreMatch", 15),
    ]
    .concat();
    let mut slapd = Slapd::start(Directory {
        no_syncprov: true,
        global: format!("{schema}rootDSE {}", ldif.display()),
        ..Directory::default()
    });
    let restart = |slapd: &mut Slapd, name: &str, newest: u32| {
        slapd.stop();
        root(slapd, name, newest);
        std::fs::copy(slapd.path("root.ldif"), &ldif).unwrap();
        slapd.run();
    };
    restart(&mut slapd, "CN=DC1", 10);
    // 16 bytes each, in base64.
    slapd.add(&person("ada", "2001", "ELina62d0RGAtADAT9QwyA==", 5));
    slapd.add(&person("ken", "2002", "EbinaK2d0RGAtADAT9QwyA==", 6));
    let table = format!(
        "[people.ldap]\nservers = [\"{}\"]\nstart_tls = false\nbase = \"{SUFFIX}\"\nschema = \"active-directory\"\n\
         bind_dn = \"{ADMIN}\"\npassword = \"{ADMIN_PASSWORD}\"\nfilter = \"(telephoneNumber=*)\"\npoll_seconds = 1\n",
        slapd.url()
    );
    let office = Office::with(Plan { tables: table, ..Plan::default() }).await;
    comes_to(&office, &["2001 ada of the directory", "2002 ken of the directory"]).await;
    assert_eq!(office.get("users/2001").await["teams"], serde_json::json!(["Sales"]));
    // What has an older number is not looked at; what has a newer one is.
    slapd.replace("ada", "displayName", &["Ada"]);
    slapd.replace("ken", "displayName", &["Ken"]);
    slapd.replace("ken", "uSNChanged", &["11"]);
    comes_to(&office, &["2001 ada of the directory", "2002 Ken"]).await;
    // Who comes and goes is found in any case.
    slapd.add(&person("new", "2003", "EritaK2d0RGAtADAT9QwyA==", 2));
    slapd.delete(&Slapd::dn("ken"));
    comes_to(&office, &["2001 Ada", "2003 new of the directory"]).await;
    // The numbers of another server are others.
    slapd.replace("new", "displayName", &["New"]);
    assert_eq!(people(&office).await.len(), 2);
    restart(&mut slapd, "CN=DC2", 1_000);
    comes_to(&office, &["2001 Ada", "2003 New"]).await;
}
