//! One service, as it is asked: HTTPS, credentials, deadlines, and what each method means.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, Response, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::settings::{Interface, RedirectionSettings};
use super::xml_rpc::{Answer, Refusal, Unreadable, call, spelled};
use crate::model::Mac;

/// The longest answer: a list of some eighty thousand phones.
const LONGEST: usize = 4 << 20;
/// The longest that a service may have us wait before the next call.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How a service is reached, and as whom.
#[derive(Debug, Clone)]
pub struct Access {
    /// Its table.
    pub settings: RedirectionSettings,
    /// The password.
    pub password: SecretString,
}

/// Why a service could not be asked. None of it holds a URL of a phone, or a password.
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
    #[error("the service cannot be reached: {0}")]
    Unreachable(String),
    /// The certificate is not one that we believe.
    #[error("the service's certificate is not believed: {0}; see `ca`, and the name in the URL")]
    Certificate(String),
    /// It did not answer in time.
    #[error("the service did not answer in time; see `deadline_seconds`")]
    Late,
    /// The connection broke.
    #[error("the service's answer broke off")]
    Lost,
    /// It does not believe the credentials.
    #[error("the service does not take user and password (401 or 403)")]
    Unauthorized,
    /// It wants us to go elsewhere, where the password is not for.
    #[error(
        "the service sends us on to {0}, which is not followed; write the URL in full, with the slash at its end"
    )]
    SentOn(String),
    /// It has enough for now.
    #[error("the service wants fewer calls (429); see `parallel`")]
    Busy(Option<Duration>),
    /// Another status.
    #[error("the service answers with the HTTP status {0}")]
    Status(u16),
    /// More than any answer is.
    #[error("the service's answer is longer than any can be")]
    TooLong,
    /// What came instead of an answer.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl Trouble {
    /// Whether the next call may do better.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Late | Self::Lost | Self::Busy(_) => true,
            Self::Status(status) => *status >= 500,
            Self::Unreadable(unreadable) => matches!(unreadable, Unreadable::Broken),
            Self::Authority { .. }
            | Self::Certificate(_)
            | Self::Unauthorized
            | Self::SentOn(_)
            | Self::TooLong => false,
        }
    }

    /// Whether it is the same with every phone.
    pub(super) fn is_for_all(&self) -> bool {
        matches!(
            self,
            Self::Authority { .. } | Self::Certificate(_) | Self::Unauthorized | Self::SentOn(_)
        )
    }

    /// Whether the service is well, and says something all the same.
    pub(super) fn is_an_answer(&self) -> bool {
        matches!(self, Self::Unreadable(Unreadable::Fault { .. } | Unreadable::Shape))
    }

    /// How long the service wants us to wait.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy(wait) => *wait,
            _ => None,
        }
    }
}

/// Whose a phone is at the service.
#[derive(Debug, Clone)]
pub(super) enum Holding {
    /// Ours, and where the service sends it; `None` where it does not tell.
    Ours(Option<SecretString>),
    /// Somebody else's.
    Elsewhere,
    /// Nobody's.
    Nobodys,
}

/// A service.
pub(super) struct Client {
    http: reqwest::Client,
    access: Access,
}

impl Client {
    /// Reads the authority's file, so that a renewed one counts.
    pub(super) fn new(access: Access) -> Result<Self, Trouble> {
        let deadline = access.settings.deadline();
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            // With our password, and to wherever somebody says.
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(deadline)
            .user_agent(concat!("hotdeskd/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &access.settings.ca {
            let failed = |why: String| Trouble::Authority { path: path.clone(), why };
            let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
            let roots = Certificate::from_pem_bundle(&pem).ok().filter(|roots| !roots.is_empty());
            let roots =
                roots.ok_or_else(|| failed("there is no certificate in it (PEM)".to_owned()))?;
            builder = builder.tls_certs_only(roots);
        }
        let http = builder.build().map_err(|error| Trouble::Unreachable(reason(&error)))?;
        Ok(Self { http, access })
    }

    /// How the service is used.
    pub(super) fn settings(&self) -> &RedirectionSettings {
        &self.access.settings
    }

    /// Whether it answers, and takes the credentials.
    pub(super) async fn probe(&self) -> Result<(), Trouble> {
        let asked = match self.interface() {
            Interface::Snom => self.ask("network.echo", &["ping"]).await,
            // An address that nobody has: known or not, it was answered.
            Interface::Gigaset => {
                self.ask("autoprov.checkDevice", &[&spelled(Mac::PLACEHOLDER)]).await
            }
        };
        match asked {
            // Whoever reports a fault has let us in.
            Ok(_) | Err(Trouble::Unreadable(Unreadable::Fault { .. })) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// The phones of this type that are ours; `None` where the service does not list.
    pub(super) async fn list(&self, kind: &str) -> Result<Option<Vec<Mac>>, Trouble> {
        if self.interface() == Interface::Gigaset {
            return Ok(None);
        }
        let answer = self.ask("redirect.listPhones", &[kind]).await?;
        // A type that it does not know has no phones.
        Ok(Some(answer.phones()?.unwrap_or_default()))
    }

    /// Whether the service lists phones.
    pub(super) fn lists(&self) -> bool {
        self.interface() == Interface::Snom
    }

    /// Whose this phone is.
    pub(super) async fn check(&self, mac: Mac) -> Result<Result<Holding, Refusal>, Trouble> {
        let method = match self.interface() {
            Interface::Snom => "redirect.checkPhone",
            Interface::Gigaset => "autoprov.checkDevice",
        };
        let answer = self.ask(method, &[&spelled(mac)]).await?;
        match (answer.accepted()?, self.interface()) {
            (Ok(_), Interface::Snom) => self.held(mac).await,
            (Ok(_), Interface::Gigaset) => Ok(Ok(Holding::Ours(None))),
            (Err(refusal), _) => Ok(not_ours(refusal)),
        }
    }

    /// Where a phone is sent that the service lists as ours.
    pub(super) async fn held(&self, mac: Mac) -> Result<Result<Holding, Refusal>, Trouble> {
        let answer = self.ask("redirect.getPhoneRedirection", &[&spelled(mac)]).await?;
        Ok(match answer.url()? {
            Ok(url) => Ok(Holding::Ours(Some(SecretString::from(url)))),
            Err(refusal) => not_ours(refusal),
        })
    }

    /// Sends a phone to this URL from now on.
    pub(super) async fn register(
        &self,
        mac: Mac,
        url: &SecretString,
    ) -> Result<Result<(), Refusal>, Trouble> {
        let (mac, url) = (spelled(mac), url.expose_secret());
        let answer = match self.interface() {
            Interface::Snom => self.ask("redirect.registerPhone", &[&mac, url]).await?,
            Interface::Gigaset => {
                let params = [mac.as_str(), url, self.access.settings.profile.as_str()];
                self.ask("autoprov.registerDevice", &params).await?
            }
        };
        Ok(answer.accepted()?.map(|_| ()))
    }

    /// Forgets a phone.
    pub(super) async fn deregister(&self, mac: Mac) -> Result<Result<(), Refusal>, Trouble> {
        let method = match self.interface() {
            Interface::Snom => "redirect.deregisterPhone",
            Interface::Gigaset => "autoprov.deregisterDevice",
        };
        let answer = self.ask(method, &[&spelled(mac)]).await?;
        Ok(answer.accepted()?.map(|_| ()))
    }

    fn interface(&self) -> Interface {
        self.access.settings.interface
    }

    /// One call.
    async fn ask(&self, method: &str, params: &[&str]) -> Result<Answer, Trouble> {
        let body = call(method, params).ok_or(Unreadable::Shape)?;
        let request = self
            .http
            .post(self.access.settings.url())
            .basic_auth(&self.access.settings.user, Some(self.access.password.expose_secret()))
            .header(CONTENT_TYPE, "text/xml")
            .body(body);
        let answered = async {
            let response = request.send().await.map_err(|error| trouble(&error))?;
            text(response).await
        };
        let answered = timeout(self.access.settings.deadline(), answered).await;
        let text = answered.unwrap_or(Err(Trouble::Late))?;
        Ok(Answer::read(&text)?)
    }
}

/// What a phone is that the service does not call ours.
fn not_ours(refusal: Refusal) -> Result<Holding, Refusal> {
    match refusal {
        Refusal::Elsewhere => Ok(Holding::Elsewhere),
        Refusal::NoSuchPhone => Ok(Holding::Nobodys),
        refusal => Err(refusal),
    }
}

/// The text of a good answer.
async fn text(mut response: Response) -> Result<String, Trouble> {
    let status = response.status();
    match status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Trouble::Unauthorized),
        StatusCode::TOO_MANY_REQUESTS => return Err(Trouble::Busy(retry_after(&response))),
        _ if status.is_redirection() => return Err(Trouble::SentOn(goal(&response))),
        _ => return Err(Trouble::Status(status.as_u16())),
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| match error.is_timeout() {
        true => Trouble::Late,
        false => Trouble::Lost,
    })? {
        if bytes.len() + chunk.len() > LONGEST {
            return Err(Trouble::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Unreadable::Broken.into())
}

/// How many seconds the service wants us to wait.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Where we are sent on to, without what may be secret.
fn goal(response: &Response) -> String {
    let goal = response.headers().get(LOCATION).and_then(|goal| goal.to_str().ok());
    let goal = goal.and_then(|goal| response.url().join(goal).ok());
    let host = goal.as_ref().and_then(|goal| goal.host_str().map(str::to_owned));
    match (host, goal) {
        (Some(host), Some(goal)) if Some(host.as_str()) == response.url().host_str() => {
            format!("{host}{}", goal.path())
        }
        (Some(host), _) => host,
        _ => "nowhere".to_owned(),
    }
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
