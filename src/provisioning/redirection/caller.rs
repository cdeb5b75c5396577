//! Asking a service again when it did not answer, and giving it up in the end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Trouble};
use super::xml_rpc::Refusal;

/// How often one thing is tried.
const TRIES: u32 = 4;
/// How long before the second time; each further pause is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// After how many calls in a row that failed a service is given up.
const ENOUGH: u32 = 12;

/// A service during one round.
pub(super) struct Caller {
    pub(super) client: Client,
    stop: CancellationToken,
    /// How many calls in a row failed.
    failed: AtomicU32,
    /// Why the service is given up.
    over: OnceLock<Arc<Trouble>>,
}

impl Caller {
    pub(super) fn new(client: Client, stop: CancellationToken) -> Self {
        Self { client, stop, failed: AtomicU32::new(0), over: OnceLock::new() }
    }

    /// Whether somebody wants the round to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Ends the round.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Why the service is given up, where it is.
    pub(super) fn over(&self) -> Option<Trouble> {
        self.over.get().map(|trouble| (**trouble).clone())
    }

    /// Whether nothing more is to be begun.
    pub(super) fn is_over(&self) -> bool {
        self.is_stopped() || self.over.get().is_some()
    }

    /// Notes how one call went.
    pub(super) fn note<T>(&self, went: &Result<T, Trouble>) {
        match went {
            Ok(_) => self.failed.store(0, Ordering::Relaxed),
            // As it says to each question of a kind that it does not know.
            Err(trouble) if trouble.is_an_answer() => {}
            Err(trouble) => {
                let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
                if trouble.is_for_all() || failed >= ENOUGH {
                    // The first one is as good as the others.
                    let _ = self.over.set(Arc::new(trouble.clone()));
                }
            }
        }
    }

    /// Waits before the next time, after so many times that failed: longer each time, and not at the same moment as
    /// the others. `false` where nothing more is to be begun.
    pub(super) async fn pause(&self, times: u32, trouble: &Trouble) -> bool {
        if self.is_over() {
            return false;
        }
        let usual = PAUSE * 2u32.saturating_pow(times.saturating_sub(1));
        let jitter = rand::rng().random_range(0.5..1.5);
        let pause = trouble.wait().unwrap_or_default().max(usual.mul_f64(jitter));
        let slept = self.stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        slept.is_some() && !self.is_over()
    }

    /// Asks, and again where that may help. For questions only: they may be asked twice.
    pub(super) async fn ask<T, F: Future<Output = Result<T, Trouble>>>(
        &self,
        question: impl Fn() -> F,
    ) -> Result<T, Trouble> {
        let mut times = 0;
        loop {
            let answer = question().await;
            self.note(&answer);
            times += 1;
            match answer {
                Err(trouble) if trouble.may_pass() && times < TRIES => {
                    if !self.pause(times, &trouble).await {
                        return Err(trouble);
                    }
                }
                answer => return answer,
            }
        }
    }

    /// Tells the service something, and again where that may help; but first it is asked whether it `is_so` already,
    /// where it may have been done although no answer came. What is told twice is told twice to somebody's phone.
    pub(super) async fn tell<T, A>(
        &self,
        tell: impl Fn() -> T,
        is_so: impl Fn() -> A,
    ) -> Result<Result<(), Refusal>, Trouble>
    where
        T: Future<Output = Result<Result<(), Refusal>, Trouble>>,
        A: Future<Output = Result<Result<bool, Refusal>, Trouble>>,
    {
        let (mut times, mut is_certain) = (0, true);
        loop {
            let went = match is_certain {
                true => tell().await.map(|told| told.map(|()| true)),
                false => is_so().await,
            };
            self.note(&went);
            times += 1;
            let trouble = match went {
                Ok(Ok(true)) => return Ok(Ok(())),
                Ok(Err(refusal)) => return Ok(Err(refusal)),
                // It was not done: it is told again.
                Ok(Ok(false)) => {
                    is_certain = true;
                    continue;
                }
                Err(trouble) => trouble,
            };
            let again = trouble.may_pass() && times < TRIES;
            if !again || !self.pause(times, &trouble).await {
                return Err(trouble);
            }
            // Whoever was not reached has done nothing.
            is_certain &= matches!(trouble, Trouble::Unreachable(_));
        }
    }
}
