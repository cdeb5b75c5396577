//! Operators who have their password at the LDAP server.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Browser;
use crate::ldap::TOLD;
use crate::support::slapd::{ADMIN, ADMIN_PASSWORD, Directory, SUFFIX, Slapd};
use crate::support::{OPERATOR_PASSWORD, Office, Plan};

const IN: &str = "/phones?after=1";

/// A server with people, each with the password `<uid>-password`, and groups of all three kinds.
fn server() -> Slapd {
    let slapd = Slapd::start(Directory::default());
    for uid in ["ada", "grace", "alan", "eve", "admin"] {
        slapd.person(uid, uid, "2001", &format!("userPassword: {uid}-password\n"));
    }
    let (ada, grace) = (Slapd::dn("ada"), Slapd::dn("grace"));
    slapd.add(&format!(
        "dn: ou=groups,{SUFFIX}\nobjectClass: organizationalUnit\nou: groups\n\n\
         dn: cn=admins,ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: admins\nmember: {ada}\n\n\
         dn: cn=desk,ou=groups,{SUFFIX}\nobjectClass: groupOfUniqueNames\ncn: desk\n\
         uniqueMember: {grace}\nuniqueMember: {ada}\n"
    ));
    slapd
}

async fn office(slapd: &Slapd) -> Office {
    let group = |name: &str| format!("[\"cn={name},ou=groups,{SUFFIX}\"]");
    let roles = format!(
        "ldap_roles = {{ admin = {}, helpdesk = {}, viewer = {} }}",
        group("admins"),
        group("desk"),
        group("nowhere")
    );
    let tables = format!(
        "[people.ldap]\nservers = [\"{}\"]\nstart_tls = false\nbase = \"ou=people,{SUFFIX}\"\n\
         bind_dn = \"{ADMIN}\"\npassword = \"{ADMIN_PASSWORD}\"\n{TOLD}\ndeadline_seconds = 2\n",
        slapd.url()
    );
    Office::with(Plan { operators: true, admin: roles, tables, ..Plan::default() }).await
}

#[tokio::test]
async fn a_group_gives_the_role_and_of_several_the_one_that_may_most() {
    let mut slapd = server();
    let office = office(&slapd).await;
    let mut browser = Browser::new(&office);
    for (name, called, role) in
        [("ada", "ada", "admin"), ("GRACE", "grace", "helpdesk"), (" Ada ", "ada", "admin")]
    {
        let password = format!("{called}-password");
        assert_eq!(browser.sign_in(name, &password).await, IN, "{name}");
        let me: Value = browser.get("/api/v1/me").await.json().await.unwrap();
        assert_eq!((&me["name"], &me["role"]), (&json!(called), &json!(role)));
    }
    // Without a group, with a wrong password, or as a program of the configuration: nobody.
    for (name, password) in [
        ("alan", "alan-password"),
        ("ada", "grace-password"),
        ("ada", ""),
        ("*", "ada-password"),
        ("nobody", "ada-password"),
        ("admin-program", "x"),
        // The configuration's admin has the password of the configuration.
        ("admin", "admin-password"),
    ] {
        let to = browser.sign_in(name, password).await;
        assert!(to.starts_with("/sign-in?refused=1"), "{name}: {to}");
    }
    assert_eq!(browser.sign_in("admin", OPERATOR_PASSWORD).await, IN);
    assert!(!office.log().contains("ada-password"));

    // Who is taken out of the group has the role until the next sign-in.
    slapd.modify(&format!(
        "dn: cn=desk,ou=groups,{SUFFIX}\nchangetype: modify\ndelete: uniqueMember\nuniqueMember: {}\n",
        Slapd::dn("grace")
    ));
    assert!(browser.sign_in("grace", "grace-password").await.starts_with("/sign-in?refused=1"));

    // With the server gone the configuration's people get in, and nobody is locked out for it.
    slapd.stop();
    for _ in 0..6 {
        assert!(browser.sign_in("ada", "ada-password").await.starts_with("/sign-in?refused=1"));
    }
    assert_eq!(browser.sign_in("viewer", OPERATOR_PASSWORD).await, IN);
    slapd.run();
    assert_eq!(browser.sign_in("ada", "ada-password").await, IN);
    assert_eq!(browser.get("/api/v1/me").await.status(), StatusCode::OK);
}
