//! Answers without an end: so many for each operator, and each ends with its session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::operator::Operator;
use super::session::{SessionId, Shared};
use crate::http::problem::Problem;

/// The most streams of one operator: below the six connections that a browser makes to one host.
const MOST_OF_ONE: usize = 5;
/// The most in all.
const MOST: usize = 200;

/// How many streams there are, by operator.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// A stream that counts; dropped, it counts no more.
pub struct StreamPlace {
    streams: Streams,
    whose: String,
    session: Option<SessionId>,
    sessions: Shared,
    stop: CancellationToken,
}

impl Streams {
    pub(super) fn open(
        &self,
        operator: &Operator,
        sessions: &Shared,
        stop: &CancellationToken,
    ) -> Result<StreamPlace, Problem> {
        let whose = operator.name().map(ToString::to_string).unwrap_or_default();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.get(&whose).copied().unwrap_or_default();
        if own >= MOST_OF_ONE || counts.values().sum::<usize>() >= MOST {
            let told = format!(
                "there are too many streams of events already, of yours ({MOST_OF_ONE}) or in all ({MOST}); close one"
            );
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, told));
        }
        counts.insert(whose.clone(), own + 1);
        drop(counts);
        let session = operator.session.as_ref().map(|session| session.id);
        let (streams, sessions, stop) = (self.clone(), sessions.clone(), stop.clone());
        Ok(StreamPlace { streams, whose, session, sessions, stop })
    }
}

impl StreamPlace {
    /// Waits until the stream has to end: the session did, or the daemon stops.
    pub async fn ended(&self) {
        match self.session {
            None => self.stop.cancelled().await,
            Some(session) => tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.sessions.ended(session) => {}
            },
        }
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut counts = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.whose) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.whose);
            }
        }
    }
}
