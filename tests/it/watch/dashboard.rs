//! The dashboard for Grafana: every query of it, against the names that we serve and by a real Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};

use hotdeskd::metrics::{Delivery, Levels, Metrics, Mirror, Node, Queue, Webhook};
use hotdeskd::model::Stage;
use regex::Regex;
use reqwest::Client;
use serde_json::Value;

use crate::support::{Office, Plan, free_address, operator_token, until};

/// Every query, as Prometheus would get it.
fn queries() -> Vec<String> {
    fn gather(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(query)) = map.get("expr") {
                    found.push(query.replace("$__rate_interval", "5m").replace("$instance", ".*"));
                }
                map.values().for_each(|value| gather(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| gather(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let dashboard = include_str!("../../../packaging/grafana/hotdeskd.json");
    gather(&serde_json::from_str(dashboard).unwrap(), &mut found);
    assert!(found.len() > 40, "{} queries", found.len());
    found
}

/// All that can be served.
fn everything() -> String {
    let metrics = Metrics::new();
    metrics.redirection_run("snom", true);
    metrics.delivery("crm", Delivery::Taken);
    let name = || "x".to_owned();
    metrics.text(&Levels {
        started: Some(jiff::Timestamp::now()),
        stages: [(Stage::Shown, 1)].into(),
        mirror: Some(Mirror { age: Some(1.0), ..Mirror::default() }),
        nodes: vec![Node { name: name(), ..Node::default() }],
        queues: vec![Queue { node: name(), queue: name(), ..Queue::default() }],
        webhooks: vec![Webhook { target: name(), ..Webhook::default() }],
        ..Levels::default()
    })
}

/// The labels of each series, by its name.
fn served(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let (name, label) = (Regex::new(r"^(\w+)").unwrap(), Regex::new(r#"(\w+)=""#).unwrap());
    let mut served = BTreeMap::<String, BTreeSet<String>>::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let labels = label.captures_iter(line).map(|found| found[1].to_owned());
        served.entry(name.captures(line).unwrap()[1].to_owned()).or_default().extend(labels);
    }
    served
}

#[test]
fn every_query_asks_for_what_we_serve_and_everything_that_we_serve_is_asked_for() {
    let text = everything();
    let (served, mut asked) = (served(&text), BTreeSet::new());
    let name = Regex::new(r"\bhotdeskd_\w+").unwrap();
    let by = Regex::new(r"by \(([\w, ]+)\)").unwrap();
    for query in queries() {
        let names: Vec<_> = name.find_iter(&query).map(|found| found.as_str()).collect();
        assert!(!names.is_empty(), "{query}");
        for one in names {
            let labels = served.get(one).unwrap_or_else(|| panic!("{one} is not served: {query}"));
            asked.insert(one.to_owned());
            for label in by
                .captures_iter(&query)
                .flat_map(|by| by[1].split(", ").map(str::to_owned).collect::<Vec<_>>())
            {
                assert!(labels.contains(&label) || label == "instance", "{label}: {query}");
            }
        }
    }
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let family = line.split(' ').next().unwrap();
        let is_asked = asked.iter().any(|one| {
            let rest = one.strip_prefix(family);
            matches!(rest, Some("" | "_bucket" | "_sum" | "_count"))
        });
        assert!(is_asked, "{family} stands nowhere on the dashboard");
    }
}

/// A Prometheus that scrapes an office.
struct Prometheus {
    process: Child,
    _folder: tempfile::TempDir,
    url: String,
}

impl Prometheus {
    fn start(office: &Office) -> Self {
        let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
        let target = office.config.admin.0.as_ref().unwrap().address;
        let config = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n- job_name: hotdeskd\n  authorization: {{ credentials: \
             '{}' }}\n  static_configs: [{{ targets: ['{target}'] }}]\n",
            operator_token("viewer")
        );
        std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = command.spawn().expect("prometheus is Debian's package of that name");
        Self { process, _folder: folder, url: format!("http://{address}/api/v1/query") }
    }

    /// The answer to a query; nothing while it does not answer.
    async fn ask(&self, client: &Client, query: &str) -> Option<Value> {
        let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = client.get(format!("{}?query={query}", self.url)).send().await.ok()?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_prometheus_reads_us_and_understands_every_query() {
    let office = Office::with(Plan { operators: true, ..Plan::default() }).await;
    let prometheus = Prometheus::start(&office);
    let client = Client::builder().no_proxy().build().unwrap();
    until("it has read us", async || {
        let told = prometheus.ask(&client, "hotdeskd_users").await.unwrap_or_default();
        told["data"]["result"][0]["value"][1] == "3"
    })
    .await;
    for query in queries() {
        let told = prometheus.ask(&client, &query).await.unwrap();
        assert_eq!(told["status"], "success", "{query}: {told}");
    }
    let told = prometheus.ask(&client, "up").await.unwrap();
    assert_eq!(told["data"]["result"][0]["value"][1], "1", "{told}");
}
