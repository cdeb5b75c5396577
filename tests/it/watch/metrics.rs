//! `/metrics`.

use super::{promtool, value};
use crate::support::{Office, USERS, until};

#[tokio::test]
async fn what_prometheus_is_told_passes_its_own_check() {
    let office = Office::open().await;
    let (status, text) = office.fetch("/metrics").await;
    assert_eq!(status, 200);
    let checked = promtool(&["check", "metrics"], &text);
    let told = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && told.is_empty(), "{told}\n{text}");
    // And that check would find a mistake.
    assert!(!promtool(&["check", "metrics"], "# TYPE a_total gauge\na_total 1\n").status.success());
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(value(&text, &format!("hotdeskd_build_info{{version=\"{version}\"}}")), 1.0);
}

#[tokio::test]
async fn calls_logins_and_answers_are_counted_and_timed() {
    let office = Office::open().await;
    let phone = office.phone(0);
    office.switch.register(&phone).await.unwrap();
    office.log_in(&phone, "*111001", USERS[0].2).await;
    office.converse(&office.phone(1), "*121002", &["9999#", "9999#", "9999#"]).await;
    let mut text = String::new();
    until("the calls are over", async || {
        text = office.fetch("/metrics").await.1;
        value(&text, "hotdeskd_calls_total{flow=\"login_also\",outcome=\"gave-up\"}") > 0.0
    })
    .await;
    for (series, wanted) in [
        ("hotdeskd_calls_total{flow=\"login\",outcome=\"done\"}", 1.0),
        ("hotdeskd_calls_total{flow=\"login\",outcome=\"hung-up\"}", 0.0),
        ("hotdeskd_login_in_force_seconds_count", 1.0),
        ("hotdeskd_logins_total", 1.0),
        ("hotdeskd_logouts_total", 0.0),
        ("hotdeskd_pin_refusals_total", 3.0),
        ("hotdeskd_sessions", 1.0),
        ("hotdeskd_users", 3.0),
        ("hotdeskd_freeswitch_connected{node=\"lab\"}", 1.0),
        ("hotdeskd_freeswitch_registrations{node=\"lab\"}", 1.0),
    ] {
        assert_eq!(value(&text, series), wanted, "{series}");
    }
    for series in [
        "hotdeskd_directory_answer_seconds_count{question=\"registration\"}",
        "hotdeskd_store_commit_seconds_count",
        "hotdeskd_login_in_force_seconds_sum",
    ] {
        assert!(value(&text, series) > 0.0, "{series}");
    }
    assert!(value(&text, "hotdeskd_login_in_force_seconds_sum") < 20.0);
}

#[tokio::test]
async fn phones_are_counted_by_how_far_they_are_and_who_does_not_go_on() {
    let office = Office::open().await;
    let stages = |text: &str| {
        let of = |stage| value(text, &format!("hotdeskd_phones{{stage=\"{stage}\"}}"));
        (of("imported"), of("first-contact"))
    };
    let (_, text) = office.fetch("/metrics").await;
    assert_eq!(stages(&text), (3.0, 0.0));
    assert_eq!(value(&text, "hotdeskd_phones_stuck"), 0.0);
    let phones = office.config.phones.0.as_ref().unwrap().address;
    let url = format!("http://{phones}/provision/snom.htm?mac=0004132A0001");
    let asked = reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await;
    assert!(asked.unwrap().status().as_u16() >= 400);
    until("the refusal is counted", async || {
        let text = office.fetch("/metrics").await.1;
        let count = |answer: &str| {
            value(
                &text,
                &format!("hotdeskd_provisioning_answer_seconds_count{{answer=\"{answer}\"}}"),
            )
        };
        count("challenge") + count("refusal") == 1.0
    })
    .await;
    until("what costs something is looked at again", async || {
        stages(&office.fetch("/metrics").await.1) == (2.0, 1.0)
    })
    .await;
}
