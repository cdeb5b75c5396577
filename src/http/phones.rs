//! The phones' listener: `/provision/…` (the documents' URLs) and `/p/<key>/…` (each phone's own).
//!
//! Whoever is not let in learns nothing: the same 401 where HTTP credentials are accepted, the same 404
//! everywhere else, whatever the reason and whoever asks.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::content::{Content, ETag, open_inside};
use super::digest::{Passwords, Presented, Realm};
use super::peer::PeerCertificate;
use super::refusals::Limiter;
use crate::metrics::PhoneAnswer;
use crate::model::Mac;
use crate::provisioning::{self, Answer, Kept, Mount, NotReceived, Provisioning, Receipt};

/// How long an answer may take, what a phone sends included.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a nonce is good.
const NONCE: Duration = Duration::from_secs(60);
/// The longest path and query that are looked at, in bytes.
const LONGEST: usize = 2_048;
/// From how many phones at a time something is taken, each of at most a megabyte; further ones wait.
const UPLOADS: usize = 64;
/// How many parts of a query are looked at.
const PAIRS: usize = 16;

/// What the listener answers from.
#[derive(Clone)]
struct Phones {
    provisioning: Provisioning,
    realm: Arc<Realm>,
    refusals: Arc<Limiter>,
    firmware: Option<PathBuf>,
    /// Places for what is being sent.
    uploads: Arc<Semaphore>,
}

/// The router.
pub fn router(provisioning: Provisioning) -> Router {
    let site = provisioning.site();
    let per_minute = site.settings.enrolment.refusals_per_minute;
    let firmware = site.settings.firmware.clone();
    let secret = provisioning.desk().store().derived("digest nonces");
    let realm = Arc::new(Realm::new(secret, "hotdeskd", NONCE));
    let refusals = Arc::new(Limiter::new(per_minute));
    let uploads = Arc::new(Semaphore::new(UPLOADS));
    let phones = Phones { provisioning, realm, refusals, firmware, uploads };
    // One handler for every path: a router's own answers to what it does not know would differ from ours.
    Router::new()
        .fallback(answer)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER))
        .layer(CatchPanicLayer::new())
        .with_state(phones)
}

async fn answer(State(phones): State<Phones>, request: Request) -> Response {
    let begun = Instant::now();
    let (kind, response) = respond(&phones, request).await;
    phones.provisioning.desk().store().metrics().phone(kind, begun.elapsed());
    response
}

/// The answer, and what it counts as.
async fn respond(phones: &Phones, request: Request) -> (PhoneAnswer, Response) {
    let (head, body) = request.into_parts();
    let (uri, now) = (&head.uri, Timestamp::now());
    let from = head
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip().to_canonical());
    let method = match head.method {
        Method::GET | Method::POST => provisioning::Method::Get,
        Method::HEAD => provisioning::Method::Head,
        Method::PUT => provisioning::Method::Put,
        // Nothing is done here, so they look for nothing; what they are called is of no interest.
        _ => {
            let get = provisioning::Method::Get;
            return (PhoneAnswer::Refusal, phones.turn_away(get, &head.headers, from, now));
        }
    };
    let is_long = uri.path().len() + uri.query().map_or(0, str::len) > LONGEST;
    let Some((mount, path)) = door(uri.path()).filter(|_| !is_long) else {
        return (PhoneAnswer::Refusal, phones.turn_away(method, &head.headers, from, now));
    };
    let path = percent_decode_str(path).decode_utf8_lossy();
    let query = pairs(uri.query().unwrap_or_default());
    let presented = match mount {
        Mount::Keyed(_) => provisioning::Presented::Nothing,
        Mount::Open => {
            let mut is_guess = false;
            let passwords = |user: &str| {
                // Whoever is no phone's name guesses nothing: `PlcmSpIp`, which phones have from the factory.
                is_guess = user.parse::<Mac>().is_ok();
                let mut passwords = phones.provisioning.http_passwords(user, now).into_iter();
                Passwords { current: passwords.next(), other: passwords.next() }
            };
            match phones.realm.check(&head.headers, &head.method, uri, now, passwords) {
                Presented::None => provisioning::Presented::Nothing,
                Presented::Stale => provisioning::Presented::Stale,
                Presented::Wrong if !is_guess => provisioning::Presented::Nothing,
                Presented::Wrong => provisioning::Presented::Wrong,
                Presented::Valid { user } => match user.parse::<Mac>() {
                    Ok(mac) => provisioning::Presented::Phone(mac),
                    Err(_) => provisioning::Presented::Wrong,
                },
            }
        }
    };
    let asked = provisioning::Request {
        method,
        mount,
        path: &path,
        query: &query,
        from,
        agent: agent(&head.headers),
        certificate: head.extensions.get::<PeerCertificate>().map(|certificate| certificate.mac),
        presented,
        is_over: phones.refusals.is_over(from),
    };
    match phones.provisioning.answer(&asked, now).await {
        Answer::File(made, receipt) => {
            let content = Content {
                bytes: made.bytes.clone(),
                content_type: HeaderValue::try_from(&made.content_type)
                    .unwrap_or(HeaderValue::from_static("text/plain")),
                etag: ETag::of_hash(&made.hash),
                modified: Some(made.modified),
            };
            let response = serve(phones, content, receipt, &head.method, &head.headers);
            match response.status() {
                StatusCode::NOT_MODIFIED => (PhoneAnswer::Unchanged, response),
                _ => (PhoneAnswer::File, response),
            }
        }
        Answer::Firmware(name) => {
            let response = firmware(phones, &name, &head.method, &head.headers).await;
            match response.status() {
                StatusCode::NOT_FOUND => (PhoneAnswer::Refusal, response),
                _ => (PhoneAnswer::Firmware, response),
            }
        }
        Answer::Upload(upload) => (PhoneAnswer::Upload, keep(phones, upload, body, now).await),
        Answer::Challenge { stale, counts } => {
            if counts {
                phones.refusals.note(from);
            }
            let challenges = phones.realm.challenge(uri, now, stale);
            let mut response = empty(StatusCode::UNAUTHORIZED);
            for challenge in challenges {
                response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
            }
            (PhoneAnswer::Challenge, response)
        }
        Answer::NotFound { counts } => {
            if counts {
                phones.refusals.note(from);
            }
            (PhoneAnswer::Refusal, not_found())
        }
        Answer::Broken => {
            let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            (PhoneAnswer::Broken, response)
        }
    }
}

impl Phones {
    /// The answer to what nobody of ours asks.
    fn turn_away(
        &self,
        method: provisioning::Method,
        headers: &HeaderMap,
        from: IpAddr,
        now: Timestamp,
    ) -> Response {
        let asked = provisioning::Request {
            method,
            mount: Mount::Open,
            path: "",
            query: &[],
            from,
            agent: agent(headers),
            certificate: None,
            presented: provisioning::Presented::Nothing,
            is_over: self.refusals.is_over(from),
        };
        self.provisioning.refused(&asked, now);
        self.refusals.note(from);
        not_found()
    }
}

fn agent(headers: &HeaderMap) -> &str {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.unwrap_or_default()
}

/// Through which door a path leads, and what stands behind it.
fn door(path: &str) -> Option<(Mount<'_>, &str)> {
    if let Some(rest) = path.strip_prefix("/p/") {
        let (key, file) = rest.split_once('/').unwrap_or((rest, ""));
        return Some((Mount::Keyed(key), file));
    }
    let rest = path.strip_prefix("/provision")?;
    match rest.strip_prefix('/') {
        Some(file) => Some((Mount::Open, file)),
        None if rest.is_empty() => Some((Mount::Open, "")),
        None => None,
    }
}

fn serve(
    phones: &Phones,
    content: Content,
    receipt: Receipt,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    // Snom's remote directory is fetched by POST; to the rest of HTTP it is what GET is.
    let method = if method == Method::POST { &Method::GET } else { method };
    let response = content.answer(method, headers);
    phones.provisioning.served(receipt, response.status().as_u16(), length(&response));
    response
}

fn length(response: &Response) -> u64 {
    let length = response.headers().get(header::CONTENT_LENGTH);
    length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or_default()
}

async fn firmware(phones: &Phones, name: &str, method: &Method, headers: &HeaderMap) -> Response {
    let Some(folder) = &phones.firmware else { return not_found() };
    match open_inside(folder, name).await {
        Ok(file) => {
            let kind = HeaderValue::from_static("application/octet-stream");
            file.answer(kind, method, headers)
        }
        Err(error) => {
            tracing::debug!(name, %error, "firmware");
            not_found()
        }
    }
}

async fn keep(
    phones: &Phones,
    upload: provisioning::Upload,
    body: Body,
    now: Timestamp,
) -> Response {
    let Ok(_place) = phones.uploads.acquire().await else {
        return empty(StatusCode::SERVICE_UNAVAILABLE);
    };
    let body = received(body, upload.most).await;
    match phones.provisioning.keep(upload, body, now).await {
        Kept::Taken => empty(StatusCode::CREATED),
        Kept::TooLong => empty(StatusCode::PAYLOAD_TOO_LARGE),
        Kept::Incomplete => empty(StatusCode::BAD_REQUEST),
        Kept::NotNow => empty(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// What is sent, up to a length.
async fn received(body: Body, most: usize) -> Result<Bytes, NotReceived> {
    let mut pieces = body.into_data_stream();
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| NotReceived::Incomplete)?;
        if all.len() + piece.len() > most {
            return Err(NotReceived::TooLong);
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.into())
}

fn not_found() -> Response {
    empty(StatusCode::NOT_FOUND)
}

fn empty(status: StatusCode) -> Response {
    (status, [(header::CONTENT_LENGTH, HeaderValue::from_static("0"))]).into_response()
}

/// The query, decoded.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    query.split('&').filter(|pair| !pair.is_empty()).take(PAIRS).map(pair).collect()
}
