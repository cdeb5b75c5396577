//! The way to the admin API: over the daemon's unix socket, or in process when no daemon runs.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use futures_util::StreamExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use crate::app;
use crate::config::Config;
use crate::http::admin::{Ask, InProcess, MOST_ROWS, Outside};
use crate::http::problem::ProblemView;
use crate::store::Lock;

/// How long a command waits for another one to be done with the store, or for a daemon that starts.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer may take; the daemon gives up before.
const ANSWER: Duration = Duration::from_secs(30);
/// How long an answer may take that tells how far it is.
const SENDING: Duration = Duration::from_secs(1_800);

/// The API, wherever it is.
pub(super) struct Door {
    way: Way,
}

enum Way {
    Daemon(reqwest::Client),
    /// The store is ours for as long as this lives.
    Here {
        api: InProcess,
        _lock: Lock,
    },
}

impl Door {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let socket = config.admin_socket();
        let begun = tokio::time::Instant::now();
        loop {
            // Root may use the daemon of another user, but not make files in its folder.
            let taken = Lock::take(&config.data);
            let is_there = tokio::net::UnixStream::connect(&socket).await;
            match (taken, is_there) {
                (Ok(Some(lock)), _) => return Self::here(config, lock).await,
                (Ok(None) | Err(_), Ok(_)) => return Self::daemon(&socket),
                (Err(error), Err(_)) => return Err(error.into()),
                (Ok(None), Err(error)) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    bail!(
                        "a daemon runs, but {} is not for this user; run this as the daemon's user, as in `sudo -u hotdeskd hotdeskd …`",
                        socket.display()
                    );
                }
                (Ok(None), Err(_)) if begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                (Ok(None), Err(error)) => bail!(
                    "another hotdeskd has the store in {} and does not answer at {}: {error}; try again, or stop it",
                    config.data.display(),
                    socket.display()
                ),
            }
        }
    }

    fn daemon(socket: &std::path::Path) -> anyhow::Result<Self> {
        let client =
            reqwest::Client::builder().unix_socket(socket).no_proxy().timeout(ANSWER).build()?;
        Ok(Self { way: Way::Daemon(client) })
    }

    async fn here(config: &Config, lock: Lock) -> anyhow::Result<Self> {
        let desk = app::open_desk(config).await?;
        let webhooks = Some(app::webhooks(config, desk.store()));
        // As the daemon does when it starts, so that a listed user can be given a PIN before that.
        app::take_over_users_file(config, &desk).await?;
        let customers = app::customers(config, Some(desk.store().clone()))?;
        let ldap = app::ldap_mirror(config, &desk, Handle::current());
        let provisioning = app::provisioning(config, desk);
        let redirections = app::redirections(config, &provisioning);
        let phones = Some(app::unwatched_phones(config)?);
        let system = None;
        let outside = Outside {
            customers,
            ldap,
            queues: None,
            redirections,
            phones,
            webhooks,
            emergency: None,
            system,
        };
        let api = InProcess::new(provisioning, outside);
        Ok(Self { way: Way::Here { api, _lock: lock } })
    }

    /// Asks, and reads the answer.
    pub(super) async fn ask<T: DeserializeOwned>(&self, ask: Ask<'_>) -> anyhow::Result<T> {
        let (status, body) = match &self.way {
            Way::Daemon(client) => over_socket(client, ask).await?,
            Way::Here { api, .. } => api.ask(ask).await?,
        };
        if !is_good(status) {
            return Err(problem(status, &body));
        }
        let body = if body.is_empty() { b"null" } else { &body[..] };
        serde_json::from_slice(body)
            .context("the answer of the daemon cannot be read; is it of the same version?")
    }

    /// Reads a whole list, part by part. `key` is what a row is known by in the list's order.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        key: impl Fn(&T) -> String,
    ) -> anyhow::Result<Vec<T>> {
        let with = if path.contains('?') { '&' } else { '?' };
        let mut all: Vec<T> = Vec::new();
        loop {
            let after = all.last().map(|row| {
                let key = key(row);
                format!("&after={}", utf8_percent_encode(&key, NON_ALPHANUMERIC))
            });
            let path = format!("{path}{with}limit={MOST_ROWS}{}", after.unwrap_or_default());
            let part: Vec<T> = self.ask(Ask::get(&path)).await?;
            let is_last = part.len() < MOST_ROWS as usize;
            all.extend(part);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Sends bytes of a kind, and hands each line of the answer to `line` as it comes.
    pub(super) async fn send(
        &self,
        path: &str,
        kind: &str,
        body: Vec<u8>,
        mut line: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut lines = Lines::default();
        let status = match &self.way {
            Way::Daemon(client) => {
                let url = format!("http://hotdeskd/api/v1{path}");
                let request = client.post(url).header(reqwest::header::CONTENT_TYPE, kind);
                let request = request.timeout(SENDING).body(body);
                let mut response = request.send().await.context("the daemon does not answer")?;
                let status = response.status().as_u16();
                let broke_off = "the daemon's answer broke off";
                while let Some(some) = response.chunk().await.context(broke_off)? {
                    lines.take(&some, is_good(status), &mut line)?;
                }
                status
            }
            Way::Here { api, .. } => {
                let (status, mut answer) = api.send(path, kind, body).await?;
                while let Some(some) = answer.next().await {
                    lines.take(&some?, is_good(status), &mut line)?;
                }
                status
            }
        };
        if is_good(status) { Ok(()) } else { Err(problem(status, &lines.rest)) }
    }
}

fn is_good(status: u16) -> bool {
    (200..300).contains(&status)
}

/// What an answer that is not good says.
fn problem(status: u16, body: &[u8]) -> anyhow::Error {
    let problem = serde_json::from_slice::<ProblemView>(body);
    let told = problem.map(|problem| problem.detail);
    anyhow!(told.unwrap_or_else(|_| format!("the daemon answered {status}")))
}

/// An answer that comes in pieces, as lines.
#[derive(Default)]
struct Lines {
    /// The beginning of a line, or all of an answer that is not good.
    rest: Vec<u8>,
}

impl Lines {
    fn take(
        &mut self,
        some: &[u8],
        in_lines: bool,
        line: &mut impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.rest.extend_from_slice(some);
        while in_lines && let Some(end) = memchr::memchr(b'\n', &self.rest) {
            let whole: Vec<u8> = self.rest.drain(..=end).collect();
            line(whole.trim_ascii())?;
        }
        Ok(())
    }
}

async fn over_socket(client: &reqwest::Client, ask: Ask<'_>) -> anyhow::Result<(u16, Vec<u8>)> {
    let url = format!("http://hotdeskd/api/v1{}", ask.path);
    let mut request = client.request(ask.method, url);
    if let Some(body) = ask.body {
        request = request.json(&body);
    }
    if ask.only_new {
        request = request.header(reqwest::header::IF_NONE_MATCH, "*");
    }
    let response = request.send().await.context("the daemon does not answer")?;
    let status = response.status().as_u16();
    let body = response.bytes().await.context("the daemon's answer broke off")?;
    Ok((status, body.to_vec()))
}
