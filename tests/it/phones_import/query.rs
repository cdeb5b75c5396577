//! Phones from a company's own database, of each kind.

use super::Place;
use crate::support::{DatabaseServer, Firebird, MariaDb, Postgres, SqliteFile};

/// What the databases call the password.
const PASSWORD: &str = "crm-password-8301";

/// A place whose phones are in this database.
fn place(database: &impl DatabaseServer, query: &str, lines: &str) -> Place {
    let url = database.url();
    let mut text = format!("[inventory]\nurl = {url:?}\nquery = {query:?}\n{lines}");
    if !url.starts_with("sqlite") {
        text += &format!("password = \"{PASSWORD}\"\n");
    }
    let place = Place::with(&text);
    std::fs::create_dir_all(place.path("data")).unwrap();
    place
}

fn phones_are_read_by_the_names_of_their_columns(database: impl DatabaseServer) {
    database.run(
        "CREATE TABLE devices (id INTEGER, mac CHAR(20), maker VARCHAR(40), name VARCHAR(80), room INTEGER, shared SMALLINT);\n\
         INSERT INTO devices VALUES (1, '00:04:13:2A:00:01', 'Snom', 'B\u{fc}ro 1', 101, 1);\n\
         INSERT INTO devices VALUES (2, '0004132a0002', NULL, NULL, 102, 0);\n\
         INSERT INTO devices VALUES (3, '0004132a0003', NULL, '=1+1', NULL, NULL);\n",
    );
    let query = "SELECT mac, maker AS manufacturer, name AS label, room AS location, shared AS hot_desk \
                 FROM devices ORDER BY id -- all";
    let office = place(&database, query, "");
    let tried = office.ok("phones import --sql --dry-run");
    assert!(
        tried.contains("3 rows were read from ") && tried.contains("3 new, 0 changed"),
        "{tried}"
    );
    assert!(tried.contains("row 1: 0004132a0001 snom (B\u{fc}ro 1)"), "{tried}");
    assert!(office.ok("phones import --sql").contains("Imported: 3 new"));
    let exported = office.ok("phones export");
    assert_eq!(
        exported.lines().skip(1).collect::<Vec<_>>(),
        [
            "0004132a0001,snom,,B\u{fc}ro 1,101,,,,yes,,",
            "0004132a0002,snom,,,102,,,,no,,",
            "0004132a0003,snom,,'=1+1,,,,,yes,,",
        ]
    );
    let again = office.ok("phones import --sql");
    assert!(again.contains("0 new, 0 changed, 3 unchanged"), "{again}");
    let checked = office.run("check").out;
    let line = checked.lines().find(|line| line.contains("inventory")).unwrap();
    assert!(line.starts_with("ok "), "{checked}");

    let wrong = place(&database, "SELECT mac, id AS asset FROM devices", "");
    let refused = wrong.run("phones import --sql");
    assert_eq!(refused.code, 1);
    assert!(refused.err.to_lowercase().contains("found the column `asset`"), "{}", refused.err);
    let lost = place(&database, "SELECT nothing FROM nowhere", "");
    let refused = lost.run("phones import --sql");
    assert_eq!(refused.code, 1);
    assert!(!refused.err.contains(PASSWORD), "{}", refused.err);
    let checked = lost.run("check");
    assert!(checked.out.contains("WRONG") && checked.out.contains("inventory"), "{}", checked.out);
}

fn a_query_that_never_ends_is_given_up(database: impl DatabaseServer) {
    database.run("CREATE TABLE customers (phone VARCHAR(40), team CHAR(20), name VARCHAR(120), priority INTEGER);");
    let endless = database.endless().replace(":number", "'1'");
    let office = place(&database, &endless, "deadline_seconds = 2\n");
    let begun = std::time::Instant::now();
    let ran = office.run("phones import --sql");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    // Nor does the server go on.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while database.endless_running() > 0 {
        assert!(std::time::Instant::now() < until, "the query goes on");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// Each test for each kind of database.
macro_rules! for_each_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite { $(#[test] fn $test() { super::$test(super::SqliteFile::new()); })+ }
        mod postgres { $(#[test] fn $test() { super::$test(super::Postgres::start()); })+ }
        mod mariadb { $(#[test] fn $test() { super::$test(super::MariaDb::start()); })+ }
        mod firebird { $(#[test] fn $test() { super::$test(super::Firebird::start()); })+ }
    };
}

for_each_database!(
    phones_are_read_by_the_names_of_their_columns,
    a_query_that_never_ends_is_given_up,
);
