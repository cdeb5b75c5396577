//! The operators' API, through its router.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use hotdeskd::desk::{Desk, Settings};
use hotdeskd::http::admin;
use hotdeskd::model::UserSource;
use hotdeskd::store::Store;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::provisioning;

const PHONE: &str = "/api/v1/phones/0004132a0001";

struct Office {
    _folder: tempfile::TempDir,
    desk: Desk,
    router: Router,
}

impl Office {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let desk = Desk::new(store, Settings::default());
        let router =
            admin::router(provisioning(desk.clone(), folder.path()), admin::Outside::default());
        Self { _folder: folder, router, desk }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        if !status.is_success() {
            assert_eq!(response.headers()["content-type"], "application/problem+json");
        }
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let body = body.map(|body| body.to_string());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, Body::from))
            .unwrap();
        let (status, text) = self.send(request).await;
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn put(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask(Method::PUT, path, Some(body)).await
    }
}

#[tokio::test]
async fn a_phone_is_added_changed_and_removed_and_its_secret_is_never_told() {
    let office = Office::open().await;
    let mac = "0004132a0001".parse().unwrap();
    assert_eq!(office.get("/api/v1/phones").await, json!([]));
    let (status, added) = office.put(PHONE, json!({"vendor": "snom", "label": "Desk 1"})).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(added["label"], "Desk 1");
    assert_eq!((&added["hot_desk"], &added["session"]), (&json!(true), &Value::Null));
    let secret = || {
        use secrecy::ExposeSecret as _;
        office.desk.store().memory().phone(mac).unwrap().secret.expose_secret().to_owned()
    };
    let made = secret();
    assert_eq!(made.len(), 24);

    // A change keeps the secret; what is absent is taken away; every spelling is the same phone.
    let (status, changed) =
        office.put("/api/v1/phones/00:04:13:2A:00:01", json!({"model": "D785"})).await;
    assert_eq!((status, &changed["model"]), (StatusCode::OK, &json!("D785")));
    assert_eq!((&changed["label"], &changed["added"]), (&Value::Null, &added["added"]));
    assert_eq!(secret(), made);
    let (status, told) = office.put(PHONE, json!({"secret": "0therSecret"})).await;
    assert_eq!((status, secret().as_str()), (StatusCode::OK, "0therSecret"));
    let list = office.get("/api/v1/phones").await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert!(!format!("{added}{changed}{told}{list}").contains(&made));
    assert!(!format!("{told}{list}").contains("0therSecret"));

    assert_eq!(office.ask(Method::DELETE, PHONE, None).await.0, StatusCode::NO_CONTENT);
    let (status, problem) = office.ask(Method::DELETE, PHONE, None).await;
    assert_eq!((status, &problem["status"]), (StatusCode::NOT_FOUND, &json!(404)));
    assert!(problem["detail"].as_str().unwrap().contains("no phone 0004132a0001"), "{problem}");
}

#[tokio::test]
async fn what_is_only_to_be_added_does_not_replace() {
    let office = Office::open().await;
    for (path, body) in [(PHONE, json!({})), ("/api/v1/users/1001", json!({"name": "Ada"}))] {
        for expected in [StatusCode::CREATED, StatusCode::PRECONDITION_FAILED] {
            let request = Request::put(path)
                .header("content-type", "application/json")
                .header("if-none-match", "*")
                .body(Body::from(body.to_string()))
                .unwrap();
            assert_eq!(office.send(request).await.0, expected, "{path}");
        }
    }
}

#[tokio::test]
async fn people_sit_down_and_get_up() {
    let office = Office::open().await;
    for (extension, name) in [("1001", "Ada"), ("1002", "Grace")] {
        office.put(&format!("/api/v1/users/{extension}"), json!({ "name": name })).await;
    }
    for mac in ["0004132a0001", "0004132a0002"] {
        office.put(&format!("/api/v1/phones/{mac}"), json!({})).await;
    }
    let log_in = async |phone: &str, user: &str, mode: &str| {
        let body = json!({"phone": phone, "user": user, "mode": mode});
        office.ask(Method::POST, "/api/v1/sessions", Some(body)).await
    };
    let (status, changes) = log_in("0004132a0001", "1001", "only").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(changes, json!([{"what": "began", "phone": "0004132a0001", "user": "1001"}]));
    log_in("0004132a0002", "1001", "also").await;
    let ada = office.get("/api/v1/users/1001").await;
    assert_eq!(ada["phones"], json!(["0004132a0001", "0004132a0002"]));
    let (_, changes) = log_in("0004132a0001", "1002", "only").await;
    assert_eq!(changes[0]["reason"], json!({"taken-over": "1002"}), "{changes}");
    let phone = office.get(PHONE).await;
    assert_eq!(
        (&phone["session"]["user"], &phone["session"]["name"]),
        (&json!("1002"), &json!("Grace"))
    );
    assert_eq!(phone["pending"], json!(["resync", "lamp"]));
    assert_eq!(office.get("/api/v1/sessions").await.as_array().unwrap().len(), 2);

    let (status, changes) = office.ask(Method::DELETE, "/api/v1/sessions/0004132a0001", None).await;
    assert_eq!((status, &changes[0]["reason"]), (StatusCode::OK, &json!("logged-out")));
    let (_, changes) = office.ask(Method::DELETE, "/api/v1/users/1001/sessions", None).await;
    assert_eq!(changes[0]["reason"], "logged-out-everywhere");
    assert_eq!(office.get("/api/v1/sessions").await, json!([]));

    let (status, problem) = log_in("0004132a0001", "1003", "only").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["detail"], "there is no such user");
    let (status, _) = office.ask(Method::DELETE, "/api/v1/sessions/0004132a0009", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let journal = office.get("/api/v1/journal?user=1002&limit=1").await;
    assert_eq!(journal.as_array().unwrap().len(), 1);
    assert_eq!((&journal[0]["what"], &journal[0]["by"]), (&json!("logout"), &json!("command")));
}

#[tokio::test]
async fn a_user_has_a_pin_and_perhaps_a_softphone() {
    let office = Office::open().await;
    let path = "/api/v1/users/1001";
    let body = json!({
        "name": "Ada \"]]>${system(id)}\n🦀", "away": "+436641234567", "groups": ["sales"],
        "variables": {"toll_allow": "domestic"}, "softphone": "new",
    });
    let (status, user) = office.put(path, body).await;
    assert_eq!((status, &user["softphone"]), (StatusCode::CREATED, &json!(true)));
    assert_eq!(user["softphone_secret"].as_str().unwrap().len(), 24);
    let secret = user["softphone_secret"].as_str().unwrap();
    let (_, kept) = office.put(path, json!({"name": "Ada"})).await;
    assert_eq!((&kept["softphone"], kept.get("softphone_secret")), (&json!(true), None));
    assert!(!format!("{kept}{}", office.get("/api/v1/users").await).contains(secret));

    assert_eq!(kept["has_pin"], false);
    let pin = format!("{path}/pin");
    assert_eq!(office.put(&pin, json!({"pin": "4711"})).await.0, StatusCode::NO_CONTENT);
    assert_eq!(office.get(path).await["has_pin"], true);
    let (status, made) = office.put(&pin, json!({"random": true})).await;
    assert_eq!((status, made["pin"].as_str().unwrap().len()), (StatusCode::OK, 6));
    let (status, problem) = office.put(&pin, json!({"pin": "1001"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("too easy"), "{problem}");
    let unlock = format!("{path}/unlock");
    assert_eq!(office.ask(Method::POST, &unlock, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(office.ask(Method::DELETE, path, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(office.ask(Method::POST, &unlock, None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_comes_from_the_users_file_is_changed_there() {
    let office = Office::open().await;
    let users = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(users.path(), "[[user]]\nextension = \"1001\"\nname = \"Ada\"\n").unwrap();
    let records = hotdeskd::people::read(users.path()).unwrap();
    let by = hotdeskd::model::Actor::Daemon;
    let now = jiff::Timestamp::now();
    office.desk.take_over_users(UserSource::File, records, now, by).await.unwrap();
    let path = "/api/v1/users/1001";
    assert_eq!(office.get(path).await["source"], "file");
    let (status, problem) = office.put(path, json!({"name": "Eve"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem["detail"].as_str().unwrap().contains("change it there"), "{problem}");
    assert_eq!(office.ask(Method::DELETE, path, None).await.0, StatusCode::CONFLICT);
    let (status, _) = office.put(&format!("{path}/pin"), json!({"pin": "4711"})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn bad_input_is_told_with_a_sentence_and_changes_nothing() {
    let office = Office::open().await;
    office.put("/api/v1/users/1001", json!({"name": "Ada"})).await;
    let long = "x".repeat(300);
    let cases = [
        ("GET", "/api/v1/phones/xyz", "", 400, "12 hex digits"),
        ("GET", "/api/v1/users/*1", "", 400, "2 to 11 digits"),
        ("GET", "/api/v1/users/%ff", "", 400, "UTF-8"),
        ("GET", "/api/v2", "", 404, "nothing at this path"),
        ("POST", "/api/v1/phones", "{}", 405, "not for this method"),
        ("PUT", PHONE, "", 422, "EOF"),
        ("PUT", PHONE, "{} {}", 422, "more follows"),
        ("PUT", PHONE, "[]", 422, "expected"),
        ("PUT", PHONE, "{\"lable\": \"x\"}", 422, "unknown field `lable`"),
        ("PUT", PHONE, "{\"owner\": \"x\"}", 422, "`owner` in the request: expected an extension"),
        ("PUT", PHONE, "{\"owner\": \"1009\"}", 404, "no user with extension 1009"),
        ("PUT", PHONE, "{\"desk_extension\": \"1001\"}", 409, "in use already"),
        ("PUT", PHONE, "{\"vendor\": \"Snom GmbH\"}", 422, "lower-case"),
        ("PUT", PHONE, &format!("{{\"label\": \"{long}\"}}"), 422, "1 to 200 bytes"),
        ("PUT", PHONE, "{\"secret\": \"4711\"}", 422, "8 to 64 visible"),
        ("PUT", PHONE, "{\"secret\": 4711}", 422, "`secret` in the request: expected a string"),
        ("PUT", PHONE, "{\"emergency\": {\"caller_id\": \"+43 1\"}}", 422, "no spaces"),
        ("PUT", "/api/v1/users/1002", "{}", 422, "missing field `name`"),
        ("PUT", "/api/v1/users/1002", "{\"name\": \"\"}", 422, "1 to 200 bytes"),
        ("PUT", "/api/v1/users/1002", "{\"name\": \"x\", \"away\": \"$\"}", 422, "`away`"),
        (
            "PUT",
            "/api/v1/users/1002",
            "{\"name\": \"x\", \"params\": {\"vm-password\": \"4711\"}}",
            422,
            "hotdeskd sets it itself",
        ),
        ("PUT", "/api/v1/users/1001/pin", "{\"pin\": 4711}", 422, "expected a string"),
        ("PUT", "/api/v1/users/1001/pin", "{\"pin\": \"47\"}", 422, "4 to 12 digits"),
        ("PUT", "/api/v1/users/1001/pin", "{\"random\": false}", 422, "expected true"),
        (
            "PUT",
            "/api/v1/users/1009/pin",
            "{\"pin\": \"4711\"}",
            404,
            "no user with extension 1009",
        ),
        ("POST", "/api/v1/sessions", "{\"phone\": \"0004132a0001\"}", 422, "missing field `user`"),
        ("GET", "/api/v1/journal?limit=0", "", 422, "1 to 1000"),
        ("GET", "/api/v1/journal?limit=x", "", 400, "invalid digit"),
        ("GET", "/api/v1/journal?who=x", "", 400, "unknown field"),
        ("PUT", PHONE, &" ".repeat(70_000), 413, "length limit"),
    ];
    for (method, path, body, status, said) in cases {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let (answered, text) = office.send(request).await;
        let problem: Value = serde_json::from_str(&text).unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(answered.as_u16(), status, "{method} {path} {body:.80}: {detail}");
        assert!(detail.contains(said), "{method} {path} {body:.80}: {detail}");
        assert!(!text.contains("4711"), "{text}");
    }
    let request = Request::put(PHONE).body(Body::from("{}")).unwrap();
    assert_eq!(office.send(request).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(office.get("/api/v1/phones").await, json!([]));
    assert_eq!(office.get("/api/v1/users").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_socket_is_for_its_owner_only_and_replaces_a_stale_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    for _ in 0..2 {
        let _listener = admin::bind(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        tokio::net::UnixStream::connect(&path).await.unwrap();
    }
    let names = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(names.count(), 1);
}
