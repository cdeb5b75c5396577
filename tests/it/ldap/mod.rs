//! People from a real LDAP server: slapd, started by each test.

mod active_directory;
mod everyday;
mod hostile;
mod secure;
mod trouble;

use crate::support::slapd::{ADMIN, ADMIN_PASSWORD, SUFFIX, Slapd};
use crate::support::{Office, Plan};

/// The table for a server, with further lines for it.
pub(super) fn table(url: &str, more: &str) -> String {
    format!(
        "[people.ldap]\nservers = [\"{url}\"]\nstart_tls = false\nbase = \"ou=people,{SUFFIX}\"\n\
         bind_dn = \"{ADMIN}\"\npassword = \"{ADMIN_PASSWORD}\"\n{more}\n\
         [people.ldap.attributes]\npin = \"employeeNumber\"\n"
    )
}

/// An office whose people come from this server.
pub(crate) fn plan(slapd: &Slapd, more: &str) -> Plan {
    Plan { tables: table(&slapd.url(), more), ..Plan::default() }
}

/// Lines of a table for a server that is asked each second, although it could tell.
pub(super) const ASKED: &str = "syncrepl = false\npoll_seconds = 1";
/// Lines of a table with which nothing is asked within a test: what changes has to be told.
pub(crate) const TOLD: &str = "poll_seconds = 3600";

/// Who is there, as `extension name`, in the order of the extensions, without those of every office.
pub(super) async fn people(office: &Office) -> Vec<String> {
    let users = office.get("users").await;
    let rows = users.as_array().unwrap().iter().filter(|user| user["source"] == "ldap");
    let text = |user: &serde_json::Value, key: &str| user[key].as_str().unwrap().to_owned();
    rows.map(|user| format!("{} {}", text(user, "extension"), text(user, "name"))).collect()
}

/// Waits until exactly these are there.
pub(super) async fn comes_to(office: &Office, wanted: &[&str]) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let found = people(office).await;
        if found == wanted {
            return;
        }
        assert!(std::time::Instant::now() < until, "{found:?}, not {wanted:?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
