//! A phone as an HTTP client: no credentials until a 401, no redirects, a deadline, a limit.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT, WWW_AUTHENTICATE};
use reqwest::{Certificate, Client, Identity, Method, Response, Url};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::Error;
use super::digest::{Challenge, Credentials};
use super::report::{Fetch, Problem};
use super::settings::{DeviceSettings, Vendor};
use crate::simulator::node::client_builder;

/// A phone has no room for more.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// No boot makes more requests.
const MAX_REQUESTS: usize = 200;
/// Without credentials, with them, and once more when the nonce was stale.
const MAX_TRIES: usize = 3;

/// The client of one phone.
pub(super) fn client(settings: &DeviceSettings) -> Result<Client, Error> {
    let mut builder = client_builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(settings.deadline)
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(Duration::from_secs(5));
    builder = match (&settings.ca, settings.vendor) {
        (Some(pem), _) => {
            let authorities =
                Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| Error::Authorities)?;
            builder.tls_certs_only(authorities)
        }
        // A Snom verifies nothing until it is told to.
        (None, Vendor::Snom) => builder.tls_danger_accept_invalid_certs(true),
        (None, _) => builder.tls_certs_only([]),
    };
    if let Some(certificate) = &settings.certificate {
        let pem = format!("{}\n{}", certificate.chain, certificate.key.expose_secret());
        // The reason could quote the key.
        let identity = Identity::from_pem(pem.as_bytes()).map_err(|_| Error::Certificate)?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|_| Error::Client)
}

/// The requests of one boot.
pub(super) struct Session {
    client: Client,
    deadline: Duration,
    /// `User-Agent`, which changes between a phone's updater and its application.
    pub(super) agent: String,
    /// What the phone answers a 401 with.
    pub(super) credentials: Option<Credentials>,
    pub(super) requests: Vec<Fetch>,
}

/// What one exchange brought.
pub(super) struct Answer {
    /// 0 when there was none.
    pub(super) status: u16,
    /// There only with status 200.
    pub(super) body: Option<Vec<u8>>,
}

impl Session {
    /// Nothing asked yet, nobody to say who the phone is.
    pub(super) fn new(client: Client, deadline: Duration) -> Self {
        Self { client, deadline, agent: String::new(), credentials: None, requests: Vec::new() }
    }

    /// The body is there when it can be used.
    pub(super) async fn get(&mut self, url: &str) -> Answer {
        self.exchange(Method::GET, url, None).await
    }

    /// The status; 0 when there was no answer.
    pub(super) async fn head(&mut self, url: &str) -> u16 {
        self.exchange(Method::HEAD, url, None).await.status
    }

    /// Whether the server took it does not matter to a phone.
    pub(super) async fn put(&mut self, url: &str, content_type: &'static str, body: Vec<u8>) {
        self.exchange(Method::PUT, url, Some((content_type, body))).await;
    }

    /// The last answer was no use after all.
    pub(super) fn unreadable(&mut self) {
        if let Some(fetch) = self.requests.last_mut() {
            fetch.problem = Some(Problem::Unreadable);
        }
    }

    /// One request with all its tries; each of them is recorded.
    async fn exchange(
        &mut self,
        method: Method,
        url: &str,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Answer {
        let Some(target) = target(url) else {
            self.record(&method, url, 0, 0, Some(Problem::NotAsked));
            return Answer { status: 0, body: None };
        };
        let mut authorization: Option<HeaderValue> = None;
        let mut may_be_stale = false;
        for _ in 0..MAX_TRIES {
            if self.requests.len() >= MAX_REQUESTS {
                break;
            }
            let response = self.send(&method, &target, body.as_ref(), authorization.take()).await;
            let (answer, challenge) = match response {
                Ok(read) => read,
                Err(problem) => {
                    self.record(&method, url, 0, 0, Some(problem));
                    break;
                }
            };
            let sent = body.as_ref().map(|(_, body)| body.len());
            let size = sent.or(answer.body.as_ref().map(Vec::len)).unwrap_or_default();
            self.record(&method, url, answer.status, size, answer.problem);
            // A second 401 means wrong credentials, unless the server says that only the nonce is old.
            let again = match (&challenge, answer.status) {
                (Some(Challenge::Digest(digest)), 401) => !may_be_stale || digest.stale,
                (Some(Challenge::Basic), 401) => !may_be_stale,
                _ => false,
            };
            if let (true, Some(challenge), Some(credentials)) =
                (again, challenge, &self.credentials)
            {
                authorization = authorize(&challenge, credentials, &method, &target);
                if authorization.is_some() {
                    may_be_stale = true;
                    continue;
                }
            }
            return Answer { status: answer.status, body: answer.body };
        }
        Answer { status: 0, body: None }
    }

    /// One try within the deadline, and what the server offers in its 401.
    async fn send(
        &self,
        method: &Method,
        target: &Url,
        body: Option<&(&'static str, Vec<u8>)>,
        authorization: Option<HeaderValue>,
    ) -> Result<(Read, Option<Challenge>), Problem> {
        let mut request = self
            .client
            .request(method.clone(), target.clone())
            .header(USER_AGENT, self.agent.as_str());
        if let Some((content_type, body)) = body {
            request = request.header(CONTENT_TYPE, *content_type).body(body.clone());
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let exchange = async {
            let response = request.send().await.map_err(|_| Problem::NoAnswer)?;
            let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
            let challenge = Challenge::best(challenges.filter_map(|value| value.to_str().ok()));
            Ok((read(method, response).await, challenge))
        };
        timeout(self.deadline, exchange).await.unwrap_or(Err(Problem::TooLate))
    }

    /// Writes a try down.
    fn record(
        &mut self,
        method: &Method,
        url: &str,
        status: u16,
        bytes: usize,
        problem: Option<Problem>,
    ) {
        let method = match *method {
            Method::HEAD => "HEAD",
            Method::PUT => "PUT",
            _ => "GET",
        };
        self.requests.push(Fetch { method, url: url.to_owned(), status, bytes, problem });
    }
}

/// An answer that was read, as far as it is of use.
struct Read {
    status: u16,
    body: Option<Vec<u8>>,
    problem: Option<Problem>,
}

/// Reads a body to its end or to the limit; only a 200 to a GET has one that matters.
async fn read(method: &Method, mut response: Response) -> Read {
    let status = response.status().as_u16();
    let without = |problem| Read { status, body: None, problem };
    if status != 200 || *method == Method::HEAD || *method == Method::PUT {
        return without(None);
    }
    match response.content_length() {
        None => return without(Some(Problem::NoLength)),
        Some(length) if length > MAX_BODY as u64 => return without(Some(Problem::TooLarge)),
        Some(_) => {}
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return without(Some(Problem::TooLarge)),
            Ok(None) => return Read { status, body: Some(body), problem: None },
            Err(_) => return without(Some(Problem::NoAnswer)),
        }
    }
}

/// The URL, when it is one that a simulated phone would ask: HTTP, and not a vendor's own service.
fn target(url: &str) -> Option<Url> {
    let mut target = Url::parse(url).ok()?;
    let host = target.host_str()?.to_ascii_lowercase();
    let vendors = [
        "snom.com",
        "polycom.com",
        "poly.com",
        "yealink.com",
        "grandstream.com",
        "fanvil.com",
        "cisco.com",
    ];
    if vendors.iter().any(|domain| host == *domain || host.ends_with(&format!(".{domain}"))) {
        return None;
    }
    // Whether phones read credentials out of a URL is not known; these do not.
    target.set_username("").ok()?;
    target.set_password(None).ok()?;
    matches!(target.scheme(), "http" | "https").then_some(target)
}

/// The header for the next try; marked so that no log of the client shows it.
fn authorize(
    challenge: &Challenge,
    credentials: &Credentials,
    method: &Method,
    target: &Url,
) -> Option<HeaderValue> {
    let uri = match target.query() {
        Some(query) => format!("{}?{query}", target.path()),
        None => target.path().to_owned(),
    };
    let cnonce = format!("{:016x}", rand::random::<u64>());
    let header = challenge.answer(credentials, method.as_str(), &uri, &cnonce);
    let mut value = HeaderValue::from_str(&header).ok()?;
    value.set_sensitive(true);
    Some(value)
}
