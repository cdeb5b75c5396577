//! Customers in real databases: the same tests for each kind.

mod command;
mod encrypted;
mod faults;
mod found;
mod hostile;

use std::time::{Duration, Instant};

use hotdeskd::customers::settings::CustomersSettings;
use hotdeskd::customers::{Customers, Looked};
use hotdeskd::model::{Customer, LookUp};

use crate::support::{DatabaseServer, Firebird, MariaDb, Postgres, SqliteFile};

/// What the databases call the password.
const PASSWORD: &str = "crm-password-8301";
/// The usual query.
const QUERY: &str = "SELECT team, name, priority FROM customers WHERE phone = :number";
/// Long enough that a busy machine is no failure.
const DEADLINE_MS: u32 = 2_000;

/// Each test for each kind of database.
macro_rules! for_each_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite { $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
            super::$test(crate::support::SqliteFile::new()).await;
        })+ }
        mod postgres { $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
            super::$test(crate::support::Postgres::start()).await;
        })+ }
        mod mariadb { $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
            super::$test(crate::support::MariaDb::start()).await;
        })+ }
        mod firebird { $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
            super::$test(crate::support::Firebird::start()).await;
        })+ }
    };
}
use for_each_database;

/// The table of customers, filled with these rows: phone, team, name, priority.
fn fill(database: &impl DatabaseServer, rows: &[(&str, &str, &str, i64)]) {
    let quoted = |text: &str| match text {
        "" => "NULL".to_owned(),
        text => format!("'{}'", text.replace('\'', "''")),
    };
    let mut sql = String::from(
        "CREATE TABLE customers (phone VARCHAR(40), team CHAR(20), name VARCHAR(120), priority INTEGER);\n",
    );
    for (phone, team, name, priority) in rows {
        let (phone, team, name) = (quoted(phone), quoted(team), quoted(name));
        sql += &format!("INSERT INTO customers VALUES ({phone}, {team}, {name}, {priority});\n");
    }
    database.run(&sql);
}

/// The settings for a database, with further lines.
fn settings(database: &impl DatabaseServer, query: &str, lines: &str) -> CustomersSettings {
    let (url, set) = (database.url(), lines.contains("deadline_ms"));
    let deadline = if set { String::new() } else { format!("deadline_ms = {DEADLINE_MS}\n") };
    let text = format!("url = {url:?}\nquery = {query:?}\ncountry = \"AT\"\n{deadline}{lines}");
    toml::from_str(&text).unwrap()
}

/// The customers of a database, nothing remembered.
fn customers(database: &impl DatabaseServer, query: &str) -> Customers {
    with(database, query, "cache.entries = 0")
}

fn with(database: &impl DatabaseServer, query: &str, lines: &str) -> Customers {
    let password = Some(PASSWORD.to_owned().into());
    Customers::new(&settings(database, query, lines), password, None).unwrap()
}

fn found(team: &str, name: Option<&str>, priority: Option<i64>) -> LookUp {
    LookUp::Found(Customer { team: team.to_owned(), name: name.map(str::to_owned), priority })
}

/// Looks up, and how long that took.
async fn timed(customers: &Customers, number: &str) -> (Looked, Duration) {
    let begun = Instant::now();
    let looked = customers.look_up(number).await;
    (looked, begun.elapsed())
}
