//! Encryption, and who we are to the server.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::runtime::Handle;

use super::{TOLD, comes_to};
use crate::support::slapd::{ADMIN, ADMIN_PASSWORD, Directory, SUFFIX, Slapd};
use crate::support::{LOGGED_IN, Office, Plan, REFUSED, UNAVAILABLE, heard_times, until};

/// A CA, a certificate of the server, one of ours, and a CA that signed none of them.
fn certificates(folder: &Path) {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (ca, other) = (authority("Office CA"), authority("Other CA"));
    let issue = |name: &str, hosts: &[&str]| {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &ca).unwrap().pem(), key.serialize_pem())
    };
    let (server, server_key) = issue("ldap", &["localhost", "127.0.0.1"]);
    let (ours, our_key) = issue("hotdeskd", &[]);
    for (name, text) in [
        ("ca.pem", ca.pem()),
        ("other.pem", other.pem()),
        ("server.pem", server),
        ("server.key", server_key),
        ("ours.pem", ours),
        ("ours.key", our_key),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// A server with certificates that tells nothing to nobody, and nothing unencrypted but over its socket.
fn secure_slapd(certificates: &Path) -> Slapd {
    let folder = certificates.display();
    let slapd = Slapd::start(Directory {
        global: format!(
            "TLSCACertificateFile {folder}/ca.pem\nTLSCertificateFile {folder}/server.pem\n\
             TLSCertificateKeyFile {folder}/server.key\nTLSVerifyClient try\n\
             authz-regexp \"^cn=hotdeskd.*$\" \"uid=reader,ou=people,{SUFFIX}\"\n\
             authz-regexp \"^gidNumber=0.uidNumber=0,cn=peercred,cn=external,cn=auth$\" \"uid=reader,ou=people,{SUFFIX}\"\n"
        ),
        database: format!(
            "access to attrs=userPassword by anonymous auth by * none\n\
             access to * by dn.exact=\"uid=reader,ou=people,{SUFFIX}\" read by * none"
        ),
        ldaps: true,
        ..Directory::default()
    });
    slapd.person("good", "Good", "2001", "userPassword: 815471\n");
    slapd.person("other", "Other", "2002", "userPassword: 4711\n");
    slapd
}

/// The lines of a table.
fn table(url: &str, more: &str) -> Plan {
    let ldap = format!(
        "[people.ldap]\nservers = [\"{url}\"]\nbase = \"ou=people,{SUFFIX}\"\n{TOLD}\n{more}\n"
    );
    Plan { tables: ldap, ..Plan::default() }
}

#[tokio::test]
async fn encrypted_in_each_way_and_known_in_each_way() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let slapd = secure_slapd(folder.path());
    let ca = format!("ca = \"{}\"", folder.path().join("ca.pem").display());
    let by_password = format!("bind_dn = \"{ADMIN}\"\npassword = \"{ADMIN_PASSWORD}\"");
    let pair = folder.path().join("ours").display().to_string();
    let by_certificate =
        format!("certificate = \"{pair}.pem\"\nkey = \"{pair}.key\"\nexternal = true");
    let ldaps = format!("ldaps://localhost:{}", slapd.secure.port());
    let by_address = format!("ldaps://{}", slapd.secure);
    let start_tls = format!("ldap://localhost:{}", slapd.address.port());
    let password_file = folder.path().join("password");
    std::fs::write(&password_file, ADMIN_PASSWORD).unwrap();
    std::fs::set_permissions(&password_file, Permissions::from_mode(0o600)).unwrap();
    let by_file = format!("bind_dn = \"{ADMIN}\"\npassword_file = \"{}\"", password_file.display());
    for (url, more) in [
        (ldaps.clone(), format!("{ca}\n{by_password}")),
        (by_address, format!("{ca}\n{by_file}")),
        (start_tls.clone(), format!("{ca}\n{by_password}")),
        (ldaps.clone(), format!("{ca}\n{by_certificate}")),
        (start_tls.clone(), format!("{ca}\n{by_certificate}")),
        (slapd.socket_url(), "external = true".to_owned()),
    ] {
        let office = Office::with(table(&url, &more)).await;
        comes_to(&office, &["2001 Good", "2002 Other"]).await;
        let checked = office.run(&["check"]);
        let told = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(told.contains("2 people below ou=people"), "{url} {more}: {told}");
        assert!(!told.contains(ADMIN_PASSWORD) && !office.log().contains(ADMIN_PASSWORD));
    }
    // Whom we do not trust, or who is not whom we wanted; and with the wrong password.
    let other = format!("ca = \"{}\"", folder.path().join("other.pem").display());
    let wrong = format!("{ca}\nbind_dn = \"{ADMIN}\"\npassword = \"no-password-of-anybody\"");
    let missing = format!("ca = \"{}\"\n{by_password}", folder.path().join("none.pem").display());
    for (url, more, problem) in [
        (&ldaps, format!("{other}\n{by_password}"), "people.ldap.ca"),
        (&start_tls, format!("{other}\n{by_password}"), "people.ldap.ca"),
        (&ldaps, by_password.clone(), "people.ldap.ca"),
        (&ldaps, wrong, "credentials are wrong"),
        (&ldaps, missing, "none.pem"),
    ] {
        let office = Office::with(table(url, &more)).await;
        let told = async || {
            let status = office.get("users/sync").await;
            status["error"].as_str().is_some_and(|error| error.contains(problem))
        };
        until(problem, told).await;
        assert!(!office.log().contains("no-password-of-anybody"));
    }
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_told_nothing() {
    let slapd = Slapd::start(Directory::default());
    let office = Office::with(table(
        &slapd.url(),
        &format!("bind_dn = \"{ADMIN}\"\npassword = \"{ADMIN_PASSWORD}\""),
    ))
    .await;
    let told = async || {
        let status = office.get("users/sync").await;
        status["error"].as_str().is_some_and(|error| error.contains("does not encrypt"))
    };
    until("it is told", told).await;
}

#[tokio::test]
async fn the_pin_is_the_password_at_the_server() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let mut slapd = secure_slapd(folder.path());
    let ca = folder.path().join("ca.pem").display().to_string();
    let url = format!("ldaps://localhost:{}", slapd.secure.port());
    let more = format!("ca = \"{ca}\"\nbind_dn = \"{ADMIN}\"\npassword = \"{ADMIN_PASSWORD}\"");
    let plan = Plan { pin: "method = \"ldap\"", ..table(&url, &more) };
    let office = Office::closed(plan).await;
    office.start().await;
    for (mac, secret, label) in crate::support::PHONES {
        let phone = serde_json::json!({ "label": label, "secret": secret });
        office.put(&format!("phones/{mac}"), phone).await;
    }
    office.put("users/1001", serde_json::json!({ "name": "Ours" })).await;
    comes_to(&office, &["2001 Good", "2002 Other"]).await;
    let desk = office.phone(0);
    office.switch.register(&desk).await.unwrap();
    for (extension, pin, right) in [
        ("2001", "815471", true),
        ("2002", "815471", false),
        ("2002", "4711", true),
        // One of our own has no password there, and nobody has none.
        ("1001", "815471", false),
        ("2999", "815471", false),
    ] {
        let heard = office.converse(&desk, &format!("*11{extension}"), &[&format!("{pin}#")]).await;
        let said = if right { LOGGED_IN } else { REFUSED };
        assert!(heard_times(&heard, said) > 0, "{extension} {pin}: {heard:?}");
        assert!(right || heard_times(&heard, LOGGED_IN) == 0, "{extension} {pin}: {heard:?}");
    }
    // A new password counts at once, the old one does not.
    slapd.replace("other", "userPassword", &["908070"]);
    let heard = office.converse(&desk, "*112002", &["4711#"]).await;
    assert_eq!(heard_times(&heard, LOGGED_IN), 0, "{heard:?}");
    let heard = office.converse(&desk, "*112002", &["908070#"]).await;
    assert_eq!(heard_times(&heard, LOGGED_IN), 1, "{heard:?}");
    let refused = office
        .admin(reqwest::Method::PUT, "users/2001/pin", Some(serde_json::json!({ "pin": "471108" })))
        .await;
    assert!(refused.unwrap_err().contains("set it there"));
    slapd.stop();
    let heard = office.converse(&desk, "*112001", &["815471#"]).await;
    assert_eq!(heard_times(&heard, UNAVAILABLE), 1, "{heard:?}");
    for secret in ["815471", "908070", "4711"] {
        assert!(!office.log().contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn an_empty_password_is_nobodys() {
    use hotdeskd::desk::{Desk, Settings};
    use hotdeskd::people::ldap::{Access, LdapMirror, LdapPassword};

    let slapd = Slapd::start(Directory::default());
    slapd.person("good", "Good", "2001", "userPassword: 815471\n");
    let text = format!(
        "servers = [\"{}\"]\nstart_tls = false\nbase = \"{SUFFIX}\"\nbind_dn = \"{ADMIN}\"",
        slapd.url()
    );
    let access = Access {
        ldap: toml::from_str(&text).unwrap(),
        password: Some(ADMIN_PASSWORD.to_owned().into()),
    };
    let data = tempfile::tempdir().unwrap();
    let store = hotdeskd::store::Store::open(data.path()).await.unwrap();
    let desk = Desk::new(store, Settings::default());
    let mirror =
        LdapMirror::new(desk.clone(), access.clone(), &Default::default(), Handle::current());
    let pass = mirror.everybody(false, hotdeskd::model::Actor::Command).await.unwrap();
    assert_eq!((pass.read, pass.added), (1, 1));
    let password = LdapPassword::new(desk, access);
    let good = "2001".parse().unwrap();
    assert!(password.check(&good, &"815471".into()).await.unwrap());
    for wrong in ["", "8154711", "x"] {
        assert!(!password.check(&good, &wrong.into()).await.unwrap(), "{wrong:?}");
    }
}

#[tokio::test]
async fn people_are_read_without_a_daemon_too() {
    let slapd = Slapd::start(Directory::default());
    slapd.person("good", "Good", "2001", "");
    slapd.person("word", "Word", "reception", "");
    let office = Office::closed(super::plan(&slapd, "")).await;
    let told = |arguments: &[&str]| {
        let done = office.run(arguments);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let first = told(&["users", "sync"]);
    assert!(
        first.contains("2 people read: 1 added, 0 changed, 0 removed, 1 not taken over."),
        "{first}"
    );
    assert!(first.contains("uid=word") && first.contains("`reception` is no extension"), "{first}");
    assert!(told(&["users", "sync"]).contains(": 0 added, 0 changed, 0 removed"));
    slapd.delete(&Slapd::dn("word"));
    let json: serde_json::Value =
        serde_json::from_str(&told(&["users", "sync", "--json"])).unwrap();
    assert_eq!((&json["read"], &json["skipped"]), (&1.into(), &0.into()), "{json}");
    assert!(told(&["users", "show", "2001"]).contains("LDAP"));
    let refused = office.run(&["users", "remove", "2001"]);
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("comes from the LDAP server"), "{refused}");
    let without = Office::closed(Plan::default()).await;
    let refused = without.run(&["users", "sync"]);
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("[people.ldap]"), "{refused}");
}
