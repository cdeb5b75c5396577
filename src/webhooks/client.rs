//! One POST to a target, with a deadline.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Certificate, Response, redirect};
use tokio::time::timeout;

use super::Target;
use crate::model::Delivery;

/// The longest that a target may have us wait before the next try.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// Why a target did not take an event. None of it holds the path of its URL, which may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Our own settings.
    #[error("{}: {why}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No connection.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The certificate is not one that we believe.
    #[error("its certificate is not believed: {0}; see `ca`, and the name in the URL")]
    Certificate(String),
    /// It did not answer in time.
    #[error("it did not answer in time; see `deadline_seconds`")]
    Late,
    /// The connection broke.
    #[error("its answer broke off")]
    Lost,
    /// It wants us to go elsewhere.
    #[error(
        "it answers with the HTTP status {0} and sends us on, which is not followed; write the URL in full"
    )]
    SentOn(u16),
    /// Another status.
    #[error("it answers with the HTTP status {status}")]
    Status {
        /// Which.
        status: u16,
        /// How long it wants us to wait.
        wait: Option<Duration>,
    },
}

impl Trouble {
    /// How long the target wants us to wait.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Status { wait, .. } => *wait,
            _ => None,
        }
    }
}

/// The way to a target.
pub(super) struct Client {
    http: reqwest::Client,
    deadline: Duration,
}

impl Client {
    /// Reads the authority's file, so that a renewed one counts.
    pub(super) fn new(target: &Target) -> Result<Self, Trouble> {
        let deadline = target.settings.deadline_seconds.seconds();
        let mut builder = reqwest::Client::builder()
            // What is told is for nobody else.
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(deadline)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("hotdeskd/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &target.settings.ca {
            let failed = |why: String| Trouble::Authority { path: path.clone(), why };
            let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
            let roots = Certificate::from_pem_bundle(&pem).ok().filter(|roots| !roots.is_empty());
            let roots =
                roots.ok_or_else(|| failed("there is no certificate in it (PEM)".to_owned()))?;
            builder = builder.tls_certs_only(roots);
        }
        let http = builder.build().map_err(|error| Trouble::Unreachable(reason(&error)))?;
        Ok(Self { http, deadline })
    }

    /// Tells the target; it took it when it says so.
    pub(super) async fn post(
        &self,
        target: &Target,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let (id, at) = (format!("msg_{}", delivery.entry), now.as_second());
        let request = self
            .http
            .post(target.settings.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-signature", target.key.sign(&id, at, &delivery.body))
            .header("webhook-timestamp", at)
            .header("webhook-id", id)
            .body(delivery.body.clone());
        // What stands in the answer nobody reads.
        match timeout(self.deadline, request.send()).await {
            Ok(Ok(response)) => judge(&response),
            Ok(Err(error)) => Err(trouble(&error)),
            Err(_) => Err(Trouble::Late),
        }
    }
}

/// Whether it was taken.
fn judge(response: &Response) -> Result<(), Trouble> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        return Err(Trouble::SentOn(status.as_u16()));
    }
    let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
    let wait = wait.and_then(|wait| wait.trim().parse().ok()).map(Duration::from_secs);
    Err(Trouble::Status { status: status.as_u16(), wait: wait.map(|wait| wait.min(LONGEST_WAIT)) })
}

/// Why nothing came.
fn trouble(error: &reqwest::Error) -> Trouble {
    if error.is_timeout() {
        return Trouble::Late;
    }
    let why = reason(error);
    if why.to_ascii_lowercase().contains("certificate") {
        return Trouble::Certificate(why);
    }
    if error.is_connect() { Trouble::Unreachable(why) } else { Trouble::Lost }
}

/// The innermost cause: what stands around it says only that sending failed, and where to.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
