//! Each role against each route.

use hotdeskd::http::admin;
use hotdeskd::model::Role;
use reqwest::{Method, StatusCode};

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
async fn what_changes_something_is_not_for_those_who_look() {
    for route in admin::table() {
        if *route.method() != Method::GET {
            assert!(route.role() > Role::Viewer, "{} {}", route.method(), route.path());
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
