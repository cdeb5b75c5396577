//! The API against its own description: schemathesis asks the running daemon, with a token of each role.

use std::path::Path;
use std::process::{Command, Output};

use hotdeskd::http::admin;
use hotdeskd::model::Role;
use serde_json::json;

use super::office;
use crate::support::{PHONES, cannot_run, operator_token};

/// What it is told. An operator's own values are no mistakes of the description: a phone that is not there is 404, and
/// what nothing describes (an extension in use) is 409 or 422.
const SETTINGS: &str = r#"
headers = { Authorization = "Bearer ${HOTDESKD_TOKEN}" }

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422", "503"]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428", "503"]

[warnings]
display = ["missing_auth"]
"#;

/// Runs it; none where it is not installed.
fn run(url: &str, role: &str, folder: &Path) -> Option<Output> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/bin/st");
    if !program.exists() {
        cannot_run("schemathesis is not in target/schemathesis; tests/run puts it there");
        return None;
    }
    let settings = folder.join("st.toml");
    std::fs::write(&settings, SETTINGS).unwrap();
    let document = folder.join("openapi.json");
    let described = admin::openapi::document();
    std::fs::write(&document, described.to_string()).unwrap();
    let mut command = Command::new(program);
    command.arg("--config-file").arg(settings).arg("run").arg(document);
    command.args(["--url", &format!("{url}api/v1"), "--phases", "examples,coverage,fuzzing"]);
    // A stream has no end, and lines of JSON are no JSON.
    command.args(["--exclude-path", "/events", "--exclude-path", "/phones/import"]);
    command.args(["--max-examples", "4", "--workers", "2", "--generation-deterministic"]);
    command.args(["--no-color", "--request-timeout", "20"]);
    command.env("HOTDESKD_TOKEN", operator_token(role)).env("NO_PROXY", "127.0.0.1");
    Some(command.current_dir(folder).output().unwrap())
}

async fn conforms(role: Role) {
    let office = office().await;
    let phone = PHONES[0].0;
    office.put(&format!("phones/{phone}"), json!({"vendor": "snom", "label": "Desk 1"})).await;
    office.post("sessions", json!({"phone": phone, "user": "1001"})).await;
    let folder = tempfile::tempdir().unwrap();
    let (url, at, whose) = (office.admin_url(), folder.path().to_owned(), role.as_str());
    let ran = tokio::task::spawn_blocking(move || run(&url, whose, &at)).await.unwrap();
    let Some(ran) = ran else { return };
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}\n{}", String::from_utf8_lossy(&ran.stderr));
    // Nothing was found because it was asked, not because it was not.
    let tested = told.lines().find_map(|line| line.trim().strip_prefix("Tested: "));
    assert!(tested.unwrap().parse::<usize>().unwrap() >= 39, "{told}");
    // And as somebody with this role: what is not for it was refused, at most.
    let routes = admin::table();
    let others =
        routes.iter().filter(|route| route.role() > role && route.path() != "/phones/import");
    let refused = told.split("Authentication failed: ").nth(1);
    let refused = refused.map_or(0, |rest| rest.split(' ').next().unwrap().parse().unwrap());
    assert!(refused <= others.count(), "{told}");
    assert!(office.runs());
}

#[tokio::test]
async fn the_api_is_as_described_for_those_who_look() {
    conforms(Role::Viewer).await;
}

#[tokio::test]
async fn the_api_is_as_described_for_those_who_help() {
    conforms(Role::Helpdesk).await;
}

#[tokio::test]
async fn the_api_is_as_described_for_those_who_may_do_everything() {
    conforms(Role::Admin).await;
}
