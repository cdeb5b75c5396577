//! Who may read it on the operators' listener.

use serde_json::Value;

use crate::support::{Office, Plan, operator_token, until};

/// A request to the operators' listener, perhaps with a token.
async fn get(office: &Office, path: &str, token: Option<&str>) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let url = format!("{}{}", office.admin_url(), path.trim_start_matches('/'));
    let mut request = client.build().unwrap().get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn metrics_need_a_viewer_and_health_needs_nobody() {
    let office = Office::with(Plan { operators: true, ..Plan::default() }).await;
    until("it is ready", async || get(&office, "/readyz", None).await.0 == 200).await;
    assert_eq!(get(&office, "/healthz", None).await.0, 200);
    // Of what is inside strangers hear nothing.
    assert_eq!(get(&office, "/readyz", None).await.1, r#"{"ready":true}"#);
    let (status, told) = get(&office, "/metrics", None).await;
    assert_eq!(status, 401, "never a redirect: {told}");
    assert!(!told.contains("hotdeskd_"), "{told}");
    assert_eq!(get(&office, "/metrics", Some("no-such-token")).await.0, 401);
    for role in ["viewer", "helpdesk", "admin"] {
        let (status, text) = get(&office, "/metrics", Some(&operator_token(role))).await;
        assert!(status == 200 && text.contains("hotdeskd_sessions 0.0"), "{role}: {text}");
    }
    let (_, told) = get(&office, "/readyz", Some(&operator_token("viewer"))).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["freeswitch"][0]["node"], "lab", "{told}");
    let names: Vec<_> =
        told["listeners"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(names.iter().any(|name| **name == "admin"), "{told}");
}

#[tokio::test]
async fn who_comes_from_a_network_that_scrapes_needs_no_token() {
    let admin = "metrics_allow = [\"127.0.0.0/8\"]".to_owned();
    let office = Office::with(Plan { operators: true, admin, ..Plan::default() }).await;
    let (status, text) = get(&office, "/metrics", None).await;
    assert!(status == 200 && text.contains("hotdeskd_sessions 0.0"), "{text}");
    assert!(get(&office, "/readyz", None).await.1.contains("\"listeners\""));
    // For nothing else.
    assert_eq!(get(&office, "/api/v1/phones", None).await.0, 401);
}
