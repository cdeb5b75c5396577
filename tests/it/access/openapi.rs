//! The API's description, against the routes that there are and the answers that they give.

use std::collections::BTreeSet;

use hotdeskd::http::admin;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Browser, office};
use crate::support::{PHONES, operator_token};

/// The operations of the document, as `GET /phones viewer`.
fn described(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(move |(method, operation)| {
            let role = operation["x-role"].as_str().unwrap();
            format!("{} {path} {role}", method.to_uppercase())
        })
    });
    operations.collect()
}

#[test]
fn what_is_described_is_what_there_is() {
    let routes = admin::table();
    let there: BTreeSet<String> = routes
        .iter()
        .map(|route| format!("{} {} {}", route.method(), route.path(), route.role()))
        .collect();
    assert_eq!(described(&admin::openapi::document()), there);
}

#[test]
fn each_reference_leads_somewhere_and_each_operation_tells_of_its_path_and_of_what_may_go_wrong() {
    let document = admin::openapi::document();
    let mut all = vec![&document];
    while let Some(value) = all.pop() {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref") {
                    let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{pointer}");
                }
                all.extend(members.values());
            }
            Value::Array(items) => all.extend(items),
            _ => {}
        }
    }
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["responses"]["default"].is_object(), "{method} {path}");
            let told: BTreeSet<String> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|parameter| resolved(&document, parameter))
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                .collect();
            let named = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
            let named: BTreeSet<String> = named.map(str::to_owned).collect();
            assert_eq!(told, named, "{method} {path}");
        }
    }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => value,
    }
}

/// Where a value is not as its schema says; the parts of JSON Schema that the document uses.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolved(document, schema);
    for any in ["anyOf", "oneOf"] {
        if let Some(branches) = schema[any].as_array() {
            let fits = |branch: &Value| {
                let mut found = Vec::new();
                faults(document, branch, value, at, &mut found);
                found.is_empty()
            };
            if !branches.iter().any(fits) {
                found.push(format!("{at}: {value} fits none of {schema}"));
            }
            return;
        }
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other}"),
    };
    if !kinds.is_empty() && !kinds.iter().any(is) {
        found.push(format!("{at}: {value} is none of {kinds:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is none of the words"));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !regex::Regex::new(pattern).unwrap().is_match(text)
    {
        found.push(format!("{at}: {text:?} does not fit {pattern}"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(document, &schema["items"], item, &format!("{at}[{index}]"), found);
    }
    let Some(members) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in members {
        let at = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{at} is not described")),
            (Value::Null, Value::Object(_)) => {
                faults(document, &schema["additionalProperties"], member, &at, found);
            }
            (Value::Null, _) => {}
            (schema, _) => faults(document, schema, member, &at, found),
        }
    }
}

#[tokio::test]
async fn answers_are_as_they_are_described() {
    let office = office().await;
    let phone = PHONES[0].0;
    let body = json!({"label": "Desk 1", "vendor": "snom", "model": "D785", "tags": ["vip"],
        "owner": "1002", "emergency": {"location": "Vienna", "caller_id": "+431"}, "settings": {"language": "de", "x": 1}});
    office.put(&format!("phones/{phone}"), body).await;
    let ada = json!({"name": "Ada", "teams": ["sales"], "keys": [{"number": "1002"}], "settings": {"x": true}});
    office.put("users/1001", ada).await;
    office.post("sessions", json!({"phone": phone, "user": "1001"})).await;
    let document: Value = {
        let (client, token) = (Browser::new(&office), operator_token("viewer"));
        let request = client.ask(Method::GET, "/api/v1/openapi.json").bearer_auth(token);
        request.send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(document, admin::openapi::document());
    let client = Browser::new(&office);
    let mut found = Vec::new();
    let mut looked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        // A stream has no end.
        if operations.get("get").is_none() || path == "/events" {
            continue;
        }
        let asked = path.replace("{mac}", phone).replace("{extension}", "1001");
        let asked = asked.replace("{name}", "x");
        let query = if path == "/customers/lookup" { "?number=%2B431234" } else { "" };
        let request = client.ask(Method::GET, &format!("/api/v1{asked}{query}"));
        let answer = request.bearer_auth(operator_token("admin")).send().await.unwrap();
        let (status, kind) = (answer.status(), answer.headers()["content-type"].clone());
        let answer: Value = answer.json().await.unwrap();
        let described = &operations["get"]["responses"];
        let described = match status {
            StatusCode::OK => &described["200"]["content"]["application/json"]["schema"],
            _ => {
                assert_eq!(kind, "application/problem+json", "{path}: {answer}");
                &document["components"]["schemas"]["Problem"]
            }
        };
        looked += usize::from(status == StatusCode::OK);
        assert!(described.is_object(), "{path}: {status}");
        faults(&document, described, &answer, path, &mut found);
    }
    assert!(looked >= 18, "only {looked} were answered");
    assert_eq!(found, Vec::<String>::new());
}
