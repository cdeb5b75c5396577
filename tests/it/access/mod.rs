//! Who may use the operators' listener: signing in and out, tokens, roles.

mod api;
mod ldap;
mod openapi;
mod roles;
mod schemathesis;
mod sign_in;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};

use crate::support::{OPERATOR_PASSWORD, Office, Plan};

/// A browser without a will of its own: it keeps the cookie, and follows nothing.
pub struct Browser {
    client: Client,
    base: String,
    pub cookie: Option<String>,
}

impl Browser {
    pub fn new(office: &Office) -> Self {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        Self { client: client.build().unwrap(), base: office.admin_url(), cookie: None }
    }

    /// A request from a page of ours.
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{}", self.base, &path[1..]));
        let request = request.header("sec-fetch-site", "same-origin");
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }

    /// Signs in; keeps the cookie where there is one. Answers where it is sent.
    pub async fn sign_in(&mut self, name: &str, password: &str) -> String {
        let form = [("name", name), ("password", password), ("next", "/phones?after=1")];
        let form = form.map(|(name, value)| format!("{name}={}", encoded(value))).join("&");
        let request = self.ask(Method::POST, "/sign-in");
        let kind = "application/x-www-form-urlencoded";
        let answer = request.header("content-type", kind).body(form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        if let Some(cookie) = answer.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Somebody with this role, signed in.
    pub async fn signed_in(office: &Office, role: &str) -> Self {
        let mut browser = Self::new(office);
        assert_eq!(browser.sign_in(role, OPERATOR_PASSWORD).await, "/phones?after=1");
        browser
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

pub async fn office() -> Office {
    Office::with(Plan { operators: true, ..Plan::default() }).await
}
