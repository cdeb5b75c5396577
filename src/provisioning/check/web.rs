//! A phone's own web server, asked for a page.
//!
//! A MAC address cannot be seen over a router, so that it is the phone rests on its registration: see
//! [`crate::model::RegisteredAs::own_address`]. And because even then somebody may sit between, the password is answered
//! as a digest, which is good for that page alone; Basic only where a setting allows it. No redirect is followed.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{Client, Response, StatusCode, redirect};
use secrecy::SecretString;

use super::digest::{self, Challenge};
use crate::provisioning::compose::WEB_USER;
use crate::provisioning::settings::WebSettings;

/// How long a phone may take to be there.
const CONNECT: Duration = Duration::from_secs(2);
/// How long a page may take, with the question for the password.
const PAGE: Duration = Duration::from_secs(4);
/// The longest page; a phone's whole settings have some hundred kilobytes.
const LONGEST: usize = 2 << 20;

/// Why a page could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// Nobody is there, or no web server.
    #[error("nothing answers; is its web server switched off (`webserver_type`)?")]
    NoAnswer,
    /// It took too long.
    #[error("it did not answer in time")]
    Slow,
    /// It has other credentials.
    #[error("it does not take the password that it was given")]
    Password,
    /// It wants the password as it is.
    #[error(
        "it asks for the password as it is (HTTP Basic), which is not sent (`provisioning.web.basic`)"
    )]
    BasicOnly,
    /// It wants something that we cannot do.
    #[error("it asks for a kind of authentication that hotdeskd does not know")]
    Authentication,
    /// There is no such page.
    #[error("it has no such page; its firmware may show its settings elsewhere")]
    NoPage,
    /// It answered something else.
    #[error("it answered {0}")]
    Status(u16),
    /// It sent too much.
    #[error("the page is longer than {LONGEST} bytes")]
    TooLong,
    /// It is no page of settings.
    #[error("the page is no list of settings")]
    Nonsense,
}

/// The pages of one phone.
pub(super) struct Pages {
    base: String,
    password: SecretString,
    basic: bool,
    client: Option<Client>,
    asked: AtomicBool,
}

impl Pages {
    /// The web server at this address.
    pub(super) fn new(address: IpAddr, settings: WebSettings, password: SecretString) -> Self {
        let scheme = if settings.tls { "https" } else { "http" };
        let base = format!("{scheme}://{}", SocketAddr::new(address, settings.port()));
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(1)
            // A phone's certificate is its own and says nothing; see above what is rested on instead.
            .tls_danger_accept_invalid_certs(true)
            .build();
        let asked = AtomicBool::new(false);
        Self { base, password, basic: settings.basic, client: client.ok(), asked }
    }

    /// Whether the phone asked for a password.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// A page.
    ///
    /// # Errors
    /// See [`Unread`].
    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>, Unread> {
        tokio::time::timeout(PAGE, self.fetch(path)).await.unwrap_or(Err(Unread::Slow))
    }

    async fn fetch(&self, path: &str) -> Result<Vec<u8>, Unread> {
        let first = self.send(path, None).await?;
        if first.status() != StatusCode::UNAUTHORIZED {
            return read(first).await;
        }
        self.asked.store(true, Ordering::Relaxed);
        let headers = first.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenge = Challenge::best(headers.filter_map(|value| value.to_str().ok()));
        let answer = match challenge.ok_or(Unread::Authentication)? {
            Challenge::Digest(digest) => {
                let cnonce = format!("{:016x}", rand::random::<u64>());
                digest.answer(WEB_USER, &self.password, path, &cnonce)
            }
            Challenge::Basic if self.basic => digest::basic(WEB_USER, &self.password),
            Challenge::Basic => return Err(Unread::BasicOnly),
        };
        drop(first);
        let second = self.send(path, Some(&answer)).await?;
        match second.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Unread::Password),
            _ => read(second).await,
        }
    }

    async fn send(&self, path: &str, authorization: Option<&str>) -> Result<Response, Unread> {
        let client = self.client.as_ref().ok_or(Unread::NoAnswer)?;
        let mut request = client.get(format!("{}{path}", self.base));
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        // The error could repeat what was sent.
        request.send().await.map_err(|_| Unread::NoAnswer)
    }
}

/// The body of an answer.
async fn read(mut response: Response) -> Result<Vec<u8>, Unread> {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Err(Unread::NoPage),
        status => return Err(Unread::Status(status.as_u16())),
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Unread::NoAnswer)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
