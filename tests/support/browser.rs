//! A real Chromium, driven over WebDriver by Debian's chromedriver. A dozen of its requests are all that the tests need, so
//! they are made here: the usual crate would change how JSON is written in every test build.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How long anything may take that happens by itself.
const SOON: Duration = Duration::from_secs(20);
/// What a WebDriver element is called in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The browser, with one window.
pub struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
    /// The browser's own process: it outlives a driver that is killed.
    pid: u64,
    _folder: tempfile::TempDir,
}

/// What the page's console and network said.
#[derive(Debug, Default)]
pub struct Heard {
    /// Errors of scripts, of the content security policy, and of requests.
    pub errors: Vec<String>,
    /// Where requests went.
    pub urls: Vec<String>,
}

impl Browser {
    /// Starts one, 1280 by 800.
    pub async fn start() -> Self {
        super::install_tls();
        let folder = tempfile::tempdir().unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", folder.path())
            .env("HOME", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver: install Debian's package chromium-driver");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .map(Result::unwrap)
            .find_map(|line| {
                let port = line.split_once("started successfully on port ")?.1;
                Some(port.trim_end_matches('.').parse::<u16>().unwrap())
            })
            .expect("chromedriver says its port");
        let http = reqwest::Client::builder().no_proxy().timeout(SOON).build().unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let mut browser = Self { driver, http, session: base.clone(), pid: 0, _folder: folder };
        let arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        }}});
        let made = browser.post("/session", wanted).await;
        browser.session = format!("{base}/session/{}", made["sessionId"].as_str().unwrap());
        browser.pid = made["capabilities"]["goog:processID"].as_u64().unwrap();
        browser.size(1280, 800).await;
        browser
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.try_post(path, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn try_post(&self, path: &str, body: Value) -> Result<Value, String> {
        let request = self.http.post(format!("{}{path}", self.session)).json(&body);
        let response = request.send().await.map_err(|error| error.to_string())?;
        let is_good = response.status().is_success();
        let mut answer: Value = response.json().await.map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if is_good { Ok(value) } else { Err(value["message"].to_string()) }
    }

    /// A command of the DevTools protocol.
    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Makes the window so large; `--window-size` would not go below 500.
    pub async fn size(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Whether the person likes it dark.
    pub async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        self.script("return location.href").await.as_str().unwrap().to_owned()
    }

    /// What a script in the page returns.
    pub async fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// What a script in the page hands to its last argument.
    pub async fn later(&self, script: &str) -> Value {
        self.post("/execute/async", json!({ "script": script, "args": [] })).await
    }

    async fn element(&self, css: &str) -> Result<String, String> {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.try_post("/element", wanted).await?;
        Ok(found[ELEMENT].as_str().unwrap().to_owned())
    }

    /// Clicks where a person would.
    pub async fn click(&self, css: &str) {
        let element = self.element(css).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Types into a field what stands there already or not.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = self.element(css).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        self.post(&format!("/element/{element}/clear"), json!({})).await;
        self.post(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Presses keys, wherever the focus is.
    pub async fn press(&self, keys: &[&str]) {
        let strokes = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|what| json!({ "type": what, "value": key })));
        let strokes: Vec<Value> = strokes.collect();
        let keyboard = json!([{ "type": "key", "id": "keyboard", "actions": strokes }]);
        self.post("/actions", json!({ "actions": keyboard })).await;
    }

    /// The text that a person sees there; none where there is no such element.
    pub async fn text(&self, css: &str) -> Option<String> {
        let css = json!(css);
        let text = self.script(&format!("return document.querySelector({css})?.innerText")).await;
        text.as_str().map(str::to_owned)
    }

    /// Waits until a text stands there.
    pub async fn until(&self, css: &str, text: &str) {
        let until = Instant::now() + SOON;
        loop {
            let found = self.text(css).await;
            if found.as_ref().is_some_and(|found| found.contains(text)) {
                return;
            }
            if Instant::now() > until {
                let page = self.text("body").await.unwrap_or_default();
                panic!("`{css}` does not say `{text}` but {found:?}; the page says:\n{page}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What was said since the last time. Refused requests (4xx) are told as errors too.
    pub async fn heard(&self) -> Heard {
        let mut heard = Heard::default();
        for line in self.post("/se/log", json!({ "type": "browser" })).await.as_array().unwrap() {
            if line["level"] != "INFO" && line["level"] != "DEBUG" {
                let (source, message) = (line["source"].as_str(), line["message"].as_str());
                heard.errors.push(format!("{}: {}", source.unwrap(), message.unwrap()));
            }
        }
        let log = self.post("/se/log", json!({ "type": "performance" })).await;
        for line in log.as_array().unwrap() {
            let message: Value = serde_json::from_str(line["message"].as_str().unwrap()).unwrap();
            let message = &message["message"];
            if message["method"] == "Network.requestWillBeSent" {
                heard.urls.push(message["params"]["request"]["url"].as_str().unwrap().to_owned());
            }
        }
        heard
    }

    /// A picture of the window.
    pub async fn picture(&self, file: &Path) {
        let answer = self.http.get(format!("{}/screenshot", self.session)).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let png = STANDARD.decode(answer["value"].as_str().unwrap()).unwrap();
        std::fs::write(file, png).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        if self.pid != 0 {
            let _ = Command::new("kill").args(["-s", "KILL", &self.pid.to_string()]).status();
        }
    }
}
