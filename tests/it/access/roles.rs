//! Each role against each route.

use hotdeskd::http::{admin, page};
use hotdeskd::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{Browser, office};
use crate::support::operator_token;

/// A path of the table with values in it, of things that are not there.
fn filled(path: &str) -> String {
    path.replace("{mac}", "0004132affff").replace("{extension}", "7999").replace("{name}", "x")
}

#[tokio::test]
async fn each_route_is_for_its_role_and_those_above_it() {
    let office = office().await;
    let browser = Browser::new(&office);
    for route in admin::table() {
        let path = format!("{}{}", admin::BASE, filled(route.path()));
        let ask = |token: Option<String>| {
            let request = browser.ask(route.method().clone(), &path);
            match token {
                Some(token) => request.header("authorization", format!("Bearer {token}")),
                None => request,
            }
        };
        let nobody = ask(None).send().await.unwrap();
        assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "{} {path}", route.method());
        for role in Role::ALL {
            let answer = ask(Some(operator_token(role.as_str()))).send().await.unwrap();
            let is_refused = answer.status() == StatusCode::FORBIDDEN;
            assert_eq!(is_refused, role < route.role(), "{role}: {} {path}", route.method());
        }
    }
}

#[tokio::test]
async fn each_page_is_for_its_role_and_those_above_it() {
    let office = office().await;
    let nobody = Browser::new(&office);
    for role in Role::ALL {
        let browser = Browser::signed_in(&office, role.as_str()).await;
        let me: Value = browser.get("/api/v1/me").await.json().await.unwrap();
        let token = me["csrf"].as_str().unwrap();
        for route in page::table() {
            let path = filled(route.path());
            let name = format!("{role}: {} {path}", route.method());
            let kind = "application/x-www-form-urlencoded";
            let ask = |browser: &Browser| {
                browser.ask(route.method().clone(), &path).header("content-type", kind)
            };
            let refused = ask(&nobody).send().await.unwrap();
            match *route.method() == Method::GET {
                true => {
                    assert_eq!(refused.status(), StatusCode::SEE_OTHER, "{name}");
                    let to = refused.headers()["location"].to_str().unwrap();
                    assert!(
                        to.starts_with("/sign-in?next=%2F") || to.starts_with("/sign-in?next=/"),
                        "{to}"
                    );
                }
                false => assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{name}"),
            }
            let answer = ask(&browser).header("x-csrf-token", token).send().await.unwrap();
            let is_refused = answer.status() == StatusCode::FORBIDDEN;
            assert_eq!(is_refused, role < route.role(), "{name}: {}", answer.status());
            if *route.method() != Method::GET {
                let without = ask(&browser).send().await.unwrap();
                assert_eq!(without.status(), StatusCode::FORBIDDEN, "{name} without the token");
            }
        }
    }
}

#[tokio::test]
async fn what_changes_something_is_not_for_those_who_look() {
    let api = admin::table()
        .into_iter()
        .map(|route| (route.method().clone(), route.path(), route.role()));
    let pages =
        page::table().into_iter().map(|route| (route.method().clone(), route.path(), route.role()));
    for (method, path, role) in api.chain(pages) {
        if method != Method::GET {
            assert!(role > Role::Viewer, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_rendered_files_secrets_are_for_admins_only() {
    let office = office().await;
    let browser = Browser::new(&office);
    for role in Role::ALL {
        for secrets in [false, true] {
            let path = format!("{}/phones/0004132affff/file?secrets={secrets}", admin::BASE);
            let ask = browser.ask(Method::GET, &path);
            let ask =
                ask.header("authorization", format!("Bearer {}", operator_token(role.as_str())));
            let expected = match secrets && role < Role::Admin {
                true => StatusCode::FORBIDDEN,
                // Nobody has that phone.
                false => StatusCode::NOT_FOUND,
            };
            assert_eq!(ask.send().await.unwrap().status(), expected, "{role} {secrets}");
        }
    }
}
