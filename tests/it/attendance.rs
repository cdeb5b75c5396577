//! The journal's filters, the logout of a desk, and the walk of emergency calls, by the real program without a daemon.

use std::process::Command;

use serde_json::Value;

/// A folder with a configuration.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.configure("routes = [\"sofia/gateway/trunk/$number\"]\ncaller_id = \"+43123456\"");
        place
    }

    fn configure(&self, emergency: &str) {
        let config = format!(
            "domain = \"example.net\"\ndata = \"data\"\n[freeswitch.fs1]\npassword = \"s3cret\"\n\
             config_dir = \"nowhere\"\n[emergency]\n{emergency}\n"
        );
        std::fs::write(self.0.path().join("hotdeskd.toml"), config).unwrap();
    }

    /// Exit code, standard output and standard error.
    fn run(&self, words: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_hotdeskd"))
            .args(words)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOTDESKD_CONFIG", self.0.path().join("hotdeskd.toml"))
            .env("TZ", "UTC")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn ok(&self, words: &[&str]) -> String {
        let (code, out, err) = self.run(words);
        assert_eq!(code, 0, "{words:?}: {out}{err}");
        out
    }
}

#[test]
fn what_happened_is_found_by_when_and_what_and_written_as_csv_and_json() {
    let place = Place::new();
    place.ok(&["users", "add", "1001", "--name", "Ada"]);
    for phone in ["0004132a0001", "0004132a0002"] {
        place.ok(&["phones", "add", phone]);
        place.ok(&["sessions", "login", "1001", phone]);
    }
    let all = place.ok(&["journal", "list"]);
    let logins = place.ok(&["journal", "list", "--what", "login", "--since", "1h"]);
    assert_eq!(logins.matches("1001 logged in").count(), 2, "{logins}");
    assert!(!logins.contains("was saved") && all.contains("was saved"), "{logins}{all}");
    let both = place.ok(&["journal", "list", "--what", "login", "--what", "logout"]);
    assert_eq!(both.matches("1001").count(), 3, "{both}");
    let none = place.ok(&["journal", "list", "--until", "2020-01-01"]);
    assert_eq!(none, "Nothing of that happened.\n");

    let csv = place.ok(&["journal", "list", "--phone", "0004132a0001", "--csv"]);
    assert!(csv.starts_with("id,time,by,what,phone,user,sentence\n"), "{csv}");
    assert!(csv.lines().skip(1).all(|line| line.contains(",0004132a0001,")), "{csv}");
    let json: Value = serde_json::from_str(&place.ok(&["journal", "list", "--json"])).unwrap();
    let entries = json.as_array().unwrap();
    let third = entries[2]["id"].to_string();
    let onward = place.ok(&["journal", "list", "--after", &third, "--limit", "2", "--json"]);
    let onward: Value = serde_json::from_str(&onward).unwrap();
    assert_eq!(onward.as_array().unwrap()[..], entries[3..5]);
    let back = place.ok(&["journal", "list", "--before", &third, "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&back).unwrap().as_array().unwrap()[..], entries[..2]);
    let lines = place.ok(&["journal", "list", "--all", "--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, *entries);

    let (code, _, told) = place.run(&["journal", "list", "--what", "log-in"]);
    assert!(code == 2 && told.contains("login, logout"), "{told}");
    let (code, _, told) = place.run(&["journal", "list", "--since", "yesterday"]);
    assert!(code == 2 && told.contains("2026-11-22 08:00"), "{told}");
    let (code, _, told) = place.run(&["journal", "list", "--all"]);
    assert!(code == 2 && told.contains("--csv or --json"), "{told}");
}

#[test]
fn when_people_are_logged_out_stands_with_the_phone() {
    let place = Place::new();
    place.ok(&["phones", "add", "0004132a0001", "--logout", "20:00 4h"]);
    let shown = place.ok(&["phones", "show", "0004132a0001"]);
    assert!(shown.contains("20:00 4h"), "{shown}");
    let exported = place.ok(&["phones", "export"]);
    assert!(exported.lines().next().unwrap().ends_with(",logout"), "{exported}");
    assert!(exported.contains(",20:00 4h\n"), "{exported}");
    place.ok(&["phones", "add", "0004132a0001", "--replace"]);
    assert!(place.ok(&["phones", "show", "0004132a0001"]).contains("as the site says"));
    let (code, _, told) = place.run(&["phones", "add", "0004132a0002", "--logout", "late"]);
    assert!(code == 2 && told.contains("`20:00`"), "{told}");
}

#[test]
fn the_walk_of_emergency_calls_says_who_would_not_get_through() {
    let place = Place::new();
    place.ok(&["phones", "add", "0004132a0001", "--emergency-location", "Vienna, room 1"]);
    let (code, out, err) = place.run(&["emergency", "test"]);
    assert!(code == 1 && out.contains("WRONG: "), "nothing is installed: {out}{err}");
    place.ok(&["freeswitch", "install"]);
    let good = place.ok(&["emergency", "test"]);
    assert!(
        good.ends_with("1 of 1 phones and handsets reach 999, 112, 0999, 0112 without hotdeskd.\n"),
        "{good}"
    );
    place.ok(&["phones", "add", "0004132a0002"]);
    let (code, out, err) = place.run(&["emergency", "test", "--json"]);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, found["failing"][0]["identity"].as_str()), (1, Some("0004132a0002")));
    assert_eq!(found["failing"].as_array().unwrap().len(), 1);
    assert!(err.contains("1 of 2 phones"), "{err}");
    place.ok(&["freeswitch", "install"]);
    place.configure("numbers = [\"144\"]\nroutes = [\"sofia/gateway/trunk/$number\"]");
    let (code, out, _) = place.run(&["emergency", "test"]);
    assert!(code == 1 && out.contains("is older than the configuration"), "{out}");
    assert!(out.contains("0004132a0001, Vienna, room 1\n"), "{out}");
}
