//! The two tables of ARCHITECTURE.md, "Rooms": which room may use which, and which crates are guarded.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

/// A room, and the rooms that it may use.
const ROOMS: [(&str, &[&str]); 17] = [
    ("model", &[]),
    ("event_socket", &[]),
    ("metrics", &["model"]),
    ("store", &["model", "metrics"]),
    ("desk", &["model", "store"]),
    ("people", &["model", "store", "desk"]),
    ("databases", &[]),
    ("customers", &["model", "store", "databases"]),
    ("xml_curl", &["model", "store", "desk", "metrics"]),
    ("standing", &["model", "store", "desk"]),
    ("provisioning", &["model", "store", "desk", "metrics"]),
    ("calls", &["model", "event_socket", "desk", "metrics"]),
    ("switch", &["model", "event_socket", "store", "desk", "standing"]),
    (
        "http",
        &[
            "model",
            "store",
            "desk",
            "people",
            "xml_curl",
            "provisioning",
            "customers",
            "metrics",
            "webhooks",
        ],
    ),
    ("webhooks", &["model", "store", "metrics"]),
    ("simulator", &["model"]),
    (
        "entrance",
        &[
            "model",
            "event_socket",
            "store",
            "desk",
            "people",
            "databases",
            "customers",
            "xml_curl",
            "standing",
            "provisioning",
            "calls",
            "switch",
            "http",
            "metrics",
            "webhooks",
            "simulator",
            "entrance",
        ],
    ),
];

/// Modules at the top that belong to the entrance; no room uses them.
const ENTRANCE: [&str; 6] = ["main", "lib", "cli", "app", "config", "telemetry"];

/// A crate, and the rooms (or files) that may use it.
const GUARDED: [(&str, &[&str]); 12] = [
    ("sqlx", &["store", "databases", "customers"]),
    ("ldap3", &["people"]),
    ("rsfbclient", &["databases", "customers"]),
    ("axum", &["http"]),
    ("hyper", &["http"]),
    ("rustls", &["http", "people", "simulator", "entrance"]),
    ("prometheus_client", &["metrics"]),
    ("nom", &["event_socket", "provisioning/pnp"]),
    ("minijinja", &["standing", "provisioning", "http"]),
    ("reqwest", &["provisioning", "webhooks", "simulator", "entrance"]),
    ("dxr", &["provisioning", "simulator", "entrance"]),
    (
        "tokio",
        &[
            "event_socket",
            "xml_curl",
            "store",
            "desk",
            "people",
            "databases",
            "customers",
            "standing",
            "provisioning",
            "calls",
            "switch",
            "http",
            "webhooks",
            "simulator",
            "entrance",
        ],
    ),
];

/// The room of a file below `src/`.
fn room_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap().trim_end_matches(".rs");
    if ENTRANCE.contains(&first) { "entrance" } else { first }
}

/// Every use that a table does not allow, as `file: what`.
fn violations(files: &[(String, String)]) -> BTreeSet<String> {
    let used = Regex::new(r"\bcrate::(\w+|\{)").unwrap();
    let guarded = GUARDED.map(|(name, _)| Regex::new(&format!(r"\b{name}(_\w+)?::")).unwrap());
    let mut found = BTreeSet::new();
    for (path, text) in files {
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .fold(String::new(), |code, line| code + line + "\n");
        let room = room_of(path);
        let Some((_, may)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            found.insert(format!("{path}: no such room"));
            continue;
        };
        for name in used.captures_iter(&code).map(|found| found.get(1).unwrap().as_str()) {
            // A braced list would hide which rooms it names.
            let other = if name == "{" { name } else { room_of(name) };
            if other != room && !may.contains(&other) {
                found.insert(format!("{path}: {other}"));
            }
        }
        for ((name, rooms), used) in GUARDED.iter().zip(&guarded) {
            // A place in a room has a slash.
            let is_place =
                |place: &&str| place.contains('/') && path.starts_with(&format!("{place}/"));
            if used.is_match(&code) && !rooms.contains(&room) && !rooms.iter().any(is_place) {
                found.insert(format!("{path}: crate {name}"));
            }
        }
    }
    found
}

fn read(folder: &Path, below: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, below, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(below).unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn no_room_uses_what_it_may_not() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    read(&source, &source, &mut files);
    assert!(files.len() > 50, "{} files", files.len());
    assert_eq!(violations(&files), BTreeSet::new());
}

#[test]
fn a_planted_violation_is_found() {
    for (path, text, found) in [
        ("model/mac.rs", "use crate::store::Store;", "model/mac.rs: store"),
        ("model/mac.rs", "fn f() { tokio::spawn(async {}); }", "model/mac.rs: crate tokio"),
        ("calls/login.rs", "let x = crate::store::Tx::new();", "calls/login.rs: store"),
        (
            "simulator/node.rs",
            "use crate::event_socket::Message;",
            "simulator/node.rs: event_socket",
        ),
        ("desk/mod.rs", "sqlx::query(\"SELECT 1\")", "desk/mod.rs: crate sqlx"),
        ("desk/mod.rs", "use crate::{calls, model};", "desk/mod.rs: {"),
        ("switch/mod.rs", "use crate::config::Config;", "switch/mod.rs: entrance"),
        ("xml_curl/mod.rs", "use axum_extra::Cookie;", "xml_curl/mod.rs: crate axum"),
        ("provisioning/record.rs", "use nom::Parser;", "provisioning/record.rs: crate nom"),
        ("utils/mod.rs", "", "utils/mod.rs: no such room"),
    ] {
        let files = [(path.to_owned(), text.to_owned())];
        assert_eq!(violations(&files), BTreeSet::from([found.to_owned()]));
    }
    let fine = [
        ("desk/mod.rs".to_owned(), "// use crate::calls;\nuse crate::model::Mac;".to_owned()),
        ("provisioning/pnp/message/parse.rs".to_owned(), "use nom::Parser;".to_owned()),
    ];
    assert_eq!(violations(&fine), BTreeSet::new());
}
