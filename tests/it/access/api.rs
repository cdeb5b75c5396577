//! What the API promises to programs: parts of lists, events, requests that are sent again, changes that meet.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::{Browser, office};
use crate::support::{OPERATOR_PASSWORD, Office, PHONES, operator_token};

const PHONE: &str = PHONES[0].0;

fn ask(office: &Office, method: Method, path: &str) -> RequestBuilder {
    let request = Browser::new(office).ask(method, &format!("/api/v1{path}"));
    request.bearer_auth(operator_token("admin"))
}

#[tokio::test]
async fn a_list_is_read_part_by_part_by_its_links() {
    let office = office().await;
    for list in ["/phones", "/users", "/phones/ways", "/journal"] {
        let whole: Vec<Value> =
            ask(&office, Method::GET, list).send().await.unwrap().json().await.unwrap();
        assert!(whole.len() >= 3, "{list}");
        let (mut rows, mut next) = (Vec::new(), Some(format!("/api/v1{list}?limit=2")));
        while let Some(path) = next {
            let request = Browser::new(&office).ask(Method::GET, &path);
            let answer = request.bearer_auth(operator_token("viewer")).send().await.unwrap();
            let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            next = link.map(|link| link[1..].split('>').next().unwrap().to_owned());
            let part: Vec<Value> = answer.json().await.unwrap();
            assert!(part.len() <= 2);
            // The journal is read backwards, each part oldest first.
            let at = if list == "/journal" { 0 } else { rows.len() };
            rows.splice(at..at, part);
        }
        assert_eq!(rows, whole, "{list}");
    }
    for (query, status) in [("limit=0", 400), ("limit=1001", 400), ("after=x", 400), ("x=1", 400)] {
        let answer = ask(&office, Method::GET, &format!("/phones?{query}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{query}");
    }
}

#[tokio::test]
async fn of_two_who_change_the_same_phone_the_second_is_told() {
    let office = office().await;
    let path = format!("/phones/{PHONE}");
    let read = ask(&office, Method::GET, &path).send().await.unwrap();
    let tag = read.headers()["etag"].clone();
    // Who sits there is no change of the phone.
    office.post("sessions", json!({"phone": PHONE, "user": "1001"})).await;
    let save = async |label: &str| {
        let body = json!({ "label": label });
        let request = ask(&office, Method::PUT, &path).header("if-match", tag.clone()).json(&body);
        request.send().await.unwrap()
    };
    let first = save("Window").await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_ne!(first.headers()["etag"], tag);
    assert_eq!(save("Door").await.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(office.get(&path[1..]).await["label"], "Window");
    let remove = ask(&office, Method::DELETE, &path).header("if-match", tag).send().await.unwrap();
    assert_eq!(remove.status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn a_login_that_is_sent_again_happens_once() {
    let office = office().await;
    let body = json!({"phone": PHONE, "user": "1001"});
    let log_in = async |key: &str| {
        let request = ask(&office, Method::POST, "/sessions").header("idempotency-key", key);
        let answer = request.json(&body).send().await.unwrap();
        let replayed = answer.headers().contains_key("idempotency-replayed");
        (answer.text().await.unwrap(), replayed)
    };
    let (first, _) = log_in("one").await;
    office.delete(&format!("sessions/{PHONE}")).await;
    assert_eq!(log_in("one").await, (first, true));
    assert!(office.sessions().await.is_empty());
    assert!(!log_in("two").await.1);
    assert_eq!(office.sessions().await.len(), 1);
}

/// A stream of events, read line by line.
struct Events {
    answer: Response,
    read: String,
}

impl Events {
    async fn open(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, read: String::new() }
    }

    /// The next event, as its lines; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                if !event.starts_with(':') {
                    return Some(event);
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.answer.chunk());
            let chunk = chunk.await.unwrap().unwrap()?;
            self.read += std::str::from_utf8(&chunk).unwrap();
        }
    }

    /// The id and the journal entry of the next event.
    async fn entry(&mut self) -> (String, Value) {
        let event = self.next().await.unwrap();
        let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        (line("id: ").to_owned(), serde_json::from_str(line("data: ")).unwrap())
    }
}

#[tokio::test]
async fn events_come_as_they_happen_and_none_is_left_out_when_somebody_comes_again() {
    let office = office().await;
    let listen = || ask(&office, Method::GET, "/events");
    let mut events = Events::open(listen()).await;
    assert!(events.next().await.unwrap().contains("event: ready"));
    office.post("sessions", json!({"phone": PHONE, "user": "1001"})).await;
    let (id, entry) = events.entry().await;
    assert_eq!((&entry["what"], &entry["user"]), (&json!("login"), &json!("1001")));
    drop(events);

    // More than are read from the journal at a time.
    for _ in 0..120 {
        office.delete(&format!("sessions/{PHONE}")).await;
        office.post("sessions", json!({"phone": PHONE, "user": "1002"})).await;
    }
    let mut events = Events::open(listen().header("last-event-id", &id)).await;
    events.next().await.unwrap();
    let mut last: i64 = id.parse().unwrap();
    for at in 0..240 {
        let (id, entry) = events.entry().await;
        let is = if at % 2 == 0 { "logout" } else { "login" };
        assert_eq!(entry["what"], is, "{at}");
        let id: i64 = id.parse().unwrap();
        assert!(id > last);
        last = id;
    }
    office.delete(&format!("sessions/{PHONE}")).await;
    assert_eq!(events.entry().await.1["what"], "logout");
    let mut some =
        Events::open(ask(&office, Method::GET, &format!("/events?what=logout&after={id}"))).await;
    some.next().await.unwrap();
    for _ in 0..121 {
        assert_eq!(some.entry().await.1["what"], "logout");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_there_are_so_many() {
    let office = office().await;
    let browser = Browser::signed_in(&office, "viewer").await;
    let me: Value = browser.get("/api/v1/me").await.json().await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut events = Events::open(browser.ask(Method::GET, "/api/v1/events")).await;
        assert!(events.next().await.unwrap().contains("event: ready"));
        streams.push(events);
    }
    let sixth = browser.get("/api/v1/events").await;
    assert_eq!(sixth.status(), StatusCode::TOO_MANY_REQUESTS);
    // Another browser of the same person has places neither, but a session of its own.
    let mut other = Browser::new(&office);
    other.sign_in("helpdesk", OPERATOR_PASSWORD).await;
    let mut others = Events::open(other.ask(Method::GET, "/api/v1/events")).await;
    others.next().await.unwrap();
    let token = me["csrf"].as_str().unwrap();
    let out = browser.ask(Method::POST, "/sign-out").header("x-csrf-token", token).send();
    assert_eq!(out.await.unwrap().status(), StatusCode::SEE_OTHER);
    for mut events in streams {
        let mut last = events.next().await.unwrap();
        while let Some(event) = events.next().await {
            last = event;
        }
        assert!(last.contains("event: bye"), "{last}");
    }
    // The others hear of it.
    assert_eq!(others.entry().await.1["what"], "signed-out");
}
