//! Names, passwords, cookies, and those who have stolen or planted them.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

use super::{Browser, office};
use crate::support::{OPERATOR_PASSWORD, Office, Plan, operator_token};

#[tokio::test]
async fn who_signs_in_is_known_until_the_sign_out_and_a_stolen_cookie_is_worth_nothing_then() {
    let office = office().await;
    let mut browser = Browser::new(&office);
    assert_eq!(browser.get("/api/v1/sessions").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(browser.sign_in("viewer", OPERATOR_PASSWORD).await, "/phones?after=1");
    let answer = browser.get("/api/v1/sessions").await;
    assert_eq!(answer.status(), StatusCode::OK);
    for (name, value) in [("cache-control", "no-store"), ("x-content-type-options", "nosniff")] {
        assert_eq!(answer.headers()[name], value);
    }
    let me = browser.get("/api/v1/me").await.json::<serde_json::Value>().await.unwrap();
    assert_eq!((&me["name"], &me["role"]), (&json!("viewer"), &json!("viewer")));

    let stolen = browser.cookie.clone();
    let without = browser.ask(Method::POST, "/sign-out").send().await.unwrap();
    assert_eq!(without.status(), StatusCode::FORBIDDEN, "no token");
    assert_eq!(browser.get("/api/v1/me").await.status(), StatusCode::OK);
    let token = me["csrf"].as_str().unwrap();
    let out = browser.ask(Method::POST, "/sign-out").header("x-csrf-token", token).send();
    let out = out.await.unwrap();
    assert_eq!(out.headers()["location"], "/sign-in");
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    browser.cookie = stolen;
    assert_eq!(browser.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);

    let (happened, _) = office.happened(0).await;
    let ours: Vec<_> = happened.iter().filter(|what| what.starts_with("signed")).collect();
    assert_eq!(ours, ["signed-in", "signed-out"]);
}

#[tokio::test]
async fn a_planted_cookie_is_not_the_one_after_the_sign_in() {
    let office = office().await;
    // Whoever plants a session of his own, or any text at all.
    let planted = Browser::signed_in(&office, "viewer").await.cookie;
    for planted in [planted, Some("hotdeskd=chosen".to_owned())] {
        let mut victim = Browser::new(&office);
        victim.cookie = planted.clone();
        victim.sign_in("admin", OPERATOR_PASSWORD).await;
        assert_ne!(victim.cookie, planted);
        let me = victim.get("/api/v1/me").await.json::<serde_json::Value>().await.unwrap();
        assert_eq!(me["name"], "admin");
        let mut thief = Browser::new(&office);
        thief.cookie = planted;
        assert_eq!(thief.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    }
}

/// The request with this header in place of one of the same name.
fn with(request: RequestBuilder, name: &str, value: &str) -> RequestBuilder {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    request.headers(headers)
}

#[tokio::test]
async fn another_site_makes_a_browser_do_nothing() {
    let office = office().await;
    let browser = Browser::signed_in(&office, "admin").await;
    let me = browser.get("/api/v1/me").await.json::<serde_json::Value>().await.unwrap();
    let token = me["csrf"].as_str().unwrap();
    let path = "/api/v1/phones/0004132a0001/resync";
    let ask = async |headers: &[(&str, &str)]| {
        let request = browser.ask(Method::POST, path);
        let request =
            headers.iter().fold(request, |request, (name, value)| with(request, name, value));
        request.send().await.unwrap().status()
    };
    let forbidden = StatusCode::FORBIDDEN;
    assert_eq!(ask(&[]).await, forbidden, "the cookie alone");
    assert_eq!(ask(&[("x-csrf-token", "x")]).await, forbidden);
    let own = ("x-csrf-token", token);
    assert_eq!(ask(&[own, ("sec-fetch-site", "cross-site")]).await, forbidden);
    assert_eq!(ask(&[own, ("sec-fetch-site", "same-site")]).await, forbidden);
    let (before, _) = office.happened(0).await;
    assert!(!before.iter().any(|what| what == "resync-asked"), "{before:?}");
    assert_eq!(ask(&[own]).await, StatusCode::NO_CONTENT);
    let journal = office.get("journal?limit=1").await;
    assert_eq!(
        (&journal[0]["what"], &journal[0]["by"]),
        (&json!("resync-asked"), &json!({"operator": "admin"}))
    );

    // Nobody is signed in by another site either.
    let form = Browser::new(&office).ask(Method::POST, "/sign-in");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let body = format!("name=admin&password={OPERATOR_PASSWORD}");
    let answer = with(form, "sec-fetch-site", "cross-site").body(body).send().await.unwrap();
    assert_eq!(answer.status(), forbidden);
    assert!(answer.headers().get("set-cookie").is_none());
}

#[tokio::test]
async fn a_refusal_says_nothing_of_names_and_wrong_tries_lock() {
    let office = office().await;
    let mut browser = Browser::new(&office);
    let refused = "/sign-in?refused=1&next=%2Fphones%3Fafter%3D1";
    let mut try_as = async |name: &str, password: &str| {
        let begun = Instant::now();
        let to = browser.sign_in(name, password).await;
        (to, begun.elapsed())
    };
    for (name, password) in
        [("admin", "wrong"), ("nobody", OPERATOR_PASSWORD), ("<script>", "x"), ("", "")]
    {
        let (to, took) = try_as(name, password).await;
        assert_eq!(to, refused, "{name}");
        // Not before its time, whatever there was to compute.
        assert!(took >= Duration::from_secs(1), "{name}: {took:?}");
    }
    for _ in 0..4 {
        assert_eq!(try_as("Admin", "wrong").await.0, refused);
    }
    // Now it is locked: the right one is refused with the same words, and others are not.
    assert_eq!(try_as("admin", OPERATOR_PASSWORD).await.0, refused);
    assert_eq!(try_as("viewer", OPERATOR_PASSWORD).await.0, "/phones?after=1");
    let journal = office.get("journal?limit=1000").await;
    let of = |what: &str| {
        let rows = journal.as_array().unwrap().iter();
        rows.filter(|row| row["what"] == what).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of("sign-in-refused").len(), 8, "{journal}");
    assert_eq!(of("sign-in-refused")[0]["name"], "admin");
    assert_eq!(of("sign-in-refused")[1]["name"], json!(null), "perhaps a password");
    let locked = of("sign-in-locked");
    assert_eq!((locked.len(), &locked[0]["name"]), (1, &json!("admin")));
    assert_eq!(locked[0]["network"], "127.0.0.1/32");
    let log = office.log();
    assert!(!log.contains(OPERATOR_PASSWORD) && !log.contains("<script>"), "{log}");
}

#[tokio::test]
async fn a_program_has_a_token_and_no_cookie() {
    let office = office().await;
    let browser = Browser::new(&office);
    let ask = async |token: &str| {
        let request = browser.ask(Method::POST, "/api/v1/phones/0004132a0001/resync");
        request.header("authorization", format!("Bearer {token}")).send().await.unwrap()
    };
    let answer = ask(&operator_token("helpdesk")).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert!(answer.headers().get("set-cookie").is_none());
    let journal = office.get("journal?limit=1").await;
    assert_eq!(journal[0]["by"], json!({"operator": "helpdesk-program"}));
    let wrong = ask("office-token-of-nobody").await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(wrong.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer "));
    assert_eq!(wrong.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn over_tls_the_cookie_is_for_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls =
        format!("tls = {{ certificate = {certificate:?}, key = {key:?} }}\nsession_hours = 1\n");
    let office = Office::with(Plan { operators: true, admin: tls, ..Plan::default() }).await;
    let url = office.admin_url().replace("http://127.0.0.1:", "https://localhost:");
    let form = folder.path().join("form");
    std::fs::write(&form, format!("name=viewer&password={OPERATOR_PASSWORD}")).unwrap();
    let curl = |arguments: &[&str]| {
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--noproxy", "*", "--ipv4", "--include", "--cacert"]);
        let ran = curl.arg(&certificate).args(arguments).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let form = format!("@{}", form.display());
    let told = curl(&["--data", &form, &format!("{url}sign-in")]);
    let cookie = told.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.starts_with("__Host-hotdeskd="), "{told}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let me = format!("{url}api/v1/me");
    assert!(curl(&["--cookie", pair, &me]).starts_with("HTTP/1.1 200"));
    // Under the name without the prefix anybody beside us could have planted it.
    let planted = pair.replace("__Host-", "");
    assert!(curl(&["--cookie", &planted, &me]).starts_with("HTTP/1.1 401"));
}
