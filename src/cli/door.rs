//! The way to the admin API: over the daemon's unix socket, or in process when no daemon runs.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde::de::DeserializeOwned;

use crate::app;
use crate::config::Config;
use crate::http::admin::{Ask, InProcess, Outside, ProblemView};
use crate::store::Lock;

/// How long a command waits for another one to be done with the store, or for a daemon that starts.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer may take; the daemon gives up before.
const ANSWER: Duration = Duration::from_secs(30);

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
        // As the daemon does when it starts, so that a listed user can be given a PIN before that.
        app::take_over_users_file(config, &desk).await?;
        let customers = app::customers(config, Some(desk.store().clone()))?;
        let ldap = app::ldap_mirror(config, &desk);
        let phones = Some(app::unwatched_phones(config)?);
        let outside = Outside { customers, ldap, queues: None, phones };
        let api = InProcess::new(app::provisioning(config, desk), outside);
        Ok(Self { way: Way::Here { api, _lock: lock } })
    }

    /// Asks, and reads the answer.
    pub(super) async fn ask<T: DeserializeOwned>(&self, ask: Ask<'_>) -> anyhow::Result<T> {
        let (status, body) = match &self.way {
            Way::Daemon(client) => over_socket(client, ask).await?,
            Way::Here { api, .. } => api.ask(ask).await?,
        };
        if !(200..300).contains(&status) {
            let problem = serde_json::from_slice::<ProblemView>(&body);
            let told = problem.map(|problem| problem.detail);
            return Err(anyhow!(told.unwrap_or_else(|_| format!("the daemon answered {status}"))));
        }
        let body = if body.is_empty() { b"null" } else { &body[..] };
        serde_json::from_slice(body)
            .context("the answer of the daemon cannot be read; is it of the same version?")
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
