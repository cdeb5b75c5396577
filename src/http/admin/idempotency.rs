//! POSTs that may be sent again: `Idempotency-Key`.
//!
//! Who does not hear the answer to a POST sends it again with the same key, and is told what the first one came to. What
//! is a PUT or a DELETE may be sent again as it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::http::access::Operator;
use crate::http::problem::Problem;

/// The request's header.
const KEY: &str = "idempotency-key";
/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// The most answers that are kept; one more forgets the oldest.
const MOST: usize = 1_000;
/// The longest body of a request, and of an answer that is kept.
const LONGEST: usize = 64 * 1024;
/// The longest key.
const LONGEST_KEY: usize = 128;

/// Whose key, and which.
type Key = (String, String);

/// Answers by the keys of their requests. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<HashMap<Key, Kept>>>);

/// What is known of a request.
struct Kept {
    /// The digest of what was asked for.
    asked: [u8; 32],
    begun: Instant,
    /// Absent while it is being done.
    answer: Option<Answer>,
}

/// An answer that can be given again.
#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Gives the answer again where the key is known; else has the request done, and keeps its answer.
pub(super) async fn once(State(answers): State<Answers>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(KEY).filter(|_| *request.method() == Method::POST) else {
        return next.run(request).await;
    };
    let is_key = |text: &&str| (1..=LONGEST_KEY).contains(&text.len());
    let Some(key) = key.to_str().ok().filter(is_key).map(str::to_owned) else {
        let told = format!("the Idempotency-Key: expected 1 to {LONGEST_KEY} letters of ASCII");
        return Problem::new(StatusCode::BAD_REQUEST, told).into_response();
    };
    let whose = request.extensions().get::<Operator>().and_then(Operator::name);
    let key = (whose.map(ToString::to_string).unwrap_or_default(), key);
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST).await else {
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request is too long for an Idempotency-Key",
        )
        .into_response();
    };
    let mut asked = Sha256::new();
    asked.update(parts.uri.to_string().as_bytes());
    asked.update([0]);
    asked.update(&body);
    match answers.begin(&key, asked.finalize().into()) {
        Begun::Anew => {}
        Begun::Again(answer) => return again(answer),
        Begun::Refused(problem) => return problem.into_response(),
    }
    let request = Request::from_parts(parts, Body::from(body));
    // In a task of its own: who asks may go before it is done, and comes again for the answer.
    let doing = Doing { answers, key: Some(key) };
    let done = tokio::spawn(async move {
        let response = next.run(request).await;
        doing.done(response).await
    });
    let lost = |_| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the request broke off").into_response()
    };
    done.await.unwrap_or_else(lost)
}

/// What is to be done with a request.
enum Begun {
    Anew,
    Again(Answer),
    Refused(Problem),
}

impl Answers {
    fn begin(&self, key: &Key, asked: [u8; 32]) -> Begun {
        let now = Instant::now();
        let mut kept = self.lock();
        kept.retain(|_, kept| kept.answer.is_none() || now.duration_since(kept.begun) < KEPT);
        match kept.get(key) {
            Some(known) if known.asked != asked => {
                let told = "this Idempotency-Key was used for another request; take a new one";
                return Begun::Refused(Problem::value(told));
            }
            Some(Kept { answer: Some(answer), .. }) => return Begun::Again(answer.clone()),
            Some(_) => {
                let told =
                    "the request with this Idempotency-Key is being done; try again in a moment";
                return Begun::Refused(Problem::new(StatusCode::CONFLICT, told));
            }
            None => {}
        }
        if kept.len() >= MOST {
            let done = kept.iter().filter(|(_, kept)| kept.answer.is_some());
            let oldest = done.min_by_key(|(_, kept)| kept.begun).map(|(key, _)| key.clone());
            match oldest {
                Some(oldest) => drop(kept.remove(&oldest)),
                None => {
                    let told =
                        "too many requests with an Idempotency-Key are being done; try again";
                    return Begun::Refused(Problem::new(StatusCode::SERVICE_UNAVAILABLE, told));
                }
            }
        }
        kept.insert(key.clone(), Kept { asked, begun: now, answer: None });
        Begun::Anew
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being done. Dropped before it is, its key is free again.
struct Doing {
    answers: Answers,
    key: Option<Key>,
}

impl Doing {
    /// Keeps the answer. What was refused changed nothing, and may come to something the next time.
    async fn done(mut self, response: Response) -> Response {
        if !response.status().is_success() {
            return response;
        }
        let (parts, body) = response.into_parts();
        let Ok(body) = to_bytes(body, LONGEST).await else {
            let told = "it was done, but the answer is too long to be kept";
            return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, told).into_response();
        };
        let answer =
            Answer { status: parts.status, headers: parts.headers.clone(), body: body.clone() };
        let mut kept = self.answers.lock();
        if let Some(kept) = self.key.take().and_then(|key| kept.get_mut(&key)) {
            kept.answer = Some(answer);
        }
        drop(kept);
        Response::from_parts(parts, Body::from(body))
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.answers.lock().remove(&key);
        }
    }
}

fn again(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    let name = HeaderName::from_static("idempotency-replayed");
    response.headers_mut().insert(name, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use tower::ServiceExt as _;

    use super::*;

    /// A router that counts what is done.
    fn counting() -> (Router, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counts = count.clone();
        let done = async move |body: String| {
            let so_many = counts.fetch_add(1, Ordering::SeqCst) + 1;
            match body.as_str() {
                "slow" => tokio::time::sleep(Duration::from_secs(1)).await,
                "fail" => return (StatusCode::SERVICE_UNAVAILABLE, String::new()),
                _ => {}
            }
            (StatusCode::CREATED, so_many.to_string())
        };
        let router = Router::new().route("/x", post(done));
        (router.layer(from_fn_with_state(Answers::default(), once)), count)
    }

    async fn ask(router: &Router, key: &str, body: &'static str) -> (u16, String, bool) {
        let request = Request::post("/x").header(KEY, key).body(Body::from(body)).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let replayed = response.headers().contains_key("idempotency-replayed");
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), LONGEST).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap(), replayed)
    }

    #[tokio::test]
    async fn what_is_sent_again_is_done_once_and_answered_twice() {
        let (router, count) = counting();
        assert_eq!(ask(&router, "a", "x").await, (201, "1".to_owned(), false));
        assert_eq!(ask(&router, "a", "x").await, (201, "1".to_owned(), true));
        assert_eq!(ask(&router, "a", "y").await.0, 422);
        assert_eq!(ask(&router, "b", "x").await, (201, "2".to_owned(), false));
        assert_eq!(ask(&router, "", "x").await.0, 400);
        assert_eq!(count.load(Ordering::SeqCst), 2);
        // What failed may be tried again.
        assert_eq!(ask(&router, "c", "fail").await.0, 503);
        assert_eq!(ask(&router, "c", "fail").await.0, 503);
        assert_eq!(count.load(Ordering::SeqCst), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_before_it_is_done_comes_again_for_the_answer() {
        let (router, count) = counting();
        let impatient = tokio::time::timeout(Duration::from_millis(100), ask(&router, "a", "slow"));
        assert!(impatient.await.is_err());
        assert_eq!(ask(&router, "a", "slow").await.0, 409);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(ask(&router, "a", "slow").await, (201, "1".to_owned(), true));
        assert_eq!(count.load(Ordering::SeqCst), 1);
        tokio::time::sleep(KEPT).await;
        assert_eq!(ask(&router, "a", "slow").await, (201, "2".to_owned(), false));
    }
}
